//! What a recording says of the machine it is from, where somebody wants that.

use clap::Args;

/// Most bytes of a tag's name and of its value.
const NAME: usize = 64;
const VALUE: usize = 128;

/// What tells recordings of many machines apart.
#[derive(Args, Debug, Default)]
pub(crate) struct Labels {
    /// Keep the name of this machine in the recording; its id is there anyway, hashed
    #[arg(long)]
    pub(crate) host: bool,
    /// Keep this in the recording, such as rack=7. May be repeated
    #[arg(long = "tag", value_name = "NAME=VALUE", value_parser = tag)]
    pub(crate) tags: Vec<(String, String)>,
}

impl Labels {
    /// The options that say the same.
    pub(crate) fn options(&self) -> String {
        let host = if self.host { " --host" } else { "" };
        let tags = self.tags.iter().map(|(name, value)| format!(" --tag {name}={value}"));
        tags.fold(host.to_owned(), |options, tag| options + &tag)
    }
}

/// Characters that mean nothing to shells, units, databases and monitoring systems, to which tags go.
fn tag(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || name.len() > NAME || !name.chars().all(is_word) {
        return Err(format!("a name is made of letters, digits and _, {NAME} at most"));
    }
    if value.len() > VALUE || !value.chars().all(|c| is_word(c) || "-.:/@+".contains(c)) {
        return Err(format!(
            "a value is made of letters, digits and any of _-.:/@+, {VALUE} at most"
        ));
    }
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_words() {
        let of = |name: &str, value: &str| Ok((name.to_owned(), value.to_owned()));
        assert_eq!(tag("rack=7"), of("rack", "7"));
        assert_eq!(
            tag("image=10.0.0.1:5000/base@v1.2"),
            of("image", "10.0.0.1:5000/base@v1.2")
        );
        assert_eq!(tag("spare="), of("spare", ""));
        for wrong in [
            "rack", "=7", "a-b=7", "a=b c", "a=b;c", "a=$b", "a=%b", "a='", "\u{e4}=1", "a=\u{e4}", "a=b=c",
        ] {
            assert!(tag(wrong).is_err(), "{wrong}");
        }
        assert!(tag(&format!("{}=", "a".repeat(65))).is_err() && tag(&format!("a={}", "b".repeat(129))).is_err());
    }

    #[test]
    fn options_say_what_was_asked() {
        assert_eq!(Labels::default().options(), "");
        let tags = ["rack=7", "row=b"].map(|text| tag(text).unwrap_or_default()).to_vec();
        assert_eq!(
            Labels { host: true, tags }.options(),
            " --host --tag rack=7 --tag row=b"
        );
    }
}
