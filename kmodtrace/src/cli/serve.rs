//! Serving metrics.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use kmodtrace_otlp::Endpoint;

use super::Tracing;

/// Serving metrics.
#[derive(Args, Debug)]
pub(crate) struct Serve {
    /// Address and port to listen on; port 0 takes a free one. Anybody who reaches it can read the metrics
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:10087", value_parser = address)]
    pub(crate) listen: SocketAddr,
    #[command(flatten)]
    pub(crate) names: Names,
    /// Send the metrics to a collector of OpenTelemetry as well, each minute and at the end, such as `http://localhost:4318`
    #[arg(long, value_name = "ENDPOINT", value_parser = Endpoint::new)]
    pub(crate) otlp: Option<Endpoint>,
    /// Serve what a recording holds instead of tracing
    #[arg(long, value_name = "FILE", conflicts_with_all = ["duration", "with", "without", "host", "tags", "command"])]
    pub(crate) from: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) tracing: Tracing,
}

/// A bound on names.
#[derive(Args, Debug)]
pub(crate) struct Names {
    /// How many modules have metrics of their own, and how many names of requests: the first that come. The rest is "(others)"
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub(crate) modules: u16,
}

/// No name: what it stands for may change between two looks.
fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "expected an IP address and a port, such as 127.0.0.1:10087 or [::1]:10087".to_owned())
}
