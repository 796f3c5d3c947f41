//! Changes to a function of C, by the fewest words of it that can be told from all others.

use anyhow::{Result, bail};

/// Words that occur once in the function, and what takes their place.
pub type Substitution = (&'static str, &'static str);

/// The source with substitutions in one function. Where that does not look as expected, the error says what is different:
/// a kernel changed by guesswork would be worse than none.
pub fn in_function(source: &str, function: &str, substitutions: &[Substitution]) -> Result<String> {
    let Some((start, end)) = definition(source, function) else {
        bail!("this source has no function {function}");
    };
    let mut body = source[start..end].to_owned();
    for (words, instead) in substitutions {
        match body.matches(words).count() {
            1 => body = body.replacen(words, instead, 1),
            count => {
                bail!("{function} has {words:?} {count} times in this source, not once: it is not the one expected")
            }
        }
    }
    Ok([&source[..start], &body, &source[end..]].concat())
}

/// The source with a text above the definition of a function and its comment.
pub fn above_function(source: &str, function: &str, text: &str) -> Result<String> {
    let Some((start, _)) = definition(source, function) else {
        bail!("this source has no function {function}");
    };
    let start = source[..start].rfind("\n\n").map_or(0, |end| end + 2);
    Ok([&source[..start], text, &source[start..]].concat())
}

/// Where the definition of a function starts, and where its last line starts: in the kernel's style a function's braces are
/// the only ones in the first column.
fn definition(source: &str, function: &str) -> Option<(usize, usize)> {
    let call = format!("{function}(");
    for (at, _) in source.match_indices(&call) {
        let line = source[..at].rfind('\n').map_or(0, |end| end + 1);
        let starts_line = source[line..at].starts_with(|c: char| c.is_ascii_alphabetic());
        let whole_word = !source[line..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let Some(open) = source[at..].find("\n{\n") else { break };
        let declared = source[at..at + open].contains(';');
        if starts_line && whole_word && !declared {
            let end = source[at + open..].find("\n}\n")?;
            return Some((line, at + open + end + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{above_function, in_function};

    const SOURCE: &str = "static int eat(int apples);\n\nstatic int drink(void)\n{\n\treturn eat(1) + 7;\n}\n\n\
        static int eat(int apples)\n{\n\tif (apples) {\n\t\treturn 7;\n\t}\n\treturn apples;\n}\n\n\
        static int overeat(void)\n{\n\treturn 7;\n}\n";

    #[test]
    fn only_the_named_function_changes() {
        let changed = in_function(
            SOURCE,
            "eat",
            &[("return 7", "return 8"), ("if (apples)", "if (!apples)")],
        );
        let (before, after) = SOURCE.split_at(SOURCE.find("\tif").unwrap_or_default());
        let after = after.replacen("if (", "if (!", 1).replacen('7', "8", 1);
        assert_eq!(changed.ok(), Some([before, &after].concat()));
    }

    #[test]
    fn text_goes_above_the_definition_and_its_comment() {
        let above = |source: &str| above_function(source, "eat", "/* Hungry. */\n").ok();
        let expected = SOURCE.replacen("\n\nstatic int eat", "\n\n/* Hungry. */\nstatic int eat", 1);
        assert_eq!(above(SOURCE), Some(expected));
        let told = SOURCE.replacen("\n\nstatic int eat", "\n\n/* Food. */\nstatic int eat", 1);
        let expected = told.replacen("/* Food", "/* Hungry. */\n/* Food", 1);
        assert_eq!(above(&told), Some(expected));
        assert!(above_function(SOURCE, "vereat", "").is_err());
    }

    #[test]
    fn what_is_not_as_expected_is_told() {
        let message = |function, words| {
            let changed = in_function(SOURCE, function, &[(words, "")]);
            changed.map_err(|error| error.to_string())
        };
        let none = "this source has no function vereat";
        assert_eq!(message("vereat", "7"), Err(none.to_owned()));
        let gone = "drink has \"8\" 0 times in this source, not once: it is not the one expected";
        assert_eq!(message("drink", "8"), Err(gone.to_owned()));
        let twice = "eat has \"return\" 2 times in this source, not once: it is not the one expected";
        assert_eq!(message("eat", "return"), Err(twice.to_owned()));
    }
}
