//! A module of ours whose functions fail deep inside: the oracle is its source, `tests/fixtures/kt_deep.c`.

use anyhow::{Context as _, Result, ensure};

use super::Seen;

pub(super) const SCRIPT: &str = include_str!("deep.sh");

const SOURCE: &str = include_str!("../../../fixtures/kt_deep.c");

/// What a load of `kt_deep` must be told of: the way, the place, and the chain of functions. That its two places are told from each
/// other, the first way shows.
const WAYS: [(&str, &[&str]); 5] = [
    (
        "static-1",
        &["kt_deep_init", "deep_first", "deep_second", "deep_third_one"],
    ),
    (
        "static-2",
        &["kt_deep_init", "deep_first", "deep_second", "deep_third_two"],
    ),
    (INLINE, &["kt_deep_init", "deep_first", "deep_second_inline"]),
    (
        "probe-2",
        &[
            "kt_deep_init",
            "deep_register",
            "deep_probe",
            "deep_second",
            "deep_third_two",
        ],
    ),
    (
        "work-2",
        &["kt_deep_init", "deep_queue", "deep_second", "deep_third_two"],
    ),
];

/// The way whose last function is inlined into its caller.
const INLINE: &str = "inline-1";

/// Checks each way, by its name. They are under one drill, in this order.
pub(super) fn each(seen: &Seen<'_>) -> impl Iterator<Item = (&'static str, Result<()>)> {
    WAYS.iter()
        .enumerate()
        .map(move |(at, (name, chain))| (*name, check(seen, at, name, chain)))
}

fn check(seen: &Seen<'_>, at: usize, name: &str, chain: &[&str]) -> Result<()> {
    seen.ended("deep", 1)?;
    let loads = seen.loads("deep")?;
    ensure!(
        loads.len() == WAYS.len() && loads.iter().all(|load| load.is("kt_deep", "EINVAL")),
        "{loads:?}"
    );
    let load = loads.get(at).context("out of range")?;
    let path = load.errno_path();
    let named: Vec<&str> = path.iter().map(|call| call.function.as_str()).collect();
    ensure!(named == chain, "{named:?}, not {chain:?}, in {load:?}");
    if name == INLINE {
        // What is not called has no node.
        let line = line_of("ret = deep_last();")?;
        for sentence in [
            "deep_second_inline made it, or deep_inlined, inlined into it",
            &format!("deep_second_inline went another way before {line}, where it would have called deep_last"),
        ] {
            let is_told = load.sentences.iter().any(|told| told.ends_with(sentence));
            ensure!(is_told, "no \"{sentence}\" in {load:?}");
        }
    } else {
        // The first of the two is called where it succeeds, the second where it fails.
        let line = line_of("ret = place == 1 ? deep_third_one()")?;
        let maker = path.last().context("nobody made it")?;
        ensure!(maker.line.as_ref() == Some(&line), "not called at {line}: {maker:?}");
    }
    // Its functions return int and void, which debugging information tells.
    let guessed = load.all().iter().any(|call| call.returned.contains('?'));
    ensure!(!guessed, "{load:?}");
    Ok(())
}

/// Where the source of `kt_deep` has this text, as a file and a line.
fn line_of(text: &str) -> Result<String> {
    let number = SOURCE.lines().position(|line| line.contains(text));
    number
        .map(|number| format!("kt_deep.c:{}", number + 1))
        .with_context(|| format!("kt_deep.c has no {text}"))
}
