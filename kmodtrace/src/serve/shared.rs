//! The sums that tracing adds to and pages are made of.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use hyper::body::Bytes;
use kmodtrace_core::records::order::Loss;
use kmodtrace_metrics::Meter;
use kmodtrace_metrics::prometheus::Format;

/// How long a page is given to others. Who asks all the time cannot take all of it: making one takes some milliseconds.
const FRESH: Duration = Duration::from_millis(200);

/// Sums, and pages of them, for connections and for whoever traces. Nobody holds the lock while they wait.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mutex<Metrics>>);

struct Metrics {
    meter: Meter,
    pages: Vec<Page>,
}

/// The metrics in one format, as they were then.
struct Page {
    format: Format,
    made: Instant,
    text: Bytes,
}

impl Shared {
    pub(crate) fn new(meter: Meter) -> Self {
        let pages = Vec::new();
        Self(Arc::new(Mutex::new(Metrics { meter, pages })))
    }

    /// Takes a record.
    pub(crate) fn push(&self, record: &[u8]) -> Result<()> {
        Ok(self.metrics().meter.push(record)?)
    }

    /// Reads the sums.
    pub(super) fn read<T>(&self, with: impl FnOnce(&Meter) -> T) -> T {
        with(&self.metrics().meter)
    }

    /// What is missing, in the words of this.
    pub(crate) fn missing(&self, words: fn(&Loss) -> String) -> String {
        words(self.metrics().meter.loss())
    }

    /// The metrics in this format.
    pub(super) fn page(&self, format: Format) -> Bytes {
        let mut metrics = self.metrics();
        metrics.pages.retain(|page| page.made.elapsed() < FRESH);
        if let Some(page) = metrics.pages.iter().find(|page| page.format == format) {
            return page.text.clone();
        }
        let text = Bytes::from(format.write(&metrics.meter.families()));
        metrics.pages.push(Page {
            format,
            made: Instant::now(),
            text: text.clone(),
        });
        text
    }

    fn metrics(&self) -> MutexGuard<'_, Metrics> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
