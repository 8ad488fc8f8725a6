//! Which ledger is which server's, `ledgers.json` in the data directory: remembered when somebody who decides first signs in there. What names
//! another one is not signed, so that no server has a decision signed for the ledger of another.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Session;
use crate::api::TokenText;
use crate::cli::context::{Context, read_text};
use crate::cli::datadir::DataDir;
use crate::client::Whose;
use crate::domain::ids::{PersonId, TokenId, WorkspaceId};
use crate::domain::rule::signing::Statement;
use crate::domain::things::TokenClass;

pub(in crate::cli) const FILE: &str = "ledgers.json";
/// The most that are remembered; beyond it the one that was met first goes.
const MOST: usize = 4_096;
/// More bytes than that many have.
const FILE_BYTES: u64 = 4 * 1024 * 1024;

/// What is remembered of one token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    /// The server's address, or that it is the one of this data directory.
    server: String,
    workspace: WorkspaceId,
    token: TokenId,
    /// `urn:uuid:…`
    ledger: Arc<str>,
    /// Whose decisions are signed with it; none before the first.
    person: Option<PersonId>,
}

/// Whether a statement may be signed for that server: it names the ledger and the person that are remembered, or the ledger
/// that `--sign-for` names.
pub(super) fn whose(context: &Context, server: &str) -> Arc<Whose> {
    let (context, server) = (context.clone(), server.to_owned());
    Arc::new(move |token, statement| check(&context, &server, token, statement))
}

/// For a server of this very process, whose ledger nobody else has.
pub(super) fn own() -> Arc<Whose> {
    Arc::new(|_, _| Ok(()))
}

/// Remembers the ledger of who decides there, where nothing is remembered yet. That it fails is no reason not to look: what can't be
/// remembered is told when something is to be signed.
pub(super) async fn meet(context: &Context, session: &Session) {
    let token = session.client.token();
    if !matches!(token.class, TokenClass::Reviewer | TokenClass::Admin) {
        return;
    }
    let Ok(file) = context.existing_dir().map(|dir| dir.path().join(FILE)) else { return };
    let server = session.server();
    let known = read(&file).is_ok_and(|all| all.iter().any(|one| one.is_at(&server, &token.workspace)));
    if !known && let Ok(who) = session.client.whoami().await {
        let first = Known {
            server,
            workspace: token.workspace.clone(),
            token: token.id.clone(),
            ledger: who.ledger.into(),
            person: None,
        };
        let taken = |all: &[Known]| all.iter().any(|one| one.ledger == first.ledger);
        if let Ok(all) = read(&file)
            && !taken(&all)
        {
            write(&file, all, first).unwrap_or_default();
        }
    }
}

fn check(context: &Context, server: &str, token: &TokenText, statement: &Statement) -> Result<(), String> {
    let file = context.open_dir().map_err(|error| error.to_string())?.path().join(FILE);
    let mut all = read(&file)?;
    let workspace = &token.workspace;
    let ledger = &statement.ledger;
    match context.sign_for.as_deref() {
        Some(said) if *said == **ledger => {
            all.retain(|one| !one.is_at(server, workspace) || one.ledger == *ledger && one.token != token.id);
        }
        Some(said) => {
            return Err(format!(
                "{server} wants it signed for the ledger {ledger}, and --sign-for names {said}"
            ));
        }
        None => refuse(&all, server, token, statement)?,
    }
    let known = Known {
        server: server.to_owned(),
        workspace: workspace.clone(),
        token: token.id.clone(),
        ledger: Arc::clone(ledger),
        person: Some(statement.person.clone()),
    };
    if all.contains(&known) { Ok(()) } else { write(&file, all, known) }
}

/// Why a statement does not fit what is remembered.
fn refuse(all: &[Known], server: &str, token: &TokenText, statement: &Statement) -> Result<(), String> {
    let (workspace, ledger) = (&token.workspace, &statement.ledger);
    let mend = format!(
        "If whoever runs the server says that {ledger} is theirs (`deeds verify` there shows it), take it with --sign-for {ledger}; else the server means to have your signature for another"
    );
    let mut here = all.iter().filter(|one| one.is_at(server, workspace)).peekable();
    if here.peek().is_none()
        && let Some(other) = all.iter().find(|one| one.ledger == *ledger)
    {
        let (place, name) = (&other.server, &other.workspace);
        return Err(format!(
            "{server} wants it signed for the ledger {ledger}, which is remembered as that of {name} at {place}. {mend}"
        ));
    }
    for one in here {
        if one.ledger != *ledger {
            return Err(format!(
                "{server} wants it signed for the ledger {ledger}, and {} is remembered as that of {workspace}. {mend}",
                one.ledger
            ));
        }
        let other = one.person.as_ref().filter(|person| **person != statement.person);
        if let Some(person) = other.filter(|_| one.token == token.id) {
            return Err(format!(
                "{server} wants it signed by {}, and with this token it was {person}. If the map there calls you so by now, take it with --sign-for {ledger}",
                statement.person
            ));
        }
    }
    Ok(())
}

impl Known {
    fn is_at(&self, server: &str, workspace: &WorkspaceId) -> bool {
        self.server == server && self.workspace == *workspace
    }
}

/// What is remembered. A file that can't be read is no empty one: whoever breaks it would have the first word again.
/// Whether it can be read.
pub(in crate::cli) fn is_whole(file: &Path) -> bool {
    read(file).is_ok()
}

fn read(file: &Path) -> Result<Vec<Known>, String> {
    if !file.exists() {
        return Ok(Vec::new());
    }
    let text = read_text(file, FILE_BYTES).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| {
        format!(
            "{}: {error}; it says which ledgers you sign for: put it back, or take it away to begin anew",
            file.display()
        )
    })
}

/// Remembers one more, in the place of what is remembered of the same token.
fn write(file: &Path, mut all: Vec<Known>, one: Known) -> Result<(), String> {
    all.retain(|other| !other.is_at(&one.server, &one.workspace) || other.token != one.token);
    all.push(one);
    let all = all.split_off(all.len().saturating_sub(MOST));
    let text = serde_json::to_string(&all).map_err(|error| error.to_string())?;
    DataDir::replace(file, &text).map_err(|error| error.to_string())
}
