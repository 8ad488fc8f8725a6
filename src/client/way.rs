//! How a server is reached. A server of a data directory on this machine shows that it is the one before anything secret is
//! said to it: it is behind a socket in a directory that nobody else can write, or every connection to it begins with a
//! proof. Whoever listens where a server was listening gets no byte of a token.

use std::error::Error;
use std::fmt;
use std::fs::{self, File};
use std::future::Future;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::rt::{Read, Write};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tower::{Layer, Service};

use super::trust::Trust;
use crate::api::{Hash, Proof, ProofKey, nonce};

/// The longest head of an answer to the question for a proof, in bytes.
const HEAD_BYTES: usize = 16 * 1024;
/// The longest proof, in bytes.
const PROOF_BYTES: usize = 4 * 1024;
/// What others may not have of a data directory: the right to write there.
const OTHERS_WRITE: u32 = 0o022;

/// How a server is reached, beside its address.
#[derive(Debug, Clone, Default)]
pub enum Way {
    /// By its address, and whoever listens there is believed: somebody named that address.
    #[default]
    Address,
    /// By a socket in a data directory of this machine.
    Socket(Socket),
    /// By its address over TLS, with that certificate.
    Trusting(Trust),
    /// By its address, after a proof on each connection.
    Proven(Witness),
}

/// A socket in a data directory.
#[derive(Debug, Clone)]
pub struct Socket {
    directory: PathBuf,
    path: PathBuf,
    /// The directory, where the path goes through it.
    _held: Option<Arc<File>>,
}

/// What is known of the server that is meant, at the moment.
#[derive(Debug, Clone)]
pub struct Said {
    /// The secret that it has, too: that of its data directory, or of all nodes.
    pub key: ProofKey,
    /// Whether it is that of all nodes.
    pub node: bool,
    /// Which run of the server.
    pub instance: String,
    /// Where that one listens, or other nodes reach it.
    pub address: String,
}

impl Said {
    fn accepts(&self, number: &Hash, proof: &Proof) -> bool {
        let seal = if self.node { proof.node.as_ref() } else { Some(&proof.proof) };
        seal.is_some_and(|seal| self.key.accepts(number, &self.instance, &self.address, seal))
            && proof.instance == self.instance
    }
}

type Ask = dyn Fn() -> io::Result<Said> + Send + Sync;

/// Who knows how a server proves itself, and is asked anew for each connection.
#[derive(Clone)]
pub struct Witness(Arc<Ask>);

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Witness")
    }
}

impl Witness {
    /// One that reads it where it lies.
    pub fn new(ask: impl Fn() -> io::Result<Said> + Send + Sync + 'static) -> Self {
        Self(Arc::new(ask))
    }
}

impl Socket {
    /// The socket of that name in a directory, whose path may be longer than a socket's may be.
    ///
    /// # Errors
    /// When the directory can't be opened, or its path is too long for this system.
    pub fn new(directory: &Path, name: &str) -> io::Result<Self> {
        let path = directory.join(name);
        if std::os::unix::net::SocketAddr::from_pathname(&path).is_ok() {
            return Ok(Self { directory: directory.to_owned(), path, _held: None });
        }
        Self::by_descriptor(directory, name)
    }

    #[cfg(target_os = "linux")]
    fn by_descriptor(directory: &Path, name: &str) -> io::Result<Self> {
        use std::os::fd::AsRawFd as _;

        let held = File::open(directory)?;
        let path = PathBuf::from(format!("/proc/self/fd/{}/{name}", held.as_raw_fd()));
        std::os::unix::net::SocketAddr::from_pathname(&path)?;
        Ok(Self { directory: directory.to_owned(), path, _held: Some(Arc::new(held)) })
    }

    #[cfg(not(target_os = "linux"))]
    fn by_descriptor(_: &Path, _: &str) -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::InvalidFilename, "the path is too long for a socket"))
    }

    /// Where it is, as the system takes it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Who the directory is of; only that account and root can have put a socket there.
    ///
    /// # Errors
    /// When others may write there, or it is somebody else's.
    pub fn owner(&self) -> io::Result<u32> {
        let about = fs::metadata(&self.directory)?;
        let denied = |why: String| Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        let place = self.directory.display();
        if about.mode() & OTHERS_WRITE != 0 {
            let mend = format!("chmod 700 '{place}'");
            return denied(format!(
                "{place}: other accounts may write there, and could take the server's place; {mend}"
            ));
        }
        let me = rustix::process::geteuid().as_raw();
        if me != 0 && about.uid() != me {
            return denied(format!(
                "{place}: this data directory is another account's (uid {}); name the server with --connect",
                about.uid()
            ));
        }
        Ok(about.uid())
    }

    /// Whether the one who listens there is who the directory is of, or root.
    async fn check(&self) -> io::Result<()> {
        let owner = self.owner()?;
        let peer = UnixStream::connect(&self.path).await?.peer_cred()?.uid();
        if peer == owner || peer == 0 {
            return Ok(());
        }
        let why = format!("the data directory's socket is served by another account (uid {peer})");
        Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
    }
}

/// What is done before a connection is used, and with it.
#[derive(Debug, Clone)]
pub(super) struct Sure(pub(super) Way);

impl<S> Layer<S> for Sure {
    type Service = Sured<S>;

    fn layer(&self, connect: S) -> Sured<S> {
        Sured { connect, way: self.0.clone() }
    }
}

/// Connections that are sure of who is at their other end.
#[derive(Debug, Clone)]
pub(super) struct Sured<S> {
    connect: S,
    way: Way,
}

type BoxError = Box<dyn Error + Send + Sync>;

impl<S, R> Service<R> for Sured<S>
where
    S: Service<R, Error = BoxError> + Clone + Send + 'static,
    S::Response: Read + Write + Unpin + Send + 'static,
    S::Future: Send + 'static,
    R: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.connect.poll_ready(cx)
    }

    fn call(&mut self, to: R) -> Self::Future {
        let connect = self.connect.clone();
        // The one that was made ready is the one to use.
        let mut connect = std::mem::replace(&mut self.connect, connect);
        let way = self.way.clone();
        Box::pin(async move {
            match way {
                Way::Address | Way::Trusting(_) => connect.call(to).await,
                Way::Socket(socket) => {
                    socket.check().await?;
                    connect.call(to).await
                }
                Way::Proven(witness) => prove(connect.call(to).await?, &witness).await,
            }
        })
    }
}

/// Asks for the proof on this very connection, and gives the connection back only with it.
async fn prove<C: Read + Write + Unpin>(connection: C, witness: &Witness) -> Result<C, BoxError> {
    let said = (witness.0)()?;
    let number = nonce()?;
    let mut wire = TokioIo::new(connection);
    let ask = format!("GET /v1/proof?nonce={number} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    wire.write_all(ask.as_bytes()).await?;
    wire.flush().await?;
    let proof: Proof = serde_json::from_slice(&answer(&mut wire).await?)?;
    if said.accepts(&number, &proof) {
        return Ok(wire.into_inner());
    }
    Err(unproven("who listens there is not the server that is meant"))
}

/// The body of one answer, and not a byte more than it.
async fn answer<C: Read + Write + Unpin>(wire: &mut TokioIo<C>) -> Result<Vec<u8>, BoxError> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= HEAD_BYTES {
            return Err(unproven("the answer to the question for a proof does not begin"));
        }
        head.push(wire.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length = length.and_then(|length| length.trim().parse::<usize>().ok());
    let Some(length) = length.filter(|length| *length <= PROOF_BYTES && head.starts_with("http/1.1 200"))
    else {
        return Err(unproven("who listens there gives no proof that it is the server that is meant"));
    };
    let mut body = vec![0; length];
    wire.read_exact(&mut body).await?;
    Ok(body)
}

fn unproven(why: &str) -> BoxError {
    Box::new(io::Error::new(io::ErrorKind::PermissionDenied, why.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_socket_may_lie_deeper_than_a_path_of_one_may_be_long() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("d".repeat(60)).join("e".repeat(60));
        fs::create_dir_all(&deep).unwrap();
        let socket = Socket::new(&deep, "s").unwrap();
        let listener = std::os::unix::net::UnixListener::bind(socket.path()).unwrap();
        assert!(deep.join("s").exists());
        std::os::unix::net::UnixStream::connect(Socket::new(&deep, "s").unwrap().path()).unwrap();
        drop(listener);
    }

    #[test]
    fn a_directory_that_others_write_is_trusted_by_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let socket = Socket::new(dir.path(), "s").unwrap();
        for (mode, fine) in [(0o700, true), (0o755, true), (0o770, false), (0o707, false), (0o1777, false)] {
            fs::set_permissions(dir.path(), fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(socket.owner().is_ok(), fine, "{mode:o}");
        }
    }
}
