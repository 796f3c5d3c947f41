//! A root file system in the making: paths and what lies there, written out as an initramfs.
//!
//! Laid out as Debian does: everything under usr, with bin, sbin, lib and lib64 as links into it.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::BufWriter,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use super::{cpio::Archive, libraries};

/// Directories a system has before anything is put into it.
const DIRECTORIES: &[&str] = &[
    "dev",
    "etc",
    "out",
    "proc",
    "root",
    "run",
    "sys",
    "tmp",
    "usr/bin",
    "usr/lib",
    "usr/lib64",
    "usr/sbin",
    "var/tmp",
];

/// Links from the historical places into usr.
const MERGED: [&str; 4] = ["bin", "sbin", "lib", "lib64"];

#[derive(Debug)]
enum Node {
    Directory,
    Host(PathBuf),
    Text { contents: Vec<u8>, permissions: u32 },
    Link(String),
    Character(u32, u32),
}

/// Paths are without a leading slash.
#[derive(Debug)]
pub(super) struct Rootfs {
    nodes: BTreeMap<String, Node>,
}

impl Rootfs {
    /// An empty system.
    pub(super) fn new() -> Self {
        let mut rootfs = Self { nodes: BTreeMap::new() };
        for directory in DIRECTORIES {
            rootfs.put(directory, Node::Directory);
        }
        for place in MERGED {
            rootfs.put(place, Node::Link(format!("usr/{place}")));
        }
        rootfs.put("dev/console", Node::Character(5, 1));
        rootfs
    }

    /// A file with contents made here.
    pub(super) fn text(&mut self, path: &str, contents: impl Into<Vec<u8>>, permissions: u32) {
        self.put(
            path,
            Node::Text {
                contents: contents.into(),
                permissions,
            },
        );
    }

    /// A symbolic link.
    pub(super) fn link(&mut self, path: &str, target: &str) {
        self.put(path, Node::Link(target.to_owned()));
    }

    /// A file of the host with its permissions; a directory brings what is in it.
    pub(super) fn host(&mut self, path: &str, source: &Path) -> Result<()> {
        if !source.is_dir() {
            self.put(path, Node::Host(source.to_path_buf()));
            return Ok(());
        }
        self.put(path, Node::Directory);
        for entry in fs::read_dir(source).with_context(|| format!("cannot list {}", source.display()))? {
            let entry = entry?;
            let inner = format!("{path}/{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_symlink() {
                // A module tree links to the sources it was built from; a guest has none.
                continue;
            }
            self.host(&inner, &entry.path())?;
        }
        Ok(())
    }

    /// A program of the host with the libraries it is linked to.
    pub(super) fn program(&mut self, path: &str, source: &Path) -> Result<()> {
        self.host(path, source)?;
        for library in libraries::of(source)? {
            let place = library.place.strip_prefix('/').unwrap_or(&library.place).to_owned();
            self.host(&place, &library.file)?;
        }
        Ok(())
    }

    /// Writes the archive the kernel unpacks.
    pub(super) fn write(&self, file: &Path) -> Result<()> {
        let sink = File::create(file).with_context(|| format!("cannot create {}", file.display()))?;
        let mut archive = Archive::new(BufWriter::new(sink));
        for (path, node) in &self.nodes {
            let written = match node {
                Node::Directory => archive.directory(path),
                Node::Text { contents, permissions } => archive.file(path, *permissions, contents),
                Node::Link(target) => archive.symlink(path, target),
                Node::Character(major, minor) => archive.character_device(path, (*major, *minor)),
                Node::Host(source) => {
                    let unreadable = || format!("cannot read {}", source.display());
                    let contents = fs::read(source).with_context(unreadable)?;
                    let mode = fs::metadata(source).with_context(unreadable)?.permissions().mode();
                    archive.file(path, mode, &contents)
                }
            };
            written.with_context(|| format!("cannot write {path} into the initramfs"))?;
        }
        archive.finish().context("cannot finish the initramfs")?;
        Ok(())
    }

    /// Puts a node at a path, with the directories above it.
    fn put(&mut self, path: &str, node: Node) {
        let path = settled(path);
        let mut above = Path::new(&path).parent();
        while let Some(parent) = above.filter(|parent| !parent.as_os_str().is_empty()) {
            self.nodes
                .entry(parent.to_string_lossy().into_owned())
                .or_insert(Node::Directory);
            above = parent.parent();
        }
        self.nodes.insert(path, node);
    }
}

/// A path below one of the merged directories really lies in usr.
fn settled(path: &str) -> String {
    let path = path.trim_matches('/');
    match path.split_once('/') {
        Some((first, _)) if MERGED.contains(&first) => format!("usr/{path}"),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::Rootfs;

    #[test]
    fn merged_paths_and_parents() {
        let mut rootfs = Rootfs::new();
        rootfs.text("/lib/x86_64-linux-gnu/libc.so.6", "", 0o644);
        rootfs.text("root/a/b", "", 0o644);
        for path in [
            "usr/lib/x86_64-linux-gnu",
            "usr/lib/x86_64-linux-gnu/libc.so.6",
            "root/a",
            "lib",
        ] {
            assert!(rootfs.nodes.contains_key(path), "{path}");
        }
        assert!(!rootfs.nodes.keys().any(|path| path.starts_with("lib/")));
    }
}
