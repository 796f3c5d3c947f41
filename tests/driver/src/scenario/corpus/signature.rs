//! Signatures that are wrong, on a kernel that demands none.

use anyhow::Result;

use crate::elf::Image;
use crate::expect::Expect;
use crate::failure::BAD_SIGNATURE;
use crate::library::Module;
use crate::stage::Stage;

/// One of another image, one that is no PKCS#7 message, one that is longer than its file.
pub(super) fn each(stage: &mut Stage<'_>, module: &Module) -> Result<()> {
    let signed = Image(module.image.clone());
    let signature = signed.signature()?;
    let comment = signed.section(".comment")?;
    for (case, at, byte, errno) in [
        ("signature-of-another", comment.offset, b'?', libc::EKEYREJECTED),
        ("signature-garbled", signature.offset, 0x5a, libc::EBADMSG),
        ("signature-too-long", signature.header + 8, 0x7f, libc::EBADMSG),
    ] {
        let mut image = signed.clone();
        image.put(at, &[byte])?;
        let expect = Expect::alone().errno(errno).case(case, BAD_SIGNATURE);
        stage.run_image(&module.name, case, &image.0, &expect)?;
    }
    Ok(())
}
