//! What keys do.

use kmodtrace_core::monitor::Monitor;
use kmodtrace_core::recording::Milestone;
use proptest::prelude::*;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::stage::{Stage, key, recording, recording_of_boot};
use crate::view::keys::{BINDINGS, Key};
use crate::view::transitions::{Effect, Time};

fn storm() -> Stage {
    Stage::new(recording("6.1-stock-storm.kmt", None), 119, 30)
}

fn nested() -> Stage {
    Stage::new(recording("6.1-nested.kmt", Some(5_000)), 120, 30)
}

/// The modules of the table, from the top.
fn modules(stage: &Stage) -> Vec<String> {
    let frame = stage.frame();
    let rows = frame.lines().skip_while(|line| !line.starts_with("MODULE")).skip(2);
    let names = rows
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next());
    names.map(str::to_owned).collect()
}

/// While a recording is read the first row is now this module, now that one.
#[test]
fn the_cursor_stays_on_the_first_row_until_a_key_is_pressed() {
    let name = "6.1-stock-storm.kmt";
    let first = modules(&storm()).swap_remove(0);
    let mut others = 0;
    for at in (0..8_000).step_by(250) {
        let mut stage = Stage::new(recording(name, Some(at)), 119, 30);
        others += usize::from(modules(&stage).first().is_some_and(|module| *module != first));
        stage.scene.monitor = recording(name, None);
        stage.scene.look();
        stage.press("3");
        let shown = stage.frame();
        assert!(shown.lines().any(|line| line == first), "{at} ms: {shown}");
    }
    assert!(others > 0, "{first} is the first one all the time");
}

#[test]
fn modules_are_filtered_as_one_types() {
    let mut stage = storm();
    assert_eq!(modules(&stage).len(), 5);
    stage.press("/ c p u");
    assert_eq!(modules(&stage), ["acpi_cpufreq", "pcc_cpufreq"]);
    assert!(stage.frame().contains("filter: cpu_"));
    // While it is typed, q is a letter.
    assert_eq!(stage.press("q"), None);
    assert_eq!(modules(&stage), [] as [String; 0]);
    stage.press("Esc");
    assert_eq!(modules(&stage).len(), 5);
    stage.press("/ x f s Enter");
    assert_eq!(modules(&stage), ["xfs"]);
    assert!(stage.frame().contains("filter: xfs"));
    stage.press("Esc");
    assert_eq!(modules(&stage).len(), 5);
}

#[test]
fn modules_are_sorted_by_any_column_both_ways_and_pinned() {
    let mut stage = storm();
    // From ATTEMPTS over LOADED, ERRORS and WAITING to WAITS.
    stage.press("s s s s");
    assert_eq!(
        modules(&stage),
        ["xfs", "acpi_cpufreq", "crc32c_intel", "pcc_cpufreq", "libcrc32c"]
    );
    assert!(stage.frame().contains("WAITS▼"));
    stage.press("I");
    assert_eq!(modules(&stage).first().map(String::as_str), Some("libcrc32c"));
    // The cursor stays with its module, wherever that goes.
    stage.press("I Home s S p");
    assert_eq!(modules(&stage).first().map(String::as_str), Some("*xfs"));
    stage.press("< < < < <");
    assert_eq!(
        modules(&stage),
        ["*xfs", "acpi_cpufreq", "crc32c_intel", "libcrc32c", "pcc_cpufreq"]
    );
    stage.press("p");
    assert_eq!(modules(&stage).first().map(String::as_str), Some("acpi_cpufreq"));
}

#[test]
fn enter_opens_the_module_and_esc_goes_back() {
    let mut stage = storm();
    stage.press("Down Enter");
    assert!(stage.frame().contains("\ncrc32c_intel\n"));
    stage.press("End");
    assert!(stage.frame().contains("WHY"), "{}", stage.frame());
    stage.press("Esc");
    assert_eq!(modules(&stage).len(), 5);
    stage.press("Tab Tab BackTab");
    assert!(stage.frame().contains("nothing is being loaded"));
}

#[test]
fn modules_have_their_totals_and_where_there_is_room_details() {
    let mut stage = storm();
    let all = |stage: &Stage| {
        let frame = stage.frame();
        frame.lines().find(|line| line.starts_with("(all)")).unwrap().to_owned()
    };
    assert!(
        all(&stage).contains("EEXIST 19, EBUSY 14, ENODEV 2"),
        "{}",
        stage.frame()
    );
    assert!(!stage.frame().contains("STAGES of all loads"), "{}", stage.frame());
    for width in [120, 200] {
        stage.resize(width, 40);
        stage.press("Home");
        assert!(
            all(&stage).contains("EEXIST 19, EBUSY 14, ENODEV 2"),
            "{}",
            stage.frame()
        );
        let loads = ["attempts 8, loaded 0", "STAGES of all loads, 17.1s"];
        assert!(
            loads.iter().all(|text| stage.frame().contains(text)),
            "{}",
            stage.frame()
        );
        // The details are those of the row under the cursor, and can be read to their end.
        stage.press("Down");
        assert!(stage.frame().contains("attempts 8, loaded 1"), "{}", stage.frame());
        stage.press(&"J ".repeat(60));
        assert!(stage.frame().contains("WHY, of the loads"), "{}", stage.frame());
        stage.press("/ x f s");
        assert!(stage.frame().contains("UNFORMED 3, COMING 4"), "{}", stage.frame());
        stage.press("Esc");
    }
}

#[test]
fn the_time_line_says_what_its_signs_mean() {
    let mut stage = storm();
    for (width, height, is_there) in [(80, 24, true), (200, 50, true), (60, 15, false)] {
        stage.resize(width, height);
        stage.press("7");
        let frame = stage.frame();
        for text in [
            "~ waits",
            "↑↓ for the lane up, down",
            "d duplicate-check",
            "I init",
            "x clean-up",
        ] {
            assert_eq!(frame.contains(text), is_there, "{text}\n{frame}");
        }
        // Of what is not in sight nothing is said.
        assert!(!frame.contains("z decompress"), "{frame}");
    }
}

#[test]
fn a_finding_has_its_evidence() {
    let mut stage = storm();
    stage.press("6 Down Enter");
    let frame = stage.frame();
    assert!(
        frame.contains("EVIDENCE of busy-inherited: 7 attempts at pcc_cpufreq"),
        "{frame}"
    );
    stage.press("6");
    assert!(stage.frame().contains("FINDING "));
}

#[test]
fn enter_leads_on_in_every_list_and_esc_back() {
    // The keys to a row, and what each Enter then opens.
    let ways: [(&str, &[&str]); 8] = [
        (
            "1",
            &[
                "STAGES of all loads",
                "LOADS and unloads of test_kmod",
                "ATTEMPT 1 at test_kmod",
            ],
        ),
        ("2 Down", &["ATTEMPT 3 at kt_dep", "attempts 0, loaded 0"]),
        ("2 Down Enter Down", &["TASK 145, its", "ATTEMPT 3 at kt_dep"]),
        (
            "5 Down",
            &["REQUEST 2 of fs-ktfs", "TASK 137, its", "REQUEST 2 of fs-ktfs"],
        ),
        ("5 Down Enter Down", &["ATTEMPT 9 at kt_dep"]),
        (
            "6",
            &["EVIDENCE of deadlock", "ATTEMPT 2 at kt_dep", "attempts 0, loaded 0"],
        ),
        ("7 Down", &["ATTEMPT 2 at kt_dep"]),
        ("7 t Down", &["TASK ", "ATTEMPT 2 at kt_dep"]),
    ];
    for (keys, titles) in ways {
        let mut stage = nested();
        stage.press(keys);
        let mut frames = vec![stage.frame()];
        for title in titles {
            stage.press("Enter");
            assert!(stage.frame().contains(title), "{keys}: {title}:\n{}", stage.frame());
            frames.push(stage.frame());
        }
        while let Some(frame) = frames.pop() {
            assert_eq!(stage.frame(), frame, "{keys}");
            stage.press("Esc");
        }
    }
}

#[test]
fn no_row_is_cut_before_its_reason_on_80_columns() {
    for (file, at, keys, reasons) in [
        (
            "6.1-nested.kmt",
            Some(5_000),
            "2",
            ["kt_dep by 141 modprobe, init", "!same-name"],
        ),
        ("6.1-nested.kmt", None, "5", ["exit 1", "6.89s"]),
        ("6.1-nested.kmt", None, "6 Enter", ["EBUSY", "COMING, waited 6.4"]),
        (
            "6.1-stock-storm.kmt",
            None,
            "6 Enter",
            ["EBUSY", "UNFORMED, waited 923ms same-name"],
        ),
        ("6.1-stock-storm.kmt", None, "7", ["ENODEV", "pcc_cpufreq 448"]),
        (
            "6.1-stock-storm.kmt",
            None,
            "8",
            ["not in this kernel: no struct idempotent", "absent"],
        ),
        ("6.1-nested.kmt", None, "1", ["EBUSY 49, ENOENT 1", "kt_dep"]),
    ] {
        let mut stage = Stage::new(recording(file, at), 80, 24);
        stage.press(keys);
        let frame = stage.frame();
        assert!(
            frame
                .lines()
                .any(|row| reasons.iter().all(|reason| row.contains(reason))),
            "{reasons:?}\n{frame}"
        );
    }
}

#[test]
fn a_deadlock_shows_everywhere_while_it_lasts() {
    let mut stage = nested();
    for view in ["1", "2", "3", "4", "5", "6", "7", "8"] {
        stage.press(view);
        assert!(stage.frame().contains("DEADLOCK: press 4"), "{}", stage.frame());
    }
    stage.press("6");
    assert!(stage.frame().contains("deadlock"));
    stage.press("4");
    assert!(stage.frame().contains("nested request needs slot 51"));
    let over = Stage::new(recording("6.1-nested.kmt", None), 120, 30);
    assert!(!over.frame().contains("DEADLOCK"));
}

#[test]
fn the_cursor_finds_the_stuck_and_whom_they_wait_for() {
    let mut stage = nested();
    stage.press("2");
    let frame = stage.frame();
    assert!(
        frame.contains("!same-name") && frame.contains("kt_dep by 141 modprobe, init"),
        "{frame}"
    );
    stage.press("End");
    let last = stage
        .scene
        .state
        .cursor(&crate::view::rows::shown(&stage.scene.state, &stage.scene.picture));
    assert_eq!(last, 49);
    stage.press("5");
    assert!(stage.frame().contains("slots used 50 of 50"));
    assert!(stage.frame().contains("request 1 of fs-ktfs by tid 136"));
    stage.press("End");
    assert!(
        stage.frame().contains("request 51 of kt_init by tid 141"),
        "{}",
        stage.frame()
    );
}

#[test]
fn the_time_line_zooms_and_pans() {
    let mut stage = storm();
    stage.press("7");
    let span = |stage: &Stage| {
        let frame = stage.frame();
        let from = frame.find("<- ").unwrap();
        frame[from + 3..].split(' ').next().unwrap().to_owned()
    };
    let whole = span(&stage);
    stage.press("+ +");
    let zoomed = span(&stage);
    assert_ne!(whole, zoomed);
    let middle = stage.scene.state.span.unwrap();
    stage.press("Left");
    let earlier = stage.scene.state.span.unwrap();
    assert!(earlier.0 < middle.0 && earlier.1 - earlier.0 == middle.1 - middle.0);
    stage.press("Right");
    assert_eq!(stage.scene.state.span.unwrap(), middle);
    stage.press("- - -");
    assert_eq!(span(&stage), whole);
    // The arrow of the lane under the cursor goes all the way to its owner.
    stage.press("0 Home Down Down Down Down Down Down Down Down");
    assert!(stage.frame().contains('│'), "{}", stage.frame());
}

#[test]
fn what_is_below_a_list_can_be_read_on_a_small_screen() {
    let mut stage = Stage::new(recording("6.1-nested.kmt", None), 60, 15);
    stage.press("6 Enter End");
    let first = stage.frame();
    assert!(first.contains("more below"), "{first}");
    stage.press("J J");
    assert_ne!(stage.frame(), first);
    stage.press("K K");
    assert_eq!(stage.frame(), first);
    stage.press("?");
    let help = stage.frame();
    stage.press("Down");
    assert_ne!(stage.frame(), help);
    stage.press("x");
    assert_eq!(stage.frame(), first);
}

#[test]
fn keys_of_the_program_reach_it() {
    let mut stage = storm();
    assert_eq!(stage.press("q"), Some(Effect::Quit));
    assert_eq!(stage.press("Ctrl-c"), Some(Effect::Quit));
    assert_eq!(stage.press("Ctrl-z"), Some(Effect::Suspend));
    assert_eq!(stage.press("Ctrl-l"), Some(Effect::Redraw));
    assert_eq!(stage.press("e"), Some(Effect::Export));
    assert_eq!(stage.press("Space"), Some(Effect::Time(Time::Toggle)));
    assert_eq!(stage.press("{"), Some(Effect::Time(Time::Start)));
    // Out of the filter as well.
    assert_eq!(stage.press("/ a Ctrl-c"), Some(Effect::Quit));
}

#[test]
fn the_mouse_points_at_rows_and_views() {
    let mut stage = storm();
    let click = |stage: &mut Stage, column, row| {
        let event = MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column,
            row,
            modifiers: KeyModifiers::NONE,
        };
        stage.mouse(event);
    };
    // The head has two lines, the views one, the table its titles and all modules together.
    click(&mut stage, 3, 7);
    click(&mut stage, 3, 7);
    assert!(stage.frame().contains("\npcc_cpufreq\n"), "{}", stage.frame());
    let views = stage.frame().lines().nth(2).unwrap().find("Graph").unwrap();
    click(&mut stage, u16::try_from(views).unwrap(), 2);
    assert!(stage.frame().contains("SO FAR"), "{}", stage.frame());
    click(&mut stage, 118, 29);
    click(&mut stage, 118, 0);
}

/// Every key that does something, and some that do not.
fn any_key() -> impl Strategy<Value = KeyCode> {
    let plain = |key: &Key| match key {
        Key::Plain(code) => Some(*code),
        Key::Ctrl(_) => None,
    };
    let mut codes: Vec<KeyCode> = BINDINGS
        .iter()
        .flat_map(|binding| binding.keys)
        .filter_map(plain)
        .collect();
    codes.extend([KeyCode::Char('x'), KeyCode::Char('ä'), KeyCode::Insert]);
    prop::sample::select(codes)
}

/// The frame that keys lead to, where each waits for what the one before brought, and where none does.
fn slow_and_fast(monitor: impl Fn() -> Monitor, keys: &[KeyEvent]) -> [String; 2] {
    let (mut slow, mut fast) = (Stage::new(monitor(), 80, 24), Stage::new(monitor(), 80, 24));
    for key in keys {
        slow.key(*key);
        fast.scene.key(*key);
    }
    fast.scene.look();
    [slow.frame(), fast.frame()]
}

#[test]
fn keys_that_come_at_once_act_on_what_they_were_typed_for() {
    for script in [
        "/ x f s Enter Down Enter",
        "6 Enter",
        "2 End Enter",
        "5 Down Down Enter",
        "7 Down Down Enter",
        "3 Esc End Enter",
    ] {
        let keys: Vec<KeyEvent> = script.split(' ').map(key).collect();
        let [slow, fast] = slow_and_fast(|| recording("6.1-nested.kmt", Some(5_000)), &keys);
        assert_eq!(slow, fast, "{script}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_key_is_typed_too_early(keys in prop::collection::vec(any_key(), 1..20)) {
        let keys: Vec<KeyEvent> = keys.into_iter().map(KeyEvent::from).collect();
        let [slow, fast] = slow_and_fast(|| recording("6.1-nested.kmt", Some(5_000)), &keys);
        prop_assert_eq!(slow, fast);
    }

    #[test]
    fn no_keys_and_no_size_are_too_much(
        keys in prop::collection::vec((any_key(), prop::option::weighted(0.1, (1_u16..150, 1_u16..50))), 1..40),
        at in prop::option::of(0_u64..8_000),
    ) {
        let marks = [(Milestone::Attached, 0), (Milestone::Userspace, 3_000), (Milestone::Finished, 5_000)];
        let mut stage = Stage::new(recording_of_boot("6.1-nested.kmt", at, &marks), 80, 24);
        for (code, size) in keys {
            if let Some((width, height)) = size {
                stage.resize(width, height);
            }
            stage.key(code.into());
            stage.frame();
        }
    }
}
