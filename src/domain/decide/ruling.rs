//! A person rules on what agents differ in, RULES §11.6: by the answer to its item, or by concluding themselves. Both sides
//! are told, the alert closes, and what agents conclude from then on is held against it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::alert::{fingerprint, short};
use super::conclude::{self, draw};
use super::sheet::Sheet;
use super::{affected, answer, inbox, propose, review, verdict};
use crate::domain::code::Code;
use crate::domain::command::Conclude;
use crate::domain::deed::Body;
use crate::domain::ids::{Actor, AgentId, ItemNo, PersonId, Seq};
use crate::domain::outcome::Outcome;
use crate::domain::path::{EntityPath, FieldPath};
use crate::domain::rule::reviewer::{self, Right};
use crate::domain::rule::ruling::{self, Dispute};
use crate::domain::state::State;
use crate::domain::things::{
    Alert, AlertKind, AlertSide, Effects, Item, ItemAnswer, Ruled, Work, WorkKind, question_key,
    says_the_same,
};
use crate::domain::time::Time;
use crate::domain::value::Value;

/// What a person says is right.
struct Ruling<'a> {
    item: Option<ItemNo>,
    subject: Option<&'a EntityPath>,
    question: Option<&'a str>,
    /// The field, where states differed.
    of: Option<&'a FieldPath>,
    right: Option<&'a Actor>,
    value: Option<&'a Value>,
    note: Option<&'a Arc<str>>,
}

/// An item is answered by a ruling.
pub(super) fn decide(
    sheet: &mut Sheet<'_>,
    item: &Item,
    (right, value, note): (Option<&str>, Option<&Value>, Option<&Arc<str>>),
    effects: &mut Effects,
) -> Result<(), (Code, String)> {
    let wrong = |why: String| (Code::WrongState, why);
    let state = sheet.snapshot();
    let alert = item.case.alert().and_then(|no| {
        let resolved = || state.board.resolved.iter().find(|alert| alert.no == no);
        state.board.alerts.get(&no).or_else(resolved).map(AsRef::as_ref)
    });
    let Some((alert, dispute)) = alert.and_then(|alert| Some((alert, ruling::dispute(alert)?))) else {
        return Err(wrong(format!("#{} is no contradiction: there are no sides to rule on", item.no)));
    };
    let side = match (right, value) {
        (Some(right), None) => Some(ruling::side(alert, right).map_err(wrong)?),
        (None, Some(_)) => None,
        (Some(_), Some(_)) | (None, None) => {
            return Err(wrong("name the side that is right in `right`, or what is in `value`".to_owned()));
        }
    };
    let mut made = Ruling {
        item: Some(item.no),
        subject: item.subject.as_ref(),
        question: None,
        of: None,
        right: side.map(|side| &side.actor),
        value: value.or(side.and_then(|side| side.value.as_ref())),
        note,
    };
    match dispute {
        Dispute::States => made.of = side.and_then(|side| side.path.as_ref()),
        Dispute::Answers(subject, question) => {
            let Some(answer) = made.value.cloned() else {
                return Err(wrong("that side names no answer: say it in `value`".to_owned()));
            };
            made.question = Some(question);
            made.right = made.right.or_else(|| agreeing(alert, &answer));
            let conclude = Conclude {
                subject: subject.clone(),
                question: Arc::from(question),
                answer,
                depends_on: BTreeMap::new(),
                reason: note.cloned(),
                cause: Some(item.deed),
            };
            let deed = draw(sheet, &conclude, None);
            effects.ruling = Some(Ruled { deed, subject: subject.clone(), question: Arc::from(question) });
        }
    }
    let told = concerned((&state, sheet.now), Some(alert), &made);
    tell(sheet, &state, &told, &made, effects);
    Ok(())
}

/// A person concludes: that decides the question, and the item in which it waits.
pub(super) fn conclude(sheet: &mut Sheet<'_>, conclude: &Conclude, person: &PersonId) -> Seq {
    let state = sheet.snapshot();
    if let Some((code, why, fields)) = conclude::stale(&state, None, conclude) {
        let primary = conclude::refuse(sheet, conclude, code, &why);
        if let Some(deed) = sheet.deed_mut(primary) {
            (deed.outcome, deed.fields) = (Outcome::Stale, fields);
        }
        return primary;
    }
    let question = conclude::question(conclude);
    let same = format!("{}|{}", question.to_lowercase(), conclude.subject);
    let alert = state.board.fingerprints.get(fingerprint(AlertKind::Contradiction, &same).as_str());
    let alert = alert.and_then(|no| state.board.alerts.get(no)).map(AsRef::as_ref);
    let item = alert.and_then(|alert| alert.item).and_then(|no| state.board.items.get(&no));
    let right = match item.map(|item| may_rule(sheet, &state, item, person)) {
        Some(Err((code, why))) => return conclude::refuse(sheet, conclude, code, &why),
        Some(Ok(right)) => Some(right),
        None => None,
    };
    let primary = draw(sheet, conclude, None);
    let made = Ruling {
        item: item.map(|item| item.no),
        subject: Some(&conclude.subject),
        question: Some(&question),
        of: None,
        right: alert.and_then(|alert| agreeing(alert, &conclude.answer)),
        value: Some(&conclude.answer),
        note: conclude.reason.as_ref(),
    };
    let mut effects = Effects::default();
    let told = concerned((&state, sheet.now), alert, &made);
    tell(sheet, &state, &told, &made, &mut effects);
    let answer = ItemAnswer::Ruling {
        right: None,
        value: Some(conclude.answer.clone()),
        note: conclude.reason.clone(),
    };
    if let Some(alert) = alert {
        resolve(sheet, alert, &answer, primary);
    }
    if let (Some(item), Some(right)) = (item, right) {
        effects.ruling =
            Some(Ruled { deed: primary, subject: conclude.subject.clone(), question: Arc::from(question) });
        let seq = answer::close(sheet, item, &answer, effects);
        inbox::stand_in(sheet, seq, &right);
        review::settle(sheet);
    }
    primary
}

fn may_rule(
    sheet: &Sheet<'_>,
    state: &State,
    item: &Item,
    person: &PersonId,
) -> Result<Right, (Code, String)> {
    let who = (person, sheet.principal.class);
    reviewer::may_answer(&state.board, item, who, sheet.now)
        .map_err(|(code, why)| (code, format!("it waits as #{}: {why}", item.no)))
}

/// Who of the sides said so last.
fn agreeing<'a>(alert: &'a Alert, answer: &Value) -> Option<&'a Actor> {
    let says = |side: &&AlertSide| side.value.as_ref().is_some_and(|value| says_the_same(value, answer));
    alert.sides.iter().rev().find(says).map(|side| &side.actor)
}

/// The agents that are told: those of the alert; and where some of them concluded otherwise, all that answered the question.
fn concerned((state, now): (&State, Time), alert: Option<&Alert>, made: &Ruling<'_>) -> Vec<AgentId> {
    let sides = alert.into_iter().flat_map(|alert| alert.who.iter()).filter_map(Actor::agent);
    let mut told: Vec<AgentId> = sides.cloned().collect();
    if let (Some(subject), Some(question), Some(answer)) = (made.subject, made.question, made.value) {
        let key = question_key(subject, question);
        // The question as it was before the ruling.
        let voices = state.board.conclusion(&key, now).into_iter().flatten();
        let mut voices = voices.filter(|voice| voice.by.agent().is_some()).peekable();
        if alert.is_some() || voices.clone().any(|voice| !says_the_same(&voice.answer, answer)) {
            told.extend(voices.by_ref().filter_map(|voice| voice.by.agent()).cloned());
        }
    }
    told.sort_unstable();
    told.dedup();
    told
}

/// Each is told what is right, as far as it may see that.
fn tell(sheet: &mut Sheet<'_>, state: &State, told: &[AgentId], made: &Ruling<'_>, effects: &mut Effects) {
    for agent in told {
        let hidden = match (made.of, made.subject) {
            (Some(path), _) => state.board.map.is_hidden(agent, &path.entity, &path.field),
            (None, Some(subject)) => verdict::hides_whole(state, agent, subject),
            (None, None) => false,
        };
        let no = sheet.state().board.next.work;
        let person = &sheet.principal.actor;
        let (kind, title) = if hidden {
            let (question, of, right, value, note) = (None, None, None, None, None);
            let kind = WorkKind::Ruling { item: made.item, question, of, right, value, note };
            (kind, format!("{person} ruled on a contradiction of yours"))
        } else {
            let kind = WorkKind::Ruling {
                item: made.item,
                question: made.question.map(Arc::from),
                of: made.of.cloned(),
                right: made.right.cloned(),
                value: made.value.cloned(),
                note: made.note.cloned(),
            };
            (kind, format!("{person} ruled{}", title(made)))
        };
        let work = Work::new(no, agent.clone(), kind, title, (sheet.now, sheet.next_seq()));
        propose::queue(sheet, work.about(made.subject.cloned()), None);
        effects.works.push(no);
    }
}

fn title(made: &Ruling<'_>) -> String {
    let on = match (made.question, made.of, made.subject) {
        (Some(question), _, Some(subject)) => format!(" on {question}, {subject}"),
        (_, Some(path), _) => format!(" on {path}"),
        (_, None, Some(subject)) => format!(" on {subject}"),
        (_, None, None) => String::new(),
    };
    let value = made.value.map(|value| short(&value.plain()));
    match (value, made.right) {
        (Some(value), Some(right)) => format!("{on}: {value} is right, as {right} says"),
        (Some(value), None) => format!("{on}: {value} is right"),
        (None, Some(right)) => format!("{on}: {right} is right"),
        (None, None) => on,
    }
}

/// The answer in words.
pub(super) fn words(right: Option<&str>, value: Option<&Value>, note: Option<&str>) -> String {
    let what =
        right.map_or_else(|| value.map(|value| short(&value.plain())).unwrap_or_default(), str::to_owned);
    let note = note.map(|note| format!(": {note}")).unwrap_or_default();
    format!("{what} is right{note}")
}

fn resolve(sheet: &mut Sheet<'_>, alert: &Alert, answer: &ItemAnswer, cause: Seq) {
    let mut deed = sheet.draft(Body::AlertResolved(()), "resolve", Outcome::Recorded);
    deed.subject = alert.on.as_ref().map(|on| on.entity.clone());
    deed.cause = Some(cause);
    deed.because(answer::in_words(answer));
    deed.refs.alerts = vec![alert.no];
    deed.refs.item = alert.item;
    let resolved = sheet.push(deed);
    affected::after_alert(sheet, alert, resolved);
}
