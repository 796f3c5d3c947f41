//! Damaged images of a stock module.

use anyhow::Result;

use crate::elf::{Image, header, rela, section, symbol};
use crate::expect::Expect;
use crate::failure::{self, Cause};
use crate::kernel::Kernel;
use crate::library::Module;
use crate::stage::Stage;

/// One way to spoil an image, and what comes of it.
struct Damage {
    case: &'static str,
    cause: Cause,
    errno: i32,
    /// Whether the module was on the list when it failed.
    listed: bool,
    make: fn(&mut Image) -> Result<()>,
}

impl Damage {
    /// Seen before the module is on the list.
    fn early(name: &'static str, cause: Cause, make: fn(&mut Image) -> Result<()>) -> Self {
        Self {
            case: name,
            cause,
            errno: libc::ENOEXEC,
            listed: false,
            make,
        }
    }

    /// Seen when it is.
    fn late(name: &'static str, cause: Cause, errno: i32, make: fn(&mut Image) -> Result<()>) -> Self {
        Self {
            errno,
            listed: true,
            ..Self::early(name, cause, make)
        }
    }
}

/// Each of them once.
pub(super) fn each(stage: &mut Stage<'_>, module: &Module) -> Result<()> {
    let whole = Image::unsigned(&module.image)?;
    let versions = whole.section("__versions").is_ok();
    let damages = headers()
        .into_iter()
        .chain(contents(stage.kernel))
        .chain(if versions {
            modversions(stage.kernel)
        } else {
            Vec::new()
        })
        .chain(late(stage.kernel));
    for damage in damages {
        let mut image = whole.clone();
        (damage.make)(&mut image)?;
        let met = if damage.listed {
            Expect::leader()
        } else {
            Expect::alone()
        };
        let expect = met.errno(damage.errno).case(damage.case, damage.cause);
        stage.run_image(&module.name, damage.case, &image.0, &expect)?;
    }
    Ok(())
}

/// What is no ELF file of the right sort.
fn headers() -> Vec<Damage> {
    const ET_EXEC: u16 = 2;
    const EM_AARCH64: u16 = 183;
    let damage = |name, make| Damage::early(name, failure::ELF_HEADER, make);
    vec![
        damage("wrong-magic", |image| image.put(0, b"\x7fELG")),
        damage("wrong-type", |image| image.put(header::TYPE, &ET_EXEC.to_le_bytes())),
        damage("wrong-machine", |image| {
            image.put(header::MACHINE, &EM_AARCH64.to_le_bytes())
        }),
        damage("section-table-outside", |image| {
            image.put(header::SECTIONS, &(1_u64 << 40).to_le_bytes())
        }),
        damage("section-outside", |image| {
            let text = image.section(".text")?;
            image.put(text.header + section::OFFSET, &(1_u64 << 40).to_le_bytes())
        }),
        damage("cut-short", |image| {
            image.0.truncate(image.0.len() / 2);
            Ok(())
        }),
    ]
}

/// What is one, but no module for this kernel.
fn contents(kernel: &Kernel) -> Vec<Damage> {
    const PROGBITS: u32 = 1;
    const WRITE_ALLOC_EXECUTE: u64 = 7;
    const MORE_THAN_THERE_IS: u64 = 0x7000_0000;
    let mut damages = vec![
        Damage::early("stripped", failure::NO_SYMBOLS, |image| {
            let table = image.section(".symtab")?;
            image.put(table.header + section::TYPE, &PROGBITS.to_le_bytes())
        }),
        Damage::early("no-this-module", failure::NO_THIS_MODULE, |image| {
            let module = image.section(".gnu.linkonce.this_module")?;
            // Offset 0 of the table of names is the empty name.
            image.put(module.header + section::NAME, &[0; 4])
        }),
        Damage::early("wrong-vermagic", failure::VERMAGIC, |image| {
            let texts = image.section(".modinfo")?;
            // With modversions the first word, which is the release, may be any.
            let at = image.find(texts, b" SMP ")?;
            image.put(at, b" UP! ")
        }),
        Damage::early("writable-text", failure::rwx_section(kernel), |image| {
            let text = image.section(".text")?;
            image.put(text.header + section::FLAGS, &WRITE_ALLOC_EXECUTE.to_le_bytes())
        }),
        Damage {
            errno: libc::ENOMEM,
            ..Damage::early("bss-of-2-GiB", failure::MODULE_MEMORY, |image| {
                let bss = image.section(".bss")?;
                image.put(bss.header + section::SIZE, &MORE_THAN_THERE_IS.to_le_bytes())
            })
        },
    ];
    if kernel.checks_module_struct() {
        damages.push(Damage::early("small-this-module", failure::MODULE_STRUCT, |image| {
            let module = image.section(".gnu.linkonce.this_module")?;
            image.put(module.header + section::SIZE, &(module.size as u64 - 8).to_le_bytes())
        }));
    }
    damages
}

/// What was built against other headers.
fn modversions(kernel: &Kernel) -> Vec<Damage> {
    vec![
        Damage::early("version-of-the-layout", failure::modversions(kernel), |image| {
            image.spoil_version(true)
        }),
        Damage::late("version-of-a-symbol", failure::SYMBOL_VERSION, libc::EINVAL, |image| {
            image.spoil_version(false)
        }),
    ]
}

/// What shows only when the module is put together.
fn late(kernel: &Kernel) -> Vec<Damage> {
    const COMMON: u16 = 0xfff2;
    const NO_SUCH_SECTION: u16 = 0xfe00;
    const NO_SUCH_TYPE: u32 = 200;
    let mut damages = vec![
        Damage::late("unknown-symbol", failure::UNKNOWN_SYMBOL, libc::ENOENT, |image| {
            let wanted = image.wanted_symbol()?;
            let name = image.u32(wanted + symbol::NAME)?;
            image.put(wanted + symbol::NAME, &(name + 1).to_le_bytes())
        }),
        Damage::late("symbol-for-gpl-only", failure::UNKNOWN_SYMBOL, libc::ENOENT, |image| {
            let texts = image.section(".modinfo")?;
            let license = image.find(texts, b"license=GPL")?;
            image.put(license, b"license=Own")
        }),
        Damage::late("common-symbol", failure::COMMON_SYMBOL, libc::ENOEXEC, |image| {
            let wanted = image.wanted_symbol()?;
            image.put(wanted + symbol::SECTION, &COMMON.to_le_bytes())
        }),
        Damage::late("unknown-relocation", failure::RELOCATION, libc::ENOEXEC, |image| {
            let relocations = image.section(".rela.text")?;
            image.put(relocations.offset + rela::TYPE, &NO_SUCH_TYPE.to_le_bytes())
        }),
        Damage::late("relocation-of-something", failure::RELOCATION, libc::ENOEXEC, |image| {
            let place = image.u64(image.section(".rela.text")?.offset + rela::PLACE)?;
            let text = image.section(".text")?;
            image.put(text.offset + place, &[1])
        }),
    ];
    if kernel.checks_symbol_sections() {
        let make: fn(&mut Image) -> Result<()> = |image| {
            let own = image.own_symbol()?;
            image.put(own + symbol::SECTION, &NO_SUCH_SECTION.to_le_bytes())
        };
        damages.push(Damage::late(
            "symbol-of-no-section",
            failure::BAD_SECTION_INDEX,
            libc::ENOEXEC,
            make,
        ));
    }
    if kernel.insists_on_btf() {
        damages.push(Damage::late("wrong-btf", failure::NOTIFIER, libc::EINVAL, |image| {
            let types = image.section(".BTF")?;
            image.put(types.offset, &[0; 2])
        }));
    }
    damages
}
