//! What the console asks of the client's side, and what it is told. Who carries it does not live here.

use std::path::PathBuf;
use std::sync::Arc;

use super::kept::Note;
use super::place::View;
use super::rehearsing::{Move, Rehearsing};
use super::terminal::clipboard::Route;
use super::terminal::notice::Notice;
use super::world::{Link, Me};
use crate::api::{AsOf, FieldActivity, Histogram, Looked, PlanView, Words};
use crate::client::LedgerQuery;
use crate::domain::command::Command;
use crate::domain::decide::Preview;
use crate::domain::deed::Deed;
use crate::domain::ids::{ItemNo, Seq, WorkspaceId};
use crate::domain::path::{EntityPath, Pattern};
use crate::domain::query::EntityView;
use crate::domain::readiness::agents::AgentList;
use crate::domain::reply::Reply;
use crate::domain::state::{Board, Thing, Whole};
use crate::domain::things::{AlertState, ItemAnswer, Severity};
use crate::domain::time::Time;

/// One request, with the address for its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// The screen that asks.
    pub from: View,
    /// The screen's own number for it.
    pub tag: u64,
    /// What is asked.
    pub what: What,
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// A decision or another change.
    Command(Box<Command>),
    /// Something of whoever moves the clock of a rehearsal; nothing is answered.
    Move(Move),
    /// These deeds, wherever they are in the ledger.
    Deeds(Vec<Seq>),
    /// Some of the deeds that a filter means, in the order of the ledger.
    Page(LedgerQuery),
    /// How many deeds that a filter means happened when.
    Histogram {
        /// In the filter language; empty for all.
        filter: String,
        /// The first bucket begins here.
        from: Time,
        /// The last bucket ends here.
        to: Time,
        /// How many buckets.
        buckets: usize,
    },
    /// A deed with its stored text and hash, what led to it, and what it led to.
    Chain(Seq),
    /// What happened lately to the fields that a pattern covers.
    Activity(Pattern),
    /// An entity with the values of its fields, as it is, or as it was after a deed.
    Entity(EntityPath, Option<Seq>),
    /// The words of the workspace, for completion.
    Words,
    /// Every deed that a filter means into a file, which must not be there yet.
    Export {
        /// In the filter language; empty for all.
        filter: String,
        /// Where to; `.csv` for a table, anything else for a deed a line.
        file: PathBuf,
    },
    /// A text into a file, which must not be there yet.
    Save {
        /// Where to.
        file: PathBuf,
        /// What.
        text: String,
    },
    /// What a map would have said to what has happened lately. It is told how far that has got, too.
    Plan(String),
    /// What an answer to an item would do.
    Preview(ItemNo, Box<ItemAnswer>),
    /// The board as it was: after a deed, or at a time, in the person's own words.
    Then(String),
    /// A thing of the board with all that it carries, as it is, or as it was after a deed.
    Whole(Thing, Option<Seq>),
    /// What is kept for each agent and what may be, as it is, or as it was after a deed.
    Agents(Option<Seq>),
    /// What waits in another workspace.
    Waiting(WorkspaceId),
    /// To look at another workspace from now on.
    Switch(WorkspaceId),
    /// A notification on the desktop; nothing is answered.
    Notify(Notice),
    /// Something to be there at the next start; nothing is answered.
    Keep(Note),
}

/// Some deeds, oldest first, whichever way they were asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The deeds.
    pub deeds: Vec<Arc<Deed>>,
    /// Whether there are more in the direction asked for; around a deed in either.
    pub more: bool,
    /// How far the answer looks: later deeds are not in it.
    pub head: Seq,
    /// How many deeds the filter means, where that was asked for, and whether all were counted.
    pub count: Option<(u64, bool)>,
}

/// A deed, what led to it, and what it led to.
#[derive(Debug, Clone, PartialEq)]
pub struct Chain {
    /// The deed asked for.
    pub deed: Arc<Deed>,
    /// Its text exactly as stored.
    pub raw: Arc<str>,
    /// Its hash in the chain, in hexadecimal digits.
    pub hash: String,
    /// Its causes, the first cause of all first.
    pub causes: Vec<Arc<Deed>>,
    /// Its effects as a tree written out: 1 for what it led to itself, 2 for what that led to.
    pub effects: Vec<(usize, Arc<Deed>)>,
    /// Whether a bound cut something off.
    pub cut: bool,
}

/// What came back for a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// How a command came out; a refusal by a rule is such an answer too.
    Reply(Box<Reply>),
    /// Deeds, in the order of the ledger; those that are not there are left out.
    Deeds(Vec<Arc<Deed>>),
    /// A page of deeds.
    Page(Page),
    /// Deeds over time.
    Histogram(Histogram),
    /// A deed with its causes and effects.
    Chain(Box<Chain>),
    /// For each field of the pattern: writes, proposals and refusals of seven days.
    Activity(Vec<FieldActivity>),
    /// An entity with the values of its fields.
    Entity(Box<EntityView>),
    /// The words of the workspace.
    Words(Words),
    /// So far a look has got; the answer is yet to come.
    Looked(Looked),
    /// What a map would have said.
    Plan(Box<PlanView>),
    /// What an answer would do.
    Preview(Box<Preview>),
    /// The board as it was, and which moment that is.
    Then(Box<Board>, AsOf),
    /// A thing with all that it carries; none where it is not there any more.
    Whole(Option<Whole>),
    /// Every agent in one line.
    Agents(Box<AgentList>),
    /// The text is in this file.
    Saved(PathBuf),
    /// How much waits in another workspace.
    Waiting(Waiting),
    /// So many deeds are in the file.
    Exported {
        /// Which file.
        file: PathBuf,
        /// How many deeds.
        deeds: u64,
    },
}

/// How much waits in a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Cases that wait for an answer.
    pub cases: usize,
    /// Those of them that are overdue.
    pub overdue: usize,
    /// Conflicts that are open.
    pub conflicts: usize,
    /// Those of them that are critical.
    pub critical: usize,
}

impl Waiting {
    /// Of a board at a time.
    pub fn of(board: &Board, now: Time) -> Self {
        let open = || board.alerts.values().filter(|alert| alert.state == AlertState::Open);
        Self {
            cases: board.items.len(),
            overdue: board.items.values().filter(|item| item.is_overdue(now)).count(),
            conflicts: open().count(),
            critical: open().filter(|alert| alert.severity == Severity::Critical).count(),
        }
    }

    /// `3 cases, 1 of them overdue; 2 conflicts, 1 of them critical`.
    pub fn words(self) -> String {
        let part = |count: usize, one: &str, of: usize, what: &str| {
            let some = if of > 0 { format!(", {of} of them {what}") } else { String::new() };
            format!("{count} {one}{}{some}", if count == 1 { "" } else { "s" })
        };
        let (cases, conflicts) = (
            part(self.cases, "case", self.overdue, "overdue"),
            part(self.conflicts, "conflict", self.critical, "critical"),
        );
        match (self.cases, self.conflicts) {
            (0, 0) => "nothing waits".to_owned(),
            (_, 0) => cases,
            (0, _) => conflicts,
            (_, _) => format!("{cases}; {conflicts}"),
        }
    }
}

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What happened.
    pub what: String,
    /// What can be done.
    pub next: String,
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}; {}", self.what, self.next)
    }
}

/// Everything that the client's side tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// The board of a workspace as of its head; deeds follow from there.
    Board {
        /// The workspaces that this person may look at.
        workspaces: Vec<WorkspaceId>,
        /// Who the server says is looking.
        me: Me,
        /// The board.
        board: Box<Board>,
        /// The `urn:uuid:…` of its ledger.
        ledger: String,
        /// Why nothing can be recorded in it at present.
        trouble: Option<String>,
        /// Whether what is recorded is on fewer machines than is promised.
        unreplicated: bool,
    },
    /// The next deed.
    Deed(Arc<Deed>),
    /// The next deed, of a type that only a later version knows.
    UnknownDeed(Seq),
    /// How the rehearsal stands.
    Rehearsing(Arc<Rehearsing>),
    /// The connection changed.
    Link(Link),
    /// A request has its answer.
    Answer {
        /// The screen that asked.
        to: View,
        /// Its number for it.
        tag: u64,
        /// The answer.
        result: Result<Told, Trouble>,
    },
    /// The desktop showed no notification: why, in words.
    NotNotified(String),
    /// Something can't be kept for the next start, or could not be read: why, in words.
    NotKept(String),
    /// What becomes of what is copied, as tmux said.
    Clipboard(Route),
    /// A file came back from the editor.
    Edited {
        /// The file.
        file: std::path::PathBuf,
        /// Whether the editor ended well.
        outcome: Result<(), String>,
    },
}
