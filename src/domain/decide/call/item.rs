//! What calls put before people: tools that the map does not name, calls that a person approves, ends that nobody knows.

use std::sync::Arc;

use super::make::{self, Asked};
use super::{answer, approves, refuse};
use crate::domain::arguments::{Arguments, Json};
use crate::domain::code::Code;
use crate::domain::command::Write;
use crate::domain::decide::inbox::{self, NewItem};
use crate::domain::decide::sheet::Sheet;
use crate::domain::decide::write;
use crate::domain::deed::Body;
use crate::domain::ids::{Actor, Seq};
use crate::domain::map::{Does, Grant, ToolRow};
use crate::domain::outcome::Outcome;
use crate::domain::state::State;
use crate::domain::things::{Call, Case, Item, OpenAct, OpenCall, Suggestion};

/// Words with which the names of tools begin that only look.
const LOOKS: &[&str] = &["get", "list", "read", "search", "find", "show", "query", "fetch", "describe"];

/// Why a call waits in such an item.
pub(super) fn code(case: &Case) -> Code {
    match case {
        Case::UnmappedCall { .. } => Code::Unmapped,
        Case::UnknownOutcome { .. } => Code::OutcomeUnknown,
        Case::HeldField { held_by, .. } if !held_by.is_empty() => Code::Held,
        Case::HeldField { .. } | Case::ActApproval { .. } | Case::Approval { .. } => Code::NeedsApproval,
        Case::UnownedField { .. }
        | Case::ZoneOffer { .. }
        | Case::UnownedTarget { .. }
        | Case::UnownedOutput { .. }
        | Case::Escalation { .. }
        | Case::Conflict { .. }
        | Case::MapOverdue { .. }
        | Case::UnownedEvent { .. }
        | Case::TriggerCollision { .. }
        | Case::Loop { .. }
        | Case::GivenUp { .. }
        | Case::Stuck { .. } => Code::Unowned,
    }
}

/// A tool that the map does not name: a person says what it does.
pub(super) fn unmapped(sheet: &mut Sheet<'_>, state: &State, asked: Asked<'_>) -> Seq {
    let Asked { call, arguments, root, .. } = asked;
    let (mark, agent) = (call.mark.clone(), call.agent.clone());
    let alike = format!("tool|{}", mark.name());
    let suggestion = Suggestion {
        agent: agent.clone(),
        grant: Grant::Tool(Box::new(proposed(&call, arguments))),
        reason: Arc::from("as its name and arguments look; a server's own hints are claims"),
    };
    let case = Case::UnmappedCall { call: Box::new(call), root: root.cloned() };
    let asked = || (case.clone(), Actor::Agent(agent.clone()), None);
    if let Some(why) = inbox::closed_on_arrival(state, &alike, asked) {
        return refuse(sheet, (&mark, None), Code::OutOfScope, why);
    }
    let waiting = inbox::same_waiting(state, &case, &agent);
    if let Some(why) = inbox::full(state).filter(|_| waiting.is_none()) {
        return refuse(sheet, (&mark, None), Code::OverBound, why);
    }
    let body = Body::CallEscalated(Box::new(mark.clone()));
    let why = format!("the map does not say what {} does", mark.name());
    let primary = answer(sheet, body, Outcome::Escalated, (&mark, None), Some((Code::Unmapped, why.clone())));
    let item = NewItem {
        case,
        raised_by: Actor::Agent(agent.clone()),
        title: format!("{agent} calls {}", mark.name()),
        why,
        unforeseen: false,
        subject: None,
        evidence: vec![primary],
        alike,
        suggestion: Some(suggestion),
    };
    let no = match waiting {
        Some(no) => {
            inbox::join(sheet, no, primary);
            no
        }
        None => inbox::open_for(sheet, state, &agent, item, primary),
    };
    if let Some(deed) = sheet.deed_mut(primary) {
        deed.refs.item = Some(no);
    }
    primary
}

/// A row for the tool as its name and arguments look, for a person to correct.
fn proposed(call: &Call, arguments: &Arguments) -> ToolRow {
    let (server, tool) = (&*call.mark.server, &*call.mark.tool);
    let (verb, rest) = tool.split_once(['_', '-', '.']).unwrap_or((tool, ""));
    let looks = LOOKS.contains(&verb.to_lowercase().as_str());
    let named = |json: &Json| matches!(json, Json::Text(_) | Json::Number(_));
    let by_name = arguments.by_name();
    let mut names: Vec<&String> =
        by_name.iter().filter(|(_, json)| named(json)).map(|(name, _)| name).collect();
    let rank = |name: &str| {
        ["path", "id"].iter().position(|one| *one == name).unwrap_or(if name.ends_with("id") { 2 } else { 3 })
    };
    names.sort_by_key(|name| rank(name));
    let plain = |text: &str| text.replace(['#', '*', '{', '}', '/'], "-");
    let noun = if rest.is_empty() { plain(tool) } else { plain(rest) };
    let entity = match names.first() {
        Some(name) if name.as_str() == "path" => format!("{}/{{path}}", plain(server)),
        Some(name) => format!("{}/{noun}/{{{name}}}", plain(server)),
        None => format!("{}/{noun}", plain(server)),
    };
    let does = if looks { Does::Read } else { Does::Write };
    ToolRow { entity: Some(entity), ..ToolRow::new(server, tool, does) }
}

/// A person approves each call of the tool: the write waits, as one does that a person's hand is in the way of.
pub(super) fn await_person(sheet: &mut Sheet<'_>, state: &State, wish: &Write, call: &Call) -> Seq {
    if let Some(why) = inbox::full(state) {
        return refuse(sheet, (&call.mark, Some(&wish.entity)), Code::OverBound, why);
    }
    let why = approves(&call.mark);
    let mut deed = sheet.draft(Body::WriteEscalated(()), write::word(wish), Outcome::Escalated);
    deed.subject = Some(wish.entity.clone());
    deed.code = Some(Code::NeedsApproval);
    deed.because(&why);
    deed.fields = write::wanted(state, &call.agent, wish);
    let primary = sheet.push(deed);
    let stored = Write { lease: None, ..wish.clone() };
    let no = inbox::open_held(sheet, &call.agent, stored, (Vec::new(), Vec::new(), why), primary);
    if let Some(deed) = sheet.deed_mut(primary) {
        deed.refs.item = Some(no);
    }
    primary
}

/// How a call ended is not known: a person says whether it was done.
pub(super) fn unknown(sheet: &mut Sheet<'_>, act: &OpenAct, call: &OpenCall, cause: Seq) {
    let state = sheet.snapshot();
    let mark = &call.call.mark;
    let case = Case::UnknownOutcome {
        act: act.no,
        call: Box::new(call.call.clone()),
        write: call.write.clone().map(Box::new),
    };
    let item = NewItem {
        case,
        raised_by: Actor::Agent(act.agent.clone()),
        title: format!("was {} done?", mark.name()),
        why: format!("{} forwarded it, and nobody knows how that ended", act.agent),
        unforeseen: false,
        subject: Some(act.subject.clone()),
        evidence: inbox::evidence(&state, &act.subject, cause),
        alike: format!("unknown|{}|{}", act.agent, mark.name()),
        suggestion: None,
    };
    inbox::open_for(sheet, &state, &act.agent, item, cause);
}

/// A call whose tool the map names by now, decided as its agent's.
pub(in crate::domain::decide) fn again(sheet: &mut Sheet<'_>, item: &Item) -> Option<Seq> {
    let Case::UnmappedCall { call, root } = &item.case else { return None };
    let text = call.arguments.as_ref().map_or("{}", |arguments| arguments.as_json());
    let arguments = Arguments::parse(text).unwrap_or_else(|_| Arguments::none());
    let call = make::about(&call.agent, call.mark.clone(), None);
    Some(make::afresh(sheet, Asked { call, arguments: &arguments, root: root.as_ref(), verified: None }))
}

/// A call that waited, of an agent that a person has stopped or shut out meanwhile.
pub(in crate::domain::decide) fn shut_out(
    sheet: &mut Sheet<'_>,
    item: &Item,
    (code, why): (Code, String),
) -> Option<Seq> {
    let Case::UnmappedCall { call, .. } = &item.case else { return None };
    Some(refuse(sheet, (&call.mark, None), code, why))
}
