//! The calls of `bpf(2)` that aya 0.14 does not make: programs and links of kprobe.multi, and links to events that exist already.

use std::ffi::CStr;
use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};

use aya::programs::ProgramError;
use aya_obj::generated::bpf_insn;
use tracing::debug;

/// `BPF_MAP_UPDATE_ELEM` and others of `enum bpf_cmd` (include/uapi/linux/bpf.h).
const MAP_UPDATE: libc::c_long = 2;
const PROG_LOAD: libc::c_long = 5;
const OBJ_GET_INFO_BY_FD: libc::c_long = 15;
const LINK_CREATE: libc::c_long = 28;

/// `BPF_PROG_TYPE_KPROBE`, of `enum bpf_prog_type`.
const KPROBE: u32 = 2;
/// `BPF_PERF_EVENT`, of `enum bpf_attach_type`.
const PERF_EVENT: u32 = 41;
/// `BPF_TRACE_KPROBE_MULTI`, of the same.
const KPROBE_MULTI: u32 = 42;
/// `BPF_F_KPROBE_MULTI_RETURN`.
const MULTI_RETURN: u32 = 1;
/// `BPF_OBJ_NAME_LEN`.
const NAME: usize = 16;
/// Bytes for what the verifier says of a program that it refuses.
const LOG: usize = 1 << 16;

/// `union bpf_attr`, as `BPF_PROG_LOAD` reads it.
#[repr(C)]
struct ProgLoad {
    prog_type: u32,
    insn_cnt: u32,
    insns: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log_buf: u64,
    kern_version: u32,
    prog_flags: u32,
    prog_name: [u8; NAME],
    prog_ifindex: u32,
    expected_attach_type: u32,
}

/// The same, as `BPF_LINK_CREATE` reads it for kprobe.multi.
#[repr(C)]
struct LinkMulti {
    prog_fd: u32,
    target_fd: u32,
    attach_type: u32,
    flags: u32,
    multi_flags: u32,
    cnt: u32,
    syms: u64,
    addrs: u64,
    cookies: u64,
}

/// The same, for a performance event.
#[repr(C)]
struct LinkEvent {
    prog_fd: u32,
    target_fd: u32,
    attach_type: u32,
    flags: u32,
    cookie: u64,
}

/// The same, as `BPF_MAP_UPDATE_ELEM` reads it.
#[repr(C)]
struct MapUpdate {
    map_fd: u32,
    reserved: u32,
    key: u64,
    value: u64,
    flags: u64,
}

/// The same, as `BPF_OBJ_GET_INFO_BY_FD` reads it.
#[repr(C)]
struct GetInfo {
    bpf_fd: u32,
    info_len: u32,
    info: u64,
}

/// `struct bpf_link_info` of kprobe.multi.
#[repr(C)]
#[derive(Default)]
struct MultiInfo {
    kind: u32,
    id: u32,
    prog_id: u32,
    reserved: u32,
    addrs: u64,
    count: u32,
    flags: u32,
    missed: u64,
}

/// A program that the kernel did not take.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) error: io::Error,
    /// What the verifier says; empty when it was not asked.
    pub(super) log: String,
}

impl Refused {
    /// One line of why.
    pub(super) fn reason(&self) -> String {
        refusal(&self.error, &self.log)
    }
}

/// How the statistics begin that the verifier adds to what it says of a program.
const STATISTICS: [&str; 2] = ["verification time ", "processed "];

/// The error, and the last thing that the verifier says.
fn refusal(error: &io::Error, log: &str) -> String {
    let is_statistics = |line: &str| STATISTICS.iter().any(|start| line.starts_with(start));
    let said = log.lines().take_while(|line| !is_statistics(line));
    let last = said.filter(|line| !line.is_empty()).last();
    last.map_or_else(|| error.to_string(), |line| format!("{error}: {line}"))
}

/// One line of why; the verifier's whole log goes to the debug messages.
pub(super) fn reason(program: &str, error: ProgramError) -> String {
    if let ProgramError::LoadError { io_error, verifier_log } = &error {
        debug!("{program}: {verifier_log}");
        return refusal(io_error, &verifier_log.to_string());
    }
    format!("{:#}", anyhow::Error::new(error))
}

/// What one link carries.
pub(super) struct Places<'a> {
    /// Whether it runs at returns, rather than at entries.
    pub(super) returns: bool,
    /// Addresses of functions.
    pub(super) addresses: &'a [u64],
    /// A number for each of them, which the program can ask for.
    pub(super) cookies: &'a [u64],
}

/// Loads a program of the type kprobe for a link of kprobe.multi.
pub(super) fn load_multi(name: &str, instructions: &[bpf_insn], license: &CStr) -> Result<OwnedFd, Refused> {
    let mut prog_name = [0; NAME];
    for (to, from) in prog_name.iter_mut().take(NAME - 1).zip(name.bytes()) {
        *to = from;
    }
    let mut attr = ProgLoad {
        prog_type: KPROBE,
        insn_cnt: len(instructions.len()),
        insns: address(instructions),
        license: license.as_ptr().addr() as u64,
        log_level: 0,
        log_size: 0,
        log_buf: 0,
        kern_version: 0,
        prog_flags: 0,
        prog_name,
        prog_ifindex: 0,
        expected_attach_type: KPROBE_MULTI,
    };
    // SAFETY: instructions and licence live until the call returns, and are as long as is said.
    let error = match unsafe { bpf(PROG_LOAD, &attr) }.and_then(owned) {
        Ok(program) => return Ok(program),
        Err(error) => error,
    };
    // Once more, for its reason: telling it costs the verifier time, so it is not asked when nothing is wrong.
    let mut log = vec![0_u8; LOG];
    (attr.log_level, attr.log_size, attr.log_buf) = (1, len(LOG), log.as_mut_ptr().addr() as u64);
    // SAFETY: as above; the log is as long as is said, and nothing else refers to it meanwhile.
    drop(unsafe { bpf(PROG_LOAD, &attr) }.and_then(owned));
    let said = log.split(|&byte| byte == 0).next().unwrap_or_default();
    Err(Refused {
        error,
        log: String::from_utf8_lossy(said).into_owned(),
    })
}

/// Links a program to all of these functions.
pub(super) fn link_multi(program: BorrowedFd<'_>, places: &Places<'_>) -> io::Result<OwnedFd> {
    debug_assert_eq!(places.addresses.len(), places.cookies.len(), "a cookie for each");
    let attr = LinkMulti {
        prog_fd: fd(program),
        target_fd: 0,
        attach_type: KPROBE_MULTI,
        flags: 0,
        multi_flags: if places.returns { MULTI_RETURN } else { 0 },
        cnt: len(places.addresses.len()),
        syms: 0,
        addrs: address(places.addresses),
        cookies: address(places.cookies),
    };
    // SAFETY: both lists live until the call returns, and are as long as is said.
    unsafe { bpf(LINK_CREATE, &attr) }.and_then(owned)
}

/// Links a program to a performance event, with a number that the program can ask for.
pub(super) fn link_event(program: BorrowedFd<'_>, event: BorrowedFd<'_>, cookie: u64) -> io::Result<OwnedFd> {
    let attr = LinkEvent {
        prog_fd: fd(program),
        target_fd: fd(event),
        attach_type: PERF_EVENT,
        flags: 0,
        cookie,
    };
    // SAFETY: there are no pointers in it.
    unsafe { bpf(LINK_CREATE, &attr) }.and_then(owned)
}

/// Puts a program into an array of programs.
pub(super) fn put_program(array: BorrowedFd<'_>, index: u32, program: BorrowedFd<'_>) -> io::Result<()> {
    let value = fd(program);
    let attr = MapUpdate {
        map_fd: fd(array),
        reserved: 0,
        key: (&raw const index).addr() as u64,
        value: (&raw const value).addr() as u64,
        flags: 0,
    };
    // SAFETY: keys and values of such an array have four bytes, as these have, which live until the call returns.
    unsafe { bpf(MAP_UPDATE, &attr) }.map(drop)
}

/// How many entries or returns a link of kprobe.multi has missed; 0 for a kernel that does not count them (before 6.7).
pub(super) fn missed(link: BorrowedFd<'_>) -> io::Result<u64> {
    let mut info = MultiInfo::default();
    let attr = GetInfo {
        bpf_fd: fd(link),
        info_len: len(size_of::<MultiInfo>()),
        info: (&raw mut info).addr() as u64,
    };
    // SAFETY: the kernel writes at most as many bytes as is said, which live until the call returns; any bytes are one.
    unsafe { bpf(OBJ_GET_INFO_BY_FD, &attr) }?;
    Ok(info.missed)
}

/// Makes the call.
///
/// # Safety
///
/// The attributes are those of the command, and what they point to is as long as they say.
unsafe fn bpf<T>(command: libc::c_long, attr: &T) -> io::Result<libc::c_long> {
    // SAFETY: the attributes live until the call returns, and are as long as is said; the caller vouches for the rest.
    match unsafe { libc::syscall(libc::SYS_bpf, command, std::ptr::from_ref(attr), size_of::<T>()) } {
        -1 => Err(io::Error::last_os_error()),
        result => Ok(result),
    }
}

/// The file that a call made.
pub(super) fn owned(fd: libc::c_long) -> io::Result<OwnedFd> {
    match i32::try_from(fd) {
        // SAFETY: the kernel has just made this file for nobody else.
        Ok(fd) if fd >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
        _ => Err(io::Error::last_os_error()),
    }
}

fn fd(fd: BorrowedFd<'_>) -> u32 {
    fd.as_raw_fd().unsigned_abs()
}

fn address<T>(slice: &[T]) -> u64 {
    slice.as_ptr().addr() as u64
}

/// Nothing here is longer than the kernel's own limits, which are far below.
fn len(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
