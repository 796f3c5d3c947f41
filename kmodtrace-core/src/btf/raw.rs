//! Bytes to types: header, index of places, strings.

use super::{BtfError, Prototype};

const MAGIC: u16 = 0xeb9f;
const HEADER_LEN: usize = 24;
/// Bytes of the part that every type begins with: name, info, size or type.
const TYPE_LEN: usize = 12;

/// What the scanner asks of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Func,
    Struct,
    Union,
    Enum,
    Enum64,
    /// One of the rest.
    Other,
}

/// The part that every type begins with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Type {
    pub(super) kind: Kind,
    /// Number of the kind: `BTF_KIND_*`.
    pub(super) number: u32,
    /// Offset of the name in the strings; 0 for none.
    pub(super) name: u32,
    /// How many members or parameters follow.
    pub(super) count: u32,
    /// `kind_flag`: members of a struct carry the width of bit fields in their offset.
    pub(super) flag: bool,
    /// Bytes, or the type that is meant.
    pub(super) size_or_type: u32,
    /// Where in the bytes what follows begins.
    pub(super) body: usize,
}

/// BTF with an index of where each type lies.
pub(super) struct Raw<'a> {
    bytes: &'a [u8],
    strings: &'a [u8],
    strings_at: usize,
    places: Vec<u32>,
}

impl<'a> Raw<'a> {
    /// Reads the header and finds the place of every type.
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, BtfError> {
        match bytes.get(..2) {
            Some([0x9f, 0xeb]) => {}
            Some([0xeb, 0x9f]) => return Err(BtfError::BigEndian),
            _ => return Err(BtfError::Magic),
        }
        debug_assert_eq!(MAGIC.to_le_bytes(), [0x9f, 0xeb], "the bytes above");
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
        };
        raw.index(types_at, types_end)?;
        Ok(raw)
    }

    fn index(&mut self, mut at: usize, end: usize) -> Result<(), BtfError> {
        while at < end {
            self.places.push(u32::try_from(at).map_err(|_| BtfError::Damaged(at))?);
            let ty = self.type_at(at)?;
            let (count, body) = (ty.count as usize, ty.body);
            at = match ty.number {
                // PTR, FWD, TYPEDEF, VOLATILE, CONST, RESTRICT, FUNC, FLOAT, TYPE_TAG
                2 | 7..=12 | 16 | 18 => body,
                // INT, VAR, DECL_TAG
                1 | 14 | 17 => body + 4,
                // ARRAY
                3 => body + 12,
                // ENUM, FUNC_PROTO
                6 | 13 => body + count * 8,
                // STRUCT, UNION, DATASEC, ENUM64
                4 | 5 | 15 | 19 => body + count * 12,
                kind => {
                    return Err(BtfError::Kind {
                        id: u32::try_from(self.places.len()).unwrap_or(u32::MAX),
                        kind,
                    });
                }
            };
        }
        if at == end { Ok(()) } else { Err(BtfError::Damaged(end)) }
    }

    fn type_at(&self, at: usize) -> Result<Type, BtfError> {
        let info = word(self.bytes, at + 4)?;
        let number = (info >> 24) & 0x7f;
        Ok(Type {
            kind: match number {
                4 => Kind::Struct,
                5 => Kind::Union,
                6 => Kind::Enum,
                12 => Kind::Func,
                19 => Kind::Enum64,
                _ => Kind::Other,
            },
            number,
            name: word(self.bytes, at)?,
            count: info & 0xffff,
            flag: info >> 31 == 1,
            size_or_type: word(self.bytes, at + 8)?,
            body: at + TYPE_LEN,
        })
    }

    /// Every type with its number.
    pub(super) fn types(&self) -> impl Iterator<Item = (u32, Type)> {
        (1..)
            .zip(&self.places)
            .filter_map(|(id, &at)| Some((id, self.type_at(at as usize).ok()?)))
    }

    /// A type by its number; none for `void`.
    pub(super) fn get(&self, id: u32) -> Result<Option<Type>, BtfError> {
        let Some(index) = id.checked_sub(1) else {
            return Ok(None);
        };
        let at = *self
            .places
            .get(index as usize)
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
        const FUNC_PROTO: u32 = 13;
        let Some(ty) = self.get(id)?.filter(|ty| ty.number == FUNC_PROTO) else {
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

    /// The string at an offset, without its NUL.
    pub(super) fn string(&self, offset: u32) -> Result<&'a [u8], BtfError> {
        let damaged = BtfError::Damaged(self.strings_at.saturating_add(offset as usize));
        let rest = self.strings.get(offset as usize..).ok_or(damaged.clone())?;
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
