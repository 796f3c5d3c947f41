//! Signals that are sent to tasks inside an attempt: who ends a load, or tries to.

use kmodtrace_common::record::Signal;
use kmodtrace_common::{COMM_LEN, kind};

use crate::arguments::Arguments;
use crate::emit::{emit, header};
use crate::globals::OFF_TASK_PID;
use crate::maps::is_inside;
use crate::probes::entry;
use crate::read::{comm_into, current, member, tgid_of};

#[inline(always)]
fn sent(ctx: &impl Arguments) {
    let target = ctx.argument(2);
    let tid: u32 = member(target, &OFF_TASK_PID);
    if !is_inside(tid) {
        return;
    }
    let mut header = header::<Signal>(kind::SIGNAL);
    let sender_tgid = header.tgid;
    (header.tid, header.tgid) = (tid, tgid_of(target));
    let mut record = Signal {
        header,
        signal: ctx.argument(0) as u32,
        sender_tgid,
        sender_comm: [0; COMM_LEN],
    };
    // SAFETY: it is a field of the record, 40 bytes from its beginning.
    unsafe { comm_into(current(), &raw mut record.sender_comm) };
    emit(&record);
}

// do_send_sig_info(sig, info, p, type), kernel/signal.c
entry!(fentry_do_send_sig_info, kprobe_do_send_sig_info, sent);
