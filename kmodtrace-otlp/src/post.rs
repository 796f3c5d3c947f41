//! The way to a collector: HTTP with protobuf, as the protocol has it, with bounds on everything.

use std::thread;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use ureq::http::{StatusCode, Uri};
use ureq::{Agent, Error};

/// How long one request may take, and each part of it.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long to wait before a request is sent again, each time: then it is given up.
const PAUSES: [u64; 4] = [500, 1_000, 2_000, 4_000];
/// The longest that a collector can ask to wait.
const LONGEST_PAUSE: u64 = 10;
/// Most bytes of an answer.
const ANSWER: u64 = 64 << 10;

/// Why something did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// The address is none.
    #[error("{0}: write it as http://HOST:PORT")]
    Address(String),
    /// This address asks for encryption.
    #[error("{0}: https is not spoken here; send to a collector on this machine, and let that one encrypt")]
    Encrypted(String),
    /// Nobody answers there.
    #[error("{url}: {why}")]
    Unreachable {
        /// Where.
        url: String,
        /// As the system says it.
        why: String,
    },
    /// It is refused.
    #[error("{url}: the collector refuses it with {status}")]
    Refused {
        /// Where.
        url: String,
        /// HTTP's.
        status: u16,
    },
}

/// A collector of OpenTelemetry.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Without a slash at its end.
    base: String,
    agent: Agent,
}

impl Endpoint {
    /// One by its address, such as `http://localhost:4318`.
    pub fn new(address: &str) -> Result<Self, PostError> {
        let uri: Uri = address.parse().map_err(|_| PostError::Address(address.to_owned()))?;
        match (uri.scheme_str(), uri.host()) {
            (Some("http"), Some(host)) if !host.is_empty() => {}
            (Some("https"), _) => return Err(PostError::Encrypted(address.to_owned())),
            _ => return Err(PostError::Address(address.to_owned())),
        }
        let config = Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(concat!("kmodtrace/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self {
            base: address.trim_end_matches('/').to_owned(),
            agent: config.new_agent(),
        })
    }

    /// Sends a piece of a trace. What may go well the next time is sent again, four times within some seconds. Gives how many spans the
    /// collector took and did not want.
    pub fn traces(&self, body: &[u8]) -> Result<u64, PostError> {
        let answer = self.post("/v1/traces", body)?;
        let partial = ExportTraceServiceResponse::decode(&*answer)
            .ok()
            .and_then(|answer| answer.partial_success);
        Ok(partial.map_or(0, |partial| u64::try_from(partial.rejected_spans).unwrap_or_default()))
    }

    /// Sends metrics in the same way. Gives how many points the collector did not want.
    pub fn metrics(&self, body: &[u8]) -> Result<u64, PostError> {
        let answer = self.post("/v1/metrics", body)?;
        let partial = ExportMetricsServiceResponse::decode(&*answer)
            .ok()
            .and_then(|answer| answer.partial_success);
        Ok(partial.map_or(0, |partial| {
            u64::try_from(partial.rejected_data_points).unwrap_or_default()
        }))
    }

    fn post(&self, path: &str, body: &[u8]) -> Result<Vec<u8>, PostError> {
        let url = format!("{}{path}", self.base);
        let mut pauses = PAUSES.into_iter();
        loop {
            let (error, asked) = match self.once(&url, body) {
                Ok(answer) => return Ok(answer),
                Err(Failed::ForGood(error)) => return Err(error),
                Err(Failed::ForNow(error, asked)) => (error, asked),
            };
            let Some(pause) = pauses.next() else { return Err(error) };
            thread::sleep(asked.unwrap_or(Duration::from_millis(pause)));
        }
    }

    fn once(&self, url: &str, body: &[u8]) -> Result<Vec<u8>, Failed> {
        let sent = self.agent.post(url).content_type("application/x-protobuf").send(body);
        let unreachable = |error: Error| {
            let url = url.to_owned();
            let why = error.to_string();
            Failed::ForNow(PostError::Unreachable { url, why }, None)
        };
        let mut response = sent.map_err(unreachable)?;
        let status = response.status();
        if status.is_success() {
            return response
                .body_mut()
                .with_config()
                .limit(ANSWER)
                .read_to_vec()
                .map_err(unreachable);
        }
        let error = PostError::Refused {
            url: url.to_owned(),
            status: status.as_u16(),
        };
        let may_pass = [
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::BAD_GATEWAY,
            StatusCode::SERVICE_UNAVAILABLE,
            StatusCode::GATEWAY_TIMEOUT,
        ];
        if !may_pass.contains(&status) {
            return Err(Failed::ForGood(error));
        }
        let asked = response
            .headers()
            .get("retry-after")
            .and_then(|value| value.to_str().ok()?.parse().ok());
        Err(Failed::ForNow(
            error,
            asked.map(|seconds: u64| Duration::from_secs(seconds.min(LONGEST_PAUSE))),
        ))
    }
}

enum Failed {
    ForGood(PostError),
    /// And how long the collector asks to wait.
    ForNow(PostError, Option<Duration>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_of_http() {
        for right in ["http://localhost:4318", "http://[::1]:4318/", "http://collector"] {
            assert!(Endpoint::new(right).is_ok(), "{right}");
        }
        for wrong in [
            "",
            "localhost:4318",
            "http://",
            "ftp://localhost",
            "http:// a",
            "\u{1b}[2J",
        ] {
            assert!(matches!(Endpoint::new(wrong), Err(PostError::Address(_))), "{wrong}");
        }
        let encrypted = Endpoint::new("https://localhost:4318");
        assert!(matches!(encrypted, Err(PostError::Encrypted(_))));
    }
}
