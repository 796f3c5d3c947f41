//! The keys: one table, from which the program acts and the help is made.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::tab::Tab;

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Quit,
    Back,
    Help,
    Show(Tab),
    NextTab,
    PreviousTab,
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    Left,
    Right,
    Open,
    DetailUp,
    DetailDown,
    Filter,
    SortNext,
    SortPrevious,
    Reverse,
    Pin,
    ZoomIn,
    ZoomOut,
    ZoomAll,
    Lanes,
    Play,
    Slower,
    Faster,
    SeekBack,
    SeekForward,
    SeekStart,
    SeekEnd,
    Export,
    Redraw,
    Suspend,
}

/// Where a key is of use, and the title of its part of the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Everywhere,
    Modules,
    TimeLine,
    Time,
}

impl Part {
    pub(super) const ALL: [Self; 4] = [Self::Everywhere, Self::Modules, Self::TimeLine, Self::Time];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Everywhere => "Everywhere",
            Self::Modules => "Modules",
            Self::TimeLine => "Time line",
            Self::Time => "Time",
        }
    }
}

/// Some keys that do the same.
pub(super) struct Binding {
    pub(super) part: Part,
    pub(super) keys: &'static [Key],
    pub(super) action: Action,
    pub(super) help: &'static str,
}

/// A key, with Ctrl or without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Plain(KeyCode),
    Ctrl(char),
}

use Key::{Ctrl, Plain};
use KeyCode::{BackTab, Char, End, Enter, Esc, Home, Tab as TabKey};

const fn bind(part: Part, keys: &'static [Key], action: Action, help: &'static str) -> Binding {
    Binding {
        part,
        keys,
        action,
        help,
    }
}

/// All of them, in the order of the help. Where htop, bottom and k9s agree, as they have it.
pub(super) const BINDINGS: &[Binding] = &[
    bind(Part::Everywhere, &[Plain(Char('q')), Ctrl('c')], Action::Quit, "quit"),
    bind(
        Part::Everywhere,
        &[Plain(Char('?')), Plain(KeyCode::F(1))],
        Action::Help,
        "these keys",
    ),
    bind(
        Part::Everywhere,
        &[Plain(Esc), Plain(KeyCode::Backspace)],
        Action::Back,
        "back; clear the filter",
    ),
    bind(
        Part::Everywhere,
        &[Plain(Char('1'))],
        Action::Show(Tab::Modules),
        Tab::Modules.help(),
    ),
    bind(
        Part::Everywhere,
        &[Plain(Char('2'))],
        Action::Show(Tab::Now),
        Tab::Now.help(),
    ),
    bind(
        Part::Everywhere,
        &[Plain(Char('3'))],
        Action::Show(Tab::Module),
        Tab::Module.help(),
    ),
    bind(
        Part::Everywhere,
        &[Plain(Char('4'))],
        Action::Show(Tab::Graph),
        Tab::Graph.help(),
    ),
    bind(
        Part::Everywhere,
        &[Plain(Char('5'))],
        Action::Show(Tab::Requests),
        Tab::Requests.help(),
    ),
    bind(
        Part::Everywhere,
        &[Plain(Char('6'))],
        Action::Show(Tab::Findings),
        Tab::Findings.help(),
    ),
    bind(
        Part::Everywhere,
        &[Plain(Char('7'))],
        Action::Show(Tab::TimeLine),
        Tab::TimeLine.help(),
    ),
    bind(
        Part::Everywhere,
        &[Plain(Char('8'))],
        Action::Show(Tab::Probes),
        Tab::Probes.help(),
    ),
    bind(Part::Everywhere, &[Plain(TabKey)], Action::NextTab, "next view"),
    bind(
        Part::Everywhere,
        &[Plain(BackTab)],
        Action::PreviousTab,
        "previous view",
    ),
    bind(
        Part::Everywhere,
        &[Plain(KeyCode::Up), Plain(Char('k'))],
        Action::Up,
        "up",
    ),
    bind(
        Part::Everywhere,
        &[Plain(KeyCode::Down), Plain(Char('j'))],
        Action::Down,
        "down",
    ),
    bind(
        Part::Everywhere,
        &[Plain(KeyCode::PageUp), Ctrl('b')],
        Action::PageUp,
        "a page up",
    ),
    bind(
        Part::Everywhere,
        &[Plain(KeyCode::PageDown), Ctrl('f')],
        Action::PageDown,
        "a page down",
    ),
    bind(
        Part::Everywhere,
        &[Plain(Home), Plain(Char('g'))],
        Action::First,
        "to the top",
    ),
    bind(
        Part::Everywhere,
        &[Plain(End), Plain(Char('G'))],
        Action::Last,
        "to the end",
    ),
    bind(
        Part::Everywhere,
        &[Plain(Enter)],
        Action::Open,
        "open what the cursor is on",
    ),
    bind(
        Part::Everywhere,
        &[Plain(Char('K'))],
        Action::DetailUp,
        "details below or beside the list: up",
    ),
    bind(Part::Everywhere, &[Plain(Char('J'))], Action::DetailDown, "and down"),
    bind(
        Part::Everywhere,
        &[Plain(Char('/'))],
        Action::Filter,
        "filter by name, as you type",
    ),
    bind(
        Part::Everywhere,
        &[Plain(Char('e'))],
        Action::Export,
        "export: report as JSON, and a recording when live",
    ),
    bind(Part::Everywhere, &[Ctrl('l')], Action::Redraw, "draw everything again"),
    bind(Part::Everywhere, &[Ctrl('z')], Action::Suspend, "suspend; fg resumes"),
    bind(
        Part::Modules,
        &[Plain(Char('>')), Plain(Char('s'))],
        Action::SortNext,
        "sort by the next column",
    ),
    bind(
        Part::Modules,
        &[Plain(Char('<')), Plain(Char('S'))],
        Action::SortPrevious,
        "sort by the previous column",
    ),
    bind(
        Part::Modules,
        &[Plain(Char('I')), Plain(Char('r'))],
        Action::Reverse,
        "reverse the order",
    ),
    bind(
        Part::Modules,
        &[Plain(Char('p'))],
        Action::Pin,
        "pin a module to the top, or unpin it",
    ),
    bind(
        Part::TimeLine,
        &[Plain(Char('+')), Plain(Char('='))],
        Action::ZoomIn,
        "zoom in",
    ),
    bind(Part::TimeLine, &[Plain(Char('-'))], Action::ZoomOut, "zoom out"),
    bind(
        Part::TimeLine,
        &[Plain(Char('0'))],
        Action::ZoomAll,
        "everything that is kept",
    ),
    bind(
        Part::TimeLine,
        &[Plain(Char('t'))],
        Action::Lanes,
        "a lane for each task, or for each attempt",
    ),
    bind(
        Part::TimeLine,
        &[Plain(KeyCode::Left), Plain(Char('h'))],
        Action::Left,
        "earlier",
    ),
    bind(
        Part::TimeLine,
        &[Plain(KeyCode::Right), Plain(Char('l'))],
        Action::Right,
        "later",
    ),
    bind(
        Part::Time,
        &[Plain(Char(' '))],
        Action::Play,
        "pause and go on; live: hold the picture",
    ),
    bind(
        Part::Time,
        &[Plain(Char('['))],
        Action::Slower,
        "half the speed of a recording",
    ),
    bind(Part::Time, &[Plain(Char(']'))], Action::Faster, "twice the speed"),
    bind(
        Part::Time,
        &[Plain(Char(','))],
        Action::SeekBack,
        "a second of playback back, over gaps",
    ),
    bind(
        Part::Time,
        &[Plain(Char('.'))],
        Action::SeekForward,
        "a second of playback forward, over gaps",
    ),
    bind(
        Part::Time,
        &[Plain(Char('{'))],
        Action::SeekStart,
        "to the beginning of the recording",
    ),
    bind(Part::Time, &[Plain(Char('}'))], Action::SeekEnd, "to its end"),
];

/// What a key does; none for one that does nothing.
pub(super) fn action(event: KeyEvent) -> Option<Action> {
    let key = match event.code {
        Char(c) if event.modifiers.contains(KeyModifiers::CONTROL) => Ctrl(c.to_ascii_lowercase()),
        code => Plain(code),
    };
    let bound = BINDINGS.iter().find(|binding| binding.keys.contains(&key))?;
    Some(bound.action)
}

impl Binding {
    /// `q, Ctrl-C`
    pub(super) fn keys_text(&self) -> String {
        let names: Vec<String> = self.keys.iter().map(|key| key.text()).collect();
        names.join(", ")
    }
}

impl Key {
    fn text(self) -> String {
        match self {
            Ctrl(c) => format!("Ctrl-{}", c.to_ascii_uppercase()),
            Plain(Char(' ')) => "Space".to_owned(),
            Plain(Char(c)) => c.to_string(),
            Plain(BackTab) => "Shift-Tab".to_owned(),
            Plain(KeyCode::F(n)) => format!("F{n}"),
            Plain(code) => format!("{code:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_does_two_things() {
        let mut seen: Vec<Key> = Vec::new();
        for binding in BINDINGS {
            for key in binding.keys {
                assert!(!seen.contains(key), "{key:?}");
                seen.push(*key);
            }
        }
    }

    #[test]
    fn every_view_has_its_number() {
        for tab in &Tab::ALL {
            let number = char::from_digit(u32::try_from(tab.number()).unwrap_or_default(), 10).unwrap_or_default();
            assert_eq!(action(Char(number).into()), Some(Action::Show(*tab)));
        }
    }
}
