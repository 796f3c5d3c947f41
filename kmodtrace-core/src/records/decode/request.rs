//! The records of requests and their helpers.

use super::{DecodeError, layout, name, plain, present, ret, text};
use crate::model::{Tgid, Tid};
use crate::records::event::{Fact, Granted, HelperEnter, OtherTask, RequestBegin};
use kmodtrace_common::{UNREAD, kind, record};

/// `PF_KTHREAD` of include/linux/sched.h, the same in 5.10 to 7.2.
const PF_KTHREAD: u32 = 0x0020_0000;

pub(super) fn fact(kind: u16, bytes: &[u8]) -> Result<Fact, DecodeError> {
    Ok(match kind {
        kind::MUTEX_ENTER => Fact::MutexEnter(Some(other(&layout(kind, bytes)?)).filter(|task| task.tid != Tid(0))),
        kind::REQUEST_BEGIN => Fact::RequestBegin(Box::new(begin(&layout(kind, bytes)?))),
        kind::REQUEST_SECURITY => Fact::RequestSecurity(ret(kind, bytes)?),
        kind::SLOT_ENTER => plain(kind, bytes, Fact::SlotEnter)?,
        kind::SLOT_EXIT => Fact::SlotExit(ret(kind, bytes)?),
        kind::SLOT_GIVEN_UP => plain(kind, bytes, Fact::SlotGivenUp)?,
        kind::REQUEST_GRANTED => {
            let site: record::Site = layout(kind, bytes)?;
            Fact::RequestGranted(Granted {
                waits: site.value != 0,
                call_site: present(&site.symbol),
            })
        }
        kind::HELPER_ENTER => {
            let helper: record::Helper = layout(kind, bytes)?;
            Fact::HelperEnter(HelperEnter {
                sub_info: helper.sub_info,
                wait: helper.wait,
                path: text(&helper.path),
            })
        }
        kind::HELPER_EXIT => Fact::HelperExit(ret(kind, bytes)?),
        kind::HELPER_WORK => Fact::HelperWork(layout::<record::Helper>(kind, bytes)?.sub_info),
        kind::HELPER_TASK => Fact::HelperTask(layout::<record::Helper>(kind, bytes)?.sub_info),
        kind::HELPER_FORK => Fact::HelperFork(other(&layout(kind, bytes)?)),
        kind::HELPER_RUNS => Fact::HelperRuns(text(&layout::<record::Site>(kind, bytes)?.symbol)),
        kind::HELPER_END => Fact::HelperEnd(ret(kind, bytes)?),
        kind::FS_TYPE_EXIT => {
            let site: record::Site = layout(kind, bytes)?;
            Fact::FsTypeExit {
                found: site.value != 0,
                called_by: present(&site.symbol),
            }
        }
        kind::STACK => {
            let stack: record::Stack = layout(kind, bytes)?;
            let frames = usize::try_from(stack.frames).unwrap_or(usize::MAX);
            Fact::Stack(text(&stack.text).lines().take(frames).map(str::to_owned).collect())
        }
        kind::DUP_REQUEST_ENTER => plain(kind, bytes, Fact::DupRequestEnter)?,
        kind::DUP_REQUEST_EXIT => Fact::DupRequestExit(ret(kind, bytes)? != 0),
        unknown => Fact::Unknown(unknown),
    })
}

fn other(record: &record::Owner) -> OtherTask {
    OtherTask {
        tid: Tid(record.tid),
        tgid: Tgid(record.tgid),
        comm: name(&record.comm),
    }
}

fn begin(record: &record::Request) -> RequestBegin {
    RequestBegin {
        name: name(&record.name),
        comm: name(&record.comm),
        kernel_thread: (record.flags != UNREAD).then_some(record.flags & PF_KTHREAD != 0),
        parent: (record.parent_tgid != UNREAD).then(|| (Tgid(record.parent_tgid), name(&record.parent_comm))),
        work: present(&record.work),
        in_attempt: record.in_attempt != 0,
        in_fs_type: record.in_fs_type != 0,
    }
}
