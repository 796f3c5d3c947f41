#![expect(clippy::unwrap_used, reason = "a test says what is wrong by failing")]

use std::collections::BTreeSet;

use super::*;

/// The rows of every errno, as they were found in the source.
const ROWS: &[(&str, &[&str])] = &[
    (
        "EBUSY",
        &[
            "going",
            "leader-failed",
            "dependency-coming",
            "init",
            "init-exists",
            "helper-disabled",
            "unload-busy",
        ],
    ),
    ("EEXIST", &["already-live", "init", "name-clash"]),
    (
        "ENOENT",
        &[
            "unknown-symbol",
            "dependency-going",
            "init",
            "no-modprobe",
            "unload-absent",
        ],
    ),
    (
        "ENOEXEC",
        &[
            "image-too-short",
            "elf-header",
            "no-symbols",
            "no-this-module",
            "module-struct",
            "modversions",
            "vermagic",
            "livepatch-unsupported",
            "rwx-section",
            "common-symbol",
            "bad-section-index",
            "duplicate-export",
            "relocation",
        ],
    ),
    ("ENOMEM", &["memory", "init", "sysfs", "notifier"]),
    (
        "EPERM",
        &[
            "no-capability",
            "blacklisted",
            "lockdown",
            "modules-disabled",
            "lsm",
            "parameter",
            "init-blacklisted",
            "namespace",
            "init",
        ],
    ),
    ("EACCES", &["lsm"]),
    ("EKEYREJECTED", &["unsigned", "untrusted-key", "bad-signature"]),
    ("EBADMSG", &["bad-signature"]),
    (
        "EINTR",
        &[
            "signal-same-inode",
            "signal-same-name",
            "read-interrupted",
            "unload-interrupted",
        ],
    ),
    ("ERESTARTSYS", &["signal-same-name", "slot-killed", "request-killed"]),
    ("EFAULT", &["bad-image-address", "bad-arguments-address"]),
    ("EBADF", &["bad-fd"]),
    ("ETXTBSY", &["open-for-write"]),
    ("EFBIG", &["file-too-big"]),
    ("EIO", &["short-read"]),
    ("EOPNOTSUPP", &["compressed-unsupported"]),
    ("ENODEV", &["init"]),
    ("ENXIO", &["init"]),
    ("ETIME", &["no-slot"]),
    ("ENAMETOOLONG", &["name-too-long"]),
    ("EAGAIN", &["unload-in-use"]),
    (
        "EINVAL",
        &[
            "flags",
            "unreadable-file",
            "bad-compression",
            "decoder",
            "bad-signature",
            "symbol-version",
            "namespace",
            "constructors",
            "misaligned",
            "protect-memory",
            "livepatch-coming",
            "notifier",
            "parameter",
            "name-clash",
            "codetag",
            "init",
            "outside",
        ],
    ),
];

#[test]
fn ids_are_unique_and_rows_complete() {
    let ids: BTreeSet<&str> = all().map(|cause| cause.id).collect();
    assert_eq!(ids.len(), all().count());
    for cause in all() {
        assert!(!cause.meaning.is_empty() && !cause.advice.is_empty(), "{}", cause.id);
        assert!(!cause.makers.is_empty(), "{}", cause.id);
        for name in cause.errnos.named() {
            assert!(Errno::named(name).is_some(), "{}: {name}", cause.id);
        }
        assert!(by_id(cause.id) == Some(cause));
    }
}

#[test]
fn every_errno_has_its_makers() {
    for (name, makers) in ROWS {
        let errno = Errno::named(name).unwrap();
        for id in *makers {
            let cause = by_id(id).unwrap_or_else(|| panic!("{id}"));
            assert!(cause.names(errno), "{id} does not name {name}");
        }
    }
    let of_einval = ROWS.iter().find(|(name, _)| *name == "EINVAL").unwrap().1;
    assert_eq!(of_einval.iter().collect::<BTreeSet<_>>().len(), 17);
    assert!(!by_id("elf-header").unwrap().makes(Errno::named("EINVAL").unwrap()));
}

#[test]
fn subjects_are_errnos_statuses_and_causes() {
    let errno = Subject::Errno(Errno::EBUSY);
    for text in ["EBUSY", "ebusy", "16", "-16"] {
        assert_eq!(text.parse(), Ok(errno), "{text}");
    }
    assert_eq!("256".parse(), Ok(Subject::Status(256)));
    assert_eq!(
        "32512".parse::<Subject>().unwrap().causes(),
        [by_id("helper-not-started").unwrap()]
    );
    assert_eq!(
        "256".parse::<Subject>().unwrap().causes(),
        [by_id("modprobe-failed").unwrap()]
    );
    // As an errno it is known, as a wait status it would be a signal.
    assert_eq!("9".parse(), Ok(Subject::Errno(Errno::EBADF)));
    assert_eq!("leader-failed".parse::<Subject>().unwrap().causes().len(), 1);
    for text in ["", "EBUSIER", "0", "100000", "-99999", "1.5", "99999999999999999999"] {
        assert_eq!(text.parse::<Subject>(), Err(UnknownSubject(text.to_owned())));
    }
}

#[test]
fn wait_statuses() {
    for (status, kind) in [
        (0, None),
        (256, Some(Status::Exit)),
        (32512, Some(Status::NotStarted)),
        (32256, Some(Status::NotStarted)),
        (9, Some(Status::Signal)),
        (139, Some(Status::Signal)),
    ] {
        assert_eq!(Status::from_wait(status), kind, "{status}");
    }
}

#[test]
fn an_explanation_fits_its_columns() {
    for subject in ["EINVAL", "EBUSY", "32512", "no-slot"] {
        let mut out = Vec::new();
        write_explanation(subject.parse().unwrap(), 80, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.is_ascii() && text.lines().all(|line| line.len() <= 80), "{text}");
        if subject == "EBUSY" {
            insta::assert_snapshot!("explain_ebusy", text);
        }
    }
}
