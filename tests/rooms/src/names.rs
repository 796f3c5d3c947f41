//! No public type name means two things: whoever reads one need not look where it comes from.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use syn::{Item, Visibility};

/// The libraries.
const CRATES: [&str; 5] = [
    "kmodtrace-common",
    "kmodtrace-core",
    "kmodtrace-module-file",
    "kmodtrace-parquet",
    "kmodtrace-bpf-toolchain",
];

#[test]
fn each_public_type_has_a_name_of_its_own() -> Result<(), Box<dyn Error>> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut places: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for member in CRATES {
        let source = workspace.join(member).join("src");
        for file in files(&source)? {
            let parsed = syn::parse_file(&fs::read_to_string(&file)?)?;
            let names = parsed.items.iter().filter_map(public_type);
            names.for_each(|name| places.entry(name).or_default().push(file.clone()));
        }
    }
    assert!(places.contains_key("Attempt"), "no types were found");
    places.retain(|_, files| files.len() > 1);
    assert!(places.is_empty(), "{places:#?}");
    Ok(())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    Ok(found)
}

fn public_type(item: &Item) -> Option<String> {
    let (visibility, name) = match item {
        Item::Enum(item) => (&item.vis, &item.ident),
        Item::Struct(item) => (&item.vis, &item.ident),
        Item::Trait(item) => (&item.vis, &item.ident),
        Item::Type(item) => (&item.vis, &item.ident),
        _ => return None,
    };
    matches!(visibility, Visibility::Public(_)).then(|| name.to_string())
}
