//! The maps, their bounds, and the state kept of a task inside a module system call.

use core::arch::asm;

use aya_ebpf::macros::map;
use aya_ebpf::maps::{HashMap, PerCpuArray, RingBuf};
use kmodtrace_common::counter;

/// Where the records go.
#[map]
pub static RING: RingBuf = RingBuf::with_byte_size(2 << 20, 0);

/// How many records each CPU has begun.
#[map]
static SEQUENCE: PerCpuArray<u64> = PerCpuArray::with_max_entries(1, 0);

/// Counters by the indices of `kmodtrace_common::counter`.
#[map]
static COUNTERS: PerCpuArray<u64> = PerCpuArray::with_max_entries(counter::COUNT, 0);

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
    /// Where the arguments are, while their length is not known; else 0.
    pub arguments: u64,
}

/// The task that runs, when it is inside a module system call that was seen to begin.
#[inline(always)]
pub fn current_task(tid: u32) -> Option<&'static mut Task> {
    // SAFETY: the pointer is into the map's preallocated memory, which lives as long as the program. Only the task
    // with this tid takes its entry, and a task runs one probe at a time, so nothing else refers to it mutably.
    TASKS.get_ptr_mut(tid).map(|task| unsafe { &mut *task })
}

/// Begins an attempt: whatever an earlier one of this tid left behind (a lost exit, a killed task) is overwritten.
#[inline(always)]
pub fn begin_task(tid: u32, syscall: u32, fd: i32, arguments: u64) -> bool {
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
        arguments,
    };
    TASKS.insert(tid, task, 0).is_ok()
}

/// Ends an attempt.
#[inline(always)]
pub fn end_task(tid: u32) {
    // An error means that the entry was never made: counted then, nothing to do now.
    let _ = TASKS.remove(tid);
}

/// Adds one to a counter of `kmodtrace_common::counter`.
#[inline(always)]
pub fn count(counter: u32) {
    increment(&COUNTERS, counter);
}

/// The number of the record that begins on this CPU, from 1.
///
/// The addition is atomic and exact; the value read after it can repeat on a preemptible kernel, which user space
/// allows for. An atomic add that returns the value needs 5.12, and 5.10 refuses a program that merely contains it.
#[inline(always)]
pub fn next_sequence() -> u64 {
    increment(&SEQUENCE, 0)
}

#[inline(always)]
fn increment(map: &PerCpuArray<u64>, index: u32) -> u64 {
    let Some(slot) = map.get_ptr_mut(index) else { return 0 };
    // SAFETY: a per-CPU array's slot is 8-aligned and lives as long as the program; it is only used here. The instruction
    // is BPF's atomic add without a result, which core offers for no target that lacks compare-and-swap.
    unsafe {
        asm!("lock *(u64 *)({slot} + 0) += {one}", slot = in(reg) slot, one = in(reg) 1u64);
        slot.read_volatile()
    }
}
