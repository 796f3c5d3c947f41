//! A recording as something that happens: read to its end at once, played at a speed, held, sought in, and followed while
//! its writer writes on.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use kmodtrace_common::record;
use kmodtrace_core::model::Ktime;
use kmodtrace_core::monitor::Monitor;
use kmodtrace_core::recording::{End, Header, Reader};
use kmodtrace_core::records::decode::DecodeError;
use tokio::time::{Instant, sleep_until};
use zerocopy::FromBytes as _;

use super::follow::{Follow, is_written};
use super::transitions::Time;
use crate::replay;

/// How long records are read at a stretch before keys and the screen have their turn.
const STRETCH: Duration = Duration::from_millis(20);
/// Records between two looks at the clock.
const BATCH: usize = 256;
/// Records that are due within this time are shown together: no frame is more often.
const STEP: Duration = Duration::from_millis(50);
/// Parts of a recording that a seek goes over.
const PARTS: u64 = 20;
/// What a seek goes over where the end is not known.
const SECONDS: u64 = 1_000_000_000;

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    /// Reads as fast as it can up to an instant, or to the end.
    Reading {
        until: Option<Ktime>,
        then_play: bool,
    },
    /// Plays; at this instant of ours, that one of the recording.
    Playing {
        at: Instant,
        shows: Ktime,
    },
    Held,
}

/// A recording that is played.
pub(super) struct Player {
    path: PathBuf,
    reader: Reader<File>,
    size: u64,
    /// The next record, and its time.
    next: Option<(Ktime, Vec<u8>)>,
    mode: Mode,
    speed: f64,
    /// The last instant, once the end was reached.
    end: Option<Ktime>,
    ended: Option<Ended>,
    follow: Option<Follow>,
}

/// How a recording is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    /// As it was so long after its beginning; all of it when none.
    pub(crate) at: Option<Duration>,
    /// Plays from there, or from the beginning.
    pub(crate) play: bool,
    /// How much faster than it happened.
    pub(crate) speed: f64,
}

/// Why nothing more comes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Ended {
    /// The trailer was read.
    Whole,
    /// Its writer writes on.
    Followed,
    /// It is cut, or damaged.
    Cut(String),
}

impl Player {
    /// Opens a recording: it is read to its end or up to an instant, and, when asked to, played from there.
    pub(super) fn open(path: &Path, way: Way) -> Result<Self> {
        let Way { at, play, speed } = way;
        let reader = open(path)?;
        let size = path.metadata().map_or(0, |metadata| metadata.len());
        let start = reader.header().clock.monotonic_ns;
        let at = at
            .or(play.then_some(Duration::ZERO))
            .map(|at| u64::try_from(at.as_nanos()).unwrap_or(u64::MAX));
        let mode = Mode::Reading {
            until: at.map(|at| Ktime(start.0.saturating_add(at))),
            then_play: play,
        };
        Ok(Self {
            path: path.to_owned(),
            reader,
            size,
            next: None,
            mode,
            speed,
            end: None,
            ended: None,
            follow: None,
        })
    }

    /// What the recording says about itself.
    pub(super) fn header(&self) -> &Header {
        self.reader.header()
    }

    /// In a few words, for the head of the screen.
    pub(super) fn doing(&self) -> String {
        let ended = match &self.ended {
            Some(Ended::Whole) => "end",
            Some(Ended::Followed) => "followed",
            Some(Ended::Cut(_)) => "cut",
            None => "",
        };
        match self.mode {
            _ if !ended.is_empty() => ended.to_owned(),
            Mode::Reading { .. } => {
                let percent = (self.reader.block() * 100)
                    .checked_div(self.size)
                    .unwrap_or(100)
                    .min(100);
                format!("reading {percent} %")
            }
            Mode::Playing { .. } => format!("plays x{}", self.speed),
            Mode::Held => "held".to_owned(),
        }
    }

    /// An error to end with: the recording is damaged.
    pub(super) fn damage(&self) -> Option<String> {
        match &self.ended {
            Some(Ended::Cut(why)) if self.reader.end().is_none() => Some(why.clone()),
            _ => None,
        }
    }

    /// Comes back when there is something to [read](Self::read).
    pub(super) async fn ready(&mut self) -> Result<()> {
        match (&self.ended, self.mode) {
            (Some(Ended::Followed), _) => match &mut self.follow {
                Some(follow) => follow.changed().await,
                None => std::future::pending().await,
            },
            (Some(_), _) | (None, Mode::Held) => std::future::pending().await,
            (None, Mode::Reading { .. }) => {
                // The others get their turn.
                tokio::task::yield_now().await;
                Ok(())
            }
            (None, Mode::Playing { at, shows }) => {
                let due = self.next.as_ref().map_or(Duration::ZERO, |(time, _)| {
                    Duration::from_nanos(time.since(shows).0).div_f64(self.speed)
                });
                sleep_until(at + due + STEP).await;
                Ok(())
            }
        }
    }

    /// Reads what is due, for a stretch at most.
    pub(super) fn read(&mut self, monitor: &mut Monitor) -> Result<()> {
        if self.ended == Some(Ended::Followed) {
            self.go_on()?;
        }
        let stop = Instant::now() + STRETCH;
        let until = match self.mode {
            Mode::Reading { until, .. } => until,
            Mode::Playing { at, shows } => {
                let gone = at.elapsed().mul_f64(self.speed);
                Some(Ktime(
                    shows
                        .0
                        .saturating_add(u64::try_from(gone.as_nanos()).unwrap_or(u64::MAX)),
                ))
            }
            Mode::Held => return Ok(()),
        };
        while self.ended.is_none() {
            for _ in 0..BATCH {
                if !self.one(until, monitor)? {
                    self.arrived(monitor);
                    return Ok(());
                }
            }
            if Instant::now() >= stop {
                return Ok(());
            }
        }
        Ok(())
    }

    /// One record. False where there is none, or it is not due.
    fn one(&mut self, until: Option<Ktime>, monitor: &mut Monitor) -> Result<bool> {
        let is_due = |time: Ktime| until.is_none_or(|until| time <= until);
        if let Some((_, record)) = self.next.take_if(|(time, _)| is_due(*time)) {
            let pushed = monitor.push(&record);
            return Ok(self.pushed(pushed, monitor));
        }
        if self.next.is_some() {
            return Ok(false);
        }
        match self.reader.next_record() {
            Ok(Some(record)) => {
                let time = record::Header::read_from_prefix(record).map_or(0, |(header, _)| header.time_ns);
                if !is_due(Ktime(time)) {
                    self.next = Some((Ktime(time), record.to_vec()));
                    return Ok(false);
                }
                let pushed = monitor.push(record);
                Ok(self.pushed(pushed, monitor))
            }
            Ok(None) => {
                self.at_end(monitor)?;
                Ok(false)
            }
            Err(error) => {
                self.damaged(error.to_string(), monitor);
                Ok(false)
            }
        }
    }

    fn pushed(&mut self, pushed: std::result::Result<(), DecodeError>, monitor: &mut Monitor) -> bool {
        if let Err(error) = pushed {
            self.damaged(
                format!("in the block at byte {}: {error}", self.reader.block()),
                monitor,
            );
            return false;
        }
        true
    }

    fn damaged(&mut self, why: String, monitor: &mut Monitor) {
        monitor.truncated(format!("damaged: {why}"));
        self.stop(Ended::Cut(why), monitor);
    }

    /// Nothing more is there.
    fn at_end(&mut self, monitor: &mut Monitor) -> Result<()> {
        let Some(why) = self.reader.end().and_then(End::cut) else {
            self.stop(Ended::Whole, monitor);
            return Ok(());
        };
        if !is_written(&self.path) {
            monitor.truncated(why.clone());
            self.stop(Ended::Cut(why), monitor);
        } else if self.follow.is_none() {
            self.follow = Some(Follow::new(&self.path).context("cannot follow the recording")?);
            // What was written before anybody listened would not be heard of.
            self.reader.resume()?;
        } else {
            self.stop(Ended::Followed, monitor);
        }
        Ok(())
    }

    fn stop(&mut self, why: Ended, monitor: &mut Monitor) {
        // While it is followed, what comes next may still belong before what is held back.
        if why != Ended::Followed {
            monitor.flush();
        }
        self.end = Some(monitor.reached());
        self.ended = Some(why);
    }

    /// Its writer wrote, or went.
    fn go_on(&mut self) -> Result<()> {
        self.reader.resume()?;
        self.ended = None;
        self.mode = Mode::Reading {
            until: None,
            then_play: false,
        };
        Ok(())
    }

    /// As far as was asked for.
    fn arrived(&mut self, monitor: &Monitor) {
        if let Mode::Reading { then_play, .. } = self.mode
            && self.ended.is_none()
            && self.next.is_some()
        {
            self.mode = if then_play {
                playing(monitor.reached())
            } else {
                Mode::Held
            };
        }
    }

    /// Does what a key asks for. A new monitor is given where it has to begin again.
    pub(super) fn time(&mut self, time: Time, monitor: &Monitor) -> Result<Option<Monitor>> {
        let (start, now) = (monitor.start(), monitor.reached());
        let plays =
            matches!(self.mode, Mode::Playing { .. } | Mode::Reading { then_play: true, .. }) && self.ended.is_none();
        let step = self.end.map_or(SECONDS, |end| (end.since(start).0 / PARTS).max(1));
        match time {
            Time::Toggle if matches!(self.ended, Some(Ended::Whole | Ended::Cut(_))) => {
                // From the end there is nowhere to go but to the beginning.
                self.again(start, true).map(Some)
            }
            Time::Toggle => {
                self.mode = if matches!(self.mode, Mode::Held) {
                    playing(now)
                } else {
                    Mode::Held
                };
                Ok(None)
            }
            Time::Slower | Time::Faster => {
                let factor = if time == Time::Faster { 2.0 } else { 0.5 };
                self.speed = (self.speed * factor).clamp(1.0 / 1024.0, 1024.0);
                if matches!(self.mode, Mode::Playing { .. }) {
                    self.mode = playing(now);
                }
                Ok(None)
            }
            Time::Back => self.again(Ktime(now.0.saturating_sub(step)), plays).map(Some),
            Time::Start => self.again(start, plays).map(Some),
            Time::Forward | Time::End => {
                let until = (time == Time::Forward).then(|| Ktime(now.0.saturating_add(step)));
                if self.ended.is_none() {
                    self.mode = Mode::Reading {
                        until,
                        then_play: plays && time == Time::Forward,
                    };
                }
                Ok(None)
            }
        }
    }

    /// From the beginning to this instant: what is shown adds up from there.
    fn again(&mut self, until: Ktime, then_play: bool) -> Result<Monitor> {
        self.reader = open(&self.path)?;
        self.next = None;
        self.ended = None;
        self.mode = Mode::Reading {
            until: Some(until),
            then_play,
        };
        Ok(Monitor::new(self.reader.header()))
    }
}

fn open(path: &Path) -> Result<Reader<File>> {
    Ok(replay::open(path)?.into_reader())
}

fn playing(shows: Ktime) -> Mode {
    Mode::Playing {
        at: Instant::now(),
        shows,
    }
}
