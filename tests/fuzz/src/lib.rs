//! Targets of a fuzzer: everything of kmodtrace that reads bytes which others made, and everything that is made of them.
//!
//! A target takes any bytes, and panics where something is wrong: the code under it panics, or what it wrote is not what it should be.
//! Seeds are made of the recordings and files that the tests of the crates have. `cargo xtask fuzz` runs targets.

#![expect(clippy::unwrap_used, reason = "a panic is how a target says that something is wrong")]

mod bisect;
mod container;
mod header;
mod kernel;
mod metrics;
mod module_file;
mod records;
mod story;
mod views;
mod written;

/// Something to be fuzzed.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// What users call it.
    pub name: &'static str,
    /// Takes any bytes, and panics where something is wrong.
    pub run: fn(&[u8]),
    /// Inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Bytes that an input has at most: what is longer takes longer, and does nothing else.
    pub longest: usize,
    /// Runs of it in the gate: so many that all targets take about as long.
    pub runs: u32,
}

/// All of them, from what is read first to what is made last.
pub const TARGETS: &[Target] = &[
    target("container", container::run, container::seeds, 4096, 8_000),
    target("records", records::run, records::seeds, 4096, 8_000),
    target("header", header::run, header::seeds, 8192, 3_000),
    of_story("lines", views::lines),
    of_story("attempts", views::attempts),
    of_story("report", views::report),
    of_story("why", views::why),
    of_story("graph", views::graph),
    of_story("drill", views::drill),
    of_story("diff", views::diff),
    of_story("samples", bisect::sample),
    of_story("monitor", views::monitor),
    of_story("metrics", metrics::run),
    target("rules", bisect::rules, bisect::rule_seeds, 256, 20_000),
    target("session", bisect::session, bisect::session_seeds, 4096, 8_000),
    target("btf", kernel::btf, kernel::btf_seeds, 4096, 20_000),
    target("kallsyms", kernel::kallsyms, kernel::kallsyms_seeds, 1024, 20_000),
    target("facts", kernel::facts, kernel::facts_seeds, 8192, 2_000),
    target("ring", kernel::ring, kernel::ring_seeds, 1024, 20_000),
    target("unpack", module_file::unpacked, module_file::packed_seeds, 1024, 5_000),
    target("elf", module_file::elf, module_file::elf_seeds, 16 << 10, 5_000),
    target("dwarf", module_file::dwarf, module_file::dwarf_seeds, 4096, 5_000),
];

const fn target(name: &'static str, run: fn(&[u8]), seeds: fn() -> Vec<Vec<u8>>, longest: usize, runs: u32) -> Target {
    Target {
        name,
        run,
        seeds,
        longest,
        runs,
    }
}

/// One that takes what finished in a story.
const fn of_story(name: &'static str, run: fn(&[u8])) -> Target {
    target(name, run, story::seeds, story::LONGEST, 3_000)
}

#[cfg(test)]
mod tests {
    use super::TARGETS;

    #[test]
    fn every_seed_is_taken() {
        for target in TARGETS {
            let seeds = (target.seeds)();
            assert!(!seeds.is_empty(), "{} has no seeds", target.name);
            for seed in seeds {
                assert!(seed.len() <= target.longest, "{}: {} bytes", target.name, seed.len());
                (target.run)(&seed);
            }
        }
    }
}
