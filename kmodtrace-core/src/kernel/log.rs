//! Lines of the kernel log that say more than that something was written.

/// What the loader writes behind `NAME: ` in its lines (kernel/module/main.c, version.c and signing.c; kernel/module.c before 5.19).
const SAYS: &[&str] = &[
    "version magic '",
    "disagrees about version of symbol",
    "no symbol version for",
    "Unknown symbol",
    "module license '",
    "module verification failed",
    "loading out-of-tree module",
    "module is from the staging directory",
    "module is already loaded",
    "has no symbols (stripped?)",
    "gave up waiting for init of module",
    "module uses symbol",
    "section size must match",
    "unknown parameter '",
    "Could not allocate ",
];

/// What a line begins with that the kernel writes before it ends the task (arch/*/mm/fault.c, lib/bug.c, arch/x86/kernel/traps.c).
pub(crate) const OOPS: &[&str] = &[
    "BUG: kernel NULL pointer dereference",
    "BUG: unable to handle",
    "kernel BUG at ",
    "Unable to handle kernel ",
    "general protection fault",
    "Oops: ",
    "Internal error: ",
];

/// Whether the kernel ends the task that wrote this line.
pub(crate) fn is_oops(line: &str) -> bool {
    OOPS.iter().any(|begin| line.starts_with(begin))
}

/// Whether a request of the kernel wrote this line about itself (kernel/module/kmod.c).
pub(crate) fn is_of_request(line: &str) -> bool {
    line.starts_with("request_module:")
}

/// The module that this line is about, where the loader wrote it: of one that it refused early no record has the name.
pub(crate) fn named_by(line: &str) -> Option<&str> {
    let blacklisted = line
        .strip_prefix("Module ")
        .and_then(|rest| rest.strip_suffix(" is blacklisted"));
    let named = || {
        let (name, says) = line.split_once(": ")?;
        SAYS.iter().any(|own| says.starts_with(own)).then_some(name)
    };
    blacklisted.or_else(named).filter(|name| is_name(name))
}

/// Whether a module can be called so.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::named_by;

    #[test]
    fn the_loader_names_what_it_refuses() {
        assert_eq!(named_by("Module dummy is blacklisted"), Some("dummy"));
        assert_eq!(
            named_by("fd_plain: version magic '6.1' should be '6.2'"),
            Some("fd_plain")
        );
        assert_eq!(named_by("fd-plain: Unknown symbol crc32c (err -2)"), Some("fd-plain"));
    }

    #[test]
    fn others_do_not() {
        assert_eq!(named_by("Loading of unsigned module is rejected"), None);
        assert_eq!(named_by("usb 1-1: no symbol here"), None);
        assert_eq!(named_by("a b: Unknown symbol x (err -2)"), None);
        assert_eq!(named_by("Module  is blacklisted"), None);
    }
}
