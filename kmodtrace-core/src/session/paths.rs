//! Where the files of modules lie: told once a minute for each file, and known of the others that load it.

use std::sync::Arc;

use super::inodes::Key;
use super::recent::Recent;

/// Files kept. A machine has some thousand modules and loads some hundred.
const KEPT: usize = 4_096;

/// The paths of files, as they were told last.
#[derive(Debug, Default)]
pub(super) struct Paths(Recent<Key, Arc<str>, KEPT>);

impl Paths {
    /// The file lies there. What was told of another one with its number, before that was removed, no longer counts.
    pub(super) fn tell(&mut self, key: Key, path: &str) {
        self.0.tell(key, path.into());
    }

    /// Where the file lies. Another name than the path's last component means another file.
    pub(super) fn of(&self, key: Key, name: &str) -> Option<&str> {
        let path = self.0.get(key)?;
        let last = path.rsplit('/').next().unwrap_or_default();
        // The name is kept to 63 bytes.
        last.starts_with(name).then_some(&**path)
    }
}
