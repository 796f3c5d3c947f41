#![expect(clippy::unwrap_used, reason = "a test says what is wrong by failing")]

use proptest::prelude::*;

use super::*;
use crate::analysis::origin::tests::{attempt, marks};
use crate::model::Errno;
use crate::plan::Coverage;

fn cut(trail: &str) -> Vec<String> {
    let mut attempt = attempt(0, trail);
    attempt.end = Some(Ktime(200));
    let spans = stages(&attempt);
    let total: u64 = spans.iter().map(|span| span.duration.0).sum();
    assert_eq!(total, attempt.duration().unwrap().0);
    let line = |span: &StageSpan| format!("{} {} {}", span.duration.0, span.stage.name(), span.name);
    spans.iter().map(line).collect()
}

#[test]
fn brackets_have_names_and_gaps_their_ends() {
    // Marks are 10 apart, the entry is at 0.
    assert_eq!(
        cut(
            "+kernel_read_file -kernel_read_file=9 +load_module .module_frob_arch_sections .find_module_all \
             .apply_relocate_add .module_finalize +parse_args -parse_args=0 -load_module=0"
        ),
        [
            "10 entry in finit_module, between its entry and kernel_read_file",
            "10 read kernel_read_file",
            "10 entry in finit_module, between kernel_read_file and load_module",
            "10 checks in load_module, between its entry and module_frob_arch_sections",
            "10 layout in load_module, between module_frob_arch_sections and find_module_all",
            "10 symbols in load_module, between find_module_all and apply_relocate_add",
            "10 relocation in load_module, between apply_relocate_add and module_finalize",
            "10 arguments in load_module, between module_finalize and parse_args",
            "10 parameters parse_args",
            "10 sysfs in load_module, between parse_args and its return",
            "100 entry in finit_module, between load_module and its return",
        ]
    );
}

#[test]
fn lost_exits_end_with_what_is_around_them() {
    assert_eq!(
        cut("+load_module +module_sig_check .module_frob_arch_sections -load_module=0"),
        [
            "10 entry in finit_module, between its entry and load_module",
            "10 checks in load_module, between its entry and module_sig_check",
            "20 signature module_sig_check",
            "160 entry in finit_module, between load_module and its return",
        ]
        .map(|line| line.replace(
            "10 checks in load_module, between its entry",
            "10 signature in load_module, between its entry"
        ))
    );
    // A leader's own load has a beginning only.
    assert_eq!(
        cut("+idempotent_init_module .init_module_from_file +load_module -load_module=0 -idempotent_init_module=0")
            [1..3],
        [
            "10 shared-load idempotent_init_module",
            "10 entry in init_module_from_file, between its entry and load_module",
        ]
    );
}

#[test]
fn a_failed_init_is_followed_by_clean_up() {
    let mut attempt = attempt(
        -19,
        "+do_init_module +do_one_initcall -do_one_initcall=-19 +synchronize_rcu -synchronize_rcu +free_module \
         -free_module -do_init_module=-19",
    );
    attempt.end = Some(Ktime(80));
    let stages: Vec<_> = stages(&attempt).into_iter().map(|span| span.stage).collect();
    assert_eq!(stages[2], Stage::Init);
    assert!(stages[3..].iter().all(|stage| *stage == Stage::CleanUp), "{stages:?}");
}

#[test]
fn nothing_without_entry_or_return() {
    let mut attempt = attempt(0, "+load_module");
    attempt.end = None;
    assert_eq!(stages(&attempt), []);
}

proptest! {
    #[test]
    fn any_trail_adds_up(
        marks in prop::collection::vec((0_u64..300, 0..Function::ALL.len(), -40_i64..40), 0..60),
        ret in -40_i64..2,
        // A file may claim a return before its entry.
        end in 0_u64..300,
    ) {
        let mut attempt = attempt(ret, "");
        attempt.start = Some(Ktime(50));
        attempt.end = Some(Ktime(end));
        attempt.trail = marks.iter().map(|&(time, function, edge)| Mark {
            time: Ktime(time),
            function: Function::ALL[function],
            edge: match edge {
                -40..-30 => Edge::Passed,
                -30..0 => Edge::Exit(Some(edge)),
                0..10 => Edge::Exit(None),
                _ => Edge::Enter,
            },
        }).collect();
        let spans = stages(&attempt);
        let mut cursor = Ktime(50);
        for span in &spans {
            prop_assert_eq!(span.start, cursor);
            cursor.0 += span.duration.0;
        }
        prop_assert_eq!(cursor, Ktime(end.max(50)));
        let origin = crate::analysis::origin::of(&attempt, &Coverage::default(), |_| None);
        prop_assert_eq!(origin.is_some(), ret < 0);
        prop_assert!(origin.is_none_or(|origin| origin.errno == Errno::from_ret(ret)));
    }
}

#[test]
fn marks_are_read_as_they_are_written() {
    assert_eq!(marks("+load_module -load_module=-8 .module_finalize").len(), 3);
}

#[test]
fn what_is_in_flight_is_in_its_last_piece_and_its_end_is_open() {
    let mut attempt = attempt(0, "+load_module .module_frob_arch_sections .find_module_all");
    attempt.end = None;
    let last = stages_until(&attempt, Ktime(100)).pop().unwrap();
    assert_eq!(
        (last.stage, last.start, last.duration),
        (Stage::Symbols, Ktime(30), Nanos(71))
    );
    assert_eq!(last.name.to_string(), "in load_module, after find_module_all");
    assert!(stages(&attempt).is_empty());
}
