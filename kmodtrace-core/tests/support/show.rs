//! What came out of a story, as text.

use super::Show;
use kmodtrace_core::model::{Attempt, Edge, Finished, Helper, Ktime, LogLine, Note, Request, Wait, ret_text};

/// One line each, in the order in which they were finished.
pub(crate) fn render(finished: &[Finished], show: Show) -> String {
    finished.iter().map(|one| line(one, show) + "\n").collect()
}

fn opt<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

fn line(finished: &Finished, show: Show) -> String {
    match finished {
        Finished::Attempt(attempt) => attempt_line(attempt, show),
        Finished::Request(request) => request_line(request),
        Finished::State(span) => {
            let cause = span.cause.map_or(String::new(), |cause| format!(" {}", word(&cause)));
            let end = opt(span.span.end.map(|end| end.0));
            format!(
                "state {} {} {}..{end}{cause}",
                span.module,
                word(&span.state),
                span.span.start.0
            )
        }
        Finished::Call(mark) => format!("call of {} in {} at {}", mark.function, mark.tid.0, mark.time.0),
    }
}

/// How serde spells a variant.
fn word(variant: &impl serde::Serialize) -> String {
    serde_json::to_value(variant).map_or_else(|error| error.to_string(), |value| opt(value.as_str()))
}

fn attempt_line(attempt: &Attempt, show: Show) -> String {
    let mut line = format!(
        "attempt {} {} {} {} {}..{} {}",
        attempt.tid.0,
        attempt.syscall.map_or("-".to_owned(), |syscall| word(&syscall)),
        opt(attempt.module.as_ref()),
        opt(attempt.errno),
        opt(attempt.start.map(|start| start.0)),
        opt(attempt.end.map(|end| end.0)),
        attempt.role.map_or("-".to_owned(), |role| word(&role)),
    );
    if let Some(collision) = attempt.collided_with {
        line += &format!(" hit={}", collision.name());
    }
    if let Some(leader) = &attempt.leader {
        line += &format!(" leader={}", leader.tid.0);
    }
    for wait in &attempt.waits {
        line += &wait_text(wait);
    }
    if let Some(init) = &attempt.init {
        line += &format!(" init={}..{}", init.span.start.0, opt(init.span.end.map(|end| end.0)));
        line += &format!("={}", opt(init.errno));
    }
    if let Some(bytes) = attempt.bytes() {
        line += &format!(" bytes={bytes}");
    }
    if let Some(request) = attempt.request {
        line += &format!(" for-request={}", request.0);
    }
    for request in &attempt.requests {
        line += &format!(" requests={}", request.0);
    }
    for ancestor in &attempt.ancestors {
        line += &format!(" ancestor={}:{}", ancestor.tgid.0, ancestor.comm);
    }
    for symbol in &attempt.symbols {
        let owner = symbol.owner.as_ref().map_or(String::new(), |owner| format!("@{owner}"));
        line += &format!(" symbol={}{owner}={}", symbol.name, symbol.errno);
    }
    line += &notes(&attempt.notes);
    line += &log_lines(&attempt.log);
    if show.trail {
        for mark in &attempt.trail {
            line += &format!("\n  {} {} {}", mark.time.0, mark.function.name(), edge(mark.edge));
        }
    }
    line
}

fn edge(edge: Edge) -> String {
    match edge {
        Edge::Enter => "enter".to_owned(),
        Edge::Exit(ret) => format!("exit {}", opt(ret)),
        Edge::Passed => "passed".to_owned(),
    }
}

fn notes(notes: &[Note]) -> String {
    let mut text = String::new();
    for note in notes {
        text += &format!(" [{}]", note.text());
    }
    text
}

fn log_lines(log: &[LogLine]) -> String {
    let mut text = String::new();
    for line in log {
        text += &format!("\n  {} log: {}", line.time.0, line.text);
    }
    text
}

fn request_line(request: &Request) -> String {
    let name = if request.name.is_empty() { "-" } else { &request.name };
    let end = |end: Option<Ktime>| opt(end.map(|end| end.0));
    let mut line = format!(
        "request {} {} {name} {} {}..{}",
        request.id.0,
        request.tid.0,
        request.ret.map_or("-".to_owned(), ret_text),
        end(request.start),
        end(request.end),
    );
    if request.waits == Some(false) {
        line += " nowait";
    }
    if let Some(inside) = request.inside {
        line += &format!(" inside={}", inside.0);
    }
    if let Some(refused) = request.refused {
        line += &format!(" refused={refused}");
    }
    if let Some(slot) = request.slot {
        line += &format!(
            " (slot {}..{} held {}",
            slot.span.start.0,
            end(slot.span.end),
            slot.held
        );
        line += &slot.errno.map_or(String::new(), |errno| format!(" {errno}"));
        line += ")";
    }
    if let Some(granted) = request.granted {
        line += &format!(" granted={}", granted.0);
    }
    if let Some(duplicate) = request.duplicate {
        line += &format!(" (duplicate {}..{})", duplicate.start.0, end(duplicate.end));
    }
    if let Some(site) = &request.call_site {
        line += &format!(" from={site}");
    }
    if let Some(helper) = &request.helper {
        line += &helper_text(helper);
    }
    if let Some(caller) = &request.caller {
        let found = if caller.found { "found" } else { "NULL" };
        line += &format!(" {}={found} for {}", caller.function, opt(caller.called_by.as_ref()));
    }
    line + &notes(&request.notes) + &log_lines(&request.log)
}

fn helper_text(helper: &Helper) -> String {
    let at = |time: Option<Ktime>| opt(time.map(|time| time.0));
    let mut text = format!(
        " (helper {} {}..{} taken {} forked {} runs {} ended {} status {}",
        opt(helper.tgid.map(|tgid| tgid.0)),
        helper.span.start.0,
        at(helper.span.end),
        at(helper.taken_up),
        at(helper.forked),
        at(helper.runs),
        at(helper.ended),
        opt(helper.status),
    );
    for program in &helper.programs {
        text += &format!(" ran {program}");
    }
    for attempt in &helper.attempts {
        text += &format!(" attempt {}", attempt.0);
    }
    text + ")"
}

fn wait_text(wait: &Wait) -> String {
    let on = wait
        .on
        .as_ref()
        .map_or(String::new(), |on| format!(" for {}", on.tid.0));
    let spurious = wait
        .spurious()
        .map_or(String::new(), |spurious| format!(" spurious {spurious}"));
    let end = opt(wait.span.end.map(|end| end.0));
    let module = wait
        .module
        .as_ref()
        .map_or(String::new(), |module| format!(" {module}"));
    format!(
        " ({}{module} {}..{end}{on}{spurious})",
        wait.kind.name(),
        wait.span.start.0
    )
}
