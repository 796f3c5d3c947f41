//! What the recording has of the kernel's ring, against the kernel's own trace: all before the tracer was attached, and nothing else.

use anyhow::{Context as _, Result, ensure};

use super::trace::{Named, Trace};
use crate::compare::few;
use crate::observed::{BeforeTracer, EventNames, Report};

/// Compares requests and loads by time, task and name. Gives a line about them.
pub(super) fn check(report: &Report, trace: &Trace) -> Result<String> {
    let before = report.account.as_ref().and_then(|account| account.before.as_ref());
    let before = before.context("the report has nothing of the time before attaching")?;
    ensure!(before.unobserved.is_none(), "not observed: {:?}", before.unobserved);
    let ring = before
        .ring
        .as_ref()
        .context("the recording has nothing of the kernel's ring")?;
    let missing = (ring.left_out, ring.lost, ring.unread);
    ensure!(missing == (0, Some(0), 0), "the ring is not whole: {missing:?}");
    let attached = report.recording.began_ns;
    let requests = same(
        before,
        "module_request",
        &trace.requests,
        attached,
        before.requests.as_ref(),
    )?;
    let loads = same(before, "module_load", &trace.loads, attached, before.loads.as_ref())?;
    // The crypto templates that initcalls ask for.
    ensure!(
        requests > 0,
        "the kernel requested nothing before the tracer was attached"
    );
    Ok(format!(
        "before attaching: {requests} requests and {loads} loads, the same in the recording"
    ))
}

/// How many there are, where they are the same.
fn same(
    before: &BeforeTracer,
    what: &str,
    traced: &[Named],
    attached: u64,
    names: Option<&EventNames>,
) -> Result<usize> {
    let events = before.ring.iter().flat_map(|ring| &ring.events);
    let mut recorded: Vec<_> = events
        .filter(|event| event.what == what)
        .map(|event| (event.time_ns, event.tid, event.name.as_str()))
        .collect();
    let mut expected: Vec<_> = traced
        .iter()
        .filter(|event| event.time_ns < attached)
        .map(|event| (event.time_ns, event.tid, event.name.as_str()))
        .collect();
    recorded.sort_unstable();
    expected.sort_unstable();
    let differ = |of: &[_], others: &[_]| -> Vec<String> {
        let only = of.iter().filter(|one: &&(u64, u32, &str)| !others.contains(*one));
        only.map(|one| format!("{one:?}")).collect()
    };
    ensure!(
        recorded == expected,
        "{what}: only the trace has {}; only the recording has {}",
        few(&differ(&expected, &recorded)),
        few(&differ(&recorded, &expected))
    );
    let counted = names.map(|names| names.count);
    ensure!(counted == Some(expected.len()), "{what}: the report counts {counted:?}");
    Ok(expected.len())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;
    use crate::boot::trace::parse;

    const TRACE: &str = "swapper/0-1 [0] ..... 1.000000: module_request: crypto-cbc(aes) wait=1 call_site=x
a-2 [0] ..... 1.500000: sys_finit_module(fd: 3, uargs: 0, flags: 4)
a-2 [0] ..... 1.600000: module_load: fat\x20
a-2 [0] ..... 2.500000: module_request: nls_utf8 wait=1 call_site=load_nls
";

    /// Attached at 2 s.
    const REPORT: &str = r#"{"kernel":{"release":"6.12"},"recording":{"began_ns":2000000000},"quality":
        {"lost":0,"missed":0,"clipped":0,"began_before":0,"exit_not_seen":0,"in_flight":0,"truncated":null,"unobserved":[]},
        "modules":[],"unloads":[],"attempts":[],"requests":[],"account":{"loads":1,"already_there":0,"before":{"requests":{"count":1},"loads":{"count":1},
        "unobserved":null,"ring":{"left_out":0,"lost":0,"unread":0,"events":[
        {"time_ns":1000000000,"tid":1,"what":"module_request","name":"crypto-cbc(aes)"},
        {"time_ns":1600000000,"tid":2,"what":"module_load","name":"fat"}]}}}}"#;

    /// Whether they agree, where `from` of the report is `to`.
    fn with(from: &str, to: &str) -> Result<String> {
        assert!(REPORT.contains(from));
        check(&serde_json::from_str(&REPORT.replace(from, to))?, &parse(TRACE)?)
    }

    #[test]
    fn what_differs_from_the_trace_is_wrong() {
        assert!(with("fat", "fat").unwrap().contains("1 requests and 1 loads"));
        for (from, to, wrong) in [
            ("fat", "vfat", "module_load: only"),
            ("crypto", "crypta", "module_request: only"),
            ("1600000000", "1600001000", "module_load: only"),
            ("\"count\":1", "\"count\":2", "module_request: the report counts"),
            (
                "\"began_ns\":2000000000",
                "\"began_ns\":3000000000",
                "module_request: only",
            ),
            (
                "\"lost\":0,\"unread\"",
                "\"lost\":9,\"unread\"",
                "the ring is not whole",
            ),
            ("\"unobserved\":null", "\"unobserved\":\"off\"", "not observed"),
        ] {
            let error = with(from, to).unwrap_err().to_string();
            assert!(error.starts_with(wrong), "{from} as {to}: {error}");
        }
    }
}
