//! A view without its terminal: a monitor, the choices, and a buffer to draw on.

use std::fs::File;
use std::path::{Path, PathBuf};

use kmodtrace_common::record::Header as RecordHeader;
use kmodtrace_core::model::{Clock, Ktime, Nanos, Tgid, Tid};
use kmodtrace_core::monitor::Monitor;
use kmodtrace_core::recording::{Boot, BootMark, Header, Kernel, Milestone, Reader};
use kmodtrace_core::records::decode::{Tracer, split};
use kmodtrace_core::records::event::Counters;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseEvent};
use ratatui::layout::Rect;
use synth::Storm;
use zerocopy::FromBytes as _;

use crate::view::draw::{Feed, draw};
use crate::view::scene::Scene;
use crate::view::state::State;
use crate::view::theme::{Colours, Theme};
use crate::view::transitions::Effect;

/// Signs, and no colours: what is there has to show without them.
const THEME: Theme = Theme {
    colours: Colours::None,
    utf8: true,
};

/// A view in a test.
pub(super) struct Stage {
    pub(super) scene: Scene,
    pub(super) theme: Theme,
}

impl Stage {
    /// Of a monitor, on a screen of this size.
    pub(super) fn new(monitor: Monitor, width: u16, height: u16) -> Self {
        let mut stage = Self {
            scene: Scene::new(monitor, State::new(Nanos(1_000_000_000))),
            theme: THEME,
        };
        stage.resize(width, height);
        stage
    }

    pub(super) fn resize(&mut self, width: u16, height: u16) {
        self.scene.state.area = Rect::new(0, 0, width, height);
        self.scene.look();
    }

    /// Presses keys, each when what the one before brought is on the screen: words such as `Down` or `Ctrl-c`, and single
    /// characters.
    pub(super) fn press(&mut self, script: &str) -> Option<Effect> {
        let mut last = None;
        for word in script.split_whitespace() {
            last = self.key(key(word));
        }
        last
    }

    pub(super) fn key(&mut self, key: KeyEvent) -> Option<Effect> {
        let effect = self.scene.key(key);
        self.scene.look();
        effect
    }

    pub(super) fn mouse(&mut self, event: MouseEvent) {
        self.scene.mouse(event);
        self.scene.look();
    }

    /// What is on the screen, a line each, without blanks at their ends.
    pub(super) fn frame(&self) -> String {
        let buffer = self.draw(&Feed {
            name: "test.kmt".to_owned(),
            doing: "end".to_owned(),
        });
        let lines = buffer.content.chunks(usize::from(buffer.area.width));
        let line = |cells: &[Cell]| cells.iter().map(Cell::symbol).collect::<String>();
        let lines: Vec<String> = lines.map(|cells| line(cells).trim_end().to_owned()).collect();
        lines.join("\n")
    }

    /// The screen.
    pub(super) fn draw(&self, feed: &Feed) -> Buffer {
        let Rect { width, height, .. } = self.scene.state.area;
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal
            .draw(|frame| draw(frame, &self.scene.state, &self.scene.picture, feed, self.theme))
            .unwrap();
        terminal.backend().buffer().clone()
    }
}

/// The key of a word.
pub(super) fn key(word: &str) -> KeyEvent {
    let code = match word {
        "Enter" => KeyCode::Enter,
        "Esc" => KeyCode::Esc,
        "Up" => KeyCode::Up,
        "Down" => KeyCode::Down,
        "Left" => KeyCode::Left,
        "Right" => KeyCode::Right,
        "PageUp" => KeyCode::PageUp,
        "PageDown" => KeyCode::PageDown,
        "Home" => KeyCode::Home,
        "End" => KeyCode::End,
        "Tab" => KeyCode::Tab,
        "BackTab" => KeyCode::BackTab,
        "Space" => KeyCode::Char(' '),
        _ => {
            if let Some(letter) = word.strip_prefix("Ctrl-") {
                return KeyEvent::new(KeyCode::Char(letter.parse().unwrap()), KeyModifiers::CONTROL);
            }
            KeyCode::Char(word.parse().unwrap())
        }
    };
    code.into()
}

/// Where a recording of the core's tests is.
pub(super) fn recording_path(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kmodtrace-core/tests/recordings");
    folder.join(name)
}

/// Its records.
pub(super) fn reader(name: &str) -> Reader<File> {
    Reader::new(File::open(recording_path(name)).unwrap()).unwrap()
}

/// When a record was written.
pub(super) fn record_time(record: &[u8]) -> u64 {
    RecordHeader::read_from_prefix(record).unwrap().0.time_ns
}

/// A recording, whole, or as far as was written so many milliseconds after its beginning.
pub(super) fn recording(name: &str, at: Option<u64>) -> Monitor {
    recording_of_boot(name, at, &[])
}

/// The same, as if a boot had passed this so many milliseconds after its beginning.
pub(super) fn recording_of_boot(name: &str, at: Option<u64>, marks: &[(Milestone, u64)]) -> Monitor {
    let mut reader = reader(name);
    let mut header = reader.header().clone();
    let instant = |ms: u64| header.clock.monotonic_ns.0 + ms * 1_000_000;
    let until = at.map(instant);
    let marks = marks.iter().map(|(milestone, ms)| BootMark {
        milestone: *milestone,
        time_ns: Ktime(instant(*ms)),
    });
    header.boot = Some(Boot {
        marks: marks.collect(),
        ..Boot::default()
    });
    let mut monitor = Monitor::new(&header);
    while let Some(record) = reader.next_record().unwrap() {
        if until.is_some_and(|until| record_time(record) > until) {
            break;
        }
        monitor.push(record).unwrap();
    }
    match until {
        Some(until) => monitor.reach(Ktime(until)),
        None => monitor.flush(),
    }
    monitor
}

/// Nothing was recorded.
pub(super) fn empty() -> Monitor {
    let kernel = Kernel {
        release: "6.1.0-56-cloud-amd64".to_owned(),
        version: String::new(),
        arch: "x86_64".to_owned(),
    };
    let clock = Clock {
        monotonic_ns: Ktime(1_000_000_000),
        realtime_ns: 0,
    };
    Monitor::new(&Header::new("0", kernel, clock, 4, serde_json::Value::Null))
}

/// A storm of which every tenth record and a probe hit are lost.
pub(super) fn lossy() -> Monitor {
    let mut monitor = empty();
    for (at, round) in Storm::new(80).enumerate() {
        for (nth, record) in split(&round).enumerate() {
            if nth % 10 != 9 || at == 0 {
                monitor.push(record.unwrap()).unwrap();
            }
        }
    }
    let tracer = Tracer {
        tid: Tid(900),
        tgid: Tgid(900),
    };
    let counters = Counters {
        dropped: 7,
        missed: 3,
        clipped: 0,
    };
    let end = Ktime(monitor.reached().0 + 20_000_000);
    monitor.push(&tracer.tick(end, counters)).unwrap();
    monitor.flush();
    monitor
}
