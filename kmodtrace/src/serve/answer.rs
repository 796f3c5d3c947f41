//! What a request is answered.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ACCEPT, ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use kmodtrace_metrics::prometheus::{Format, accepted};

use super::shared::Shared;

const PLAIN: &str = "text/plain; charset=utf-8";

/// Its answer. Of one to HEAD the body is left out by whoever sends it.
pub(super) fn answer<B>(request: &Request<B>, shared: &Shared) -> Response<Full<Bytes>> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut refused = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
        refused
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    match request.uri().path() {
        "/metrics" => {
            let format = wanted(request);
            response(StatusCode::OK, format.content_type(), shared.page(format))
        }
        "/" => text(
            StatusCode::OK,
            "kmodtrace: loads of kernel modules; the metrics are at /metrics\n",
        ),
        "/-/healthy" => text(StatusCode::OK, "healthy\n"),
        _ => text(StatusCode::NOT_FOUND, "not here: the metrics are at /metrics\n"),
    }
}

/// Several headers mean the same as one with all their values.
fn wanted<B>(request: &Request<B>) -> Format {
    let values = request.headers().get_all(ACCEPT).iter();
    let values: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
    accepted(&values.join(","))
}

fn text(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    response(status, PLAIN, Bytes::from_static(text.as_bytes()))
}

fn response(status: StatusCode, content_type: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
