//! The network: madsim's, under tokio's own names and arguments.

mod socket;
mod split;
mod stream;
mod udp;

pub use madsim::net::{ToSocketAddrs, UnixDatagram, UnixListener, UnixStream, lookup_host};
pub use socket::TcpSocket;
pub use stream::{TcpListener, TcpStream};
pub use udp::UdpSocket;

/// The halves of streams.
pub mod tcp {
    pub use super::split::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, ReuniteError, WriteHalf};
}
