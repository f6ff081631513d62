//! The network: madsim's, under tokio's own names and arguments.

mod socket;
mod split;
pub mod tcp;
mod udp;

pub use madsim::net::{ToSocketAddrs, UnixDatagram, UnixListener, UnixStream, lookup_host};
pub use socket::TcpSocket;
pub use tcp::{TcpListener, TcpStream};
pub use udp::UdpSocket;
