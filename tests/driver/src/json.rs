//! As much JSON as the log needs.

use std::fmt::{self, Display, Write as _};

/// An object, written from first to last.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    members: String,
}

impl Object {
    /// Nothing in it yet.
    pub(crate) fn new() -> Self {
        Self { members: String::new() }
    }

    /// A string.
    pub(crate) fn string(&mut self, key: &str, value: &str) {
        self.member(key, Text(value));
    }

    /// A string, or null.
    pub(crate) fn string_or_null(&mut self, key: &str, value: Option<&str>) {
        match value {
            Some(value) => self.string(key, value),
            None => self.member(key, "null"),
        }
    }

    /// A number.
    pub(crate) fn number(&mut self, key: &str, value: impl Display) {
        self.member(key, value);
    }

    /// A number, or null.
    pub(crate) fn number_or_null(&mut self, key: &str, value: Option<i64>) {
        match value {
            Some(value) => self.number(key, value),
            None => self.member(key, "null"),
        }
    }

    /// True.
    pub(crate) fn yes(&mut self, key: &str) {
        self.boolean(key, true);
    }

    /// True or false.
    pub(crate) fn boolean(&mut self, key: &str, value: bool) {
        self.member(key, value);
    }

    /// An object.
    pub(crate) fn object(&mut self, key: &str, value: &Self) {
        self.member(key, value);
    }

    fn member(&mut self, key: &str, value: impl Display) {
        let comma = if self.members.is_empty() { "" } else { "," };
        // Writing to a String does not fail.
        let _ = write!(self.members, "{comma}{}:{value}", Text(key));
    }
}

impl Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{}}}", self.members)
    }
}

/// A string with what JSON wants escaped.
struct Text<'a>(&'a str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                c if c < ' ' => write!(f, "\\u{:04x}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_nests() {
        let mut inner = Object::new();
        inner.number_or_null("n", None);
        let mut object = Object::new();
        object.string("a\"b", "c\\\n");
        object.number("n", -1);
        object.yes("y");
        object.object("o", &inner);
        assert_eq!(
            object.to_string(),
            r#"{"a\"b":"c\\\u000a","n":-1,"y":true,"o":{"n":null}}"#
        );
    }
}
