//! `kmodtrace serve`: metrics over HTTP, live or of a recording.

use std::process::ExitCode;

use anyhow::Result;
use kmodtrace_core::recording::Header;
use kmodtrace_metrics::Meter;

use crate::cli::Serve;
use crate::failure::say;
use crate::live::privileges::Keep;
use crate::live::pump::{Ended, Signals, Sink};
use crate::live::ready;
use crate::live::session::{Session, runtime};
use crate::metered;
use crate::notice::Notices;
use crate::serve::{Listening, Sending, Shared};

/// Serves until a signal, the duration, or the command's end; what a recording holds until a signal.
pub(crate) fn run(args: &Serve, quiet: bool, bpf_log: bool) -> Result<ExitCode> {
    let listening = Listening::bind(args.listen)?;
    let Some(path) = &args.from else {
        return live(args, listening, quiet, bpf_log);
    };
    let metered::Metered { meter, header, ended } = metered::read(path, args.names.modules, quiet)?;
    ended?;
    let shared = Shared::new(meter);
    let sending = runtime()?.block_on(async {
        let mut signals = Signals::new()?;
        announce(&listening, quiet);
        listening.serve(&shared)?;
        let sending = send(args, &shared, &header, quiet)?;
        ready::tell();
        ready::keep_telling();
        signals.any().await;
        anyhow::Ok(sending)
    })?;
    if let Some(sending) = sending {
        sending.finish();
    }
    Ok(ExitCode::SUCCESS)
}

fn live(args: &Serve, listening: Listening, quiet: bool, bpf_log: bool) -> Result<ExitCode> {
    let notices = Notices::new(quiet);
    let session = Session::open(super::options(&args.tracing, &[], quiet, bpf_log))?;
    let shared = Shared::new(Meter::new(&session.header, args.names.modules.into()));
    session.announce(notices);
    announce(&listening, quiet);
    let header = session.header.clone();
    let running = session.start(None, Keep::Nothing)?;
    let sending = {
        let _inside = running.enter();
        listening.serve(&shared)?;
        send(args, &shared, &header, quiet)?
    };
    let Ended {
        stop,
        trailer,
        attached,
    } = running.run(&mut Metered(shared.clone()))?;
    shared.push(&trailer)?;
    if let Some(sending) = sending {
        sending.finish();
    }
    if !quiet {
        say(shared.missing(super::missing));
    }
    attached.detach(notices);
    Ok(stop.exit_code())
}

/// Sends the metrics as well, where somebody wants them.
fn send(args: &Serve, shared: &Shared, header: &Header, quiet: bool) -> Result<Option<Sending>> {
    let endpoint = args.otlp.clone();
    endpoint
        .map(|endpoint| Sending::begin(endpoint, shared, header, quiet))
        .transpose()
}

fn announce(listening: &Listening, quiet: bool) {
    if !quiet {
        say(format_args!("metrics are at http://{}/metrics", listening.address()));
    }
}

/// Records into what is served.
struct Metered(Shared);

impl Sink for Metered {
    fn record(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.push(bytes)
    }

    fn ring_read(&mut self, _idle: bool) -> Result<()> {
        Ok(())
    }
}
