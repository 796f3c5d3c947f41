//! Time of a recording: where `--at` and the seek keys come to, and what is shown there.

use std::collections::BTreeSet;
use std::time::Duration;

use kmodtrace_common::kind;
use kmodtrace_core::model::Ktime;
use kmodtrace_core::monitor::{Body, Focus, Monitor, Window};
use proptest::prelude::*;

use super::stage::{reader, record_time, recording, recording_path};
use crate::view::player::{Player, Way};
use crate::view::transitions::Time;

const SECOND: u64 = 1_000_000_000;

/// A recording that is held.
struct Held {
    player: Player,
    monitor: Monitor,
}

impl Held {
    /// So many nanoseconds after the start of the kernel; at its end when none.
    fn at(name: &str, at: Option<u64>) -> Self {
        let way = Way {
            at: at.map(Duration::from_nanos),
            play: false,
            speed: 1.0,
        };
        let player = Player::open(&recording_path(name), way).unwrap();
        let monitor = Monitor::new(player.header());
        let mut held = Self { player, monitor };
        held.arrive();
        held
    }

    fn arrive(&mut self) {
        while self.player.is_on_its_way() {
            self.player.read(&mut self.monitor).unwrap();
        }
    }

    /// Where a key comes to.
    fn press(&mut self, time: Time) -> u64 {
        if let Some(again) = self.player.time(time, &self.monitor).unwrap() {
            self.monitor = again;
        }
        self.arrive();
        self.reached()
    }

    fn reached(&self) -> u64 {
        self.monitor.reached().0
    }
}

/// When something happened, in order: every record but ticks.
fn happened(name: &str) -> BTreeSet<u64> {
    let mut reader = reader(name);
    let mut times = BTreeSet::new();
    while let Some(record) = reader.next_record().unwrap() {
        if record.first_chunk().map(|kind| u16::from_ne_bytes(*kind)) != Some(kind::TICK) {
            times.insert(record_time(record));
        }
    }
    times
}

#[test]
fn at_means_exactly_that_time() {
    // Nothing happens in the deadlock, and yet time goes on.
    let held = Held::at("6.1-nested.kmt", Some(9_500_000_000));
    let picture = held.monitor.picture(&Focus::Now);
    assert_eq!(picture.head.at, Ktime(9_500_000_000));
    let Body::Now(rows) = picture.body else {
        panic!("not in flight")
    };
    for row in &rows {
        assert_eq!(row.start_ns.unwrap() + row.lasted_ns.unwrap(), 9_500_000_000);
    }
    assert_eq!(rows.len(), 50);
    // Before its beginning nothing was seen, and behind its end nothing more is known.
    let early = Held::at("6.1-nested.kmt", Some(1));
    assert_eq!(early.monitor.reached(), early.monitor.start());
    assert_eq!(
        Held::at("6.1-nested.kmt", Some(u64::MAX)).reached(),
        Held::at("6.1-nested.kmt", None).reached()
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Also where a record of before lies in the file behind one of after.
    #[test]
    fn all_that_was_until_then_is_shown_and_nothing_else(per_mille in 0..=1_000_u64) {
        let name = "6.1-stock-storm.kmt";
        let whole = recording(name, None);
        let window = Window { count: 1_000, ..Window::default() };
        let Body::Lanes(all) = whole.picture(&Focus::Lanes(window)).body else { panic!("no lanes") };
        let (start, end) = (whole.start().0, whole.reached().0);
        let at = start + (end - start) / 1_000 * per_mille;
        let head = Held::at(name, Some(at)).monitor.picture(&Focus::Now).head;
        let attempts = || all.lanes.iter().flat_map(|lane| &lane.attempts);
        let returned = attempts().filter(|attempt| attempt.end_ns.is_some_and(|end| end <= at)).count();
        let entered = attempts().filter(|attempt| attempt.start_ns <= at).count();
        prop_assert_eq!((head.at.0, head.attempts, head.in_flight), (at, returned as u64, entered - returned));
        // A record that is not due yet is not lost.
        prop_assert_eq!(head.quality.lost, Some(0));
    }
}

#[test]
fn a_seek_goes_a_second_or_over_what_is_empty() {
    for name in [
        "6.1-nested.kmt",
        "6.1-stock-storm.kmt",
        "6.1-drill.kmt",
        "6.12-going.kmt",
    ] {
        let times = happened(name);
        let (mut held, mut gaps) = (Held::at(name, Some(0)), 0);
        let mut places = vec![held.reached()];
        let end = Held::at(name, None).reached();
        while *places.last().unwrap() < end && places.len() < 1_000 {
            let from = *places.last().unwrap();
            let to = held.press(Time::Forward);
            let next = times.range(from + 1..).next().copied();
            match next {
                Some(next) if next > from + SECOND => {
                    assert_eq!(to, next, "{name} from {from}");
                    gaps += 1;
                }
                Some(_) if to < end => assert_eq!(to, from + SECOND, "{name} from {from}"),
                _ => assert_eq!(to, end, "{name} from {from}"),
            }
            places.push(to);
        }
        assert!(gaps > 0 || end < times.first().unwrap() + SECOND, "{name}: {places:?}");
        // Back again the same way: to what happened before what is empty.
        while held.reached() > held.monitor.start().0 {
            let from = held.reached();
            let before = times.range(..from).next_back().copied().unwrap_or(0);
            let to = held.press(Time::Back);
            assert_eq!(
                to,
                (from - SECOND).min(before).max(held.monitor.start().0),
                "{name} from {from}"
            );
        }
    }
}

#[test]
fn the_speed_is_what_a_seek_goes_over_as_well() {
    let mut held = Held::at("6.1-stock-storm.kmt", Some(102 * SECOND));
    held.press(Time::Slower);
    held.press(Time::Slower);
    assert_eq!(held.player.doing(), "held x0.25");
    assert_eq!(held.press(Time::Forward), 102 * SECOND + SECOND / 4);
    assert_eq!(held.press(Time::Back), 102 * SECOND);
}
