//! Arguments of the calls.

use std::ffi::CString;

use anyhow::Result;

use super::COMPRESSED;
use crate::call::{Call, no_args};
use crate::expect::Expect;
use crate::failure;
use crate::kernel::Kernel;
use crate::library::Module;
use crate::stage::Stage;

/// More than `kmalloc` gives at once, which is what `strndup_user` asks: 4 MiB on x86-64.
const TOO_LONG: usize = 5 << 20;

/// An image that cannot be one, arguments that cannot be copied, and a flag that older kernels do not know.
pub(super) fn each(stage: &mut Stage<'_>, module: &Module) -> Result<()> {
    let stub = Call::Init {
        umod: module.image.as_ptr() as usize,
        len: 10,
        uargs: no_args(),
    };
    let too_short = Expect::alone()
        .errno(libc::ENOEXEC)
        .case("image-of-10-bytes", failure::IMAGE_TOO_SHORT);
    stage.run(None, stub, &too_short)?;

    let blanks = CString::new(vec![b' '; TOO_LONG])?;
    let too_long = Expect::leader()
        .errno(libc::ENOMEM)
        .case("arguments-of-5-MiB", failure::ARGUMENT_MEMORY);
    stage.run(
        Some(&module.name),
        Call::finit(module, blanks.as_ptr() as usize),
        &too_long,
    )?;

    if Kernel::decompresses() {
        return Ok(());
    }
    let (errno, cause) = if stage.kernel.knows_compressed_files() {
        (libc::EOPNOTSUPP, failure::COMPRESSED_UNSUPPORTED)
    } else {
        (libc::EINVAL, failure::FLAGS)
    };
    let unsupported = Expect::alone().errno(errno).case("compressed-flag", cause);
    stage.run(
        Some(&module.name),
        Call::finit_file(&module.file, COMPRESSED),
        &unsupported,
    )?;
    Ok(())
}
