//! The records that user space makes.

use crate::model::{Ktime, Tgid, Tid, WaitStatus};
use crate::records::event::Counters;
use kmodtrace_common::{CGROUP_LEN, COMM_LEN, kind, record};

/// A record that user space makes, as bytes for a recording and for [`decode`](super::decode()) alike.
pub type TickBytes = [u8; size_of::<record::Tick>()];

/// The end of a command, in the same way.
pub type CommandBytes = [u8; size_of::<record::Ret>()];

/// A cgroup, in the same way.
pub type CgroupBytes = [u8; size_of::<record::Cgroup>()];

/// Calls that were only counted, in the same way.
pub type RefusedBytes = [u8; size_of::<record::Refused>()];

/// The task that drains the ring; it stands in the records that it makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tracer {
    /// What its `gettid` returns.
    pub tid: Tid,
    /// What its `getpid` returns.
    pub tgid: Tgid,
}

impl Tracer {
    /// A [`kind::TICK`]: the counters, and the clock as it was read just before the ring was found empty. Read after that,
    /// it would be later than records that the ring has got in between.
    pub fn tick(self, time: Ktime, counters: Counters) -> TickBytes {
        self.record(kind::TICK, time, counters, false)
    }

    /// A [`kind::TRAILER`]: the last record of a recording, made when the ring was drained. `full` where tracing ended because the
    /// recording has reached the size that it may have.
    pub fn trailer(self, time: Ktime, counters: Counters, full: bool) -> TickBytes {
        self.record(kind::TRAILER, time, counters, full)
    }

    /// A [`kind::COMMAND_END`].
    pub fn command_end(self, time: Ktime, status: WaitStatus) -> CommandBytes {
        zerocopy::transmute!(record::Ret {
            header: self.header::<record::Ret>(kind::COMMAND_END, time),
            ret: status.0,
        })
    }

    /// A [`kind::CGROUP`]. Of a path that is too long the end is kept.
    pub fn cgroup(self, time: Ktime, id: u64, path: &str) -> CgroupBytes {
        const ROOM: usize = CGROUP_LEN - 1;
        let path = path.as_bytes();
        let mut kept = [0; CGROUP_LEN];
        if path.len() <= ROOM {
            kept[..path.len()].copy_from_slice(path);
        } else {
            kept[..3].copy_from_slice(b"...");
            kept[3..ROOM].copy_from_slice(&path[path.len() - (ROOM - 3)..]);
        }
        zerocopy::transmute!(record::Cgroup {
            header: self.header::<record::Cgroup>(kind::CGROUP, time),
            id,
            path: kept,
        })
    }

    /// A [`kind::REFUSED`], as the map of the BPF programs has it: `uid` is [`kmodtrace_common::UNREAD`] where they do not know it.
    pub fn refused(self, time: Ktime, uid: u32, comm: [u8; COMM_LEN], calls: u64) -> RefusedBytes {
        zerocopy::transmute!(record::Refused {
            header: self.header::<record::Refused>(kind::REFUSED, time),
            uid,
            reserved: 0,
            calls,
            comm,
        })
    }

    fn record(self, kind: u16, time: Ktime, counters: Counters, full: bool) -> TickBytes {
        let Counters {
            dropped,
            missed,
            clipped,
        } = counters;
        zerocopy::transmute!(record::Tick {
            header: self.header::<record::Tick>(kind, time),
            dropped,
            missed,
            clipped,
            full: u64::from(full),
        })
    }

    fn header<T>(self, kind: u16, time: Ktime) -> record::Header {
        #[expect(clippy::cast_possible_truncation, reason = "296 at most")]
        let size = size_of::<T>() as u16;
        record::Header {
            kind,
            size,
            cpu: 0,
            seq: 0,
            time_ns: time.0,
            tid: self.tid.0,
            tgid: self.tgid.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::decode::decode;
    use crate::records::event::{Event, Fact};

    #[test]
    fn ticks_come_back() {
        let counters = Counters {
            dropped: 1,
            missed: 2,
            clipped: 3,
        };
        let tracer = Tracer {
            tid: Tid(6),
            tgid: Tgid(7),
        };
        let event = |fact| {
            Ok(Event {
                time: Ktime(5),
                tid: Tid(6),
                tgid: Tgid(7),
                cpu: 0,
                seq: 0,
                fact,
            })
        };
        assert_eq!(decode(&tracer.tick(Ktime(5), counters)), event(Fact::Tick(counters)));
        assert_eq!(
            decode(&tracer.trailer(Ktime(5), counters, false)),
            event(Fact::Trailer(counters))
        );
        let killed = WaitStatus(9);
        assert_eq!(
            decode(&tracer.command_end(Ktime(5), killed)),
            event(Fact::CommandEnd(killed))
        );
        let cgroup = |path: &str| {
            event(Fact::Cgroup {
                id: 8,
                path: path.to_owned(),
            })
        };
        for path in ["/", "/system.slice/systemd-udevd.service", &"a".repeat(255)] {
            assert_eq!(decode(&tracer.cgroup(Ktime(5), 8, path)), cgroup(path));
        }
        let long = format!("/{}/a.service", "b".repeat(300));
        let kept = format!("...{}/a.service", "b".repeat(242));
        assert_eq!(decode(&tracer.cgroup(Ktime(5), 8, &long)), cgroup(&kept));
    }
}
