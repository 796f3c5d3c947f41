//! Whether this kernel can take a candidate, and in plain words why not.

use super::spec::{Attach, Candidate, Hook, Mechanism};
use crate::facts::{FunctionFacts, KernelFacts};

/// None when nothing speaks against the candidate; otherwise the first reason.
pub(super) fn refusal(candidate: &Candidate, facts: &KernelFacts) -> Option<String> {
    candidate
        .attach
        .iter()
        .find_map(|attach| attachment(attach, facts))
        .or_else(|| candidate.needs.and_then(|symbol| address(symbol, facts)))
}

fn attachment(attach: &Attach, facts: &KernelFacts) -> Option<String> {
    match attach.mechanism {
        Mechanism::Fentry | Mechanism::Fexit => trampoline(&attach.hook, facts),
        Mechanism::KprobeMulti | Mechanism::KretprobeMulti => kprobe_multi(&attach.hook, facts),
        Mechanism::Kprobe | Mechanism::Kretprobe => kprobe_event(&attach.hook, facts),
        Mechanism::TracepointEnter | Mechanism::TracepointExit => tracepoint(facts),
        Mechanism::RawTracepoint => raw_tracepoint(&attach.hook, facts),
        Mechanism::Tracepoint => tracefs(facts).or_else(|| raw_tracepoint(&attach.hook, facts)),
    }
}

/// BTF must have the function as the programs know it and kallsyms its exact name: BTF keeps the names of functions that the compiler
/// has renamed since, and the kernel then finds no address.
fn trampoline(hook: &Hook, facts: &KernelFacts) -> Option<String> {
    if !facts.btf {
        return Some("no BTF".to_owned());
    }
    if !facts.ftrace {
        return Some("no trampolines".to_owned());
    }
    let function = match function(hook, facts) {
        Ok(function) => function,
        Err(reason) => return Some(reason),
    };
    if function.btf_args.is_none() {
        return Some("not in BTF".to_owned());
    }
    // bpf_check_attach_target refuses "variable args is unsupported" (btf_distill_func_proto, kernel/bpf/btf.c).
    if function.variadic {
        return Some("it takes variable arguments".to_owned());
    }
    // arch_prepare_bpf_trampoline gives -ENOTSUPP (arch/x86/net/bpf_jit_comp.c).
    if hook.args() > facts.trampoline_args {
        return Some(format!("trampolines take {} arguments", facts.trampoline_args));
    }
    arguments(hook, &function)
}

fn raw_tracepoint(hook: &Hook, facts: &KernelFacts) -> Option<String> {
    let Hook::Tracepoint { name, symbol, .. } = hook else {
        return Some("not a tracepoint".to_owned());
    };
    (facts.data_symbols.get(*symbol) != Some(&true)).then(|| format!("no tracepoint {name}"))
}

/// Functions are given by their addresses: a name may be that of several, and the same function given more than once makes the pool
/// of returns larger.
fn kprobe_multi(hook: &Hook, facts: &KernelFacts) -> Option<String> {
    if !facts.fprobe {
        return Some("no fprobes".to_owned());
    }
    if !facts.addresses {
        return Some("kernel addresses are hidden".to_owned());
    }
    probed(hook, facts)
}

fn kprobe_event(hook: &Hook, facts: &KernelFacts) -> Option<String> {
    if !facts.environment.kprobes {
        return Some("no kprobes".to_owned());
    }
    tracefs(facts).or_else(|| probed(hook, facts))
}

fn tracefs(facts: &KernelFacts) -> Option<String> {
    (!facts.environment.tracefs).then(|| "tracefs cannot be read".to_owned())
}

fn probed(hook: &Hook, facts: &KernelFacts) -> Option<String> {
    match function(hook, facts) {
        Ok(function) => arguments(hook, &function),
        Err(reason) => Some(reason),
    }
}

fn tracepoint(facts: &KernelFacts) -> Option<String> {
    tracefs(facts).or_else(|| (!facts.environment.tracepoints).then(|| "no tracepoints of system calls".to_owned()))
}

/// The function, if kallsyms has exactly one symbol of its name.
fn function(hook: &Hook, facts: &KernelFacts) -> Result<FunctionFacts, String> {
    let arch = &facts.environment.arch;
    let symbol = hook
        .symbol(arch)
        .ok_or_else(|| format!("the name of the wrapper on {arch} is not known"))?;
    let function = facts.functions.get(&symbol).cloned().unwrap_or_default();
    match (function.symbols, function.variants.as_slice()) {
        (1, _) => Ok(function),
        (0, []) => Err("no symbol (inlined, or not there)".to_owned()),
        (0, variants) => Err(format!("renamed to {} by the compiler", variants.join(", "))),
        (count, _) => Err(format!("{count} symbols of that name")),
    }
}

fn arguments(hook: &Hook, function: &FunctionFacts) -> Option<String> {
    let found = function.btf_args.filter(|&found| found != hook.args())?;
    let plural = if found == 1 { "" } else { "s" };
    Some(format!(
        "BTF has it with {found} argument{plural}, {} expected",
        hook.args()
    ))
}

fn address(symbol: &str, facts: &KernelFacts) -> Option<String> {
    if facts.data_symbols.get(symbol) != Some(&true) {
        Some(format!("no symbol {symbol}"))
    } else if facts.addresses {
        None
    } else {
        Some(format!(
            "the address of {symbol} is hidden (CAP_SYSLOG shows it, unless kernel.kptr_restrict is 2)"
        ))
    }
}
