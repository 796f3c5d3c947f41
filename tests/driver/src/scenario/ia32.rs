//! Calls as 32-bit programs make them, which enter the kernel by wrappers of their own.

use std::io;
use std::os::fd::AsRawFd as _;
use std::ptr;

use anyhow::{Context as _, Result};

use crate::call::Call;
use crate::expect::{Collision, Expect};
use crate::failure;
use crate::stage::Stage;

/// Each of the three calls, from a file and from memory, and a load that is refused.
pub(super) fn each(stage: &mut Stage<'_>) -> Result<()> {
    let module = stage.subject("dummy")?;
    let (no_args, name) = (Low::of(b"\0")?, Low::of(module.c_name.as_bytes_with_nul())?);
    let image = Low::of(&module.image)?;
    let finit = Call::Finit {
        fd: module.file.as_raw_fd(),
        uargs: no_args.address(),
        flags: 0,
    };
    let init = Call::Init {
        umod: image.address(),
        len: module.image.len(),
        uargs: no_args.address(),
    };
    let delete = Call::Delete { name: name.address() };
    let refused = Expect::refused(Collision::Live, None)
        .errno(libc::EEXIST)
        .case("live", failure::already_live(stage.kernel));
    let ended = Expect::nothing().errno(0);
    let loaded = Expect::leader().errno(0);
    let calls = [
        (finit, &loaded),
        (init, &refused),
        (finit, &refused),
        (delete, &ended),
        (init, &loaded),
        (delete, &ended),
    ];
    for (call, expect) in calls {
        stage.run(Some(&module.name), call.in_ia32(), expect)?;
    }
    Ok(())
}

/// Memory that a pointer of 32 bits reaches.
struct Low {
    at: *mut libc::c_void,
    len: usize,
}

impl Low {
    fn of(bytes: &[u8]) -> Result<Self> {
        let len = bytes.len();
        let (access, kind) = (
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_32BIT,
        );
        // SAFETY: it takes no memory that there is.
        let at = unsafe { libc::mmap(ptr::null_mut(), len, access, kind, -1, 0) };
        if at == libc::MAP_FAILED {
            return Err(io::Error::last_os_error()).context("no memory below 4 GiB");
        }
        // SAFETY: the kernel has just made this memory, of this length, for nobody else.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), at.cast(), len) };
        Ok(Self { at, len })
    }

    fn address(&self) -> usize {
        self.at.addr()
    }
}

impl Drop for Low {
    fn drop(&mut self) {
        // SAFETY: it is as it was made, and nobody refers to it any more. Nothing is to be done where it fails.
        unsafe { libc::munmap(self.at, self.len) };
    }
}
