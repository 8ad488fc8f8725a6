//! Whether a recorded decision is what was signed, and whether one was to be signed: asked of a ledger, without a server.

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::signing::{self, Meant, Statement, digest};
use crate::domain::command::{AlertStep, Conclude, KeyStep, Override, OverrideVerb, RebaseClock};
use crate::domain::deed::{Body, Deed, ItemClosed};
use crate::domain::ids::{Actor, ItemNo};
use crate::domain::path::{EntityPath, FieldPath};
use crate::domain::rule::{overriding, reviewer};
use crate::domain::signature::{self, SignKey};
use crate::domain::state::State;
use crate::domain::things::{Allowance, Case, Effects, ItemAnswer, PersonKey, Signed, TokenClass};
use crate::domain::value::Value;

/// Whether the signature that a deed carries is its person's, over what the deed records. `state` is as it was before.
///
/// # Errors
/// What does not hold.
pub fn holds(state: &State, ledger: &str, deed: &Deed, signed: &Signed) -> Result<SignKey, String> {
    let statement = Statement::read(&signed.statement).ok_or("what was signed is no statement of Deeds")?;
    let board = &state.board;
    let person = deed.actor.person().map(|person| board.map.model().person_of(person));
    if person != Some(&statement.person) {
        return Err(format!("{} decided, and the statement is {}'s", deed.actor, statement.person));
    }
    if *statement.ledger != *ledger {
        return Err(format!("the statement is of another ledger, {}", statement.ledger));
    }
    let last = board.signed_last(&statement.person);
    if statement.after != last {
        return Err(format!(
            "the statement follows deed {}, and {last} is what they signed last",
            statement.after
        ));
    }
    if !says(state, deed, &statement.meant) {
        return Err("the deed records something else than what was signed".to_owned());
    }
    let maker = signature::maker(&signed.signature).map_err(|error| error.to_string())?;
    if !board.live_keys(&statement.person).any(|known| known.key == maker) {
        return Err(format!("{} did not count for {} then", maker.fingerprint(), statement.person));
    }
    maker.verify(&signed.statement, &signed.signature).map_err(|error| error.to_string())?;
    Ok(maker)
}

/// Whether the deed records what was meant.
fn says(state: &State, deed: &Deed, meant: &Meant) -> bool {
    let item = deed.refs.item.unwrap_or(ItemNo(0));
    if let Body::ItemAnswered(closed) = &deed.body {
        let shown = state.board.items.get(&item).map(|item| (item.version, item.digest()));
        let same = |shown| Meant::of_answer(item, shown, &closed.answer, &closed.effects.included) == *meant;
        return shown.is_some_and(same);
    }
    if let Body::TokenInvited(one) = &deed.body {
        return Meant::of_invitation(one.class, &one.name, one.expires) == *meant;
    }
    let about = meant.about.as_str();
    if let Body::ItemUndone(()) = &deed.body {
        return about == format!("undo {item}");
    }
    if let Body::MapReviewed(()) = &deed.body {
        return about == "map review";
    }
    if let Body::MapApplied(new) = &deed.body {
        let named = read::<Json>(meant).and_then(|said| Some(said.get("model")?.as_str()?.to_owned()));
        return about == "map" && meant.version + 1 == new.version.0 && named == Some(digest(&new.model));
    }
    if let Body::AlertResolved(()) = &deed.body {
        let same = |step: AlertStep| deed.refs.alerts == [step.alert] && deed.reason == step.note;
        return about.starts_with("alert ") && read(meant).is_some_and(same);
    }
    if let Body::ConclusionDrawn(drawn) = &deed.body {
        let same = |said: Conclude| {
            deed.subject.as_ref() == Some(&said.subject)
                && (&drawn.question, &drawn.answer) == (&said.question, &said.answer)
        };
        return about == "conclusion" && read(meant).is_some_and(same);
    }
    if let Body::KeyAdded(given) | Body::KeyRevoked(given) = &deed.body {
        let same = |step: KeyStep| match step {
            KeyStep::Add { key } => key == given.key,
            KeyStep::Confirm { key, .. } | KeyStep::Revoke { key, .. } => key == given.key.fingerprint(),
        };
        return about == "key" && read(meant).is_some_and(same);
    }
    if let Body::ClockRebased(rebased) = &deed.body {
        let same = |said: RebaseClock| {
            let time =
                said.to.is_none_or(|to| to == rebased.now) && said.by.is_none_or(|by| by == rebased.back());
            said.from == rebased.from && deed.reason.as_ref() == Some(&said.reason) && time
        };
        return about == "clock" && read(meant).is_some_and(same);
    }
    let word = read::<Json>(meant).and_then(|said| Some(said.get("step")?.as_str()? == deed.action));
    about == "override" && word == Some(true) && read(meant).is_some_and(|step| overrides(deed, &step))
}

/// What was said, as what it should be.
fn read<T: DeserializeOwned>(meant: &Meant) -> Option<T> {
    serde_json::from_str(&meant.said).ok()
}

/// Whether the deed is this override: about the same thing, for the same reason, with the same value.
fn overrides(deed: &Deed, step: &Override) -> bool {
    let about = |entity: &EntityPath| deed.subject.as_ref() == Some(entity);
    let field = |path: &FieldPath| {
        about(&path.entity)
            && deed.fields.len() == 1
            && deed.fields.iter().all(|change| change.name == path.field)
    };
    let after = |value: &Value| deed.fields.iter().any(|change| change.after.as_ref() == Some(value));
    let mut reason = step.reason.to_string();
    let same = match &step.step {
        OverrideVerb::Freeze { entity } | OverrideVerb::Unfreeze { entity } => about(entity),
        OverrideVerb::Pause { agent } | OverrideVerb::Resume { agent } => {
            matches!(&deed.body, Body::AgentPaused(of) | Body::AgentResumed(of) if of == agent)
        }
        OverrideVerb::Allow { agent, allowance } => {
            matches!(&deed.body, Body::AgentAllowed(to) if to.agent == *agent && to.allowance == *allowance)
        }
        OverrideVerb::PauseAll | OverrideVerb::ResumeAll => true,
        OverrideVerb::Set { path, value, .. } => field(path) && after(value),
        OverrideVerb::Revert { path, value, to, .. } => {
            reason = format!("{reason} (back to v{to})");
            field(path) && after(value)
        }
        OverrideVerb::Release { path } => field(path),
        OverrideVerb::Unlock { lease } => deed.refs.lease == Some(*lease),
    };
    same && deed.reason.as_deref() == Some(&*reason)
}

/// Whether a deed without a signature may stand in the decision of one that is signed, `primary`: what follows from that is what it
/// says, the map as it changes and what goes out; and what never follows from it was not to be signed itself.
///
/// # Errors
/// What is not.
pub fn follows(state: &State, deed: &Deed, primary: &Deed) -> Result<(), String> {
    if let Body::ItemAnswered(closed) = &primary.body
        && let Some(same) = is_of_answer(state, deed, primary, closed)
    {
        return if same {
            Ok(())
        } else {
            Err("it does something else than the answer that set it off".to_owned())
        };
    }
    // What was set, given and taken goes back with an answer; a person's word ends its alert and its item.
    let back = matches!(primary.body, Body::ItemUndone(()))
        && matches!(deed.body, Body::ScopeTransferred(_) | Body::WriteCommitted(()));
    if back || is_of_conclusion(deed, primary) {
        return Ok(());
    }
    let put_in =
        |why| Err(format!("it is not signed and does not follow from deed {}, although {why}", primary.seq));
    lacks(state, deed).map_or(Ok(()), put_in)
}

/// Whether a deed is what the signed answer says; none of what is not its to say.
fn is_of_answer(state: &State, deed: &Deed, primary: &Deed, closed: &ItemClosed) -> Option<bool> {
    let answer = &closed.answer;
    if let Body::ScopeExpanded(change) = &deed.body {
        return Some(matches!(answer, ItemAnswer::Expand { agent, grant, .. }
            if *agent == change.agent && *grant == change.grant));
    }
    if let Body::ScopeTransferred(change) = &deed.body {
        let same = matches!(answer, ItemAnswer::Transfer { pattern, from, to, .. }
            if *pattern == change.pattern && *from == change.from && *to == change.to);
        return Some(same || change.offered_by.is_some() && matches!(answer, ItemAnswer::Approve { .. }));
    }
    let items = || primary.refs.item.iter().chain(&closed.effects.included);
    if let Body::AlertResolved(()) = &deed.body {
        return Some(deed.actor == Actor::Deeds || items().any(|no| deed.refs.item == Some(*no)));
    }
    if let Body::ConclusionDrawn(_) = &deed.body {
        return closed.effects.ruling.as_ref().map(|ruled| ruled.deed == deed.seq);
    }
    if let Body::MapReviewed(()) | Body::WriteCommitted(()) = &deed.body {
        return Some(true);
    }
    let Body::OutputPublished(published) = &deed.body else { return None };
    let stored = deed.refs.item.and_then(|no| state.board.items.get(&no)).map(|item| &item.case);
    let wanted = match (answer, stored) {
        (ItemAnswer::ApproveEdited { body, .. }, _) => Some(body),
        (_, Some(Case::Approval { publish, .. } | Case::UnownedOutput { publish })) => Some(&publish.body),
        (_, _) => None,
    };
    Some(wanted.is_none_or(|body| *body == published.body))
}

/// Whether a deed ends the alert or the item that waited for this conclusion.
fn is_of_conclusion(deed: &Deed, primary: &Deed) -> bool {
    let Body::ConclusionDrawn(drawn) = &primary.body else { return false };
    if let Body::AlertResolved(()) = &deed.body {
        return deed.cause == Some(primary.seq);
    }
    let Body::ItemAnswered(closed) = &deed.body else { return false };
    let rules = matches!(&closed.answer, ItemAnswer::Ruling { right: None, value: Some(value), .. }
        if *value == drawn.answer);
    rules && closed.effects.ruling.as_ref().is_some_and(|ruled| ruled.deed == primary.seq)
}

/// Why a deed without a signature was to be signed; none where it was not. `state` is as it was before.
pub fn lacks(state: &State, deed: &Deed) -> Option<String> {
    let board = &state.board;
    let model = board.map.model();
    // Whatever else it says: this is what folding goes by.
    if let Body::ItemAnswered(closed) = &deed.body {
        let item = deed.refs.item.and_then(|no| board.items.get(&no));
        let by_itself = deed.actor == Actor::Deeds
            && matches!(&closed.answer, ItemAnswer::Handle { to: None, reply: None, .. })
            && closed.effects == Effects::default();
        let asks = || match item {
            Some(item) => signing::asks_of_answer(board, item, &closed.answer),
            None => signing::anywhere(model),
        };
        return if by_itself { None } else { asks() };
    }
    if let Body::ScopeExpanded(_) | Body::ScopeTransferred(_) = &deed.body {
        return signing::anywhere(model);
    }
    deed.actor.person()?;
    if let Body::AlertResolved(()) = &deed.body {
        let alerts = deed.refs.alerts.iter().filter_map(|no| board.alerts.get(no));
        return alerts.into_iter().find_map(|alert| signing::asks_of_alert(board, alert));
    }
    if let Body::ConclusionDrawn(_) | Body::MapReviewed(()) | Body::ClockRebased(_) = &deed.body {
        return signing::anywhere(model);
    }
    if let Body::ItemUndone(()) = &deed.body {
        let closed = board.closed_item(deed.refs.item?)?;
        return signing::of_queue(model, reviewer::queue(&board.map, &closed.item));
    }
    if let Body::MapApplied(new) = &deed.body {
        return signing::anywhere(model).or_else(|| signing::anywhere(&new.model));
    }
    if let Body::KeyAdded(given) = &deed.body {
        return lacks_a_word(state, deed, given)
            .then(|| "nobody who could has vouched for that key".to_owned());
    }
    if let Body::TokenInvited(one) = &deed.body {
        let decides = matches!(one.class, TokenClass::Reviewer | TokenClass::Admin);
        return signing::anywhere(model).filter(|_| decides);
    }
    let queues = overriding::concerned(state, &verb(deed)?);
    queues.into_iter().find_map(|queue| signing::of_queue(model, queue))
}

/// Whether a key was added that nothing vouches for but the token of who added it.
fn lacks_a_word(state: &State, deed: &Deed, given: &PersonKey) -> bool {
    let board = &state.board;
    let model = board.map.model();
    let asked = signing::anywhere(model).is_some();
    let own =
        deed.actor.person().is_some_and(|person| model.person_of(person) == model.person_of(&given.person));
    let has_one = board.live_keys(&given.person).next().is_some();
    if !own {
        return asked;
    }
    // With an invitation that was taken in the same decision, or as the first of an only admin.
    let invited = state.access.tokens.values().any(|record| {
        record.token.invitation.is_some()
            && record.at == deed.recorded
            && *record.token.name == *deed.actor.name()
    });
    let only = board.admins(deed.recorded).all(|admin| admin == model.person_of(&given.person));
    has_one || !(deed.cause.is_some() && invited || only && !asked)
}

/// What a person's override was, as far as its queue goes by it; none of what only stops something.
fn verb(deed: &Deed) -> Option<OverrideVerb> {
    if let Body::AgentResumed(agent) = &deed.body {
        return Some(OverrideVerb::Resume { agent: agent.clone() });
    }
    if let Body::AgentAllowed(allowed) = &deed.body {
        let (agent, allowance) = (allowed.agent.clone(), Allowance::default());
        return Some(OverrideVerb::Allow { agent, allowance });
    }
    if let Body::WorkspaceResumed(()) = &deed.body {
        return Some(OverrideVerb::ResumeAll);
    }
    if let Body::LeaseRevoked(()) = &deed.body {
        return Some(OverrideVerb::Unlock { lease: deed.refs.lease? });
    }
    let entity = deed.subject.clone()?;
    if let Body::EntityUnfrozen(()) = &deed.body {
        return Some(OverrideVerb::Unfreeze { entity });
    }
    let field = |entity| Some(FieldPath::new(entity, deed.fields.first()?.name.clone()));
    // What a set lets go of by itself was signed with the set.
    let sets = matches!(deed.body, Body::WriteCommitted(())) && matches!(&*deed.action, "set" | "revert");
    let releases = matches!(deed.body, Body::FieldReleased(())) && deed.cause.is_none();
    if sets || releases { Some(OverrideVerb::Release { path: field(entity)? }) } else { None }
}
