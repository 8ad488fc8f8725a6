//! What guards keep between two calls: what each agent last saw of a file, who changed it since, and what was refused in a
//! conversation. It lies in the data directory, is nobody's record, and is lost without harm: then less is noticed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::targets::{Reach, Reached};
use crate::cli::context::read_text;
use crate::cli::datadir::DataDir;
use crate::coordinator::Clock;
use crate::domain::hash::hex;
use crate::domain::ids::AgentId;
use crate::domain::time::{Span, Time};
use crate::hook::{Call, Touch, Wish};

/// The largest file of it that is read, in bytes.
const MAX_BYTES: u64 = 256 * 1024;
/// Agents that are kept for a file, and refusals for a conversation.
const MOST: usize = 32;
/// Files that are kept; beyond, those go first that were not used for longest.
const MOST_FILES: usize = 4_096;
/// Of a larger file its size and times are compared, not its bytes.
const HASHED_BYTES: u64 = 16 * 1024 * 1024;
/// How often another guard that writes is waited for, and how long each time.
const TRIES: u32 = 20;
const TRY: Duration = Duration::from_millis(10);
/// After this long a conversation is another one.
const KEPT: Span = Span::from_hours(24);

/// The memory of one conversation of one agent.
pub(super) struct Memory {
    dir: DataDir,
    agent: AgentId,
    /// Which conversation of which agent.
    who: String,
    /// Whether the call runs something of which nobody knows what it changes.
    runs: bool,
}

/// What is kept of a file.
#[derive(Default, Serialize, Deserialize)]
struct Kept {
    /// What each conversation last saw of it.
    seen: BTreeMap<String, Saw>,
    /// Who changed it last, and when.
    wrote: BTreeMap<String, Wrote>,
}

#[derive(Serialize, Deserialize)]
struct Saw {
    /// Of its content; none once the conversation itself was let to change it.
    digest: Option<String>,
    at: Time,
}

#[derive(Serialize, Deserialize)]
struct Wrote {
    agent: AgentId,
    at: Time,
}

/// What is kept of a conversation.
#[derive(Default, Serialize, Deserialize)]
struct Conversation {
    /// When it last ran something of which nobody knows what it changes.
    ran: Option<Time>,
    refused: Vec<Refused>,
}

#[derive(Serialize, Deserialize)]
struct Refused {
    /// The names of the file, by which a text names it.
    name: String,
    why: String,
    at: Time,
}

impl Memory {
    /// `main` is whom the guard was told, `agent` who that is for this call.
    pub(super) fn of(dir: &DataDir, (main, agent): (&AgentId, &AgentId), call: &Call) -> Self {
        let part = |part: &Option<String>| part.clone().unwrap_or_default();
        let who = format!("{main}\0{}\0{}", part(&call.session), part(&call.subagent));
        let who = digest(who.as_bytes());
        let runs = call.touches.iter().any(|touch| match touch {
            Touch::Shell { .. } | Touch::Tool { .. } | Touch::Unsure(_) => true,
            Touch::File(..) | Touch::Search { .. } => false,
        });
        Self { dir: dir.clone(), agent: agent.clone(), who, runs }
    }

    /// Why a change of the file would undo somebody's: it is another one than the agent saw. None where the agent never saw it, or
    /// has changed it itself.
    pub(super) fn stale(&self, reach: &Reach) -> Option<String> {
        if reach.wish == Wish::Look {
            return None;
        }
        let kept: Kept = self.read(&key(&reach.file))?;
        let saw = kept.seen.get(&self.who)?;
        if saw.digest.as_ref() == Some(&content(&reach.file)) {
            return None;
        }
        let since = |(who, wrote): &(&String, &Wrote)| **who != self.who && wrote.at >= saw.at;
        let other = kept.wrote.iter().filter(since).map(|(_, wrote)| wrote).max_by_key(|wrote| wrote.at);
        let by = match (other, &saw.digest) {
            (Some(wrote), _) if wrote.agent == self.agent => {
                format!("another conversation of {} changed it", wrote.agent)
            }
            (Some(wrote), _) => format!("{} changed it", wrote.agent),
            // It was this conversation itself.
            (None, None) => return None,
            (None, Some(_)) if self.conversation().ran.is_some_and(|ran| ran >= saw.at) => return None,
            (None, Some(_)) => "it has changed".to_owned(),
        };
        Some(format!(
            "{} is stale: {by} after {} last saw it. Read it again, and change what is there now",
            reach.entity, self.agent
        ))
    }

    /// Why something with this text is refused: it names what was refused in this conversation before.
    pub(super) fn refused_before(&self, text: &str) -> Option<String> {
        let now = Clock::System.now();
        let conversation = self.conversation();
        let names = |refused: &&Refused| now.since(refused.at) < KEPT && text.contains(&refused.name);
        conversation.refused.iter().rev().find(names).map(|refused| refused.why.clone())
    }

    /// A change of these was refused.
    pub(super) fn refused<'r>(&self, changes: impl Iterator<Item = &'r Reach>, why: &str) {
        let at = Clock::System.now();
        let names = changes.filter_map(|reach| reach.file.file_name()?.to_str());
        let new: Vec<Refused> =
            names.take(MOST).map(|name| Refused { name: name.to_owned(), why: why.to_owned(), at }).collect();
        if new.is_empty() {
            return;
        }
        self.change(&self.who, |conversation: &mut Conversation| {
            conversation.refused.retain(|old| new.iter().all(|new| new.name != old.name));
            conversation.refused.extend(new);
            let over = conversation.refused.len().saturating_sub(MOST);
            conversation.refused.drain(..over);
        });
    }

    /// It is about to happen.
    pub(super) fn before(&self, reached: &Reached) {
        let at = Clock::System.now();
        if self.runs {
            self.change(&self.who, |conversation: &mut Conversation| conversation.ran = Some(at));
        }
        self.forgive(reached);
        for reach in reached.entities.iter().take(MOST).filter(|reach| !reach.file.is_dir()) {
            let changes = reach.wish == Wish::Change;
            let digest = (!changes).then(|| content(&reach.file));
            self.change(&key(&reach.file), |kept: &mut Kept| {
                let saw = Saw { digest, at };
                kept.seen.insert(self.who.clone(), saw);
                if changes {
                    kept.wrote.insert(self.who.clone(), Wrote { agent: self.agent.clone(), at });
                }
                kept.forget();
            });
        }
    }

    /// It has happened: what the agent wrote it has seen.
    pub(super) fn after(&self, reached: &Reached) {
        let at = Clock::System.now();
        for reach in reached.entities.iter().take(MOST).filter(|reach| reach.wish == Wish::Change) {
            let digest = content(&reach.file);
            self.change(&key(&reach.file), |kept: &mut Kept| {
                if let Some(saw) = kept.seen.get_mut(&self.who).filter(|saw| saw.digest.is_none()) {
                    *saw = Saw { digest: Some(digest), at };
                }
            });
        }
    }

    /// What was refused and is let be now is refused no more.
    fn forgive(&self, reached: &Reached) {
        let changed = |refused: &Refused| {
            let is_it = |reach: &Reach| reach.file.file_name().is_some_and(|name| *name == *refused.name);
            reached.entities.iter().any(|reach| reach.wish == Wish::Change && is_it(reach))
        };
        if self.conversation().refused.iter().any(changed) {
            self.change(&self.who, |conversation: &mut Conversation| {
                conversation.refused.retain(|refused| !changed(refused));
            });
        }
    }

    fn conversation(&self) -> Conversation {
        self.read(&self.who).unwrap_or_default()
    }

    /// What can't be read is not known.
    fn read<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_str(&read_text(&self.dir.guard_memory(name), MAX_BYTES).ok()?).ok()
    }

    /// Changes one file of it, alone. Who can't has lost nothing but that.
    fn change<T: Default + Serialize + DeserializeOwned>(&self, name: &str, change: impl FnOnce(&mut T)) {
        let Some(_alone) = self.alone() else { return };
        let mut kept: T = self.read(name).unwrap_or_default();
        change(&mut kept);
        let file = self.dir.guard_memory(name);
        let is_new = !file.exists();
        if let Ok(text) = serde_json::to_string(&kept) {
            DataDir::replace(&file, &text).unwrap_or_default();
        }
        if is_new {
            make_room(&file);
        }
    }

    /// Held while it is changed; a guard that hangs is not waited for.
    fn alone(&self) -> Option<File> {
        let lock = self.dir.guard_memory_lock().ok()?;
        for _ in 0..TRIES {
            if lock.try_lock().is_ok() {
                return Some(lock);
            }
            std::thread::sleep(TRY);
        }
        None
    }
}

fn make_room(file: &Path) {
    let Some(folder) = file.parent() else { return };
    let mut all: Vec<(SystemTime, PathBuf)> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .filter(|(_, path)| path.extension().is_some_and(|end| end == "json"))
        .collect();
    let over = all.len().saturating_sub(MOST_FILES);
    all.sort_unstable();
    all.into_iter().take(over).for_each(|(_, path)| fs::remove_file(path).unwrap_or_default());
}

impl Kept {
    /// Lets go of the conversations that were seen longest ago.
    fn forget(&mut self) {
        while self.seen.len() > MOST {
            let oldest = self.seen.iter().min_by_key(|(_, saw)| saw.at).map(|(who, _)| who.clone());
            oldest.map(|who| self.seen.remove(&who));
        }
        while self.wrote.len() > MOST {
            let oldest = self.wrote.iter().min_by_key(|(_, wrote)| wrote.at).map(|(who, _)| who.clone());
            oldest.map(|who| self.wrote.remove(&who));
        }
    }
}

/// How what is kept of a file is called.
fn key(file: &Path) -> String {
    digest(file.as_os_str().as_encoded_bytes())
}

fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes)).chars().take(32).collect()
}

/// What tells one content of a file from another, and from none.
fn content(file: &Path) -> String {
    let read = || {
        let opened = File::open(file)?;
        let about = opened.metadata()?;
        if about.len() > HASHED_BYTES {
            return Ok(format!("{} bytes, {:?}", about.len(), about.modified()?));
        }
        let mut bytes = Vec::new();
        opened.take(HASHED_BYTES).read_to_end(&mut bytes)?;
        Ok(digest(&bytes))
    };
    read().unwrap_or_else(|error: io::Error| error.kind().to_string())
}
