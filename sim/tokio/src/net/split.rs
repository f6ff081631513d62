//! Halves of streams. madsim's streams have none, so these share the stream, as `tokio::io::split` does.

use std::fmt;
use std::io::Result;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use madsim_tokio::io::{self, AsyncRead, AsyncWrite, ReadBuf};

use super::stream::TcpStream;

macro_rules! read_half {
    ($(#[$doc:meta])* $half:ident $(<$life:lifetime>)?, $stream:ty) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $half $(<$life>)? {
            half: io::ReadHalf<$stream>,
            addresses: Addresses,
        }

        impl $(<$life>)? AsyncRead for $half $(<$life>)? {
            fn poll_read(mut self: Pin<&mut Self>, poller: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
                Pin::new(&mut self.half).poll_read(poller, buffer)
            }
        }

        addresses!($half $(<$life>)?);
    };
}

macro_rules! write_half {
    ($(#[$doc:meta])* $half:ident $(<$life:lifetime>)?, $stream:ty) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $half $(<$life>)? {
            half: io::WriteHalf<$stream>,
            addresses: Addresses,
        }

        impl $(<$life>)? AsyncWrite for $half $(<$life>)? {
            fn poll_write(mut self: Pin<&mut Self>, poller: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
                Pin::new(&mut self.half).poll_write(poller, bytes)
            }
            fn poll_flush(mut self: Pin<&mut Self>, poller: &mut Context<'_>) -> Poll<Result<()>> {
                Pin::new(&mut self.half).poll_flush(poller)
            }
            fn poll_shutdown(mut self: Pin<&mut Self>, poller: &mut Context<'_>) -> Poll<Result<()>> {
                Pin::new(&mut self.half).poll_shutdown(poller)
            }
        }

        addresses!($half $(<$life>)?);
    };
}

macro_rules! addresses {
    ($half:ident $(<$life:lifetime>)?) => {
        impl $(<$life>)? $half $(<$life>)? {
            /// This side's address.
            ///
            /// # Errors
            /// Never.
            pub fn local_addr(&self) -> Result<SocketAddr> {
                Ok(self.addresses.local)
            }

            /// The other side's address.
            ///
            /// # Errors
            /// Never.
            pub fn peer_addr(&self) -> Result<SocketAddr> {
                Ok(self.addresses.peer)
            }
        }
    };
}

#[derive(Clone, Copy, Debug)]
struct Addresses {
    local: SocketAddr,
    peer: SocketAddr,
}

impl Addresses {
    fn of(stream: &TcpStream) -> Self {
        let known = "a stream has both";
        Addresses { local: stream.local_addr().expect(known), peer: stream.peer_addr().expect(known) }
    }
}

read_half!(
    /// The half that reads, borrowed.
    ReadHalf<'a>,
    &'a mut TcpStream
);
write_half!(
    /// The half that writes, borrowed.
    WriteHalf<'a>,
    &'a mut TcpStream
);
read_half!(
    /// The half that reads.
    OwnedReadHalf,
    TcpStream
);
write_half!(
    /// The half that writes. Dropped alone, it does not close its direction, as tokio's does.
    OwnedWriteHalf,
    TcpStream
);

impl TcpStream {
    /// Both halves, borrowed.
    pub fn split(&mut self) -> (ReadHalf<'_>, WriteHalf<'_>) {
        let addresses = Addresses::of(self);
        let (read, write) = io::split(self);
        (ReadHalf { half: read, addresses }, WriteHalf { half: write, addresses })
    }

    /// Both halves.
    pub fn into_split(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        let addresses = Addresses::of(&self);
        let (read, write) = io::split(self);
        (OwnedReadHalf { half: read, addresses }, OwnedWriteHalf { half: write, addresses })
    }
}

impl OwnedReadHalf {
    /// The stream again.
    ///
    /// # Errors
    /// If the halves are of different streams.
    #[allow(clippy::result_large_err, reason = "it is tokio's own signature")]
    pub fn reunite(self, other: OwnedWriteHalf) -> std::result::Result<TcpStream, ReuniteError> {
        if self.half.is_pair_of(&other.half) {
            Ok(self.half.unsplit(other.half))
        } else {
            Err(ReuniteError(self, other))
        }
    }
}

impl OwnedWriteHalf {
    /// The stream again.
    ///
    /// # Errors
    /// If the halves are of different streams.
    #[allow(clippy::result_large_err, reason = "it is tokio's own signature")]
    pub fn reunite(self, other: OwnedReadHalf) -> std::result::Result<TcpStream, ReuniteError> {
        other.reunite(self)
    }
}

/// The halves are of different streams.
#[derive(Debug)]
pub struct ReuniteError(pub OwnedReadHalf, pub OwnedWriteHalf);

impl fmt::Display for ReuniteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tried to reunite halves that are not from the same socket")
    }
}

impl std::error::Error for ReuniteError {}
