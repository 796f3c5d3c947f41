//! Reading the kernel's memory at offsets that user space found in BTF. A failed read is a value, never an error.

use aya_ebpf::Global;
use aya_ebpf::helpers::generated::{bpf_get_current_task, bpf_probe_read_kernel, bpf_probe_read_kernel_str};
use kmodtrace_common::record::{File, Header};
use kmodtrace_common::{COMM_LEN, FILE_NAME_LEN, MODULE_NAME_LEN, STATE_NONE, UNREAD};

use crate::globals::{
    ABSENT, OFF_CRED_CAPABILITIES, OFF_CRED_EUID, OFF_CRED_USER_NS, OFF_DENTRY_NAME, OFF_FDT_FD, OFF_FDT_MAX_FDS,
    OFF_FILE_DENTRY, OFF_FILE_INODE, OFF_FILES_FDT, OFF_INODE_INO, OFF_INODE_SB, OFF_MODULE_NAME, OFF_MODULE_STATE,
    OFF_SB_DEV, OFF_TASK_COMM, OFF_TASK_CRED, OFF_TASK_FILES, OFF_TASK_PARENT, OFF_TASK_PID, OFF_TASK_TGID,
    OFF_USER_NS_LEVEL,
};

/// The member at this offset of the object at `base`; zero bits when it cannot be read.
///
/// The helper zeroes what it could not fill, and an address near 0 is one that it cannot read: so there is nothing to
/// branch on, and the verifier has one path to follow where every `Option` would double them.
#[inline(always)]
pub fn member<T: Number>(base: u64, offset: &Global<u32>) -> T {
    let offset = offset.load();
    if offset == ABSENT {
        T::ZERO
    } else {
        number(base + u64::from(offset))
    }
}

/// The number at this kernel address; 0 when it cannot be read.
#[inline(always)]
pub fn number<T: Number>(address: u64) -> T {
    let mut value = T::ZERO;
    // SAFETY: the destination is ours and of this size; the helper checks the source and never faults.
    unsafe { bpf_probe_read_kernel((&raw mut value).cast(), size_of::<T>() as u32, address as *const _) };
    value
}

/// An integer of the kernel, or some that lie behind each other.
pub trait Number: Copy {
    /// What a failed read gives.
    const ZERO: Self;
}

impl Number for u32 {
    const ZERO: Self = 0;
}

impl Number for u64 {
    const ZERO: Self = 0;
}

impl<const N: usize> Number for [u64; N] {
    const ZERO: Self = [0; N];
}

/// The string at this kernel address; empty when it cannot be read.
#[inline(always)]
pub fn string<const N: usize>(address: u64) -> [u8; N] {
    let mut buffer = [0u8; N];
    // SAFETY: the destination is ours and of this size; the helper checks the source and never faults.
    unsafe { bpf_probe_read_kernel_str(buffer.as_mut_ptr().cast(), N as u32, address as *const _) };
    buffer
}

/// Writes the string at this kernel address where it is to be, as [`string`] reads it; behind its NUL, zeroes.
///
/// # Safety
///
/// As for [`zero`].
#[inline(always)]
pub unsafe fn string_into<const N: usize>(address: u64, to: *mut [u8; N]) {
    // SAFETY: the caller vouches for the destination, which is of this size; the helper checks the source and never faults.
    unsafe {
        zero(to);
        bpf_probe_read_kernel_str(to.cast(), N as u32, address as *const _);
    }
}

/// Zeroes whole words of a record, which as an array of bytes would be written byte by byte.
///
/// # Safety
///
/// The place is ours, and a multiple of 8 bytes away from where the record begins.
#[inline(always)]
pub unsafe fn zero<T>(to: *mut T) {
    const { assert!(size_of::<T>() % 8 == 0, "whole words") };
    for word in 0..size_of::<T>() / 8 {
        // SAFETY: the caller vouches for the place.
        unsafe { to.cast::<u64>().add(word).write(0) };
    }
}

/// `module->name`.
#[inline(always)]
pub fn module_name(module: u64) -> [u8; MODULE_NAME_LEN] {
    embedded_string(module, &OFF_MODULE_NAME)
}

/// `module->state`, or `STATE_NONE`: 0 is a state.
#[inline(always)]
pub fn module_state(module: u64) -> u32 {
    if module == 0 || OFF_MODULE_STATE.load() == ABSENT {
        return STATE_NONE;
    }
    member(module, &OFF_MODULE_STATE)
}

/// The string at this offset of the object at `base`; empty where that is 0, as for every address near it.
#[inline(always)]
fn embedded_string<const N: usize>(base: u64, offset: &Global<u32>) -> [u8; N] {
    string(place(base, offset))
}

/// Where the member at this offset of the object at `base` lies; 0 where the kernel has no such member.
#[inline(always)]
pub fn place(base: u64, offset: &Global<u32>) -> u64 {
    let offset = offset.load();
    if offset == ABSENT { 0 } else { base + u64::from(offset) }
}

/// Inode, device and name of a `struct file *`; nothing for 0.
#[inline(always)]
pub fn file(header: Header, file: u64) -> File {
    let mut record = File {
        header,
        inode: 0,
        dev: 0,
        reserved: 0,
        name: [0; FILE_NAME_LEN],
    };
    if file != 0 {
        let inode: u64 = member(file, &OFF_FILE_INODE);
        let dentry: u64 = member(file, &OFF_FILE_DENTRY);
        record.inode = member(inode, &OFF_INODE_INO);
        record.dev = member(member(inode, &OFF_INODE_SB), &OFF_SB_DEV);
        // SAFETY: it is a field of the record, 48 bytes from its beginning.
        unsafe { string_into(member(dentry, &OFF_DENTRY_NAME), &raw mut record.name) };
    }
    record
}

/// The `struct file *` behind a descriptor of the task that runs: `current->files->fdt->fd[fd]`, without the reference
/// that `fget` would take, so one that another thread closes right now may read as nothing.
#[inline(always)]
pub fn file_behind(fd: i32) -> u64 {
    let table: u64 = member(member(current(), &OFF_TASK_FILES), &OFF_FILES_FDT);
    let max: u32 = member(table, &OFF_FDT_MAX_FDS);
    if fd < 0 || fd as u32 >= max {
        return 0;
    }
    let array: u64 = member(table, &OFF_FDT_FD);
    number(array + u64::from(fd as u32) * 8)
}

/// The `struct task_struct *` of the task that runs.
#[inline(always)]
pub fn current() -> u64 {
    // SAFETY: no arguments; it returns the current task, which exists while it runs.
    unsafe { bpf_get_current_task() }
}

/// Thread group of a `struct task_struct *`, or `UNREAD` where the kernel does not tell of it or of parents.
#[inline(always)]
pub fn tgid_of(task: u64) -> u32 {
    if OFF_TASK_PARENT.load() == ABSENT || OFF_TASK_TGID.load() == ABSENT {
        return UNREAD;
    }
    member(task, &OFF_TASK_TGID)
}

/// Writes the name of a `struct task_struct *` where it is to be; an empty one where it cannot be read.
///
/// # Safety
///
/// As for [`string_into`].
#[inline(always)]
pub unsafe fn comm_into(task: u64, to: *mut [u8; COMM_LEN]) {
    // SAFETY: the caller vouches for the destination.
    unsafe { string_into(place(task, &OFF_TASK_COMM), to) };
}

/// tid, thread group and name of a `struct task_struct *`.
#[inline(always)]
pub fn task(task: u64) -> (u32, u32, [u8; COMM_LEN]) {
    let (tid, tgid) = (member(task, &OFF_TASK_PID), member(task, &OFF_TASK_TGID));
    (tid, tgid, embedded_string(task, &OFF_TASK_COMM))
}

/// Effective user of the task that runs, as the initial namespace numbers it, and whether it has `CAP_SYS_MODULE` there; `UNREAD` for
/// what the kernel does not tell.
///
/// `bpf_get_current_uid_gid` would give the real user. A capability of another user namespace is none where modules are loaded. The set
/// of effective ones is two words of 32 bits up to 6.2, one of 64 since; the bit is in the lower ones of either.
#[inline(always)]
pub fn caller() -> (u32, u32) {
    const CAP_SYS_MODULE: u32 = 16;
    let absent = |offset: &Global<u32>| offset.load() == ABSENT;
    let cred: u64 = member(current(), &OFF_TASK_CRED);
    let uid = if absent(&OFF_TASK_CRED) || absent(&OFF_CRED_EUID) {
        UNREAD
    } else {
        member(cred, &OFF_CRED_EUID)
    };
    let unknown = absent(&OFF_TASK_CRED) || absent(&OFF_CRED_CAPABILITIES);
    if unknown || absent(&OFF_CRED_USER_NS) || absent(&OFF_USER_NS_LEVEL) {
        return (uid, UNREAD);
    }
    let capabilities: u32 = member(cred, &OFF_CRED_CAPABILITIES);
    let level: u32 = member(member(cred, &OFF_CRED_USER_NS), &OFF_USER_NS_LEVEL);
    (uid, (capabilities >> CAP_SYS_MODULE & 1) & u32::from(level == 0))
}

/// The parent of a `struct task_struct *`, whoever traces it.
#[inline(always)]
pub fn parent_of(task: u64) -> u64 {
    member(task, &OFF_TASK_PARENT)
}
