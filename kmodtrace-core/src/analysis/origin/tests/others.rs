//! Init functions, other tasks, symbols, the system calls themselves, and requests.

use super::*;
use crate::model::{Collision, Helper, Note, Request, RequestId, Role, SlotWait};
use crate::plan::Observed;

const LOOKED_UP: &str = "+load_module .module_frob_arch_sections .find_module_all";

#[test]
fn init_functions() {
    let mut failed = attempt(-19, "+load_module +do_init_module -do_init_module=-19 -load_module=-19");
    failed.init = Some(init(-19, Some("acpi_cpufreq_init [acpi_cpufreq]")));
    assert_eq!(told(&failed), "init acpi_cpufreq_init exact init");
    failed.init = Some(init(-19, None));
    assert_eq!(told(&failed), "init do_one_initcall exact init");

    // One that was perhaps not called; a line of the log makes it sure.
    let mut refused = attempt(-1, "");
    refused.init = Some(Init {
        span: Span {
            start: Ktime(1),
            end: Some(Ktime(20_000)),
        },
        ..init(-1, Some("dummy_init"))
    });
    assert_eq!(told(&refused), "init do_one_initcall gap init-blacklisted init");
    let called = attempt(-1, ".initcall_start");
    let by_itself = Attempt {
        trail: called.trail,
        ..refused.clone()
    };
    assert_eq!(told(&by_itself), "init dummy_init exact init");
    refused.log.push(log("initcall dummy_init blacklisted"));
    assert_eq!(told(&refused), "init do_one_initcall exact init-blacklisted");

    let mut overridden = attempt(-16, "");
    overridden.init = Some(init(-17, Some("dm_init")));
    let origin = of(&overridden, &Coverage::default(), nobody).unwrap();
    assert_eq!(in_words(&origin), "init do_init_module exact init-exists");
    assert_eq!(origin.from_errno(), Some(Errno::EEXIST));
    overridden.errno = Some(Errno::EEXIST);
    assert_eq!(told(&overridden), "init dm_init exact init");
}

#[test]
fn the_same_name() {
    let mut duplicate = attempt(-17, LOOKED_UP);
    duplicate.collided_with = Some(Collision::Live);
    assert_eq!(told(&duplicate), "duplicate-check load_module exact already-live");
    assert_eq!(
        of(&duplicate, &Coverage::default(), nobody).unwrap().through,
        Vec::<&str>::new()
    );

    duplicate.errno = Some(Errno::EBUSY);
    duplicate.collided_with = Some(Collision::Going);
    assert_eq!(told(&duplicate), "duplicate-check load_module exact going");
    duplicate.collided_with = Some(Collision::Coming);
    assert_eq!(
        told(&duplicate),
        "duplicate-check load_module exact leader-failed going"
    );
    duplicate.waits = vec![wait(WaitKind::SameName, Some(task(7)))];
    let failed = |id: AttemptId| {
        Some(KnownAttempt {
            task: task(id.0),
            errno: Some(Errno(19)),
        })
    };
    let origin = of(&duplicate, &Coverage::default(), failed).unwrap();
    assert_eq!(in_words(&origin), "duplicate-check load_module exact leader-failed");
    assert_eq!(
        (origin.from.as_ref().unwrap().task.tid, origin.from_errno()),
        (Tid(107), Some(Errno(19)))
    );

    duplicate.errno = Some(Errno::ERESTARTSYS);
    assert_eq!(told(&duplicate), "duplicate-check load_module exact signal-same-name");
    // Kernels that look names up before they lay the module out do it in a function of their own.
    duplicate.trail = marks("+load_module .find_module_all");
    assert_eq!(
        told(&duplicate),
        "duplicate-check module_patient_check_exists exact signal-same-name"
    );
    // It waited, then went on: what comes later made it.
    duplicate.errno = Some(Errno::EBUSY);
    duplicate.symbols = vec![symbol("EBUSY", Some("kt_dep"))];
    assert_eq!(told(&duplicate), "symbols resolve_symbol exact dependency-coming");
}

/// arm64 kernels have `idempotent_init_module` inlined: what other tasks' loads gave cannot be told from what `finit_module` did itself.
#[test]
fn what_was_not_watched_is_not_called_exact() {
    let in_words = |attempt: &Attempt, lost: &[Observed]| {
        let mut coverage = Coverage::default();
        for what in lost {
            coverage.lose(*what, "not watched");
        }
        in_words(&of(attempt, &coverage, nobody).unwrap())
    };
    let alone = attempt(-19, "");
    assert_eq!(in_words(&alone, &[]), "entry finit_module exact ");
    let inode = [Observed::SameInodeWaits];
    assert_eq!(in_words(&alone, &inode), "entry finit_module gap shared-load");
    assert_eq!(in_words(&alone, &[Observed::ReadBytes]), "entry finit_module gap ");
    assert_eq!(
        in_words(&attempt(number("EBADF"), ""), &inode),
        "entry finit_module gap bad-fd shared-load"
    );
    let init_module = Attempt {
        syscall: Some(Syscall::InitModule),
        ..attempt(number("EFAULT"), "")
    };
    assert_eq!(
        in_words(&init_module, &inode),
        "entry init_module exact bad-image-address"
    );
    let lost = Attempt {
        notes: vec![Note::RecordsLost],
        ..init_module
    };
    assert_eq!(in_words(&lost, &[]), "entry init_module gap bad-image-address");

    let mut weak = attempt(-2, LOOKED_UP);
    weak.symbols = vec![symbol("ENOENT", None)];
    assert_eq!(in_words(&weak, &[]), "symbols resolve_symbol exact unknown-symbol");
    assert_eq!(
        in_words(&weak, &[Observed::InitTimes]),
        "symbols resolve_symbol gap unknown-symbol"
    );

    let follower = Attempt {
        role: Some(Role::Follower),
        collided_with: Some(Collision::InFlight),
        leader: Some(task(7)),
        ..alone
    };
    assert_eq!(in_words(&follower, &inode), "shared-load finit_module gap shared-load");
}

#[test]
fn the_same_file() {
    let mut shared = attempt(-19, "+idempotent_init_module -idempotent_init_module=-19");
    shared.role = Some(Role::Follower);
    shared.collided_with = Some(Collision::InFlight);
    shared.waits = vec![wait(WaitKind::SameInode, Some(task(7)))];
    let leader = |errno| {
        move |id: AttemptId| {
            Some(KnownAttempt {
                task: task(id.0),
                errno,
            })
        }
    };
    let origin = of(&shared, &Coverage::default(), leader(Some(Errno(19)))).unwrap();
    assert_eq!(
        in_words(&origin),
        "shared-load idempotent_init_module exact shared-load"
    );
    assert_eq!(origin.from_errno(), Some(Errno(19)));

    shared.errno = Some(Errno::EINTR);
    for (led, expected) in [
        (Some(Errno::OK), "signal-same-inode"),
        (Some(Errno::EINTR), "shared-load"),
        (None, "signal-same-inode shared-load"),
    ] {
        let origin = of(&shared, &Coverage::default(), leader(led)).unwrap();
        assert_eq!(
            in_words(&origin),
            format!("shared-load idempotent_init_module exact {expected}")
        );
    }
    // It led the second time: its own read failed.
    let mut led = attempt(
        -22,
        "+idempotent_init_module .init_module_from_file +kernel_read_file -kernel_read_file=-22",
    );
    led.role = Some(Role::Leader);
    led.waits = shared.waits;
    assert_eq!(told(&led), "read kernel_read_file exact unreadable-file");
}

#[test]
fn symbols() {
    let mut failed = attempt(-2, LOOKED_UP);
    for (errno, owner, line, expected) in [
        (
            "ENOENT",
            None,
            "m: Unknown symbol kt_dep_value (err -2)",
            "unknown-symbol",
        ),
        (
            "ENOENT",
            Some("kt_dep"),
            "m: Unknown symbol kt_dep_value (err -2)",
            "dependency-going",
        ),
        (
            "EBUSY",
            Some("kt_dep"),
            "m: gave up waiting for init of module kt_dep.",
            "dependency-coming",
        ),
        (
            "EINVAL",
            None,
            "m: disagrees about version of symbol kt_dep_value",
            "symbol-version",
        ),
        (
            "EINVAL",
            None,
            "m: module uses symbol (kt_dep_value) from namespace KT, but does not import it.",
            "namespace",
        ),
        ("EINVAL", None, "", "symbol-version namespace"),
    ] {
        failed.errno = Errno::named(errno);
        failed.symbols = vec![symbol(errno, owner)];
        failed.log = vec![log(line)];
        let origin = of(&failed, &Coverage::default(), nobody).unwrap();
        assert_eq!(in_words(&origin), format!("symbols resolve_symbol exact {expected}"));
        assert_eq!(origin.evidence.is_empty(), line.is_empty());
    }
    // A weak symbol may be missing: the load goes on, and fails elsewhere.
    failed.errno = Errno::named("ENOENT");
    failed.symbols = vec![symbol("ENOENT", None)];
    failed.trail.extend(marks(
        ".apply_relocate_add .module_finalize -strndup_user=0 +parse_args -parse_args=-2",
    ));
    assert_eq!(told(&failed), "parameters parse_args exact parameter");
}

#[test]
fn system_calls_themselves() {
    for (errno, flags, syscall, expected) in [
        ("EINVAL", 8, Syscall::FinitModule, "entry finit_module exact flags"),
        ("EBADF", 0, Syscall::FinitModule, "entry finit_module exact bad-fd"),
        (
            "EPERM",
            0,
            Syscall::FinitModule,
            "entry finit_module exact no-capability",
        ),
        (
            "EFAULT",
            0,
            Syscall::InitModule,
            "entry init_module exact bad-image-address",
        ),
        (
            "ENOEXEC",
            0,
            Syscall::InitModule,
            "entry init_module exact image-too-short",
        ),
        (
            "ENOENT",
            0,
            Syscall::DeleteModule,
            "entry delete_module exact unload-absent",
        ),
        (
            "EBUSY",
            0,
            Syscall::DeleteModule,
            "entry delete_module exact unload-busy",
        ),
        (
            "EAGAIN",
            0,
            Syscall::DeleteModule,
            "entry delete_module exact unload-in-use",
        ),
        (
            "EPERM",
            0,
            Syscall::DeleteModule,
            "entry delete_module exact unload-no-capability",
        ),
        (
            "EINTR",
            0,
            Syscall::DeleteModule,
            "entry delete_module exact unload-interrupted",
        ),
    ] {
        let mut refused = attempt(number(errno), "");
        (refused.flags, refused.syscall) = (flags, Some(syscall));
        assert_eq!(told(&refused), expected);
    }
    // 6.5 and later: the descriptor is looked at inside.
    let bad_fd = attempt(-9, "+idempotent_init_module -idempotent_init_module=-9");
    assert_eq!(told(&bad_fd), "entry finit_module exact bad-fd");
    let mut compressed = attempt(-95, "+kernel_read_file -kernel_read_file=4096");
    compressed.flags = 4;
    assert_eq!(
        told(&compressed),
        "decompress finit_module exact compressed-unsupported"
    );
}

/// A request that returned this.
pub(crate) fn request(ret: i64) -> Request {
    Request {
        id: RequestId(1),
        name: "fs-ktfs".into(),
        tid: Tid(812),
        tgid: Tgid(812),
        comm: "test_kmod-0".into(),
        parent: None,
        kernel_thread: Some(true),
        work: None,
        inside: None,
        call_site: None,
        stack: Vec::new(),
        start: Some(Ktime(1)),
        end: Some(Ktime(1000)),
        refused: None,
        slot: None,
        granted: Some(Ktime(2)),
        duplicate: None,
        waits: Some(true),
        helper: None,
        ret: Some(ret),
        caller: None,
        log: Vec::new(),
        notes: Vec::new(),
    }
}

pub(crate) fn helper(status: i64, attempts: Vec<AttemptId>) -> Helper {
    Helper {
        path: "/sbin/modprobe".to_owned(),
        span: Span {
            start: Ktime(10),
            end: Some(Ktime(900)),
        },
        taken_up: None,
        forked: None,
        runs: None,
        tgid: Some(Tgid(900)),
        programs: Vec::new(),
        ended: Some(Ktime(900)),
        status: Some(status),
        attempts,
    }
}

fn told_of(request: &Request) -> String {
    in_words(&of_request(request, nobody).unwrap())
}

#[test]
fn requests_that_got_no_modprobe() {
    let mut refused = request(number("EACCES"));
    (refused.refused, refused.granted) = (Errno::named("EACCES"), None);
    assert_eq!(
        told_of(&refused),
        "security security_kernel_module_request exact security-refused"
    );

    let mut late = request(number("ETIME"));
    late.granted = None;
    late.slot = Some(SlotWait {
        span: Span::from(Ktime(1)),
        errno: Errno::named("ETIME"),
        held: 50,
    });
    assert_eq!(told_of(&late), "slot __request_module exact no-slot");
    late.ret = Some(-512);
    assert_eq!(told_of(&late), "slot __request_module exact slot-killed");
    assert_eq!(
        told_of(&request(-512)),
        "helper call_usermodehelper_exec exact request-killed"
    );
    assert_eq!(
        told_of(&request(number("ENAMETOOLONG"))),
        "entry __request_module exact name-too-long"
    );
    assert_eq!(
        told_of(&request(-16)),
        "helper call_usermodehelper_exec exact helper-disabled"
    );
    assert_eq!(told_of(&request(-2)), "helper __request_module exact no-modprobe");
    assert_eq!(told_of(&request(-22)), "helper call_usermodehelper_exec exact outside");
    assert_eq!(
        told_of(&request(-13)),
        "helper call_usermodehelper_exec exact helper-not-started"
    );
    assert_eq!(of_request(&request(0), nobody), None);
}

#[test]
fn requests_whose_modprobe_ended() {
    for (status, id) in [
        (32512, "helper-not-started"),
        (256, "modprobe-failed"),
        (9, "modprobe-killed"),
    ] {
        let mut ended = request(status);
        ended.helper = Some(helper(status, Vec::new()));
        assert_eq!(told_of(&ended), format!("helper modprobe exact {id}"));
    }
    // kmod takes EEXIST for success: what came before it is the reason.
    let mut failed = request(256);
    failed.helper = Some(helper(256, vec![AttemptId(3), AttemptId(4), AttemptId(5)]));
    let known = |id: AttemptId| {
        Some(KnownAttempt {
            task: task(id.0),
            errno: Some([Errno::OK, Errno(19), Errno::EEXIST][usize::try_from(id.0).unwrap() - 3]),
        })
    };
    let origin = of_request(&failed, known).unwrap();
    assert_eq!(origin.from.unwrap().task.attempt, AttemptId(4));
}
