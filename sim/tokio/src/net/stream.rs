//! Streams and listeners.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use madsim::net as simulated;
use madsim_tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use madsim_tokio::sync::OnceCell;

use madsim::net::ToSocketAddrs;

/// A stream. What is written is sent at once, as tokio does; madsim's own waits for a flush.
///
/// Nobody can close one direction: `shutdown` has no effect, and the other side reads the end when both halves are dropped.
#[derive(Debug)]
pub struct TcpStream {
    stream: simulated::TcpStream,
    nodelay: std::sync::atomic::AtomicBool,
}

impl TcpStream {
    /// Connects to the first of the addresses that accepts.
    ///
    /// # Errors
    /// If none does.
    pub async fn connect<A: ToSocketAddrs>(address: A) -> Result<Self> {
        Ok(TcpStream::of(simulated::TcpStream::connect(address).await?))
    }

    fn of(stream: simulated::TcpStream) -> Self {
        TcpStream { stream, nodelay: false.into() }
    }

    /// This side's address.
    ///
    /// # Errors
    /// Never.
    pub fn local_addr(&self) -> Result<SocketAddr> {
        self.stream.local_addr()
    }

    /// The other side's address.
    ///
    /// # Errors
    /// Never.
    pub fn peer_addr(&self) -> Result<SocketAddr> {
        self.stream.peer_addr()
    }

    /// Is remembered and has no effect: everything is sent at once.
    ///
    /// # Errors
    /// Never.
    pub fn set_nodelay(&self, nodelay: bool) -> Result<()> {
        self.nodelay.store(nodelay, std::sync::atomic::Ordering::Relaxed);
        Ok(())
    }

    /// As it was set.
    ///
    /// # Errors
    /// Never.
    pub fn nodelay(&self) -> Result<bool> {
        Ok(self.nodelay.load(std::sync::atomic::Ordering::Relaxed))
    }
}

impl AsyncRead for TcpStream {
    fn poll_read(mut self: Pin<&mut Self>, poller: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(poller, buffer)
    }
}

impl AsyncWrite for TcpStream {
    fn poll_write(mut self: Pin<&mut Self>, poller: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write(poller, bytes))?;
        match ready!(Pin::new(&mut self.stream).poll_flush(poller)) {
            Ok(()) => Poll::Ready(Ok(written)),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                Poll::Ready(Err(Error::new(ErrorKind::BrokenPipe, "the other side has closed the stream")))
            }
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    /// Everything was sent when it was written.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, poller: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(poller)
    }
}

/// A listener.
#[derive(Debug)]
pub struct TcpListener {
    at: SocketAddr,
    /// Empty until a socket that listens is first asked for streams: binding takes time here, and `TcpSocket::listen` has none.
    listener: OnceCell<simulated::TcpListener>,
}

impl TcpListener {
    /// Listens at an address of this node.
    ///
    /// # Errors
    /// If the node does not have it, or somebody listens there.
    pub async fn bind<A: ToSocketAddrs>(address: A) -> Result<Self> {
        let listener = simulated::TcpListener::bind(address).await?;
        Ok(TcpListener { at: listener.local_addr()?, listener: OnceCell::new_with(Some(listener)) })
    }

    /// Will listen as soon as somebody waits for streams.
    pub(super) fn later(at: SocketAddr) -> Self {
        TcpListener { at, listener: OnceCell::new() }
    }

    /// The next stream that somebody opens, and the other side's address.
    ///
    /// # Errors
    /// If the listener was reset.
    pub async fn accept(&self) -> Result<(TcpStream, SocketAddr)> {
        let listener = self.listener.get_or_try_init(|| simulated::TcpListener::bind(self.at)).await?;
        let (stream, peer) = listener.accept().await?;
        Ok((TcpStream::of(stream), peer))
    }

    /// Where it listens.
    ///
    /// # Errors
    /// Never.
    pub fn local_addr(&self) -> Result<SocketAddr> {
        self.listener.get().map_or(Ok(self.at), simulated::TcpListener::local_addr)
    }
}
