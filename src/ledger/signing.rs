//! The key that signs heads, and the notes that were signed, as files beside the ledgers. The key is made on first use;
//! its successors are each signed for by the one before.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::note::{HEAD_LINES, NoteError, NoteKey, SignedHead, Signer, notes_of, succession};
use super::store::{open_file, owner_only, secret_in};
use super::{Head, LedgerError};
use crate::domain::hash::hex;

/// The secret, in hexadecimal.
pub(super) const SECRET: &str = "signing.key";
/// The first public key, and below it the notes of its successors.
pub const KEYS: &str = "signing.keys";
/// The signed heads of one ledger, in its folder.
pub const HEADS: &str = "heads.signed";
/// More bytes than a note of a head has.
const NOTE_BYTES: u64 = 1_024;
/// As many files of one name are set aside.
const MOST_ASIDE: u32 = 1_000;
/// Most bytes of a file of keys.
const MAX_KEYS_BYTES: u64 = 1024 * 1024;

/// The signing key of a data directory.
#[derive(Debug, Clone)]
pub struct Signing {
    directory: PathBuf,
    /// The secret's file, where it does not lie in the directory: others share it, and nothing is written to it.
    shared: Option<PathBuf>,
}

impl Signing {
    /// In that directory, with the secret in that file, if one is named.
    pub fn new(directory: &Path, shared: Option<&Path>) -> Self {
        Self { directory: directory.to_owned(), shared: shared.map(Path::to_owned) }
    }

    /// The key that signs at present, made where there is none.
    ///
    /// # Errors
    /// What the system says, and a file that holds something else.
    pub fn signer(&self) -> Result<Signer, LedgerError> {
        // Two workspaces may want it first at one moment, and between the two files of a new key it looks like one that is lost.
        static MAKING: Mutex<()> = Mutex::new(());
        let _one_at_a_time = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shared) = &self.shared {
            return self.shared_signer(shared);
        }
        self.finish()?;
        let path = self.secret();
        match open_file(&path).and_then(io::read_to_string) {
            Ok(text) => signer_of(&path, &text),
            Err(error) if error.kind() == ErrorKind::NotFound && self.lost().is_some() => {
                // A new key that nobody signed for would look like any other: that is for a person to do.
                let reason = format!(
                    "it is gone, while {KEYS} is there; heads are signed again when it is put back from where you keep it, or after `deeds checkpoint rotate --lost`, which begins with a new key"
                );
                Err(LedgerError::Io { place: path.display().to_string(), reason })
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let (seed, signer) = fresh(&path)?;
                self.begin(&format!("{}\n", signer.key()), &seed)?;
                Ok(signer)
            }
            Err(error) => Err(LedgerError::of_system(&path, &error)),
        }
    }

    /// The key in a file that others share: the first one where nothing was signed here before, else the last one.
    fn shared_signer(&self, path: &Path) -> Result<Signer, LedgerError> {
        let signer = shared_in(path)?;
        if !self.directory.join(KEYS).exists() {
            self.draft(KEYS, &format!("{}\n", signer.key()))?;
            self.place(KEYS)?;
        }
        if self.keys()?.last() == Some(&signer.key()) {
            return Ok(signer);
        }
        let reason = format!(
            "it is another than the last of {KEYS} here; put that one in its place, or begin with it: `deeds checkpoint rotate --lost`"
        );
        Err(LedgerError::Io { place: path.display().to_string(), reason })
    }

    fn secret(&self) -> PathBuf {
        self.shared.clone().unwrap_or_else(|| self.directory.join(SECRET))
    }

    /// The secret's file, where it is gone while its public key is there.
    pub fn lost(&self) -> Option<PathBuf> {
        let secret = self.secret();
        let gone = !secret.exists() && self.directory.join(KEYS).exists();
        (gone && !self.is_half_begun()).then_some(secret)
    }

    /// Begins with a key: its secret as a draft, then the public keys, then the draft as the secret. A secret without its public key
    /// would sign what nobody can check, and without the draft a kill between the two would be the end of the key.
    fn begin(&self, keys: &str, seed: &str) -> Result<(), LedgerError> {
        self.draft(SECRET, seed)?;
        self.draft(KEYS, keys)?;
        self.place(KEYS)?;
        self.place(SECRET)
    }

    /// Whether a draft is the secret of the last public key, so that only its name is missing.
    fn is_half_begun(&self) -> bool {
        let seed = fs::read_to_string(self.drafted(SECRET)).ok().and_then(|text| seed(&text));
        let drafted = seed.and_then(|seed| Signer::from_seed(&seed).ok()).map(|signer| signer.key());
        drafted.is_some_and(|key| self.keys().is_ok_and(|keys| keys.last() == Some(&key)))
    }

    /// What a kill left of a key that was begun: finished where its public key is there, else taken away.
    fn finish(&self) -> Result<(), LedgerError> {
        let draft = self.drafted(SECRET);
        if !draft.exists() {
            return Ok(());
        }
        if self.is_half_begun() {
            return self.place(SECRET);
        }
        fs::remove_file(&draft).map_err(|error| LedgerError::of_system(&draft, &error))
    }

    /// A new key in the place of the one at present, which signs for it.
    ///
    /// # Errors
    /// As [`Signing::signer`], and where others share it.
    pub fn rotate(&self) -> Result<NoteKey, LedgerError> {
        if let Some(shared) = &self.shared {
            let reason = "others share it: put another one in its place, then `deeds checkpoint rotate --lost` for each of them";
            return Err(LedgerError::Io { place: shared.display().to_string(), reason: reason.to_owned() });
        }
        let old = self.signer()?;
        let (seed, new) = fresh(&self.directory.join(SECRET))?;
        let mut keys = self.text(KEYS)?;
        keys.push('\n');
        keys.push_str(&old.successor(&new.key()));
        self.begin(&keys, &seed)?;
        Ok(new.key())
    }

    /// Begins with a new key that nobody signs for, where the secret was lost. The public keys of before stay in a file of their
    /// own; its name, beside the new key.
    ///
    /// # Errors
    /// As [`Signing::signer`], and where the secret is there.
    pub fn begin_anew(&self) -> Result<(NoteKey, PathBuf), LedgerError> {
        self.finish()?;
        let secret = self.secret();
        let signs = match &self.shared {
            None => secret.exists(),
            Some(_) => shared_in(&secret).map(|_| self.signer().is_ok())?,
        };
        if signs {
            let reason = "it is there, and can sign for its successor: leave --lost out".to_owned();
            return Err(LedgerError::Io { place: secret.display().to_string(), reason });
        }
        let kept = set_aside(&self.directory.join(KEYS))?;
        Ok((self.signer()?.key(), kept))
    }

    /// Every key from the first one on; with `first`, only where that is the first.
    ///
    /// # Errors
    /// When the files can't be read, or their chain does not hold.
    pub fn keys(&self) -> Result<Vec<NoteKey>, LedgerError> {
        let path = self.directory.join(KEYS);
        if self.shared.is_none() && !path.exists() && self.secret().exists() {
            return Err(damaged(&path, "it is gone, and with it which keys signed for which"));
        }
        let text = self.text(KEYS)?;
        let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
        let read = first.parse().and_then(|first| succession(first, rest.trim_start_matches('\n')));
        read.map_err(|error: NoteError| damaged(&path, &error.to_string()))
    }

    fn text(&self, name: &str) -> Result<String, LedgerError> {
        let path = self.directory.join(name);
        let mut text = String::new();
        let file = open_file(&path).map_err(|error| LedgerError::of_system(&path, &error))?;
        let read = file.take(MAX_KEYS_BYTES).read_to_string(&mut text);
        read.map(|_| text).map_err(|error| LedgerError::of_system(&path, &error))
    }

    fn drafted(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{name}.new"))
    }

    fn draft(&self, name: &str, text: &str) -> Result<(), LedgerError> {
        let draft = self.drafted(name);
        let write = || {
            let mut options = OpenOptions::new();
            let mut file = owner_only(options.create(true).truncate(true).write(true)).open(&draft)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()
        };
        write().map_err(|error| LedgerError::of_system(&draft, &error))
    }

    /// Gives a draft its name.
    fn place(&self, name: &str) -> Result<(), LedgerError> {
        let path = self.directory.join(name);
        fs::rename(self.drafted(name), &path).map_err(|error| LedgerError::of_system(&path, &error))
    }
}

/// Adds the note of a head to those of its ledger, in the ledger's folder.
///
/// # Errors
/// What the system says.
pub fn keep_head(
    folder: &Path,
    signer: &Signer,
    source: &str,
    head: Head,
    time: &str,
) -> Result<(), LedgerError> {
    let path = folder.join(HEADS);
    let write = || {
        let mut options = OpenOptions::new();
        let mut file = owner_only(options.create(true).append(true)).open(&path)?;
        let between = if file.metadata()?.len() > 0 { "\n" } else { "" };
        file.write_all(format!("{between}{}", signer.head(source, head, time)).as_bytes())?;
        file.sync_data()
    };
    write().map_err(|error| LedgerError::of_system(&path, &error))
}

/// Gives a file the first name with a number that is free, and says which. One that is not there is left at that.
///
/// # Errors
/// What the system says.
pub fn set_aside(path: &Path) -> Result<PathBuf, LedgerError> {
    let numbered = |number: u32| PathBuf::from(format!("{}.{number}", path.display()));
    let free = (1..=MOST_ASIDE).map(numbered).find(|name| !name.exists()).unwrap_or_default();
    match fs::rename(path, &free) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(LedgerError::of_system(path, &error)),
        Ok(()) | Err(_) => Ok(free),
    }
}

/// The last head that one of these keys has signed of the ledger with that `source`, among those kept last in its folder.
pub(super) fn last_signed(folder: &Path, keys: &[NoteKey], source: &str) -> Option<Head> {
    let read = |note: String| SignedHead::read(&note, keys).ok().filter(|signed| signed.source == source);
    notes_of(&end_of(folder)?, HEAD_LINES).filter_map(read).last().map(|signed| signed.head)
}

/// The last head that was kept in a ledger's folder: its number, and the time that its note says.
pub fn last_kept(folder: &Path) -> Option<(u64, String)> {
    let note = notes_of(&end_of(folder)?, HEAD_LINES).last()?;
    let mut lines = note.lines().skip(1);
    let (seq, time) = (lines.next()?, lines.nth(1)?);
    Some((seq.parse().ok()?, time.strip_prefix("time ")?.to_owned()))
}

/// The last notes in a ledger's folder; the first of them may be cut off.
fn end_of(folder: &Path) -> Option<String> {
    let path = folder.join(HEADS);
    let read = || -> io::Result<String> {
        let mut file = open_file(&path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(NOTE_BYTES)))?;
        let mut bytes = Vec::new();
        file.take(NOTE_BYTES).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    match read() {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            tracing::warn!(place = %path.display(), %error, "what was signed of the ledger can't be read, and is no witness");
            None
        }
        read => read.ok(),
    }
}

/// The ledger is as good as before; what can't be done is to sign it.
fn damaged(path: &Path, reason: &str) -> LedgerError {
    let reason = format!("{reason}; heads can't be signed until it is put back from where you keep it");
    LedgerError::Io { place: path.display().to_string(), reason }
}

fn fresh(path: &Path) -> Result<(String, Signer), LedgerError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| damaged(path, &format!("no random bytes: {error}")))?;
    let signer = Signer::from_seed(&seed).map_err(|error| damaged(path, &error.to_string()))?;
    Ok((hex(&seed).to_string(), signer))
}

fn shared_in(path: &Path) -> Result<Signer, LedgerError> {
    signer_of(path, &secret_in(path).map_err(|error| LedgerError::of_system(path, &error))?)
}

fn signer_of(path: &Path, text: &str) -> Result<Signer, LedgerError> {
    let signer = seed(text).and_then(|seed| Signer::from_seed(&seed).ok());
    signer.ok_or_else(|| damaged(path, "it holds no key"))
}

fn seed(text: &str) -> Option<[u8; 32]> {
    text.trim().parse::<super::Hash>().ok().map(|hash| hash.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two directories sign with one key that lies elsewhere; another one in its place signs nothing before somebody says so.
    #[test]
    fn a_shared_key_signs_in_every_directory() {
        let homes = [(); 3].map(|()| tempfile::tempdir().unwrap());
        let [one, other, third] = homes.each_ref().map(tempfile::TempDir::path);
        let key = Signing::new(one, None).signer().unwrap().key();
        let file = one.join(SECRET);
        let shared = Signing::new(other, Some(&file));
        assert_eq!(shared.signer().unwrap().key(), key);
        assert_eq!(shared.keys().unwrap(), std::slice::from_ref(&key));
        assert!(!other.join(SECRET).exists() && shared.rotate().is_err() && shared.begin_anew().is_err());
        let new = Signing::new(third, None).signer().unwrap().key();
        fs::copy(third.join(SECRET), &file).unwrap();
        let told = shared.signer().unwrap_err().to_string();
        assert!(told.contains("rotate --lost"), "{told}");
        let (begun, kept) = shared.begin_anew().unwrap();
        assert_eq!((begun, shared.signer().unwrap().key()), (new.clone(), new));
        assert!(fs::read_to_string(kept).unwrap().contains(&key.to_string()));
        fs::remove_file(&file).unwrap();
        assert_eq!(shared.lost(), Some(file));
    }

    /// A kill after each step of a first key and of its successor: the next process signs with a key that can be checked.
    #[test]
    fn a_key_whose_making_was_cut_off_is_finished() {
        let home = tempfile::tempdir().unwrap();
        let signing = Signing::new(home.path(), None);
        for successor in [false, true] {
            for steps in 0..4 {
                let (seed, new) = fresh(home.path()).unwrap();
                let keys = if successor {
                    let old = signing.signer().unwrap();
                    format!("{}\n{}", signing.text(KEYS).unwrap(), old.successor(&new.key()))
                } else {
                    fs::remove_file(home.path().join(SECRET)).unwrap_or_default();
                    fs::remove_file(home.path().join(KEYS)).unwrap_or_default();
                    format!("{}\n", new.key())
                };
                let all: [&dyn Fn() -> Result<(), LedgerError>; 3] =
                    [&|| signing.draft(SECRET, &seed), &|| signing.draft(KEYS, &keys), &|| {
                        signing.place(KEYS)
                    }];
                all.into_iter().take(steps).try_for_each(|step| step()).unwrap();
                assert_eq!(signing.lost(), None, "{steps} steps");
                let signs = signing.signer().unwrap().key();
                assert_eq!(signing.keys().unwrap().last(), Some(&signs), "{steps} steps");
                assert_eq!(signs == new.key(), steps == 3, "{steps} steps");
                assert!(!signing.drafted(SECRET).exists());
            }
        }
    }
}
