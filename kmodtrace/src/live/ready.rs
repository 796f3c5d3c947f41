//! Tells a service manager that tracing has begun, and that it goes on, as `sd_notify(3)` describes it.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tracing::info;

/// Tells the one that asked for it. One that cannot be reached is no reason not to trace.
pub(crate) fn tell() {
    notify(b"READY=1");
}

/// Tells the one that wants to know, from now on, that the event loop turns in which this is called: twice in each time after which it
/// takes silence for a failure.
pub(crate) fn keep_telling() {
    let Some(most) = silence(|name| std::env::var(name).ok()) else {
        return;
    };
    tokio::spawn(async move {
        let mut beats = interval(most / 2);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            beats.tick().await;
            notify(b"WATCHDOG=1");
        }
    });
}

/// How long this process may say nothing; none where nobody watches it.
fn silence(variable: impl Fn(&str) -> Option<String>) -> Option<Duration> {
    let own = || std::process::id().to_string();
    let micros: u64 = variable("WATCHDOG_USEC")?.parse().ok()?;
    let watched = variable("WATCHDOG_PID").is_none_or(|pid| pid == own());
    (watched && micros >= 2).then(|| Duration::from_micros(micros))
}

fn notify(message: &[u8]) {
    if let Some(socket) = std::env::var_os("NOTIFY_SOCKET")
        && let Err(error) = send(&socket, message)
    {
        info!("cannot notify {}: {error}", socket.display());
    }
}

fn send(name: &OsStr, message: &[u8]) -> io::Result<()> {
    let address = match name.as_bytes().split_first() {
        Some((b'@', name)) => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(name)?,
    };
    let socket = UnixDatagram::unbound()?;
    // Nobody has to wait for one that does not read.
    socket.set_nonblocking(true)?;
    socket.send_to_addr(message, &address).map(drop)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use super::*;

    fn received(socket: &UnixDatagram) -> Vec<u8> {
        let mut message = vec![0; 64];
        let length = socket.recv(&mut message).unwrap();
        message.truncate(length);
        message
    }

    #[test]
    fn a_manager_hears_it_at_a_path_and_at_an_abstract_name() {
        let name = format!("kmodtrace-ready-{}", std::process::id());
        let path = std::env::temp_dir().join(&name);
        let at_path = UnixDatagram::bind(&path).unwrap();
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let at_name = UnixDatagram::bind_addr(&address).unwrap();
        send(path.as_os_str(), b"READY=1").unwrap();
        send(OsStr::new(&format!("@{name}")), b"READY=1").unwrap();
        std::fs::remove_file(path).unwrap();
        assert_eq!(
            (received(&at_path), received(&at_name)),
            (b"READY=1".to_vec(), b"READY=1".to_vec())
        );
    }

    #[test]
    fn a_name_where_nobody_listens_is_an_error_and_no_more() {
        for name in ["", "/nowhere/notify", "@kmodtrace-nobody"] {
            assert!(send(OsStr::new(name), b"READY=1").is_err(), "{name}");
        }
    }

    #[test]
    fn a_process_is_watched_where_it_is_meant() {
        let own = std::process::id().to_string();
        for (micros, pid, seconds) in [
            (Some("30000000"), None, Some(30)),
            (Some("30000000"), Some(own.as_str()), Some(30)),
            (Some("30000000"), Some("1"), None),
            (Some("0"), None, None),
            (Some("soon"), None, None),
            (None, None, None),
        ] {
            let variable = |name: &str| if name == "WATCHDOG_USEC" { micros } else { pid }.map(str::to_owned);
            assert_eq!(
                silence(variable),
                seconds.map(Duration::from_secs),
                "{micros:?} {pid:?}"
            );
        }
    }
}
