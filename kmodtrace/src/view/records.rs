//! The records of a file, each in its turn.

use std::collections::VecDeque;
use std::fs::File;
use std::path::Path;

use kmodtrace_common::{kind, record};
use kmodtrace_core::model::Ktime;
use kmodtrace_core::monitor::Monitor;
use kmodtrace_core::recording::Reader;
use kmodtrace_core::records::decode::DecodeError;
use kmodtrace_core::records::order::HORIZON;
use zerocopy::FromBytes as _;

use crate::replay;

/// Most records that are read ahead, so that memory is bounded whatever times a file claims.
const MOST_AHEAD: usize = 65_536;

/// A recording that is read up to one instant after the other.
pub(super) struct Records {
    pub(super) reader: Reader<File>,
    /// Records that were read and are not due, and their times.
    ahead: VecDeque<(Ktime, Vec<u8>)>,
    /// Why nothing could be read behind those.
    damage: Option<String>,
    /// When something happened last, and before that.
    happened: [Ktime; 2],
}

/// What there was.
pub(super) enum Turn {
    /// A record, and whether it tells that something happened.
    Record { happens: bool },
    /// Nothing that is due.
    Later,
    /// Nothing more.
    End,
    /// Nothing that could be read, and why.
    Damaged(String),
}

impl Records {
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        Ok(Self {
            reader: replay::open(path)?.into_reader(),
            ahead: VecDeque::new(),
            damage: None,
            happened: [Ktime(0); 2],
        })
    }

    /// Gives one record that is due at this instant to a monitor; any record when there is none.
    pub(super) fn give(&mut self, until: Option<Ktime>, monitor: &mut Monitor) -> Turn {
        let is_due = |time: Ktime| until.is_none_or(|until| time <= until);
        if let Some(place) = self.ahead.iter().position(|(time, _)| is_due(*time))
            && let Some((time, record)) = self.ahead.remove(place)
        {
            let pushed = monitor.push(&record);
            return self.taken(time, happens(&record), pushed);
        }
        // Records lie in nearly the order of their times: one that is due may follow one that is not.
        let is_beyond = |time: Ktime| until.is_some_and(|until| time.since(until) >= HORIZON);
        while self.ahead.len() < MOST_AHEAD && !self.ahead.back().is_some_and(|(time, _)| is_beyond(*time)) {
            let record = match self.reader.next_record() {
                Ok(Some(record)) => record,
                Ok(None) if !self.ahead.is_empty() => break,
                Ok(None) => return self.damage.take().map_or(Turn::End, Turn::Damaged),
                Err(error) => {
                    self.damage = Some(error.to_string());
                    continue;
                }
            };
            let time = record::Header::read_from_prefix(record).map_or(0, |(header, _)| header.time_ns);
            if is_due(Ktime(time)) {
                let (happens, pushed) = (happens(record), monitor.push(record));
                return self.taken(Ktime(time), happens, pushed);
            }
            self.ahead.push_back((Ktime(time), record.to_vec()));
        }
        Turn::Later
    }

    fn taken(&mut self, time: Ktime, happens: bool, pushed: Result<(), DecodeError>) -> Turn {
        if happens {
            let [last, before] = self.happened;
            self.happened = if time > last {
                [time, last]
            } else {
                [last, before.max(time)]
            };
        }
        match pushed {
            Ok(()) => Turn::Record { happens },
            Err(error) => Turn::Damaged(format!("in the block at byte {}: {error}", self.reader.block())),
        }
    }

    /// When the next record was that is known and is not due.
    pub(super) fn next(&self) -> Option<Ktime> {
        self.ahead.iter().map(|(time, _)| *time).min()
    }

    /// When something happened last before this instant, the present one.
    pub(super) fn last_before(&self, now: Ktime) -> Option<Ktime> {
        self.happened.into_iter().find(|time| *time < now)
    }
}

/// Whether something happened: a tick says only that time went on.
fn happens(record: &[u8]) -> bool {
    record.first_chunk().map(|kind| u16::from_ne_bytes(*kind)) != Some(kind::TICK)
}
