//! A recording as something that happens: read to its end at once, played at a speed, held, sought in, and followed while
//! its writer writes on.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use kmodtrace_core::model::Ktime;
use kmodtrace_core::monitor::Monitor;
use kmodtrace_core::recording::{End, Header};
use tokio::time::{Instant, sleep_until};

use super::follow::{Follow, is_written};
use super::records::{Records, Turn};
use super::transitions::Time;

/// How long records are read at a stretch before keys and the screen have their turn.
const STRETCH: Duration = Duration::from_millis(20);
/// Records between two looks at the clock.
const BATCH: usize = 256;
/// Records that are due within this time are shown together: no frame is more often.
const STEP: Duration = Duration::from_millis(50);
/// How often the time that is shown goes on where nothing is due.
const CLOCK: Duration = Duration::from_millis(100);
/// What a seek goes over, at the speed of 1.
const SECOND: Duration = Duration::from_secs(1);

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    /// Reads as fast as it can up to an instant, or to the end.
    Reading {
        until: Option<Ktime>,
        then_play: bool,
        /// Nothing has happened since a seek began: where nothing does until its end, it goes on to what happens next.
        passes_gap: bool,
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
    records: Records,
    size: u64,
    mode: Mode,
    speed: f64,
    ended: Option<Ended>,
    follow: Option<Follow>,
}

/// How a recording is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    /// As it was so long after the start of the kernel; all of it when none.
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
        let records = Records::open(path)?;
        let size = path.metadata().map_or(0, |metadata| metadata.len());
        let start = records.reader.header().clock.monotonic_ns;
        let at = at.map(|at| Ktime(nanos(at)).max(start));
        let mode = reading(at.or(play.then_some(start)), play);
        Ok(Self {
            path: path.to_owned(),
            records,
            size,
            mode,
            speed,
            ended: None,
            follow: None,
        })
    }

    /// What the recording says about itself.
    pub(super) fn header(&self) -> &Header {
        self.records.reader.header()
    }

    /// Whether it still reads what it was opened for or what a key asked for: what is shown is not what the user will see. A
    /// recording that grows has no such end.
    pub(super) fn is_on_its_way(&self) -> bool {
        let reads = match self.mode {
            Mode::Reading { until, .. } => until.is_some() || self.follow.is_none(),
            Mode::Playing { .. } | Mode::Held => false,
        };
        reads && self.ended.is_none()
    }

    /// In a few words, for the head of the screen.
    pub(super) fn doing(&self) -> String {
        let ended = match &self.ended {
            Some(Ended::Whole) => "end",
            Some(Ended::Followed) => "followed",
            Some(Ended::Cut(_)) => "cut",
            None => "",
        };
        let speed = Some(format!(" x{}", self.speed))
            .filter(|text| text != " x1")
            .unwrap_or_default();
        match self.mode {
            _ if !ended.is_empty() => format!("{ended}{speed}"),
            Mode::Reading { .. } => {
                let percent = (self.records.reader.block() * 100)
                    .checked_div(self.size)
                    .unwrap_or(100)
                    .min(100);
                format!("reading {percent} %")
            }
            Mode::Playing { .. } => format!("plays x{}", self.speed),
            Mode::Held => format!("held{speed}"),
        }
    }

    /// An error to end with: the recording is damaged.
    pub(super) fn damage(&self) -> Option<String> {
        match &self.ended {
            Some(Ended::Cut(why)) if self.records.reader.end().is_none() => Some(why.clone()),
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
                let shown = self.played(at, shows);
                let due = self.records.next().map(|time| time.since(shown));
                let due = due.map_or(Duration::ZERO, |due| Duration::from_nanos(due.0).div_f64(self.speed));
                sleep_until(Instant::now() + due.min(CLOCK) + STEP).await;
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
            Mode::Playing { at, shows } => Some(self.played(at, shows)),
            Mode::Held => return Ok(()),
        };
        while self.ended.is_none() {
            for _ in 0..BATCH {
                if !self.one(until, monitor)? {
                    self.arrived(until, monitor);
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
        match self.records.give(until, monitor) {
            Turn::Record { happens } => {
                if let Mode::Reading { passes_gap, .. } = &mut self.mode {
                    *passes_gap &= !happens;
                }
                return Ok(true);
            }
            Turn::Later => {}
            Turn::End => self.at_end(monitor)?,
            Turn::Damaged(why) => self.damaged(why, monitor),
        }
        Ok(false)
    }

    fn damaged(&mut self, why: String, monitor: &mut Monitor) {
        monitor.truncated(format!("damaged: {why}"));
        self.stop(Ended::Cut(why), monitor);
    }

    /// Nothing more is there.
    fn at_end(&mut self, monitor: &mut Monitor) -> Result<()> {
        let Some(why) = self.records.reader.end().and_then(End::cut) else {
            self.stop(Ended::Whole, monitor);
            return Ok(());
        };
        if !is_written(&self.path) {
            monitor.truncated(why.clone());
            self.stop(Ended::Cut(why), monitor);
        } else if self.follow.is_none() {
            self.follow = Some(Follow::new(&self.path).context("cannot follow the recording")?);
            // What was written before anybody listened would not be heard of.
            self.records.reader.resume()?;
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
        self.ended = Some(why);
    }

    /// Its writer wrote, or went.
    fn go_on(&mut self) -> Result<()> {
        self.records.reader.resume()?;
        self.ended = None;
        self.mode = reading(None, false);
        Ok(())
    }

    /// Nothing more is due until this instant: so it was then.
    fn arrived(&mut self, until: Option<Ktime>, monitor: &mut Monitor) {
        let (None, Some(next), Some(until)) = (&self.ended, self.records.next(), until) else {
            return;
        };
        match self.mode {
            Mode::Reading {
                then_play,
                passes_gap: true,
                ..
            } => {
                self.mode = Mode::Reading {
                    until: Some(next),
                    then_play,
                    passes_gap: true,
                };
            }
            Mode::Reading { then_play, .. } => {
                monitor.reach(until);
                self.mode = if then_play { playing(until) } else { Mode::Held };
            }
            Mode::Playing { .. } => monitor.reach(until),
            Mode::Held => {}
        }
    }

    /// Does what a key asks for, once it is not [on its way](Self::is_on_its_way) any more. A new monitor is given where it has
    /// to begin again.
    pub(super) fn time(&mut self, time: Time, monitor: &Monitor) -> Result<Option<Monitor>> {
        let (start, now) = (monitor.start(), monitor.reached());
        let plays = matches!(self.mode, Mode::Playing { .. }) && self.ended.is_none();
        let step = nanos(SECOND.mul_f64(self.speed));
        match time {
            Time::Toggle if matches!(self.ended, Some(Ended::Whole | Ended::Cut(_))) => {
                // From the end there is nowhere to go but to the beginning.
                return self.again(start, true).map(Some);
            }
            Time::Toggle => {
                self.mode = if matches!(self.mode, Mode::Held) {
                    playing(now)
                } else {
                    Mode::Held
                };
            }
            Time::Slower | Time::Faster => {
                let factor = if time == Time::Faster { 2.0 } else { 0.5 };
                self.speed = (self.speed * factor).clamp(1.0 / 1024.0, 1024.0);
                if matches!(self.mode, Mode::Playing { .. }) {
                    self.mode = playing(now);
                }
            }
            Time::Back => {
                let before = self.records.last_before(now).unwrap_or(start);
                let to = before.min(Ktime(now.0.saturating_sub(step)));
                return self.again(to, plays).map(Some);
            }
            Time::Start => return self.again(start, plays).map(Some),
            Time::Forward if self.ended.is_none() => {
                self.mode = Mode::Reading {
                    until: Some(Ktime(now.0.saturating_add(step))),
                    then_play: plays,
                    passes_gap: true,
                };
            }
            Time::End if self.ended.is_none() => self.mode = reading(None, false),
            Time::Forward | Time::End => {}
        }
        Ok(None)
    }

    /// From the beginning to this instant: what is shown adds up from there.
    fn again(&mut self, until: Ktime, then_play: bool) -> Result<Monitor> {
        self.records = Records::open(&self.path)?;
        self.ended = None;
        self.mode = reading(Some(until), then_play);
        Ok(Monitor::new(self.records.reader.header()))
    }

    /// The instant that is played now.
    fn played(&self, at: Instant, shows: Ktime) -> Ktime {
        Ktime(shows.0.saturating_add(nanos(at.elapsed().mul_f64(self.speed))))
    }
}

fn playing(shows: Ktime) -> Mode {
    Mode::Playing {
        at: Instant::now(),
        shows,
    }
}

fn reading(until: Option<Ktime>, then_play: bool) -> Mode {
    Mode::Reading {
        until,
        then_play,
        passes_gap: false,
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
