//! The commits of the demo, on top of Debian's source: all of them ours, one of them bad.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use guest_vm::kernel::build::edit::{self, Substitution};

use super::branch::Branch;

/// What a commit does to the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Harmless,
    /// It does not compile; the next one repairs it. It is the first that `git bisect` asks for, in the middle.
    Unbuildable,
    /// It brings the regression.
    Bad,
}

/// How a commit changes its file.
#[derive(Debug)]
enum Change {
    /// Other words in a function.
    Within(&'static str, &'static [Substitution]),
    /// A text above a function.
    Above(&'static str, &'static str),
    /// A text at the end.
    End(&'static str),
    /// What the branch says.
    Regression,
}

/// A commit as it is written down here.
#[derive(Debug)]
pub(super) struct Commit {
    pub(super) role: Role,
    pub(super) subject: &'static str,
    pub(super) file: &'static str,
    change: Change,
}

const fn harmless(subject: &'static str, file: &'static str, change: Change) -> Commit {
    Commit {
        role: Role::Harmless,
        subject,
        file,
        change,
    }
}

const LOADER: &str = "kernel/module/main.c";
const SYMBOLS: &str = "kernel/module/kallsyms.c";
const ATTRIBUTES: &str = "kernel/module/sysfs.c";
const REQUESTS: &str = "kernel/kmod.c";
const CPUFREQ: &str = "drivers/cpufreq/acpi-cpufreq.c";

/// Oldest first. Subjects are those of a kernel's history, and do not tell which one is which.
pub(super) static SERIES: [Commit; 20] = [
    harmless(
        "module: say who waits for init sections to be freed",
        LOADER,
        Change::Above(
            "flush_module_init_free_work",
            "/* For those who need them to be gone, such as mark_rodata_ro(). */\n",
        ),
    ),
    harmless(
        "cpufreq: acpi: log when preparation begins",
        CPUFREQ,
        Change::Within(
            "acpi_cpufreq_init",
            &[(
                "ret = acpi_cpufreq_early_init",
                "pr_debug(\"preparing\\n\");\n\tret = acpi_cpufreq_early_init",
            )],
        ),
    ),
    harmless(
        "docs: module-signing: name the place of refusals",
        "Documentation/admin-guide/module-signing.rst",
        Change::End("\n.. A refused signature is told in the kernel log, once for each module.\n"),
    ),
    harmless(
        "kmod: log which program answers a request",
        REQUESTS,
        Change::Within(
            "call_modprobe",
            &[(
                "argv[0] =",
                "pr_debug(\"%s is asked for %s\\n\", modprobe_path, module_name);\n\targv[0] =",
            )],
        ),
    ),
    harmless(
        "module: sysfs: log when attributes appear",
        ATTRIBUTES,
        Change::Within(
            "mod_sysfs_setup",
            &[(
                "add_sect_attrs(",
                "pr_debug(\"%s: sections and notes\\n\", mod->name);\n\tadd_sect_attrs(",
            )],
        ),
    ),
    harmless(
        "module: log who may not load",
        LOADER,
        Change::Within(
            "may_init_module",
            &[("return 0", "pr_debug(\"%s may load\\n\", current->comm);\n\treturn 0")],
        ),
    ),
    harmless(
        "ovl: mark the end of the module's entry points",
        "fs/overlayfs/super.c",
        Change::End("\n/* Nothing but the module's own entry points and their data belongs down here. */\n"),
    ),
    harmless(
        "module: kallsyms: note what callers may rely on",
        SYMBOLS,
        Change::Above(
            "kallsyms_symbol_name",
            "/* The name belongs to the module, and goes with it. */\n",
        ),
    ),
    harmless(
        "module: Makefile: say where the rest of kmod lives",
        "kernel/module/Makefile",
        Change::End("\n# Requests for modules are one directory up, in kmod.c and umh.c.\n"),
    ),
    Commit {
        role: Role::Unbuildable,
        subject: "module: count the modules that were freed",
        file: LOADER,
        change: Change::Within(
            "free_module",
            &[("trace_module_free(mod)", "trace_module_free(mod);\n\tmodules_freed++")],
        ),
    },
    harmless(
        "module: keep modules_freed beside its user",
        LOADER,
        Change::Above("free_module", "static unsigned long modules_freed;\n\n"),
    ),
    harmless(
        "module: log the start of init functions",
        LOADER,
        Change::Within(
            "do_init_module",
            &[(
                "do_mod_ctors(mod);",
                "pr_debug(\"%s: starting\\n\", mod->name);\n\tdo_mod_ctors(mod);",
            )],
        ),
    ),
    harmless(
        "module: procfs: describe the lock of /proc/modules",
        "kernel/module/procfs.c",
        Change::Above(
            "m_stop",
            "/* The list was held still since m_start(), for one buffer of output. */\n",
        ),
    ),
    Commit {
        role: Role::Bad,
        subject: "module: look at the name once more after a wait",
        file: LOADER,
        change: Change::Regression,
    },
    harmless(
        "kmod: say who frees the arguments",
        REQUESTS,
        Change::Above(
            "free_modprobe_argv",
            "/* Called when the helper is done with them, or could not be started. */\n",
        ),
    ),
    harmless(
        "cpufreq: acpi: note the order of module aliases",
        CPUFREQ,
        Change::End("\n/* Aliases are looked up by modprobe, so their order does not matter. */\n"),
    ),
    harmless(
        "module: log when init sections are freed",
        LOADER,
        Change::Within(
            "do_free_init",
            &[("synchronize_rcu();", "pr_debug(\"freeing\\n\");\n\tsynchronize_rcu();")],
        ),
    ),
    harmless(
        "module: strict_rwx: note what stays writable",
        "kernel/module/strict_rwx.c",
        Change::End("\n/* Data that is not marked read-only after init stays writable for good. */\n"),
    ),
    harmless(
        "module: sysfs: describe the order of removal",
        ATTRIBUTES,
        Change::Above("mod_sysfs_fini", "/* The other way round than mod_sysfs_setup(). */\n"),
    ),
    harmless(
        "module: describe what is validated first",
        LOADER,
        Change::Above(
            "check_modinfo",
            "/* Called once elf_validity_check() has passed: sections lie within the file, and strings end. */\n",
        ),
    ),
];

impl Commit {
    /// The file as it is after this commit.
    fn apply(&self, branch: Branch, source: &str) -> Result<String> {
        match self.change {
            Change::Within(function, substitutions) => edit::in_function(source, function, substitutions),
            Change::Above(function, text) => edit::above_function(source, function, text),
            Change::End(text) => Ok([source, text].concat()),
            Change::Regression => branch.regression(source),
        }
    }
}

/// The text of each commit's file; `source` gives files as Debian has them.
pub(super) fn texts(branch: Branch, source: impl Fn(&str) -> Result<String>) -> Result<Vec<String>> {
    let mut files = BTreeMap::new();
    let mut texts = Vec::new();
    for commit in &SERIES {
        let before = match files.remove(commit.file) {
            Some(text) => text,
            None => source(commit.file)?,
        };
        let after = commit
            .apply(branch, &before)
            .with_context(|| format!("cannot make the commit {:?}", commit.subject))?;
        files.insert(commit.file, after.clone());
        texts.push(after);
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::{Role, SERIES};

    #[test]
    fn one_is_bad_and_the_middle_does_not_build() {
        let bad = SERIES.iter().filter(|commit| commit.role == Role::Bad);
        assert_eq!(bad.count(), 1);
        let unbuildable = SERIES.iter().position(|commit| commit.role == Role::Unbuildable);
        assert_eq!(unbuildable, Some(SERIES.len() / 2 - 1));
    }

    #[test]
    fn subjects_are_told_apart() {
        let mut subjects: Vec<_> = SERIES.iter().map(|commit| commit.subject).collect();
        subjects.sort_unstable();
        subjects.dedup();
        assert_eq!(subjects.len(), SERIES.len());
        assert!(subjects.iter().all(|subject| subject.len() < 60));
    }
}
