//! docs/fleet.md has the schema of every table.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use kmodtrace_parquet::tables;

/// What stands before it.
const BEFORE: &str =
    "<!-- Made of kmodtrace-parquet/src/tables: KMODTRACE_UPDATE=1 cargo test -p kmodtrace-parquet -->\n";

/// The schema as text.
fn schema() -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    for table in tables::all() {
        write!(
            text,
            "\n### {}\n\n{}.\n\n| column | type | unit | |\n| --- | --- | --- | --- |\n",
            table.name, table.row
        )?;
        for [name, kind, unit, doc] in table.columns {
            writeln!(text, "| `{name}` | {kind} | {unit} | {doc} |")?;
        }
    }
    Ok(text)
}

#[test]
fn the_documentation_has_all_columns() -> Result<(), Box<dyn std::error::Error>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/fleet.md");
    let text = fs::read_to_string(&path)?;
    let (rest, there) = text
        .split_once(BEFORE)
        .ok_or("docs/fleet.md has no place for the schema")?;
    let schema = schema()?;
    if env::var_os("KMODTRACE_UPDATE").is_some() {
        fs::write(&path, [rest, BEFORE, &schema].concat())?;
        return Ok(());
    }
    assert!(
        there == schema,
        "docs/fleet.md is not what the tables are: run this with KMODTRACE_UPDATE=1, and look at the difference"
    );
    Ok(())
}

#[test]
fn names_stand_once_and_tell_their_unit() {
    for table in tables::all() {
        let mut names: Vec<_> = table.columns.iter().map(|[name, ..]| *name).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all, "{}", table.name);
        for [name, kind, unit, _] in &table.columns {
            assert_eq!(name.ends_with("_ns"), *unit == "ns", "{name}");
            assert!(*unit != "ns" || kind.contains("bigint"), "{name}");
        }
    }
}
