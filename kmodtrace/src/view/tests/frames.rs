//! What every view shows, at three sizes.

use std::fmt::Write as _;

use kmodtrace_core::model::Nanos;
use kmodtrace_core::monitor::Monitor;
use kmodtrace_core::recording::Milestone;

use super::stage::{Stage, empty, lossy, recording, recording_of_boot};
use crate::view::theme::{Colours, Theme};

const SIZES: [(u16, u16); 3] = [(60, 15), (80, 24), (200, 60)];

/// All views, one below the other.
fn all(case: &str, monitor: impl Fn() -> Monitor) {
    for (width, height) in SIZES {
        let mut stage = Stage::new(monitor(), width, height);
        let mut frames = String::new();
        for view in ["1", "2", "3", "4", "5", "6", "6 Enter", "7", "8", "?"] {
            stage.press(view);
            let frame = stage.frame();
            assert_eq!(frame.lines().count(), usize::from(height));
            let rule = "=".repeat(usize::from(width) - view.len() - 4);
            let _ = write!(frames, "== {view} {rule}\n{frame}\n");
        }
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(format!("{case}-{width}x{height}"), frames);
        });
    }
}

#[test]
fn a_storm() {
    all("storm", || recording("6.1-stock-storm.kmt", None));
}

#[test]
fn a_stuck_wait() {
    all("stuck", || recording("6.12-slow-init.kmt", Some(500)));
    let mut stage = Stage::new(recording("6.12-slow-init.kmt", Some(500)), 120, 24);
    stage.press("2");
    assert!(!stage.frame().contains('!'), "{}", stage.frame());
    stage.scene.state.stuck_after = Nanos(1_000_000);
    assert!(stage.frame().contains("!same-name"), "{}", stage.frame());
}

#[test]
fn the_nested_deadlock_while_it_lasts() {
    all("nested", || recording("6.1-nested.kmt", Some(5_000)));
}

#[test]
fn the_nested_deadlock_when_it_is_over() {
    all("nested-over", || recording("6.1-nested.kmt", None));
}

#[test]
fn a_boot() {
    let marks = [
        (Milestone::Attached, 0),
        (Milestone::Userspace, 3_000),
        (Milestone::Finished, 7_000),
        (Milestone::Ended, 10_000),
    ];
    let mut stage = Stage::new(recording_of_boot("6.1-stock-storm.kmt", None, &marks), 80, 24);
    let mut frames = String::new();
    for keys in ["7", "t", "t +", "Enter"] {
        stage.press(keys);
        let _ = write!(frames, "== {keys}\n{}\n", stage.frame());
    }
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("boot-80x24", frames);
    });
    // What was not seen does not stand there, nor what is still to come.
    for (at, marks, part) in [(None, &marks[..1], ""), (Some(2_900), &marks[..], "initramfs")] {
        let mut stage = Stage::new(recording_of_boot("6.1-stock-storm.kmt", at, marks), 200, 24);
        stage.press("7");
        let frame = stage.frame();
        let told: Vec<&str> = frame.lines().nth(4).unwrap().split(['┊', ' ']).collect();
        assert_eq!(told.concat(), format!("attached{part}"), "{frame}");
    }
}

#[test]
fn the_calls_inside_a_load() {
    let mut stage = Stage::new(recording("6.1-drill.kmt", None), 120, 40);
    stage.press("1");
    stage.press("Enter");
    stage.press("G");
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("inside-120x40", stage.frame());
    });
}

#[test]
fn an_empty_session() {
    all("empty", empty);
}

#[test]
fn lost_records() {
    all("lost", lossy);
    let frame = Stage::new(lossy(), 120, 24).frame();
    assert!(
        frame.contains("records LOST") && frame.contains("3 probe hits MISSED"),
        "{frame}"
    );
}

#[test]
fn without_utf_8_all_is_ascii() {
    let mut stage = Stage::new(recording("6.1-nested.kmt", Some(5_000)), 120, 40);
    stage.theme = Theme {
        colours: Colours::Sixteen,
        utf8: false,
    };
    for view in ["1", "2", "3", "4", "5", "6", "7", "8", "?"] {
        stage.press(view);
        assert!(stage.frame().is_ascii(), "{}", stage.frame());
    }
}
