//! What a task writes to the kernel log inside an attempt or a request.

use aya_ebpf::helpers::generated::{bpf_probe_read_kernel, bpf_probe_read_kernel_str};
use aya_ebpf::macros::{fexit, kprobe, kretprobe, map, raw_tracepoint, tracepoint};
use aya_ebpf::maps::PerCpuArray;
use aya_ebpf::programs::{FExitContext, ProbeContext, RawTracePointContext, RetProbeContext, TracePointContext};
use kmodtrace_common::functions::{PRINTK_SPRINT, VPRINTK_STORE};
use kmodtrace_common::record::Text;
use kmodtrace_common::{TEXT_LEN, counter, kind};

use crate::arguments::Arguments;
use crate::emit::{emit, header, tid};
use crate::globals::PRINTK_TEXT;
use crate::maps::{count, current_request, current_task};
use crate::probes::{dynamic, int};
use crate::read::string;

#[inline(always)]
fn is_ours() -> bool {
    let tid = tid();
    current_task(tid).is_some() || current_request(tid).is_some()
}

// console(text, len), include/trace/events/printk.h: called where the line is stored, whatever the level, since 5.19.
// Before, it is called where consoles are written to: perhaps by another task, and not for what the consoles do not show.
#[raw_tracepoint(tracepoint = "console")]
pub fn raw_tp_console(ctx: RawTracePointContext) -> i32 {
    emit_line(ctx.arg(0), ctx.arg(1));
    0
}

#[inline(always)]
fn emit_line(address: u64, len: u64) {
    if is_ours() {
        let header = header::<Text>(kind::PRINTK);
        let mut text = [0; TEXT_LEN];
        // No NUL ends the text. It is never longer than its buffer, so what is read beyond it is cut off here.
        let kept = if len < TEXT_LEN as u64 { len } else { TEXT_LEN as u64 };
        // SAFETY: the destination is ours and at least of this size; the helper checks the source.
        unsafe { bpf_probe_read_kernel(text.as_mut_ptr().cast(), kept as u32, address as *const _) };
        emit(&Text { header, len, text });
    }
}

/// Where the `printk_sprint` that runs writes; 0 outside of it. No interrupt comes between (`vprintk_store`), but an NMI may.
#[map]
static WRITTEN: PerCpuArray<u64> = PerCpuArray::with_max_entries(1, 0);

#[inline(always)]
fn sprint_exit(text: u64, ret: u64) {
    emit_line(text, ret & 0xffff);
}

// printk_sprint(text, size, facility, flags, fmt, args), kernel/printk/printk.c since 5.11: it writes a line to the ring of the log, and
// returns the length without prefix and line feed. The tracepoint is at its end.
#[kprobe]
pub fn kprobe_printk_sprint(ctx: ProbeContext) -> u32 {
    if let Some(written) = WRITTEN.get_ptr_mut(0) {
        // SAFETY: a slot of an array lives as long as the program, and is this CPU's.
        unsafe { *written = ctx.argument(0) };
    }
    0
}

#[kretprobe]
pub fn kretprobe_printk_sprint(ctx: RetProbeContext) -> u32 {
    let Some(written) = WRITTEN.get_ptr_mut(0) else {
        return 0;
    };
    // SAFETY: as above.
    let text = unsafe { core::mem::take(&mut *written) };
    if text != 0 {
        sprint_exit(text, ctx.ret());
    } else if is_ours() {
        // An NMI wrote a line of its own meanwhile.
        count(counter::DROPPED);
    }
    0
}

#[fexit]
pub fn fexit_printk_sprint(ctx: FExitContext) -> i32 {
    sprint_exit(ctx.arg(0), ctx.arg(PRINTK_SPRINT.args as usize));
    0
}

// printk:console by a performance event: the text in the event, without the newline at its end, ends in NUL.
#[tracepoint]
pub fn tp_console(ctx: TracePointContext) -> u32 {
    if is_ours() {
        let (at, room) = dynamic(&ctx, 8);
        let header = header::<Text>(kind::PRINTK);
        let mut text = [0; TEXT_LEN];
        // SAFETY: the destination is ours and of this size; the helper checks the source.
        let read = unsafe { bpf_probe_read_kernel_str(text.as_mut_ptr().cast(), TEXT_LEN as u32, at as *const _) };
        let whole = read >= 1 && (read as usize) < TEXT_LEN;
        let len = if whole { read as u64 } else { room }.saturating_sub(1);
        emit(&Text { header, len, text });
    }
    0
}

/// `KERN_SOH`: it and a letter stand before the text, once or twice (include/linux/kern_levels.h).
const SOH: u8 = 1;

/// The buffer is the kernel's only one, and its lock is held.
#[inline(always)]
fn stored(ret: u64) {
    let text = PRINTK_TEXT.load();
    if text != 0 && is_ours() {
        let prefix = |at: u64| {
            if crate::read::number::<u32>(at) as u8 == SOH {
                at + 2
            } else {
                at
            }
        };
        let header = header::<Text>(kind::PRINTK);
        emit(&Text {
            header,
            len: int(ret) as u64,
            text: string::<TEXT_LEN>(prefix(prefix(text))),
        });
    }
}

// vprintk_store(facility, level, dev_info, fmt, args), kernel/printk/printk.c up to 5.10: it returns the length
#[fexit]
pub fn fexit_vprintk_store(ctx: FExitContext) -> i32 {
    stored(ctx.arg(VPRINTK_STORE.args as usize));
    0
}

#[kretprobe]
pub fn kretprobe_vprintk_store(ctx: RetProbeContext) -> u32 {
    stored(ctx.ret());
    0
}
