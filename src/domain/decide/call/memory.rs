//! What agents have read through a gateway: a later write is based on it. And what servers offer.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::{mark, refuse, too_long};
use crate::domain::code::Code;
use crate::domain::command::{CallMade, CallOrder, CallStep, Expected, NAME_BYTES, TOOLS};
use crate::domain::decide::sheet::Sheet;
use crate::domain::decide::{verdict, write};
use crate::domain::deed::Body;
use crate::domain::ids::{AgentId, Seq, Version};
use crate::domain::map::ToolRow;
use crate::domain::outcome::Outcome;
use crate::domain::path::{EntityPath, FieldName};
use crate::domain::rule::tool::{self, Meaning};
use crate::domain::state::{OFFERING, State, seen_key};
use crate::domain::things::{Call, CallHow, EndedCall, Entity, Field, MadeCall, SeenThere, ToolsSeen};
use crate::domain::time::Span;
use crate::domain::value::Value;

/// A call that needed no leave was forwarded. Of one that reads it is kept what had happened until then.
pub(super) fn made(sheet: &mut Sheet<'_>, made: &CallMade) -> Seq {
    let mark = mark(&CallStep::Made(made.clone()));
    let names =
        [("server", Some(&made.server)), ("tool", Some(&made.tool)), ("digest", made.digest.as_ref())];
    if let Some(why) = too_long(&names) {
        return refuse(sheet, (&mark, None), Code::OverBound, why);
    }
    if let CallHow::Unsent | CallHow::Unknown = made.how {
        let why =
            "a call that needed no leave was `done`, or `failed`; say nothing of one that was not forwarded";
        return refuse(sheet, (&mark, None), Code::WrongState, why);
    }
    let state = sheet.snapshot();
    if let Some(why) = made.head.and_then(|head| verdict::unknown_deed(&state, "head", head)) {
        return refuse(sheet, (&mark, None), Code::NotFound, why);
    }
    let named = (&*made.server, &*made.tool);
    let meaning = tool::meaning(state.board.map.model(), named, &made.arguments, made.root.as_deref());
    let meaning = match meaning {
        Ok(meaning) => Some(meaning),
        Err(why) => return refuse(sheet, (&mark, None), Code::Untold, why),
    };
    let does = meaning.as_ref().and_then(Meaning::does);
    let read =
        meaning.as_ref().filter(|meaning| matches!(meaning, Meaning::Read(_))).and_then(Meaning::entity);
    if let Some(entity) = read
        && let Some(agent) = sheet.principal.actor.agent()
        && verdict::unseen(&state, agent, entity)
    {
        let why = verdict::unseen_words(entity, agent);
        return refuse(sheet, (&mark, Some(entity)), Code::Hidden, why);
    }
    let head = read.map(|entity| made.head.unwrap_or_else(|| since(&state, entity, made.ms, sheet)));
    let end = EndedCall { mark: mark.clone(), how: made.how, ms: made.ms, answer: made.digest.clone() };
    let outcome = if made.how == CallHow::Done { Outcome::Recorded } else { Outcome::Failed };
    let body = Body::CallMade(Box::new(MadeCall { end, does, head }));
    super::answer(sheet, body, outcome, (&mark, read), None)
}

/// The last deed on the entity before the call was forwarded, as far as its length tells.
fn since(state: &State, entity: &EntityPath, ms: Option<u64>, sheet: &Sheet<'_>) -> Seq {
    let took = Span::from_micros(i64::try_from(ms.unwrap_or(0)).unwrap_or(i64::MAX).saturating_mul(1000));
    let began = sheet.now.minus(took);
    let written = |entity: &Arc<Entity>| {
        let later = entity.fields.iter().map(|(_, field)| field).filter(|field| field.at >= began);
        later.map(|field| Seq(field.deed.0.saturating_sub(1))).min()
    };
    state.entities.get(entity).and_then(written).unwrap_or_else(|| state.head())
}

/// What the agent saw last of the entity by way of that server.
pub(super) fn seen<'s>(
    state: &'s State,
    agent: &AgentId,
    server: &str,
    entity: &EntityPath,
) -> Option<&'s SeenThere> {
    state.board.seen_there.get(&seen_key(agent, server, entity))
}

/// The state in which the agent has just read what the call writes to, by way of its server, where it has not.
pub(in crate::domain::decide) fn as_read<'s>(
    state: &'s State,
    agent: &AgentId,
    order: &CallOrder,
) -> Cow<'s, State> {
    let named = (&*order.server, &*order.tool);
    let meaning = tool::meaning(state.board.map.model(), named, &order.arguments, order.root.as_deref());
    let Ok(Meaning::Write { entity, .. }) = meaning else { return Cow::Borrowed(state) };
    if seen(state, agent, &order.server, &entity).is_some() {
        return Cow::Borrowed(state);
    }
    let mut state = state.clone();
    let head = state.head();
    let now = SeenThere { head, tool: Arc::clone(&order.tool), answer: None };
    state.board.seen_there.set(seen_key(agent, &order.server, &entity), head, now);
    Cow::Owned(state)
}

/// Why a write is not based on what is there: it was never read, or what reads it again shows something else.
pub(super) fn unverified(
    row: Option<&ToolRow>,
    seen: Option<&SeenThere>,
    verified: Option<&Arc<str>>,
    (state, call, entity): (&State, &Call, &EntityPath),
) -> Option<(Code, Outcome, String)> {
    let Some(seen) = seen else {
        let why = format!(
            "{} has not read {entity} by way of {}: there are no blind writes",
            call.agent, call.mark.server
        );
        return Some((Code::MissingVersion, Outcome::Refused, why));
    };
    let verify = row?.verify.as_ref()?;
    let missing = |why: String| Some((Code::MissingVersion, Outcome::Refused, why));
    let Some(verified) = verified else {
        return missing(format!(
            "it is written after `{verify}` has read it again; send the digest of that as `verified`"
        ));
    };
    let own = state.entities.get(entity).is_some_and(|entity| {
        entity.fields.iter().any(|(_, field)| field.deed > seen.head && write::is(&field.by, &call.agent))
    });
    if *seen.tool != **verify || seen.answer.is_none() || own {
        return missing(format!("{} has not read {entity} by `{verify}` since it was written", call.agent));
    }
    (seen.answer.as_ref() != Some(verified)).then(|| {
        (
            Code::Stale,
            Outcome::Stale,
            format!("`{verify}` shows {entity} otherwise than {} read it", call.agent),
        )
    })
}

/// The versions that the agent has seen of what it changes.
pub(super) fn based_on(
    state: &State,
    agent: &AgentId,
    (path, changes): (&EntityPath, &BTreeMap<FieldName, Value>),
    head: Seq,
    whole: bool,
) -> Expected {
    let entity = state.entities.get(path);
    let is_hidden = |name: &FieldName| state.board.map.is_hidden(agent, path, name);
    let unseen = |field: &Field| field.deed > head && !write::is(&field.by, agent);
    let before = |version: Version| Version(version.0.saturating_sub(1));
    if whole {
        let known = entity.filter(|_| !is_hidden(&FieldName::whole()));
        let Some(known) = known else { return Expected::Entity(Version(0)) };
        let mut fields = known.fields.iter().filter(|(name, _)| !is_hidden(name));
        let is_gone = known.gone.as_ref().is_some_and(|gone| gone.deed > head);
        let changed = is_gone || fields.any(|(_, field)| unseen(field));
        return Expected::Entity(if changed { before(known.version) } else { known.version });
    }
    let base = |name: &FieldName| {
        let field = entity.and_then(|entity| entity.field(name)).filter(|_| !is_hidden(name));
        field.map_or(Version(0), |field| if unseen(field) { before(field.version) } else { field.version })
    };
    Expected::Fields(changes.keys().map(|name| (name.clone(), base(name))).collect())
}

/// What a server offers: a deed only where that is new.
pub(super) fn offer(sheet: &mut Sheet<'_>, seen: &ToolsSeen) -> Option<Seq> {
    let mark = mark(&CallStep::Offer(seen.clone()));
    let long = seen.tools.iter().any(|tool| tool.name.len() > NAME_BYTES);
    let words = (seen.tools.len() > TOOLS)
        .then(|| format!("{} tools; at most {TOOLS} are taken down", seen.tools.len()))
        .or_else(|| long.then(|| format!("the name of a tool is longer than {NAME_BYTES} bytes")))
        .or_else(|| too_long(&[("server", Some(&seen.server))]));
    if let Some(why) = words {
        return Some(refuse(sheet, (&mark, None), Code::OverBound, why));
    }
    let offered = &sheet.base().board.offered;
    if !offered.contains_key(&seen.server) && offered.len() >= OFFERING {
        let why = format!("{OFFERING} servers have said what they offer, and there is no room for more");
        return Some(refuse(sheet, (&mark, None), Code::OverBound, why));
    }
    if offered.get(&seen.server).is_some_and(|known| **known == *seen) {
        return None;
    }
    let body = Body::ToolsOffered(Box::new(seen.clone()));
    Some(super::answer(sheet, body, Outcome::Recorded, (&mark, None), None))
}
