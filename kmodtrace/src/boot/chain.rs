//! The critical path of a boot, as `systemd-analyze critical-chain` finds it.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use kmodtrace_core::model::Ktime;
use kmodtrace_core::recording::BootUnit;

use super::systemd::{asked, nanos};

/// Units on a path; one has some twenty.
const MOST: usize = 64;

/// What is asked of every unit.
const PROPERTIES: &str = "Id,After,InactiveExitTimestampMonotonic,ActiveEnterTimestampMonotonic";

/// The units that the default target waited for, that one last, where it was reached at `finished`. Empty where systemd does not say.
pub(super) fn chain(finished: Ktime) -> Vec<BootUnit> {
    let units = units(&asked(&["show", "--property", PROPERTIES, "*"]));
    let target = asked(&["show", "--property", "Id", "default.target"]);
    let target = target.trim_end().strip_prefix("Id=").unwrap_or_default();
    path(&units, target, finished)
}

/// A unit, and what it is ordered after.
#[derive(Debug, Default)]
struct Unit {
    after: Vec<String>,
    activating: Option<Ktime>,
    active: Option<Ktime>,
}

/// Reads blocks of properties with an empty line between them.
fn units(text: &str) -> BTreeMap<String, Unit> {
    let mut units = BTreeMap::new();
    for block in text.split("\n\n") {
        let (mut name, mut unit) = (None, Unit::default());
        for (property, value) in block.lines().filter_map(|line| line.split_once('=')) {
            match property {
                "Id" => name = Some(value.to_owned()),
                "After" => unit.after = value.split_whitespace().map(str::to_owned).collect(),
                "InactiveExitTimestampMonotonic" => unit.activating = nanos(value),
                "ActiveEnterTimestampMonotonic" => unit.active = nanos(value),
                _ => {}
            }
        }
        if let Some(name) = name {
            units.insert(name, unit);
        }
    }
    units
}

/// From the target back: always to the unit that became active last of those that it is ordered after, and not after the boot's end
/// (`list_dependencies_one`, src/analyze/analyze-critical-chain.c of systemd).
fn path(units: &BTreeMap<String, Unit>, target: &str, finished: Ktime) -> Vec<BootUnit> {
    let active = |name: &&str| units.get(*name)?.active.filter(|active| *active <= finished);
    let mut path: Vec<BootUnit> = Vec::new();
    let mut next = Some(target).filter(|target| units.get(*target).is_some_and(|unit| unit.active.is_some()));
    while let Some(name) = next
        && path.len() < MOST
        && path.iter().all(|known| known.name != name)
        && let Some(unit) = units.get(name)
    {
        path.push(BootUnit {
            name: name.to_owned(),
            activating_ns: unit.activating.or(unit.active).unwrap_or_default(),
            active_ns: unit.active.unwrap_or_default(),
        });
        let after = unit.after.iter().map(String::as_str);
        let known = after.filter_map(|name| Some((active(&name)?, Reverse(name.to_ascii_lowercase()), name)));
        next = known.max().map(|(_, _, name)| name);
    }
    path.reverse();
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: &str = "\
Id=graphical.target
After=multi-user.target late.service gone.service
InactiveExitTimestampMonotonic=900
ActiveEnterTimestampMonotonic=900

Id=multi-user.target
After=b.service a.service
InactiveExitTimestampMonotonic=890
ActiveEnterTimestampMonotonic=890

Id=a.service
After=
InactiveExitTimestampMonotonic=100
ActiveEnterTimestampMonotonic=500

Id=b.service
After=
InactiveExitTimestampMonotonic=100
ActiveEnterTimestampMonotonic=300

Id=late.service
After=
InactiveExitTimestampMonotonic=950
ActiveEnterTimestampMonotonic=950

Id=off.service
After=
InactiveExitTimestampMonotonic=0
ActiveEnterTimestampMonotonic=0
";

    #[test]
    fn the_path_goes_to_what_was_active_last() {
        let units = units(TOLD);
        let path = path(&units, "graphical.target", Ktime(920_000));
        let told: Vec<_> = path.iter().map(|unit| (unit.name.as_str(), unit.active_ns.0)).collect();
        assert_eq!(
            told,
            [
                ("a.service", 500_000),
                ("multi-user.target", 890_000),
                ("graphical.target", 900_000)
            ]
        );
        assert_eq!(path[0].activating_ns, Ktime(100_000));
    }

    #[test]
    fn a_circle_is_an_end() {
        let text = "Id=a\nAfter=b\nActiveEnterTimestampMonotonic=1\n\nId=b\nAfter=a\nActiveEnterTimestampMonotonic=2\n";
        assert_eq!(path(&units(text), "a", Ktime(9_000)).len(), 2);
    }

    #[test]
    fn nothing_comes_of_nothing() {
        for (text, target) in [("", ""), (TOLD, ""), (TOLD, "off.service"), ("Id\n=\n\n\nAfter=x", "x")] {
            assert_eq!(path(&units(text), target, Ktime(1_000_000)), [], "{target}");
        }
    }
}
