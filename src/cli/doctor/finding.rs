//! Everything that the doctor can find wrong, a row each: how bad it is, the mend in words, and what `--fix` may do about it.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

use crate::ledger::{Lost, Store};

/// How something was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Health {
    /// As it should be.
    Fine,
    /// It works, and could be better.
    Note,
    /// It does not work, or will not for long.
    Wrong,
}

impl Health {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Note => "note",
            Self::Wrong => "WRONG",
        }
    }
}

/// What `--fix` does: nothing that decides anything, and nothing to a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Fix {
    /// Nothing: a person decides.
    Person,
    /// Nothing, and nothing is taken away or started while that is so: what may have seen more of a ledger stays.
    Keep,
    /// Makes its places their owner's alone.
    Private,
    /// Takes its places away, which are made anew from what they were made of.
    Remove,
    /// Serves the directory once and ends in order.
    Start,
}

macro_rules! findings {
    ($($(#[doc = $about:literal])* $variant:ident = $health:ident, $id:literal, $fix:ident, $mend:expr;)*) => {
        /// Something that can be wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Finding {
            $($(#[doc = $about])* $variant,)*
        }

        impl Finding {
            pub(super) const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Its name for programs; it stays.
            pub(super) fn id(self) -> &'static str {
                match self { $(Self::$variant => $id,)* }
            }

            pub(super) fn about(self) -> &'static str {
                match self { $(Self::$variant => concat!($($about),*).trim_start(),)* }
            }

            pub(super) fn health(self) -> Health {
                match self { $(Self::$variant => Health::$health,)* }
            }

            pub(super) fn fix(self) -> Fix {
                match self { $(Self::$variant => Fix::$fix,)* }
            }

            /// The mend; what stands between braces is said where it is found.
            pub(super) fn mend(self) -> &'static str {
                match self { $(Self::$variant => $mend,)* }
            }
        }
    };
}

const KEEP: &str = "keep the files as they are, and `deeds restore` a backup into another directory";

findings! {
    /// The data directory is not there.
    DirectoryAbsent = Note, "directory-absent", Person, "`deeds` makes it at its first start";
    /// It is no directory, or can't be looked at.
    DirectoryUnusable = Wrong, "directory-unusable", Person, "name another with --data-dir";
    /// It is another account's.
    DirectoryOfAnother = Wrong, "directory-of-another", Person, "run deeds as its owner, or name another with --data-dir";
    /// This account may not write in it.
    DirectoryClosed = Wrong, "directory-closed", Private, "chmod 700 {place}";
    /// Its disk is mounted for reading only.
    DirectoryReadOnly = Wrong, "directory-read-only", Person, "looks work, nothing can be recorded: mount its disk for writing, or `deeds restore` a backup into another directory";
    /// Other accounts may enter it.
    DirectoryOpen = Wrong, "directory-open", Private, "chmod 700 {place}";
    /// A file in it is another account's.
    FileOfAnother = Wrong, "file-of-another", Person, "chown {user} {place}";
    /// This account may not read or write a file in it.
    FileClosed = Wrong, "file-closed", Private, "chmod u+rw {place}";
    /// Something in it is no file where one should be.
    FileStrange = Wrong, "file-strange", Person, "stop the server, move {place} away, and put back what was there";
    /// Other accounts may read a secret.
    SecretsOpen = Wrong, "secrets-open", Private, "chmod 600 {place} and the others, then revoke or make anew what others may have read";
    /// The token of whose directory it is holds none any more.
    TokenDamaged = Wrong, "token-damaged", Start, "the next start of deeds here makes it anew; end the one that serves first";
    /// A person's token for a workspace here is not there, and none can be made beside the server that runs.
    TokenMissing = Note, "token-missing", Person, "end the server and start it again: the next command makes it; or name one with --token-file";
    /// Another token's file holds none any more.
    OtherTokenDamaged = Wrong, "other-token-damaged", Person, "delete {place}, then make one anew: `deeds tokens create CLASS NAME --out {place}`";
    /// What is remembered in it can't be read, and is passed over.
    MemoryDamaged = Wrong, "memory-damaged", Remove, "delete {place}: it is made anew, and knows nothing of before";
    /// It can't be read which ledgers decisions were signed for.
    LedgersDamaged = Wrong, "ledgers-damaged", Person, "compare what `deeds verify --json` says here with what you know of it, then delete {place}: the next who decides is asked for nothing that was remembered";
    /// It can't be read what was entered into a coding agent's settings.
    ConnectionDamaged = Wrong, "connection-damaged", Person, "delete {place}, look through the settings of your coding agents, and run `deeds connect` there again";
    /// A coding agent's settings have no longer what was entered.
    ConnectionGone = Wrong, "connection-gone", Person, "`deeds connect` there enters it again, and `deeds connect --undo` there forgets it; where the project is gone, delete {place}";
    /// The server's certificate or its key does not fit.
    CertificateDamaged = Wrong, "certificate-damaged", Person, "put {place} back, or delete tls.crt and tls.key: the next start makes new ones, whose fingerprint those elsewhere must be told";
    /// Nothing can be recorded soon.
    DiskFull = Wrong, "disk-full", Person, "make room: where an append fails, commands are answered with an error";
    /// It fills up.
    DiskLow = Note, "disk-low", Person, "make room before it is full";
    /// The workspace is gone that the directory began with.
    HomeLost = Wrong, "home-lost", Keep, "put back what is gone, or `deeds restore` a backup into another directory";
    /// It is not said which workspace is the home, and there is one.
    HomeUnsaid = Note, "home-unsaid", Start, "the next start says it: there is no other workspace";
    /// It is not said which workspace is the home, and there are several.
    HomeAmbiguous = Wrong, "home-ambiguous", Person, Store::NAME_HOME;
    /// A restore was killed.
    RestoreCut = Wrong, "restore-cut", Person, "run `deeds restore` again, or delete {place} to begin anew";
    /// A process that is gone has left something.
    LeftOver = Note, "left-over", Start, "the next start takes it away";
    /// The key that signs heads is gone.
    SigningKeyLost = Wrong, "signing-key-lost", Person, "put it back from where you keep it, or begin with a new key: `deeds checkpoint rotate --lost`";
    /// The server here does not say where it listens.
    ServerSilent = Wrong, "server-silent", Person, "wait a moment; if it stays so, end the process that has the file `lock` open";
    /// The server here does not answer.
    ServerHangs = Wrong, "server-hangs", Person, "look at its log; if it hangs, end process {process} and start it again";
    /// The server elsewhere does not answer.
    ServerUnreachable = Wrong, "server-unreachable", Person, "check the address, the token, and `deeds doctor` on that machine";
    /// The server is of another version.
    ServerVersion = Note, "server-version", Person, "install the same version on both sides";
    /// The server records nothing in a workspace.
    ServerTrouble = Wrong, "server-trouble", Person, "docs/OPERATIONS.md, *when something is wrong*, says what to do";
    /// The server goes by another clock, or the database does.
    ClockApart = Wrong, "clock-apart", Person, "set it right, or resolve the alert `clock` if it is right; where the server is elsewhere, compare the two machines";
    /// Other nodes are on its database and can't reach the server here.
    NodeUnreached = Note, "node-unreached", Person, "set `cluster.advertise` to where they reach it, and start it again: until then each decides what is asked of it, which is right and slower";
    /// Every agent is paused.
    AllPaused = Note, "all-paused", Person, "`deeds override resume-all --reason …` lets them go on";
    /// A workspace's folder has another's name.
    LedgerRenamed = Wrong, "ledger-renamed", Person, "stop the server, then `mv workspaces/{wanted} workspaces/{found}` in the data directory";
    /// There are two copies of one ledger.
    LedgerCopied = Wrong, "ledger-copied", Person, "stop the server, and move the folder of {ledger} out of the data directory";
    /// The database that keeps the ledgers can't be asked.
    LedgerAway = Wrong, "ledger-away", Person, "start the database, or correct `ledger.postgres`; what is recorded is in it";
    /// A ledger does not open, or its chain does not hold.
    LedgerDamaged = Wrong, "ledger-damaged", Keep, KEEP;
    /// A ledger has no deed.
    LedgerUnfinished = Note, "ledger-unfinished", Start, "the next start founds it where it is the only one; else delete its folder, and make the workspace anew";
    /// A ledger has deeds of a newer version.
    LedgerNewer = Wrong, "ledger-newer", Person, "install the version of Deeds that wrote it";
    /// The last deed is of a later time than now.
    ClockBehind = Wrong, "clock-behind", Person, "set the clock: until it has caught up, new deeds are recorded at that later time; where the clock is right and what was recorded is not, `deeds clock rebase` moves that";
    /// It can't be told whether a ledger has all its deeds.
    HistoryUnread = Wrong, "history-unread", Keep, KEEP;
    /// A ledger ends before what was seen in it.
    HistoryLost = Wrong, "history-lost", Keep, Lost::GONE;
    /// A ledger has other deeds than were seen in it.
    HistoryAnother = Wrong, "history-another", Keep, Lost::ANOTHER;
    /// A loss was accepted, and what has seen more is still there.
    HistoryAccepted = Note, "history-accepted", Start, "start the server: it takes that away";
    /// The note of a ledger's last head is damaged.
    NoteDamaged = Wrong, "note-damaged", Start, "start the server: it is written anew where nothing else misses a deed";
    /// A console here saw another history.
    SeenAnother = Wrong, "seen-another", Person, "find out what happened to it; `deeds ledger confirm` takes the history as it is for the right one";
    /// No head is signed.
    HeadsUnsigned = Note, "heads-unsigned", Person, "put it back from where you keep it; a server that runs signs the next one by itself";
    /// A ledger is not the one that was signed.
    HeadsDisagree = Wrong, "heads-disagree", Person, "keep both files as they are; `deeds verify --checkpoints` says more, and a backup has what was there";
    /// The search index is not what the ledger says.
    IndexDamaged = Wrong, "index-damaged", Remove, "a server that runs finds it and makes it anew; else delete {place}";
    /// The search index has seen more than there is.
    IndexBeyond = Wrong, "index-beyond", Person, "keep it: it shows that deeds are missing";
    /// The search index is far behind.
    IndexBehind = Note, "index-behind", Person, "it catches up while a server runs; if it does not, delete {place} and start again";
    /// A snapshot can't be used, or is not what the ledger says.
    SnapshotDamaged = Note, "snapshot-damaged", Remove, "it is passed over and made anew; delete {place} if you like";
    /// The image of values is not what the ledgers say.
    ImageDamaged = Wrong, "image-damaged", Remove, "stop the server and delete {place}: it is made anew from the ledgers; `--fix` does so where none runs";
    /// The terminal is too small for the console.
    TerminalSmall = Note, "terminal-small", Person, "make it larger: the console needs 40×10";
    /// What the terminal is can't be told.
    TerminalUnknown = Note, "terminal-unknown", Person, "set TERM to what your terminal is, and COLUMNS and LINES where its size can't be told";
    /// The locale is not UTF-8.
    LettersPlain = Note, "letters-plain", Person, "set LANG to a UTF-8 locale such as C.UTF-8, or start the console with --ascii";
    /// No editor is named.
    EditorUnset = Note, "editor-unset", Person, "set EDITOR: `E` on the Map opens the map in it";
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

/// One thing that was looked at.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, Serialize)]
pub(super) struct Check {
    pub(super) what: String,
    pub(super) health: Health,
    pub(super) found: String,
    pub(super) finding: Option<Finding>,
    pub(super) mend: Option<String>,
    /// The files that it is about.
    #[serde(skip)]
    pub(super) places: Vec<PathBuf>,
}

impl Check {
    pub(super) fn fine(what: &str, found: impl Into<String>) -> Self {
        let (what, found) = (what.to_owned(), found.into());
        Self { what, health: Health::Fine, found, finding: None, mend: None, places: Vec::new() }
    }

    pub(super) fn of(finding: Finding, what: &str, found: impl Into<String>) -> Self {
        let (health, mend) = (finding.health(), finding.mend().to_owned());
        Self { health, finding: Some(finding), mend: Some(mend), ..Self::fine(what, found) }
    }

    /// Says what stands between these braces in the mend.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.mend = self.mend.map(|mend| mend.replace(&format!("{{{name}}}"), value));
        self
    }

    /// The file that it is about; the first one is named in the mend.
    pub(super) fn at(self, place: &Path) -> Self {
        let mut new = self.with("place", &shell_word(&place.display().to_string()));
        new.places.push(place.to_owned());
        new
    }
}

/// A word as a shell reads it.
fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:@+=,%".contains(c);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// Makes what is there its owner's alone.
pub(super) fn make_private(place: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = if fs::metadata(place)?.is_dir() { 0o700 } else { 0o600 };
    fs::set_permissions(place, fs::Permissions::from_mode(mode))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_name_of_its_own_and_says_what_it_is() {
        let mut ids: Vec<&str> = Finding::ALL.iter().map(|finding| finding.id()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), Finding::ALL.len());
        for finding in Finding::ALL {
            assert!(finding.about().ends_with('.') && finding.health() != Health::Fine, "{finding:?}");
        }
    }

    #[test]
    fn a_place_in_a_mend_can_be_given_to_a_shell() {
        let check = Check::of(Finding::DirectoryOpen, "x", "y").at(Path::new("/a b/it's"));
        assert_eq!(check.mend.as_deref(), Some(r"chmod 700 '/a b/it'\''s'"));
    }
}
