//! The name of a module that the loader refused before any record named it: its own lines in the kernel log have it.

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
];

/// The module that this line is about, where the loader wrote it.
pub(super) fn named_by(line: &str) -> Option<&str> {
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
