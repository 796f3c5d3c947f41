//! Colours: titles, failures and what is harmless stand out of a text. Nothing is told by colour alone.

use std::io::IsTerminal;

use clap::ColorChoice;
use kmodtrace_core::analysis::why::{Hang, Reason};
use kmodtrace_core::text::printable;

/// How a piece of a text looks, as the terminal is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// Bold.
    Title,
    /// Red.
    Failure,
    /// Dim.
    Harmless,
}

impl Look {
    fn code(self) -> &'static str {
        match self {
            Self::Title => "\x1b[1m",
            Self::Failure => "\x1b[31m",
            Self::Harmless => "\x1b[2m",
        }
    }
}

/// Whether a stream gets colours: a terminal does where nobody says otherwise (no-color.org).
pub(crate) fn is_coloured(choice: ColorChoice, stream: &impl IsTerminal) -> bool {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            let dumb = set("TERM").is_some_and(|term| term == "dumb");
            stream.is_terminal() && set("NO_COLOR").is_none() && !dumb
        }
    }
}

/// The headlines of what hangs and what failed.
pub(super) fn of_failures<'r>(hanging: &[Hang], failures: impl Iterator<Item = &'r Reason>) -> Vec<(Look, String)> {
    let headline = |look, headline: &str| (look, printable(headline).into_owned());
    let failures = failures.map(|reason| {
        let look = if reason.harmless { Look::Harmless } else { Look::Failure };
        headline(look, &reason.headline)
    });
    let hanging = hanging.iter().map(|hang| headline(Look::Failure, &hang.headline));
    hanging.chain(failures).collect()
}

/// A text with its titles in bold, and these sentences, over how many lines they may go, as they look.
pub(super) fn paint(text: &str, sentences: &[(Look, String)]) -> String {
    let mut painted = String::with_capacity(text.len());
    // What is still to come of the sentence that the line before was of.
    let mut rest: Option<(Look, &str)> = None;
    let mut is_first = true;
    for line in text.lines() {
        let words = line.trim_start();
        let mut begun = sentences.iter().map(|(look, sentence)| (*look, sentence.as_str()));
        let goes_on = rest.and_then(|sentence| behind(sentence, words));
        rest = goes_on.or_else(|| begun.find_map(|sentence| behind(sentence, words)));
        let title = (is_first && is_title(line)).then_some(Look::Title);
        match rest.map(|(look, _)| look).or(title) {
            Some(look) => {
                let indent = &line[..line.len() - words.len()];
                painted.extend([indent, look.code(), words, "\x1b[0m"]);
            }
            None => painted.push_str(line),
        }
        painted.push('\n');
        is_first = line.is_empty();
    }
    painted
}

/// What comes behind these words of a sentence, which begins with them.
fn behind<'s>((look, sentence): (Look, &'s str), words: &str) -> Option<(Look, &'s str)> {
    let rest = sentence
        .trim_start()
        .strip_prefix(words)
        .filter(|_| !words.is_empty())?;
    Some((look, rest))
}

/// Whether the first line of a paragraph is a title: its first word is in capitals.
fn is_title(line: &str) -> bool {
    let word = line.split(' ').next().unwrap_or_default();
    word.len() > 2 && word.bytes().all(|byte| byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_and_sentences_are_painted_over_all_their_lines() {
        let sentences = [
            (Look::Failure, "7 loads of xfs failed".to_owned()),
            (Look::Harmless, "1 load of xfs".to_owned()),
        ];
        let text = "Linux\n\nWHAT FAILED\n  7 loads of\n    xfs failed\n    xfs\n\n1 load of xfs\nEND\n";
        let painted = paint(text, &sentences);
        assert_eq!(
            painted,
            "Linux\n\n\x1b[1mWHAT FAILED\x1b[0m\n  \x1b[31m7 loads of\x1b[0m\n    \x1b[31mxfs failed\x1b[0m\n    xfs\n\n\
             \x1b[2m1 load of xfs\x1b[0m\nEND\n"
        );
    }
}
