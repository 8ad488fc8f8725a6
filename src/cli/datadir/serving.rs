//! Who serves a data directory: what the process that holds its lock says of itself while it serves, and what stays
//! behind. What is said is gone with the server; it is believed only while the lock is held, and a token is sent only by a
//! way on which the server shows that it is the one.

use std::fs;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tokio::net::UnixListener;

use super::{DataDir, DataDirError, Lock, read_small, system};
use crate::api::ProofKey;
use crate::client::{Said, Socket, Way, Witness};
use crate::domain::ids::PersonId;

const SERVER: &str = "server.json";
/// Where it was served last: never an address to send something to.
pub(crate) const SERVED: &str = "served.json";
pub(crate) const SOCKET: &str = "server.sock";

/// Who serves the directory, for others to find.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Serving {
    /// Where.
    pub(crate) address: SocketAddr,
    /// Which run of the server; a server that answers with another one is not ours.
    pub(crate) instance: String,
    /// The process, for people.
    pub(crate) pid: u32,
    /// It is a `deeds serve`: whoever runs it starts it again, and nobody takes its place.
    #[serde(default)]
    pub(crate) standalone: bool,
    /// It speaks TLS there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) tls: bool,
    /// It listens on the directory's socket too.
    #[serde(default)]
    pub(crate) socket: bool,
    /// By what it proves itself at its address; a server of an earlier version has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) proof: Option<ProofKey>,
}

/// Where the directory was served last, for whoever serves it next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Served {
    /// Where; agents know that address.
    pub(crate) address: SocketAddr,
    /// By a `deeds serve`, which comes back.
    pub(crate) standalone: bool,
}

/// What a process says of itself while it serves. With it goes what was said, and then the lock.
#[derive(Debug)]
pub(crate) struct Announced {
    dir: DataDir,
    lock: Lock,
}

impl Announced {
    /// Says where this process serves.
    ///
    /// # Errors
    /// When a file can't be written.
    pub(crate) fn new(dir: &DataDir, lock: Lock, serving: &Serving) -> Result<Self, DataDirError> {
        dir.say_serving(serving, &lock)?;
        Ok(Self { dir: dir.clone(), lock })
    }

    /// Takes down whose directory it is, once that is founded.
    ///
    /// # Errors
    /// When the file can't be written.
    pub(crate) fn keep_person(&self, person: &PersonId) -> Result<(), DataDirError> {
        self.dir.keep_person(person, &self.lock)
    }

    /// Takes back what was said, so that nobody attaches to a server that is about to end.
    pub(crate) fn take_back(&self) {
        if let Err(error) = self.dir.forget_serving(&self.lock) {
            tracing::warn!(%error, "that this process serves could not be taken back");
        }
    }
}

impl Drop for Announced {
    fn drop(&mut self) {
        self.take_back();
    }
}

impl DataDir {
    /// A process has served it, or does: it is not one that is just being made.
    pub(crate) fn was_served(&self) -> bool {
        [SERVED, SERVER].iter().any(|name| self.path.join(name).exists())
    }

    /// Who serves the directory, or did until it was killed.
    pub(crate) fn serving(&self) -> Option<Serving> {
        let text = read_small(&self.path.join(SERVER)).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Where the directory was served last.
    pub(crate) fn served(&self) -> Option<Served> {
        let text = read_small(&self.path.join(SERVED)).or_else(|_| read_small(&self.path.join(SERVER)));
        serde_json::from_str(&text.ok()?).ok()
    }

    /// Says where this process serves; whoever holds the lock calls it.
    ///
    /// # Errors
    /// When a file can't be written.
    pub(crate) fn say_serving(&self, serving: &Serving, _lock: &Lock) -> Result<(), DataDirError> {
        let served = Served { address: serving.address, standalone: serving.standalone };
        let text = serde_json::to_string(&served).unwrap_or_default();
        Self::replace(&self.path.join(SERVED), &text)?;
        let text = serde_json::to_string(serving).unwrap_or_default();
        Self::replace(&self.path.join(SERVER), &text)
    }

    /// Takes away what is said of a server, its socket too; whoever holds the lock calls it.
    ///
    /// # Errors
    /// When a file can't be removed.
    pub(crate) fn forget_serving(&self, _lock: &Lock) -> Result<(), DataDirError> {
        gone(&self.path.join(SERVER))?;
        // What else may be there is no socket, and is left: the server goes without one then.
        gone(&self.path.join(SOCKET)).or_else(|error| if self.has_socket() { Err(error) } else { Ok(()) })
    }

    fn has_socket(&self) -> bool {
        use std::os::unix::fs::FileTypeExt as _;

        fs::symlink_metadata(self.path.join(SOCKET)).is_ok_and(|about| about.file_type().is_socket())
    }

    /// Listens on the directory's socket; whoever holds the lock calls it, after what was there is gone.
    ///
    /// # Errors
    /// What the system says: not everything that holds files holds sockets.
    pub(crate) fn listen(&self, _lock: &Lock) -> io::Result<UnixListener> {
        let socket = Socket::new(&self.path, SOCKET)?;
        let listener = UnixListener::bind(socket.path())?;
        fs::set_permissions(socket.path(), fs::Permissions::from_mode(0o600))?;
        Ok(listener)
    }

    /// The way to the server of which that is said, on which it shows that it is the one; none to one of an earlier
    /// version.
    ///
    /// # Errors
    /// When others may write in the directory, and could take the server's place.
    pub(crate) fn way(&self, serving: &Serving) -> io::Result<Option<Way>> {
        if serving.socket {
            let socket = Socket::new(&self.path, SOCKET)?;
            socket.owner()?;
            return Ok(Some(Way::Socket(socket)));
        }
        if serving.proof.is_none() {
            return Ok(None);
        }
        let (dir, address) = (self.clone(), serving.address);
        Ok(Some(Way::Proven(Witness::new(move || dir.said(address)))))
    }

    /// What is said now of the server at that address.
    fn said(&self, address: SocketAddr) -> io::Result<Said> {
        let nobody = || io::Error::new(ErrorKind::NotFound, "no process serves this data directory there");
        if self.is_free().map_err(io::Error::other)? {
            return Err(nobody());
        }
        let serving = self.serving().filter(|serving| serving.address == address).ok_or_else(nobody)?;
        let key = serving.proof.ok_or_else(nobody)?;
        Ok(Said { key, node: false, instance: serving.instance, address: address.to_string() })
    }
}

fn gone(path: &Path) -> Result<(), DataDirError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(system(path, error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &Path) -> DataDir {
        let engine = crate::ledger::engine::embedded();
        DataDir::open(path, engine).unwrap()
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_is_said_goes_with_who_said_it_and_where_it_was_stays() {
        let dir = tempfile::tempdir().unwrap();
        let data = open(&dir.path().join("data"));
        assert!(!data.was_served());
        let serving = Serving {
            address: "127.0.0.1:4170".parse().unwrap(),
            instance: "i".to_owned(),
            pid: 1,
            standalone: true,
            tls: false,
            socket: false,
            proof: Some(ProofKey::random().unwrap()),
        };
        let announced = Announced::new(&data, data.try_lock().unwrap().unwrap(), &serving).unwrap();
        assert_eq!(data.serving(), Some(serving.clone()));
        assert_eq!(mode(&data.path().join(SERVER)), 0o600);
        assert!(data.said(serving.address).is_ok());
        assert!(data.said("127.0.0.1:4171".parse().unwrap()).is_err());
        drop(announced);
        assert_eq!(data.serving(), None);
        assert_eq!(data.served(), Some(Served { address: serving.address, standalone: true }));
        assert!(data.was_served());
        let lock = data.try_lock().unwrap().unwrap();
        // What a process said that was killed is believed by nobody.
        data.say_serving(&serving, &lock).unwrap();
        drop(lock);
        assert!(data.said(serving.address).is_err());
    }
}
