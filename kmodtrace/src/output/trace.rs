//! What happens, as it happens.

use std::io::{self, Write};

use kmodtrace_core::analysis::drill::{Load, TreeLimits, write_text};
use kmodtrace_core::analysis::findings::Finding;
use kmodtrace_core::analysis::graph::Lasting;
use kmodtrace_core::model::{Finished, ProbedFunction, Zero};
use kmodtrace_core::recording::Header;
use kmodtrace_core::records::order::Loss;
use kmodtrace_core::report::line::{HEADER, Line, time_text};
use kmodtrace_core::report::{RequestLine, Source, StreamLine};
use kmodtrace_core::text::json_schema;
use serde_json::Value;

use super::{Printed, Writer};

/// What there is to tell at a time, and what is needed to tell it.
pub(crate) struct Told {
    zero: Zero,
    /// Functions of modules that were asked for, by their numbers.
    functions: Vec<ProbedFunction>,
    source: Source,
    /// In their order.
    pub(crate) news: Vec<News>,
}

/// A piece of it.
pub(crate) enum News {
    /// The beginning.
    Begun,
    /// Something is over.
    Finished(Finished),
    /// Something has been in flight for long.
    Lasting(Lasting),
    /// Something was found in all of it.
    Found(Finding),
    /// The end, and what is missing.
    Ended(Loss),
}

impl Told {
    /// The beginning of what this header is of.
    pub(crate) fn new(header: &Header, zero: Zero) -> Self {
        Self {
            zero,
            functions: header.functions.clone(),
            source: Source::of_header(header),
            news: vec![News::Begun],
        }
    }

    fn write_text(&self, news: &News, mut out: &mut dyn Write) -> io::Result<()> {
        match news {
            News::Begun => writeln!(out, "{HEADER}"),
            News::Finished(Finished::Attempt(attempt)) => {
                let line = Line {
                    attempt,
                    zero: self.zero,
                };
                writeln!(out, "{line}")?;
                if attempt.calls.is_empty() {
                    return Ok(());
                }
                write_text(&Load::new(attempt, &self.functions), TreeLimits::default(), &mut out)
            }
            News::Finished(Finished::Request(request)) => {
                let line = RequestLine {
                    request,
                    zero: self.zero,
                };
                writeln!(out, "{line}")
            }
            News::Lasting(lasting) => writeln!(out, "{}  {lasting}", time_text(lasting.time, self.zero)),
            News::Found(finding) => writeln!(out, "finding: {}", finding.text()),
            // States are for programs; what is missing is said on stderr.
            News::Finished(Finished::State(_) | Finished::Call(_)) | News::Ended(_) => Ok(()),
        }
    }

    fn line(&self, news: &News) -> Option<StreamLine> {
        match news {
            News::Begun => Some(StreamLine::header(&self.source)),
            News::Finished(finished) => StreamLine::of(finished, &self.source.coverage),
            News::Lasting(lasting) => Some(StreamLine::lasting(lasting)),
            News::Found(finding) => Some(StreamLine::Finding(finding.clone())),
            News::Ended(loss) => Some(StreamLine::loss(loss)),
        }
    }
}

impl Printed for Told {
    const FORMATS: &'static [Writer<Self>] = &[
        Writer::text(|told, out| told.news.iter().try_for_each(|news| told.write_text(news, out))),
        Writer::json("A JSON object a line for each thing that happened", |told, out| {
            let mut lines = told.news.iter().filter_map(|news| told.line(news));
            lines.try_for_each(|line| line.write(out))
        }),
    ];

    fn schema() -> Value {
        json_schema::<StreamLine>()
    }
}
