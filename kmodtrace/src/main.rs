//! kmodtrace: the Linux driver and the terminal around `kmodtrace-core`.

mod bisect;
mod boot;
mod cli;
mod command;
mod failure;
mod live;
#[cfg(feature = "export")]
mod metered;
mod notice;
mod output;
mod plain_file;
mod recorder;
mod replay;
#[cfg(feature = "export")]
mod serve;
mod target;
mod view;
mod workload;

use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

use cli::{Cli, Command};

fn main() -> ExitCode {
    let cli = match cli::parse() {
        Ok(cli) => cli,
        Err(error) => return cli::refuse(&error),
    };
    let view = cli.command.is_none() && command::view::is_wanted(&cli.trace);
    log_to_stderr(&cli, view);
    let bpf_log = cli.verbose >= 2;
    let quiet = cli.quiet;
    let done = match cli.command {
        Some(Command::Trace(args)) => command::trace::run(&args, quiet, bpf_log),
        Some(Command::Record(args)) => command::record::run(&args, quiet, bpf_log),
        Some(Command::Report(args)) => command::report::run(&args, quiet),
        Some(Command::Redact(args)) => command::redact::run(&args, quiet),
        #[cfg(feature = "export")]
        Some(Command::Export(args)) => command::export::run(&args, quiet),
        #[cfg(feature = "export")]
        Some(Command::Serve(args)) => command::serve::run(&args, quiet, bpf_log),
        Some(Command::Explain(args)) => command::explain::run(&args),
        Some(Command::Why(args)) => command::why::run(&args, quiet),
        Some(Command::Graph(args)) => command::graph::run(&args, quiet),
        Some(Command::Diff(args)) => command::diff::run(&args, quiet),
        Some(Command::Drill(args)) => command::drill::run(&args, quiet, bpf_log),
        Some(Command::Bisect(args)) => return command::bisect::run(&args, quiet),
        Some(Command::Boot(args)) => command::boot::run(args, quiet),
        Some(Command::Check(args)) => command::check::run(&args),
        Some(Command::Schema(args)) => command::schema::run(&args),
        None if view => command::view::run(&cli.trace, &cli.view, quiet, bpf_log),
        None => command::trace::run(&cli.trace.into(), quiet, bpf_log),
    };
    done.unwrap_or_else(|error| failure::report(&error))
}

/// Messages of the tracer itself; `RUST_LOG` overrides the flags.
fn log_to_stderr(cli: &Cli, view: bool) {
    let level = match (cli.quiet, cli.verbose) {
        // They would be written over the view.
        _ if view && std::io::IsTerminal::is_terminal(&std::io::stderr()) => "off",
        (true, _) => "error",
        // What aya warns of is tried again in another way, or becomes the error that is told.
        (false, 0) => "warn,aya=error",
        (false, 1) => "info",
        (false, _) => "debug",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // Else it panics where it cannot write.
        .log_internal_errors(false)
        .with_ansi(output::is_coloured(cli.color, &std::io::stderr()))
        .init();
}
