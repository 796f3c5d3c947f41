//! Colours and signs, as the terminal can show them. Colour never says what nothing else does, and a colour always has its
//! own background or none, so that light and dark terminals both show it.

use std::env;

use kmodtrace_core::model::Stage;
use ratatui::style::{Color, Modifier, Style};

/// How many colours there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colours {
    None,
    Sixteen,
    Many,
}

/// What things look like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Theme {
    pub(crate) colours: Colours,
    /// Whether signs outside of ASCII can be shown.
    pub(crate) utf8: bool,
}

/// Signs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signs {
    /// Eight levels.
    pub(super) levels: [char; 8],
    pub(super) bar: char,
    pub(super) up: char,
    pub(super) down: char,
    pub(super) vertical: char,
    /// What a boot passed.
    pub(super) mark: char,
    /// A row below which others of the same level follow, one that is the last, and what stands below both.
    pub(super) branch: [&'static str; 4],
    pub(super) sorted: [char; 2],
    pub(super) cycle: char,
    pub(super) window: char,
}

const UTF8: Signs = Signs {
    levels: ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
    bar: '█',
    up: '↑',
    down: '↓',
    vertical: '│',
    mark: '┊',
    branch: ["├─ ", "└─ ", "│  ", "   "],
    sorted: ['▼', '▲'],
    cycle: '↻',
    window: '━',
};

const ASCII: Signs = Signs {
    levels: ['.', ':', '-', '=', '+', '*', '#', '@'],
    bar: '#',
    up: '^',
    down: 'v',
    vertical: '|',
    mark: ':',
    branch: ["|- ", "`- ", "|  ", "   "],
    sorted: ['v', '^'],
    cycle: '@',
    window: '=',
};

impl Theme {
    /// What the environment says of the terminal: `NO_COLOR` (no-color.org), `COLORTERM`, `TERM`, and the locale.
    pub(crate) fn from_environment() -> Self {
        let get = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        Self::from_variables(get)
    }

    fn from_variables(get: impl Fn(&str) -> Option<String>) -> Self {
        let term = get("TERM").unwrap_or_default();
        let many =
            get("COLORTERM").is_some_and(|term| term == "truecolor" || term == "24bit") || term.contains("256color");
        let colours =
            if get("NO_COLOR").is_some() || term == "dumb" || term.starts_with("vt1") || term.starts_with("vt2") {
                Colours::None
            } else if many {
                Colours::Many
            } else {
                Colours::Sixteen
            };
        // The first that is set counts, as setlocale(3) has it.
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| get(name));
        let locale = locale.unwrap_or_default().to_ascii_lowercase();
        Self {
            colours,
            utf8: locale.contains("utf-8") || locale.contains("utf8"),
        }
    }

    pub(super) fn signs(self) -> &'static Signs {
        if self.utf8 { &UTF8 } else { &ASCII }
    }

    fn colour(self, colour: Color) -> Style {
        match self.colours {
            Colours::None => Style::new(),
            Colours::Sixteen | Colours::Many => Style::new().fg(colour),
        }
    }

    /// What failed, or is stuck.
    pub(super) fn bad(self) -> Style {
        self.colour(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// Bars.
    pub(super) fn bar(self) -> Style {
        self.colour(Color::Green)
    }

    /// Names of modules. No colour of sixteen but red can be read as text on dark and on light terminals alike.
    #[expect(clippy::unused_self, reason = "what things look like is asked of the theme")]
    pub(super) fn name(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// What is less important.
    #[expect(clippy::unused_self, reason = "what things look like is asked of the theme")]
    pub(super) fn dim(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// Titles.
    #[expect(clippy::unused_self, reason = "what things look like is asked of the theme")]
    pub(super) fn title(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// What stands out whatever the colours.
    pub(super) fn banner(self) -> Style {
        self.bad().add_modifier(Modifier::REVERSED)
    }

    /// The row that the cursor is on, and the view that is shown.
    #[expect(clippy::unused_self, reason = "what things look like is asked of the theme")]
    pub(super) fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// A stage on a bar or lane. Its letter says which.
    pub(super) fn stage(self, stage: Stage) -> Style {
        let (sixteen, many) = match stage {
            Stage::Read | Stage::Decompress => (Color::Cyan, 117),
            Stage::Signature | Stage::Checks => (Color::White, 252),
            Stage::Layout | Stage::Relocation => (Color::White, 249),
            Stage::DuplicateCheck | Stage::SharedLoad => (Color::Yellow, 221),
            Stage::Symbols => (Color::Magenta, 183),
            Stage::Arguments | Stage::Formation | Stage::Parameters | Stage::Sysfs => (Color::Blue, 111),
            Stage::Notifiers => (Color::Blue, 147),
            Stage::Init => (Color::Green, 114),
            Stage::Async => (Color::Green, 158),
            Stage::CleanUp => (Color::Red, 210),
            Stage::Entry | Stage::Security | Stage::Slot | Stage::Helper | Stage::Caller => (Color::White, 254),
        };
        match self.colours {
            Colours::None => Style::new(),
            Colours::Sixteen => Style::new().fg(Color::Black).bg(sixteen),
            Colours::Many => Style::new().fg(Color::Indexed(16)).bg(Color::Indexed(many)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(set: &[(&str, &str)]) -> (Colours, bool) {
        let theme = Theme::from_variables(|name| {
            let found = set.iter().find(|(known, _)| *known == name)?;
            Some(found.1.to_owned())
        });
        (theme.colours, theme.utf8)
    }

    #[test]
    fn the_environment_says_what_the_terminal_shows() {
        assert_eq!(shown(&[("TERM", "linux")]), (Colours::Sixteen, false));
        assert_eq!(
            shown(&[("TERM", "screen-256color"), ("LANG", "C.UTF-8")]),
            (Colours::Many, true)
        );
        assert_eq!(
            shown(&[
                ("TERM", "xterm-256color"),
                ("NO_COLOR", "1"),
                ("LANG", "de_DE.utf8"),
                ("LC_ALL", "C")
            ]),
            (Colours::None, false)
        );
        assert_eq!(shown(&[("TERM", "vt100")]), (Colours::None, false));
    }
}
