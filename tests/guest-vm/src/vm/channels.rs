//! The guest's serial ports as they arrive on the host: one pipe and one reading thread each, all into one queue.
//!
//! Pipes, because QEMU writes every byte by itself: a pipe gathers them into pages, a socket keeps each in a buffer of its own.

use std::{
    io::{self, PipeReader, PipeWriter, Read as _},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
    time::Duration,
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
}

/// Something a port brought: bytes, or its end.
#[derive(Debug)]
pub(super) enum Arrival {
    Bytes(Port, Vec<u8>),
    Closed,
}

/// The ends of the pipes that QEMU writes to.
pub(super) type Writers = Vec<(Port, PipeWriter)>;

/// How long a reader lets bytes gather. Woken for each, it would take from QEMU the processor that sends the next.
const GATHER: Duration = Duration::from_millis(2);

/// Opens a pipe for each port, and the queue that what they bring arrives in. The queue is short: a host that falls behind
/// slows the guest down.
pub(super) fn open(ports: &[Port]) -> Result<(Writers, Receiver<Arrival>)> {
    let (sender, receiver) = sync_channel(64);
    let mut writers = Vec::new();
    for &port in ports {
        let (reader, writer) = io::pipe().context("cannot make a pipe")?;
        writers.push((port, writer));
        let sender = sender.clone();
        thread::spawn(move || forward(reader, port, &sender));
    }
    Ok((writers, receiver))
}

/// Reads one port to its end, which comes when QEMU is gone. A queue nobody reads means that the session is over.
fn forward(mut reader: PipeReader, port: Port, sender: &SyncSender<Arrival>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count) = reader.read(&mut buffer) {
        if count == 0 || sender.send(Arrival::Bytes(port, buffer[..count].to_vec())).is_err() {
            break;
        }
        thread::sleep(GATHER);
    }
    drop(sender.send(Arrival::Closed));
}
