//! The file of a module that may not be loaded yet: where it is, and what is in it when it is unpacked.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use kmodtrace_module_file::build_id;

/// More than a module unpacks to: the largest of distributions, with everything for debuggers in them, are below it.
const BOUND: u64 = 256 << 20;

/// The file of a module, by its path or by its name on this kernel.
pub(crate) fn find(name_or_path: &str, release: &str) -> Result<PathBuf> {
    let is_path = name_or_path.contains('/') || stem(name_or_path) != name_or_path;
    if is_path {
        Ok(PathBuf::from(name_or_path))
    } else {
        look_up(name_or_path, &Path::new("/lib/modules").join(release))
    }
}

fn look_up(name: &str, dir: &Path) -> Result<PathBuf> {
    let list = dir.join("modules.dep");
    let files = lines(&list);
    for line in files.as_deref().unwrap_or_default().lines() {
        let file = line.split(':').next().unwrap_or_default();
        if names(file, name) {
            // depmod writes an absolute path for what lies elsewhere, and that is what join() makes of it.
            return Ok(dir.join(file));
        }
    }
    // A kernel without built-in modules has an empty one, and some images have none.
    let builtin = lines(&dir.join("modules.builtin")).unwrap_or_default();
    if builtin.lines().any(|file| names(file, name)) {
        bail!("{name} is built into this kernel: it is never loaded");
    }
    match files {
        Ok(_) => bail!(
            "no module {name} in {}: if it was installed since, run depmod; else give the path of its file",
            list.display()
        ),
        Err(error) => bail!(
            "cannot look for module {name}: {}: {error}; run depmod, or give the path of its file",
            list.display()
        ),
    }
}

fn lines(path: &Path) -> io::Result<String> {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// A file's name without what says that it is a module, and how it is packed.
fn stem(file: &str) -> &str {
    let base = file.rsplit('/').next().unwrap_or(file);
    let plain = [".xz", ".zst", ".gz"]
        .iter()
        .find_map(|packed| base.strip_suffix(packed));
    plain.unwrap_or(base).strip_suffix(".ko").unwrap_or(base)
}

/// The name of a module that was named by itself or by its file: the kernel makes underscores of dashes.
pub(crate) fn module_name(name_or_path: &str) -> String {
    stem(name_or_path).replace('-', "_")
}

/// Whether it is the file of this module.
fn names(file: &str, module: &str) -> bool {
    module_name(file) == module_name(module)
}

/// What is in a module's file, unpacked.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let context = || format!("cannot read the module {}", path.display());
    let file = File::open(path).with_context(context)?;
    let bytes = bounded(file, BOUND).with_context(context)?;
    unpack(bytes, BOUND).with_context(context)
}

/// Where debugging information that is apart from what it is of is installed: by the build that it is of
/// (`.build-id/ab/cdef.debug`), and below it by the path of the module's file.
const DEBUG: &str = "/usr/lib/debug";

/// The file with a module's debugging information, if one of the same build is installed.
pub(crate) fn debug(path: &Path, elf: &[u8]) -> Option<Vec<u8>> {
    let build = build_id(elf)?;
    debug_places(Path::new(DEBUG), path, &build).find_map(|place| {
        let bytes = read(&place).ok()?;
        (build_id(&bytes).as_ref() == Some(&build)).then_some(bytes)
    })
}

fn debug_places(debug: &Path, path: &Path, build: &str) -> impl Iterator<Item = PathBuf> {
    let (first, rest) = build.split_at_checked(2).unwrap_or_default();
    let by_build = debug.join(".build-id").join(first).join(format!("{rest}.debug"));
    // /lib is a link to /usr/lib where both are one.
    let whole = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = whole.parent().unwrap_or(Path::new("/"));
    let folders = [folder.strip_prefix("/usr"), folder.strip_prefix("/")]
        .into_iter()
        .flatten();
    let folders: Vec<PathBuf> = folders.map(|folder| debug.join(folder)).collect();
    let module = stem(&path.to_string_lossy()).to_owned();
    let by_path = folders.into_iter().flat_map(move |folder| {
        let file = |ending: &str| folder.join(format!("{module}{ending}"));
        [file(".ko"), file(".ko.debug")]
    });
    std::iter::once(by_build).chain(by_path)
}

/// Undoes what the first bytes say was done, as the kernel does: the file's name says nothing.
fn unpack(bytes: Vec<u8>, bound: u64) -> Result<Vec<u8>> {
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
    unpacked.with_context(|| format!("{packer} data that cannot be unpacked"))
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
            assert_eq!(unpack(one.clone(), BOUND).unwrap(), b"one module\n");
            let both = [one, more].concat();
            assert_eq!(unpack(both, BOUND).unwrap(), b"one module\nand more\n");
        }
        assert_eq!(unpack(bytes(XZ_X86), BOUND).unwrap(), b"one module\n");
        assert_eq!(unpack(b"\x7fELF".to_vec(), BOUND).unwrap(), b"\x7fELF");
        assert_eq!(unpack(Vec::new(), BOUND).unwrap(), b"");
    }

    #[test]
    fn what_is_cut_or_damaged_is_an_error_that_names_the_packer() {
        for (packer, [packed, _]) in [("xz", XZ), ("gzip", GZIP), ("zstd", ZSTD)] {
            let whole = bytes(packed);
            for length in 6..whole.len() {
                let error = unpack(whole[..length].to_vec(), BOUND).unwrap_err().to_string();
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
                    let _ = unpack(damaged, BOUND);
                }
            }
        }
    }

    #[test]
    fn what_unpacks_without_end_is_refused() {
        assert_eq!(unpack(bytes(XZ_OF_NOTHING), BOUND).unwrap().len(), 100_000);
        // The dictionary alone needs 8 MiB.
        let refusal = |bound| format!("{:#}", unpack(bytes(XZ_OF_NOTHING), bound).unwrap_err());
        assert!(
            refusal(1 << 20).contains("needed memory too big"),
            "{}",
            refusal(1 << 20)
        );
        let endless = bounded(io::repeat(0), 2 << 20).unwrap_err();
        assert_eq!(endless.to_string(), "more than 2 MiB, which no module has");
        assert_eq!(bounded(io::repeat(0).take(2 << 20), 2 << 20).unwrap().len(), 2 << 20);
    }

    #[test]
    fn a_path_is_taken_as_it_is() {
        for path in [
            "./some_module",
            "/lib/a",
            "xfs.ko",
            "xfs.ko.xz",
            "a-b.ko.gz",
            "x.ko.zst",
        ] {
            assert_eq!(find(path, "no such release").unwrap(), Path::new(path));
        }
        assert_eq!(stem("kernel/fs/xfs.ko.xz"), "xfs");
        assert_eq!(stem("x.xz"), "x.xz");
    }

    #[test]
    fn debugging_information_is_looked_for_by_build_and_by_path() {
        let path = Path::new("/lib/modules/6.1/kernel/fs/no-such-folder/xfs.ko.xz");
        let places: Vec<PathBuf> = debug_places(Path::new("/d"), path, "ab12").collect();
        assert_eq!(
            places,
            [
                "/d/.build-id/ab/12.debug",
                "/d/lib/modules/6.1/kernel/fs/no-such-folder/xfs.ko",
                "/d/lib/modules/6.1/kernel/fs/no-such-folder/xfs.ko.debug",
            ]
            .map(PathBuf::from)
        );
    }

    /// A folder like `/lib/modules/RELEASE`, gone with this.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str, files: &[(&str, &str)]) -> Self {
            let dir = std::env::temp_dir().join(format!("kmodtrace-module-file-{name}-{}", std::process::id()));
            fs::create_dir_all(&dir).unwrap();
            for (file, text) in files {
                fs::write(dir.join(file), text).unwrap();
            }
            Self(dir)
        }

        fn look_up(&self, name: &str) -> Result<PathBuf, String> {
            look_up(name, &self.0).map_err(|error| format!("{error:#}").replace(&self.0.display().to_string(), "DIR"))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn names_are_looked_up_in_the_lists_of_depmod() {
        let dep = "kernel/drivers/cpufreq/pcc-cpufreq.ko.xz:\n\
                   kernel/fs/xfs/xfs.ko.zst: kernel/lib/libcrc32c.ko.zst\n\
                   /elsewhere/far_away.ko:\n";
        let folder = Folder::new(
            "lists",
            &[
                ("modules.dep", dep),
                (
                    "modules.builtin",
                    "kernel/fs/ext4/ext4.ko\nkernel/arch/x86/msr-index.ko\n",
                ),
            ],
        );
        let found = |file: &str| Ok(folder.0.join(file));
        assert_eq!(
            folder.look_up("pcc_cpufreq"),
            found("kernel/drivers/cpufreq/pcc-cpufreq.ko.xz")
        );
        assert_eq!(
            folder.look_up("pcc-cpufreq"),
            found("kernel/drivers/cpufreq/pcc-cpufreq.ko.xz")
        );
        assert_eq!(folder.look_up("xfs"), found("kernel/fs/xfs/xfs.ko.zst"));
        assert_eq!(folder.look_up("far-away"), Ok(PathBuf::from("/elsewhere/far_away.ko")));
        let refused = |text: &str| Err(text.to_owned());
        assert_eq!(
            folder.look_up("msr_index"),
            refused("msr_index is built into this kernel: it is never loaded")
        );
        // It is behind a colon only.
        assert_eq!(
            folder.look_up("libcrc32c"),
            refused(
                "no module libcrc32c in DIR/modules.dep: if it was installed since, run depmod; else give the path of its file"
            )
        );
    }

    #[test]
    fn without_a_list_nothing_is_found() {
        let folder = Folder::new("none", &[]);
        assert_eq!(
            folder.look_up("xfs"),
            Err(
                "cannot look for module xfs: DIR/modules.dep: No such file or directory (os error 2); run depmod, or give \
                 the path of its file"
                    .to_owned()
            )
        );
        let error = read(&folder.0.join("xfs.ko")).unwrap_err();
        assert!(error.to_string().starts_with("cannot read the module "), "{error}");
    }
}
