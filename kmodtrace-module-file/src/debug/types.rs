//! What a function returns, by its entry.

use gimli::{AttributeValue, constants};

use super::entries::number;
use super::{Debug, Die};
use kmodtrace_core::model::Returns;

/// How long a chain of qualifiers and typedefs may be: those of the kernel have a handful.
const CHAIN: u32 = 64;

impl Debug<'_> {
    /// What a function returns; none where its entry cannot be followed.
    pub(super) fn returns(&self, mut die: Die) -> Option<Returns> {
        for _ in 0..CHAIN {
            let (_, entry) = self.entry(die)?;
            if let Some(ty) = entry.attr_value(constants::DW_AT_type) {
                return self.class(self.target(die.0, &ty)?);
            }
            let of = [constants::DW_AT_abstract_origin, constants::DW_AT_specification];
            if !of.into_iter().any(|name| entry.has_attr(name)) {
                return Some(Returns::Void);
            }
            die = self.stands_for(die.0, &entry)?;
        }
        None
    }

    /// How a type is read.
    fn class(&self, mut die: Die) -> Option<Returns> {
        for _ in 0..CHAIN {
            let (_, entry) = self.entry(die)?;
            let encoding = match entry.attr_value(constants::DW_AT_encoding) {
                Some(AttributeValue::Encoding(encoding)) => Some(encoding),
                _ => None,
            };
            let size = number(&entry, constants::DW_AT_byte_size).unwrap_or_default();
            match (entry.tag(), encoding) {
                (constants::DW_TAG_pointer_type, _) => return Some(Returns::Pointer),
                (constants::DW_TAG_base_type | constants::DW_TAG_enumeration_type, Some(encoding)) => {
                    return Some(match encoding {
                        constants::DW_ATE_boolean => Returns::Bool,
                        constants::DW_ATE_signed | constants::DW_ATE_signed_char => Returns::of_signed(u64::from(size)),
                        _ => Returns::Other,
                    });
                }
                // An enum without says which integer it is.
                (
                    constants::DW_TAG_typedef
                    | constants::DW_TAG_const_type
                    | constants::DW_TAG_volatile_type
                    | constants::DW_TAG_restrict_type
                    | constants::DW_TAG_atomic_type
                    | constants::DW_TAG_enumeration_type,
                    _,
                ) => match entry.attr_value(constants::DW_AT_type) {
                    Some(ty) => die = self.target(die.0, &ty)?,
                    None if entry.tag() == constants::DW_TAG_enumeration_type => return Some(Returns::Other),
                    None => return Some(Returns::Void),
                },
                _ => return Some(Returns::Other),
            }
        }
        None
    }
}
