//! The view: what a session shows while it goes on, live or from a recording, on a terminal.
//!
//! Three parts that know nothing of each other: a [`Monitor`] that takes records, a [`State`] that takes keys, and [`draw`],
//! which makes a frame of both; a [`Scene`] holds the first two. This one holds them together, and is the only one with a clock: frames are drawn
//! when something changed, ten a second at most, and never for more than a twentieth of the time.

mod columns;
mod draw;
mod export;
mod flight_recorder;
mod follow;
mod input;
mod keys;
mod last_words;
mod layout;
mod mouse;
mod pages;
mod player;
mod records;
mod row;
mod rows;
mod scene;
mod screen;
mod state;
mod tab;
mod theme;
mod transitions;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use kmodtrace_common::kind;
use kmodtrace_core::model::Nanos;
use kmodtrace_core::monitor::Monitor;
use kmodtrace_core::recording::Header;
use kmodtrace_core::text::write_json;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Instant, sleep_until};

use crate::live::pump::{Signals, Sink, Stop, identity, now};
use draw::Feed;
use flight_recorder::FlightRecorder;
use input::Input;
use keys::Action;
use player::Player;
pub(crate) use player::Way;
use scene::Scene;
use screen::Screen;
use state::State;
use theme::Theme;
use transitions::{Effect, Time};

/// What a user may choose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// Frames a second at most.
    pub(crate) frames: u32,
    /// A wait that lasts longer stands out.
    pub(crate) stuck_after: Duration,
    /// Whether the mouse is the view's, and not the terminal's, which marks text with it.
    pub(crate) mouse: bool,
}

/// Of the time that passes, making pictures and drawing them takes one part in so many at most; taking records comes on top.
const SHARE: u32 = 20;

/// A view on a terminal.
#[expect(clippy::struct_excessive_bools, reason = "they are independent of each other")]
pub(crate) struct View {
    scene: Scene,
    screen: Screen,
    inputs: UnboundedReceiver<Input>,
    /// What was typed while the recording was on its way to what it is for.
    typed: VecDeque<Input>,
    /// It is on its way.
    waits: bool,
    resized: Signal,
    resumed: Signal,
    stopped: Signal,
    theme: Theme,
    feed: Feed,
    spool: Option<FlightRecorder>,
    /// Data have come, or a key: the next frame differs.
    stale: bool,
    /// The next frame is drawn whole, whatever is on the terminal.
    afresh: bool,
    /// Data do not change what is shown.
    held: bool,
    /// No frame before this.
    next: Instant,
    interval: Duration,
    asked: Option<Time>,
    over: bool,
}

impl View {
    /// Takes the terminal over. A live session keeps its last records for export.
    pub(crate) fn new(header: &Header, name: &str, live: bool, options: Options) -> Result<Self> {
        let (sender, inputs) = unbounded_channel();
        let state = State::new(Nanos(u64::try_from(options.stuck_after.as_nanos()).unwrap_or(u64::MAX)));
        let spool = live
            .then(|| FlightRecorder::new(header))
            .transpose()
            .context("cannot keep records")?;
        let listen = |kind| signal(kind).context("cannot listen for signals");
        let (resized, resumed, stopped) = (
            listen(SignalKind::window_change())?,
            listen(SignalKind::from_raw(libc::SIGCONT))?,
            listen(SignalKind::from_raw(libc::SIGTSTP))?,
        );
        let screen = Screen::take(sender.clone(), options.mouse)?;
        input::listen(sender).context("cannot start a thread")?;
        let mut scene = Scene::new(Monitor::new(header), state);
        // Keys may come before the first frame.
        scene.state.area = screen.area().unwrap_or(scene.state.area);
        Ok(Self {
            scene,
            screen,
            inputs,
            typed: VecDeque::new(),
            waits: false,
            resized,
            resumed,
            stopped,
            theme: Theme::from_environment(),
            feed: Feed {
                name: name.to_owned(),
                doing: String::new(),
            },
            spool,
            stale: true,
            afresh: false,
            held: false,
            next: Instant::now(),
            interval: Duration::from_secs(1) / options.frames.max(1),
            asked: None,
            over: false,
        })
    }

    /// Gives the terminal back.
    pub(crate) fn leave(&mut self) {
        self.screen.leave();
    }

    /// What is known to be missing.
    pub(crate) fn loss(&self) -> &kmodtrace_core::records::order::Loss {
        self.scene.monitor.loss()
    }

    /// Waits for a key, a signal, or the time of the next frame, and does what that asks for.
    async fn turn(&mut self) -> Result<()> {
        if !self.waits
            && let Some(input) = self.typed.pop_front()
        {
            return self.answer(&input);
        }
        let draws = self.stale && self.screen.is_ready();
        tokio::select! {
            biased;
            input = self.inputs.recv() => match input.unwrap_or(Input::Closed) {
                input if self.waits && !self.quits(&input) => {
                    self.typed.push_back(input);
                    Ok(())
                }
                input => self.answer(&input),
            },
            _ = self.resized.recv() => {
                // It may have been smaller in between, and have lost what was there then.
                (self.stale, self.afresh) = (true, true);
                Ok(())
            }
            _ = self.resumed.recv() => {
                self.stale = true;
                self.screen.resume()
            }
            _ = self.stopped.recv() => {
                self.stale = true;
                self.screen.suspend()
            }
            () = sleep_until(self.next), if draws => self.draw(),
        }
    }

    /// Whether this ends the view, whatever it shows: nothing was typed that it could be part of.
    fn quits(&self, input: &Input) -> bool {
        let is_first = self.typed.is_empty() && !self.scene.state.editing;
        match input {
            Input::Key(key) => is_first && keys::action(*key) == Some(Action::Quit),
            Input::Closed => true,
            Input::Mouse(_) | Input::Written => false,
        }
    }

    fn answer(&mut self, input: &Input) -> Result<()> {
        let effect = match input {
            Input::Key(key) => {
                // A key is answered at once.
                self.next = self.next.min(Instant::now() + Duration::from_millis(10));
                self.scene.key(*key)
            }
            Input::Mouse(event) => self.scene.mouse(*event),
            Input::Written => return Ok(()),
            Input::Closed => {
                self.over = true;
                return Ok(());
            }
        };
        self.stale = true;
        effect.map_or(Ok(()), |effect| self.do_it(effect))
    }

    fn do_it(&mut self, effect: Effect) -> Result<()> {
        match effect {
            Effect::Quit => {
                self.over = true;
                self.leave();
            }
            Effect::Suspend => self.screen.suspend()?,
            Effect::Redraw => self.afresh = true,
            Effect::Export => self.scene.state.message = Some(self.export()),
            Effect::Time(time) if self.spool.is_none() => self.asked = Some(time),
            Effect::Time(Time::Toggle) => self.held = !self.held,
            Effect::Time(_) => self.scene.state.message = Some("not available in a live session".to_owned()),
        }
        Ok(())
    }

    fn draw(&mut self) -> Result<()> {
        let began = Instant::now();
        self.stale = false;
        if std::mem::take(&mut self.afresh) {
            self.screen.forget()?;
        }
        if let Some(area) = self.screen.area() {
            self.scene.state.area = area;
        }
        // A seek back begins anew: until it has come as far, what was shown stays, and the cursor with it.
        if !self.waits || self.scene.monitor.reached() >= self.scene.picture.head.at {
            self.scene.look();
        }
        if self.held {
            "held".clone_into(&mut self.feed.doing);
        } else if self.spool.is_some() {
            self.feed.doing.clear();
        }
        let Self {
            screen,
            scene,
            feed,
            theme,
            ..
        } = self;
        screen.draw(|frame| draw::draw(frame, &scene.state, &scene.picture, feed, *theme))?;
        self.next = began + self.interval.max(began.elapsed() * SHARE);
        Ok(())
    }

    /// The report as it stands, and the records that are kept. What was written, or why nothing was.
    fn export(&mut self) -> String {
        let report = self.scene.monitor.report();
        let json = match export::write("json", |out| write_json(&report, out)) {
            Ok(name) => name,
            Err(error) => return format!("cannot export: {error}"),
        };
        let Some(spool) = &mut self.spool else {
            return format!("wrote {json}; the recording is {}", self.feed.name);
        };
        let trailer = identity().trailer(now(), self.scene.monitor.loss().counters(), false);
        let mut forgotten = 0;
        let recording = export::write("kmt", |out| {
            forgotten = spool.save(&trailer, out)?;
            Ok(())
        });
        match recording {
            Ok(name) if forgotten > 0 => format!("wrote {json} and {name}, which has the last 8 MiB of records"),
            Ok(name) => format!("wrote {json} and {name}"),
            Err(error) => format!("wrote {json}; cannot export the recording: {error}"),
        }
    }
}

impl Sink for View {
    fn record(&mut self, bytes: &[u8]) -> Result<()> {
        self.scene.monitor.push(bytes)?;
        if let Some(spool) = &mut self.spool {
            spool.push(bytes).context("cannot keep records")?;
        }
        // A tick moves time on for what is in flight, and nothing else.
        let tick = bytes.first_chunk().map(|kind| u16::from_ne_bytes(*kind)) == Some(kind::TICK);
        self.stale |= !self.held && (!tick || self.scene.monitor.is_moving());
        Ok(())
    }

    fn ring_read(&mut self, _idle: bool) -> Result<()> {
        Ok(())
    }

    fn over(&self) -> Option<Stop> {
        self.over.then_some(Stop::Reader)
    }

    fn is_moving(&self) -> bool {
        self.scene.monitor.is_moving()
    }

    async fn wake(&mut self) -> Result<()> {
        self.turn().await
    }
}

/// Shows a recording until somebody quits. Gives the damage that it has, if any.
pub(crate) async fn replay(path: &Path, way: Way, options: Options) -> Result<Option<String>> {
    let mut player = Player::open(path, way)?;
    let mut view = View::new(player.header(), &path.display().to_string(), false, options)?;
    let mut signals = Signals::new()?;
    while !view.over {
        view.waits = player.is_on_its_way();
        tokio::select! {
            biased;
            turned = view.turn() => turned?,
            () = signals.any() => break,
            ready = player.ready() => {
                ready?;
                player.read(&mut view.scene.monitor)?;
                view.stale = true;
                if view.waits && !player.is_on_its_way() {
                    // What is typed next is for what was read.
                    view.scene.look();
                }
            }
        }
        if let Some(time) = view.asked.take() {
            if let Some(again) = player.time(time, &view.scene.monitor)? {
                view.scene.monitor = again;
            }
            view.stale = true;
        }
        view.feed.doing = player.doing();
    }
    view.leave();
    Ok(player.damage())
}
