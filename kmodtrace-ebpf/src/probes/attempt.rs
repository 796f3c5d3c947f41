//! The three system calls: entry and return.

use aya_ebpf::EbpfContext;
use aya_ebpf::helpers::generated::{bpf_get_current_cgroup_id, bpf_get_current_comm, bpf_probe_read_user_str};
use aya_ebpf::macros::{fentry, fexit, kprobe, kretprobe, map, tracepoint};
use aya_ebpf::maps::PerCpuArray;
use aya_ebpf::programs::{FEntryContext, FExitContext, ProbeContext, RetProbeContext, TracePointContext};
use aya_log_ebpf::{debug, warn};
use kmodtrace_common::record::{Ancestors, AttemptEnter, File};
use kmodtrace_common::syscall::{DELETE_MODULE, FINIT_MODULE, INIT_MODULE};
use kmodtrace_common::{ANCESTORS_LEN, COMM_LEN, MODULE_NAME_LEN, UNREAD, counter, kind};

use crate::emit::{emit, emit_in_place, emit_ret, header, tid};
use crate::globals::OFF_TASK_TGID;
use crate::maps::{Task, begin_task, count, current_task, end_task};
use crate::probes::{Arguments, untyped_argument};
use crate::read::{comm_into, current, file_behind, member, number, parent_of, tgid_of};

/// Room to measure an argument string in: the stack has 512 bytes.
#[map]
static SCRATCH: PerCpuArray<[u8; 4096]> = PerCpuArray::with_max_entries(1, 0);

/// Where `struct pt_regs` keeps the first three arguments of a system call, in bytes (arch/*/include/asm/ptrace.h).
#[cfg(bpf_target_arch = "x86_64")]
const REGS: [u64; 3] = [112, 104, 96];
#[cfg(bpf_target_arch = "aarch64")]
const REGS: [u64; 3] = [0, 8, 16];

/// The system call's arguments behind the `struct pt_regs *` that its wrapper gets.
#[inline(always)]
fn from_wrapper(regs: u64) -> [u64; 3] {
    REGS.map(|offset| number(regs + offset))
}

/// Where it keeps those of a 32-bit system call: bx, cx and dx, whose upper halves mean nothing (arch/x86/include/asm/syscall_wrapper.h).
#[cfg(bpf_target_arch = "x86_64")]
const IA32_REGS: [u64; 3] = [40, 88, 96];
/// No wrapper of its own: nothing is attached.
#[cfg(bpf_target_arch = "aarch64")]
const IA32_REGS: [u64; 3] = REGS;

/// The same of the wrapper that 32-bit programs enter through.
#[inline(always)]
fn from_ia32_wrapper(regs: u64) -> [u64; 3] {
    IA32_REGS.map(|offset| u64::from(number::<u32>(regs + offset)))
}

/// The arguments of a `syscalls:sys_enter_*` tracepoint: `unsigned long args[]` behind the common fields and the number.
#[inline(always)]
fn from_tracepoint(ctx: &TracePointContext) -> [u64; 3] {
    // SAFETY: the offsets are those of struct syscall_trace_enter, within the context.
    [16, 24, 32].map(|offset| unsafe { ctx.read_at::<u64>(offset) }.unwrap_or(0))
}

/// Length of the NUL-terminated string at a user address, capped by the scratch buffer, or `UNREAD`. What was read is
/// reckoned with, not branched upon: the verifier would follow each branch through all that comes behind.
#[inline(always)]
fn user_string_len(address: u64) -> u32 {
    let Some(scratch) = SCRATCH.get_ptr_mut(0) else {
        return UNREAD;
    };
    // SAFETY: the destination is the map's slot of 4,096 bytes; the helper checks the source and never sleeps on it.
    let read = unsafe { bpf_probe_read_user_str(scratch.cast(), 4096, address as *const _) };
    // All bits of an error, which is negative: those of UNREAD.
    let unread = (read >> 63) as u32;
    // The NUL counts, but that of an empty string only since "maccess: fix strncpy_from_user_nofault() empty string handling": 0 is no error.
    let nul = (read as u32).wrapping_add(4095) >> 12;
    (read as u32).wrapping_sub(nul) | unread
}

#[inline(always)]
fn enter(ctx: &impl EbpfContext, syscall: u32, args: [u64; 3]) {
    let tid = tid();
    // image_bytes, fd, flags, the arguments' address, the name's address.
    let (image_bytes, fd, flags, arguments, name) = match syscall {
        INIT_MODULE => (args[1], -1, 0, args[2], 0),
        FINIT_MODULE => (0, args[0] as i32, args[2] as u32, args[1], 0),
        _ => (0, -1, args[1] as u32, 0, args[0]),
    };
    let args_len = if syscall == DELETE_MODULE {
        0
    } else {
        user_string_len(arguments)
    };
    if !begin_task(tid, syscall, fd, arguments, args_len) {
        count(counter::CLIPPED);
        warn!(ctx, "no room for task {}: its attempt is seen from outside only", tid);
    }
    emit_in_place::<AttemptEnter>(kind::ATTEMPT_ENTER, |record| {
        let parent = parent_of(current());
        // SAFETY: the record is reserved, and these are all of its fields; the helpers write as many bytes as a field has, and all of
        // them, also where they read nothing. bpf_get_current_cgroup_id takes nothing.
        unsafe {
            (&raw mut (*record).cgroup_id).write(bpf_get_current_cgroup_id());
            (&raw mut (*record).image_bytes).write(image_bytes);
            (&raw mut (*record).syscall).write(syscall);
            (&raw mut (*record).flags).write(flags);
            (&raw mut (*record).fd).write(fd);
            (&raw mut (*record).args_len).write(args_len);
            (&raw mut (*record).parent_tgid).write(tgid_of(parent));
            (&raw mut (*record).reserved).write(0);
            bpf_get_current_comm((&raw mut (*record).comm).cast(), COMM_LEN as u32);
            comm_into(parent, &raw mut (*record).parent_comm);
            let module = &raw mut (*record).module;
            module.write([0; MODULE_NAME_LEN]);
            if syscall == DELETE_MODULE {
                bpf_probe_read_user_str(module.cast(), MODULE_NAME_LEN as u32, name as *const _);
            }
        }
    });
    if syscall != DELETE_MODULE {
        emit_ancestors();
    }
    debug!(ctx, "task {} enters module system call {}", tid, syscall);
}

/// Sends who is behind the parent: it tells a loader of the boot from one of a user. The kernel's first task has tgid 0, and ends it.
#[inline(always)]
fn emit_ancestors() {
    emit_in_place::<Ancestors>(kind::ANCESTORS, |record| {
        // SAFETY: the record is reserved, and each level is within it.
        unsafe {
            (&raw mut (*record).tgid).write([0; ANCESTORS_LEN]);
            (&raw mut (*record).comm).write([[0; COMM_LEN]; ANCESTORS_LEN]);
            let mut ancestor = parent_of(current());
            for level in 0..ANCESTORS_LEN {
                ancestor = parent_of(ancestor);
                let tgid: u32 = member(ancestor, &OFF_TASK_TGID);
                if tgid == 0 {
                    break;
                }
                (&raw mut (*record).tgid[level]).write(tgid);
                comm_into(ancestor, &raw mut (*record).comm[level]);
            }
        }
    });
}

#[inline(always)]
fn exit(ctx: &impl EbpfContext, syscall: u32, ret: i64) {
    let tid = tid();
    if let Some(task) = current_task(tid) {
        late(task, syscall);
    }
    emit_ret(kind::ATTEMPT_EXIT, ret);
    end_task(tid);
    debug!(ctx, "task {} leaves with {}", tid, ret);
}

/// What could not be told earlier.
#[inline(always)]
fn late(task: &Task, syscall: u32) {
    let file = if syscall == FINIT_MODULE {
        file_behind(task.fd)
    } else {
        0
    };
    if file != 0 {
        emit(&crate::read::file(header::<File>(kind::FILE), file));
    }
    if syscall != DELETE_MODULE && task.args_len == UNREAD {
        let len = user_string_len(task.arguments);
        if len != UNREAD {
            emit_ret(kind::ARGUMENTS, i64::from(len));
        }
    }
}

/// The programs on a wrapper: `on_wrapper!(NUMBER, from: fentry kprobe fexit kretprobe)`.
macro_rules! on_wrapper {
    ($number:ident, $from:ident: $fentry:ident $kprobe:ident $fexit:ident $kretprobe:ident) => {
        #[fentry]
        pub fn $fentry(ctx: FEntryContext) -> i32 {
            enter(&ctx, $number, $from(untyped_argument(&ctx)));
            0
        }

        #[kprobe]
        pub fn $kprobe(ctx: ProbeContext) -> u32 {
            enter(&ctx, $number, $from(ctx.argument(0)));
            0
        }

        #[fexit]
        pub fn $fexit(ctx: FExitContext) -> i32 {
            exit(&ctx, $number, ctx.arg(1));
            0
        }

        #[kretprobe]
        pub fn $kretprobe(ctx: RetProbeContext) -> u32 {
            exit(&ctx, $number, ctx.ret());
            0
        }
    };
}

/// The programs on the tracepoints: `on_tracepoints!(NUMBER: enter exit)`.
macro_rules! on_tracepoints {
    ($number:ident: $tp_enter:ident $tp_exit:ident) => {
        #[tracepoint]
        pub fn $tp_enter(ctx: TracePointContext) -> u32 {
            enter(&ctx, $number, from_tracepoint(&ctx));
            0
        }

        #[tracepoint]
        pub fn $tp_exit(ctx: TracePointContext) -> u32 {
            // SAFETY: `long ret` of struct syscall_trace_exit.
            exit(&ctx, $number, unsafe { ctx.read_at(16) }.unwrap_or(0));
            0
        }
    };
}

on_wrapper!(INIT_MODULE, from_wrapper: fentry_init_module kprobe_init_module fexit_init_module kretprobe_init_module);
on_wrapper!(INIT_MODULE, from_ia32_wrapper: fentry_ia32_init_module kprobe_ia32_init_module fexit_ia32_init_module kretprobe_ia32_init_module);
on_tracepoints!(INIT_MODULE: tp_enter_init_module tp_exit_init_module);
on_wrapper!(FINIT_MODULE, from_wrapper: fentry_finit_module kprobe_finit_module fexit_finit_module kretprobe_finit_module);
on_wrapper!(FINIT_MODULE, from_ia32_wrapper: fentry_ia32_finit_module kprobe_ia32_finit_module fexit_ia32_finit_module kretprobe_ia32_finit_module);
on_tracepoints!(FINIT_MODULE: tp_enter_finit_module tp_exit_finit_module);
on_wrapper!(DELETE_MODULE, from_wrapper: fentry_delete_module kprobe_delete_module fexit_delete_module kretprobe_delete_module);
on_wrapper!(DELETE_MODULE, from_ia32_wrapper: fentry_ia32_delete_module kprobe_ia32_delete_module fexit_ia32_delete_module kretprobe_ia32_delete_module);
on_tracepoints!(DELETE_MODULE: tp_enter_delete_module tp_exit_delete_module);
