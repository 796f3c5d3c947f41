//! The kernel's own trace of module loads: what tracefs shows of the events that the command line turned on.

use std::{iter, ops::RangeInclusive};

use anyhow::{Context as _, Result, ensure};

/// Has the kernel trace from its first initcalls on, by the clock that recordings have.
pub(super) const APPEND: &str = "trace_event=module:module_load,module:module_free,module:module_request,\
    syscalls:sys_enter_finit_module,syscalls:sys_exit_finit_module,\
    syscalls:sys_enter_init_module,syscalls:sys_exit_init_module trace_clock=mono trace_buf_size=4M";

/// Times in the trace are in microseconds, rounded.
const ROUNDING_NS: u64 = 1_000;

/// What the kernel saw.
#[derive(Debug, Default)]
pub(super) struct Trace {
    pub(super) calls: Vec<Call>,
    pub(super) requests: Vec<Named>,
    /// Modules about to be initialised.
    pub(super) loads: Vec<Named>,
}

/// A system call that loads a module.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) tid: u32,
    pub(super) syscall: String,
    pub(super) start_ns: u64,
    /// When it returned, and what; none where the trace ended before.
    pub(super) end: Option<(u64, u32)>,
    /// The module that was about to be initialised in it; none where it did not come to that.
    pub(super) module: Option<String>,
}

impl Call {
    /// The time it surely lies in.
    pub(super) fn bracket(&self) -> RangeInclusive<u64> {
        let end = self.end.map_or(u64::MAX, |(end, _)| end + ROUNDING_NS);
        self.start_ns.saturating_sub(ROUNDING_NS)..=end
    }
}

/// A request of the kernel for a module, or a module that is about to be initialised.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) tid: u32,
    pub(super) name: String,
    pub(super) time_ns: u64,
}

impl Named {
    /// Whether it was told in this time.
    pub(super) fn is_within(&self, start_ns: u64, end_ns: Option<u64>) -> bool {
        let end = end_ns.unwrap_or(u64::MAX).saturating_add(ROUNDING_NS);
        (start_ns.saturating_sub(ROUNDING_NS)..=end).contains(&self.time_ns)
    }
}

/// Reads the text of the file `trace`. What is not understood is an error, and so is a trace that has lost its beginning.
pub(super) fn parse(text: &str) -> Result<Trace> {
    let mut trace = Trace::default();
    for line in entries(text) {
        if let Some(header) = line.strip_prefix('#') {
            whole(header)?;
        } else {
            let event = event(line).with_context(|| format!("the kernel's trace has a line {line:?}"))?;
            trace
                .add(&event)
                .with_context(|| format!("{line:?} of the kernel's trace"))?;
        }
    }
    Ok(trace)
}

/// Lines, but for one that goes on where a name ends a line: `snd_hdac_codec_modalias` (`sound/hda/hdac_device.c`) makes such names.
fn entries(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    iter::from_fn(move || {
        let ends = rest.match_indices('\n').map(|(at, _)| at);
        let mut ends = ends.filter(|at| !rest[at + 1..].starts_with(" wait="));
        let (entry, after) = rest.split_at_checked(ends.next()?)?;
        rest = &after[1..];
        Some(entry)
    })
}

/// The header tells how many entries there were, and how many are left.
fn whole(header: &str) -> Result<()> {
    if let Some(counts) = header.trim().strip_prefix("entries-in-buffer/entries-written: ") {
        let counts = counts
            .split_whitespace()
            .next()
            .and_then(|counts| counts.split_once('/'));
        let whole = counts.is_some_and(|(left, written)| left == written);
        ensure!(whole, "the kernel's trace has lost entries: {header}");
    }
    Ok(())
}

/// A line of it.
struct Event<'t> {
    tid: u32,
    time_ns: u64,
    text: &'t str,
}

/// Reads a line like `(udev-worker)-953 [001] ...1. 98.268249: sys_finit_module -> 0xffffffffffffffed`.
fn event(line: &str) -> Option<Event<'_>> {
    let (task, rest) = line.split_once("] ")?;
    let (task, _cpu) = task.rsplit_once(" [")?;
    let (_comm, tid) = task.trim_end().rsplit_once('-')?;
    let (flags_and_time, text) = rest.split_once(": ")?;
    let (seconds, micros) = flags_and_time.split_whitespace().last()?.split_once('.')?;
    let (seconds, micros) = (seconds.parse::<u64>().ok()?, micros.parse::<u64>().ok()?);
    Some(Event {
        tid: tid.parse().ok()?,
        time_ns: seconds * 1_000_000_000 + micros * 1_000,
        text,
    })
}

impl Trace {
    /// Keeps only the calls, without what they loaded.
    pub(super) fn forget_names(&mut self) {
        self.requests.clear();
        self.calls.iter_mut().for_each(|call| call.module = None);
    }

    /// Keeps what was over by then.
    pub(super) fn keep_until(&mut self, time_ns: u64) {
        self.calls.retain(|call| call.end.is_some_and(|(end, _)| end < time_ns));
        self.requests.retain(|request| request.time_ns < time_ns);
    }

    fn add(&mut self, event: &Event<'_>) -> Result<()> {
        let Event { tid, time_ns, text } = *event;
        let is_open = |call: &&mut Call| call.tid == tid && call.end.is_none();
        let open = self.calls.iter_mut().rfind(is_open);
        let word = |text: &str| text.split_whitespace().next().map(str::to_owned);
        if let Some(loaded) = text.strip_prefix("module_load: ") {
            let name = word(loaded).context("a load without a name")?;
            open.context("a load outside of any call")?.module = Some(name.clone());
            self.loads.push(Named { tid, name, time_ns });
        } else if let Some(request) = text.strip_prefix("module_request: ") {
            // The name may hold spaces; what follows it does not.
            let (name, _) = request.rsplit_once(" wait=").context("a request without a name")?;
            let name = name.to_owned();
            self.requests.push(Named { tid, name, time_ns });
        } else if let Some((_, value)) = text.split_once(" -> 0x") {
            let value = u64::from_str_radix(value.trim(), 16).context("no value")?;
            let errno = u32::try_from(value.wrapping_neg()).context("no errno")?;
            // Without its entry, it began before the trace did.
            open.context("a return without its call")?.end = Some((time_ns, errno));
        } else if let Some((syscall, _)) = text.strip_prefix("sys_").and_then(|text| text.split_once('(')) {
            self.calls.push(Call {
                tid,
                syscall: syscall.to_owned(),
                start_ns: time_ns,
                end: None,
                module: None,
            });
        } else {
            ensure!(text.starts_with("module_free: "), "an event of another kind");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;

    const TEXT: &str = "# entries-in-buffer/entries-written: 6/6   #P:4\n#\n\
        \x20  (udev-worker)-796     [003] .....    53.479510: sys_finit_module(fd: 13, uargs: 7f3a, flags: 4)\n\
        \x20  (udev-worker)-796     [003] .....    55.206663: module_load: failover \n\
        kworker/u16:1-42        [001] .....    55.300000: module_request: hdaudio:v1\n wait=0 call_site=x\n\
        \x20  (udev-worker)-797     [000] .....    55.400000: sys_init_module(umod: 7f3a, len: 10, uargs: 0)\n\
        \x20  (udev-worker)-796     [003] ...1.    55.500000: sys_finit_module -> 0x0\n\
        \x20  (udev-worker)-797     [001] ...1.    98.268249: sys_init_module -> 0xffffffffffffffed\n";

    #[test]
    fn calls_and_requests_are_read() {
        let trace = parse(TEXT).unwrap();
        let ends: Vec<_> = trace.calls.iter().map(|call| (call.tid, call.end)).collect();
        assert_eq!(
            ends,
            [(796, Some((55_500_000_000, 0))), (797, Some((98_268_249_000, 19)))]
        );
        assert_eq!(trace.calls[0].module.as_deref(), Some("failover"));
        assert_eq!(
            (trace.calls[1].syscall.as_str(), &trace.calls[1].module),
            ("init_module", &None)
        );
        let name = "hdaudio:v1\n".to_owned();
        let time_ns = 55_300_000_000;
        assert_eq!(trace.requests, [Named { tid: 42, name, time_ns }]);
    }

    #[test]
    fn a_trace_that_is_not_whole_is_none() {
        assert!(parse(&TEXT.replace("6/6", "6/7")).is_err());
        assert!(parse(&TEXT.replace("module_load: ", "module_put: ")).is_err());
    }
}
