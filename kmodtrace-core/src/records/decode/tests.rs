#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use super::*;
use proptest::prelude::*;
use zerocopy::IntoBytes as _;

/// A record of this kind and size with every other byte zero.
pub(super) fn blank(kind: u16, size: usize) -> Vec<u8> {
    let size = u16::try_from(size).unwrap();
    let header = record::Header {
        kind,
        size,
        cpu: 3,
        seq: 7,
        time_ns: 11,
        tid: 13,
        tgid: 17,
    };
    let mut bytes = header.as_bytes().to_vec();
    bytes.resize(size.into(), 0);
    bytes
}

/// The inverse of `fact`, without a wildcard: a new variant must be placed here, and `kinds_and_facts_pair_up` then
/// fails until it decodes.
fn kind_of(fact: &Fact) -> u16 {
    match fact {
        Fact::AttemptEnter(_) => kind::ATTEMPT_ENTER,
        Fact::AttemptExit(_) => kind::ATTEMPT_EXIT,
        Fact::ReadEnter(_) => kind::READ_ENTER,
        Fact::File(_) => kind::FILE,
        Fact::Arguments(_) => kind::ARGUMENTS,
        Fact::ReadExit(_) => kind::READ_EXIT,
        Fact::IdempotentEnter(_) => kind::IDEMPOTENT_ENTER,
        Fact::IdempotentExit(_) => kind::IDEMPOTENT_EXIT,
        Fact::LeaderEnter => kind::LEADER_ENTER,
        Fact::LoadEnter => kind::LOAD_ENTER,
        Fact::LoadExit(_) => kind::LOAD_EXIT,
        Fact::ModuleName(_) => kind::MODULE_NAME,
        Fact::FindModule(_) => kind::FIND_MODULE,
        Fact::WaitBegin(_) => kind::WAIT_BEGIN,
        Fact::WaitEnd(_) => kind::WAIT_END,
        Fact::DoInitEnter(_) => kind::DO_INIT_ENTER,
        Fact::DoInitExit(_) => kind::DO_INIT_EXIT,
        Fact::InitStart(_) => kind::INIT_START,
        Fact::Refused(_) => kind::REFUSED,
        Fact::ExitFunction(_) => kind::EXIT_FUNCTION,
        Fact::CallEnter(_) => kind::CALL_ENTER,
        Fact::CallExit(..) => kind::CALL_EXIT,
        Fact::SwitchOut { .. } => kind::SWITCH_OUT,
        Fact::SwitchIn => kind::SWITCH_IN,
        Fact::InitEnd(_) => kind::INIT_END,
        Fact::AsyncEnter => kind::ASYNC_ENTER,
        Fact::AsyncExit => kind::ASYNC_EXIT,
        Fact::ModuleState(_) => kind::MODULE_STATE,
        Fact::Teardown(_) => kind::TEARDOWN,
        Fact::FreeEnter(_) => kind::FREE_ENTER,
        Fact::FreeExit(_) => kind::FREE_EXIT,
        Fact::AddUnformedEnter(_) => kind::ADD_UNFORMED_ENTER,
        Fact::AddUnformedExit(_) => kind::ADD_UNFORMED_EXIT,
        Fact::Enter(function) => entered(*function),
        Fact::Exit(function, _) => left(*function),
        Fact::Passed(Function::InitcallStart) => kind::INITCALL_CALLED,
        Fact::Passed(function) => plain(PlainEdge::Passed(*function)),
        Fact::Caller { .. } => kind::CALLER,
        Fact::Ancestors(_) => kind::ANCESTORS,
        Fact::Path(_) => kind::PATH,
        Fact::ArgumentString(_) => kind::ARGUMENT_STRING,
        Fact::Signal(_) => kind::SIGNAL,
        Fact::Uevent(_) => kind::UEVENT,
        Fact::Symbol(_) => kind::SYMBOL,
        Fact::MutexEnter(_) => kind::MUTEX_ENTER,
        Fact::Printk(_) => kind::PRINTK,
        Fact::RequestBegin(_) => kind::REQUEST_BEGIN,
        Fact::RequestSecurity(_) => kind::REQUEST_SECURITY,
        Fact::SlotEnter => kind::SLOT_ENTER,
        Fact::SlotExit(_) => kind::SLOT_EXIT,
        Fact::SlotGivenUp => kind::SLOT_GIVEN_UP,
        Fact::RequestGranted(_) => kind::REQUEST_GRANTED,
        Fact::HelperEnter(_) => kind::HELPER_ENTER,
        Fact::HelperExit(_) => kind::HELPER_EXIT,
        Fact::HelperWork(_) => kind::HELPER_WORK,
        Fact::HelperTask(_) => kind::HELPER_TASK,
        Fact::HelperFork(_) => kind::HELPER_FORK,
        Fact::HelperRuns(_) => kind::HELPER_RUNS,
        Fact::HelperEnd(_) => kind::HELPER_END,
        Fact::FsTypeExit { .. } => kind::FS_TYPE_EXIT,
        Fact::Stack(_) => kind::STACK,
        Fact::DupRequestEnter => kind::DUP_REQUEST_ENTER,
        Fact::DupRequestExit(_) => kind::DUP_REQUEST_EXIT,
        Fact::Tick(_) => kind::TICK,
        Fact::Trailer(_) => kind::TRAILER,
        Fact::CommandEnd(_) => kind::COMMAND_END,
        Fact::Cgroup { .. } => kind::CGROUP,
        Fact::Unknown(kind) => *kind,
    }
}

fn entered(function: Function) -> u16 {
    match function {
        Function::NotifierChainRobust => kind::NOTIFY_ENTER,
        Function::SynchronizeRcu => kind::RCU_ENTER,
        _ => plain(PlainEdge::Enter(function)),
    }
}

fn left(function: Function) -> u16 {
    match function {
        Function::NotifierChainRobust => kind::NOTIFY_EXIT,
        Function::SynchronizeRcu => kind::RCU_EXIT,
        Function::CheckModstructVersion => kind::MODSTRUCT_EXIT,
        Function::ModuleAlloc => kind::ALLOC_FAILED,
        Function::ModuleMutex => kind::MUTEX_EXIT,
        Function::NotifierChain => kind::ANNOUNCE_EXIT,
        _ => plain(PlainEdge::Exit(function)),
    }
}

/// The kind of a plain edge; 0 for none.
fn plain(edge: PlainEdge) -> u16 {
    let kinds = kind::ALL.iter().map(|(kind, ..)| *kind);
    kinds
        .into_iter()
        .find(|kind| PlainEdge::from_kind(*kind) == Some(edge))
        .unwrap_or(0)
}

#[test]
fn kinds_and_facts_pair_up() {
    for &(kind, name, layout) in kind::ALL {
        let event = decode(&blank(kind, layout.size)).unwrap();
        assert_eq!(kind_of(&event.fact), kind, "{name}");
        assert_ne!(event.fact, Fact::Unknown(kind), "{name}");
        assert_eq!(
            (event.time, event.tid, event.tgid, event.cpu, event.seq),
            (Ktime(11), Tid(13), Tgid(17), 3, 7)
        );
        let longer = decode(&blank(kind, layout.size + 8)).unwrap_err();
        assert_eq!(
            longer,
            DecodeError::Layout {
                kind,
                size: layout.size + 8,
                expected: layout.size
            }
        );
        assert!(longer.to_string().contains(name), "{longer}");
    }
}

#[test]
fn an_unknown_kind_is_kept() {
    assert_eq!(decode(&blank(999, 40)).unwrap().fact, Fact::Unknown(999));
    let short = decode(&blank(999, 40)[..39]).unwrap_err();
    assert_eq!(
        short,
        DecodeError::Length {
            kind: 999,
            said: 40,
            len: 39
        }
    );
}

#[test]
fn what_was_not_read_is_absent() {
    let Fact::FindModule(none) = decode(&blank(kind::FIND_MODULE, size_of::<record::Module>()))
        .unwrap()
        .fact
    else {
        unreachable!("checked by kinds_and_facts_pair_up")
    };
    assert_eq!(
        (none.address, none.state, none.name.as_str()),
        (None, Some(ModuleState::Live), "")
    );

    let mut enter: record::AttemptEnter = layout(1, &blank(kind::ATTEMPT_ENTER, 160)).unwrap();
    (enter.syscall, enter.fd, enter.args_len, enter.parent_tgid) = (syscall::FINIT_MODULE, -1, UNREAD, UNREAD);
    enter.comm = *b"sixteen-letters!";
    enter.parent_comm[..3].copy_from_slice(&[b'a', 0xff, 0]);
    let enter = attempt_enter(&enter);
    assert_eq!(
        (enter.fd, enter.image_bytes, enter.args_len, enter.parent_tgid),
        (Some(-1), None, None, None)
    );
    assert_eq!(
        (enter.comm.as_str(), enter.parent_comm.as_str()),
        ("sixteen-letters!", "a\u{fffd}")
    );
}

proptest! {
    #[test]
    fn no_bytes_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0..kind::ALL.len()) {
        let _ = decode(&bytes);
        if bytes.len() >= 4 {
            let (kind, _, layout) = kind::ALL[at];
            bytes.resize(layout.size, 0xaa);
            bytes[..2].copy_from_slice(&kind.to_ne_bytes());
            bytes[2..4].copy_from_slice(&u16::try_from(layout.size)?.to_ne_bytes());
            prop_assert!(decode(&bytes).is_ok());
        }
    }
}

/// A path as the kernel side writes it: `len` with its NUL.
fn path_of(text: &str, whole: u32, len: u32) -> String {
    let mut bytes = blank(kind::PATH, size_of::<record::Path>());
    bytes[32..36].copy_from_slice(&whole.to_ne_bytes());
    bytes[36..40].copy_from_slice(&len.to_ne_bytes());
    bytes[40..40 + text.len()].copy_from_slice(text.as_bytes());
    match decode(&bytes).unwrap().fact {
        Fact::Path(path) => path,
        fact => panic!("{fact:?}"),
    }
}

#[test]
fn a_path_stands_the_other_way_round_and_says_where_its_beginning_is_missing() {
    assert_eq!(path_of("xfs.ko/xfs/fs//lib///", 1, 22), "/lib/fs/xfs/xfs.ko");
    assert_eq!(path_of("xfs.ko/xfs/", 0, 12), ".../xfs/xfs.ko");
    assert_eq!(path_of("xfs.ko/xfs/f", 1, 300), ".../xfs/xfs.ko", "the last one is cut");
    assert_eq!(path_of("////", 0, 5), "", "a pipe");
}

#[test]
fn arguments_that_fill_their_room_go_on() {
    let of = |len: usize| {
        let mut bytes = blank(kind::ARGUMENT_STRING, size_of::<record::ArgumentString>());
        bytes[32..32 + len].fill(b'x');
        match decode(&bytes).unwrap().fact {
            Fact::ArgumentString(string) => string,
            fact => panic!("{fact:?}"),
        }
    };
    assert_eq!(of(126), "x".repeat(126));
    assert_eq!(of(127), format!("{}...", "x".repeat(127)));
}
