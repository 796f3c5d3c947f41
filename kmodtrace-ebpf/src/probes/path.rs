//! Where the file of a load lies: the way up its directories and mounts, as `prepend_path` of fs/d_path.c goes it.
//!
//! `bpf_d_path` would do it, but a program on a kprobe may not call it, and a trampoline at few functions only.

use aya_ebpf::helpers::bpf_ktime_get_ns;
use aya_ebpf::helpers::generated::bpf_snprintf;
use aya_ebpf::macros::map;
use aya_ebpf::maps::Array;
use kmodtrace_common::record::Path;
use kmodtrace_common::{PATH_LEN, kind};

use crate::emit::emit_in_place;
use crate::globals::{
    ABSENT, HAVE_SNPRINTF, OFF_DENTRY_NAME, OFF_DENTRY_PARENT, OFF_FILE_DENTRY, OFF_FILE_INODE, OFF_FILE_MOUNT,
    OFF_INODE_GENERATION, OFF_INODE_INO, OFF_MOUNT_MOUNTPOINT, OFF_MOUNT_PARENT, OFF_MOUNT_VFSMOUNT, OFF_VFSMOUNT_ROOT,
};
use crate::read::{member, place, zero};

/// Components of a path: as many as one call of `bpf_snprintf` takes (`MAX_BPRINTF_VARARGS`, include/linux/bpf.h). Of Debian's modules,
/// few lie deeper: brcmfmac's vendors, 13 from the root on.
const COMPONENTS: usize = 12;

#[unsafe(no_mangle)]
static PATH_FORMAT: [u8; 3 * COMPONENTS + 1] = *b"%s/%s/%s/%s/%s/%s/%s/%s/%s/%s/%s/%s/\0";

/// Files whose paths are told, as a power of two.
const SLOTS: u32 = 1024;

/// Which file had its path told in which minute, as one number; one that another takes the place of is told again.
#[map]
static PATHS_TOLD: Array<u64> = Array::with_max_entries(SLOTS, 0);

/// Whether the path of this file is to be told now. A minute is 2^36 ns.
///
/// Addresses and numbers of inodes are given again when a file is removed, and a file may be moved: so its generation counts and its
/// directory.
#[inline(always)]
fn is_due(inode: u64, dentry: u64) -> bool {
    let number: u64 = member(inode, &OFF_INODE_INO);
    let generation: u32 = member(inode, &OFF_INODE_GENERATION);
    let directory: u64 = member(dentry, &OFF_DENTRY_PARENT);
    // SAFETY: no arguments, no memory.
    let minute = unsafe { bpf_ktime_get_ns() } >> 36;
    let told = inode ^ number.rotate_left(16) ^ u64::from(generation) << 20 ^ directory.rotate_left(40) ^ minute;
    // struct inode is some hundred bytes large.
    let slot = (inode >> 6 ^ inode >> 16) as u32 & (SLOTS - 1);
    let Some(last) = PATHS_TOLD.get_ptr_mut(slot) else {
        return false;
    };
    // SAFETY: the slot is in the map, which lives as long as the program. Two tasks at once tell it twice.
    unsafe { core::ptr::replace(last, told) != told }
}

/// Sends where this `struct file *` lies, unless that was told within the minute, or the kernel does not tell.
#[inline(always)]
pub fn emit_path(file: u64) {
    let absent = OFF_DENTRY_PARENT.load() == ABSENT || OFF_MOUNT_VFSMOUNT.load() == ABSENT;
    if absent || OFF_FILE_MOUNT.load() == ABSENT || HAVE_SNPRINTF.load() == 0 {
        return;
    }
    let mut dentry: u64 = member(file, &OFF_FILE_DENTRY);
    if !is_due(member(file, &OFF_FILE_INODE), dentry) {
        return;
    }
    let mut names = [0u64; COMPONENTS];
    let mut mount: u64 = member::<u64>(file, &OFF_FILE_MOUNT) - u64::from(OFF_MOUNT_VFSMOUNT.load());
    let mut whole = 0;
    for name in &mut names {
        if dentry == root_of(mount) {
            let parent: u64 = member(mount, &OFF_MOUNT_PARENT);
            if parent == mount {
                whole = 1;
                break;
            }
            dentry = member(mount, &OFF_MOUNT_MOUNTPOINT);
            mount = parent;
        }
        *name = member(dentry, &OFF_DENTRY_NAME);
        dentry = member(dentry, &OFF_DENTRY_PARENT);
    }
    // The last component may lie right below the root.
    whole |= u32::from(dentry == root_of(mount) && member::<u64>(mount, &OFF_MOUNT_PARENT) == mount);
    emit_in_place::<Path>(kind::PATH, |record| {
        // SAFETY: the record is reserved, and these are all of its fields; the helper writes no more than the text holds. The names are
        // as many as the constant format takes.
        unsafe {
            zero(&raw mut (*record).text);
            let len = bpf_snprintf(
                (&raw mut (*record).text).cast(),
                PATH_LEN as u32,
                PATH_FORMAT.as_ptr().cast(),
                names.as_mut_ptr(),
                size_of_val(&names) as u32,
            );
            (&raw mut (*record).whole).write(whole);
            (&raw mut (*record).len).write(len as u32);
        }
    });
}

/// `mount->mnt.mnt_root`.
#[inline(always)]
fn root_of(mount: u64) -> u64 {
    member(place(mount, &OFF_MOUNT_VFSMOUNT), &OFF_VFSMOUNT_ROOT)
}
