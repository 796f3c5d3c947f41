//! Which function made the errno, in words.

use super::errno_path::ErrnoPath;
use super::tree::Call;
use crate::model::Ktime;
use crate::model::{Outcome, ProbedFunction};
use crate::text::span_text;

/// Names that a sentence lists at most.
const NAMED: usize = 4;

/// What sentences need to know of functions.
#[derive(Clone, Copy, Debug)]
pub struct FunctionNames<'k> {
    /// The recording's list.
    pub known: &'k [ProbedFunction],
    /// The module whose functions are meant.
    pub module: Option<&'k str>,
}

impl<'k> FunctionNames<'k> {
    /// What is known of a function.
    pub fn known(&self, function: u32) -> Option<&'k ProbedFunction> {
        self.known.get(function as usize)
    }

    /// Its name.
    pub fn name(&self, function: u32) -> String {
        self.known(function)
            .map_or_else(|| format!("function {function}"), |known| known.name_in(self.module))
    }

    /// `NAME did`, and where it was called in the function that called it.
    fn did(&self, call: &Call, caller: Option<&Call>) -> String {
        let name = self.name(call.function);
        match caller.and_then(|caller| self.line_of(caller, call)) {
            Some(line) => format!("{name} did (called at {line})"),
            None => format!("{name} did"),
        }
    }

    /// `file.c:57` of a call in the function that made it.
    pub(super) fn line_of(&self, caller: &Call, call: &Call) -> Option<String> {
        let known = self.known(caller.function)?;
        let line = known.line_of(call.site?)?;
        Some(format!("{}:{line}", known.source.as_ref()?.file_name()))
    }
}

impl ErrnoPath<'_> {
    /// `acpi_cpufreq_init returned -ENODEV because acpi_cpufreq_probe did (called at acpi-cpufreq.c:1034), 2.10ms into the init function; …`,
    /// with what could have made it without being seen.
    pub fn sentence(&self, init_start: Option<Ktime>, names: FunctionNames<'_>) -> String {
        let Some(first) = self.chain.first() else {
            return String::new();
        };
        let mut text = format!("{} returned -{}", names.name(first.function), self.errno);
        for pair in self.chain.windows(2) {
            if let [caller, call] = pair {
                text = format!("{text} because {}", names.did(call, Some(caller)));
            }
        }
        let callers = std::iter::once(None).chain(self.elsewhere.iter().copied().map(Some));
        for (call, caller) in self.elsewhere.iter().zip(callers) {
            text = format!("{text} because {} in task {}", names.did(call, caller), call.tid.0);
        }
        let Some(maker) = self.maker() else { return text };
        if let Some((end, start)) = maker.end.zip(init_start) {
            text = format!("{text}, {} into the init function", span_text(end.since(start).0));
        }
        let guessed = self.chain.iter().chain(&self.elsewhere);
        if guessed
            .into_iter()
            .any(|call| matches!(call.outcome, Outcome::Guess(_)))
        {
            text = format!("{text} (a guess: nothing tells what all of these return)");
        }
        format!("{text}; {}", made(maker, names))
    }

    /// The way that the function which made it did not take: the first call behind the last one that it made, by lines.
    pub fn not_taken(&self, names: FunctionNames<'_>) -> Option<String> {
        let maker = self.maker()?;
        let known = names.known(maker.function)?;
        let file = known.source.as_ref()?.file_name();
        let mut made = maker.calls.iter().rev();
        let last = made.find_map(|call| Some((call, known.line_of(call.site?)?)));
        let behind = last.map_or(0, |(_, line)| line);
        let is_made = |name: &str| {
            let mut calls = maker.calls.iter().filter_map(|call| names.known(call.function));
            calls.any(|called| called.name == name)
        };
        let probed = |name: &str| names.known.iter().any(|known| known.name == name);
        let next = known.sites.iter().filter_map(|site| {
            let (line, target) = (site.line?, site.target.as_deref()?);
            (line > behind && probed(target) && !is_made(target)).then_some((line, target))
        });
        let (line, target) = next.min()?;
        let name = &known.name;
        Some(match last {
            Some((call, after)) => format!(
                "{name} went another way between {file}:{after}, where it called {}, and {file}:{line}, where it would have called \
                 {target}",
                names.name(call.function)
            ),
            None => format!("{name} went another way before {file}:{line}, where it would have called {target}"),
        })
    }
}

/// Who else than the function itself may have made it, for all that is known.
fn made(maker: &Call, names: FunctionNames<'_>) -> String {
    let name = names.name(maker.function);
    let Some(known) = names.known(maker.function).filter(|known| known.module.is_some()) else {
        return format!("{name}, or something that it calls, made it");
    };
    let mut others = Vec::new();
    if !known.inlined.is_empty() {
        others.push(format!("{}, inlined into it", listed(&known.inlined)));
    } else if known.source.is_none() {
        others.push("what is inlined into it".to_owned());
    }
    if known.sites.is_empty() && known.source.is_none() {
        others.push("what it calls outside of the module".to_owned());
    }
    let unseen = known.unseen(names.known);
    if !unseen.is_empty() {
        others.push(format!("one that it calls and that is not probed: {}", listed(&unseen)));
    }
    if known.sites.iter().any(|site| site.target.is_none()) {
        others.push("what it calls through a pointer".to_owned());
    }
    match others.split_last() {
        None => format!("{name} made it"),
        Some((last, [])) => format!("{name} made it, or {last}"),
        Some((last, rest)) => format!("{name} made it, or {}, or {last}", rest.join(", or ")),
    }
}

/// `a, b, c, d and 3 more`.
fn listed(names: &[String]) -> String {
    let shown = names
        .iter()
        .take(NAMED)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
mod tests {
    use super::super::errno_path::errno_path;
    use super::*;
    use crate::model::Errno;
    use crate::model::{CallSite, Returns, SourceLine, Tid};

    fn call(function: u32, tid: u32, times: (u64, u64), ret: i64, calls: Vec<Call>) -> Call {
        let known = ProbedFunction {
            returns: Returns::Int,
            ..ProbedFunction::default()
        };
        Call {
            function,
            tid: Tid(tid),
            start: Ktime(times.0),
            end: Some(Ktime(times.1)),
            outcome: Outcome::new(Some(ret), Some(&known)),
            site: None,
            calls,
        }
    }

    fn told(own: &[Call], others: &[Call]) -> String {
        let (own, others): (Vec<&Call>, Vec<&Call>) = (own.iter().collect(), others.iter().collect());
        let known: Vec<ProbedFunction> = (0..9).map(|n| function(&format!("f{n}"))).collect();
        let names = FunctionNames {
            known: &known,
            module: Some("m"),
        };
        let cause = errno_path(&own, &others, Errno(22)).map(|cause| cause.sentence(None, names));
        cause.map_or_else(|| "none".to_owned(), |text| text.split(';').next().unwrap().to_owned())
    }

    fn function(name: &str) -> ProbedFunction {
        ProbedFunction {
            module: Some("m".into()),
            name: name.into(),
            ..ProbedFunction::default()
        }
    }

    #[test]
    fn the_last_of_those_that_returned_it_made_it() {
        let third = [
            call(2, 1, (2, 3), -22, vec![]),
            call(3, 1, (4, 5), 0, vec![]),
            call(2, 1, (6, 7), -22, vec![]),
        ];
        let init = call(0, 1, (0, 9), 0xffff_ffea, vec![call(1, 1, (1, 8), -22, third.to_vec())]);
        let deepest = told(&[init], &[]);
        assert_eq!(deepest, "f0 returned -EINVAL because f1 did because f2 did");
        assert_eq!(told(&[call(0, 1, (0, 9), -19, vec![])], &[]), "none");
        assert_eq!(told(&[], &[]), "none");
    }

    #[test]
    fn a_callback_in_a_call_that_succeeded_is_found() {
        let probe = call(2, 1, (2, 3), -22, vec![]);
        let init = call(0, 1, (0, 9), -22, vec![call(1, 1, (1, 4), 0, vec![probe])]);
        assert_eq!(told(&[init], &[]), "f0 returned -EINVAL because f2 did");
    }

    #[test]
    fn work_that_was_waited_for_is_found() {
        let init = call(0, 1, (0, 9), -22, vec![call(1, 1, (1, 8), -22, vec![])]);
        let work = |times, ret| call(7, 5, times, 0, vec![call(8, 5, times, ret, vec![])]);
        let expected = "f0 returned -EINVAL because f1 did because f8 did in task 5";
        assert_eq!(told(std::slice::from_ref(&init), &[work((2, 3), -22)]), expected);
        // What came after it, or before it began, has nothing to do with it.
        let alone = "f0 returned -EINVAL because f1 did";
        assert_eq!(told(std::slice::from_ref(&init), &[work((10, 11), -22)]), alone);
        assert_eq!(told(std::slice::from_ref(&init), &[work((2, 3), -19)]), alone);
    }

    #[test]
    fn lines_say_where_it_was_called_and_what_was_not() {
        let site = |at, target: &str, line| CallSite {
            at,
            target: Some(target.into()),
            line: Some(line),
        };
        let mut init = function("init");
        init.source = Some(SourceLine {
            file: "drivers/m.c".into(),
            line: 10,
        });
        init.sites = vec![
            site(9, "first", 12),
            site(19, "kfree", 13),
            site(29, "second", 15),
            site(39, "first", 11),
        ];
        let known = [init, function("first"), function("second")];
        let names = FunctionNames {
            known: &known,
            module: Some("m"),
        };
        let first = |ret| Call {
            site: Some(9),
            ..call(1, 1, (1, 2), ret, vec![])
        };
        let failed = call(0, 1, (0, 3), -22, vec![first(-22)]);
        let found = errno_path(&[&failed], &[], Errno(22)).unwrap();
        assert_eq!(
            found.sentence(Some(Ktime(0)), names),
            "init returned -EINVAL because first did (called at m.c:12), 2ns into the init function; first made it, or what is inlined into \
             it, or what it calls outside of the module"
        );
        let itself = call(0, 1, (0, 3), -22, vec![first(0)]);
        let found = errno_path(&[&itself], &[], Errno(22)).unwrap();
        assert_eq!(
            found.sentence(None, names),
            "init returned -EINVAL; init made it, or one that it calls and that is not probed: kfree"
        );
        assert_eq!(
            found.not_taken(names).unwrap(),
            "init went another way between m.c:12, where it called first, and m.c:15, where it would have called second"
        );
    }
}
