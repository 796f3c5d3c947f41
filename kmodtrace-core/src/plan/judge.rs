//! Whether this kernel can take a candidate, and in plain words why not.

use super::spec::{Attach, Candidate, Hook, Mechanism};
use super::symbol::{Form, Symbol, symbol};
use crate::kernel::facts::{FunctionFacts, KernelFacts};

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
        Mechanism::KprobeMulti | Mechanism::KretprobeMulti => kprobe_multi(attach, facts),
        Mechanism::Kprobe | Mechanism::Kretprobe => kprobe_event(attach, facts),
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
    let Symbol { name, form, function } = match symbol(hook, facts) {
        Ok(symbol) => symbol,
        Err(reason) => return Some(reason),
    };
    if form != Form::Plain {
        return Some(format!("renamed to {name} by the compiler"));
    }
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
    arguments(hook, function)
}

fn raw_tracepoint(hook: &Hook, facts: &KernelFacts) -> Option<String> {
    let Hook::Tracepoint {
        name, symbol, typedef, ..
    } = hook
    else {
        return Some("not a tracepoint".to_owned());
    };
    // Where nobody knows, it is tried.
    (facts.tracepoint(name, symbol, typedef) == Some(false)).then(|| format!("no tracepoint {name}"))
}

/// Functions are given by their addresses: a name may be that of several, and the same function given more than once makes the pool
/// of returns larger.
fn kprobe_multi(attach: &Attach, facts: &KernelFacts) -> Option<String> {
    if !facts.addresses {
        return Some("kernel addresses are hidden".to_owned());
    }
    probed(attach, facts)
}

fn kprobe_event(attach: &Attach, facts: &KernelFacts) -> Option<String> {
    if !facts.environment.kprobes {
        return Some("no kprobes".to_owned());
    }
    tracefs(facts).or_else(|| probed(attach, facts))
}

fn tracefs(facts: &KernelFacts) -> Option<String> {
    (!facts.environment.tracefs).then(|| "tracefs cannot be read".to_owned())
}

/// Only a program that reads arguments needs those that it knows. Others may sit on what has the name, whatever BTF has: of two functions
/// of one name BTF may have the other one's prototype.
fn probed(attach: &Attach, facts: &KernelFacts) -> Option<String> {
    let Symbol { name, form, function } = match symbol(&attach.hook, facts) {
        Ok(symbol) => symbol,
        Err(reason) => return Some(reason),
    };
    if !attach.reads_arguments() {
        return None;
    }
    if form == Form::Altered {
        return Some(format!(
            "renamed to {name} by the compiler: its arguments may be others"
        ));
    }
    arguments(&attach.hook, function)
}

fn tracepoint(facts: &KernelFacts) -> Option<String> {
    tracefs(facts).or_else(|| (!facts.environment.tracepoints).then(|| "no tracepoints of system calls".to_owned()))
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
    match facts.data_symbol(symbol) {
        Some(true) if facts.addresses => None,
        Some(true) => Some(format!(
            "the address of {symbol} is hidden (CAP_SYSLOG shows it, unless kernel.kptr_restrict is 2)"
        )),
        Some(false) => Some(format!("no symbol {symbol}")),
        None => Some(format!(
            "the address of {symbol} is not known: kallsyms lists no data (CONFIG_KALLSYMS_ALL)"
        )),
    }
}
