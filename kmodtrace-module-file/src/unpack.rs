//! Unpacking the file of a module.

use std::io::{self, Read};

/// A file that cannot be unpacked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnpackError {
    /// It cannot be read, or is longer than allowed.
    #[error(transparent)]
    Unread(#[from] io::Error),
    /// Data of a packer that are damaged, or unpack to more than is allowed.
    #[error("{packer} data that cannot be unpacked")]
    Packed {
        /// `xz`, `zstd` or `gzip`.
        packer: &'static str,
        /// What is wrong.
        source: io::Error,
    },
}

/// All that a reader gives, unpacked: what its first bytes say was done is undone, as the kernel does, and the name of the file says
/// nothing. More than `bound` bytes are an error, packed or not, and so is xz data for which that is too little memory.
pub fn unpack(file: impl Read, bound: u64) -> Result<Vec<u8>, UnpackError> {
    let bytes = bounded(file, bound)?;
    let (packer, unpacked) = if bytes.starts_with(b"\xfd7zXZ\0") {
        let memory = u32::try_from(bound >> 10).unwrap_or(u32::MAX);
        let reader = lzma_rust2::XzReader::new_mem_limit(&*bytes, true, memory);
        ("xz", bounded(reader, bound))
    } else if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        let reader = zstd::stream::read::Decoder::with_buffer(&*bytes);
        ("zstd", reader.and_then(|reader| bounded(reader, bound)))
    } else if bytes.starts_with(&[0x1f, 0x8b]) {
        ("gzip", bounded(flate2::bufread::MultiGzDecoder::new(&*bytes), bound))
    } else {
        return Ok(bytes);
    };
    unpacked.map_err(|source| UnpackError::Packed { packer, source })
}

/// All that a reader gives, unless it is too much.
fn bounded(reader: impl Read, bound: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(bound.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bound {
        let text = format!("more than {} MiB, which no module has", bound >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
    }
    Ok(bytes)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
mod tests {
    use super::*;
    use std::error::Error as _;

    /// More than anything here unpacks to.
    const BOUND: u64 = 256 << 20;

    /// `one module` and `and more`, a line each, by the options with which kernels pack: `xz --check=crc32 --lzma2=dict=1MiB`.
    const XZ: [&str; 2] = [
        "fd377a585a0000016922de360200210110000000a8708e8601000a6f6e65206d6f64756c650a00005d14051200011f0b3d620e7a9042990d\
         010000000001595a",
        "fd377a585a0000016922de360200210110000000a8708e86010008616e64206d6f72650a000000006bc0e8bd00011d09936136a69042990d\
         010000000001595a",
    ];
    /// The first, with `xz --x86`.
    const XZ_X86: &str = "fd377a585a0000016922de3602010400210110008b216f4901000a6f6e65206d6f64756c650a00005d14051200011f0b3d62\
                          0e7a9042990d010000000001595a";
    /// `gzip -n`.
    const GZIP: [&str; 2] = [
        "1f8b0800000000000003cbcf4b55c8cd4f29cd49e502005d1405120b000000",
        "1f8b08000000000000034bcc4b51c8cd2f4ae502006bc0e8bd09000000",
    ];
    /// `zstd -19`.
    const ZSTD: [&str; 2] = [
        "28b52ffd240b5900006f6e65206d6f64756c650a451bed1d",
        "28b52ffd2409490000616e64206d6f72650aac09c347",
    ];
    /// 100,000 bytes of 0.
    const XZ_OF_NOTHING: &str = "fd377a585a0000016922de360200210116000000742fe5a3e1869f00535d00006ffdffffa3b7ff473e48157239615\
                                 1b89228e6a38607f9eee41e82d32fc53a3c014bb17ec98a8a4d2fa30dd97fa6e38c231153e05918c5758ae277f8b6\
                                 947f0c6ac0de744964e2e95c53b204d6b1f597000000007d9511d400016ba08d06000086a6ffca3e300d8b0200000\
                                 00001595a";

    fn bytes(hex: &str) -> Vec<u8> {
        let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
        digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
    }

    #[test]
    fn unpacks_what_the_programs_packed_and_what_they_packed_behind_it() {
        for [one, more] in [XZ, GZIP, ZSTD] {
            let [one, more] = [bytes(one), bytes(more)];
            assert_eq!(unpack(&*one, BOUND).unwrap(), b"one module\n");
            let both = [one, more].concat();
            assert_eq!(unpack(&*both, BOUND).unwrap(), b"one module\nand more\n");
        }
        assert_eq!(unpack(&*bytes(XZ_X86), BOUND).unwrap(), b"one module\n");
        assert_eq!(unpack(&b"\x7fELF"[..], BOUND).unwrap(), b"\x7fELF");
        assert_eq!(unpack(io::empty(), BOUND).unwrap(), b"");
    }

    #[test]
    fn what_is_cut_or_damaged_is_an_error_that_names_the_packer() {
        for (packer, [packed, _]) in [("xz", XZ), ("gzip", GZIP), ("zstd", ZSTD)] {
            let whole = bytes(packed);
            for length in 6..whole.len() {
                let error = unpack(&whole[..length], BOUND).unwrap_err().to_string();
                assert_eq!(
                    error,
                    format!("{packer} data that cannot be unpacked"),
                    "{length} bytes"
                );
            }
            for at in 0..whole.len() {
                for bit in 0..8 {
                    let mut damaged = whole.clone();
                    damaged[at] ^= 1 << bit;
                    // Not all of a header is under a check; whatever comes out, nothing panics.
                    let _ = unpack(&*damaged, BOUND);
                }
            }
        }
    }

    #[test]
    fn what_unpacks_without_end_is_refused() {
        assert_eq!(unpack(&*bytes(XZ_OF_NOTHING), BOUND).unwrap().len(), 100_000);
        // The dictionary alone needs 8 MiB.
        let refusal = |bound| {
            unpack(&*bytes(XZ_OF_NOTHING), bound)
                .unwrap_err()
                .source()
                .unwrap()
                .to_string()
        };
        assert!(
            refusal(1 << 20).contains("needed memory too big"),
            "{}",
            refusal(1 << 20)
        );
        let endless = bounded(io::repeat(0), 2 << 20).unwrap_err();
        assert_eq!(endless.to_string(), "more than 2 MiB, which no module has");
        assert_eq!(bounded(io::repeat(0).take(2 << 20), 2 << 20).unwrap().len(), 2 << 20);
    }
}
