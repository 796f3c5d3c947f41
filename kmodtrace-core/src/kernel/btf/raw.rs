//! Bytes to types: header, index of places, strings.

use super::{BtfError, Prototype};

const HEADER_LEN: usize = 24;
/// Bytes of the part that every type begins with: name, info, size or type.
const TYPE_LEN: usize = 12;

/// `BTF_KIND_*`.
pub(super) mod kind {
    pub(in crate::kernel::btf) const INT: u32 = 1;
    pub(in crate::kernel::btf) const PTR: u32 = 2;
    pub(in crate::kernel::btf) const ARRAY: u32 = 3;
    pub(in crate::kernel::btf) const STRUCT: u32 = 4;
    pub(in crate::kernel::btf) const UNION: u32 = 5;
    pub(in crate::kernel::btf) const ENUM: u32 = 6;
    pub(in crate::kernel::btf) const FWD: u32 = 7;
    pub(in crate::kernel::btf) const TYPEDEF: u32 = 8;
    pub(in crate::kernel::btf) const VOLATILE: u32 = 9;
    pub(in crate::kernel::btf) const CONST: u32 = 10;
    pub(in crate::kernel::btf) const RESTRICT: u32 = 11;
    pub(in crate::kernel::btf) const FUNC: u32 = 12;
    pub(in crate::kernel::btf) const FUNC_PROTO: u32 = 13;
    pub(in crate::kernel::btf) const VAR: u32 = 14;
    pub(in crate::kernel::btf) const DATASEC: u32 = 15;
    pub(in crate::kernel::btf) const FLOAT: u32 = 16;
    pub(in crate::kernel::btf) const DECL_TAG: u32 = 17;
    pub(in crate::kernel::btf) const TYPE_TAG: u32 = 18;
    pub(in crate::kernel::btf) const ENUM64: u32 = 19;
}

/// The part that every type begins with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Type {
    /// A number of [`kind`].
    pub(super) kind: u32,
    /// Offset of the name in the strings; 0 for none.
    pub(super) name: u32,
    /// How many members or parameters follow.
    pub(super) count: u32,
    /// `kind_flag`: members of a struct carry the width of bit fields in their offset.
    pub(super) flag: bool,
    /// The type that a qualifier, typedef or function is of; the size of others.
    pub(super) target: u32,
    /// Where in the bytes what follows begins.
    pub(super) body: usize,
}

/// BTF with an index of where each type lies.
pub(super) struct Raw<'a> {
    bytes: &'a [u8],
    strings: &'a [u8],
    strings_at: usize,
    places: Vec<u32>,
    /// What types and strings of these bytes go on behind, where they are a module's.
    base: Option<&'a Raw<'a>>,
}

impl<'a> Raw<'a> {
    /// Reads the header and finds the place of every type.
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, BtfError> {
        Self::read(bytes, None)
    }

    /// Reads a module's: its numbers of types and offsets of strings go on where those of the base end.
    pub(super) fn split(bytes: &'a [u8], base: &'a Self) -> Result<Self, BtfError> {
        Self::read(bytes, Some(base))
    }

    fn read(bytes: &'a [u8], base: Option<&'a Self>) -> Result<Self, BtfError> {
        // BTF_MAGIC is 0xeb9f in the byte order of the kernel.
        match bytes.get(..2) {
            Some([0x9f, 0xeb]) => {}
            Some([0xeb, 0x9f]) => return Err(BtfError::BigEndian),
            _ => return Err(BtfError::Magic),
        }
        match bytes.get(2) {
            Some(1) => {}
            Some(&version) => return Err(BtfError::Version(version)),
            None => return Err(BtfError::Damaged(2)),
        }
        let field = |at| word(bytes, at).map(|value| value as usize);
        let header = field(4)?;
        if header < HEADER_LEN {
            return Err(BtfError::Damaged(4));
        }
        let section = |at: usize| -> Result<(usize, usize), BtfError> {
            let begin = field(at)?.checked_add(header).ok_or(BtfError::Damaged(at))?;
            let end = field(at + 4)?.checked_add(begin).ok_or(BtfError::Damaged(at + 4))?;
            if end > bytes.len() {
                Err(BtfError::Damaged(bytes.len()))
            } else {
                Ok((begin, end))
            }
        };
        let (types_at, types_end) = section(8)?;
        let (strings_at, strings_end) = section(16)?;
        let mut raw = Self {
            bytes,
            strings: &bytes[strings_at..strings_end],
            strings_at,
            places: Vec::new(),
            base,
        };
        raw.index(types_at, types_end)?;
        Ok(raw)
    }

    fn index(&mut self, mut at: usize, end: usize) -> Result<(), BtfError> {
        while at < end {
            self.places.push(u32::try_from(at).map_err(|_| BtfError::Damaged(at))?);
            let ty = self.type_at(at)?;
            let (count, body) = (ty.count as usize, ty.body);
            at = match ty.kind {
                kind::PTR
                | kind::FWD
                | kind::TYPEDEF
                | kind::VOLATILE
                | kind::CONST
                | kind::RESTRICT
                | kind::FUNC
                | kind::FLOAT
                | kind::TYPE_TAG => body,
                kind::INT | kind::VAR | kind::DECL_TAG => body + 4,
                kind::ARRAY => body + 12,
                kind::ENUM | kind::FUNC_PROTO => body + count * 8,
                kind::STRUCT | kind::UNION | kind::DATASEC | kind::ENUM64 => body + count * 12,
                kind => {
                    return Err(BtfError::Kind {
                        id: u32::try_from(self.places.len())
                            .unwrap_or(u32::MAX)
                            .saturating_add(self.before()),
                        kind,
                    });
                }
            };
        }
        if at == end { Ok(()) } else { Err(BtfError::Damaged(end)) }
    }

    fn type_at(&self, at: usize) -> Result<Type, BtfError> {
        let info = word(self.bytes, at + 4)?;
        Ok(Type {
            // Bits 29 and 30 are unused so far: a kernel that uses them has kinds that are unknown here.
            kind: (info >> 24) & 0x7f,
            name: word(self.bytes, at)?,
            count: info & 0xffff,
            flag: info >> 31 == 1,
            target: word(self.bytes, at + 8)?,
            body: at + TYPE_LEN,
        })
    }

    /// How many types the base has.
    fn before(&self) -> u32 {
        // No more than its bytes hold, of which an index is an u32.
        let count = |base: &Raw| u32::try_from(base.places.len()).unwrap_or(u32::MAX);
        self.base.map_or(0, count)
    }

    /// Every type with its number, without those of the base.
    pub(super) fn types(&self) -> impl Iterator<Item = (u32, Type)> {
        (self.before().saturating_add(1)..)
            .zip(&self.places)
            .filter_map(|(id, &at)| Some((id, self.type_at(at as usize).ok()?)))
    }

    /// A type by its number; none for `void`.
    pub(super) fn get(&self, id: u32) -> Result<Option<Type>, BtfError> {
        let Some(index) = id.checked_sub(1) else {
            return Ok(None);
        };
        let before = self.before();
        if let Some(base) = self.base.filter(|_| index < before) {
            return base.get(id);
        }
        let at = *self
            .places
            .get((index - before) as usize)
            .ok_or(BtfError::Damaged(self.strings_at))?;
        self.type_at(at as usize).map(Some)
    }

    /// The name, type and offset word of a struct's member.
    pub(super) fn member(&self, ty: &Type, index: u32) -> Result<(u32, u32, u32), BtfError> {
        let at = ty.body + index as usize * 12;
        Ok((
            word(self.bytes, at)?,
            word(self.bytes, at + 4)?,
            word(self.bytes, at + 8)?,
        ))
    }

    /// What the prototype with this number takes; none when it is no prototype.
    pub(super) fn prototype(&self, id: u32) -> Result<Option<Prototype>, BtfError> {
        let Some(ty) = self.get(id)?.filter(|ty| ty.kind == kind::FUNC_PROTO) else {
            return Ok(None);
        };
        let Some(last) = ty.count.checked_sub(1) else {
            return Ok(Some(Prototype {
                args: 0,
                variadic: false,
            }));
        };
        // "..." is a last parameter without name and type.
        let at = ty.body + last as usize * 8;
        let variadic = word(self.bytes, at)? == 0 && word(self.bytes, at + 4)? == 0;
        Ok(Some(Prototype {
            args: if variadic { last } else { ty.count },
            variadic,
        }))
    }

    /// The word that describes an integer (`BTF_INT_ENCODING` and the like), by the number of its type.
    pub(super) fn integer(&self, id: u32) -> Result<u32, BtfError> {
        if let Some(base) = self.base.filter(|_| id <= self.before()) {
            return base.integer(id);
        }
        let damaged = BtfError::Damaged(self.strings_at);
        let ty = self.get(id)?.filter(|ty| ty.kind == kind::INT).ok_or(damaged)?;
        word(self.bytes, ty.body)
    }

    /// The string at an offset, without its NUL.
    pub(super) fn string(&self, offset: u32) -> Result<&'a [u8], BtfError> {
        let mut at = offset as usize;
        if let Some(base) = self.base {
            match at.checked_sub(base.strings.len()) {
                Some(own) => at = own,
                None => return base.string(offset),
            }
        }
        let damaged = BtfError::Damaged(self.strings_at.saturating_add(at));
        let rest = self.strings.get(at..).ok_or(damaged.clone())?;
        let end = rest.iter().position(|&byte| byte == 0).ok_or(damaged)?;
        Ok(&rest[..end])
    }
}

fn word(bytes: &[u8], at: usize) -> Result<u32, BtfError> {
    let four = bytes
        .get(at..)
        .and_then(<[u8]>::first_chunk::<4>)
        .ok_or(BtfError::Damaged(at))?;
    Ok(u32::from_le_bytes(*four))
}
