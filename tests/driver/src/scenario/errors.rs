//! One call for each way to be refused.

use std::fs::File;

use anyhow::Result;

use crate::call::{Call, no_args};
use crate::expect::Expect;
use crate::failure;
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
    let alone = |errno| Expect::alone().errno(errno);
    let wrong_flags = alone(libc::EINVAL).case("unknown-flag", failure::FLAGS);
    stage.run(
        Some(&module.name),
        Call::finit_file(&module.file, NO_SUCH_FLAG),
        &wrong_flags,
    )?;
    let no_file = Call::Finit {
        fd: -1,
        uargs: no_args(),
        flags: 0,
    };
    stage.run(None, no_file, &alone(libc::EBADF).case("no-file", failure::BAD_FD))?;
    let no_image = Call::Init {
        umod: NOWHERE,
        len: 1 << 16,
        uargs: no_args(),
    };
    let unmapped = alone(libc::EFAULT).case("unmapped-image", failure::BAD_IMAGE_ADDRESS);
    stage.run(None, no_image, &unmapped)?;
    let absent = Expect::nothing()
        .errno(libc::ENOENT)
        .case("unload-of-nothing", failure::UNLOAD_ABSENT);
    stage.run(Some("no_such_module"), Call::delete(c"no_such_module"), &absent)?;
    Ok(())
}

/// Refused by `kernel_read_file`, or as no ELF file.
fn files(stage: &mut Stage<'_>, module: &Module) -> Result<()> {
    for (name, contents, errno, cause) in [
        ("empty", &[][..], libc::EINVAL, failure::UNREADABLE_FILE),
        ("garbage", &[0x5a; 8192][..], libc::ENOEXEC, failure::ELF_HEADER),
    ] {
        let expect = Expect::alone().errno(errno).case(name, cause);
        stage.run_image(name, "original", contents, &expect)?;
    }
    let writer = File::options().append(true).open(&module.path)?;
    let busy = Expect::alone()
        .errno(libc::ETXTBSY)
        .case("open-for-write", failure::OPEN_FOR_WRITE);
    stage.run(Some(&module.name), Call::finit(module, no_args()), &busy)?;
    drop(writer);
    let half = Call::Init {
        umod: module.image.as_ptr() as usize,
        len: module.image.len() / 2,
        uargs: no_args(),
    };
    let cut = Expect::alone()
        .errno(libc::ENOEXEC)
        .case("half-an-image", failure::ELF_HEADER);
    stage.run(None, half, &cut)?;
    Ok(())
}

/// Refused late in `load_module`, when the module had been on the list already.
fn images(stage: &mut Stage<'_>, module: &Module) -> Result<()> {
    let name = Some(module.name.as_str());
    for (case, value, errno) in [
        ("value-of-another-type", c"numdummies=many", libc::EINVAL),
        ("no-value", c"numdummies", libc::EINVAL),
        ("value-out-of-range", c"numdummies=99999999999", libc::ERANGE),
    ] {
        let expect = Expect::leader().errno(errno).case(case, failure::PARAMETER);
        stage.run(name, Call::finit(module, value.as_ptr() as usize), &expect)?;
    }
    let unmapped = Expect::leader()
        .errno(libc::EFAULT)
        .case("unmapped-arguments", failure::BAD_ARGUMENTS_ADDRESS);
    stage.run(name, Call::finit(module, NOWHERE), &unmapped)?;
    Ok(())
}

/// Without the modules it needs, and then these while it needs them.
fn dependencies(stage: &mut Stage<'_>) -> Result<()> {
    let needs = [stage.absent("udp_tunnel")?, stage.absent("ip6_udp_tunnel")?];
    let vxlan = stage.absent("vxlan")?;
    let unknown_symbol = Expect::leader()
        .errno(libc::ENOENT)
        .case("missing-dependency", failure::UNKNOWN_SYMBOL);
    stage.run(Some(&vxlan.name), Call::finit(&vxlan, no_args()), &unknown_symbol)?;
    for module in &needs {
        stage.load(module)?;
    }
    stage.load(&vxlan)?;
    for module in &needs {
        let in_use = Expect::nothing()
            .errno(libc::EWOULDBLOCK)
            .case("unload-in-use", failure::UNLOAD_IN_USE);
        stage.run(Some(&module.name), Call::delete(&module.c_name), &in_use)?;
    }
    stage.unload(&vxlan)?;
    for module in &needs {
        stage.unload(module)?;
    }
    Ok(())
}
