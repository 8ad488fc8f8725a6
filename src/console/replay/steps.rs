//! The steps of a conflict: the deeds of its sides in their order, and what is told of each. Nothing is drawn here.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::client::{Direction, LedgerQuery};
use crate::console::ask::{Page, What};
use crate::console::widgets::Look;
use crate::console::words;
use crate::domain::deed::Deed;
use crate::domain::ids::{Actor, Seq, Version};
use crate::domain::outcome::Outcome;
use crate::domain::path::FieldPath;
use crate::domain::things::{Alert, AlertSide, FieldChange};
use crate::domain::time::{Span, Time};
use crate::domain::value::Value;

/// Deeds on the field that are played at most, the latest ones.
const STEPS: usize = 200;
/// Fields of a deed that are told.
const FIELDS: usize = 4;

/// How a text of a step looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tint {
    Plain,
    Dim,
    Value,
    Bad,
}

/// One thing that is told of a step.
pub(super) type Fact = (&'static str, String, Tint);

/// A field as it stands after a step.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub(super) path: FieldPath,
    pub(super) version: Version,
    pub(super) value: Option<Value>,
    /// What stood there before, where a step has changed it.
    pub(super) before: Option<Value>,
    pub(super) by: Option<Actor>,
    /// By this very step.
    pub(super) changed: bool,
}

/// The deeds of a conflict in their order.
#[derive(Debug)]
pub(super) struct Steps {
    alert: Arc<Alert>,
    deeds: Vec<Arc<Deed>>,
    /// Earlier deeds on the field that are left out.
    pub(super) left_out: u64,
}

/// What must be asked for: the deeds that the alert names, and those on its field between the first and the last of them.
pub(super) fn asks(alert: &Alert) -> Vec<What> {
    let mut named: Vec<Seq> = alert.sides.iter().filter_map(|side| side.deed).collect();
    named.extend(alert.first_cause);
    named.push(alert.deed);
    named.sort_unstable();
    named.dedup();
    let between = alert.on.as_ref().zip(named.first().zip(named.last())).map(|(on, (first, last))| {
        let query = LedgerQuery {
            filter: format!("entity:\"{on}\" seq:{first}..{last}"),
            direction: Direction::Newest,
            limit: STEPS,
            count: true,
            min_seq: None,
        };
        What::Page(query)
    });
    std::iter::once(What::Deeds(named)).chain(between).collect()
}

impl Steps {
    /// Of the deeds that came.
    pub(super) fn new(alert: Arc<Alert>, named: Vec<Arc<Deed>>, between: Option<Page>) -> Self {
        let mut steps: BTreeMap<Seq, Arc<Deed>> = BTreeMap::new();
        let mut left_out = 0;
        if let Some(page) = between {
            let all = page.count.map_or(0, |(count, _)| count);
            left_out = all.saturating_sub(page.deeds.len() as u64);
            // What Deeds notes by itself is no step of anybody's.
            let done = page.deeds.into_iter().filter(|deed| deed.actor != Actor::Deeds);
            steps.extend(done.map(|deed| (deed.seq, deed)));
        }
        steps.extend(named.into_iter().map(|deed| (deed.seq, deed)));
        Self { alert, deeds: steps.into_values().collect(), left_out }
    }

    pub(super) fn len(&self) -> usize {
        self.deeds.len()
    }

    pub(super) fn deeds(&self) -> &[Arc<Deed>] {
        &self.deeds
    }

    pub(super) fn get(&self, at: usize) -> Option<&Arc<Deed>> {
        self.deeds.get(at)
    }

    /// Who stands on that side: the first two that the alert names.
    pub(super) fn actor(&self, side: usize) -> Option<&Actor> {
        self.alert.who.get(side)
    }

    /// Whose side a deed is on: 0 or 1; none of anybody else's.
    pub(super) fn side(&self, deed: &Deed) -> Option<usize> {
        self.alert.who.iter().take(2).position(|actor| *actor == deed.actor)
    }

    /// The latest step of a side up to that one.
    pub(super) fn latest(&self, side: usize, until: usize) -> Option<usize> {
        (0..=until).rev().find(|at| self.get(*at).is_some_and(|deed| self.side(deed) == Some(side)))
    }

    /// How much time passes before a step.
    pub(super) fn gap(&self, at: usize) -> Span {
        let before = at.checked_sub(1).and_then(|before| self.get(before));
        before.zip(self.get(at)).map_or_else(Span::default, |(before, deed)| deed.time.since(before.time))
    }

    /// What the alert says of a deed.
    fn told(&self, deed: &Deed) -> Option<&AlertSide> {
        self.alert.sides.iter().find(|side| side.deed == Some(deed.seq))
    }

    /// The fields that steps have touched so far, as they stand after that one.
    pub(super) fn fields(&self, until: usize) -> Vec<Field> {
        let mut fields: Vec<Field> = Vec::new();
        for (at, deed) in self.deeds.iter().enumerate().take(until + 1) {
            let done = deed.outcome == Outcome::Committed;
            for (path, change) in changes(deed) {
                let place = fields.iter().position(|field| field.path == path);
                let field = match (done, place) {
                    (false, Some(_)) => continue,
                    (true, _) => Field {
                        path,
                        version: change.version,
                        value: change.after.clone(),
                        before: change.before.clone(),
                        by: Some(deed.actor.clone()),
                        changed: at == until,
                    },
                    (false, None) => Field {
                        path,
                        version: change.version,
                        value: change.before.clone(),
                        before: None,
                        by: change.by.clone(),
                        changed: false,
                    },
                };
                match place.and_then(|place| fields.get_mut(place)) {
                    Some(known) => *known = field,
                    None => fields.push(field),
                }
            }
        }
        fields
    }

    /// What stood in a field at a version, as far as the steps up to there tell.
    fn value_at(&self, path: &FieldPath, version: Version, until: usize) -> Option<&Value> {
        let touched = self.deeds.iter().take(until + 1).flat_map(|deed| {
            let done = deed.outcome == Outcome::Committed;
            changes(deed).map(move |(path, change)| (path, change, done))
        });
        let told = touched.filter(|(touched, ..)| touched == path).find_map(|(_, change, done)| {
            match (done, change.version == version, change.version == version.next()) {
                (true, true, _) => change.after.as_ref(),
                (true, false, true) | (false, true, _) => change.before.as_ref(),
                (true | false, false, _) => None,
            }
        });
        told.filter(|value| !value.is_null())
    }

    /// Who, when and what; what had been read and what was written or wanted; why, and what led to it.
    pub(super) fn facts(&self, look: Look<'_>, at: usize) -> Vec<Fact> {
        let Some(deed) = self.get(at) else { return Vec::new() };
        let mut facts = vec![("deed", format!("#{}, {}", deed.seq, when(look, deed)), Tint::Dim)];
        let came = format!("{} {} {}", deed.action, look.glyphs.arrow, deed.outcome.as_str());
        let tint = match (deed.outcome.is_refusal(), deed.verdict) {
            (true, _) => Tint::Bad,
            (false, Some(verdict)) if verdict.is_refusal() => Tint::Bad,
            (false, _) => Tint::Plain,
        };
        let code = deed.code.filter(|code| code.as_str() != deed.outcome.as_str());
        let code = code.map(|code| format!(", {code}")).unwrap_or_default();
        let observed = deed.verdict.map(|verdict| format!(", observed: {}", verdict.as_str()));
        facts.push(("what", format!("{came}{}{code}", observed.unwrap_or_default()), tint));
        let subject = deed
            .subject
            .as_ref()
            .filter(|on| self.alert.on.as_ref().is_none_or(|alert| alert.entity != **on));
        facts.extend(subject.map(|subject| ("on", subject.to_string(), Tint::Plain)));
        facts.extend(self.read(deed, at));
        for (path, change) in changes(deed).take(FIELDS) {
            facts.extend(self.touched(look, deed, &path, change));
        }
        let more = deed.fields.len().saturating_sub(FIELDS);
        if more > 0 {
            facts.push(("", format!("and {more} more fields"), Tint::Dim));
        }
        facts.extend(deed.reason.iter().map(|why| ("why", why.to_string(), Tint::Plain)));
        facts.extend(deed.cause.map(|cause| ("cause", self.cause(look, cause), Tint::Dim)));
        facts
    }

    /// What it had read: the versions that it named, else what the alert knows of it, else what it says that it was based on.
    fn read(&self, deed: &Deed, at: usize) -> Vec<Fact> {
        let named: Vec<(FieldPath, Version)> =
            changes(deed).filter_map(|(path, change)| Some((path, change.base?))).take(FIELDS).collect();
        let told = || {
            let side = self.told(deed)?;
            Some((side.path.clone().or_else(|| self.alert.on.clone())?, side.read?))
        };
        let read = if named.is_empty() { told().into_iter().collect() } else { named };
        if read.is_empty() {
            let based: Vec<String> = deed.based_on().iter().map(ToString::to_string).collect();
            let based = based.join(", ");
            return (!based.is_empty()).then_some(("read", based, Tint::Plain)).into_iter().collect();
        }
        let one = |(path, version): (FieldPath, Version)| {
            let value = self.value_at(&path, version, at).map(|value| format!(" {}", words::value(value)));
            let name = self.name(&path);
            ("read", format!("{name}v{version}{}", value.unwrap_or_default()), Tint::Plain)
        };
        read.into_iter().map(one).collect()
    }

    /// What became of a field, or should have.
    fn touched(&self, look: Look<'_>, deed: &Deed, path: &FieldPath, change: &FieldChange) -> Vec<Fact> {
        let said = |value: Option<&Value>| {
            value.filter(|value| !value.is_null()).map_or_else(|| "nothing".to_owned(), words::value)
        };
        let name = self.name(path);
        let (before, after) = (said(change.before.as_ref()), said(change.after.as_ref()));
        if deed.outcome == Outcome::Committed {
            let text = format!("{name}v{} {before} {} {after}", change.version, look.glyphs.arrow);
            return vec![("wrote", text, Tint::Value)];
        }
        let by = change.by.as_ref().map(|by| format!(", by {}", look.who(by))).unwrap_or_default();
        let stood = ("stood", format!("{name}v{} {before}{by}", change.version), Tint::Plain);
        let wanted = change.after.is_some().then(|| ("wanted", format!("{name}{after}"), Tint::Value));
        wanted.into_iter().chain([stood]).collect()
    }

    /// The name of a field before its value; nothing where the title says it already.
    fn name(&self, path: &FieldPath) -> String {
        match &self.alert.on {
            Some(on) if on == path => String::new(),
            Some(on) if on.entity == path.entity && !path.field.is_whole() => format!("#{} ", path.field),
            Some(_) | None => format!("{path} "),
        }
    }

    fn cause(&self, look: Look<'_>, cause: Seq) -> String {
        let known = self.deeds.iter().find(|deed| deed.seq == cause);
        let who = known.map(|deed| format!(" {} {}", look.who(&deed.actor), deed.action));
        format!("#{cause}{}", who.unwrap_or_default())
    }

    /// What happened, in some sentences.
    pub(super) fn summary(&self, look: Look<'_>) -> Vec<String> {
        let mut lines = vec![self.alert.title.to_string()];
        let (first, last) = (self.deeds.first(), self.deeds.last());
        if let Some((first, last)) = first.zip(last) {
            let span = last.time.since(first.time);
            let took = if span.micros() < 1_000_000 {
                "at once".to_owned()
            } else {
                format!("in {}", words::minutes(span))
            };
            let met =
                if self.alert.count == 1 { "once".to_owned() } else { format!("{} times", self.alert.count) };
            lines.push(format!("{} steps {took}, met {met}", self.len()));
        }
        for actor in self.alert.who.iter().take(2) {
            let mut came: BTreeMap<&str, usize> = BTreeMap::new();
            for deed in self.deeds.iter().filter(|deed| deed.actor == *actor) {
                *came.entry(deed.outcome.as_str()).or_default() += 1;
            }
            let came: Vec<String> = came.into_iter().map(|(word, count)| format!("{count} {word}")).collect();
            let came = if came.is_empty() { "nothing that is kept here".to_owned() } else { came.join(", ") };
            lines.push(format!("{}: {came}", look.who(actor)));
        }
        if let Some(cause) = self.alert.first_cause {
            lines.push(format!("first cause: {}", self.cause(look, cause)));
        }
        lines
    }
}

/// The fields of a deed with their paths.
fn changes(deed: &Deed) -> impl Iterator<Item = (FieldPath, &FieldChange)> {
    deed.fields.iter().filter_map(|change| {
        let entity = change.entity.as_ref().or(deed.subject.as_ref())?;
        Some((FieldPath::new(entity.clone(), change.name.clone()), change))
    })
}

/// `14 Feb 2026 08:11:02`, and when it was recorded, where that is another time.
fn when(look: Look<'_>, deed: &Deed) -> String {
    let told = |time: Time| time.at(look.zone).format("%d %b %Y %H:%M:%S").to_string();
    let recorded =
        if words::was_taken_in(deed) { format!(", recorded {}", told(deed.recorded)) } else { String::new() };
    format!("{}{recorded}", told(deed.time))
}
