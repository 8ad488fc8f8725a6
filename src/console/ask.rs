//! What the console asks of the client's side, and what it is told. Who carries it does not live here.

use std::sync::Arc;

use super::place::View;
use super::world::{Link, Me};
use crate::domain::command::Command;
use crate::domain::deed::Deed;
use crate::domain::ids::{Seq, WorkspaceId};
use crate::domain::reply::Reply;
use crate::domain::state::Board;

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
    /// These deeds, wherever they are in the ledger.
    Deeds(Vec<Seq>),
    /// To look at another workspace from now on.
    Switch(WorkspaceId),
}

/// What came back for a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// How a command came out; a refusal by a rule is such an answer too.
    Reply(Box<Reply>),
    /// Deeds, in the order of the ledger; those that are not there are left out.
    Deeds(Vec<Arc<Deed>>),
}

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What happened.
    pub what: String,
    /// What can be done.
    pub next: String,
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
    },
    /// The next deed.
    Deed(Arc<Deed>),
    /// The next deed, of a type that only a later version knows.
    UnknownDeed(Seq),
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
    /// A file came back from the editor.
    Edited {
        /// The file.
        file: std::path::PathBuf,
        /// Whether the editor ended well.
        outcome: Result<(), String>,
    },
}
