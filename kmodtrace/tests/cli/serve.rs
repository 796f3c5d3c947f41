//! `serve`: what a client gets, what it cannot take from others, and how it ends.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::export::samples;
use crate::support::{file, kmodtrace, run, sample, sample_of_names, scratch};

/// A server of a recording, which ends with the test.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A recording of made-up attempts.
fn recording(test: &str, attempts: u64) -> String {
    file(&scratch(test), "sample.kmt", sample(attempts).bytes)
}

fn serve(test: &str) -> Server {
    started(kmodtrace(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--from",
        &recording(test, 64),
    ]))
}

fn started(mut command: Command) -> Server {
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let address = line
        .trim_end()
        .strip_prefix("kmodtrace: metrics are at http://")
        .and_then(|url| url.strip_suffix("/metrics"));
    let address = address.unwrap_or_else(|| panic!("{line:?}")).parse().unwrap();
    Server { child, address }
}

impl Server {
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Sends this, and gives head and body of what comes until the connection ends.
    fn said(&self, request: &str) -> (String, String) {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        // What the server does not read may end the connection with a reset.
        if let Err(error) = stream.read_to_end(&mut answer) {
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        }
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        (head.to_owned(), body.to_owned())
    }

    fn got(&self, path: &str) -> (String, String) {
        self.said(&format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"))
    }

    fn ends_by(mut self, signal: Signal) -> Option<i32> {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        self.child.wait().unwrap().code()
    }
}

/// Loads and unloads.
fn calls(text: &str) -> u64 {
    let names = ["kmodtrace_loads_total", "kmodtrace_unloads_total"];
    names.iter().flat_map(|name| samples(text, name).into_values()).sum()
}

#[test]
fn pages_are_what_they_say() {
    let server = serve("serve-pages");
    let (head, text) = server.got("/metrics");
    assert!(
        head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("text/plain; version=0.0.4"),
        "{head}"
    );
    assert_eq!(calls(&text), 64);
    let request = |accept: &str| format!("GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\n\r\n");
    let (head, text) = server.said(&request("application/openmetrics-text;version=1.0.0"));
    assert!(
        head.contains("application/openmetrics-text; version=1.0.0") && text.ends_with("# EOF\n"),
        "{head}"
    );
    let protobuf = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
    let (head, body) = server.said(&request(protobuf));
    assert!(
        head.contains("application/vnd.google.protobuf;") && body.contains("kmodtrace_loads_total"),
        "{head}"
    );
    for (path, status) in [
        ("/", "200 OK"),
        ("/-/healthy", "200 OK"),
        ("/metrics/", "404 Not Found"),
        ("/favicon.ico", "404 Not Found"),
        ("/../../etc/passwd", "404 Not Found"),
    ] {
        let (head, body) = server.got(path);
        assert!(head.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{path}: {head}");
        assert_eq!(body.lines().count(), 1, "{path}: {body}");
    }
}

#[test]
fn only_get_and_head_are_answered() {
    let server = serve("serve-methods");
    let length = |head: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        line.unwrap_or_else(|| panic!("{head}")).parse::<usize>().unwrap()
    };
    let (head, body) = server.said("HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!((length(&head), body.as_str()), (server.got("/metrics").1.len(), ""));
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "KMOD"] {
        let (head, _) = server.said(&format!(
            "{method} /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
        ));
        assert!(
            head.starts_with("HTTP/1.1 405 ") && head.contains("allow: GET, HEAD"),
            "{head}"
        );
    }
}

#[test]
fn what_is_no_request_or_too_long_is_refused() {
    let server = serve("serve-requests");
    let long = format!("GET /metrics HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(1 << 20));
    let mut stream = server.connect();
    // It may end the connection before all is written.
    let _ = stream.write_all(long.as_bytes());
    let mut begun = [0; 12];
    if stream.read_exact(&mut begun).is_ok() {
        assert_eq!(&begun, b"HTTP/1.1 431");
    }
    let many = "X: 1\r\n".repeat(200);
    assert!(
        server
            .said(&format!("GET / HTTP/1.1\r\n{many}\r\n"))
            .0
            .starts_with("HTTP/1.1 431")
    );
    assert!(
        server
            .said("\u{0}\u{1b}]0;PWN\u{7}\r\n\r\n")
            .0
            .starts_with("HTTP/1.1 400")
    );
    assert!(server.got("/-/healthy").0.starts_with("HTTP/1.1 200"));
}

#[test]
fn a_slow_client_keeps_nobody_waiting() {
    let server = serve("serve-slow");
    let half_a_request = |_| {
        let mut stream = server.connect();
        stream.write_all(b"GET /metrics HT").unwrap();
        stream
    };
    let mut slow: Vec<TcpStream> = (0..15).map(half_a_request).collect();
    let began = Instant::now();
    for _ in 0..20 {
        assert!(server.got("/metrics").0.starts_with("HTTP/1.1 200"));
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    // There is no more room: others wait until somebody leaves, and nobody stays for long.
    slow.extend((0..3).map(half_a_request));
    let began = Instant::now();
    assert!(server.got("/metrics").0.starts_with("HTTP/1.1 200"));
    let waited = began.elapsed();
    assert!(
        (Duration::from_secs(2)..Duration::from_secs(18)).contains(&waited),
        "{waited:?}"
    );
}

#[test]
fn a_signal_ends_it() {
    for signal in [Signal::TERM, Signal::INT] {
        assert_eq!(serve("serve-signals").ends_by(signal), Some(0), "{signal:?}");
    }
}

#[test]
fn an_address_is_free_and_an_address() {
    let path = recording("serve-address", 8);
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = busy.local_addr().unwrap().to_string();
    let done = run(&["serve", "--listen", &address, "--from", &path]);
    let line = done.refused(1);
    assert!(
        line.contains(&format!("cannot listen on {address}")) && line.contains("--listen"),
        "{line}"
    );
    // Without a recording, too, and before anything is looked at.
    assert!(
        run(&["serve", "--listen", &address])
            .refused(1)
            .contains("cannot listen on")
    );
    for wrong in ["localhost:9", "127.0.0.1", "9", "127.0.0.1:99999", "\u{1b}[2J:1", ""] {
        run(&["serve", "--listen", wrong, "--from", &path]).refused(2);
    }
    run(&["serve", "--from", "/nowhere.kmt", "--listen", "127.0.0.1:0"]).refused(1);
    run(&["serve", "--from", &path, "--duration", "1s"]).refused(2);
}

#[test]
fn the_service_manager_hears_that_it_lives() {
    let path = recording("serve-watchdog", 8);
    let socket = scratch("serve-notify").join("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut command = kmodtrace(&["serve", "--listen", "127.0.0.1:0", "--from", &path]);
    command
        .env("NOTIFY_SOCKET", &socket)
        .env("WATCHDOG_USEC", "200000")
        .env_remove("WATCHDOG_PID");
    let server = started(command);
    let heard = || {
        let mut message = [0; 64];
        let length = manager.recv(&mut message).unwrap();
        String::from_utf8_lossy(&message[..length]).into_owned()
    };
    assert_eq!(heard(), "READY=1");
    let began = Instant::now();
    for _ in 0..5 {
        assert_eq!(heard(), "WATCHDOG=1");
    }
    assert!(began.elapsed() >= Duration::from_millis(300), "{:?}", began.elapsed());
    drop(server);
}

#[test]
fn names_without_number_have_a_bound() {
    let path = file(&scratch("serve-names"), "names.kmt", sample_of_names(16_000));
    let server = started(kmodtrace(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--modules",
        "50",
        "--from",
        &path,
    ]));
    let (_, text) = server.got("/metrics");
    assert_eq!(calls(&text), 16_000);
    assert!(text.contains("module=\"(others)\""), "{text}");
    assert!(text.len() < 1 << 20, "{} bytes", text.len());
}
