use kmodtrace_common::COMM_LEN;
use serde_json::Value;

use super::*;
use crate::analysis::causes;
use crate::kernel::ring::{Ring, RingEvent, RingEventKind, WORDS, is_traced};
use crate::model::{Clock, Device, Ktime, ProbedFunction, SourceLine, Tid};
use crate::recording::{BootUnit, Kernel};
use crate::records::decode::decode;
use crate::records::event::Fact;

fn redactor() -> Redactor {
    Redactor::new(BTreeSet::new(), causes::log_words())
}

fn head<T>(kind: u16) -> record::Header {
    record::Header {
        kind,
        size: u16::try_from(size_of::<T>()).unwrap_or(u16::MAX),
        cpu: 0,
        seq: 1,
        time_ns: 2,
        tid: 3,
        tgid: 4,
    }
}

fn filled<const N: usize>(text: &str) -> [u8; N] {
    let mut room = [0; N];
    for (byte, new) in room.iter_mut().zip(text.bytes()) {
        *byte = new;
    }
    room
}

/// What a record tells once it is redacted.
fn told(redactor: &mut Redactor, record: &(impl IntoBytes + Immutable)) -> Option<Fact> {
    let mut bytes = record.as_bytes().to_vec();
    assert_eq!(redactor.record(&mut bytes), Ok(true));
    decode(&bytes).ok().map(|event| event.fact)
}

fn path(redactor: &mut Redactor, text: &str, len: Option<u32>) -> Option<Fact> {
    let header = head::<record::Path>(kind::PATH);
    let len = len.unwrap_or_else(|| u32::try_from(text.len() + 1).unwrap_or(0));
    let text = filled(text);
    told(
        redactor,
        &record::Path {
            header,
            whole: 1,
            len,
            text,
        },
    )
}

fn line(text: &str) -> Option<Fact> {
    let header = head::<record::Text>(kind::PRINTK);
    let len = text.len() as u64;
    let text = filled(text);
    told(&mut redactor(), &record::Text { header, len, text })
}

#[test]
fn tasks_of_one_kind_stay_of_one_kind() {
    let mut redactor = redactor();
    let mut told = |comm| redactor.comm(comm);
    let first = ["bash", "worker-1", "worker-2", "bash", "db/one", "sh-7"].map(&mut told);
    assert_eq!(first, ["task1", "task2-1", "task2-2", "task1", "task3-3", "sh-4"]);
    assert_eq!(kind_of_task(&first[1]), kind_of_task(&first[2]));
    for comm in ["", "modprobe", "(udev-worker)", "systemd", "kworker/u8:1", "init"] {
        assert_eq!(told(comm), comm);
    }
}

#[test]
fn what_was_behind_a_name_is_gone() {
    let header = head::<record::Owner>(kind::HELPER_FORK);
    let mut comm: [u8; COMM_LEN] = filled("sh\0secret");
    for kept in ["sh", "bash"] {
        comm[..4].copy_from_slice(&filled::<4>(kept));
        comm[4] = 0;
        let owner = record::Owner {
            header,
            tid: 1,
            tgid: 1,
            comm,
        };
        let mut bytes = owner.as_bytes().to_vec();
        assert_eq!(redactor().record(&mut bytes), Ok(true));
        assert!(!bytes.windows(3).any(|bytes| bytes == b"cre"), "{bytes:?}");
    }
}

#[test]
fn folders_go_and_modules_stay() {
    let mut redactor = redactor();
    let mut told = |text| path(&mut redactor, text, None);
    let is = |path: &str| Some(Fact::Path(path.to_owned()));
    assert_eq!(
        told("xfs.ko.xz/fs/kernel/6.1/modules/lib/usr/"),
        is("/usr/lib/modules/6.1/kernel/fs/xfs.ko.xz")
    );
    assert_eq!(told("own.ko/src/bob/home/"), is("/dir-1/dir-2/dir-3/own.ko"));
    assert_eq!(told("notes/bob/home/"), is("/dir-1/dir-2/file-1"));
    // What was cut stays cut, and has no part of the name that was.
    let long = format!("a.ko/{}", "bb/".repeat(90));
    let Some(Fact::Path(cut)) = path(&mut redactor, &long, Some(300)) else {
        unreachable!("no path")
    };
    assert!(
        cut.starts_with(".../dir-4/") && cut.ends_with("/a.ko") && !cut.contains("bb"),
        "{cut}"
    );
}

#[test]
fn programs_that_all_have_stay() {
    let mut redactor = redactor();
    for (path, told) in [
        ("/sbin/modprobe", "/sbin/modprobe"),
        ("/usr/sbin/modprobe", "/usr/sbin/modprobe"),
        ("/opt/acme/agent", "/dir-1/dir-2/file-1"),
        ("/opt/acme/other", "/dir-1/dir-2/file-2"),
        ("/lib/modules/../../home/a.ko", "/dir-3/dir-4/../../dir-5/a.ko"),
        ("agent", "file-1"),
        ("", ""),
    ] {
        assert_eq!(redactor.path(path), told);
    }
}

#[test]
fn units_are_told_apart_from_other_cgroups() {
    let mut redactor = redactor();
    for (path, told) in [
        ("/", "/"),
        (
            "/system.slice/systemd-udevd.service/udev",
            "/system.slice/systemd-udevd.service/dir-1",
        ),
        ("/system.slice/acme.service", "/system.slice/unit-1.service"),
        ("...e/acme.service", ".../dir-2/unit-1.service"),
        (
            "/system.slice/systemd-fsck@dev-bob.service",
            "/system.slice/systemd-fsck@unit-2.service",
        ),
        (
            "/system.slice/modprobe@drm.service",
            "/system.slice/modprobe@drm.service",
        ),
    ] {
        assert_eq!(redactor.cgroup(path).replace("...dir", ".../dir"), told, "{path}");
    }
    assert_eq!(
        redactor.unit("acme.service"),
        "unit-1.service",
        "as in the path of its cgroup"
    );
}

#[test]
fn names_of_parameters_stay() {
    let mut redactor = redactor();
    for (arguments, told) in [
        ("debug=1 key=hunter2 debug=1", "debug=value-1 key=value-2 debug=value-1"),
        ("verbose name=\"a b\" other=\"a b", "verbose name=value-3 other=value-4"),
        ("/home/bob 'x'=1", "value-5 value-6"),
    ] {
        assert_eq!(redactor.arguments(arguments), told);
    }
}

#[test]
fn lines_of_the_loader_stay_and_others_keep_its_words() {
    let is = |line: &str| Some(Fact::Printk(line.to_owned()));
    for (text, told) in [
        (
            "dummy: Unknown symbol foo (err -2)\n",
            "dummy: Unknown symbol foo (err -2)",
        ),
        (
            "dummy: unknown parameter 'x' ignored",
            "dummy: unknown parameter 'x' ignored",
        ),
        (
            "request_module: modprobe a cannot be processed",
            "request_module: modprobe a cannot be processed",
        ),
        ("usb 1-1: SerialNumber: 4711", "log line 1"),
        (
            "acme: `4711' invalid for parameter `key'",
            "invalid for parameter (log line 1)",
        ),
        (
            "BUG: unable to handle page fault in acme",
            "BUG: unable to handle (log line 1)",
        ),
        ("a: Unknown symbol b\nbob (err -2)", "(err -2) (log line 1)"),
    ] {
        assert_eq!(line(text), is(told));
    }
}

#[test]
fn a_device_is_told_by_its_model_alone() {
    let message = "ACTION=add\0DEVPATH=/devices/usb1/4711\0MODALIAS=usb:v1\0SUBSYSTEM=usb\0ID_SERIAL=4711\0DEVNAME=47";
    let record = record::Uevent {
        header: head::<record::Uevent>(kind::UEVENT),
        len: u32::try_from(message.len()).unwrap_or(0),
        reserved: 0,
        text: filled(message),
    };
    let mut bytes = record.as_bytes().to_vec();
    assert_eq!(redactor().record(&mut bytes), Ok(true));
    assert!(!bytes.windows(2).any(|bytes| bytes == b"47"));
    let device = Device {
        path: "/devices/device-1/device-2".to_owned(),
        subsystem: Some("usb".to_owned()),
        alias: Some("usb:v1".to_owned()),
        action: Some("add".to_owned()),
    };
    assert_eq!(
        told(&mut redactor(), &record),
        Some(Fact::Uevent(Some(Box::new(device))))
    );
}

#[test]
fn what_is_not_known_is_not_handed_on() {
    let mut unknown = head::<record::Plain>(0x7777).as_bytes().to_vec();
    assert_eq!(redactor().record(&mut unknown), Ok(false));
    let mut other = head::<record::Plain>(kind::CGROUP).as_bytes().to_vec();
    let expected = record::Cgroup::LAYOUT.size;
    let error = DecodeError::Layout {
        kind: kind::CGROUP,
        size: other.len(),
        expected,
    };
    assert_eq!(redactor().record(&mut other), Err(error));
    assert_eq!(redactor().record(&mut [1, 2]), Err(DecodeError::Short { len: 2 }));
}

#[test]
fn a_header_says_what_kernel_it_was_and_no_more() {
    let text = str::to_owned;
    let kernel = Kernel {
        release: text("6.1.0"),
        version: text("#1"),
        arch: text("x86_64"),
    };
    let clock = Clock {
        monotonic_ns: Ktime(1),
        realtime_ns: 2,
    };
    let mut header = Header::new("0", kernel, clock, 4, Value::Null);
    header.machine_id = Some(text("SECRET"));
    header.command = Some(vec![text("SECRET"), text("SECRET2")]);
    header.functions = vec![ProbedFunction {
        source: Some(SourceLine {
            file: text("SECRET/SECRET.c"),
            line: 7,
        }),
        ..ProbedFunction::default()
    }];
    let event = RingEvent {
        time_ns: Ktime(1),
        tid: Tid(1),
        comm: Some(text("SECRET")),
        what: RingEventKind::ModuleLoad { name: text("xfs") },
    };
    header.boot = Some(Boot {
        id: text("SECRET"),
        command_line: format!("root=SECRET {WORDS} -- SECRET"),
        ring: Some(Ring {
            events: vec![event],
            ..Ring::default()
        }),
        chain: vec![BootUnit {
            name: text("SECRET.mount"),
            ..BootUnit::default()
        }],
        ..Boot::default()
    });
    let mut redacted = header.clone();
    redactor().header(&mut redacted);
    let json = serde_json::to_string(&redacted).unwrap_or_default();
    assert!(!json.contains("SECRET") && json.contains("xfs"), "{json}");
    let line = redacted.boot.map(|boot| boot.command_line).unwrap_or_default();
    assert!(is_traced(&line, "module_load"), "{line}");
    // What is kept is as it was.
    let mut kept = header.clone();
    Redactor::new(BTreeSet::from(Private::ALL), []).header(&mut kept);
    assert_eq!(kept, header);
}
