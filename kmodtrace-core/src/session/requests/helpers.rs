//! The helpers of requests: modprobe, what it runs, and the attempts that they make.

use super::{MOST, Requests};
use crate::model::{AttemptId, Finished, Helper, Ktime, RequestId, Tgid, Tid};
use crate::records::event::Fact;

impl Requests {
    /// Something was seen of a helper, or of the kworker that starts it.
    pub(in crate::session) fn helped(
        &mut self,
        time: Ktime,
        (tid, tgid): (Tid, Tgid),
        fact: Fact,
        out: &mut Vec<Finished>,
    ) {
        match fact {
            Fact::HelperWork(sub_info) => {
                if let Some(id) = self.by_sub_info.get(&sub_info).copied()
                    && let Some(helper) = self.helper(id, time)
                {
                    helper.taken_up = Some(time);
                }
            }
            Fact::HelperTask(sub_info) => {
                // The address is used again as soon as the helper's last reference to it is gone.
                if let Some(id) = self.by_sub_info.remove(&sub_info) {
                    if let Some(helper) = self.helper(id, time) {
                        helper.forked = Some(time);
                        helper.tgid = Some(tgid);
                    }
                    self.belongs(tgid, id);
                }
            }
            Fact::HelperFork(child) => {
                if let Some(id) = self.helpers.get(&tgid).copied() {
                    self.belongs(child.tgid, id);
                }
            }
            Fact::HelperRuns(path) => {
                if let Some(id) = self.helpers.get(&tgid).copied()
                    && let Some(open) = self.open.get_mut(&id)
                {
                    open.runs(time, tgid, path);
                }
            }
            // Of several threads the one that the thread group is named after stands for all.
            Fact::HelperEnd(status) if tid.0 == tgid.0 => {
                self.moved_on(time, tid, out);
                if let Some(id) = self.helpers.remove(&tgid) {
                    if let Some(helper) = self.helper(id, time).filter(|helper| helper.tgid == Some(tgid)) {
                        helper.ended = Some(time);
                        helper.status = Some(status);
                    }
                    self.close_answered(id, out);
                }
            }
            _ => {}
        }
    }

    /// An attempt of this thread group begins: for which request, if it is a helper's.
    pub(in crate::session) fn attempt(&mut self, tgid: Tgid, attempt: AttemptId) -> Option<RequestId> {
        let id = self.helpers.get(&tgid).copied()?;
        if let Some(open) = self.open.get_mut(&id) {
            open.attempt(attempt);
        }
        Some(id)
    }

    fn helper(&mut self, id: RequestId, time: Ktime) -> Option<&mut Helper> {
        let open = self.open.get_mut(&id)?;
        open.active = time;
        open.request.helper.as_mut()
    }

    /// A thread group belongs to the helper of this request until it ends. Ends may be lost: of too many, those of the
    /// oldest requests are forgotten.
    fn belongs(&mut self, tgid: Tgid, id: RequestId) {
        if self.helpers.len() >= MOST {
            let mut ids: Vec<_> = self.helpers.values().copied().collect();
            ids.sort_unstable();
            if let Some(oldest) = ids.get(MOST / 4).copied() {
                self.helpers.retain(|_, id| *id > oldest);
            }
        }
        self.helpers.insert(tgid, id);
    }
}
