//! The ledgers of one data directory: where each lies, and how it is made, opened, listed, copied, verified and looked at,
//! whatever engine keeps it. Who locks the directory, and what else lies in it, is not known here.
//!
//! The layout is `workspaces/<name>/…`, and the file `home` with the name of the workspace that came first, where no engine keeps that.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::slice;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::engine::{self, Engine};
use super::mark::{self, Marked};
use super::nodes::Nodes;
use super::{
    AnyLedger, Hash, Head, Identity, LedgerError, Lost, Rebuild, Record, Signing, Verified, Witness, signing,
    sqlite,
};
use crate::domain::ids::WorkspaceId;

const WORKSPACES: &str = "workspaces";
const HOME: &str = "home";
const HOME_DRAFT: &str = "home.new";
const DUE: &str = "workspaces.due";
/// The longest name of a home that is read, in bytes.
const MAX_HOME_BYTES: u64 = 4 * 1024;

/// What a backup keeps of a data directory. Secrets are not among it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept<'a> {
    /// A workspace's ledger.
    Ledger(&'a WorkspaceId),
    /// Where it ended, signed.
    Heads(&'a WorkspaceId),
    /// The public keys that signed.
    Keys,
}

/// What a ledger that is closed is told by: it is another after any write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Stamp {
    /// Its file as the system tells it: its place on the disk, how long it is, when it was written and when its place was.
    File([i64; 6]),
    /// Its last record, where it is no file.
    End {
        /// Its number.
        seq: u64,
        /// Its chain hash.
        hash: Hash,
    },
}

impl Stamp {
    fn of(about: &fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        let place = i64::from_ne_bytes(about.ino().to_ne_bytes());
        let length = i64::try_from(about.len()).unwrap_or(i64::MAX);
        Self::File([place, length, about.mtime(), about.mtime_nsec(), about.ctime(), about.ctime_nsec()])
    }

    /// Whether it may be of the ledger as it ended with that record: somebody else may have gone on in a database.
    pub fn ends_at(&self, last: u64) -> bool {
        match self {
            Self::File(_) => true,
            Self::End { seq, .. } => *seq == last,
        }
    }
}

/// The ledgers of one data directory.
#[derive(Debug, Clone)]
pub struct Store {
    directory: PathBuf,
    engine: Arc<dyn Engine>,
    look_only: Option<Arc<str>>,
    /// The file of the key that signs heads, where it is not the directory's.
    signing_key: Option<Arc<Path>>,
}

impl From<&Path> for Store {
    /// That data directory's, of the engine that is taken where none is named.
    fn from(directory: &Path) -> Self {
        Self::new(directory, engine::embedded())
    }
}

impl Store {
    /// What it puts into its directory.
    pub const NAMES: [&str; 6] = [WORKSPACES, HOME, HOME_DRAFT, DUE, signing::SECRET, signing::KEYS];

    /// The file that says which of them is the home.
    pub const HOME: &str = HOME;

    /// Of that data directory and that engine; nothing is looked at yet.
    pub fn new(directory: &Path, engine: Arc<dyn Engine>) -> Self {
        Self { directory: directory.to_owned(), engine, look_only: None, signing_key: None }
    }

    /// The same, to be looked at alone, for that reason: whoever serves it records nothing.
    #[must_use]
    pub fn only_looked_at(self, why: &str) -> Self {
        Self { look_only: Some(Arc::from(why)), ..self }
    }

    /// The same, its heads signed with the key in that file, if one is named.
    #[must_use]
    pub fn signed_with(self, key: Option<&Path>) -> Self {
        Self { signing_key: key.map(Arc::from), ..self }
    }

    /// Why nothing is to be recorded in it, if so.
    pub fn look_only(&self) -> Option<Arc<str>> {
        self.look_only.clone()
    }

    /// In the form of backups: a file for each workspace, whatever engine the ledgers come from and go to.
    pub fn of_backups(directory: &Path) -> Self {
        Self::new(directory, engine::embedded())
    }

    /// The data directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The folder of a workspace. What is made from its ledger lies there, too.
    pub fn folder(&self, workspace: &WorkspaceId) -> PathBuf {
        self.root().join(workspace.as_str())
    }

    /// How the workspace's ledger is called in errors and lists.
    pub fn place(&self, workspace: &WorkspaceId) -> String {
        self.engine.place(&self.folder(workspace))
    }

    /// The file with what closed workspaces are, made by whoever serves them.
    pub fn due(&self) -> PathBuf {
        self.directory.join(DUE)
    }

    /// What a ledger that is closed is told by; none where it can't be told.
    pub fn stamp(&self, workspace: &WorkspaceId) -> Option<Stamp> {
        self.stamps(slice::from_ref(workspace)).remove(workspace)
    }

    /// The same of several, asked at once. Blocks.
    pub fn stamps(&self, workspaces: &[WorkspaceId]) -> BTreeMap<WorkspaceId, Stamp> {
        match self.engine.ends(workspaces) {
            Ok(Some(ends)) => {
                let stamp = |Head { seq, hash }| Stamp::End { seq, hash };
                ends.into_iter().map(|(workspace, end)| (workspace, stamp(end))).collect()
            }
            Ok(None) => {
                let stamp =
                    |workspace: &WorkspaceId| Some((workspace.clone(), self.stamp_of_file(workspace)?));
                workspaces.iter().filter_map(stamp).collect()
            }
            Err(error) => {
                tracing::warn!(%error, "where closed ledgers end can't be asked");
                BTreeMap::new()
            }
        }
    }

    /// None where not everything is in the file, since there is a log beside it.
    fn stamp_of_file(&self, workspace: &WorkspaceId) -> Option<Stamp> {
        let file = self.file(workspace);
        let log = file.with_file_name(sqlite::log_of(&file));
        if fs::metadata(log).is_ok_and(|log| log.len() > 0) {
            return None;
        }
        let about = fs::metadata(&file).ok()?;
        Some(Stamp::of(&about))
    }

    /// What nodes tell each other through the engine, where several may be.
    pub fn nodes(&self) -> Option<Arc<dyn Nodes>> {
        self.engine.nodes()
    }

    /// Where these ledgers end, for an engine whose ledgers others write as well; without those that it lacks. Blocks.
    ///
    /// # Errors
    /// When it can't be asked.
    pub fn ends(&self, workspaces: &[WorkspaceId]) -> Result<Option<Vec<(WorkspaceId, Head)>>, LedgerError> {
        self.engine.ends(workspaces)
    }

    /// The workspaces that have something here, by name; whether they open is another matter.
    pub fn workspaces(&self) -> Result<Vec<WorkspaceId>, LedgerError> {
        self.engine.list(&self.root())
    }

    /// Makes the workspace's folder, for its owner alone, and its ledger; one that is there already is opened.
    pub fn create(&self, workspace: &WorkspaceId) -> Result<AnyLedger, LedgerError> {
        let folder = self.private(workspace)?;
        let synced = File::open(self.root()).and_then(|root| root.sync_all());
        synced.map_err(|error| LedgerError::of_system(&folder, &error))?;
        self.engine.create(&folder, workspace)
    }

    /// Opens a ledger that exists, and verifies its end.
    pub fn open(&self, workspace: &WorkspaceId) -> Result<AnyLedger, LedgerError> {
        self.own(workspace, &self.engine.identity(&self.folder(workspace))?)?;
        self.engine.open(&self.folder(workspace))
    }

    /// Verifies the whole chain, also while another process appends to it: what is there on beginning is read.
    /// `progress` is told each record as it is reached. Blocks; call it off the runtime's threads.
    pub fn verify(
        &self,
        workspace: &WorkspaceId,
        mut progress: impl FnMut(Head),
    ) -> Result<Verified, LedgerError> {
        let verified = self.engine.verify(&self.folder(workspace), &mut progress)?;
        self.own(workspace, &verified.identity)?;
        Ok(verified)
    }

    /// Looks at the end of a ledger, also while another process appends to it: where it ends, and its last record.
    /// Blocks; call it off the runtime's threads.
    pub fn inspect(&self, workspace: &WorkspaceId) -> Result<(Verified, Option<Record>), LedgerError> {
        let (verified, last) = self.engine.inspect(&self.folder(workspace))?;
        self.own(workspace, &verified.identity)?;
        Ok((verified, last))
    }

    /// Gives every record in order, the chain verified, also beside a writer. Blocks; call it off the runtime's threads.
    ///
    /// # Errors
    /// When there is no ledger, or it does not hold.
    pub fn read_all(
        &self,
        workspace: &WorkspaceId,
        mut each: impl FnMut(Record),
    ) -> Result<Verified, LedgerError> {
        self.engine.read_all(&self.folder(workspace), &mut each)
    }

    /// Whether the workspace has a ledger, or something that may be one.
    pub fn has(&self, workspace: &WorkspaceId) -> bool {
        self.engine.has(&self.folder(workspace))
    }

    /// Where the ledger would end with each of these records that it has, as it says itself, also while another process
    /// appends to it. Blocks; call it off the runtime's threads.
    pub fn heads(&self, workspace: &WorkspaceId, seqs: &[u64]) -> Result<Vec<Head>, LedgerError> {
        self.engine.heads(&self.folder(workspace), seqs)
    }

    /// What the ledger lacks that somebody has seen in it: the note of its last head, the heads that were signed, and `others`,
    /// who are asked what they know of the ledger with that end. Blocks; call it off the runtime's threads.
    ///
    /// # Errors
    /// When the ledger or its note can't be read.
    pub fn lost(
        &self,
        workspace: &WorkspaceId,
        others: impl FnOnce(&Verified) -> Vec<Witness>,
    ) -> Result<Option<Lost>, LedgerError> {
        let (verified, _) = self.inspect(workspace)?;
        let mut witnesses = others(&verified);
        let source = verified.identity.source();
        match self.marked(workspace, &source)? {
            Marked::At(head) => {
                let what =
                    format!("the note of its last head ({})", mark::beside(&self.file(workspace)).display());
                witnesses.push(Witness { what, head });
            }
            Marked::Damaged => {
                let place = self.place(workspace);
                tracing::warn!(%place, "the note of the ledger's last head is damaged; it is written anew");
            }
            Marked::Another(whose) => {
                let (place, note) = (self.place(workspace), mark::beside(&self.file(workspace)));
                return Err(LedgerError::Exchanged {
                    place,
                    found: source,
                    whose,
                    note: note.display().to_string(),
                });
            }
            Marked::Nothing => {}
        }
        let folder = self.folder(workspace);
        if let Some(head) =
            self.signing().keys().ok().and_then(|keys| signing::last_signed(&folder, &keys, &source))
        {
            let what = format!("a signed checkpoint ({})", folder.join(signing::HEADS).display());
            witnesses.push(Witness { what, head });
        }
        let numbers: Vec<u64> = witnesses.iter().map(|witness| witness.head.seq).collect();
        let heads = self.heads(workspace, &numbers)?;
        Ok(Lost::of(&self.place(workspace), verified.head.seq, &heads, witnesses))
    }

    /// What the note beside a ledger says of it.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn marked(&self, workspace: &WorkspaceId, source: &str) -> Result<Marked, LedgerError> {
        mark::read(&self.file(workspace), source)
    }

    /// Lets the note say where the ledger ends now, whatever it said before.
    ///
    /// # Errors
    /// When the ledger can't be read, or the note not be written.
    pub fn note_end(&self, workspace: &WorkspaceId) -> Result<(), LedgerError> {
        let (verified, _) = self.inspect(workspace)?;
        mark::put(&self.file(workspace), &verified.identity.source(), verified.head)
    }

    /// Lets it say that again where what it said can't be read any more. For who holds the directory's lock, once nobody misses a deed.
    ///
    /// # Errors
    /// When the ledger or the note can't be read, or the note not be written.
    pub fn mend_note(&self, workspace: &WorkspaceId) -> Result<(), LedgerError> {
        // Whether it is as it was written shows without knowing of which ledger it is.
        match self.marked(workspace, "")? {
            Marked::Damaged => self.note_end(workspace),
            Marked::At(_) | Marked::Nothing | Marked::Another(_) => Ok(()),
        }
    }

    /// Lets the note say where the ledger ends now, and sets the heads aside that were signed: those
    /// who saw more are not heard any more.
    ///
    /// # Errors
    /// When one of the files can't be written.
    pub fn forget_witnesses(&self, workspace: &WorkspaceId) -> Result<(), LedgerError> {
        let heads = self.folder(workspace).join(signing::HEADS);
        if heads.exists() {
            signing::set_aside(&heads)?;
        }
        self.note_end(workspace)
    }

    /// Keeps a copy of what may still be found of a ledger that lacks deeds, before it is opened.
    ///
    /// # Errors
    /// When there is no room for it.
    pub fn set_log_apart(&self, workspace: &WorkspaceId) -> Result<(), LedgerError> {
        self.engine.set_log_apart(&self.folder(workspace))
    }

    /// Begins to make a ledger again from its deeds, in the form of backups.
    ///
    /// # Errors
    /// When it can't be written, or something is there already.
    pub fn rebuild(&self, workspace: &WorkspaceId, identity: &Identity) -> Result<Rebuild, LedgerError> {
        self.private(workspace)?;
        Rebuild::begin(&self.path(Kept::Ledger(workspace)), identity)
    }

    /// Copies a ledger as it is at one moment, also while another process appends to it, into a store in the form of
    /// backups. What is in the copy is for the caller to verify. Blocks; call it off the runtime's threads.
    pub fn copy(&self, workspace: &WorkspaceId, backup: &Self) -> Result<(), LedgerError> {
        self.inspect(workspace)?;
        self.engine.copy(&self.folder(workspace), &backup.private(workspace)?)
    }

    /// Brings in every ledger of a store in the form of backups. This one must have none yet.
    pub fn restore(&self, backup: &Self) -> Result<(), LedgerError> {
        self.engine.restore(&backup.root(), &self.root())
    }

    /// The file that a ledger is, in the form of backups.
    pub fn file(&self, workspace: &WorkspaceId) -> PathBuf {
        self.path(Kept::Ledger(workspace))
    }

    /// The file of one thing that backups keep, in their form.
    pub fn path(&self, kept: Kept<'_>) -> PathBuf {
        match kept {
            Kept::Ledger(workspace) => self.folder(workspace).join(sqlite::FILE),
            Kept::Heads(workspace) => self.folder(workspace).join(signing::HEADS),
            Kept::Keys => self.directory.join(signing::KEYS),
        }
    }

    /// An empty file, its owner's alone, for what comes from a backup or goes into one.
    pub fn coming(&self, kept: Kept<'_>) -> Result<File, LedgerError> {
        match kept {
            Kept::Ledger(workspace) | Kept::Heads(workspace) => _ = self.private(workspace)?,
            Kept::Keys => {}
        }
        let path = self.path(kept);
        owner_only(fs::OpenOptions::new().write(true).create_new(true))
            .open(&path)
            .map_err(|error| LedgerError::of_system(&path, &error))
    }

    /// Copies what was signed, or what it is checked by, to another store; whether there is any.
    pub fn copy_signed(&self, kept: Kept<'_>, to: &Self) -> Result<bool, LedgerError> {
        let path = self.path(kept);
        if !path.exists() {
            return Ok(false);
        }
        let mut new = to.coming(kept)?;
        let mut copy = || {
            io::copy(&mut File::open(&path)?, &mut new)?;
            new.sync_all()
        };
        copy().map_err(|error| LedgerError::of_system(&path, &error)).map(|()| true)
    }

    /// What heads are signed with here.
    pub fn signing(&self) -> Signing {
        Signing::new(&self.directory, self.signing_key.as_deref())
    }

    /// The workspace whose admins are the server's: as the engine says, else the one that the directory began with.
    pub fn home(&self) -> Option<WorkspaceId> {
        let said = self.engine.home().unwrap_or_else(|error| {
            tracing::warn!(%error, "which workspace is the home can't be asked");
            None
        });
        said.or_else(|| self.home_in_file())
    }

    fn home_in_file(&self) -> Option<WorkspaceId> {
        let mut name = String::new();
        let file = File::open(self.directory.join(HOME)).ok()?;
        file.take(MAX_HOME_BYTES).read_to_string(&mut name).ok()?;
        name.trim().parse().ok()
    }

    /// Says which workspace that is: to the engine that keeps it, else in the file, never with half of it.
    pub fn say_home(&self, home: &WorkspaceId) -> Result<(), LedgerError> {
        if self.engine.say_home(home)? {
            return Ok(());
        }
        let (path, draft) = (self.directory.join(HOME), self.directory.join(HOME_DRAFT));
        let write = || {
            let mut file =
                owner_only(fs::OpenOptions::new().create(true).truncate(true).write(true)).open(&draft)?;
            writeln!(file, "{home}")?;
            file.sync_all()?;
            fs::rename(&draft, &path)?;
            File::open(&self.directory)?.sync_all()
        };
        write().map_err(|error| LedgerError::of_system(&path, &error))
    }

    /// Takes away what a kill left of ledgers that were being made; ledgers themselves are never touched. What the file says of the home
    /// is told to an engine that keeps it and was not told. For who holds the directory's lock.
    pub fn tidy(&self) {
        if let (Ok(None), Some(home)) = (self.engine.home(), self.home_in_file())
            && self.has(&home)
            && let Err(error) = self.engine.say_home(&home)
        {
            tracing::warn!(%error, "which workspace is the home is in the file alone");
        }
        for entry in fs::read_dir(self.root()).into_iter().flatten().flatten() {
            let folder = entry.path();
            for file in fs::read_dir(&folder).into_iter().flatten().flatten() {
                if !self.engine.is_draft(&file.file_name().to_string_lossy()) {
                    continue;
                }
                let place = file.path();
                match fs::remove_file(&place) {
                    Ok(()) => {
                        tracing::info!(place = %place.display(), "a ledger that was never finished is taken away");
                    }
                    Err(error) => {
                        tracing::warn!(place = %place.display(), %error, "what is left of a ledger stays");
                    }
                }
            }
            // One that has something in it stays.
            fs::remove_dir(&folder).unwrap_or_default();
        }
    }

    /// Whether a file of that name in a workspace's folder is a ledger that was never finished.
    pub fn is_draft(&self, name: &str) -> bool {
        self.engine.is_draft(name)
    }

    /// A ledger lies under the name that it has itself, and in one place.
    fn own(&self, workspace: &WorkspaceId, identity: &Identity) -> Result<(), LedgerError> {
        if identity.workspace == workspace.as_str() {
            return Ok(());
        }
        let (place, found) = (self.place(workspace), identity.workspace.clone());
        let is_there = |other: &WorkspaceId| {
            let theirs = self.engine.identity(&self.folder(other));
            theirs.is_ok_and(|theirs| theirs.id == identity.id)
        };
        match found.parse::<WorkspaceId>().ok().filter(is_there) {
            Some(other) => Err(LedgerError::SecondCopy { place, other: self.place(&other) }),
            None => Err(LedgerError::WrongWorkspace { place, found, wanted: workspace.to_string() }),
        }
    }

    /// Where a restore unpacks what comes, in the data directory.
    pub const RESTORING: &str = "restoring";

    /// What to do where several workspaces are there and none is the home.
    pub const NAME_HOME: &str =
        "write the name of the first one into the file `home` of the data directory, then start again";

    /// Why there is no home although there was one, with the mend; none where nothing was founded yet, or all is well. A
    /// directory that lost its workspaces is not founded anew as if nothing had been.
    pub fn lost_home(&self) -> Option<String> {
        let (file, coming) = (self.directory.join(HOME), self.directory.join(Self::RESTORING));
        if coming.exists() && self.workspaces().is_ok_and(|there| there.is_empty()) {
            let (place, cut) = (self.directory.display(), coming.display());
            return Some(format!(
                "{place}: a restore was cut off here; run `deeds restore` again, or delete {cut} to begin anew"
            ));
        }
        if let Some(home) = self.engine.home().ok()? {
            let there = self.workspaces().ok()?;
            return (!there.contains(&home)).then(|| {
                let place = self.place(&home);
                format!("{place}: it is gone, and is the home; put it back, or `deeds restore` a backup into another database; to begin anew, name an empty one")
            });
        }
        fs::symlink_metadata(&file).ok()?;
        let there = self.workspaces().ok()?;
        let home = self.home_in_file();
        let gone = match &home {
            Some(home) if there.contains(home) => return None,
            Some(home) => self.folder(home),
            None if there.is_empty() => self.root(),
            // Which one it was is said by nobody; that is another matter.
            None => return None,
        };
        Some(format!(
            "{}: it is gone, and {} says that this directory began with it; put it back, or `deeds restore` a backup into another directory; to begin anew here, delete {}",
            gone.display(),
            file.display(),
            file.display(),
        ))
    }

    fn root(&self) -> PathBuf {
        self.directory.join(WORKSPACES)
    }

    /// The folder of a workspace, made so that only its owner enters.
    fn private(&self, workspace: &WorkspaceId) -> Result<PathBuf, LedgerError> {
        let folder = self.folder(workspace);
        make_private(&folder).map_err(|error| LedgerError::of_system(&folder, &error))?;
        Ok(folder)
    }
}

/// The workspaces whose folders have a file in them that is `theirs`; most have that `usual` one, which is one look.
pub(super) fn folders(
    root: &Path,
    usual: &str,
    theirs: impl Fn(&str) -> bool,
) -> Result<Vec<WorkspaceId>, LedgerError> {
    let entries = match fs::read_dir(root) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| LedgerError::of_system(root, &error))?,
    };
    let used = |folder: &Path| {
        if fs::symlink_metadata(folder.join(usual)).is_ok() {
            return true;
        }
        let mut names = fs::read_dir(folder).into_iter().flatten().flatten().map(|file| file.file_name());
        names.any(|name| theirs(&name.to_string_lossy()))
    };
    let names = entries.flatten().filter(|entry| used(&entry.path())).map(|entry| entry.file_name());
    let mut found: Vec<WorkspaceId> = names.filter_map(|name| name.to_str()?.parse().ok()).collect();
    found.sort();
    Ok(found)
}

fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// What is made is its owner's alone.
#[cfg(unix)]
pub(super) fn owner_only(options: &mut fs::OpenOptions) -> &mut fs::OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600).custom_flags(AT_ONCE)
}

/// A pipe in the place of a file is an error, and not waited at until somebody writes to it.
#[cfg(unix)]
const AT_ONCE: i32 = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();

/// Opens a file to be read, and nothing else that may lie in its place.
///
/// # Errors
/// What the system says, and where it is no file.
pub fn open_file(path: &Path) -> io::Result<File> {
    let mut options = fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, AT_ONCE);
    let file = options.read(true).open(path)?;
    let about = file.metadata()?;
    if about.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("something that is no file lies in its place"))
    }
}

/// What a file holds that its owner alone may read, without the end of its line.
///
/// # Errors
/// What the system says, and where others may read it.
pub fn secret_in(path: &Path) -> io::Result<String> {
    use std::os::unix::fs::PermissionsExt as _;

    let mut file = open_file(path)?;
    let mode = file.metadata()?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(io::Error::other(format!("others may read it, its mode is {mode:o}; `chmod 600` it")));
    }
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    text.truncate(text.trim_end().len());
    Ok(text)
}

/// What is made is its owner's alone.
#[cfg(not(unix))]
pub(super) fn owner_only(options: &mut fs::OpenOptions) -> &mut fs::OpenOptions {
    options
}
