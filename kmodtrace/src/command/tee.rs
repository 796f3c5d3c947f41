//! Records to a front end and, where there is to be one, into a recording beside it.

use anyhow::Result;
use kmodtrace_core::records::decode::TickBytes;

use crate::failure::reader_is_gone;
use crate::live::pump::{Sink, Stop};
use crate::recorder::Recorder;

/// A front end as long as somebody looks at it, and the recording.
pub(super) struct Tee<S> {
    pub(super) recorder: Option<Recorder>,
    pub(super) front: Option<S>,
}

impl<S: Sink> Tee<S> {
    /// A reader that goes away ends the front end, and the recording gets its proper end all the same.
    fn show(&mut self, show: impl FnOnce(&mut S) -> Result<()>) -> Result<()> {
        let shown = self.front.as_mut().map_or(Ok(()), show);
        if shown.as_ref().is_err_and(reader_is_gone) {
            self.front = None;
            return Ok(());
        }
        shown
    }

    /// The last record. Gives the front end, if somebody still looks at it, and the summary of the recording.
    pub(super) fn finish(mut self, trailer: &TickBytes) -> Result<(Option<S>, Option<String>)> {
        self.show(|front| front.record(trailer))?;
        let Self { recorder, front } = self;
        let summary = recorder.map(|recorder| recorder.finish(trailer)).transpose()?;
        Ok((front, summary))
    }
}

impl<S: Sink> Sink for Tee<S> {
    fn record(&mut self, bytes: &[u8]) -> Result<()> {
        if let Some(recorder) = &mut self.recorder {
            recorder.record(bytes)?;
        }
        self.show(|front| front.record(bytes))
    }

    fn ring_read(&mut self, idle: bool) -> Result<()> {
        if let Some(recorder) = &mut self.recorder {
            recorder.ring_read(idle)?;
        }
        self.show(|front| front.ring_read(idle))
    }

    fn over(&self) -> Option<Stop> {
        self.front.as_ref().map_or(Some(Stop::Reader), Sink::over)
    }

    fn is_moving(&self) -> bool {
        self.front.as_ref().is_some_and(Sink::is_moving)
    }

    async fn wake(&mut self) -> Result<()> {
        match &mut self.front {
            Some(front) => front.wake().await,
            None => std::future::pending().await,
        }
    }
}
