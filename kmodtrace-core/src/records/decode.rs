//! The bytes of records, as the ring buffer or a file holds them, into [`Event`]s.
//!
//! Bytes are copied out, never reinterpreted in place, so a record may begin at any address; a number that stands for one
//! of several things becomes an `enum` only by a `match`.

mod request;
mod split;
mod tick;
mod uevent;

use std::borrow::Cow;

use crate::model::{
    FileId, Function, Inode, Ktime, ModuleAddress, ModuleState, Name, PlainEdge, Refused, Syscall, Tgid, Tid,
    WaitStatus,
};
use crate::records::event::{
    AttemptEnter, CallEnter, Counters, Event, Fact, ModuleRef, SignalSent, SymbolFact, WaitEnd,
};
use kmodtrace_common::{UNREAD, kind, record, syscall};
use zerocopy::FromBytes;

pub use split::{Records, SplitError, split};
pub use tick::{CgroupBytes, CommandBytes, RefusedBytes, TickBytes, Tracer};
pub(crate) use uevent::properties;

/// Why the bytes of a record could not be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Too few bytes for the common part.
    #[error("a record begins with {} bytes of common part, here are {len}", size_of::<record::Header>())]
    Short {
        /// Bytes there were.
        len: usize,
    },
    /// The record says that it has another size than the bytes handed over.
    #[error("a record of kind {} says that it has {said} bytes, and {len} were given", Kind(*.kind))]
    Length {
        /// Its kind.
        kind: u16,
        /// Bytes that its header says.
        said: usize,
        /// Bytes there were.
        len: usize,
    },
    /// The size is not the one that this build knows for the kind.
    #[error("a record of kind {} has {expected} bytes, this one has {size}: another version made it", Kind(*.kind))]
    Layout {
        /// Its kind.
        kind: u16,
        /// Its bytes.
        size: usize,
        /// Bytes of its layout.
        expected: usize,
    },
}

/// A kind by name where it has one, for messages.
struct Kind(u16);

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = kind::ALL
            .iter()
            .find(|(number, ..)| *number == self.0)
            .map_or("unknown", |&(_, name, _)| name);
        write!(f, "{name} ({})", self.0)
    }
}

/// Decodes one record, which the bytes must hold exactly. A kind that this build does not know is [`Fact::Unknown`]; a
/// known one in another size is an error, because its fields may not be where they are looked for.
pub fn decode(bytes: &[u8]) -> Result<Event, DecodeError> {
    let Ok((header, _)) = record::Header::read_from_prefix(bytes) else {
        return Err(DecodeError::Short { len: bytes.len() });
    };
    let record::Header {
        kind,
        size,
        cpu,
        seq,
        time_ns,
        tid,
        tgid,
    } = header;
    if usize::from(size) != bytes.len() {
        return Err(DecodeError::Length {
            kind,
            said: size.into(),
            len: bytes.len(),
        });
    }
    let fact = fact(kind, bytes)?;
    Ok(Event {
        time: Ktime(time_ns),
        tid: Tid(tid),
        tgid: Tgid(tgid),
        cpu,
        seq,
        fact,
    })
}

fn fact(kind: u16, bytes: &[u8]) -> Result<Fact, DecodeError> {
    Ok(match kind {
        kind::ATTEMPT_ENTER => Fact::AttemptEnter(Box::new(attempt_enter(&layout(kind, bytes)?))),
        kind::ATTEMPT_EXIT => Fact::AttemptExit(ret(kind, bytes)?),
        kind::READ_ENTER => Fact::ReadEnter(file(kind, bytes)?),
        kind::READ_EXIT => Fact::ReadExit(ret(kind, bytes)?),
        kind::FILE => Fact::File(file(kind, bytes)?),
        kind::ARGUMENTS => Fact::Arguments(u32::try_from(ret(kind, bytes)?).unwrap_or(0)),
        kind::IDEMPOTENT_ENTER => Fact::IdempotentEnter(file(kind, bytes)?),
        kind::IDEMPOTENT_EXIT => Fact::IdempotentExit(ret(kind, bytes)?),
        kind::LEADER_ENTER => plain(kind, bytes, Fact::LeaderEnter)?,
        kind::LOAD_ENTER => plain(kind, bytes, Fact::LoadEnter)?,
        kind::LOAD_EXIT => Fact::LoadExit(ret(kind, bytes)?),
        kind::MODULE_NAME => Fact::ModuleName(module(kind, bytes)?.name),
        kind::FIND_MODULE => Fact::FindModule(module(kind, bytes)?),
        kind::WAIT_BEGIN => Fact::WaitBegin(module(kind, bytes)?.name),
        kind::WAIT_END => {
            let record: record::Module = layout(kind, bytes)?;
            Fact::WaitEnd(WaitEnd {
                last: module_ref(&record),
                checks: record.checks,
            })
        }
        kind::DO_INIT_ENTER => Fact::DoInitEnter(module(kind, bytes)?),
        kind::DO_INIT_EXIT => Fact::DoInitExit(ret(kind, bytes)?),
        kind::CALL_ENTER => {
            let record: record::CallEnter = layout(kind, bytes)?;
            Fact::CallEnter(CallEnter {
                function: function(record.function),
                at: record.at,
                from: record.from,
            })
        }
        kind::CALL_EXIT => {
            let record: record::CallExit = layout(kind, bytes)?;
            Fact::CallExit(function(record.function), record.ret)
        }
        kind::SWITCH_OUT => Fact::SwitchOut {
            preempted: layout::<record::Switch>(kind, bytes)?.preempted != 0,
        },
        kind::SWITCH_IN => {
            layout::<record::Switch>(kind, bytes)?;
            Fact::SwitchIn
        }
        kind::INIT_START => Fact::InitStart(present(&layout::<record::InitFn>(kind, bytes)?.symbol)),
        kind::REFUSED => Fact::Refused(refused(&layout(kind, bytes)?)),
        kind::EXIT_FUNCTION => Fact::ExitFunction(present(&layout::<record::Site>(kind, bytes)?.symbol)),
        kind::INIT_END => Fact::InitEnd(layout::<record::InitFn>(kind, bytes)?.ret),
        kind::ASYNC_ENTER => plain(kind, bytes, Fact::AsyncEnter)?,
        kind::ASYNC_EXIT => plain(kind, bytes, Fact::AsyncExit)?,
        kind::MODULE_STATE => Fact::ModuleState(module(kind, bytes)?),
        kind::TEARDOWN => Fact::Teardown(module(kind, bytes)?),
        kind::FREE_ENTER => Fact::FreeEnter(module(kind, bytes)?),
        kind::FREE_EXIT => Fact::FreeExit(ModuleAddress(layout::<record::Module>(kind, bytes)?.module)),
        kind::ADD_UNFORMED_ENTER => Fact::AddUnformedEnter(module(kind, bytes)?),
        kind::ADD_UNFORMED_EXIT => Fact::AddUnformedExit(ret(kind, bytes)?),
        kind::NOTIFY_ENTER => plain(kind, bytes, Fact::Enter(Function::NotifierChainRobust))?,
        kind::NOTIFY_EXIT => Fact::Exit(Function::NotifierChainRobust, ret(kind, bytes)?),
        kind::RCU_ENTER => plain(kind, bytes, Fact::Enter(Function::SynchronizeRcu))?,
        kind::RCU_EXIT => plain(kind, bytes, Fact::Exit(Function::SynchronizeRcu, 0))?,
        kind::ALLOC_FAILED => Fact::Exit(Function::ModuleAlloc, ret(kind, bytes)?),
        kind::MUTEX_EXIT => Fact::Exit(Function::ModuleMutex, ret(kind, bytes)?),
        // It returns whether the CRC is right; the loader makes -ENOEXEC of a no.
        kind::MODSTRUCT_EXIT => {
            let right = ret(kind, bytes)? != 0;
            Fact::Exit(Function::CheckModstructVersion, if right { 0 } else { -ENOEXEC })
        }
        kind::INITCALL_CALLED => plain(kind, bytes, Fact::Passed(Function::InitcallStart))?,
        kind::ANNOUNCE_EXIT => plain(kind, bytes, Fact::Exit(Function::NotifierChain, 0))?,
        kind::SYMBOL => symbol(&layout(kind, bytes)?),
        kind::PRINTK => Fact::Printk(line(&layout(kind, bytes)?)),
        kind::ANCESTORS => Fact::Ancestors(ancestors(&layout(kind, bytes)?)),
        kind::CALLER => {
            let record: record::Caller = layout(kind, bytes)?;
            Fact::Caller {
                uid: read(record.uid),
                capable: read(record.capable).map(|capable| capable != 0),
            }
        }
        kind::PATH => Fact::Path(path(&layout(kind, bytes)?)),
        kind::ARGUMENT_STRING => Fact::ArgumentString(arguments(&layout(kind, bytes)?)),
        kind::UEVENT => Fact::Uevent(uevent::device(&layout(kind, bytes)?).map(Box::new)),
        kind::SIGNAL => Fact::Signal(signal(&layout(kind, bytes)?)),
        kind::MUTEX_ENTER..=kind::DUP_REQUEST_EXIT => request::fact(kind, bytes)?,
        kind::TICK => Fact::Tick(counters(kind, bytes)?),
        kind::TRAILER => Fact::Trailer(counters(kind, bytes)?),
        kind::CGROUP => cgroup(&layout(kind, bytes)?),
        kind::COMMAND_END => Fact::CommandEnd(WaitStatus(ret(kind, bytes)?)),
        kind => match PlainEdge::from_kind(kind) {
            Some(PlainEdge::Enter(function)) => plain(kind, bytes, Fact::Enter(function))?,
            Some(PlainEdge::Passed(function)) => plain(kind, bytes, Fact::Passed(function))?,
            Some(PlainEdge::Exit(function)) => Fact::Exit(function, ret(kind, bytes)?),
            None => Fact::Unknown(kind),
        },
    })
}

/// include/uapi/asm-generic/errno-base.h.
const ENOEXEC: i64 = 8;

/// What `module_name(NULL)` is (include/linux/module.h): the kernel's own symbols.
const KERNEL: &str = "kernel";

fn symbol(record: &record::Symbol) -> Fact {
    Fact::Symbol(SymbolFact {
        ret: record.ret,
        name: name(&record.name),
        owner: named(&record.owner).filter(|owner| owner != KERNEL),
    })
}

/// A line as it stood: without a line feed, and marked where it was cut.
fn line(record: &record::Text) -> String {
    let mut line = text(&record.text).trim_end().to_owned();
    // The kernel puts a NUL behind what it could copy.
    if record.len >= record.text.len() as u64 {
        line.push_str("...");
    }
    line
}

/// The components stand the last one first. One that was cut is left out. Empty where nothing has a name, as for a pipe.
fn path(record: &record::Path) -> String {
    let whole = text(&record.text);
    let cut = record.len as usize > record.text.len();
    let mut components: Vec<&str> = whole.split('/').filter(|name| !name.is_empty()).collect();
    if cut {
        components.pop();
    }
    components.reverse();
    if components.is_empty() {
        return String::new();
    }
    let front = if record.whole != 0 && !cut { "/" } else { ".../" };
    format!("{front}{}", components.join("/"))
}

/// A string that fills all of its room is one that goes on: the last byte is its NUL.
fn arguments(record: &record::ArgumentString) -> String {
    let mut string = text(&record.text);
    if record.text.iter().position(|byte| *byte == 0) == Some(record.text.len() - 1) {
        string.push_str("...");
    }
    string
}

fn cgroup(record: &record::Cgroup) -> Fact {
    let (id, path) = (record.id, text(&record.path));
    Fact::Cgroup { id, path }
}

fn refused(record: &record::Refused) -> Refused {
    Refused {
        uid: read(record.uid),
        comm: text(&record.comm),
        calls: record.calls,
    }
}

fn signal(record: &record::Signal) -> SignalSent {
    SignalSent {
        number: record.signal,
        sender_tgid: Tgid(record.sender_tgid),
        sender_comm: name(&record.sender_comm),
    }
}

fn ancestors(record: &record::Ancestors) -> Vec<(Tgid, Name)> {
    let known = record.tgid.iter().zip(&record.comm).take_while(|(tgid, _)| **tgid != 0);
    known.map(|(tgid, comm)| (Tgid(*tgid), name(comm))).collect()
}

/// The record as the struct that its kind is carried in.
fn layout<T: FromBytes>(kind: u16, bytes: &[u8]) -> Result<T, DecodeError> {
    T::read_from_bytes(bytes).map_err(|_| DecodeError::Layout {
        kind,
        size: bytes.len(),
        expected: size_of::<T>(),
    })
}

fn plain(kind: u16, bytes: &[u8], fact: Fact) -> Result<Fact, DecodeError> {
    layout::<record::Plain>(kind, bytes).map(|_| fact)
}

fn ret(kind: u16, bytes: &[u8]) -> Result<i64, DecodeError> {
    layout::<record::Ret>(kind, bytes).map(|record| record.ret)
}

/// A number that no list is long enough for stands for a function that is not known.
fn function(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn module(kind: u16, bytes: &[u8]) -> Result<ModuleRef, DecodeError> {
    layout(kind, bytes).map(|record| module_ref(&record))
}

fn module_ref(record: &record::Module) -> ModuleRef {
    ModuleRef {
        address: (record.module != 0).then_some(ModuleAddress(record.module)),
        state: ModuleState::from_raw(record.state),
        name: name(&record.name),
    }
}

fn file(kind: u16, bytes: &[u8]) -> Result<FileId, DecodeError> {
    let record: record::File = layout(kind, bytes)?;
    let inode = (record.inode != 0).then_some(Inode(record.inode));
    Ok(FileId {
        inode,
        dev: record.dev,
        name: name(&record.name),
    })
}

fn counters(kind: u16, bytes: &[u8]) -> Result<Counters, DecodeError> {
    let record::Tick {
        header: _,
        dropped,
        missed,
        clipped,
        full: _,
    } = layout(kind, bytes)?;
    Ok(Counters {
        dropped,
        missed,
        clipped,
    })
}

fn attempt_enter(record: &record::AttemptEnter) -> AttemptEnter {
    let syscall = match record.syscall {
        syscall::INIT_MODULE => Some(Syscall::InitModule),
        syscall::FINIT_MODULE => Some(Syscall::FinitModule),
        syscall::DELETE_MODULE => Some(Syscall::DeleteModule),
        _ => None,
    };
    AttemptEnter {
        syscall,
        flags: record.flags,
        // finit_module(-1, ..) is a call that can be made, and fails with EBADF.
        fd: (syscall == Some(Syscall::FinitModule)).then_some(record.fd),
        image_bytes: (syscall == Some(Syscall::InitModule)).then_some(record.image_bytes),
        args_len: read(record.args_len),
        cgroup_id: record.cgroup_id,
        parent_tgid: read(record.parent_tgid).map(Tgid),
        comm: name(&record.comm),
        parent_comm: name(&record.parent_comm),
        module: named(&record.module),
    }
}

fn read(count: u32) -> Option<u32> {
    (count != UNREAD).then_some(count)
}

/// A string up to its first NUL. The kernel promises no encoding, so what is no UTF-8 is replaced.
fn string(bytes: &[u8]) -> Cow<'_, str> {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end])
}

/// The same, to be changed or kept in full.
pub(crate) fn text(bytes: &[u8]) -> String {
    string(bytes).into_owned()
}

/// The same, as a name.
fn name(bytes: &[u8]) -> Name {
    string(bytes).into()
}

/// The same, where there is one.
fn named(bytes: &[u8]) -> Option<Name> {
    Some(name(bytes)).filter(|name| !name.is_empty())
}

fn present(bytes: &[u8]) -> Option<String> {
    Some(text(bytes)).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests;
