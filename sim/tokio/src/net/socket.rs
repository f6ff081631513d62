//! A socket before it connects or listens.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::sync::Mutex;

use super::stream::{TcpListener, TcpStream};

/// A socket that is configured before it connects or listens. The simulated network has nothing to configure: options are
/// accepted and have no effect.
#[derive(Debug)]
pub struct TcpSocket {
    local: Mutex<Option<SocketAddr>>,
}

impl TcpSocket {
    /// A socket.
    ///
    /// # Errors
    /// Never.
    pub fn new_v4() -> Result<Self> {
        Ok(TcpSocket { local: Mutex::new(None) })
    }

    /// The simulated network has addresses of version 4 only.
    ///
    /// # Errors
    /// Always.
    pub fn new_v6() -> Result<Self> {
        Err(Error::new(ErrorKind::Unsupported, "the simulated network has no IPv6"))
    }

    /// Has no effect.
    ///
    /// # Errors
    /// Never.
    pub fn set_reuseaddr(&self, _: bool) -> Result<()> {
        Ok(())
    }

    /// Has no effect.
    ///
    /// # Errors
    /// Never.
    pub fn set_reuseport(&self, _: bool) -> Result<()> {
        Ok(())
    }

    /// Has no effect.
    ///
    /// # Errors
    /// Never.
    pub fn set_nodelay(&self, _: bool) -> Result<()> {
        Ok(())
    }

    /// Has no effect.
    ///
    /// # Errors
    /// Never.
    pub fn set_keepalive(&self, _: bool) -> Result<()> {
        Ok(())
    }

    /// Has no effect.
    ///
    /// # Errors
    /// Never.
    pub fn set_send_buffer_size(&self, _: u32) -> Result<()> {
        Ok(())
    }

    /// Has no effect.
    ///
    /// # Errors
    /// Never.
    pub fn set_recv_buffer_size(&self, _: u32) -> Result<()> {
        Ok(())
    }

    /// Remembers where to listen. Whether the address can be had shows when somebody waits for streams.
    ///
    /// # Errors
    /// Never.
    pub fn bind(&self, address: SocketAddr) -> Result<()> {
        *self.local.lock().expect("no panic while it is held") = Some(address);
        Ok(())
    }

    /// Connects from a port of the network's choice.
    ///
    /// # Errors
    /// If nobody accepts; or if the socket was bound to a port, from which the simulated network cannot connect.
    pub async fn connect(self, address: SocketAddr) -> Result<TcpStream> {
        match self.local.into_inner().expect("no panic while it is held") {
            Some(local) if local.port() != 0 => {
                Err(Error::new(ErrorKind::Unsupported, "the simulated network connects from ports of its own choice"))
            }
            _ => TcpStream::connect(address).await,
        }
    }

    /// Listens; the length of the queue has no bound. The simulated network learns of it when somebody first waits for a
    /// stream: until then, connections are refused, and nobody says whether the address can be had.
    ///
    /// # Errors
    /// If it is bound to no port.
    pub fn listen(self, _: u32) -> Result<TcpListener> {
        match self.local.into_inner().expect("no panic while it is held") {
            Some(local) if local.port() != 0 => Ok(TcpListener::later(local)),
            _ => Err(Error::new(ErrorKind::Unsupported, "a socket has to be bound to a port to listen")),
        }
    }
}
