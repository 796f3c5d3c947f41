//! Patterns of module names: `*`, `?`, `[a-z]`, `[!a-z]`, as a shell has them.

/// A pattern. Every text is one: what opens no class is itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Star,
    Any,
    Char(char),
    Class { negated: bool, ranges: Vec<(char, char)> },
}

impl Part {
    fn takes(&self, c: char) -> bool {
        match self {
            Self::Star | Self::Any => true,
            Self::Char(own) => same(*own, c),
            Self::Class { negated, ranges } => {
                ranges.iter().any(|(first, last)| (*first..=*last).contains(&c)) != *negated
            }
        }
    }
}

/// `-` and `_` are one in names of modules, as modprobe has it.
fn same(a: char, b: char) -> bool {
    a == b || matches!((a, b), ('-', '_') | ('_', '-'))
}

impl Glob {
    /// Reads a pattern.
    pub fn new(pattern: &str) -> Self {
        let mut parts = Vec::new();
        let mut rest = pattern;
        while let Some(c) = rest.chars().next() {
            rest = &rest[c.len_utf8()..];
            parts.push(match c {
                '*' => Part::Star,
                '?' => Part::Any,
                '[' => match class(rest) {
                    Some((class, behind)) => {
                        rest = behind;
                        class
                    }
                    None => Part::Char('['),
                },
                other => Part::Char(other),
            });
        }
        Self { parts }
    }

    /// Whether the whole name matches. Takes no longer than the product of both lengths.
    pub fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        let (mut part, mut at) = (0, 0);
        // The last star, and how much it has taken: on a mismatch it takes one more.
        let mut star: Option<(usize, usize)> = None;
        while at < name.len() {
            match self.parts.get(part) {
                Some(Part::Star) => {
                    star = Some((part, at));
                    part += 1;
                }
                Some(other) if other.takes(name[at]) => {
                    part += 1;
                    at += 1;
                }
                _ => match &mut star {
                    Some((starred, taken)) => {
                        *taken += 1;
                        (part, at) = (*starred + 1, *taken);
                    }
                    None => return false,
                },
            }
        }
        self.parts[part..].iter().all(|part| *part == Part::Star)
    }
}

/// Reads `!a-z]` and so on, behind the bracket; none when it is never closed.
fn class(text: &str) -> Option<(Part, &str)> {
    let (negated, text) = match text.strip_prefix(['!', '^']) {
        Some(behind) => (true, behind),
        None => (false, text),
    };
    // A bracket that comes first is a member.
    let close = text.char_indices().skip(1).find(|(_, c)| *c == ']').map(|(at, _)| at)?;
    let members: Vec<char> = text[..close].chars().collect();
    let mut ranges = Vec::new();
    let mut rest = members.as_slice();
    while let [first, behind @ ..] = rest {
        if let ['-', last, behind @ ..] = behind {
            ranges.push((*first, *last));
            rest = behind;
        } else {
            ranges.push((*first, *first));
            rest = behind;
        }
    }
    Some((Part::Class { negated, ranges }, &text[close + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_a_shell_has_them() {
        for (pattern, yes, no) in [
            ("", "", "x"),
            ("*", "anything", ""),
            ("xfs", "xfs", "xfs2"),
            ("*_cpufreq", "acpi_cpufreq", "cpufreq"),
            ("nf-*", "nf_tables", "nft_x"),
            ("?fs", "xfs", "btrfs"),
            ("a*b*c", "aXbXbXc", "aXbX"),
            ("[a-c]x", "bx", "dx"),
            ("[!a-c]x", "dx", "ax"),
            ("[]]x", "]x", "[x"),
            ("[ax", "[ax", "ax"),
            ("crc[0-9][0-9]*", "crc32c", "crc_t"),
        ] {
            assert!(Glob::new(pattern).matches(yes), "{pattern} {yes}");
            if !no.is_empty() {
                assert!(!Glob::new(pattern).matches(no), "{pattern} {no}");
            }
        }
        assert!(!Glob::new(&"*a".repeat(50)).matches(&"b".repeat(10_000)));
    }
}
