//! What a load does itself.

use super::*;

const READ: &str = "+kernel_read_file -kernel_read_file=4096";
const FORMED: &str = "+load_module +module_sig_check -module_sig_check=0 -check_modstruct_version=0 \
    .module_frob_arch_sections -module_enforce_rwx_sections=0 .find_module_all";
const LINKED: &str = ".apply_relocate_add .module_finalize";
const COMING: &str = "-strndup_user=0 -klp_module_coming=0 +blocking_notifier_call_chain_robust \
    -blocking_notifier_call_chain_robust=0";
const CLEANED: &str = "+synchronize_rcu -synchronize_rcu=0 +__mutex_lock_slowpath -__mutex_lock_slowpath=0";

/// Errno, trail, line of the kernel log, and what it comes from. `!` stands for the errno.
const LOADS: &[(&str, &str, &str, &str)] = &[
    (
        "EINVAL",
        "+kernel_read_file -kernel_read_file=!",
        "",
        "read kernel_read_file exact unreadable-file",
    ),
    (
        "ETXTBSY",
        "+kernel_read_file -kernel_read_file=!",
        "",
        "read kernel_read_file exact open-for-write",
    ),
    (
        "EFBIG",
        "+kernel_read_file -kernel_read_file=!",
        "",
        "read kernel_read_file exact file-too-big",
    ),
    (
        "EIO",
        "+kernel_read_file -kernel_read_file=!",
        "",
        "read kernel_read_file exact short-read",
    ),
    (
        "EINTR",
        "+kernel_read_file -kernel_read_file=!",
        "",
        "read kernel_read_file exact read-interrupted",
    ),
    (
        "EACCES",
        "+kernel_read_file -kernel_read_file=!",
        "",
        "read kernel_read_file exact lsm",
    ),
    (
        "ENOMEM",
        "+kernel_read_file -kernel_read_file=!",
        "",
        "read kernel_read_file exact memory",
    ),
    (
        "EINVAL",
        "+idempotent_init_module .init_module_from_file READ +module_decompress -module_decompress=! -idempotent_init_module=!",
        "decompression failed with status 7",
        "decompress module_decompress exact bad-compression",
    ),
    (
        "EINVAL",
        "+idempotent_init_module .init_module_from_file READ +module_decompress -module_decompress=! -idempotent_init_module=!",
        "decompression failed with status 6",
        "decompress module_decompress exact decoder",
    ),
    (
        "EINVAL",
        "READ +load_module -mod_verify_sig=! -load_module=!",
        "",
        "signature mod_verify_sig exact bad-signature",
    ),
    (
        "EKEYREJECTED",
        "READ +load_module +module_sig_check -mod_verify_sig=-126 -module_sig_check=! -load_module=!",
        "",
        "signature module_sig_check exact untrusted-key",
    ),
    (
        "EPERM",
        "READ +load_module +module_sig_check -module_sig_check=! -load_module=!",
        "",
        "signature module_sig_check exact lockdown",
    ),
    (
        "EKEYREJECTED",
        "READ +load_module -load_module=!",
        "m: Loading of unsigned module is rejected",
        "signature load_module exact unsigned",
    ),
    (
        "EKEYREJECTED",
        "READ +load_module -load_module=!",
        "",
        "signature load_module gap unsigned untrusted-key bad-signature",
    ),
    (
        "ENOEXEC",
        "READ +load_module -load_module=!",
        "Invalid ELF header magic: != \u{7f}ELF",
        "checks load_module exact elf-header",
    ),
    (
        "ENOEXEC",
        "READ +load_module +module_sig_check -module_sig_check=0 -load_module=!",
        "",
        "checks load_module gap elf-header no-symbols no-this-module module-struct modversions vermagic livepatch-unsupported",
    ),
    (
        "ENOEXEC",
        "READ +load_module -load_module=!",
        "m: module has no symbols (stripped?)",
        "checks load_module exact no-symbols",
    ),
    (
        "ENOEXEC",
        "READ +load_module -load_module=!",
        "m: No module found in object",
        "checks load_module exact no-this-module",
    ),
    (
        "ENOEXEC",
        "READ +load_module -load_module=!",
        "module m: .gnu.linkonce.this_module section size must match the kernel's built struct module size at run time",
        "checks load_module exact module-struct",
    ),
    (
        "EPERM",
        "READ +load_module -load_module=!",
        "Module m is blacklisted",
        "checks load_module exact blacklisted",
    ),
    (
        "ENOEXEC",
        "READ +load_module -check_modstruct_version=! -load_module=!",
        "",
        "checks check_modstruct_version exact modversions",
    ),
    (
        "ENOEXEC",
        "READ +load_module -load_module=!",
        "m: disagrees about version of symbol module_layout",
        "checks load_module exact modversions",
    ),
    (
        "ENOEXEC",
        "READ +load_module -check_modstruct_version=0 -load_module=!",
        "m: version magic '5.0 ' should be '6.1 '",
        "checks load_module exact vermagic",
    ),
    (
        "ENOEXEC",
        "READ +load_module -load_module=!",
        "m: module is marked as livepatch module, but livepatch support is disabled",
        "checks load_module exact livepatch-unsupported",
    ),
    (
        "ENOEXEC",
        "READ +load_module .module_frob_arch_sections -module_enforce_rwx_sections=! -load_module=!",
        "",
        "layout module_enforce_rwx_sections exact rwx-section",
    ),
    (
        "ENOEXEC",
        "READ +load_module .module_frob_arch_sections -load_module=!",
        "",
        "layout load_module gap rwx-section",
    ),
    (
        "ENOMEM",
        "READ +load_module .module_frob_arch_sections -module_alloc=! -load_module=!",
        "",
        "layout load_module gap memory",
    ),
    (
        "ENOMEM",
        "FORMED CLEANED -load_module=!",
        "m: Could not allocate 65536 bytes percpu data",
        "layout load_module exact memory",
    ),
    (
        "EINVAL",
        "READ +load_module .module_frob_arch_sections -load_module=!",
        "",
        "layout load_module gap codetag",
    ),
    (
        "EINVAL",
        "FORMED CLEANED -load_module=!",
        "m: has both .ctors and .init_array.",
        "layout load_module exact constructors",
    ),
    (
        "ENOEXEC",
        "FORMED CLEANED -load_module=!",
        "m: please compile with -fno-common",
        "symbols load_module exact common-symbol",
    ),
    (
        "ENOEXEC",
        "FORMED CLEANED -load_module=!",
        "m: Symbol x has an invalid section index 77 (max 30)",
        "symbols load_module exact bad-section-index",
    ),
    (
        "ENOEXEC",
        "FORMED CLEANED -load_module=!",
        "",
        "symbols load_module gap common-symbol bad-section-index",
    ),
    (
        "ENOEXEC",
        "FORMED .apply_relocate_add -apply_relocate_add=! CLEANED -load_module=!",
        "",
        "relocation apply_relocate_add exact relocation",
    ),
    (
        "EFAULT",
        "FORMED LINKED -strndup_user=! CLEANED -load_module=!",
        "",
        "arguments strndup_user exact bad-arguments-address",
    ),
    (
        "EINVAL",
        "FORMED LINKED -strndup_user=! CLEANED -load_module=!",
        "",
        "arguments strndup_user exact arguments-too-long",
    ),
    (
        "ENOMEM",
        "FORMED LINKED -strndup_user=! CLEANED -load_module=!",
        "",
        "arguments strndup_user exact memory",
    ),
    (
        "ENOEXEC",
        "FORMED LINKED -strndup_user=0 CLEANED -load_module=!",
        "m: exports duplicate symbol kt (owned by n)",
        "formation load_module exact duplicate-export",
    ),
    (
        "EINVAL",
        "FORMED LINKED -strndup_user=0 CLEANED -load_module=!",
        "",
        "formation load_module gap protect-memory misaligned",
    ),
    (
        "EIO",
        "FORMED LINKED -strndup_user=0 CLEANED -load_module=!",
        "",
        "formation load_module gap protect-memory",
    ),
    (
        "EINVAL",
        "FORMED LINKED -strndup_user=0 -klp_module_coming=! CLEANED -load_module=!",
        "",
        "notifiers klp_module_coming exact livepatch-coming",
    ),
    (
        "EINVAL",
        "FORMED LINKED -strndup_user=0 -klp_module_coming=0 +blocking_notifier_call_chain_robust \
         -blocking_notifier_call_chain_robust=! CLEANED -load_module=!",
        "failed to validate module [m] BTF: -22",
        "notifiers blocking_notifier_call_chain_robust exact notifier",
    ),
    (
        "ERANGE",
        "FORMED LINKED COMING +parse_args -parse_args=! -blocking_notifier_call_chain=0 CLEANED -load_module=!",
        "m: `101' invalid for parameter `number'",
        "parameters parse_args exact parameter",
    ),
    (
        "EINVAL",
        "FORMED LINKED COMING +parse_args -parse_args=0 +mod_sysfs_setup -mod_sysfs_setup=! CLEANED -load_module=!",
        "",
        "sysfs mod_sysfs_setup exact name-clash",
    ),
    (
        "ENOMEM",
        "FORMED LINKED COMING +parse_args -parse_args=0 +mod_sysfs_setup -mod_sysfs_setup=! CLEANED -load_module=!",
        "",
        "sysfs mod_sysfs_setup exact memory sysfs",
    ),
    (
        "EIO",
        "FORMED LINKED COMING +parse_args -parse_args=0 +mod_sysfs_setup -mod_sysfs_setup=! CLEANED -load_module=!",
        "",
        "sysfs mod_sysfs_setup exact sysfs",
    ),
];

fn written(trail: &str, errno: &str) -> String {
    [
        ("READ", READ),
        ("FORMED", FORMED),
        ("LINKED", LINKED),
        ("COMING", COMING),
        ("CLEANED", CLEANED),
    ]
    .into_iter()
    .fold(trail.to_owned(), |trail, (word, marks)| trail.replace(word, marks))
    .replace('!', &number(errno).to_string())
}

#[test]
fn each_function_makes_its_own() {
    for (errno, trail, line, expected) in LOADS {
        let mut attempt = attempt(number(errno), &written(trail, errno));
        attempt.load = trail.contains("load_module=").then(|| Span::from(Ktime(1)));
        attempt.log = [*line].into_iter().filter(|line| !line.is_empty()).map(log).collect();
        assert_eq!(told(&attempt), *expected, "{errno} {trail}");
    }
}

#[test]
fn the_same_call_that_succeeds_has_no_origin() {
    for (errno, trail, line, _) in LOADS {
        let mut attempt = attempt(0, &written(trail, errno));
        attempt.log.push(log(line));
        assert_eq!(of(&attempt, &Coverage::default(), nobody), None);
    }
}

#[test]
fn an_errno_that_was_handled_is_not_the_origin() {
    // Without a key the signature counts for nothing, unless that is enforced; its errno comes back in init.
    let trail = written(
        "READ +load_module -mod_verify_sig=! FORMED LINKED COMING -load_module=!",
        "EINVAL",
    );
    let mut failed = attempt(-22, &trail);
    failed.load = Some(Span::from(Ktime(1)));
    assert_eq!(told(&failed), "parameters load_module gap parameter");
}

#[test]
fn what_was_not_watched_comes_later() {
    // Nothing behind the look-up of the name was watched.
    let mut failed = attempt(
        -14,
        "+load_module .module_frob_arch_sections .find_module_all -load_module=-14",
    );
    failed.load = Some(Span::from(Ktime(1)));
    assert_eq!(told(&failed), "arguments load_module gap bad-arguments-address");
    failed.trail =
        marks("+load_module .module_frob_arch_sections .find_module_all +klp_module_coming -load_module=-22");
    failed.errno = Some(Errno(22));
    assert_eq!(
        told(&failed),
        "notifiers load_module gap livepatch-coming notifier parameter name-clash"
    );
}

#[test]
fn what_a_kernel_looks_up_early_is_early() {
    let trail = "+load_module .find_module_all -load_module=-8";
    let mut failed = attempt(-8, trail);
    failed.load = Some(Span::from(Ktime(1)));
    let origin = of(&failed, &Coverage::default(), nobody).unwrap();
    assert_eq!(
        origin.certainty,
        Certainty::Gap {
            after: "find_module_all",
            before: "module_frob_arch_sections"
        }
    );
    assert!(
        !origin.causes.iter().any(|cause| cause.id == "elf-header"),
        "{origin:?}"
    );
}

#[test]
fn errnos_travel_outwards() {
    let trail =
        "+load_module +do_init_module +do_one_initcall -do_one_initcall=-19 -do_init_module=-19 -load_module=-19";
    let origin = of(&attempt(-19, trail), &Coverage::default(), nobody).unwrap();
    assert_eq!(in_words(&origin), "init do_one_initcall exact init");
    assert_eq!(origin.through, ["do_init_module", "load_module"]);
}
