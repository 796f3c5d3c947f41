//! Every cause that a load, an unload or a request can have, each from the facts that a tracer would have of it.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test says what is wrong by failing")]

mod loads;
pub(crate) mod others;

use super::*;
use crate::model::{
    Edge, Function, Init, Ktime, LogLine, Mark, Span, SymbolLookUp, Syscall, Tgid, Tid, Wait, WaitKind,
};

/// `+load_module -load_module=-8 .module_finalize`: entries, returns with what they return, and passages, 10 ns apart.
pub(crate) fn marks(trail: &str) -> Vec<Mark> {
    let function = |name: &str| {
        let known = Function::ALL.iter().find(|function| function.name() == name);
        *known.unwrap_or_else(|| panic!("{name}"))
    };
    let mark = |(at, word): (usize, &str)| {
        let (edge, name) = word.split_at(1);
        let (name, ret) = name
            .split_once('=')
            .map_or((name, None), |(name, ret)| (name, Some(ret)));
        Mark {
            time: Ktime(10 * (at as u64 + 1)),
            function: function(name),
            edge: match edge {
                "+" => Edge::Enter,
                "-" => Edge::Exit(ret.map(|ret| ret.parse().unwrap())),
                _ => Edge::Passed,
            },
        }
    };
    trail.split_whitespace().enumerate().map(mark).collect()
}

/// A `finit_module` that returned this, after this trail.
pub(crate) fn attempt(ret: i64, trail: &str) -> Attempt {
    Attempt {
        module: Some("m".into()),
        comm: "modprobe".into(),
        syscall: Some(Syscall::FinitModule),
        start: Some(Ktime(0)),
        end: Some(Ktime(1000)),
        errno: Some(Errno::from_ret(ret)),
        trail: marks(trail),
        ..Attempt::new(AttemptId(1), Tid(1), Tgid(1))
    }
}

pub(crate) fn number(name: &str) -> i64 {
    -i64::from(Errno::named(name).unwrap_or_else(|| panic!("{name}")).0)
}

pub(crate) fn log(text: &str) -> LogLine {
    LogLine {
        time: Ktime(500),
        text: text.to_owned(),
    }
}

pub(crate) fn task(id: u64) -> TaskRef {
    TaskRef {
        tid: Tid(100 + u32::try_from(id).unwrap()),
        comm: "udev-worker".into(),
        attempt: AttemptId(id),
    }
}

pub(crate) fn wait(kind: WaitKind, on: Option<TaskRef>) -> Wait {
    Wait {
        kind,
        span: Span {
            start: Ktime(100),
            end: Some(Ktime(900)),
        },
        on,
        module: None,
        checks: None,
    }
}

pub(crate) fn init(ret: i64, symbol: Option<&str>) -> Init {
    Init {
        span: Span {
            start: Ktime(100),
            end: Some(Ktime(5_000_100)),
        },
        errno: Some(Errno::from_ret(ret)),
        symbol: symbol.map(str::to_owned),
    }
}

pub(crate) fn symbol(errno: &str, owner: Option<&str>) -> SymbolLookUp {
    SymbolLookUp {
        time: Ktime(60),
        name: "kt_dep_value".into(),
        owner: owner.map(str::to_owned).map(Into::into),
        errno: Errno::named(errno).unwrap(),
    }
}

fn nobody(_: AttemptId) -> Option<KnownAttempt> {
    None
}

/// `STAGE FUNCTION exact|gap CAUSE...` of an attempt.
fn told(attempt: &Attempt) -> String {
    in_words(&of(attempt, &Coverage::default(), nobody).unwrap())
}

fn in_words(origin: &Origin) -> String {
    let certainty = match origin.certainty {
        Certainty::Exact => "exact",
        Certainty::Gap { .. } => "gap",
    };
    let ids: Vec<&str> = origin.causes.iter().map(|cause| cause.id).collect();
    format!(
        "{} {} {certainty} {}",
        origin.stage.name(),
        origin.function,
        ids.join(" ")
    )
}
