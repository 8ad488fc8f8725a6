//! What agents found out, RULES §10.4: two that differ are a contradiction, and what a person ruled on decides.

use super::sheet::Sheet;
use super::write::stale_on;
use super::{KNOWN, MOST_KNOWN, alert, ruling, trigger, verdict};
use crate::domain::code::Code;
use crate::domain::command::{CommandKind, Conclude, DEPENDENCIES};
use crate::domain::deed::Body;
use crate::domain::ids::{Actor, AgentId, Seq};
use crate::domain::outcome::Outcome;
use crate::domain::rule;
use crate::domain::state::State;
use crate::domain::things::{Conclusion, FieldChange, question_key, says_the_same};
use crate::domain::time::Time;

const ACTION: &str = CommandKind::Conclude.row().word;

/// Decides a conclusion of the caller.
pub(super) fn decide(sheet: &mut Sheet<'_>, conclude: &Conclude) -> Seq {
    if let Some(why) = over_bound(conclude) {
        return refuse(sheet, conclude, Code::OverBound, &why);
    }
    let state = sheet.snapshot();
    if let Some(why) = verdict::unknown_cause(&state, conclude.cause) {
        return refuse(sheet, conclude, Code::NotFound, &why);
    }
    let agent = match &sheet.principal.actor {
        Actor::Agent(agent) => agent.clone(),
        Actor::Person(person) => return ruling::conclude(sheet, conclude, &person.clone()),
        Actor::Deeds => {
            return refuse(sheet, conclude, Code::NotAllowed, "only agents and people who decide conclude");
        }
    };
    // It is about the whole of it, and is told to whom may see that.
    if verdict::hides_whole(&state, &agent, &conclude.subject) {
        let why = verdict::unseen_words(&conclude.subject, &agent);
        return refuse(sheet, conclude, Code::Hidden, &why);
    }
    let known = state.board.concluded.count(&agent, sheet.now);
    if known >= MOST_KNOWN {
        let why = format!("{agent} has answered {known} questions within {}", KNOWN.rough());
        return refuse(sheet, conclude, Code::OverBound, &why);
    }
    let primary = match stale(&state, Some(&agent), conclude) {
        Some((code, why, fields)) if state.board.enforces() => {
            let mut deed = sheet.draft(Body::ConclusionRefused(()), ACTION, Outcome::Stale);
            deed.subject = Some(conclude.subject.clone());
            deed.cause = conclude.cause;
            deed.code = Some(code);
            deed.because(&why);
            deed.fields = fields;
            let primary = sheet.push(deed);
            alert::stale(sheet, &state, primary);
            return primary;
        }
        Some((code, why, fields)) => {
            let seen = verdict::seen_stale(&state, &agent, &conclude.subject, &fields);
            let why = if fields.is_empty() { why } else { seen };
            let primary = draw(sheet, conclude, Some((code, &why)));
            let raised = alert::would_be_stale(sheet, &state, primary, &fields);
            alert::note(sheet, primary, raised);
            primary
        }
        None => match overruled(&state, sheet.now, conclude) {
            Some(why) if state.board.enforces() => return refuse(sheet, conclude, Code::Ruled, &why),
            Some(why) => draw(sheet, conclude, Some((Code::Ruled, &why))),
            None => draw(sheet, conclude, None),
        },
    };
    let raised = alert::conclusions_differ(sheet, &state, conclude, &agent, primary);
    alert::note(sheet, primary, raised);
    alert::cascade(sheet, &state, primary);
    primary
}

fn over_bound(conclude: &Conclude) -> Option<String> {
    let reads = conclude.depends_on.len();
    if reads > DEPENDENCIES {
        return Some(format!("{reads} entries in `depends_on`; at most {DEPENDENCIES}"));
    }
    trigger::bad_name("question", &conclude.question)
        .or_else(|| verdict::too_long("reason", conclude.reason.as_deref()))
}

/// Whether it was based on what is no longer so, or is about what is gone.
pub(super) fn stale(
    state: &State,
    agent: Option<&AgentId>,
    conclude: &Conclude,
) -> Option<(Code, String, Vec<FieldChange>)> {
    let reads = verdict::outdated_reads(state, agent, &conclude.depends_on);
    if !reads.is_empty() {
        return Some((Code::Stale, stale_on(&conclude.subject, &reads), reads));
    }
    let gone = state.entities.get(&conclude.subject)?.gone.as_ref()?;
    let why = format!("{} is gone since {} by {}", conclude.subject, gone.at, gone.by);
    Some((Code::Tombstone, why, Vec::new()))
}

/// The ruling that it differs from, in words.
fn overruled(state: &State, now: Time, conclude: &Conclude) -> Option<String> {
    let key = question_key(&conclude.subject, &conclude.question);
    let ruling = rule::ruling::standing(state.board.conclusion(&key, now)?.iter())?;
    if says_the_same(&ruling.answer, &conclude.answer) {
        return None;
    }
    let answer = alert::short(&ruling.answer.plain());
    let why = ruling.reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    Some(format!("{} ruled that it is {answer} (deed {}, {}){why}", ruling.by, ruling.deed, ruling.at))
}

/// The question in one line.
pub(super) fn question(conclude: &Conclude) -> String {
    conclude.question.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Draws it; a person's is a ruling.
pub(super) fn draw(sheet: &mut Sheet<'_>, conclude: &Conclude, verdict: Option<(Code, &str)>) -> Seq {
    let ruling = sheet.principal.actor.person().is_some();
    let question = verdict::text(question(conclude));
    let conclusion = Conclusion { question, answer: conclude.answer.clone(), ruling };
    let mut deed = sheet.draft(Body::ConclusionDrawn(Box::new(conclusion)), ACTION, Outcome::Committed);
    deed.subject = Some(conclude.subject.clone());
    deed.cause = conclude.cause;
    deed.reason.clone_from(&conclude.reason);
    deed.refs.based_on = conclude.depends_on.keys().cloned().collect();
    if let Some((code, why)) = verdict {
        let verdict = if code == Code::Ruled { Outcome::Refused } else { Outcome::Stale };
        (deed.code, deed.verdict) = (Some(code), Some(verdict));
        let reason = conclude.reason.as_ref();
        deed.because(reason.map_or_else(|| why.to_owned(), |reason| format!("{reason} ({why})")));
    }
    sheet.push(deed)
}

pub(super) fn refuse(sheet: &mut Sheet<'_>, conclude: &Conclude, code: Code, why: &str) -> Seq {
    sheet.refuse_on(Body::ConclusionRefused(()), ACTION, &conclude.subject, (code, why))
}
