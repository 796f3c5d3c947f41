//! What is known of a function before it runs: it goes into the recording's header, so that a replay needs no file of the module.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::errno::Errno;

/// A function that was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbedFunction {
    /// Its module; none for a function of the kernel itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// Its name.
    pub name: String,
    /// What it returns.
    #[serde(default, skip_serializing_if = "Returns::is_unknown")]
    pub returns: Returns,
    /// Its length in bytes; 0 where that is not known.
    #[serde(default)]
    pub size: u32,
    /// Where it begins, by the debugging information.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceLine>,
    /// Functions that the compiler put into it, by the debugging information, those of headers left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inlined: Vec<String>,
    /// The calls in its code: those by a jump, then the others in the order in which they lie.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sites: Vec<CallSite>,
}

/// What a function returns, as far as that decides how its register is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Returns {
    /// Neither BTF nor debugging information tells.
    #[default]
    Unknown,
    /// Nothing.
    Void,
    /// A signed integer of 32 bits or less.
    Int,
    /// A signed integer of 64 bits.
    Long,
    /// `bool`.
    Bool,
    /// A pointer, which may hold an errno (`ERR_PTR`).
    Pointer,
    /// An unsigned integer, or what else holds no errno.
    Other,
}

impl Returns {
    /// Whether nothing tells.
    pub fn is_unknown(&self) -> bool {
        *self == Self::Unknown
    }

    /// A signed integer of so many bytes. One of 16 is in two registers.
    pub fn of_signed(size: u64) -> Self {
        match size {
            0..=4 => Self::Int,
            5..=8 => Self::Long,
            _ => Self::Other,
        }
    }
}

/// A line of source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceLine {
    /// The file, as the compiler was told, without what all files have in front.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
}

impl SourceLine {
    /// The file without the folders that it is in.
    pub fn file_name(&self) -> &str {
        self.file.rsplit('/').next().unwrap_or(&self.file)
    }
}

/// A call in a function's code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallSite {
    /// Where it returns to, in bytes from the function's beginning; 0 for one that is made by a jump at the end, which returns to
    /// the function's caller.
    pub at: u32,
    /// What is called; none where a register says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Its line, by the debugging information: of the function itself, where the call is in one that was put into it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

impl ProbedFunction {
    /// The call that returns to so many bytes from the function's beginning. The kernel replaces calls by shorter ones where
    /// they lie (an indirect one that need not go through a thunk), so it may return to before the place that the file says.
    pub fn site(&self, at: u32) -> Option<&CallSite> {
        /// Between the shortest call and the longest, `call *%rax` and one with a prefix through a thunk.
        const SHORTER: u32 = 4;
        let behind = self.sites.partition_point(|site| site.at < at);
        self.sites
            .get(behind)
            .filter(|site| site.at.checked_sub(at).is_some_and(|beyond| beyond <= SHORTER))
    }

    /// How it is called where functions of this module are meant: others name theirs, as in a stack of the kernel.
    pub fn name_in(&self, module: Option<&str>) -> String {
        match self.module.as_deref() {
            None => format!("{} [kernel]", self.name),
            own if own == module => self.name.clone(),
            Some(other) => format!("{} [{other}]", self.name),
        }
    }

    /// What it calls by name and what has no probe, each once: whatever that did was not seen.
    pub fn unseen(&self, known: &[Self]) -> Vec<String> {
        let targets = self.sites.iter().filter_map(|site| site.target.as_ref());
        let mut unseen: Vec<String> = Vec::new();
        for target in targets.filter(|target| !known.iter().any(|known| known.name == **target)) {
            if !unseen.contains(target) {
                unseen.push(target.clone());
            }
        }
        unseen
    }

    /// The line of the call that returns to this place.
    pub fn line_of(&self, site: u32) -> Option<u32> {
        self.site(site)?.line
    }
}

/// What a call returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its return was not seen.
    Unseen,
    /// Nothing, or nothing that can be told.
    Nothing,
    /// An errno, positive.
    Errno(u32),
    /// What looks like one in a register whose meaning is not known.
    Guess(u32),
    /// A number.
    Number(i64),
    /// A `bool`.
    Bool(bool),
    /// `NULL`.
    Null,
}

impl Outcome {
    /// What the register means; none where it may hold an address.
    pub fn new(ret: Option<i64>, known: Option<&ProbedFunction>) -> Self {
        let Some(ret) = ret else { return Self::Nothing };
        #[expect(
            clippy::cast_possible_truncation,
            reason = "of an int the lower half counts, the upper is not defined"
        )]
        let int = ret as i32;
        let errno = |value: i64| (-4095..0).contains(&value).then(|| value.unsigned_abs());
        let errno = |value| errno(value).and_then(|errno| u32::try_from(errno).ok());
        match known.map_or(Returns::Unknown, |known| known.returns) {
            Returns::Unknown => errno(int.into()).map_or(Self::Nothing, Self::Guess),
            Returns::Int => errno(int.into()).map_or(Self::Number(int.into()), Self::Errno),
            Returns::Long => errno(ret).map_or(Self::Number(ret), Self::Errno),
            Returns::Pointer if ret == 0 => Self::Null,
            Returns::Pointer => errno(ret).map_or(Self::Nothing, Self::Errno),
            Returns::Bool => Self::Bool(int & 0xff != 0),
            Returns::Void | Returns::Other => Self::Nothing,
        }
    }

    /// The errno, sure or not.
    pub fn errno(self) -> Option<u32> {
        match self {
            Self::Errno(errno) | Self::Guess(errno) => Some(errno),
            _ => None,
        }
    }
}

impl fmt::Display for Outcome {
    /// `-ENODEV`, `-ENODEV?`, `3`, `true`, `NULL`; nothing where there is nothing to tell.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Unseen | Self::Nothing => Ok(()),
            Self::Errno(errno) => write!(f, "-{}", Errno(errno)),
            Self::Guess(errno) => write!(f, "-{}?", Errno(errno)),
            Self::Number(number) => write!(f, "{number}"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Null => f.write_str("NULL"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_register_means_what_the_function_returns() {
        let meant = |returns, ret| {
            let known = ProbedFunction {
                returns,
                ..ProbedFunction::default()
            };
            Outcome::new(Some(ret), Some(&known)).to_string()
        };
        assert_eq!(meant(Returns::Int, 0xffff_ffed), "-ENODEV");
        assert_eq!(meant(Returns::Int, -19), "-ENODEV");
        assert_eq!(meant(Returns::Int, 7), "7");
        // Not an errno of 64 bits.
        assert_eq!(meant(Returns::Long, 0xffff_ffed), "4294967277");
        assert_eq!(meant(Returns::Pointer, 0xffff_ffed), "");
        assert_eq!(meant(Returns::Pointer, -12), "-ENOMEM");
        assert_eq!(meant(Returns::Pointer, 0), "NULL");
        assert_eq!(meant(Returns::Bool, 0x101), "true");
        assert_eq!(meant(Returns::Void, -22), "");
        assert_eq!(meant(Returns::Other, -22), "");
        assert_eq!(meant(Returns::Unknown, -22), "-EINVAL?");
        assert_eq!(meant(Returns::Unknown, 0), "");
        assert_eq!(Outcome::new(None, None), Outcome::Nothing);
    }
}
