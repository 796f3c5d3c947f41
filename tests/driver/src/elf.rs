//! Damaging a module's image where it hurts: ELF64, little endian, relocatable.
//!
//! It reads no more of the format than it takes to find the place, and trusts the stock modules that it is given.

use anyhow::{Context as _, Result, ensure};

/// What `scripts/sign-file.c` puts at the very end, after `struct module_signature` and, before that, the signature.
const SIGNED: &[u8] = b"~Module signature appended~\n";
/// `sizeof(struct module_signature)`; its last member is the signature's length, big endian.
const SIGNATURE_HEADER: usize = 12;

/// Offsets in `Elf64_Ehdr`.
pub(crate) mod header {
    pub(crate) const TYPE: usize = 16;
    pub(crate) const MACHINE: usize = 18;
    pub(crate) const SECTIONS: usize = 40;
    pub(crate) const NAMES_INDEX: usize = 62;
}

/// Offsets in `Elf64_Shdr`.
pub(crate) mod section {
    pub(crate) const NAME: usize = 0;
    pub(crate) const TYPE: usize = 4;
    pub(crate) const FLAGS: usize = 8;
    pub(crate) const OFFSET: usize = 24;
    pub(crate) const SIZE: usize = 32;
}

/// Offsets in `Elf64_Sym`.
pub(crate) mod symbol {
    pub(crate) const NAME: usize = 0;
    pub(crate) const INFO: usize = 4;
    pub(crate) const SECTION: usize = 6;
}

/// Offsets in `Elf64_Rela`.
pub(crate) mod rela {
    pub(crate) const PLACE: usize = 0;
    pub(crate) const TYPE: usize = 8;
}

const SECTION_HEADER: usize = 64;
const SYMBOL: usize = 24;
/// `struct modversion_info` of 64 bits: the CRC, then the name.
const VERSION: usize = 64;
/// `name` in `struct module`, after the state and the list.
const MODULE_NAME: usize = 24;
/// `MODULE_NAME_LEN`.
const MODULE_NAME_LEN: usize = 56;

/// An image to be changed.
#[derive(Clone, Debug)]
pub(crate) struct Image(pub(crate) Vec<u8>);

/// Where a section lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Section {
    /// Its header.
    pub(crate) header: usize,
    /// Its contents.
    pub(crate) offset: usize,
    /// Their length.
    pub(crate) size: usize,
}

impl Image {
    /// Without its signature, which would no longer be right: a kernel that enforces none takes it as unsigned.
    pub(crate) fn unsigned(bytes: &[u8]) -> Result<Self> {
        let image = Self(bytes.to_vec());
        if !bytes.ends_with(SIGNED) {
            return Ok(image);
        }
        let whole = image.signature()?;
        Ok(Self(
            bytes
                .get(..whole.offset)
                .context("no image before its signature")?
                .to_vec(),
        ))
    }

    /// The signature; its "header" is `struct module_signature`.
    pub(crate) fn signature(&self) -> Result<Section> {
        ensure!(self.0.ends_with(SIGNED), "the module is not signed");
        let header = self.0.len().checked_sub(SIGNED.len() + SIGNATURE_HEADER);
        let header = header.context("a signature without a header")?;
        let size = u32::from_be_bytes(self.bytes(header + 8)?).try_into()?;
        Ok(Section {
            header,
            offset: header.checked_sub(size).context("a signature larger than its file")?,
            size,
        })
    }

    /// Overwrites what is there.
    pub(crate) fn put(&mut self, at: usize, bytes: &[u8]) -> Result<()> {
        let place = self.0.get_mut(at..at + bytes.len());
        place
            .with_context(|| format!("no byte {at} in the image"))?
            .copy_from_slice(bytes);
        Ok(())
    }

    /// A section by its name.
    pub(crate) fn section(&self, name: &str) -> Result<Section> {
        let names = self.nth(u16::from_le_bytes(self.bytes(header::NAMES_INDEX)?).into())?;
        let mut wanted = name.as_bytes().to_vec();
        wanted.push(0);
        for index in 0..u16::from_le_bytes(self.bytes(60)?) {
            let section = self.nth(index.into())?;
            let at = names.offset + self.u32(section.header + section::NAME)? as usize;
            if self.0.get(at..).is_some_and(|rest| rest.starts_with(&wanted)) {
                return Ok(section);
            }
        }
        anyhow::bail!("no section {name}")
    }

    /// Where a text begins in a section.
    pub(crate) fn find(&self, section: Section, text: &[u8]) -> Result<usize> {
        let contents = self.0.get(section.offset..section.offset + section.size);
        let contents = contents.context("a section outside of the image")?;
        let at = contents.windows(text.len()).position(|window| window == text);
        at.map(|at| section.offset + at)
            .with_context(|| format!("no {:?} in its section", String::from_utf8_lossy(text)))
    }

    /// The first symbol that another module or the kernel must have, and not a weak one.
    pub(crate) fn wanted_symbol(&self) -> Result<usize> {
        const GLOBAL: u8 = 1;
        let table = self.section(".symtab")?;
        for at in (table.offset..table.offset + table.size).step_by(SYMBOL).skip(1) {
            let [info] = self.bytes(at + symbol::INFO)?;
            let undefined = self.bytes(at + symbol::SECTION)? == [0, 0];
            if undefined && info >> 4 == GLOBAL {
                return Ok(at);
            }
        }
        anyhow::bail!("it needs no symbol")
    }

    /// The first symbol that lies in a section of its own.
    pub(crate) fn own_symbol(&self) -> Result<usize> {
        let table = self.section(".symtab")?;
        for at in (table.offset..table.offset + table.size).step_by(SYMBOL).skip(1) {
            let [low, high] = self.bytes(at + symbol::SECTION)?;
            // 0xff00 and more are no sections.
            if [low, high] != [0, 0] && high != 0xff && self.u32(at + symbol::NAME)? != 0 {
                return Ok(at);
            }
        }
        anyhow::bail!("it has no symbol")
    }

    /// Makes the CRC of a symbol a wrong one: of the one with that name, or of any other than that.
    pub(crate) fn spoil_version(&mut self, of_module_layout: bool) -> Result<()> {
        let versions = self.section("__versions")?;
        for at in (versions.offset..versions.offset + versions.size).step_by(VERSION) {
            let name = self.0.get(at + 8..at + VERSION).context("half a version")?;
            if name.starts_with(b"module_layout\0") == of_module_layout {
                let [low] = self.bytes(at)?;
                return self.put(at, &[!low]);
            }
        }
        anyhow::bail!("no version to be spoiled")
    }

    /// Gives the module another name: the one in its `struct module`, which is the one that counts.
    pub(crate) fn rename(&mut self, name: &str) -> Result<()> {
        ensure!(name.len() < MODULE_NAME_LEN, "{name} is too long a name");
        let module = self.section(".gnu.linkonce.this_module")?;
        let mut field = [0; MODULE_NAME_LEN];
        field.iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from);
        self.put(module.offset + MODULE_NAME, &field)
    }

    fn nth(&self, index: usize) -> Result<Section> {
        let header = self.u64(header::SECTIONS)? + index * SECTION_HEADER;
        Ok(Section {
            header,
            offset: self.u64(header + section::OFFSET)?,
            size: self.u64(header + section::SIZE)?,
        })
    }

    /// A number that says what something is, or where a name begins.
    pub(crate) fn u32(&self, at: usize) -> Result<u32> {
        Ok(u32::from_le_bytes(self.bytes(at)?))
    }

    /// A number that is an offset or a size.
    pub(crate) fn u64(&self, at: usize) -> Result<usize> {
        Ok(u64::from_le_bytes(self.bytes(at)?).try_into()?)
    }

    fn bytes<const N: usize>(&self, at: usize) -> Result<[u8; N]> {
        let bytes = self.0.get(at..).and_then(|rest| rest.first_chunk());
        bytes.copied().with_context(|| format!("no byte {at} in the image"))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;

    /// One section of names, which is also the only one with contents.
    fn image() -> Image {
        let mut bytes = vec![0; 64];
        bytes[header::SECTIONS] = 64;
        bytes[60] = 2;
        bytes[header::NAMES_INDEX] = 1;
        bytes.resize(64 + 2 * SECTION_HEADER, 0);
        let second = 64 + SECTION_HEADER;
        bytes[second + section::NAME] = 1;
        bytes[second + section::OFFSET] = 192;
        bytes[second + section::SIZE] = 8;
        bytes.extend(b"\0.names\0");
        Image(bytes)
    }

    #[test]
    fn finds_sections_by_their_whole_name() {
        let image = image();
        let names = image.section(".names").unwrap();
        assert_eq!((names.offset, names.size), (192, 8));
        assert!(image.section(".name").is_err());
        assert_eq!(image.find(names, b"nam").unwrap(), 194);
        assert!(image.find(names, b"none").is_err());
    }

    #[test]
    fn takes_signatures_off() {
        let plain = image().0;
        assert_eq!(Image::unsigned(&plain).unwrap().0, plain);
        let mut signed = [&plain[..], b"the signature", &[0; 11], &[13], SIGNED].concat();
        assert_eq!(Image::unsigned(&signed).unwrap().0, plain);
        let last = signed.len() - SIGNED.len() - 1;
        signed[last] = 255;
        signed[last - 1] = 255;
        assert!(Image::unsigned(&signed).is_err(), "longer than its file");
    }

    #[test]
    fn puts_nothing_outside() {
        let mut image = image();
        let end = image.0.len();
        assert!(image.put(end - 1, &[1, 2]).is_err());
        assert!(image.put(end - 1, &[1]).is_ok());
    }
}
