//! Stock modules under other names: they pass every check and meet what they would meet as themselves.

use std::path::Path;

use anyhow::{Result, ensure};

use super::init_says_eexist;
use crate::elf::Image;
use crate::expect::Expect;
use crate::failure;
use crate::library::Module;
use crate::stage::Stage;

/// Built in everywhere, and it has parameters, for which it has a directory.
const BUILT_IN: &str = "printk";

/// Names that are taken elsewhere, exports that are taken, and a name for a network link that is taken.
pub(super) fn each(stage: &mut Stage<'_>, module: &Module) -> Result<()> {
    let directory = Path::new("/sys/module").join(BUILT_IN);
    ensure!(directory.exists(), "no {}", directory.display());
    let clash = Expect::leader()
        .errno(libc::EINVAL)
        .case("name-of-a-built-in", failure::NAME_CLASH);
    load_as(stage, module, BUILT_IN, &clash)?;
    let kernel = Expect::leader()
        .errno(libc::EINVAL)
        .case("name-of-the-kernel", failure::LIVEPATCH_COMING);
    load_as(stage, module, "vmlinux", &kernel)?;

    let exporter = stage.absent("udp_tunnel")?;
    stage.load(&exporter)?;
    let duplicate = Expect::leader()
        .errno(libc::ENOEXEC)
        .case("exports-of-another", failure::DUPLICATE_EXPORT);
    load_as(stage, &exporter, "udp_twin", &duplicate)?;
    stage.unload(&exporter)?;

    // `rtnl_link_register` refuses the name of a kind that is there.
    stage.load(module)?;
    let exists = init_says_eexist(stage.kernel, failure::init("dummy_init_module"));
    load_as(stage, module, "dummy_twin", &exists)?;
    stage.unload(module)
}

fn load_as(stage: &mut Stage<'_>, module: &Module, name: &str, expect: &Expect) -> Result<()> {
    let mut image = Image::unsigned(&module.image)?;
    image.rename(name)?;
    stage.run_image(name, "twin", &image.0, expect)?;
    Ok(())
}
