//! The three system calls: entry and return.

use aya_ebpf::EbpfContext;
use aya_ebpf::helpers::generated::{bpf_get_current_cgroup_id, bpf_get_current_comm, bpf_probe_read_user_str};
use aya_ebpf::macros::{fentry, fexit, kprobe, kretprobe, map, tracepoint};
use aya_ebpf::maps::PerCpuArray;
use aya_ebpf::programs::{FEntryContext, FExitContext, ProbeContext, RetProbeContext, TracePointContext};
use aya_log_ebpf::debug;
use kmodtrace_common::record::{Ancestors, ArgumentString, AttemptEnter, Caller, File};
use kmodtrace_common::syscall::{DELETE_MODULE, FINIT_MODULE, INIT_MODULE};
use kmodtrace_common::{ANCESTORS_LEN, ARGUMENT_STRING_LEN, COMM_LEN, MODULE_NAME_LEN, UNREAD, counter, kind};

use crate::arguments::{Arguments, untyped_argument};
use crate::emit::{emit, emit_in_place, emit_ret, header, tid};
use crate::globals::OFF_TASK_TGID;
use crate::maps::{Task, begin_task, count, current_task, end_task};
use crate::probes::device::emit_uevent;
use crate::read::{caller, comm_into, current, file_behind, member, parent_of, tgid_of, zero};
use crate::refused::{is_only_counted, was_only_counted};

/// Room to measure an argument string in: the stack has 512 bytes.
#[map]
static SCRATCH: PerCpuArray<[u8; 4096]> = PerCpuArray::with_max_entries(1, 0);

/// What the wrapper of a system call gets: a `struct pt_regs *` (arch/*/include/asm/ptrace.h and syscall_wrapper.h). Registers that lie
/// behind each other are read at once.
#[cfg(bpf_target_arch = "x86_64")]
mod wrapper {
    use crate::read::number;

    /// Offsets of `bx`, of `cx` with `dx` behind it, and of `dx` with `si`, `di` and `orig_ax` behind it.
    const BX: u64 = 40;
    const CX: u64 = 88;
    const DX: u64 = 96;

    /// The first three arguments of a call.
    #[inline(always)]
    pub fn native(regs: u64) -> [u64; 3] {
        let [dx, si, di] = number(regs + DX);
        [di, si, dx]
    }

    /// Those of a 32-bit program, whose upper halves mean nothing.
    #[inline(always)]
    pub fn ia32(regs: u64) -> [u64; 3] {
        let [cx, dx]: [u64; 2] = number(regs + CX);
        [number::<u32>(regs + BX).into(), (cx as u32).into(), (dx as u32).into()]
    }

    /// Those of either: the call's number for 32-bit programs, which is another call's for all others, tells.
    #[inline(always)]
    pub fn either(regs: u64, number_in_ia32: u64) -> [u64; 3] {
        let [dx, si, di, orig_ax] = number(regs + DX);
        if orig_ax == number_in_ia32 {
            ia32(regs)
        } else {
            [di, si, dx]
        }
    }
}

/// The same. 32-bit programs enter through the same wrappers.
#[cfg(bpf_target_arch = "aarch64")]
mod wrapper {
    #[inline(always)]
    pub fn native(regs: u64) -> [u64; 3] {
        crate::read::number(regs)
    }

    /// Nothing is attached.
    #[inline(always)]
    pub fn ia32(regs: u64) -> [u64; 3] {
        native(regs)
    }

    #[inline(always)]
    pub fn either(regs: u64, _number_in_ia32: u64) -> [u64; 3] {
        native(regs)
    }
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
    let (uid, capable) = caller();
    if is_only_counted(uid, capable) {
        // What an earlier call left behind whose return was lost.
        end_task(tid);
        return;
    }
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
            zero(module);
            if syscall == DELETE_MODULE {
                bpf_probe_read_user_str(module.cast(), MODULE_NAME_LEN as u32, name as *const _);
            }
        }
    });
    emit(&Caller {
        header: header::<Caller>(kind::CALLER),
        uid,
        capable,
    });
    if syscall != DELETE_MODULE {
        emit_ancestors();
        emit_argument_string(arguments, args_len);
        emit_uevent(tid);
    }
    debug!(ctx, "task {} enters module system call {}", tid, syscall);
}

/// Sends the argument string, where there is one. It is read again: what was measured may be longer than what is kept, and may have
/// changed.
#[inline(always)]
fn emit_argument_string(address: u64, len: u32) {
    if len == 0 || len == UNREAD {
        return;
    }
    emit_in_place::<ArgumentString>(kind::ARGUMENT_STRING, |record| {
        // SAFETY: the record is reserved; the helper writes no more than the field holds, and checks the source.
        unsafe {
            let text = &raw mut (*record).text;
            zero(text);
            bpf_probe_read_user_str(text.cast(), ARGUMENT_STRING_LEN as u32, address as *const _);
        }
    });
}

/// Sends who is behind the parent: it tells a loader of the boot from one of a user. The kernel's first task has tgid 0, and ends it.
#[inline(always)]
fn emit_ancestors() {
    emit_in_place::<Ancestors>(kind::ANCESTORS, |record| {
        // SAFETY: the record is reserved, and each level is within it.
        unsafe {
            zero(&raw mut (*record).tgid);
            zero(&raw mut (*record).comm);
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
    match current_task(tid) {
        Some(task) => late(task, syscall),
        None if was_only_counted(ret) => return,
        // It began before tracing.
        None => {}
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
            emit_argument_string(task.arguments, len);
        }
    }
}

/// The programs on the wrappers of a call, with its number in arch/x86/entry/syscalls/syscall_32.tbl:
/// `on_wrappers!(CALL, NUMBER: fentry ia32_fentry kprobe fexit ia32_fexit kretprobe)`. A trampoline's program has one place only.
macro_rules! on_wrappers {
    ($call:ident, $ia32:literal: $fentry:ident $ia32_fentry:ident $kprobe:ident $fexit:ident $ia32_fexit:ident $kretprobe:ident) => {
        #[fentry]
        pub fn $fentry(ctx: FEntryContext) -> i32 {
            enter(&ctx, $call, wrapper::native(untyped_argument(&ctx)));
            0
        }

        #[fentry]
        pub fn $ia32_fentry(ctx: FEntryContext) -> i32 {
            enter(&ctx, $call, wrapper::ia32(untyped_argument(&ctx)));
            0
        }

        #[kprobe]
        pub fn $kprobe(ctx: ProbeContext) -> u32 {
            enter(&ctx, $call, wrapper::either(ctx.argument(0), $ia32));
            0
        }

        #[fexit]
        pub fn $fexit(ctx: FExitContext) -> i32 {
            exit(&ctx, $call, ctx.arg(1));
            0
        }

        #[fexit]
        pub fn $ia32_fexit(ctx: FExitContext) -> i32 {
            exit(&ctx, $call, ctx.arg(1));
            0
        }

        #[kretprobe]
        pub fn $kretprobe(ctx: RetProbeContext) -> u32 {
            exit(&ctx, $call, ctx.ret());
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

on_wrappers!(INIT_MODULE, 128: fentry_init_module fentry_ia32_init_module kprobe_init_module fexit_init_module fexit_ia32_init_module kretprobe_init_module);
on_tracepoints!(INIT_MODULE: tp_enter_init_module tp_exit_init_module);
on_wrappers!(FINIT_MODULE, 350: fentry_finit_module fentry_ia32_finit_module kprobe_finit_module fexit_finit_module fexit_ia32_finit_module kretprobe_finit_module);
on_tracepoints!(FINIT_MODULE: tp_enter_finit_module tp_exit_finit_module);
on_wrappers!(DELETE_MODULE, 129: fentry_delete_module fentry_ia32_delete_module kprobe_delete_module fexit_delete_module fexit_ia32_delete_module kretprobe_delete_module);
on_tracepoints!(DELETE_MODULE: tp_enter_delete_module tp_exit_delete_module);
