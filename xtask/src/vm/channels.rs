//! The guest's serial ports as they arrive on the host: one socket and one reading thread each, all into one queue.

use std::{
    io::Read as _,
    os::unix::net::UnixListener,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
};

use anyhow::{Context as _, Result};

/// What each serial port carries, in the order of their numbers in the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Port {
    Console,
    Stdout,
    Stderr,
    Control,
}

impl Port {
    pub(super) const ALL: [Self; 4] = [Self::Console, Self::Stdout, Self::Stderr, Self::Control];

    /// The socket of this port in a directory.
    pub(super) fn socket(self, dir: &Path) -> PathBuf {
        let name = match self {
            Self::Console => "console",
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
            Self::Control => "control",
        };
        dir.join(name)
    }
}

/// Something a port brought: bytes, or its end.
#[derive(Debug)]
pub(super) enum Arrival {
    Bytes(Port, Vec<u8>),
    Closed,
}

/// Listens for QEMU on these ports' sockets. The queue is short, so a reader that falls behind slows the guest down.
pub(super) fn listen(ports: &[Port], dir: &Path) -> Result<Receiver<Arrival>> {
    let (sender, receiver) = sync_channel(64);
    for &port in ports {
        let path = port.socket(dir);
        let listener = UnixListener::bind(&path).with_context(|| format!("cannot listen on {}", path.display()))?;
        let sender = sender.clone();
        thread::spawn(move || forward(&listener, port, &sender));
    }
    Ok(receiver)
}

/// Reads one port to its end. A queue nobody reads means that the session is over.
fn forward(listener: &UnixListener, port: Port, sender: &SyncSender<Arrival>) {
    if let Ok((mut stream, _)) = listener.accept() {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count) = stream.read(&mut buffer) {
            if count == 0 || sender.send(Arrival::Bytes(port, buffer[..count].to_vec())).is_err() {
                break;
            }
        }
    }
    drop(sender.send(Arrival::Closed));
}
