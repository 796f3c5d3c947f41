//! Offsets of members.

use super::BtfError;
use super::raw::{Kind, Raw, Type};

/// Members looked at for one path. The largest struct of a kernel has some hundreds, its anonymous parts included; types that contain
/// themselves, which only damaged BTF has, would go on for ever.
const FUEL: u32 = 100_000;
/// Anonymous structs inside each other, which the walk recurses through.
const DEPTH: u32 = 32;

/// The byte offset of a path such as `f_path.dentry` in the struct with this number; none when it has no such member, or it is a bit field.
pub(super) fn offset(raw: &Raw, id: u32, path: &str) -> Result<Option<u32>, BtfError> {
    let mut walk = Walk { raw, fuel: FUEL };
    let mut owner = id;
    let mut bits = 0u32;
    for name in path.split('.') {
        let Some(structure) = walk.structure(owner)? else {
            return Ok(None);
        };
        let Some(member) = walk.find(&structure, name.as_bytes(), DEPTH)? else {
            return Ok(None);
        };
        bits = bits.saturating_add(member.bits);
        owner = member.ty;
    }
    Ok((bits % 8 == 0).then_some(bits / 8))
}

struct Member {
    bits: u32,
    ty: u32,
}

struct Walk<'a> {
    raw: &'a Raw<'a>,
    fuel: u32,
}

impl Walk<'_> {
    fn step(&mut self) -> Result<(), BtfError> {
        self.fuel = self.fuel.checked_sub(1).ok_or(BtfError::Endless)?;
        Ok(())
    }

    /// The struct or union that a type is, behind any `TYPEDEF`, `VOLATILE`, `CONST`, `RESTRICT` and `TYPE_TAG`.
    fn structure(&mut self, mut id: u32) -> Result<Option<Type>, BtfError> {
        loop {
            self.step()?;
            let Some(ty) = self.raw.get(id)? else { return Ok(None) };
            match (ty.kind, ty.number) {
                (Kind::Struct | Kind::Union, _) => return Ok(Some(ty)),
                (_, 8..=11 | 18) => id = ty.size_or_type,
                _ => return Ok(None),
            }
        }
    }

    /// A member by its name, also inside anonymous structs and unions: C looks it up there as well.
    fn find(&mut self, owner: &Type, name: &[u8], depth: u32) -> Result<Option<Member>, BtfError> {
        let depth = depth.checked_sub(1).ok_or(BtfError::Endless)?;
        for index in 0..owner.count {
            self.step()?;
            let (at, ty, offset) = self.raw.member(owner, index)?;
            // With kind_flag the upper byte is the width of a bit field, 0 for an ordinary member.
            let (width, bits) = if owner.flag {
                (offset >> 24, offset & 0x00ff_ffff)
            } else {
                (0, offset)
            };
            let found = self.raw.string(at)?;
            if found == name {
                return Ok((width == 0).then_some(Member { bits, ty }));
            }
            if found.is_empty()
                && let Some(inner) = self.structure(ty)?
                && let Some(member) = self.find(&inner, name, depth)?
            {
                return Ok(Some(Member {
                    bits: bits.saturating_add(member.bits),
                    ty: member.ty,
                }));
            }
        }
        Ok(None)
    }
}
