//! What makes an errno.

use kmodtrace_core::analysis::causes::{Explanation, Subject, write_explanation};
use kmodtrace_core::text::{json_schema, write_json};
use serde_json::Value;

use super::{Printed, Writer};

/// Explanations of errnos and causes.
pub(crate) struct Explained {
    /// Of these.
    pub(crate) subjects: Vec<Subject>,
    /// Columns that text may take.
    pub(crate) columns: usize,
}

impl Printed for Explained {
    const FORMATS: &'static [Writer<Self>] = &[
        Writer::text(|explained, mut out| {
            for (at, subject) in explained.subjects.iter().enumerate() {
                if at > 0 {
                    writeln!(out)?;
                }
                write_explanation(*subject, explained.columns, &mut out)?;
            }
            Ok(())
        }),
        Writer::json("One JSON array", |explained, out| {
            let all = explained.subjects.iter().map(|subject| Explanation::new(*subject));
            write_json(&all.collect::<Vec<_>>(), out)
        }),
    ];

    fn schema() -> Value {
        json_schema::<Vec<Explanation>>()
    }
}
