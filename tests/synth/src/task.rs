//! What one task of a storm does, record by record.

use super::{CPUS, MICROSECOND};
use kmodtrace_common::record::{Ancestors, AttemptEnter, File, Header, InitFn, Plain, Ret};
use kmodtrace_common::{
    ANCESTORS_LEN, STATE_COMING, STATE_GOING, STATE_LIVE, STATE_NONE, STATE_UNFORMED, kind, record, syscall,
};
use zerocopy::{Immutable, IntoBytes};

const ENODEV: i64 = -19;
const EBUSY: i64 = -16;
const EEXIST: i64 = -17;

/// The module that a round is about.
#[derive(Clone, Debug)]
pub(super) struct Module {
    pub(super) name: String,
    pub(super) number: u64,
}

impl Module {
    pub(super) fn new(number: u64) -> Self {
        Self::named(&format!("synthetic_{number}"), number)
    }

    pub(super) fn named(name: &str, number: u64) -> Self {
        Self {
            name: name.to_owned(),
            number,
        }
    }

    fn address(&self) -> u64 {
        0xffff_ffff_c000_0000 + self.number * 0x2000
    }
}

/// One task, at the moment that its clock has reached.
#[derive(Debug)]
pub(super) struct Task {
    tid: u32,
    pub(super) now: u64,
    pub(super) module: Module,
    entered: bool,
    records: Vec<(Header, Vec<u8>)>,
}

impl Task {
    pub(super) fn new(tid: u32, module: Module, now: u64) -> Self {
        Self {
            tid,
            now,
            module,
            entered: false,
            records: Vec::new(),
        }
    }

    pub(super) fn into_records(self) -> Vec<(Header, Vec<u8>)> {
        self.records
    }

    /// A load whose init function takes so long and fails; when it is over for those that wait.
    pub(super) fn fails(&mut self, init: u64) -> u64 {
        self.reaches_init(init, ENODEV);
        self.plain(kind::RCU_ENTER, 1);
        self.plain(kind::RCU_EXIT, 25);
        self.module(kind::MODULE_STATE, 1, STATE_GOING);
        self.plain(kind::ANNOUNCE_EXIT, 5);
        self.module(kind::MODULE_STATE, 1, STATE_GOING);
        self.module(kind::FREE_ENTER, 1, STATE_GOING);
        self.module(kind::TEARDOWN, 30, STATE_GOING);
        self.module(kind::FREE_EXIT, 60, STATE_UNFORMED);
        let done = self.now;
        self.ret(kind::DO_INIT_EXIT, 1, ENODEV);
        self.ret(kind::LOAD_EXIT, 4, ENODEV);
        self.ret(kind::ATTEMPT_EXIT, 1, ENODEV);
        done
    }

    /// A load that succeeds, of a file or of an inode that others may wait for.
    pub(super) fn loads(&mut self, init: u64, by_inode: bool) -> u64 {
        if by_inode {
            self.enter(syscall::FINIT_MODULE);
            self.file(kind::IDEMPOTENT_ENTER, 1);
            self.plain(kind::LEADER_ENTER, 1);
        }
        self.reaches_init(init, 0);
        self.module(kind::MODULE_STATE, 1, STATE_LIVE);
        self.plain(kind::ANNOUNCE_EXIT, 5);
        self.plain(kind::ASYNC_ENTER, 5);
        self.plain(kind::ASYNC_EXIT, 1);
        let done = self.now;
        self.ret(kind::DO_INIT_EXIT, 10, 0);
        self.ret(kind::LOAD_EXIT, 1, 0);
        if by_inode {
            self.ret(kind::IDEMPOTENT_EXIT, 2, 0);
        }
        self.ret(kind::ATTEMPT_EXIT, 1, 0);
        done
    }

    /// Finds the name COMING, waits until then, and finds it LIVE or gone.
    pub(super) fn waits_for_name(&mut self, until: u64, live: bool) {
        self.reaches_look_up();
        self.module(kind::FIND_MODULE, 40, STATE_COMING);
        self.module(kind::WAIT_BEGIN, 1, STATE_NONE);
        self.now = self.now.max(until);
        let state = if live { STATE_LIVE } else { STATE_NONE };
        self.module(kind::WAIT_END, 3, state);
        self.module(kind::FIND_MODULE, 1, state);
        self.gives_up(if live { EEXIST } else { EBUSY });
    }

    /// Comes when the module is LIVE.
    pub(super) fn finds_it_live(&mut self, from: u64) {
        self.now = self.now.max(from);
        self.reaches_look_up();
        self.module(kind::FIND_MODULE, 40, STATE_LIVE);
        self.gives_up(EEXIST);
    }

    /// Comes while the module is torn down, where an unload begins then.
    pub(super) fn finds_it_going(&mut self, unload: u64) {
        // As long as it takes to get there, and half as long as the unload.
        self.now = self.now.max(unload - 100 * MICROSECOND);
        self.reaches_look_up();
        self.module(kind::FIND_MODULE, 40, STATE_GOING);
        self.gives_up(EBUSY);
    }

    /// Waits for the load of the same inode and gets its result.
    pub(super) fn waits_for_inode(&mut self, until: u64) {
        self.enter(syscall::FINIT_MODULE);
        self.file(kind::IDEMPOTENT_ENTER, 20);
        self.now = self.now.max(until);
        self.ret(kind::IDEMPOTENT_EXIT, 3, 0);
        self.ret(kind::ATTEMPT_EXIT, 1, 0);
    }

    /// `delete_module` of a LIVE module.
    pub(super) fn unloads(&mut self, from: u64) {
        self.now = self.now.max(from);
        self.enter(syscall::DELETE_MODULE);
        self.module(kind::FIND_MODULE, 2, STATE_LIVE);
        self.module(kind::MODULE_STATE, 5, STATE_GOING);
        self.plain(kind::ANNOUNCE_EXIT, 5);
        self.module(kind::MODULE_STATE, 1, STATE_GOING);
        self.plain(kind::ASYNC_ENTER, 5);
        self.plain(kind::ASYNC_EXIT, 1);
        self.module(kind::FREE_ENTER, 1, STATE_GOING);
        self.module(kind::TEARDOWN, 30, STATE_GOING);
        self.module(kind::FREE_EXIT, 60, STATE_UNFORMED);
        self.ret(kind::ATTEMPT_EXIT, 2, 0);
    }

    fn reaches_look_up(&mut self) {
        if !self.entered {
            self.enter(syscall::FINIT_MODULE);
        }
        self.file(kind::READ_ENTER, 2);
        self.ret(kind::READ_EXIT, 80, 40_960 + self.module.number.cast_signed() * 512);
        self.plain(kind::LOAD_ENTER, 1);
        self.plain(kind::SIG_CHECK_ENTER, 1);
        self.ret(kind::SIG_CHECK_EXIT, 5, 0);
        self.module(kind::MODULE_NAME, 20, STATE_NONE);
        self.ret(kind::RWX_EXIT, 1, 0);
    }

    fn reaches_init(&mut self, init: u64, ret: i64) {
        self.reaches_look_up();
        self.module(kind::FIND_MODULE, 40, STATE_NONE);
        self.plain(kind::RELOCATE_ENTER, 60);
        self.plain(kind::FINALIZE_ENTER, 10);
        self.ret(kind::STRNDUP_EXIT, 1, 0);
        self.module(kind::MODULE_STATE, 20, STATE_COMING);
        self.ret(kind::KLP_EXIT, 1, 0);
        self.plain(kind::NOTIFY_ENTER, 1);
        self.ret(kind::NOTIFY_EXIT, 5, 0);
        self.plain(kind::PARSE_ARGS_ENTER, 1);
        self.ret(kind::PARSE_ARGS_EXIT, 1, 0);
        self.plain(kind::SYSFS_ENTER, 1);
        self.ret(kind::SYSFS_EXIT, 10, 0);
        self.module(kind::DO_INIT_ENTER, 1, STATE_COMING);
        let symbol = text(&format!("{name}_init [{name}]", name = self.module.name));
        self.put(kind::INIT_START, 1, |header| InitFn {
            header,
            reserved: 0,
            ret: 0,
            symbol,
        });
        self.put(kind::INIT_END, init / MICROSECOND, |header| InitFn {
            header,
            reserved: 0,
            ret,
            symbol: text(""),
        });
    }

    fn gives_up(&mut self, errno: i64) {
        self.ret(kind::LOAD_EXIT, 25, errno);
        self.ret(kind::ATTEMPT_EXIT, 1, errno);
    }

    fn enter(&mut self, syscall: u32) {
        self.entered = true;
        let deletes = syscall == syscall::DELETE_MODULE;
        let module = text(if deletes { &self.module.name } else { "" });
        self.put(kind::ATTEMPT_ENTER, 1, |header| AttemptEnter {
            header,
            cgroup_id: 4_242,
            image_bytes: 0,
            syscall,
            flags: 0,
            fd: if deletes { -1 } else { 3 },
            args_len: 0,
            parent_tgid: 1,
            reserved: 0,
            comm: text(if deletes { "rmmod" } else { "(udev-worker)" }),
            parent_comm: text("systemd-udevd"),
            module,
        });
        if !deletes {
            let mut tgid = [0; ANCESTORS_LEN];
            let mut comm = [text(""); ANCESTORS_LEN];
            (tgid[0], comm[0]) = (1, text("systemd"));
            self.put(kind::ANCESTORS, 1, |header| Ancestors { header, tgid, comm });
        }
    }

    fn file(&mut self, kind: u16, micros: u64) {
        let inode = 500_000 + self.module.number;
        let name = text(&format!("{}.ko", self.module.name));
        self.put(kind, micros, |header| File {
            header,
            inode,
            dev: 0x0080_0001,
            reserved: 0,
            name,
        });
    }

    fn module(&mut self, kind: u16, micros: u64, state: u32) {
        let name = text(if kind == kind::FREE_EXIT { "" } else { &self.module.name });
        let absent = state == STATE_NONE && kind != kind::MODULE_NAME;
        let module = if absent { 0 } else { self.module.address() };
        let checks = if kind == kind::WAIT_END { 3 } else { 0 };
        self.put(kind, micros, |header| record::Module {
            header,
            module,
            state,
            checks,
            name,
        });
    }

    pub(super) fn ret(&mut self, kind: u16, micros: u64, ret: i64) {
        self.put(kind, micros, |header| Ret { header, ret });
    }

    pub(super) fn plain(&mut self, kind: u16, micros: u64) {
        self.put(kind, micros, |header| Plain { header });
    }

    /// A record of this kind, so many microseconds later. Its number is given when the round is put together.
    pub(super) fn put<T: IntoBytes + Immutable>(&mut self, kind: u16, micros: u64, make: impl FnOnce(Header) -> T) {
        // Clocks do not tick in whole microseconds.
        self.now += micros * MICROSECOND + (self.now ^ u64::from(self.tid)) % 977;
        #[expect(clippy::cast_possible_truncation, reason = "the largest record has 200 bytes")]
        let size = size_of::<T>() as u16;
        let Self { tid, now, .. } = *self;
        let header = Header {
            kind,
            size,
            cpu: tid % CPUS,
            seq: 0,
            time_ns: now,
            tid,
            tgid: tid,
        };
        self.records.push((header, make(header).as_bytes().to_vec()));
    }
}

pub(super) fn text<const N: usize>(text: &str) -> [u8; N] {
    let mut field = [0; N];
    for (to, from) in field.iter_mut().zip(text.bytes()) {
        *to = from;
    }
    field
}
