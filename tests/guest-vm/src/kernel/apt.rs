//! Packages of any Debian suite, without touching the system: a private apt configuration.
//!
//! The mirror is the one the machine itself uses, never one written here. Nothing is installed.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

use super::Flavour;
use crate::{paths, process};

/// Debian's own keys, which the packages of every suite are checked against.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Names a mirror on machines that are not Debian's.
const MIRROR_VARIABLE: &str = "KMODTRACE_DEBIAN_MIRROR";

/// The mirror of security updates that goes with it.
const SECURITY_VARIABLE: &str = "KMODTRACE_DEBIAN_SECURITY_MIRROR";

/// One suite's packages through a private configuration.
#[derive(Debug)]
pub(crate) struct Apt {
    dir: PathBuf,
}

impl Apt {
    /// Sets a configuration up in `dir` and reads the suite's lists into it.
    pub(crate) fn open(dir: &Path, flavour: Flavour) -> Result<Self> {
        for sub in ["lists/partial", "archives/partial"] {
            fs::create_dir_all(dir.join(sub)).with_context(|| format!("cannot create {}", dir.join(sub).display()))?;
        }
        fs::write(dir.join("apt.conf"), configuration(dir)).context("cannot write the private configuration")?;
        let apt = Self { dir: dir.to_path_buf() };
        let mirrors = Mirrors::of_this_machine()?;
        let Err(error) = apt.update(&sources(flavour, &mirrors)) else {
            return Ok(apt);
        };
        // A suite that has moved to an archive may have left its security updates elsewhere: its own kernel will do.
        let main_only = Mirrors {
            security: None,
            ..mirrors
        };
        if apt.update(&sources(flavour, &main_only)).is_ok() {
            eprintln!(
                "xtask: kernel {}: going without security updates: {error:#}",
                flavour.name
            );
            return Ok(apt);
        }
        let suite = flavour.suite;
        Err(error.context(format!(
            "cannot read the package lists of {suite} (is it on this machine's mirror? {MIRROR_VARIABLE} names another)"
        )))
    }

    fn update(&self, sources: &str) -> Result<()> {
        fs::write(self.sources(), sources).context("cannot write the private sources list")?;
        process::captured(self.tool("apt-get").arg("update")).map(drop)
    }

    /// The newest version of `package`, then those of its dependencies, and of theirs, whose names start with one of
    /// `follow`; as `name=version`.
    pub(crate) fn with_dependencies(&self, package: &str, follow: &[&str]) -> Result<Vec<String>> {
        let mut found = Vec::new();
        let mut pending = vec![package.to_owned()];
        while let Some(next) = pending.pop() {
            let shown = process::text(self.tool("apt-cache").args(["show", "--no-all-versions", &next]))?;
            let record = Record::parse(&shown).with_context(|| format!("apt shows nothing usable for {next}"))?;
            let package = format!("{}={}", record.package, record.version);
            if !found.contains(&package) {
                found.push(package);
                pending.extend(record.depends_on(follow));
            }
        }
        Ok(found)
    }

    /// Downloads packages, and unpacks what they would install: a new directory in `scratch`.
    pub(crate) fn unpacked<'a>(&self, packages: impl Iterator<Item = &'a str>, scratch: &Path) -> Result<PathBuf> {
        let (debs, tree) = (scratch.join("debs"), scratch.join("tree"));
        for dir in [&debs, &tree] {
            fs::create_dir(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        }
        process::captured(self.tool("apt-get").arg("download").args(packages).current_dir(&debs))?;
        let found = paths::files_in(&debs, "deb")?;
        if found.is_empty() {
            bail!("apt-get download left no package in {}", debs.display());
        }
        for deb in found {
            let arguments = ["-x".as_ref(), deb.as_os_str(), tree.as_os_str()];
            process::captured(&mut process::command("dpkg-deb", arguments))?;
        }
        Ok(tree)
    }

    /// The sources list of the suite, as apt reads it.
    pub(crate) fn sources(&self) -> PathBuf {
        self.dir.join("sources.list")
    }

    fn tool(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.arg("-c").arg(self.dir.join("apt.conf"));
        command.env("LC_ALL", "C").env("DEBIAN_FRONTEND", "noninteractive");
        command
    }
}

/// The private configuration, read after the system's own: proxies and the like stay as the machine has them.
fn configuration(dir: &Path) -> String {
    let dir = dir.display();
    format!(
        r#"Dir::Etc::SourceList "{dir}/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::State::Lists "{dir}/lists";
Dir::State::status "/dev/null";
Dir::Cache::archives "{dir}/archives";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
APT::Architecture "amd64";
APT::Architectures "amd64";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
"#
    )
}

/// Where this machine gets Debian's packages from.
#[derive(Debug, PartialEq, Eq)]
struct Mirrors {
    main: String,
    security: Option<String>,
}

impl Mirrors {
    fn of_this_machine() -> Result<Self> {
        let named = |variable| env::var(variable).ok().filter(|value| !value.is_empty());
        if let Some(main) = named(MIRROR_VARIABLE) {
            return Ok(Self {
                main,
                security: named(SECURITY_VARIABLE),
            });
        }
        let targets = process::text(&mut process::command(
            "apt-get",
            ["indextargets", "--format", "$(SITE)|$(ORIGIN)|$(LABEL)", "Created-By: Packages"],
        ))
        .with_context(|| format!("kernels come from Debian packages, which apt fetches; elsewhere boot one with --kernel-image ({MIRROR_VARIABLE} is for machines with apt)"))?;
        Self::from_targets(&targets).with_context(|| {
            format!(
                "apt's sources on this machine name no Debian mirror; set {MIRROR_VARIABLE} (and {SECURITY_VARIABLE})"
            )
        })
    }

    /// Reads `SITE|ORIGIN|LABEL` lines. Before the first `apt-get update` only the address is known.
    fn from_targets(targets: &str) -> Option<Self> {
        let (mut main, mut security) = (None, None);
        for line in targets.lines() {
            let mut fields = line.split('|');
            let (site, origin, label) = (fields.next()?, fields.next()?, fields.next()?);
            let last = site.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
            if label == "Debian-Security" || last == "debian-security" {
                security.get_or_insert(site);
            } else if origin == "Debian" || last == "debian" {
                main.get_or_insert(site);
            }
        }
        Some(Self {
            main: main?.to_owned(),
            security: security.map(str::to_owned),
        })
    }
}

/// The private sources list of one suite.
fn sources(flavour: Flavour, mirrors: &Mirrors) -> String {
    let suite = flavour.suite;
    let signed = if Path::new(KEYRING).exists() {
        format!("[signed-by={KEYRING}]")
    } else {
        String::new()
    };
    let main = format!("deb {signed} {} {suite} main\n", mirrors.main);
    match &mirrors.security {
        Some(security) if flavour.security => format!("{main}deb {signed} {security} {suite}-security main\n"),
        _ => main,
    }
}

/// What matters of one package's record.
#[derive(Debug, PartialEq, Eq)]
struct Record<'a> {
    package: &'a str,
    version: &'a str,
    depends: Vec<(&'a str, Option<&'a str>)>,
}

impl<'a> Record<'a> {
    /// Reads the first record of what `apt-cache show` prints.
    fn parse(shown: &'a str) -> Option<Self> {
        let first = shown.split("\n\n").next()?;
        let field = |name: &str| {
            first
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        };
        let depends = field("Depends")
            .unwrap_or_default()
            .split(", ")
            .filter_map(Self::dependency)
            .collect();
        Some(Self {
            package: field("Package")?,
            version: field("Version")?,
            depends,
        })
    }

    /// Reads `name (= version)`; of alternatives the first.
    fn dependency(text: &'a str) -> Option<(&'a str, Option<&'a str>)> {
        let mut words = text.split_whitespace();
        let name = words.next()?.split(':').next()?;
        let exact = match (words.next(), words.next()) {
            (Some("(="), Some(version)) => version.strip_suffix(')'),
            _ => None,
        };
        Some((name, exact))
    }

    /// The dependencies whose names start so, tied to their version.
    fn depends_on(&self, prefixes: &[&str]) -> impl Iterator<Item = String> {
        self.depends
            .iter()
            .filter(move |(name, _)| prefixes.iter().any(|prefix| name.starts_with(prefix)))
            .map(|(name, version)| match version {
                Some(version) => format!("{name}={version}"),
                None => (*name).to_owned(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::{Mirrors, Record, sources};
    use crate::kernel::{fetch::PARTS, find};

    const SID: &str = "Package: linux-image-7.2.13+deb14-cloud-amd64\nVersion: 7.2.13-1\nDepends: dracut | \
        linux-initramfs-tool, linux-base-7.2.13+deb14-cloud-amd64 (= 7.2.13-1), \
        linux-binary-7.2.13+deb14-cloud-amd64 (= 7.2.13-1), linux-modules-7.2.13+deb14-cloud-amd64 (= 7.2.13-1)\n\
        Size: 1916\n\nPackage: older\nVersion: 1\n";

    #[test]
    fn image_and_modules_are_followed_and_nothing_else() {
        let depends = Record::parse(SID).map(|record| record.depends_on(PARTS).collect::<Vec<_>>());
        let expected = [
            "linux-binary-7.2.13+deb14-cloud-amd64=7.2.13-1",
            "linux-modules-7.2.13+deb14-cloud-amd64=7.2.13-1",
        ];
        assert_eq!(depends, Some(expected.map(str::to_owned).to_vec()));
    }

    #[test]
    fn mirrors_come_from_the_machine() {
        let targets =
            "http://m.example/debian|Debian|Debian\nhttp://m.example/debian-security|Debian|Debian-Security\n";
        let expected = Mirrors {
            main: "http://m.example/debian".to_owned(),
            security: Some("http://m.example/debian-security".to_owned()),
        };
        assert_eq!(Mirrors::from_targets(targets).as_ref(), Some(&expected));
        // No lists yet: no origin, no label.
        assert_eq!(
            Mirrors::from_targets(&targets.replace("Debian-Security", "").replace("Debian", "")),
            Some(expected)
        );
        assert_eq!(Mirrors::from_targets("http://m.example/ubuntu|Ubuntu|Ubuntu\n"), None);
    }

    #[test]
    fn sid_has_no_security_suite() -> anyhow::Result<()> {
        let mirrors = Mirrors {
            main: "M".to_owned(),
            security: Some("S".to_owned()),
        };
        assert_eq!(sources(find("sid")?, &mirrors).lines().count(), 1);
        assert!(sources(find("bullseye")?, &mirrors).contains("S bullseye-security main"));
        Ok(())
    }
}
