//! Datagrams.

use std::io::Result;
use std::net::SocketAddr;

use madsim::net as simulated;
use madsim::net::ToSocketAddrs;

/// A socket for datagrams.
#[derive(Debug)]
pub struct UdpSocket {
    socket: simulated::UdpSocket,
}

impl UdpSocket {
    /// Receives at an address of this node.
    ///
    /// # Errors
    /// If the node does not have it, or somebody receives there.
    pub async fn bind<A: ToSocketAddrs>(address: A) -> Result<Self> {
        Ok(UdpSocket { socket: simulated::UdpSocket::bind(address).await? })
    }

    /// Sets where [`UdpSocket::send`] sends to, and receives from there only.
    ///
    /// # Errors
    /// If the address is none.
    pub async fn connect<A: ToSocketAddrs>(&self, address: A) -> Result<()> {
        self.socket.connect(address).await
    }

    /// Sends a datagram, and returns how many bytes it has.
    ///
    /// # Errors
    /// If the address is none.
    pub async fn send_to<A: ToSocketAddrs>(&self, bytes: &[u8], target: A) -> Result<usize> {
        self.socket.send_to(target, bytes).await.map(|()| bytes.len())
    }

    /// The next datagram: how many bytes of the buffer it fills, and who sent it.
    ///
    /// # Errors
    /// If the socket was reset.
    pub async fn recv_from(&self, buffer: &mut [u8]) -> Result<(usize, SocketAddr)> {
        self.socket.recv_from(buffer).await
    }

    /// Sends a datagram to whom the socket is connected to.
    ///
    /// # Errors
    /// If it is not connected.
    pub async fn send(&self, bytes: &[u8]) -> Result<usize> {
        self.socket.send(bytes).await.map(|()| bytes.len())
    }

    /// The next datagram from whom the socket is connected to.
    ///
    /// # Errors
    /// If it is not connected.
    pub async fn recv(&self, buffer: &mut [u8]) -> Result<usize> {
        self.socket.recv(buffer).await
    }

    /// Where it receives.
    ///
    /// # Errors
    /// Never.
    pub fn local_addr(&self) -> Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Whom it is connected to.
    ///
    /// # Errors
    /// If it is not.
    pub fn peer_addr(&self) -> Result<SocketAddr> {
        self.socket.peer_addr()
    }
}
