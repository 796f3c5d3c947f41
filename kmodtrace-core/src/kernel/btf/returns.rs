//! What functions return, as far as that decides how their register is read.

use std::collections::{BTreeMap, BTreeSet};

use super::raw::{Raw, Type, kind};
use super::{BtfError, text};
use crate::model::Returns;

/// How long a chain of qualifiers and typedefs may be: those of the kernel have a handful.
const CHAIN: u32 = 64;
/// `BTF_INT_SIGNED` and `BTF_INT_BOOL`, where `BTF_INT_ENCODING` has them.
const SIGNED: u32 = 1 << 24;
const BOOL: u32 = 4 << 24;

/// Tells what functions return: those of `split`, a module's BTF, which goes on behind `base`; without it those of `base`. Left
/// out are functions that BTF does not have, and those that it has several times with different answers.
pub fn returns(
    base: &[u8],
    split: Option<&[u8]>,
    wanted: &BTreeSet<&str>,
) -> Result<BTreeMap<String, Returns>, BtfError> {
    let base = Raw::new(base)?;
    let raw = match split {
        Some(split) => &Raw::split(split, &base)?,
        None => &base,
    };
    let wanted: BTreeSet<&[u8]> = wanted.iter().map(|name| name.as_bytes()).collect();
    let mut found: BTreeMap<&[u8], BTreeSet<Returns>> = BTreeMap::new();
    for (_, ty) in raw.types().filter(|(_, ty)| ty.kind == kind::FUNC) {
        let name = raw.string(ty.name)?;
        if !wanted.contains(name) {
            continue;
        }
        if let Some(prototype) = raw.get(ty.target)?.filter(|ty| ty.kind == kind::FUNC_PROTO) {
            found.entry(name).or_default().insert(class(raw, prototype.target)?);
        }
    }
    let agreed = found.into_iter().filter(|(_, answers)| answers.len() == 1);
    Ok(agreed
        .filter_map(|(name, answers)| Some((text(name), answers.into_iter().next()?)))
        .collect())
}

/// How a type by its number is read.
fn class(raw: &Raw<'_>, mut id: u32) -> Result<Returns, BtfError> {
    for _ in 0..CHAIN {
        let Some(ty) = raw.get(id)? else {
            return Ok(Returns::Void);
        };
        match ty.kind {
            kind::TYPEDEF if [b"bool".as_slice(), b"_Bool"].contains(&raw.string(ty.name)?) => {
                return Ok(Returns::Bool);
            }
            kind::TYPEDEF | kind::CONST | kind::VOLATILE | kind::RESTRICT | kind::TYPE_TAG => id = ty.target,
            kind::PTR => return Ok(Returns::Pointer),
            kind::INT => return Ok(integer(ty, raw.integer(id)?)),
            // Kernels before 6.0 do not set the flag on any, so there an enum with negative values cannot be told from others.
            kind::ENUM if ty.flag => return Ok(Returns::of_signed(u64::from(ty.target))),
            kind::ENUM64 if ty.flag => return Ok(Returns::of_signed(8)),
            _ => return Ok(Returns::Other),
        }
    }
    Err(BtfError::Endless)
}

fn integer(ty: Type, described: u32) -> Returns {
    if described & BOOL != 0 {
        Returns::Bool
    } else if described & SIGNED != 0 {
        Returns::of_signed(u64::from(ty.target))
    } else {
        Returns::Other
    }
}
