//! Where connections come in: by TCP, and on the machine itself by a socket in the data directory. What is accepted here
//! is served alike in `connections`, whatever it is made of.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::tls::Tls;

/// What a server listens on.
#[derive(Debug)]
pub struct Doors {
    /// For agents and other machines.
    pub tcp: TcpListener,
    /// What is spoken by TCP, if it is not plaintext.
    pub tls: Option<Tls>,
    /// For the processes of its own account on this machine.
    pub local: Option<UnixListener>,
}

impl From<TcpListener> for Doors {
    fn from(tcp: TcpListener) -> Self {
        Self { tcp, tls: None, local: None }
    }
}

/// The other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    /// Somewhere on a network, this machine's too.
    Net(SocketAddr),
    /// A process on this machine, of the account with this number.
    Local(u32),
}

impl Peer {
    /// The address that its failed tries are counted under.
    pub(super) fn ip(self) -> IpAddr {
        match self {
            Self::Net(address) => address.ip(),
            Self::Local(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        }
    }
}

/// What bytes travel on.
pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Wire for T {}

/// A connection as it is accepted; nothing was read from it yet.
#[derive(Debug)]
pub(super) enum Accepted {
    Tcp(TcpStream, SocketAddr),
    Local(UnixStream, u32),
}

impl Doors {
    /// The next connection, from whichever door. Cancelling it loses none.
    ///
    /// # Errors
    /// What the system says; the door goes on.
    pub(super) async fn accept(&self) -> io::Result<Accepted> {
        let Some(local) = &self.local else { return accept_tcp(&self.tcp).await };
        tokio::select! {
            accepted = accept_tcp(&self.tcp) => accepted,
            accepted = local.accept() => {
                let (stream, _) = accepted?;
                let uid = stream.peer_cred()?.uid();
                Ok(Accepted::Local(stream, uid))
            }
        }
    }
}

async fn accept_tcp(listener: &TcpListener) -> io::Result<Accepted> {
    let (stream, address) = listener.accept().await?;
    Ok(Accepted::Tcp(stream, address))
}

/// Whether a process of that account may come in by the socket: it may read the directory's files too.
pub(super) fn is_ours(uid: u32) -> bool {
    uid == 0 || uid == rustix::process::geteuid().as_raw()
}
