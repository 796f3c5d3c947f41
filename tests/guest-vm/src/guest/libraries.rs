//! The shared libraries a program of the host needs to run in a guest, as the host's own loader resolves them.

use std::{fs, path::Path, path::PathBuf};

use anyhow::{Context as _, Result};

use crate::process;

/// A library: where the loader looks for it, and the file that is there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Library {
    pub(super) place: String,
    pub(super) file: PathBuf,
}

/// The libraries of a program; none if it is static.
pub(super) fn of(program: &Path) -> Result<Vec<Library>> {
    let output = process::command("ldd", [program])
        .env("LC_ALL", "C")
        .output()
        .with_context(|| format!("cannot run ldd on {}", program.display()))?;
    if !output.status.success() {
        // "not a dynamic executable": static, or a script.
        return Ok(Vec::new());
    }
    let mut libraries = Vec::new();
    for place in places(&String::from_utf8_lossy(&output.stdout)) {
        let file = fs::canonicalize(place).with_context(|| format!("{} needs {place}", program.display()))?;
        libraries.push(Library {
            place: place.to_owned(),
            file,
        });
    }
    Ok(libraries)
}

/// Reads lines like `libz.so.1 => /lib/libz.so.1 (0x7f)` and `/lib64/ld.so.2 (0x7f)`; the vDSO has no file.
fn places(listing: &str) -> Vec<&str> {
    listing
        .lines()
        .filter_map(|line| {
            let path = line
                .split_once(" => ")
                .map_or(line, |(_, path)| path)
                .split_whitespace()
                .next()?;
            path.starts_with('/').then_some(path)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::places;

    #[test]
    fn both_forms_are_read() {
        let listing = "\tlinux-vdso.so.1 (0x00007f)\n\tlibz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x00007f)\n\
            \t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n";
        assert_eq!(
            places(listing),
            ["/lib/x86_64-linux-gnu/libz.so.1", "/lib64/ld-linux-x86-64.so.2"]
        );
    }
}
