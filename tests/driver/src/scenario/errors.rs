//! One call for each way to be refused.

use std::fs::File;
use std::os::fd::AsRawFd as _;

use anyhow::Result;

use crate::call::{Call, no_args};
use crate::expect::Expect;
use crate::library::Module;
use crate::stage::Stage;

/// Nothing is ever mapped so low, nor is `mmap_min_addr` so high.
const NOWHERE: usize = 4096;
/// Not a flag of any kernel so far.
const NO_SUCH_FLAG: i32 = 1 << 30;

/// Before and inside `load_module`, and of `delete_module`.
pub(super) fn each(stage: &mut Stage<'_>) -> Result<()> {
    let module = stage.subject("dummy")?;
    arguments(stage, &module)?;
    files(stage, &module)?;
    images(stage, &module)?;
    dependencies(stage)
}

/// Refused by its arguments alone.
fn arguments(stage: &mut Stage<'_>, module: &Module) -> Result<()> {
    let alone = Expect::alone();
    let wrong_flags = Call::Finit {
        fd: module.file.as_raw_fd(),
        uargs: no_args(),
        flags: NO_SUCH_FLAG,
    };
    stage.run(Some(&module.name), wrong_flags, &alone.clone().errno(libc::EINVAL))?;
    let no_file = Call::Finit {
        fd: -1,
        uargs: no_args(),
        flags: 0,
    };
    stage.run(None, no_file, &alone.clone().errno(libc::EBADF))?;
    let no_image = Call::Init {
        umod: NOWHERE,
        len: 1 << 16,
        uargs: no_args(),
    };
    stage.run(None, no_image, &alone.errno(libc::EFAULT))?;
    let absent = Expect::nothing().errno(libc::ENOENT);
    stage.run(Some("no_such_module"), Call::delete(c"no_such_module"), &absent)?;
    Ok(())
}

/// Refused by `kernel_read_file`, or as no ELF file.
fn files(stage: &mut Stage<'_>, module: &Module) -> Result<()> {
    for (name, contents, errno) in [
        ("empty", &[][..], libc::EINVAL),
        ("garbage", &[0x5a; 8192][..], libc::ENOEXEC),
    ] {
        let file = stage.library.forgery(name, contents)?;
        stage.run(Some(name), finit(&file), &Expect::alone().errno(errno))?;
    }
    let writer = File::options().append(true).open(&module.path)?;
    let busy = Expect::alone().errno(libc::ETXTBSY);
    stage.run(Some(&module.name), Call::finit(module, no_args()), &busy)?;
    drop(writer);
    let half = Call::Init {
        umod: module.image.as_ptr() as usize,
        len: module.image.len() / 2,
        uargs: no_args(),
    };
    stage.run(None, half, &Expect::alone().errno(libc::ENOEXEC))?;
    Ok(())
}

/// Refused late in `load_module`, when the module had been on the list already.
fn images(stage: &mut Stage<'_>, module: &Module) -> Result<()> {
    let leader = Expect::leader();
    let wrong_value = c"numdummies=many";
    let wrong_value = Call::finit(module, wrong_value.as_ptr() as usize);
    stage.run(Some(&module.name), wrong_value, &leader.clone().errno(libc::EINVAL))?;
    stage.run(
        Some(&module.name),
        Call::finit(module, NOWHERE),
        &leader.errno(libc::EFAULT),
    )?;
    Ok(())
}

/// Without the modules it needs, and then these while it needs them.
fn dependencies(stage: &mut Stage<'_>) -> Result<()> {
    let needs = [stage.absent("udp_tunnel")?, stage.absent("ip6_udp_tunnel")?];
    let vxlan = stage.absent("vxlan")?;
    let unknown_symbol = Expect::leader().errno(libc::ENOENT);
    stage.run(Some(&vxlan.name), Call::finit(&vxlan, no_args()), &unknown_symbol)?;
    for module in &needs {
        stage.load(module)?;
    }
    stage.load(&vxlan)?;
    for module in &needs {
        let in_use = Expect::nothing().errno(libc::EWOULDBLOCK);
        stage.run(Some(&module.name), Call::delete(&module.c_name), &in_use)?;
    }
    stage.unload(&vxlan)?;
    for module in &needs {
        stage.unload(module)?;
    }
    Ok(())
}

fn finit(file: &File) -> Call {
    Call::Finit {
        fd: file.as_raw_fd(),
        uargs: no_args(),
        flags: 0,
    }
}
