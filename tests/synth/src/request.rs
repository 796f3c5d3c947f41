//! A request of a storm: the task that asks, the kworker, and the helper.

use super::task::{Task, text};
use kmodtrace_common::kind;
use kmodtrace_common::record::{Helper, Request, Site};

/// The wait status of a modprobe that gives up.
const EXIT_1: i64 = 256;
/// `UMH_WAIT_PROC | UMH_KILLABLE` of include/linux/umh.h.
const UMH_WAIT_PROC_KILLABLE: i64 = 6;

impl Task {
    /// Asks for the module, as `mount` does for a file system, up to the moment at which a helper is to run.
    pub(super) fn asks(&mut self) -> u64 {
        let name = text(&self.module.name);
        self.put(kind::REQUEST_BEGIN, 1, |header| Request {
            header,
            flags: 0,
            parent_tgid: 1,
            in_attempt: 0,
            in_fs_type: 1,
            comm: text("mount"),
            parent_comm: text("bash"),
            name,
            work: text(""),
        });
        self.ret(kind::REQUEST_SECURITY, 1, 0);
        self.plain(kind::SLOT_ENTER, 1);
        self.ret(kind::SLOT_EXIT, 1, 0);
        self.site(kind::REQUEST_GRANTED, 1, "get_fs_type+0xa1/0x110");
        self.helper(kind::HELPER_ENTER, 3);
        self.now
    }

    /// Waits for a slot, whatever it has.
    pub(super) fn waits_for_slot(&mut self, from: u64) {
        self.now = self.now.max(from);
        self.plain(kind::SLOT_ENTER, 1);
    }

    /// The kworker that takes the helper up.
    pub(super) fn takes_up(&mut self, from: u64) -> u64 {
        self.now = self.now.max(from);
        self.helper(kind::HELPER_WORK, 20);
        self.now
    }

    /// Becomes the helper, before its attempt.
    pub(super) fn helps(&mut self, from: u64) {
        self.now = self.now.max(from);
        self.helper(kind::HELPER_TASK, 50);
        self.site(kind::HELPER_RUNS, 90, "/sbin/modprobe");
    }

    /// The helper's end; when it was.
    pub(super) fn ends(&mut self) -> u64 {
        self.ret(kind::HELPER_END, 40, EXIT_1);
        self.now
    }

    /// The requester has its answer.
    pub(super) fn is_answered(&mut self, from: u64) {
        self.now = self.now.max(from);
        self.ret(kind::HELPER_EXIT, 30, EXIT_1);
        self.site(kind::FS_TYPE_EXIT, 1, "path_mount+0x3f1/0xa80");
    }

    fn helper(&mut self, kind: u16, micros: u64) {
        let sub_info = 0xffff_8880_0000_0000 + self.module.number * 0x80;
        let enters = kind == kind::HELPER_ENTER;
        self.put(kind, micros, |header| Helper {
            header,
            sub_info,
            wait: if enters { UMH_WAIT_PROC_KILLABLE } else { 0 },
            path: text(if enters { "/sbin/modprobe" } else { "" }),
        });
    }

    fn site(&mut self, kind: u16, micros: u64, symbol: &str) {
        let granted = kind == kind::REQUEST_GRANTED;
        self.put(kind, micros, |header| Site {
            header,
            value: i64::from(granted),
            symbol: text(symbol),
        });
    }
}
