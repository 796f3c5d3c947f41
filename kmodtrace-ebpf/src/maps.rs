//! The maps, their bounds, and the state kept of a task inside a module system call.

use core::arch::asm;

use aya_ebpf::bindings::BPF_F_MMAPABLE;
use aya_ebpf::macros::map;
use aya_ebpf::maps::{Array, HashMap, PerCpuArray, RingBuf};
use kmodtrace_common::{RING_BYTES, counter};

/// Where the records go.
#[map]
pub static RING: RingBuf = RingBuf::with_byte_size(RING_BYTES, 0);

/// How many records each CPU has begun.
#[map]
static SEQUENCE: PerCpuArray<u64> = PerCpuArray::with_max_entries(1, 0);

/// Counters by the indices of `kmodtrace_common::counter`. User space has it in its memory: while it asks for a value by a system
/// call the kernel skips programs on kprobes (`bpf_disable_instrumentation`, include/linux/bpf.h).
#[map]
static COUNTERS: Array<u64> = Array::with_max_entries(counter::COUNT, BPF_F_MMAPABLE);

/// Tasks inside a module system call, by tid. Preallocated, because allocating inside a probe can fail at the worst
/// of times; an attempt that finds it full is counted as clipped and keeps its entry and exit records.
#[map]
static TASKS: HashMap<u32, Task> = HashMap::with_max_entries(8192, 0);

/// What is known of a task inside a module system call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Task {
    /// `name` and `even_unformed` of the `find_module_all` that runs, for its return.
    pub find_name: u64,
    pub find_even_unformed: u64,
    /// The module that `free_module` is freeing; 0 outside of it.
    pub freeing: u64,
    /// What the last look-up inside `finished_loading` found.
    pub last_module: u64,
    pub last_state: u32,
    /// Calls of `finished_loading` in the wait that goes on; 0 when none does.
    pub checks: u32,
    /// Inside `finished_loading`.
    pub in_finished_loading: u32,
    /// A number of `kmodtrace_common::syscall`.
    pub syscall: u32,
    /// `fd` of `finit_module` until a record of its file was sent; -1 then, and for the other calls.
    pub fd: i32,
    /// Bits of [`progress`]: where the task is, and what it has passed.
    pub progress: u32,
    /// Where the arguments are, and how long; `UNREAD` while that is not known.
    pub arguments: u64,
    pub args_len: u32,
    /// Written out padding.
    pub reserved: u32,
    /// `name` and `ownername` of the `resolve_symbol` that runs, for its return.
    pub symbol_name: u64,
    pub symbol_owner: u64,
    /// `name` of the symbol whose owner was COMING at the last look; 0 for none.
    pub symbol_awaited: u64,
}

/// Bits of [`Task::progress`]. A return probe does not see which object its function was called for; its entry does.
pub mod progress {
    /// `load_module`.
    pub const LOAD: u32 = 1;
    /// `blocking_notifier_call_chain` for the module notifiers.
    pub const ANNOUNCE: u32 = 2;
    /// `blocking_notifier_call_chain_robust` for them.
    pub const ANNOUNCE_COMING: u32 = 4;
    /// The slow path of `module_mutex`.
    pub const MUTEX: u32 = 8;
    /// Past the first `apply_relocate_add`.
    pub const RELOCATED: u32 = 16;
    /// Past the announcement of COMING.
    pub const COMING: u32 = 32;
}

impl Task {
    /// Takes the bit away and tells whether it was there.
    #[inline(always)]
    pub fn leave(&mut self, bit: u32) -> bool {
        let was = self.progress & bit != 0;
        self.progress &= !bit;
        was
    }
}

/// The task that runs, when it is inside a module system call that was seen to begin.
#[inline(always)]
pub fn current_task(tid: u32) -> Option<&'static mut Task> {
    // SAFETY: the pointer is into the map's preallocated memory, which lives as long as the program. Only the task
    // with this tid takes its entry, and a task runs one probe at a time, so nothing else refers to it mutably.
    TASKS.get_ptr_mut(tid).map(|task| unsafe { &mut *task })
}

/// Whether a task is inside a module system call that was seen to begin.
#[inline(always)]
pub fn is_inside(tid: u32) -> bool {
    TASKS.get_ptr(tid).is_some()
}

/// Begins an attempt: whatever an earlier one of this tid left behind (a lost exit, a killed task) is overwritten.
#[inline(always)]
pub fn begin_task(tid: u32, syscall: u32, fd: i32, arguments: u64, args_len: u32) -> bool {
    let task = Task {
        find_name: 0,
        find_even_unformed: 0,
        freeing: 0,
        last_module: 0,
        last_state: kmodtrace_common::STATE_NONE,
        checks: 0,
        in_finished_loading: 0,
        syscall,
        fd,
        progress: 0,
        arguments,
        args_len,
        reserved: 0,
        symbol_name: 0,
        symbol_owner: 0,
        symbol_awaited: 0,
    };
    TASKS.insert(tid, task, 0).is_ok()
}

/// Ends an attempt.
#[inline(always)]
pub fn end_task(tid: u32) {
    // An error means that the entry was never made: counted then, nothing to do now.
    let _ = TASKS.remove(tid);
}

/// Tasks that request a module, by tid.
#[map]
pub static REQUESTS: HashMap<u32, Request> = HashMap::with_max_entries(4096, 0);

/// How far a request has come.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Request {
    /// A number of [`step`].
    pub step: u32,
    /// Whether the caller waits for the helper, where `caller` is known.
    pub waits: u32,
    /// Where `__request_module` returns to; 0 where its entry is not watched.
    pub caller: u64,
    /// Up to 6.3: when it began to wait for a slot, in nanoseconds; 0 before.
    pub slot_since: u64,
    /// Its `struct subprocess_info *`, once it has one.
    pub sub_info: u64,
}

/// `Request::step`.
pub mod step {
    /// It was called. One that cannot be made gets no further, and is kept as one that is over.
    pub const CALLED: u32 = 0;
    /// The security module is asked.
    pub const SECURITY: u32 = 1;
    /// It may have a slot.
    pub const SLOT: u32 = 2;
    /// It has one.
    pub const GRANTED: u32 = 3;
    /// It got none. It is kept for the line that it writes to the log, until its next request or its end.
    pub const OVER: u32 = 4;
}

/// The request that the task makes, if it makes one.
#[inline(always)]
pub fn current_request(tid: u32) -> Option<&'static mut Request> {
    // SAFETY: as for current_task.
    REQUESTS.get_ptr_mut(tid).map(|request| unsafe { &mut *request })
}

/// Ends a request.
#[inline(always)]
pub fn end_request(tid: u32) {
    // An error means that there was none.
    let _ = REQUESTS.remove(tid);
}

/// Tasks inside `get_fs_type`, by tid.
#[map]
pub static FS_TYPES: HashMap<u32, FsType> = HashMap::with_max_entries(1024, 0);

/// A `get_fs_type` that runs.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct FsType {
    /// Where it returns to; 0 when that is not known.
    pub caller: u64,
    /// 1 once it requested a module.
    pub requested: u64,
}

/// The `subprocess_info`s of requests, from the requester's call to the helper's beginning.
#[map]
pub static HELPERS: HashMap<u64, u32> = HashMap::with_max_entries(4096, 0);

/// Helpers and what descends from them, by tgid.
#[map]
pub static HELPER_TASKS: HashMap<u32, u32> = HashMap::with_max_entries(4096, 0);

/// Adds one to a counter of `kmodtrace_common::counter`.
#[inline(always)]
pub fn count(counter: u32) {
    if let Some(slot) = COUNTERS.get_ptr_mut(counter) {
        add_one(slot);
    }
}

/// The number of the record that begins on this CPU, from 1.
///
/// The addition is atomic and exact; the value read after it can repeat on a preemptible kernel, which user space
/// allows for. An atomic add that returns the value needs 5.12, and 5.10 refuses a program that merely contains it.
#[inline(always)]
pub fn next_sequence() -> u64 {
    let Some(slot) = SEQUENCE.get_ptr_mut(0) else { return 0 };
    add_one(slot);
    // SAFETY: a slot of an array is 8-aligned and lives as long as the program.
    unsafe { slot.read_volatile() }
}

/// Adds one to an 8-byte number in a map.
#[inline(always)]
pub fn add_one(slot: *mut u64) {
    // SAFETY: maps' memory is 8-aligned and lives as long as the program; no reference to it exists. The instruction is BPF's atomic
    // add without a result, which core offers for no target that lacks compare-and-swap.
    unsafe { asm!("lock *(u64 *)({slot} + 0) += {one}", slot = in(reg) slot, one = in(reg) 1u64) };
}
