//! What can be opened, and what leads on from there.

use super::{Monitor, chain};
use crate::analysis::findings::Finding;
use crate::analysis::stages::{stages, stages_until};
use crate::model::{Attempt, AttemptId, Request, RequestId, Stage, Wait, Zero, ret_text};
use crate::report::{line, request_line};
use crate::text::span_text;

/// What can be opened.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// What a finding rests on: its place in the list, counted from 0.
    Evidence(usize),
    /// A module by its name; none for loads that failed before they had one.
    Module(Option<String>),
    /// Its loads and unloads.
    Loads(Option<String>),
    /// An attempt by its number.
    Attempt(u64),
    /// A request by its number.
    Request(u64),
    /// A task by its tid.
    Task(u32),
}

impl Topic {
    /// `attempt 23`
    pub fn text(&self) -> String {
        match self {
            Self::Evidence(_) => "evidence".to_owned(),
            Self::Module(_) => "module".to_owned(),
            Self::Loads(_) => "loads".to_owned(),
            Self::Attempt(id) => format!("attempt {id}"),
            Self::Request(id) => format!("request {id}"),
            Self::Task(tid) => format!("task {tid}"),
        }
    }
}

/// A topic as it is now, as far as it is in flight or kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicNow {
    /// What it is.
    pub title: String,
    /// What is known of it.
    pub lines: Vec<String>,
    /// What it leads to.
    pub leads: Vec<Lead>,
}

/// A topic that another one leads to, in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lead {
    /// What it is.
    pub to: Topic,
    /// The module, or what was requested.
    pub name: Option<String>,
    /// The task and its name.
    pub task: Option<(u32, String)>,
    /// What came back; none where there is no such thing, or it was not seen.
    pub result: Option<String>,
    /// Whether that is a failure.
    pub failed: bool,
    /// From the beginning to the answer or until now, nanoseconds.
    pub lasted_ns: Option<u64>,
    /// Why it took so long or failed.
    pub why: String,
    /// More of it, a line for each step.
    pub lines: Vec<String>,
}

/// In flight.
const IN_FLIGHT: &str = "in flight";

impl Lead {
    fn new(to: Topic) -> Self {
        Self {
            to,
            name: None,
            task: None,
            result: None,
            failed: false,
            lasted_ns: None,
            why: String::new(),
            lines: Vec::new(),
        }
    }

    fn module(name: Option<&str>) -> Self {
        Self {
            name: Some(name.unwrap_or("(unknown)").to_owned()),
            ..Self::new(Topic::Module(name.map(str::to_owned)))
        }
    }

    fn task(tid: u32, comm: &str) -> Self {
        Self {
            task: Some((tid, comm.to_owned())),
            ..Self::new(Topic::Task(tid))
        }
    }

    fn attempt(monitor: &Monitor, id: AttemptId) -> Self {
        let to = Topic::Attempt(id.0);
        let Some((attempt, wait)) = attempt_of(monitor, id) else {
            return Self {
                lines: vec![chain::attempt(monitor, id)],
                ..Self::new(to)
            };
        };
        let until = attempt.end.unwrap_or(monitor.reached());
        let result = attempt.errno.map(|errno| errno.name().into_owned());
        Self {
            name: Some(attempt.module.as_deref().unwrap_or("(unknown)").to_owned()),
            task: Some((attempt.tid.0, attempt.comm.clone().into())),
            result: result.or_else(|| attempt.end.is_none().then(|| IN_FLIGHT.to_owned())),
            failed: attempt.failed(),
            lasted_ns: attempt.start.map(|start| until.since(start).0),
            why: why(monitor, attempt, wait.as_ref()),
            lines: [why(monitor, attempt, wait.as_ref()), device_text(attempt)]
                .into_iter()
                .filter(|line| !line.is_empty())
                .collect(),
            ..Self::new(to)
        }
    }

    fn request(monitor: &Monitor, id: RequestId) -> Self {
        let to = Topic::Request(id.0);
        let Some(request) = monitor.request_of(id) else {
            return Self {
                lines: vec![format!("request {}: in the sums only, too long ago to be kept", id.0)],
                ..Self::new(to)
            };
        };
        let until = request.end.unwrap_or(monitor.reached());
        let result = request.ret.map(ret_text);
        Self {
            name: Some(request.name.clone().into()),
            task: Some((request.tid.0, request.comm.clone().into())),
            result: result.or_else(|| request.end.is_none().then(|| IN_FLIGHT.to_owned())),
            failed: request.failed(),
            lasted_ns: request.start.map(|start| until.since(start).0),
            why: request_line::what(request),
            lines: chain::steps(monitor, request),
            ..Self::new(to)
        }
    }
}

/// What there is to say of a topic; none when it is not there, or not any more.
pub(super) fn now(monitor: &Monitor, topic: &Topic, findings: Vec<Finding>) -> Option<TopicNow> {
    match topic {
        Topic::Evidence(at) => findings.into_iter().nth(*at).map(|finding| evidence(monitor, &finding)),
        // It has a view of its own.
        Topic::Module(_) => None,
        Topic::Loads(name) => {
            let leads = leads(
                monitor,
                |attempt| attempt.module.as_deref() == name.as_deref(),
                |_| false,
            );
            let name = name.as_deref().unwrap_or("(unknown)");
            Some(TopicNow {
                title: format!("LOADS and unloads of {name}, in flight or kept"),
                lines: Vec::new(),
                leads,
            })
        }
        Topic::Attempt(id) => attempt(monitor, AttemptId(*id)),
        Topic::Request(id) => monitor.request_of(RequestId(*id)).map(|one| request(monitor, one)),
        Topic::Task(tid) => Some(TopicNow {
            title: format!("TASK {tid}, its loads, unloads and requests, in flight or kept"),
            lines: Vec::new(),
            leads: leads(
                monitor,
                |attempt| attempt.tid.0 == *tid,
                |request| request.tid.0 == *tid,
            ),
        }),
    }
}

fn evidence(monitor: &Monitor, finding: &Finding) -> TopicNow {
    let attempts = finding
        .attempts
        .ids
        .iter()
        .map(|id| Lead::attempt(monitor, AttemptId(*id)));
    let requests = finding
        .requests
        .ids
        .iter()
        .map(|id| Lead::request(monitor, RequestId(*id)));
    TopicNow {
        title: format!("EVIDENCE of {}", finding.text()),
        lines: Vec::new(),
        leads: attempts.chain(requests).collect(),
    }
}

fn attempt(monitor: &Monitor, id: AttemptId) -> Option<TopicNow> {
    let (attempt, wait) = attempt_of(monitor, id)?;
    let comm = &attempt.comm;
    let entered = attempt.start.map_or("entry not seen".to_owned(), |start| {
        format!("entered at {}", Zero::Boot.number(start))
    });
    let until = attempt.end.unwrap_or(monitor.reached());
    let long = attempt
        .start
        .map_or_else(String::new, |start| format!(" {}", span_text(until.since(start).0)));
    let returned = match attempt.errno {
        Some(errno) => format!("returned {errno} after{long}"),
        None if attempt.end.is_none() => format!("{IN_FLIGHT} for{long}"),
        None => "return not seen".to_owned(),
    };
    let name = attempt.module.as_deref().unwrap_or("(unknown)");
    let mut lines = vec![
        format!(
            "{} of {} by tid {} ({comm}): {entered}, {returned}",
            line::call(attempt),
            name,
            attempt.tid.0
        ),
        why(monitor, attempt, wait.as_ref()),
        device_text(attempt),
        stages_text(monitor, attempt),
    ];
    lines.extend(
        attempt
            .log
            .iter()
            .map(|line| format!("the kernel log says: {}", line.text)),
    );
    lines.retain(|line| !line.is_empty());
    let waits = attempt.waits.iter().chain(&wait).filter_map(|wait| wait.on.as_ref());
    let mut others: Vec<AttemptId> = waits.chain(&attempt.leader).map(|on| on.attempt).collect();
    others.dedup();
    let mut leads = vec![
        Lead::module(attempt.module.as_deref()),
        Lead::task(attempt.tid.0, &attempt.comm),
    ];
    leads.extend(others.into_iter().map(|id| Lead::attempt(monitor, id)));
    let requests = attempt.request.iter().chain(&attempt.requests);
    leads.extend(requests.map(|id| Lead::request(monitor, *id)));
    Some(TopicNow {
        title: format!("ATTEMPT {} at {name}", id.0),
        lines,
        leads,
    })
}

fn request(monitor: &Monitor, request: &Request) -> TopicNow {
    let mut leads = vec![Lead::task(request.tid.0, &request.comm)];
    let made = request.helper.iter().flat_map(|helper| &helper.attempts);
    let attempts = request.inside.iter().chain(made);
    leads.extend(attempts.map(|id| Lead::attempt(monitor, *id)));
    TopicNow {
        title: format!("REQUEST {} of {}", request.id.0, request.name),
        lines: chain::steps(monitor, request),
        leads,
    }
}

/// Attempts and requests that are in flight or kept, each kind in the order of its numbers.
fn leads(monitor: &Monitor, attempts: impl Fn(&Attempt) -> bool, requests: impl Fn(&Request) -> bool) -> Vec<Lead> {
    let session = monitor.pipeline.session();
    let open = session.in_flight().map(|one| one.attempt);
    let all = monitor
        .history
        .attempts()
        .chain(open)
        .filter(|attempt| attempts(attempt));
    let mut ids: Vec<AttemptId> = all.map(|attempt| attempt.id).collect();
    ids.sort();
    let all = monitor.history.requests().chain(session.requests_in_flight());
    let mut asked: Vec<RequestId> = all
        .filter(|request| requests(request))
        .map(|request| request.id)
        .collect();
    asked.sort();
    let attempts = ids.into_iter().map(|id| Lead::attempt(monitor, id));
    attempts
        .chain(asked.into_iter().map(|id| Lead::request(monitor, id)))
        .collect()
}

/// The attempt of this number, in flight with the wait that it is in, or kept.
fn attempt_of(monitor: &Monitor, id: AttemptId) -> Option<(&Attempt, Option<Wait>)> {
    let mut open = monitor.pipeline.session().in_flight();
    let kept = monitor.history.attempt_of(id).map(|attempt| (attempt, None));
    kept.or_else(|| {
        open.find(|one| one.attempt.id == id)
            .map(|one| (one.attempt, one.waits))
    })
}

fn why(monitor: &Monitor, attempt: &Attempt, wait: Option<&Wait>) -> String {
    let waits = wait.map(|wait| {
        let long = span_text(monitor.reached().since(wait.span.start).0);
        let on = wait
            .on
            .as_ref()
            .map_or_else(String::new, |on| format!(" for {} ({})", on.tid.0, on.comm));
        format!("waits {long} {}{on}", wait.kind.name())
    });
    let parts: Vec<String> = waits
        .into_iter()
        .chain([line::what(attempt)])
        .filter(|part| !part.is_empty())
        .collect();
    parts.join(", ")
}

/// `for /devices/pci0000:00/0000:00:1f.2 (add, pci:v00008086d00002922)`; empty where no device is known.
fn device_text(attempt: &Attempt) -> String {
    let Some(device) = &attempt.device else {
        return String::new();
    };
    let more: Vec<&str> = device.action.iter().chain(&device.alias).map(String::as_str).collect();
    let more = if more.is_empty() {
        String::new()
    } else {
        format!(" ({})", more.join(", "))
    };
    format!("for {}{more}", device.path)
}

fn stages_text(monitor: &Monitor, attempt: &Attempt) -> String {
    let spans = match attempt.end {
        Some(_) => stages(attempt),
        None => stages_until(attempt, monitor.reached()),
    };
    let mut sums: Vec<(Stage, u64)> = Vec::new();
    for span in spans {
        match sums.last_mut() {
            Some((stage, sum)) if *stage == span.stage => *sum += span.duration.0,
            _ => sums.push((span.stage, span.duration.0)),
        }
    }
    let texts: Vec<String> = sums
        .iter()
        .map(|(stage, sum)| format!("{} {}", stage.name(), span_text(*sum)))
        .collect();
    if texts.is_empty() {
        String::new()
    } else {
        format!("stages: {}", texts.join(", "))
    }
}
