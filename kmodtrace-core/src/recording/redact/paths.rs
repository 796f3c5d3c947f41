//! Paths of files, programs and cgroups, and names of units.

use super::Redactor;
use crate::model::is_module_file;

/// Programs that lie there on every system.
const PROGRAMS: &[&str] = &[
    "/bin/busybox",
    "/bin/kmod",
    "/bin/sh",
    "/sbin/insmod",
    "/sbin/modprobe",
    "/sbin/rmmod",
];

/// Kinds of units of systemd.
const UNITS: &[&str] = &[
    "automount",
    "device",
    "mount",
    "path",
    "scope",
    "service",
    "slice",
    "socket",
    "swap",
    "target",
    "timer",
];

/// Units that every system with systemd has, beside its services.
const USUAL: &[&str] = &[
    "-.mount",
    "-.slice",
    "basic.target",
    "cryptsetup.target",
    "graphical.target",
    "init.scope",
    "initrd.target",
    "kmodtrace-boot.service",
    "local-fs-pre.target",
    "local-fs.target",
    "machine.slice",
    "multi-user.target",
    "network-online.target",
    "network.target",
    "paths.target",
    "remote-fs.target",
    "sockets.target",
    "swap.target",
    "sysinit.target",
    "system.slice",
    "timers.target",
    "user.slice",
];

impl Redactor {
    /// A path. It stays where it is the same on every system; else its folders go, and what is no module's file.
    pub(super) fn path(&mut self, path: &str) -> String {
        if is_usual(path) {
            return path.to_owned();
        }
        let (folders, name) = path
            .rsplit_once('/')
            .map_or((None, path), |(folders, name)| (Some(folders), name));
        let name = self.file_name(name);
        match folders {
            Some(folders) => format!("{}/{name}", self.folders(folders, "dir-")),
            None => name,
        }
    }

    /// The last component of a path: that of a module's file is the module's name.
    pub(super) fn file_name(&mut self, name: &str) -> String {
        if name.is_empty() || is_module_file(name) {
            name.to_owned()
        } else {
            self.stand_ins.of("file-", name)
        }
    }

    /// Components of a path.
    pub(super) fn folders(&mut self, path: &str, sort: &'static str) -> String {
        let folder = |name: &str| match name {
            "" | "." | ".." | "..." => name.to_owned(),
            name => self.stand_ins.of(sort, name),
        };
        path.split('/').map(folder).collect::<Vec<_>>().join("/")
    }

    /// A cgroup. What was cut begins with dots.
    pub(super) fn cgroup(&mut self, path: &str) -> String {
        let (dots, path) = path.strip_prefix("...").map_or(("", path), |rest| ("...", rest));
        let names = path.split('/').map(|name| self.unit(name));
        dots.to_owned() + &names.collect::<Vec<_>>().join("/")
    }

    /// A unit of systemd, or another cgroup. Of a template of systemd's own the instance goes.
    pub(super) fn unit(&mut self, name: &str) -> String {
        let of_modprobe = name.starts_with("modprobe@");
        let of_systemd = name.starts_with("systemd-");
        let instance = name.split_once('@').filter(|_| of_systemd);
        if name.is_empty() || USUAL.contains(&name) || of_modprobe || of_systemd && instance.is_none() {
            return name.to_owned();
        }
        let kind = name.rsplit_once('.').filter(|(_, kind)| UNITS.contains(kind));
        let Some((_, kind)) = kind else {
            return self.stand_ins.of("dir-", name);
        };
        let stand_in = self.stand_ins.of("unit-", name);
        match instance {
            Some((template, _)) => format!("{template}@{stand_in}.{kind}"),
            None => format!("{stand_in}.{kind}"),
        }
    }
}

/// Whether a path is the same on every system: of an installed module, or of a program that loads them.
fn is_usual(path: &str) -> bool {
    let below = path.strip_prefix("/usr").unwrap_or(path);
    let leads_away = path.split('/').any(|name| name == "..");
    path.is_empty() || PROGRAMS.contains(&below) || below.starts_with("/lib/modules/") && !leads_away
}
