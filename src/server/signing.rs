//! What the header `Deeds-Signature` says: the signature that goes with a command, or that the caller wants to be told what to
//! sign before anything is decided.

use std::sync::Arc;

use super::answer::unseen;
use super::gate::Call;
use crate::api::{Problem, ProblemCode};
use crate::domain::command::{Command, Proof};
use crate::domain::rule::signing;
use crate::domain::signature::{SIGNATURE_BYTES, armored};

/// The header.
const HEADER: &str = "deeds-signature";
/// Its word for "tell me first".
const ASK: &str = "ask";

/// The proof that came with the request.
pub(super) fn proof(call: &Call) -> Result<Proof, Box<Problem>> {
    let text = match call.header(HEADER)? {
        None | Some(ASK) => return Ok(Proof::None),
        Some(text) => text,
    };
    let ledger = call.space.handle().identity().source();
    if let Some(armored) = armored(text).filter(|_| text.len() <= SIGNATURE_BYTES) {
        return Ok(Proof::Signature { ledger: ledger.into(), armored: armored.into() });
    }
    let detail = "it is `ask`, or the base64 of an SSH signature on one line";
    Err(Box::new(Problem::new(ProblemCode::BadHeader, detail).at("header Deeds-Signature")))
}

/// Where the caller wants to know first: a problem with the statement, if the command is one to be signed.
pub(super) async fn ask_first(call: &Call, command: &Command) -> Result<(), Box<Problem>> {
    let handle = call.space.handle();
    let wants = call.header(HEADER)? == Some(ASK);
    let Some(person) = call.caller.principal.actor.person().filter(|_| wants) else { return Ok(()) };
    // A key may be vouched for, and a map may begin to ask.
    let begins = matches!(command, Command::Key(_) | Command::ApplyMap(_));
    if !begins && signing::anywhere(handle.front().board.map.model()).is_none() {
        return Ok(());
    }
    let (person, command) = (person.clone(), command.clone());
    let ledger: Arc<str> = handle.identity().source().into();
    let told = handle.suppose(move |state, _| {
        let why = signing::asks(state, &command).or_else(|| signing::may_sign(state, &person, &command))?;
        let statement = signing::statement(&state.board, &ledger, &person, &command)?;
        let mut problem = Problem::new(ProblemCode::SignatureNeeded, why);
        problem.keys = state.board.live_keys(&person).map(|known| known.key.clone()).collect();
        problem.statement = Some(statement.to_string());
        Some(problem)
    });
    match told.await.map_err(|error| unseen(&error))? {
        Some(problem) => Err(Box::new(problem)),
        None => Ok(()),
    }
}
