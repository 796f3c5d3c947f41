//! Files that are none, or no good ones.

use std::fs::File;
use std::io;

use anyhow::{Context as _, Result};

use super::COMPRESSED;
use crate::call::Call;
use crate::expect::Expect;
use crate::failure::{self, Cause};
use crate::kernel::Kernel;
use crate::library::Module;
use crate::stage::Stage;

/// Says that it is a page long and has a few bytes to read.
const SHORTER_THAN_IT_SAYS: &str = "/sys/kernel/uevent_seqnum";
/// `kernel_read_file` is asked for at most `INT_MAX`.
const TOO_BIG: u64 = 1 << 31;

/// What cannot be read, then what cannot be decompressed.
pub(super) fn each(stage: &mut Stage<'_>, module: &Module) -> Result<()> {
    let unreadable = |stage: &mut Stage<'_>, file: &File, case, errno, cause: Cause| {
        let expect = Expect::alone().errno(errno).case(case, cause);
        stage.run(None, Call::finit_file(file, 0), &expect)
    };
    for (case, path) in [("directory", "/"), ("device", "/dev/null")] {
        let file = File::open(path).with_context(|| format!("cannot open {path}"))?;
        unreadable(stage, &file, case, libc::EINVAL, failure::UNREADABLE_FILE)?;
    }
    let (pipe, _writer) = io::pipe()?;
    let no_file = Expect::alone()
        .errno(libc::EINVAL)
        .case("pipe", failure::UNREADABLE_FILE);
    stage.run(None, Call::finit_file(&pipe, 0), &no_file)?;

    let short = File::open(SHORTER_THAN_IT_SAYS).with_context(|| format!("cannot open {SHORTER_THAN_IT_SAYS}"))?;
    unreadable(stage, &short, "shorter-than-it-says", libc::EIO, failure::SHORT_READ)?;

    let sparse = stage.library.variant("sparse", "original", &[])?;
    File::options()
        .write(true)
        .open(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&sparse)))?
        .set_len(TOO_BIG)?;
    unreadable(stage, &sparse, "file-of-2-GiB", libc::EFBIG, failure::FILE_TOO_BIG)?;

    let stub = Expect::alone()
        .errno(libc::ENOEXEC)
        .case("file-of-10-bytes", failure::ELF_HEADER);
    stage.run_image("stub", "original", &[0x7f; 10], &stub)?;
    compressed(stage, module)
}

/// Where the kernel decompresses: what is not compressed, and what only begins like it.
fn compressed(stage: &mut Stage<'_>, module: &Module) -> Result<()> {
    if !Kernel::decompresses() {
        return Ok(());
    }
    let junk = [&b"\xfd7zXZ\0"[..], &[0x5a; 8192]].concat();
    for (case, contents) in [("not-compressed", &module.image), ("compressed-junk", &junk)] {
        let file = stage.library.variant(&module.name, case, contents)?;
        let expect = Expect::alone().errno(libc::EINVAL).case(case, failure::BAD_COMPRESSION);
        stage.run(Some(&module.name), Call::finit_file(&file, COMPRESSED), &expect)?;
    }
    Ok(())
}
