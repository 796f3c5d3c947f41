//! The socket, and the connections that come of it.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener as Socket};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tracing::info;

use super::answer::answer;
use super::shared::Shared;
use crate::failure::{FAILED, failure};

/// Connections at a time. Others wait in the kernel's queue.
const CONNECTIONS: usize = 16;
/// How long a connection may last, of which there is one for each request. Prometheus waits ten seconds where nobody says another time.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes that the line and the headers of a request may have: the least that hyper takes.
const HEADERS: usize = 8_192;
/// How long nobody is let in where a connection cannot be had, as without file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// A socket that listens, and to which nobody answers yet.
pub(crate) struct Listening {
    socket: Socket,
    address: SocketAddr,
}

impl Listening {
    /// Takes the address, which is all that can go wrong.
    pub(crate) fn bind(address: SocketAddr) -> Result<Self> {
        let bound = Socket::bind(address).and_then(|socket| {
            socket.set_nonblocking(true)?;
            let address = socket.local_addr()?;
            Ok(Self { socket, address })
        });
        bound.map_err(|error| {
            let text = format!("cannot listen on {address}: {error}; choose another address with --listen");
            failure(FAILED, text)
        })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers from now on, as long as the event loop runs that this is called in.
    pub(crate) fn serve(self, shared: &Shared) -> Result<()> {
        let listener = TcpListener::from_std(self.socket).context("cannot wait for connections")?;
        tokio::spawn(accept(listener, shared.clone()));
        Ok(())
    }
}

async fn accept(listener: TcpListener, shared: Shared) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    while let Ok(permit) = Arc::clone(&room).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let shared = shared.clone();
                tokio::spawn(async move {
                    let _permit = permit;
                    // What goes wrong with a connection is its client's business.
                    let _ = timeout(PATIENCE, converse(stream, shared)).await;
                });
            }
            Err(error) => {
                info!("cannot accept a connection: {error}");
                sleep(PAUSE).await;
            }
        }
    }
}

async fn converse(stream: TcpStream, shared: Shared) -> hyper::Result<()> {
    let service = service_fn(move |request| {
        let answered = Ok::<_, Infallible>(answer(&request, &shared));
        async { answered }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .keep_alive(false)
        .max_buf_size(HEADERS)
        .serve_connection(TokioIo::new(stream), service)
        .await
}
