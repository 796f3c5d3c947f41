//! What a kernel tells of itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use kmodtrace_core::kernel::btf::{BtfAnswers, BtfFunction, BtfQuestions, Prototype, returns, scan};
use kmodtrace_core::kernel::facts::{KernelFacts, Questions};
use kmodtrace_core::kernel::kallsyms::Scanner;
use kmodtrace_core::kernel::ring::Ring;
use kmodtrace_core::model::Ktime;
use kmodtrace_core::plan::{CATALOGUE, check, questions, render, resolve};
use kmodtrace_core::text::write_json_line;

use crate::module_file;
use crate::written::{json, text};

/// What is asked of an x86-64 kernel.
static QUESTIONS: LazyLock<Questions> = LazyLock::new(|| questions("x86_64"));

/// BTF of a kernel, and of a module behind one. What is told of functions is true of the outline too.
pub(crate) fn btf(bytes: &[u8]) {
    let functions = &QUESTIONS.functions;
    let members: Vec<_> = QUESTIONS.members.iter().copied().collect();
    let types: Vec<_> = QUESTIONS.types.iter().copied().collect();
    let questions = BtfQuestions {
        functions,
        members: &members,
        types: &types,
    };
    if let Ok(answers) = scan(bytes, &questions) {
        // Numbers of types may be large where only few types are.
        assert!(
            answers
                .functions
                .values()
                .all(|function| function.id as usize <= bytes.len())
        );
        let outline = scan(&answers.outline(), &questions).unwrap();
        assert!(outline.functions.is_empty() || outline.functions.keys().eq(answers.functions.keys()));
    }
    let wanted: BTreeSet<&str> = functions
        .iter()
        .map(|(name, _)| name.as_str())
        .chain(["leaf", "outer", "sign"])
        .collect();
    let _ = returns(bytes, None, &wanted);
    let (base, split) = bytes.split_at(bytes.len() / 2);
    let _ = returns(base, Some(split), &wanted);
    let _ = returns(&module_file::NO_BTF, Some(bytes), &wanted);
}

/// BTF of a module, and outlines of kernels.
pub(crate) fn btf_seeds() -> Vec<Vec<u8>> {
    let mut answers = BtfAnswers::default();
    for (id, (name, args)) in (1..).zip(&QUESTIONS.functions) {
        let prototype = Prototype {
            args: *args,
            variadic: false,
        };
        answers.functions.insert(name.clone(), BtfFunction { id, prototype });
    }
    let outline = answers.outline();
    vec![module_file::section(".BTF"), outline]
}

/// A text of kallsyms.
pub(crate) fn kallsyms(bytes: &[u8]) {
    let functions = QUESTIONS.functions.iter().map(|(name, _)| name.as_str());
    let mut scanner = Scanner::new(functions, QUESTIONS.data_symbols.iter().copied());
    bytes.split(|byte| *byte == b'\n').for_each(|line| scanner.line(line));
    let found = scanner.finish();
    assert!(
        found
            .functions
            .values()
            .all(|symbol| symbol.count > 0 || !symbol.variants.is_empty())
    );
}

/// Lines of all kinds for each of a few names.
pub(crate) fn kallsyms_seeds() -> Vec<Vec<u8>> {
    let functions = QUESTIONS.functions.iter().map(|(name, _)| name.as_str());
    let names: Vec<_> = functions.chain(QUESTIONS.data_symbols.iter().copied()).collect();
    let lines = names.chunks(8).map(|names| {
        let line = |(at, name): (usize, &&str)| {
            let ending = [
                "",
                ".isra.0",
                ".llvm.7",
                "\t[xfs]",
                ".cold",
                "",
                ".part.1",
                ".constprop.0",
            ][at % 8];
            format!(
                "{:016x} {} {name}{ending}\n",
                0xffff_ffff_8100_0000_u64 + at as u64,
                ["T", "t", "d", "W"][at % 4]
            )
        };
        names.iter().enumerate().map(line).collect::<String>().into_bytes()
    });
    lines.collect()
}

/// Facts, the plan for such a kernel, and what `check` says of it.
pub(crate) fn facts(bytes: &[u8]) {
    let Ok(json_text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Ok(facts) = KernelFacts::from_json(json_text) else {
        return;
    };
    let report = check(&facts, &resolve(CATALOGUE, &facts));
    text(|out| std::io::Write::write_all(out, render(&report).as_bytes()));
    json(|out| write_json_line(&report, out));
    let again = KernelFacts::from_json(&serde_json::to_string(&facts).unwrap()).unwrap();
    assert_eq!(again, facts);
}

/// Facts of kernels, with a few of their functions.
pub(crate) fn facts_seeds() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../kmodtrace-core/tests/facts");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let seed = |(at, file): (usize, &std::path::PathBuf)| {
        let mut facts = KernelFacts::from_json(&fs::read_to_string(file).unwrap()).unwrap();
        let (begin, end) = (4 * at, 4 * at + 24);
        let mut number = 0;
        facts.functions.retain(|_, _| {
            number += 1;
            (begin..end).contains(&number)
        });
        serde_json::to_vec(&facts).unwrap()
    };
    files.iter().enumerate().map(seed).collect()
}

/// The kernel's own ring of events.
pub(crate) fn ring(bytes: &[u8]) {
    let ring = Ring::read(bytes, Ktime(7_000_000_000)).unwrap();
    json(|out| write_json_line(&ring, out));
}

/// A text of it, as `trace_print_context` in the kernel prints it.
pub(crate) fn ring_seeds() -> Vec<Vec<u8>> {
    let lines = [
        "# tracer: nop\n#\n# entries-in-buffer/entries-written: 6/6   #P:4\n#\n",
        "       swapper/0-1       [001] .....     5.371004: module_request: crypto-cbc(aes) wait=1 call_site=crypto_larval_lookup\n",
        "   kworker/u16:1-42      [000] .....     5.500000: module_request: hdaudio:v1\n wait=0 call_site=x [snd]\n",
        "           <...>-7       [001] d..1.     5.600000: module_load: failover \n",
        "CPU:1 [LOST 17 EVENTS]\n           modprobe-8     [001] .....     6.000000: module_free: failover\n",
    ];
    (1..=lines.len())
        .map(|count| lines[..count].concat().into_bytes())
        .collect()
}
