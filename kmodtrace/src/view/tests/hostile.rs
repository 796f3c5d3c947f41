//! Nothing that somebody put into a recording acts on the terminal.

use std::fs::File;

use kmodtrace_core::monitor::Monitor;
use kmodtrace_core::recording::Reader;
use kmodtrace_core::text::acts;
use synth::hostile;

use super::stage::{Stage, recording_path};
use crate::view::draw::Feed;

fn monitor(name: &str) -> Monitor {
    let (bytes, _) = hostile(File::open(recording_path(name)).unwrap()).unwrap();
    let mut reader = Reader::new(bytes.as_slice()).unwrap();
    let mut monitor = Monitor::new(reader.header());
    while let Some(record) = reader.next_record().unwrap() {
        monitor.push(record).unwrap();
    }
    monitor.flush();
    monitor
}

#[test]
fn no_frame_has_a_character_that_acts() {
    // The one character of these that ratatui draws.
    let feed = Feed {
        name: "a\u{2028}".to_owned(),
        doing: "\u{2028}".to_owned(),
    };
    for name in [
        "6.12-errors.kmt",
        "6.1-drill.kmt",
        "../field/g1.kmt",
        "../field/a18.kmt",
    ] {
        let mut stage = Stage::new(monitor(name), 200, 60);
        for view in [
            "1",
            "1 Enter G",
            "2",
            "3",
            "4",
            "5",
            "6",
            "6 Enter",
            "6 Enter Enter",
            "7",
            "8",
        ] {
            stage.press(view);
            let screen = stage.draw(&feed);
            let harm = screen.content.iter().find(|cell| cell.symbol().contains(acts));
            assert!(harm.is_none(), "{name}, {view}: {harm:?}");
        }
    }
}
