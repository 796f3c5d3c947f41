//! Words of command lines: of modules, whose parameters stay, and of the kernel.

use super::Redactor;

/// Parameters of the kernel that say what its own ring has.
const OF_THE_RING: &[&str] = &["trace_event=", "trace_clock="];

impl Redactor {
    /// The argument string of a module: names of parameters stay, values go.
    pub(super) fn arguments(&mut self, arguments: &str) -> String {
        let words = split(arguments).map(|word| self.argument(word));
        words.collect::<Vec<_>>().join(" ")
    }

    fn argument(&mut self, word: &str) -> String {
        match word.split_once('=') {
            Some((name, value)) if is_name(name) => format!("{name}={}", self.stand_ins.of("value-", value)),
            None if is_name(word) => word.to_owned(),
            _ => self.stand_ins.of("value-", word),
        }
    }

    /// The command line of the kernel.
    pub(super) fn command_line(&mut self, line: &str) -> String {
        let words = line.split_ascii_whitespace().map(|word| {
            // What is behind -- is for the first process.
            let stays = word == "--" || OF_THE_RING.iter().any(|name| word.starts_with(name));
            if stays {
                word.to_owned()
            } else {
                self.stand_ins.of("word-", word)
            }
        });
        words.collect::<Vec<_>>().join(" ")
    }
}

/// The words of an argument string; blanks between quotes are of a word (`next_arg`, lib/cmdline.c).
fn split(arguments: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let words = arguments.split(move |c: char| {
        quoted ^= c == '"';
        c.is_ascii_whitespace() && !quoted
    });
    words.filter(|word| !word.is_empty())
}

/// Whether a parameter can be called so.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}
