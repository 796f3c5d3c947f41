//! Offsets of members.

use super::BtfError;
use super::raw::{Raw, Type, kind};

/// Members looked at in all. The largest structs of a kernel have some hundreds, their anonymous parts included; types that contain
/// themselves, which only damaged BTF has, would go on for ever.
const FUEL: u32 = 1_000_000;
/// Anonymous structs inside each other, which the walk recurses through.
const DEPTH: u32 = 32;

struct Member {
    bits: u32,
    ty: u32,
}

/// Looks members up.
pub(super) struct Walk<'a> {
    raw: &'a Raw<'a>,
    fuel: u32,
}

impl<'a> Walk<'a> {
    pub(super) fn new(raw: &'a Raw<'a>) -> Self {
        Self { raw, fuel: FUEL }
    }

    /// The byte offset of a path such as `f_path.dentry` in the struct with this number; none when it has no such member, or it is a
    /// bit field.
    pub(super) fn offset(&mut self, id: u32, path: &str) -> Result<Option<u32>, BtfError> {
        let mut owner = id;
        let mut bits = 0u32;
        for name in path.split('.') {
            let Some(structure) = self.structure(owner)? else {
                return Ok(None);
            };
            let Some(member) = self.find(&structure, name.as_bytes(), DEPTH)? else {
                return Ok(None);
            };
            bits = bits.saturating_add(member.bits);
            owner = member.ty;
        }
        Ok(bits.is_multiple_of(8).then_some(bits / 8))
    }

    fn step(&mut self) -> Result<(), BtfError> {
        self.fuel = self.fuel.checked_sub(1).ok_or(BtfError::Endless)?;
        Ok(())
    }

    /// The struct or union that a type is, behind any `TYPEDEF`, `VOLATILE`, `CONST`, `RESTRICT` and `TYPE_TAG`.
    fn structure(&mut self, mut id: u32) -> Result<Option<Type>, BtfError> {
        loop {
            self.step()?;
            let Some(ty) = self.raw.get(id)? else { return Ok(None) };
            match ty.kind {
                kind::STRUCT | kind::UNION => return Ok(Some(ty)),
                kind::TYPEDEF | kind::VOLATILE | kind::CONST | kind::RESTRICT | kind::TYPE_TAG => id = ty.target,
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
