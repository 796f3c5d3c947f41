//! Cgroups: where a task belongs, and which service it is of.

use std::collections::BTreeMap;

/// Cgroups whose paths are known: a machine of many containers has some thousand, and those that load modules are few.
const KEPT: usize = 4_096;

/// Paths of cgroups v2, from the root of their hierarchy on, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cgroups(BTreeMap<u64, String>);

impl Cgroups {
    /// Adds one. Of more than 4,096 nothing is known of the rest.
    pub fn add(&mut self, id: u64, path: &str) {
        if self.0.len() < KEPT {
            self.0.entry(id).or_insert_with(|| path.to_owned());
        }
    }

    /// Whether none is known: a recording of an older kmodtrace, or one without any load.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The service, scope or container of a path: its last unit of systemd, which may have cgroups of its own below it, or else its last name.
    pub fn unit(path: &str) -> &str {
        let is_unit = |name: &&str| [".service", ".scope"].iter().any(|suffix| name.ends_with(suffix));
        let last = path.rsplit('/').next().filter(|name| !name.is_empty());
        path.rsplit('/').find(is_unit).or(last).unwrap_or(path)
    }

    /// The path of one: `/system.slice/systemd-udevd.service`. None where it was gone before it was looked at.
    pub fn path(&self, id: u64) -> Option<&str> {
        self.0.get(&id).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cgroup_is_of_the_unit_that_it_is_below() {
        for (path, unit) in [
            ("/system.slice/systemd-udevd.service/udev", "systemd-udevd.service"),
            ("/system.slice/cron.service", "cron.service"),
            ("/user.slice/user-0.slice/session-1.scope", "session-1.scope"),
            ("/kubepods/burstable/pod7", "pod7"),
            ("/", "/"),
            ("", ""),
        ] {
            assert_eq!(Cgroups::unit(path), unit);
        }
    }
}
