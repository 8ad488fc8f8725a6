//! The deed that a workspace is born with.

use std::sync::Arc;

use super::{Command, RULES, Request, Sheet};
use crate::domain::command::Principal;
use crate::domain::deed::{Body, Deed, FORMAT, NewWorkspace};
use crate::domain::ids::{Actor, MapVersion};
use crate::domain::map::Model;
use crate::domain::outcome::Outcome;
use crate::domain::state::State;
use crate::domain::things::TokenClass;
use crate::domain::time::Time;

/// The first deed of an empty ledger: the workspace of `model` exists from `now` on, with `model` as its map. A map with
/// agents is somebody's, and version 1; version 0 is the one that nobody has written, RULES §2.6.
pub fn found(model: Arc<Model>, by: Actor, now: Time) -> Deed {
    let empty = State::new(model.workspace.clone());
    let principal = Principal { actor: by, class: TokenClass::Admin, token: None };
    let request = Request::new(principal, Command::Tick);
    let workspace = model.workspace.clone();
    let version = MapVersion(u64::from(!model.agents.is_empty()));
    let born = Body::WorkspaceFounded(Box::new(NewWorkspace { workspace, format: FORMAT, model, version }));
    let mut deed = Sheet::new(&empty, &request, now).draft(born, "create", Outcome::Recorded);
    deed.reason = Some(Arc::from("the workspace was created"));
    deed.decided = RULES.decided(&empty.board, &deed);
    deed
}
