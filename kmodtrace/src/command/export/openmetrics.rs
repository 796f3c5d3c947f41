//! `kmodtrace export openmetrics`: a recording as metrics.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use kmodtrace_metrics::prometheus::Format;

use crate::cli::{Openmetrics, TextFormat};
use crate::failure::{FAILED, failure};
use crate::metered::{self, Metered};
use crate::output::{raw_stdout, written};
use crate::plain_file;

/// Reads the recording and writes what was asked for. A damaged recording gives what is whole, and then an error.
pub(super) fn run(args: &Openmetrics, quiet: bool) -> Result<ExitCode> {
    let output = args.output.as_deref().filter(|path| *path != Path::new("-"));
    if let Some(path) = output {
        replaceable(path)?;
    }
    let Metered { meter, ended, .. } = metered::read(args.recorded.path(), args.names.modules, quiet)?;
    let format = match args.format {
        TextFormat::Openmetrics => Format::OpenMetrics,
        TextFormat::Prometheus => Format::Text,
    };
    let text = format.write(&meter.families());
    match output {
        Some(path) => {
            // Whoever collects it is another user.
            let whole = plain_file::whole(path, 0o644, |mut file| -> io::Result<_> {
                file.write_all(&text)?;
                Ok(file)
            });
            whole.map_err(|error| failure(FAILED, format!("cannot write {}: {error}", path.display())))?;
        }
        None => written(raw_stdout().and_then(|mut out| out.write_all(&text).and_then(|()| out.flush())))?,
    }
    ended.map(|()| ExitCode::SUCCESS)
}

/// Refuses to replace what is not metrics of ours, as a recording is not that somebody named by mistake.
fn replaceable(path: &Path) -> Result<()> {
    const BEGINNING: &[u8] = b"# HELP kmodtrace_";
    let refuse = |why: String| {
        Err(failure(
            FAILED,
            format!("{} {why}: choose another name with -o", path.display()),
        ))
    };
    let file: File = match plain_file::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return refuse(format!("cannot be replaced: {error}")),
    };
    let mut beginning = Vec::new();
    file.take(BEGINNING.len() as u64).read_to_end(&mut beginning)?;
    if beginning.is_empty() || beginning == BEGINNING {
        return Ok(());
    }
    refuse("exists and is not a file of kmodtrace's metrics".to_owned())
}
