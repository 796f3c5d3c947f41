//! What people with real problems read: recordings of the situations of public reports, and what `why` must say of each, in plain words.
//!
//! They were made in guests with Debian's 6.1, 6.12 and 7.2 kernels; the modules called `fd_*` were made to fail as those of the
//! reports did. The commands in their headers stand without the folders of those guests.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by failing")]

use std::fs::File;

use kmodtrace_core::analysis::why::{Filter, Why, WhyFold, write_text};
use kmodtrace_core::model::{Errno, Zero};
use kmodtrace_core::pipeline::Pipeline;
use kmodtrace_core::recording::Reader;
use kmodtrace_core::report::Source;
use kmodtrace_core::text::Names;

fn why(name: &str, filter: Filter) -> Why {
    let path = format!("{}/tests/field/{name}.kmt", env!("CARGO_MANIFEST_DIR"));
    let mut recording = Reader::new(File::open(path).unwrap()).unwrap();
    let header = recording.header();
    let mut fold = WhyFold::new(
        filter,
        Zero::Boot,
        &header.functions,
        Source::of_header(header).coverage,
    );
    let mut pipeline = Pipeline::default();
    while let Some(record) = recording.next_record().unwrap() {
        pipeline.push(record).unwrap();
        pipeline
            .take()
            .into_iter()
            .for_each(|finished| drop(fold.add(finished)));
    }
    pipeline.flush();
    let end = pipeline.reached();
    pipeline
        .finish()
        .0
        .into_iter()
        .for_each(|finished| drop(fold.add(finished)));
    fold.finish(end)
}

fn text(why: &Why) -> String {
    let mut out = Vec::new();
    write_text(why, usize::MAX, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// All of `why`, or that of a module.
fn says(name: &str, module: Option<&str>, sentences: &[&str]) {
    let filter = Filter {
        modules: Names::matching(module),
        ..Filter::default()
    };
    let said = text(&why(name, filter));
    for sentence in sentences {
        assert!(said.contains(sentence), "{name} does not say `{sentence}`:\n{said}");
    }
    for wrong in ["nothing failed", "an unknown module"] {
        assert!(!said.contains(wrong), "{name} says `{wrong}`:\n{said}");
    }
}

/// What is said of the errno that the user saw.
fn of_errno(name: &str, errno: &str, sentences: &[&str]) -> String {
    let filter = Filter {
        errno: Errno::named(errno),
        ..Filter::default()
    };
    let said = text(&why(name, filter));
    for sentence in sentences {
        assert!(said.contains(sentence), "{name} does not say `{sentence}`:\n{said}");
    }
    said
}

#[test]
fn parameters() {
    says(
        "g1",
        Some("loop"),
        &["parameter refused", "`512M' invalid for parameter `max_loop'"],
    );
    says(
        "g1",
        Some("dummy"),
        &["parameter zfs_arc_meta_balance is unknown to dummy and was ignored"],
    );
}

#[test]
fn built_for_another_kernel() {
    says(
        "g1",
        Some("fd_crc"),
        &["disagrees about version of symbol module_layout"],
    );
    says("g1", Some("fd_magic"), &["built for another kernel", "version magic"]);
}

#[test]
fn symbols() {
    says("g1", Some("xfs"), &["unknown symbol crc32c", "modprobe does"]);
    says(
        "g1",
        Some("fd_gpl"),
        &[
            "kobject_create_and_add",
            "exported to GPL modules only",
            "this module's licence is Propri",
        ],
    );
}

#[test]
fn init_functions_say_why_in_the_log() {
    says(
        "g1",
        Some("fd_dupsys"),
        &[
            "fd_dupsys_init [fd_dupsys] returned EEXIST",
            "'/class/net'",
            "insmod does not",
        ],
    );
    says("a09", None, &["acme/dsp-v3.bin"]);
    says(
        "g1",
        Some("fd_crypt"),
        &["inside it, request 2 for crypto-lrw(twofish)-all failed"],
    );
}

#[test]
fn advice_fits_the_errno() {
    let busy = text(&why(
        "g1",
        Filter {
            modules: Names::matching(["fd_region"]),
            ..Filter::default()
        },
    ));
    assert!(busy.contains("/proc/devices") && !busy.contains("hardware"), "{busy}");
    for module in ["fd_big", "fd_percpu"] {
        let memory = text(&why(
            "g1",
            Filter {
                modules: Names::matching([module]),
                ..Filter::default()
            },
        ));
        assert!(
            memory.contains("no memory") && !memory.contains("loads of it"),
            "{memory}"
        );
    }
    says(
        "g1",
        Some("fd_percpu"),
        &[
            "Could not allocate 30000 bytes percpu data",
            "it asks for 30000 bytes of per-CPU data",
        ],
    );
}

#[test]
fn a_second_try_makes_the_first_harmless() {
    says(
        "g1",
        Some("fd_plain"),
        &[
            "harmless, a second try succeeded",
            "the same task loaded it 16.3 ms later (attempt 13)",
        ],
    );
}

#[test]
fn helpers_that_load_nothing() {
    says(
        "a11",
        None,
        &[
            "it ran /bin/sh, /bin/true (an install line in modprobe.d)",
            "get_fs_type then found no fs-ktfs",
        ],
    );
    says(
        "b06",
        None,
        &[
            "it ran /bin/sh, /sbin/modprobe (an install line in modprobe.d)",
            "exit 1",
        ],
    );
    let said = text(&why("b06", Filter::default()));
    assert!(!said.contains("found no module"), "{said}");
}

#[test]
fn not_allowed_has_two_reasons() {
    says(
        "a13",
        None,
        &[
            "the caller has no CAP_SYS_MODULE",
            "what to do: load as root outside of containers and sandboxes\n",
        ],
    );
    says("a27", None, &["kernel.modules_disabled is 1 (EPERM)"]);
}

#[test]
fn the_errno_that_users_see() {
    let vxlan = of_errno("a14", "EOPNOTSUPP", &["rtnl-link-vxlan", "net/core/rtnetlink.c"]);
    assert!(!vxlan.contains("fs-btrfs"), "{vxlan}");
    let btrfs = of_errno("a14", "ENODEV", &["fs-btrfs"]);
    assert!(!btrfs.contains("rtnl-link-vxlan"), "{btrfs}");
    of_errno("a15", "EOPNOTSUPP", &["no modprobe (ENOENT)"]);
    of_errno("a23", "EAFNOSUPPORT", &["61 requests of net-pf-9 by sockfam"]);
}

#[test]
fn a_helper_that_needs_itself() {
    says(
        "a16",
        None,
        &[
            "to start /sbin/modprobe the kernel requested binfmt-464c",
            "51 requests deep",
            "waited 5.20 s",
        ],
    );
}

#[test]
fn hangs() {
    says(
        "a18",
        None,
        &[
            "a load of kt_init hangs for 5.99 s: its init function kt_init_init [kt_init] has not returned; 1 other waits for it",
            "attempt 2 of task 348 (modprobe) to load kt_init waits for attempt 1",
        ],
    );
}

#[test]
fn waits_have_owners() {
    says(
        "a17",
        None,
        &[
            "signal while waiting for the same name",
            "until attempt 1 of task 319 (modprobe)",
        ],
    );
    says(
        "a19",
        None,
        &["attempt 1 of task 571 (modprobe) was loading kt_dep: kt_dep_init [kt_dep] ran"],
    );
    says(
        "a21",
        None,
        &["took 6.03 s to unload fd_exit: 6.02 s in its exit function"],
    );
    says("a24", None, &["which ended with ENODEV", "lspci -k"]);
}

#[test]
fn a_probe_that_was_put_off() {
    says(
        "a22",
        None,
        &["fd_probe_probe deferred (EPROBE_DEFER)", "because probe_clock did"],
    );
}

#[test]
fn signatures_have_three_headlines() {
    says(
        "a25",
        None,
        &[
            "failed: not signed, and signatures are enforced (EKEYREJECTED)",
            "failed: kernel lockdown refuses unsigned modules (EPERM)",
            "failed: signed with a key that the kernel does not trust (EKEYREJECTED)",
        ],
    );
}

#[test]
fn a_decoder_lacks_something() {
    says("b02", None, &["the kernel's decoder lacks", "xz --check=crc32"]);
}

#[test]
fn nothing_was_seen() {
    let said = text(&why("c09", Filter::default()));
    assert!(said.starts_with("no load, unload or request was seen"), "{said}");
}

#[test]
fn names_from_the_log() {
    says(
        "sid-s1",
        None,
        &[
            "1 load of dummy failed: on the kernel's command line",
            "1 load of veth failed: on the kernel's command line",
        ],
    );
    says("sid-s1", Some("veth"), &["Module veth is blacklisted"]);
}

#[test]
fn pile_ups_are_called_after_most_of_the_time() {
    says(
        "pileup-wrong-kind",
        None,
        &["11 tasks at a time waited 9.82s in all (same-name) for the load of xfs"],
    );
}

#[test]
fn why_a_module_is_loaded() {
    says(
        "a13",
        Some("veth"),
        &[
            "veth was loaded by attempt 2",
            "request 1 for rtnl-link-veth by task 398 (ip) asked for it",
        ],
    );
    says(
        "b06",
        Some("crc32c_intel"),
        &["on the way to libcrc32c, which the same modprobe loaded last (attempt 2)"],
    );
    let nobody = Filter {
        modules: Names::matching(["nosuch"]),
        ..Filter::default()
    };
    assert_eq!(
        text(&why("a13", nobody)),
        "no load, unload or request of such a name was seen\n"
    );
}
