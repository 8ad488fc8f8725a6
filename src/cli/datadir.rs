//! The data directory: created for its owner alone, locked by the process that serves it, with the serving process's
//! address and the tokens beside the ledgers. What is in a ledger is not known here. `serving` is who serves it.

mod odd;
pub(crate) mod serving;

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::token::header_file;
use crate::api::{Fingerprint, TokenText};
use crate::domain::hash::hex;
use crate::domain::ids::{PersonId, WorkspaceId};
use crate::ledger::{Engine, LedgerError, Store};

pub(crate) use serving::{Announced, Served, Serving};

const LOCK: &str = "lock";
const TOKENS: &str = "tokens";
const MAPS: &str = "maps";
/// What guards keep between two calls.
const HOOKS: &str = "hooks";
pub(crate) const CONNECTIONS: &str = "connections";
pub(crate) const PERSON: &str = "person";
/// Which backup the directory was restored from.
pub(crate) const RESTORED: &str = "restored.json";
/// Nothing of these names is a directory.
const FILES: [&str; 5] = [LOCK, PERSON, RESTORED, serving::SERVED, Store::HOME];
/// How the file of a guard's token ends; no name has this sign in it.
const GUARD: &str = "=guard";
/// The largest token file or server file that is read, in bytes.
const MAX_SMALL_FILE_BYTES: u64 = 4 * 1024;

/// Why a data directory can't be used: place, reason, mend.
#[derive(Debug, Error)]
pub(crate) enum DataDirError {
    /// Something else is there.
    #[error("{0}: this is not a directory; name a directory with --data-dir")]
    NotADirectory(PathBuf),
    /// Nothing is there.
    #[error("{0}: there is no data directory here; start `deeds` once, or name another with --data-dir")]
    Missing(PathBuf),
    /// The directory is used for something else.
    #[error(
        "{place}: this directory holds other files (such as {example}); name an empty one with --data-dir"
    )]
    Foreign {
        /// The directory.
        place: PathBuf,
        /// A file that is not ours.
        example: String,
    },
    /// It is somebody else's.
    #[error(
        "{place}: it belongs to user {owner}, and you are user {user}; run deeds as its owner, or name another with --data-dir"
    )]
    NotYours {
        /// The directory.
        place: PathBuf,
        /// Its owner's number.
        owner: u32,
        /// Who asks.
        user: u32,
    },
    /// Others may enter it.
    #[error("{place}: it has mode {mode:o}, so that others may enter; `chmod 700 {place}`, then start again")]
    Open {
        /// The directory.
        place: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Something lies where a file of it should.
    #[error("{place}: this is {what} and no file; move it out of the data directory")]
    NoFile {
        /// Where.
        place: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// The system refused.
    #[error("{place}: {reason}; {mend}")]
    System {
        /// The file or directory.
        place: PathBuf,
        /// What the system said.
        reason: std::io::Error,
        /// What to do about it.
        mend: &'static str,
    },
}

fn system(place: &Path, reason: std::io::Error) -> DataDirError {
    let kind = reason.kind();
    let mend = if matches!(kind, ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) {
        "check its owner and permissions, or name another directory with --data-dir"
    } else if matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded) {
        "make room on the disk, then start again"
    } else {
        "look at the disk, or name another directory with --data-dir"
    };
    DataDirError::System { place: place.to_owned(), reason, mend }
}

/// A data directory.
#[derive(Debug, Clone)]
pub(crate) struct DataDir {
    path: PathBuf,
    store: Store,
}

/// Held by the one process that serves the directory; given back by the system when that process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
    /// The directory itself, so that nobody gets in by taking the lock file away.
    _directory: Option<File>,
}

impl DataDir {
    /// Opens the directory, and creates it for its owner alone if there is none.
    ///
    /// # Errors
    /// When it is not a directory, belongs to something or somebody else, is open to others, or can't be made.
    pub(crate) fn open(path: &Path, engine: Arc<dyn Engine>) -> Result<Self, DataDirError> {
        match fs::metadata(path) {
            Ok(about) if !about.is_dir() => return Err(DataDirError::NotADirectory(path.to_owned())),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
                made.map_err(|error| system(path, error))?;
            }
            Err(error) if error.kind() == ErrorKind::NotADirectory => {
                return Err(DataDirError::NotADirectory(path.to_owned()));
            }
            Err(error) => return Err(system(path, error)),
        }
        let dir = Self::however(path, engine)?;
        dir.refuse_foreign()?;
        dir.refuse_open()?;
        // By its lock file the directory is known as ours from now on.
        drop(dir.lock_file()?);
        dir.make_folder(TOKENS)?;
        Ok(dir)
    }

    /// The directory as it is; nothing is created. What is in it is secret and is gone by: it is its owner's alone.
    ///
    /// # Errors
    /// When there is none, it is somebody else's, or others may enter.
    pub(crate) fn existing(path: &Path, engine: Arc<dyn Engine>) -> Result<Self, DataDirError> {
        let dir = Self::however(path, engine)?;
        dir.refuse_open()?;
        Ok(dir)
    }

    /// Somebody else's directory, and one that others may enter, is not gone by.
    fn refuse_open(&self) -> Result<(), DataDirError> {
        let about = fs::metadata(&self.path).map_err(|error| system(&self.path, error))?;
        let (owner, user) = (about.uid(), rustix::process::geteuid().as_raw());
        let (place, mode) = (self.path.clone(), about.permissions().mode() & 0o777);
        if owner != user {
            return Err(DataDirError::NotYours { place, owner, user });
        }
        if mode & 0o077 != 0 { Err(DataDirError::Open { place, mode }) } else { Ok(()) }
    }

    /// The directory whosever it is and whoever may enter, to say what is wrong with it.
    ///
    /// # Errors
    /// When there is none, or something else lies in the place of a file.
    pub(crate) fn however(path: &Path, engine: Arc<dyn Engine>) -> Result<Self, DataDirError> {
        match fs::metadata(path) {
            Ok(about) if about.is_dir() => {}
            Ok(_) => return Err(DataDirError::NotADirectory(path.to_owned())),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(DataDirError::Missing(path.to_owned()));
            }
            Err(error) => return Err(system(path, error)),
        }
        let path = fs::canonicalize(path).map_err(|error| system(path, error))?;
        if let Some((place, what)) = odd::first(&path, &FILES, &[TOKENS, MAPS, CONNECTIONS, HOOKS]) {
            return Err(DataDirError::NoFile { place, what });
        }
        Ok(Self { store: Store::new(&path, engine), path })
    }

    /// The same to be looked at alone, for that reason.
    pub(crate) fn only_looked_at(self, why: &str) -> Self {
        Self { store: self.store.only_looked_at(why), ..self }
    }

    /// The same, the heads of its ledgers signed with the key in that file, if one is named.
    pub(crate) fn signed_with(self, key: Option<&Path>) -> Self {
        Self { store: self.store.signed_with(key), ..self }
    }

    /// Its ledgers.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A directory with files and no lock of ours is somebody else's.
    fn refuse_foreign(&self) -> Result<(), DataDirError> {
        let is_ours = || self.path.join(LOCK).exists() || self.has_ledger();
        if is_ours() {
            return Ok(());
        }
        let mut names = names_in(&self.path)?;
        names.retain(|name| {
            !["lost+found", TOKENS].contains(&name.as_str()) && !Store::NAMES.contains(&name.as_str())
        });
        match names.into_iter().next() {
            // Whoever has made it ours meanwhile made the lock before all else.
            Some(example) if !is_ours() => Err(DataDirError::Foreign { place: self.path.clone(), example }),
            Some(_) | None => Ok(()),
        }
    }

    /// A lock file may be lost; what is locked by it is ours all the same.
    fn has_ledger(&self) -> bool {
        let there = self.workspaces().unwrap_or_default();
        self.store.home().is_some() || there.iter().any(|workspace| self.store.has(workspace))
    }

    /// Takes away what processes that are gone have left of files that they were about to put in place.
    pub(crate) fn tidy(&self, _lock: &Lock) {
        let folders = [TOKENS, MAPS, CONNECTIONS, HOOKS].map(|name| self.path.join(name));
        for place in folders.into_iter().chain([self.path.clone()]).flat_map(|place| {
            let names = names_in(&place).unwrap_or_default();
            names.into_iter().filter(|name| is_left_over(name)).map(move |name| place.join(name))
        }) {
            if let Err(error) = fs::remove_file(&place) {
                tracing::warn!(place = %place.display(), %error, "what is left of a file stays");
            }
        }
    }

    /// The workspaces that have something here, by name; whether they open is another matter.
    ///
    /// # Errors
    /// When the directory can't be read.
    pub(crate) fn workspaces(&self) -> Result<Vec<WorkspaceId>, LedgerError> {
        self.store.workspaces()
    }

    /// Where the tokens lie that people have here.
    pub(crate) fn tokens_path(&self) -> PathBuf {
        self.path.join(TOKENS)
    }

    /// Takes the lock; `None` if another process has it.
    ///
    /// # Errors
    /// When the lock file can't be made.
    pub(crate) fn try_lock(&self) -> Result<Option<Lock>, DataDirError> {
        let file = self.lock_file()?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(system(&self.path.join(LOCK), error)),
        }
        let directory = self.directory();
        match directory.as_ref().map(File::try_lock) {
            Some(Err(TryLockError::WouldBlock)) => Ok(None),
            // Not everything that holds files lets directories be locked.
            Some(Ok(()) | Err(TryLockError::Error(_))) | None => {
                Ok(Some(Lock { _file: file, _directory: directory }))
            }
        }
    }

    fn directory(&self) -> Option<File> {
        File::open(&self.path).ok()
    }

    /// Whether no process holds the lock; it is not taken, and nothing is made.
    ///
    /// # Errors
    /// When the lock file can't be read.
    pub(crate) fn is_free(&self) -> Result<bool, DataDirError> {
        let path = self.path.join(LOCK);
        let taken = |directory: File| matches!(directory.try_lock_shared(), Err(TryLockError::WouldBlock));
        if self.directory().is_some_and(taken) {
            return Ok(false);
        }
        match File::open(&path) {
            Ok(file) => Ok(file.try_lock_shared().is_ok()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
            Err(error) => Err(system(&path, error)),
        }
    }

    /// Waits until the lock is free, and takes it. Blocks for as long as another process serves.
    ///
    /// # Errors
    /// When the lock file can't be made.
    pub(crate) fn wait_for_lock(&self) -> Result<Lock, DataDirError> {
        let file = self.lock_file()?;
        file.lock().map_err(|error| system(&self.path.join(LOCK), error))?;
        let directory = self.directory();
        if let Some(directory) = &directory {
            // Where it can't be locked, the file alone says it.
            directory.lock().unwrap_or_default();
        }
        Ok(Lock { _file: file, _directory: directory })
    }

    fn lock_file(&self) -> Result<File, DataDirError> {
        let path = self.path.join(LOCK);
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true).mode(0o600);
        options.open(&path).map_err(|error| system(&path, error))
    }

    /// Whose directory it is, as the process that served it last has found in its ledger.
    pub(crate) fn person(&self) -> Option<PersonId> {
        read_small(&self.path.join(PERSON)).ok()?.trim().parse().ok()
    }

    /// Takes down whose directory it is; whoever holds the lock calls it.
    ///
    /// # Errors
    /// When the file can't be written.
    pub(crate) fn keep_person(&self, person: &PersonId, _lock: &Lock) -> Result<(), DataDirError> {
        if self.person().as_ref() == Some(person) {
            return Ok(());
        }
        Self::replace(&self.path.join(PERSON), person.as_str())
    }

    /// Where the token of that name for a workspace here is kept.
    pub(crate) fn token_file(&self, workspace: &WorkspaceId, name: &str) -> PathBuf {
        self.path.join(TOKENS).join(format!("{workspace}.{}", file_name(name)))
    }

    /// Where the token of an agent is kept whose name is also somebody else's; no name has this sign in it.
    pub(crate) fn agent_token_file(&self, workspace: &WorkspaceId, agent: &str) -> PathBuf {
        self.path.join(TOKENS).join(format!("{workspace}.{}=agent", file_name(agent)))
    }

    /// The files of the certificate that a server here makes for itself, and of its key.
    pub(crate) fn certificate_files(&self) -> (PathBuf, PathBuf) {
        (self.path.join("tls.crt"), self.path.join("tls.key"))
    }

    fn pin_file(&self, url: &crate::client::Url) -> PathBuf {
        let host = file_name(url.host_str().unwrap_or_default());
        let port = url.port_or_known_default().unwrap_or_default();
        self.path.join(TOKENS).join(format!("remote.{host}_{port}=certificate"))
    }

    /// The certificate by which a server elsewhere is known.
    pub(crate) fn pin(&self, url: &crate::client::Url) -> Option<Fingerprint> {
        read_small(&self.pin_file(url)).ok()?.parse().ok()
    }

    /// Keeps the certificate by which a server elsewhere is known.
    ///
    /// # Errors
    /// When the file can't be written.
    pub(crate) fn keep_pin(&self, url: &crate::client::Url, pin: Fingerprint) -> Result<(), DataDirError> {
        Self::replace(&self.pin_file(url), &format!("{pin}\n"))
    }

    /// Where the token of a person's guards is kept, for a workspace here or on a server elsewhere.
    pub(crate) fn guard_token_file(
        &self,
        url: Option<&crate::client::Url>,
        workspace: &WorkspaceId,
        person: &PersonId,
    ) -> PathBuf {
        let whose = url.map_or_else(
            || self.token_file(workspace, person.as_str()),
            |url| self.remote_token_file(url, workspace),
        );
        let mut name = whose.into_os_string();
        name.push(GUARD);
        PathBuf::from(name)
    }

    /// Where the token for a workspace on a server elsewhere is kept.
    pub(crate) fn remote_token_file(&self, url: &crate::client::Url, workspace: &WorkspaceId) -> PathBuf {
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or_default();
        self.path.join(TOKENS).join(format!("remote.{}_{port}.{workspace}", file_name(host)))
    }

    /// Where an agent's token for a workspace on a server elsewhere is kept.
    pub(crate) fn remote_agent_token_file(
        &self,
        url: &crate::client::Url,
        workspace: &WorkspaceId,
        agent: &str,
    ) -> PathBuf {
        let mut name = self.remote_token_file(url, workspace).into_os_string();
        name.push(format!("=agent={}", file_name(agent)));
        PathBuf::from(name)
    }

    /// The tokens kept for workspaces on a server elsewhere, by file name.
    pub(crate) fn remote_token_files(&self, url: &crate::client::Url) -> Vec<PathBuf> {
        let host = file_name(url.host_str().unwrap_or_default());
        let start = format!("remote.{host}_{}.", url.port_or_known_default().unwrap_or_default());
        let entries = fs::read_dir(self.path.join(TOKENS)).into_iter().flatten().flatten();
        let ours = entries.filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            // Those of guards and agents have a sign in them that no name has.
            name.starts_with(&start) && !name.contains('=')
        });
        let mut files: Vec<PathBuf> = ours.map(|entry| entry.path()).collect();
        files.sort();
        files
    }

    /// Where maps lie that were seen last, for hooks that find no server.
    ///
    /// # Errors
    /// When the directory can't be made.
    pub(crate) fn make_maps(&self) -> Result<(), DataDirError> {
        self.make_folder(MAPS)
    }

    /// Where guards keep what they know of that name.
    pub(crate) fn guard_memory(&self, name: &str) -> PathBuf {
        self.path.join(HOOKS).join(format!("{name}.json"))
    }

    /// The file that a guard locks while it changes what guards keep; the folder is made.
    ///
    /// # Errors
    /// When either can't be made.
    pub(crate) fn guard_memory_lock(&self) -> Result<File, DataDirError> {
        self.make_folder(HOOKS)?;
        let lock = self.path.join(HOOKS).join(LOCK);
        let opened = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&lock);
        opened.map_err(|error| system(&lock, error))
    }

    /// Makes a folder for its owner alone, where there is none.
    fn make_folder(&self, name: &str) -> Result<(), DataDirError> {
        let folder = self.path.join(name);
        match DirBuilder::new().mode(0o700).create(&folder) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(system(&folder, error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Where it is written down what was entered into another program's settings file.
    pub(crate) fn connection_file(&self, settings: &Path) -> PathBuf {
        let digest = Sha256::digest(settings.as_os_str().as_encoded_bytes());
        self.path.join(CONNECTIONS).join(format!("{}.json", hex(&digest)))
    }

    /// The same in a directory that is there.
    ///
    /// # Errors
    /// When the directory can't be made.
    pub(crate) fn make_connection_file(&self, settings: &Path) -> Result<PathBuf, DataDirError> {
        self.make_folder(CONNECTIONS)?;
        Ok(self.connection_file(settings))
    }

    /// All such files.
    pub(crate) fn connection_files(&self) -> Vec<PathBuf> {
        let folder = self.path.join(CONNECTIONS);
        let names = names_in(&folder).unwrap_or_default();
        names
            .into_iter()
            .filter(|name| Path::new(name).extension().is_some_and(|end| end == "json"))
            .map(|name| folder.join(name))
            .collect()
    }

    /// Where the map of a workspace is kept that was seen last, here or on a server elsewhere.
    pub(crate) fn map_file(&self, url: Option<&crate::client::Url>, workspace: &WorkspaceId) -> PathBuf {
        self.path.join(MAPS).join(format!("{}{workspace}.toml", maps_of(url)))
    }

    /// The workspaces whose maps were seen last here, or on that server elsewhere, by name.
    pub(crate) fn known_maps(&self, url: Option<&crate::client::Url>) -> Vec<WorkspaceId> {
        let start = maps_of(url);
        let names = names_in(&self.path.join(MAPS)).unwrap_or_default();
        let ours = names.iter().filter_map(|name| name.strip_prefix(&start)?.strip_suffix(".toml"));
        // Another server's file has a dot in its name, which no workspace has.
        ours.filter_map(|name| name.parse().ok()).collect()
    }

    /// Keeps a token, readable by its owner alone, in the form that `curl -H @FILE` takes.
    ///
    /// # Errors
    /// When the file can't be written.
    pub(crate) fn keep_token(file: &Path, token: &TokenText) -> Result<(), DataDirError> {
        Self::replace(file, &header_file(&token.expose()))
    }

    /// Writes beside the file, then puts the new one in its place: never a half file.
    pub(crate) fn replace(path: &Path, text: &str) -> Result<(), DataDirError> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(format!(".{}.new", std::process::id()));
        let beside = PathBuf::from(beside);
        let write = || {
            let mut options = OpenOptions::new();
            options.create(true).truncate(true).write(true).mode(0o600);
            let mut file = options.open(&beside)?;
            file.set_permissions(fs::Permissions::from_mode(0o600))?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&beside, path)
        };
        write().map_err(|error| {
            // Whatever was begun is taken away; that it may not be there is no matter.
            fs::remove_file(&beside).unwrap_or_default();
            system(path, error)
        })
    }
}

/// How the names of maps begin that were seen on a server elsewhere.
fn maps_of(url: Option<&crate::client::Url>) -> String {
    url.map_or_else(String::new, |url| {
        let host = file_name(url.host_str().unwrap_or_default());
        format!("remote.{host}_{}.", url.port_or_known_default().unwrap_or_default())
    })
}

/// Whether a file of that name was about to be put in place by a process that is gone: `NAME.PID.new`, or `NAME.new` where only
/// who holds the lock writes it.
pub(crate) fn is_left_over(name: &str) -> bool {
    if name.strip_suffix(".new").is_some_and(|name| Store::NAMES.contains(&name)) {
        return true;
    }
    let pid = name.strip_suffix(".new").and_then(|name| name.rsplit_once('.')).map(|(_, pid)| pid);
    let pid =
        pid.and_then(|pid| rustix::process::Pid::from_raw(i32::try_from(pid.parse::<u32>().ok()?).ok()?));
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH))
}

/// Whether that file of the directory was never finished, by a process that is gone, and the next start takes it away.
pub(crate) fn is_draft(dir: &DataDir, path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let in_workspace =
        path.parent().and_then(Path::parent).is_some_and(|parent| parent.ends_with("workspaces"));
    if in_workspace { dir.store.is_draft(&name) } else { is_left_over(&name) }
}

/// The names in a directory, sorted.
fn names_in(directory: &Path) -> Result<Vec<String>, DataDirError> {
    let entries = fs::read_dir(directory).map_err(|error| system(directory, error))?;
    let mut names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    Ok(names)
}

/// A file of a few lines.
///
/// # Errors
/// What the system says; a longer file is refused.
pub(crate) fn read_small(path: &Path) -> std::io::Result<String> {
    use std::io::Read as _;

    let mut text = String::new();
    File::open(path)?.take(MAX_SMALL_FILE_BYTES + 1).read_to_string(&mut text)?;
    if u64::try_from(text.len()).is_ok_and(|bytes| bytes > MAX_SMALL_FILE_BYTES) {
        return Err(std::io::Error::new(ErrorKind::FileTooLarge, "it is too long for what it should hold"));
    }
    Ok(text)
}

/// A name as a file name: what could mean something to a file system is written as `%XX`.
fn file_name(name: &str) -> String {
    let keep = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '@' | '+');
    let mut out = String::new();
    for (at, c) in name.chars().enumerate() {
        if keep(c) || (c == '.' && at > 0) {
            out.push(c);
        } else {
            let mut bytes = [0; 4];
            out.extend(c.encode_utf8(&mut bytes).bytes().map(|byte| format!("%{byte:02X}")));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &Path) -> Result<DataDir, DataDirError> {
        let engine = crate::ledger::engine::embedded();
        DataDir::open(path, engine)
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn it_is_made_for_its_owner_alone_and_locked_by_one() {
        let dir = tempfile::tempdir().unwrap();
        let data = open(&dir.path().join("a/b")).unwrap();
        assert_eq!(mode(data.path()), 0o700);
        let lock = data.try_lock().unwrap().unwrap();
        assert!(data.try_lock().unwrap().is_none());
        drop(lock);
        assert!(data.try_lock().unwrap().is_some());
        // Opened again with its lock file in it, it is still ours.
        open(data.path()).unwrap();
    }

    #[test]
    fn what_others_may_enter_is_not_gone_by() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("open");
        open(&place).unwrap();
        for wrong in [0o750, 0o701, 0o720, 0o755] {
            fs::set_permissions(&place, fs::Permissions::from_mode(wrong)).unwrap();
            let engine = crate::ledger::engine::embedded();
            for opened in [open(&place), DataDir::existing(&place, engine)] {
                let error = opened.unwrap_err().to_string();
                assert!(error.contains("chmod 700") && error.contains(&format!("{wrong:o}")), "{error}");
            }
        }
        fs::set_permissions(&place, fs::Permissions::from_mode(0o700)).unwrap();
        open(&place).unwrap();
        // What is the system's is somebody else's, or open to others where the tests run as its owner.
        let engine = crate::ledger::engine::embedded();
        let theirs = DataDir::existing(Path::new("/proc/1"), engine);
        assert!(theirs.is_err(), "{theirs:?}");
    }

    #[test]
    fn what_is_not_ours_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("thesis.tex"), "x").unwrap();
        let error = open(dir.path()).unwrap_err().to_string();
        assert!(error.contains("thesis.tex") && error.contains("--data-dir"), "{error}");
        let file = dir.path().join("thesis.tex");
        for path in [file.clone(), file.join("below")] {
            let error = open(&path).unwrap_err().to_string();
            assert!(error.contains("not a directory"), "{error}");
        }
    }

    #[test]
    fn names_of_agents_become_names_of_files() {
        for (name, file) in
            [("dana", "dana"), ("beads/crew", "beads%2Fcrew"), ("..", "%2E."), ("é", "%C3%A9")]
        {
            assert_eq!(file_name(name), file);
        }
    }
}
