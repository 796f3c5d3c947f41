//! Tells a service manager that tracing has begun, as `sd_notify(3)` describes it.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use tracing::info;

/// Tells the one that asked for it. One that cannot be reached is no reason not to trace.
pub(crate) fn tell() {
    if let Some(socket) = std::env::var_os("NOTIFY_SOCKET")
        && let Err(error) = send(&socket)
    {
        info!("cannot notify {}: {error}", socket.display());
    }
}

fn send(name: &OsStr) -> io::Result<()> {
    let address = match name.as_bytes().split_first() {
        Some((b'@', name)) => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(name)?,
    };
    let socket = UnixDatagram::unbound()?;
    // Nobody has to wait for one that does not read.
    socket.set_nonblocking(true)?;
    socket.send_to_addr(b"READY=1", &address).map(drop)
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
        send(path.as_os_str()).unwrap();
        send(OsStr::new(&format!("@{name}"))).unwrap();
        std::fs::remove_file(path).unwrap();
        assert_eq!(
            (received(&at_path), received(&at_name)),
            (b"READY=1".to_vec(), b"READY=1".to_vec())
        );
    }

    #[test]
    fn a_name_where_nobody_listens_is_an_error_and_no_more() {
        for name in ["", "/nowhere/notify", "@kmodtrace-nobody"] {
            assert!(send(OsStr::new(name)).is_err(), "{name}");
        }
    }
}
