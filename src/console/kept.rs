//! What a person's console keeps from one start to the next, for each ledger: the place where they were, filters with names and
//! those used lately, bookmarks, and texts that were typed and not sent. Here is what it is and how it changes; the file
//! is whoever's who started the console.
//!
//! It is kept as changes, not as a whole: two consoles lay theirs onto what the file has by then, and neither loses
//! what the other kept.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use tokio::sync::mpsc::UnboundedReceiver;

use super::place::{Spot, View};
use super::widgets::form::{Form, Texts};
use crate::domain::ids::{Seq, WorkspaceId};

/// Filters used lately that are kept.
pub const RECENT: usize = 50;
/// Filters with names.
pub const SAVED: usize = 100;
/// Characters of such a name.
pub const NAME_CHARS: usize = 60;
/// Deeds that can be bookmarked.
pub const BOOKMARKS: usize = 1000;
/// Texts that were not sent, by what their boxes are about, and bytes of all of them.
pub const DRAFTS: usize = 100;
pub const DRAFT_BYTES: usize = 256 * 1024;

/// What is kept of one ledger.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Kept {
    /// Its workspace, for whoever reads the file.
    pub workspace: String,
    /// When something of it changed last, in microseconds since 1970 UTC: beyond the bound the oldest goes.
    pub used: i64,
    /// Where the person was last.
    #[serde(deserialize_with = "known", skip_serializing_if = "Option::is_none")]
    pub place: Option<LastPlace>,
    /// Filters by their names, in the filter language.
    pub saved: BTreeMap<String, String>,
    /// Filters used lately, the newest first, none twice.
    pub recent: Vec<String>,
    pub bookmarks: BTreeSet<Seq>,
    /// By what the box is about: `Handle #4`.
    pub drafts: BTreeMap<String, Draft>,
    /// What a later version keeps beside it.
    #[serde(flatten)]
    later: Map<String, Value>,
}

/// The place where a person was: the view, where in it, and what its rows were filtered by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastPlace {
    pub view: View,
    pub spot: Option<Spot>,
    /// Empty where all rows were shown; the log's is part of its spot.
    #[serde(default)]
    pub filter: String,
}

/// Texts that were typed into a box and not sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// When it was typed, in microseconds since 1970 UTC.
    pub at: i64,
    /// By the label of their field.
    pub texts: Texts,
}

/// A place that only a later version knows is none.
fn known<'de, D: Deserializer<'de>>(from: D) -> Result<Option<LastPlace>, D::Error> {
    Value::deserialize(from).map(|value| serde_json::from_value(value).ok())
}

/// Something that is to be kept, or not any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Place(LastPlace),
    /// A filter was used.
    Recent(String),
    /// A filter has this name from now on, and no other.
    Saved {
        name: String,
        filter: String,
    },
    /// A name means no filter any more.
    Forgotten(String),
    /// Whether a deed is bookmarked.
    Bookmark(Seq, bool),
    /// What is typed in a box; without texts it was sent, or emptied.
    Draft {
        about: String,
        texts: Texts,
    },
}

impl Change {
    /// What was typed in a box came to something, or is thrown away.
    pub fn no_draft(about: &str) -> Self {
        Self::Draft { about: about.to_owned(), texts: Texts::new() }
    }
}

impl Kept {
    /// Lays a change onto it. `now` is in microseconds since 1970 UTC.
    pub fn take(&mut self, change: &Change, now: i64) {
        self.used = now;
        match change {
            Change::Place(place) => self.place = Some(place.clone()),
            Change::Recent(filter) => {
                self.recent.retain(|other| other != filter);
                self.recent.insert(0, filter.clone());
                self.recent.truncate(RECENT);
            }
            Change::Saved { name, filter } => {
                self.saved.retain(|_, other| other != filter);
                if self.saved.len() < SAVED || self.saved.contains_key(name) {
                    self.saved.insert(name.clone(), filter.clone());
                }
            }
            Change::Forgotten(name) => _ = self.saved.remove(name),
            Change::Bookmark(seq, true) => {
                self.bookmarks.insert(*seq);
                while self.bookmarks.len() > BOOKMARKS {
                    self.bookmarks.pop_first();
                }
            }
            Change::Bookmark(seq, false) => _ = self.bookmarks.remove(seq),
            Change::Draft { about, texts } if texts.is_empty() => _ = self.drafts.remove(about),
            Change::Draft { about, texts } => {
                self.drafts.insert(about.clone(), Draft { at: now, texts: texts.clone() });
                self.bound_drafts(about);
            }
        }
    }

    /// Beyond the bound the oldest go, never the one that is being typed.
    fn bound_drafts(&mut self, typed: &str) {
        let size = |(about, draft): (&String, &Draft)| {
            about.len() + draft.texts.iter().map(|(label, text)| label.len() + text.len()).sum::<usize>()
        };
        while self.drafts.len() > DRAFTS || self.drafts.iter().map(size).sum::<usize>() > DRAFT_BYTES {
            let others = self.drafts.iter().filter(|(about, _)| *about != typed);
            let Some(oldest) = others.min_by_key(|(_, draft)| draft.at).map(|(about, _)| about.clone())
            else {
                return;
            };
            self.drafts.remove(&oldest);
        }
    }

    /// The name of a filter, where it has one.
    pub fn name_of(&self, filter: &str) -> Option<&str> {
        self.saved.iter().find(|(_, saved)| *saved == filter).map(|(name, _)| name.as_str())
    }

    /// Puts back what was typed into a box before, where something was.
    pub fn resume(&self, about: &str, form: &mut Form) {
        if let Some(draft) = self.drafts.get(about) {
            form.resume(&draft.texts);
        }
    }
}

/// A box was closed without doing anything: what is to be said of it.
pub fn closed(about: &str, form: &Form) -> String {
    format!("not done: {about}{}", if form.texts().is_empty() { "" } else { "; the text is kept" })
}

/// What is kept of the ledger that is looked at, and of the others.
#[derive(Debug, Default)]
pub struct Keeping {
    /// Its `urn:uuid:…`; empty before the first answer.
    ledger: String,
    here: Kept,
    elsewhere: BTreeMap<String, Kept>,
    /// Whether it is there at the next start.
    written: bool,
}

impl Keeping {
    /// What was kept before is here, and what changes is written.
    pub fn written(kept: BTreeMap<String, Kept>) -> Self {
        Self { elsewhere: kept, written: true, ..Self::default() }
    }

    /// Whether it is there at the next start.
    pub fn is_written(&self) -> bool {
        self.written
    }

    /// From now on this ledger is looked at.
    pub fn come_to(&mut self, ledger: &str, workspace: &WorkspaceId) {
        if self.ledger != ledger {
            let here = self.elsewhere.remove(ledger).unwrap_or_default();
            let left = std::mem::replace(&mut self.here, here);
            self.elsewhere.insert(std::mem::replace(&mut self.ledger, ledger.to_owned()), left);
        }
        workspace.as_str().clone_into(&mut self.here.workspace);
    }

    /// What is kept of the ledger that is looked at.
    pub fn here(&self) -> &Kept {
        &self.here
    }

    /// Lays a change onto it; what is to be written of it, where it is.
    pub fn take(&mut self, change: Change, now: i64) -> Option<Note> {
        self.here.take(&change, now);
        let note = || Note { ledger: self.ledger.clone(), workspace: self.here.workspace.clone(), change };
        (self.written && !self.ledger.is_empty()).then(note)
    }

    /// Texts that were typed and not sent, in all workspaces.
    pub fn drafts(&self) -> usize {
        self.elsewhere.values().chain([&self.here]).map(|kept| kept.drafts.len()).sum()
    }
}

/// A change to be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The ledger's `urn:uuid:…`.
    pub ledger: String,
    /// Its workspace, for whoever reads the file.
    pub workspace: String,
    pub change: Change,
}

/// Whoever keeps it between the starts of a console.
#[derive(Debug)]
pub struct Keeper {
    /// What was kept before, by ledger.
    pub before: BTreeMap<String, Kept>,
    /// Where changes go; never waits.
    pub notes: std::sync::mpsc::Sender<Note>,
    /// What can't be kept, or could not be read, in words.
    pub troubles: UnboundedReceiver<String>,
}
