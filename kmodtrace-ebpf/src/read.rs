//! Reading the kernel's memory at offsets that user space found in BTF. A failed read is a value, never an error.

use aya_ebpf::Global;
use aya_ebpf::helpers::bpf_probe_read_kernel;
use aya_ebpf::helpers::generated::{bpf_get_current_task, bpf_probe_read_kernel_str};
use kmodtrace_common::record::{File, Header};
use kmodtrace_common::{COMM_LEN, FILE_NAME_LEN, MODULE_NAME_LEN, STATE_NONE, UNREAD};

use crate::globals::{
    ABSENT, OFF_DENTRY_NAME, OFF_FDT_FD, OFF_FDT_MAX_FDS, OFF_FILE_DENTRY, OFF_FILE_INODE, OFF_FILES_FDT,
    OFF_INODE_INO, OFF_INODE_SB, OFF_MODULE_NAME, OFF_MODULE_STATE, OFF_SB_DEV, OFF_TASK_COMM, OFF_TASK_FILES,
    OFF_TASK_PARENT, OFF_TASK_TGID,
};

/// The member of type `T` at this offset of the object at `base`.
#[inline(always)]
pub fn member<T>(base: u64, offset: &Global<u32>) -> Option<T> {
    let offset = offset.load();
    if base == 0 || offset == ABSENT {
        return None;
    }
    // SAFETY: the helper checks the address and copies; it never faults.
    unsafe { bpf_probe_read_kernel((base + u64::from(offset)) as *const T) }.ok()
}

/// The string at this kernel address; empty when it cannot be read.
#[inline(always)]
pub fn string<const N: usize>(address: u64) -> [u8; N] {
    let mut buffer = [0u8; N];
    if address != 0 {
        // SAFETY: the destination is ours and of this size; the helper checks the source and never faults.
        unsafe { bpf_probe_read_kernel_str(buffer.as_mut_ptr().cast(), N as u32, address as *const _) };
    }
    buffer
}

/// `module->name`.
#[inline(always)]
pub fn module_name(module: u64) -> [u8; MODULE_NAME_LEN] {
    embedded_string(module, &OFF_MODULE_NAME)
}

/// `module->state`, or `STATE_NONE`.
#[inline(always)]
pub fn module_state(module: u64) -> u32 {
    member(module, &OFF_MODULE_STATE).unwrap_or(STATE_NONE)
}

#[inline(always)]
fn embedded_string<const N: usize>(base: u64, offset: &Global<u32>) -> [u8; N] {
    let offset = offset.load();
    string(if base == 0 || offset == ABSENT {
        0
    } else {
        base + u64::from(offset)
    })
}

/// Inode, device and name of a `struct file *`.
#[inline(always)]
pub fn file(header: Header, file: u64) -> File {
    let inode: u64 = member(file, &OFF_FILE_INODE).unwrap_or(0);
    let super_block: u64 = member(inode, &OFF_INODE_SB).unwrap_or(0);
    let dentry: u64 = member(file, &OFF_FILE_DENTRY).unwrap_or(0);
    let name: u64 = member(dentry, &OFF_DENTRY_NAME).unwrap_or(0);
    File {
        header,
        inode: member(inode, &OFF_INODE_INO).unwrap_or(0),
        dev: member(super_block, &OFF_SB_DEV).unwrap_or(0),
        reserved: 0,
        name: string::<FILE_NAME_LEN>(name),
    }
}

/// The `struct file *` behind a descriptor of the task that runs: `current->files->fdt->fd[fd]`, without the reference
/// that `fget` would take, so one that another thread closes right now may read as nothing.
#[inline(always)]
pub fn file_behind(fd: i32) -> u64 {
    // SAFETY: no arguments; it returns the current task, which exists while it runs.
    let task = unsafe { bpf_get_current_task() };
    let files: u64 = member(task, &OFF_TASK_FILES).unwrap_or(0);
    let table: u64 = member(files, &OFF_FILES_FDT).unwrap_or(0);
    let max: u32 = member(table, &OFF_FDT_MAX_FDS).unwrap_or(0);
    let array: u64 = member(table, &OFF_FDT_FD).unwrap_or(0);
    if fd < 0 || fd as u32 >= max || array == 0 {
        return 0;
    }
    // SAFETY: the helper checks the address and copies.
    unsafe { bpf_probe_read_kernel((array + u64::from(fd as u32) * 8) as *const u64) }.unwrap_or(0)
}

/// Thread group and name of the parent of the task that runs.
#[inline(always)]
pub fn parent() -> (u32, [u8; COMM_LEN]) {
    // SAFETY: no arguments; it returns the current task, which exists while it runs.
    let task = unsafe { bpf_get_current_task() };
    let parent: u64 = member(task, &OFF_TASK_PARENT).unwrap_or(0);
    (
        member(parent, &OFF_TASK_TGID).unwrap_or(UNREAD),
        embedded_string(parent, &OFF_TASK_COMM),
    )
}
