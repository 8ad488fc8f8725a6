//! Filling in a step: variables become texts, texts become paths and values, seconds become spans of the server's time.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;

use super::{Draft, LeaseDraft, Script, WorkDraft};
use crate::demo::story::{self, LeaseWord, Step, Vars, Verb, WorkPick};
use crate::domain::command::{
    Act, BranchOrder, Claim, Conclude, Escalate, FanOut, Handoff, Publish, Raise, WorkVerb, Write, WriteKind,
};
use crate::domain::path::{EntityPath, FieldName, FieldPath};
use crate::domain::things::{LeaseTarget, WorkProduct};
use crate::domain::time::Span;
use crate::domain::value::Value;

/// The shortest that a lease runs, however fast the teams are played: what is written under it takes time too.
const SHORTEST_LEASE: Span = Span::from_secs(1);
/// The same for a fan-out.
const SHORTEST_FAN_OUT: Span = Span::from_mins(1);

/// Fills in a step.
///
/// # Errors
/// Where a text is no path or a value no value: a defect of the story, with the place.
pub(in crate::demo) fn script(step: &Step, vars: &Vars, speed: f64) -> Result<Script, String> {
    let ink = Ink { vars, speed, why: step.why.as_deref().map(|why| Arc::from(vars.fill(why))) };
    Ok(Script::Ask(match &step.verb {
        Verb::Read(entity) => return Ok(Script::Read(ink.path(entity)?)),
        Verb::Work(verb, pick) => return Ok(Script::Work(ink.work(*verb, pick)?)),
        Verb::Write(kind, write) => ink.write(*kind, write)?,
        Verb::Act(act) => ink.act(act)?,
        Verb::Escalate(escalate) => ink.escalate(escalate)?,
        Verb::Raise(raise) => ink.raise(raise)?,
        Verb::Claim(claim) => ink.claim(claim)?,
        Verb::HandOver(handoff) => ink.hand_over(handoff)?,
        Verb::FanOut(order) => ink.fan_out(order)?,
        Verb::Lease(word, lease) => ink.lease(*word, lease)?,
        Verb::Publish(publish) => ink.publish(publish)?,
        Verb::Conclude(conclude) => ink.conclude(conclude)?,
    }))
}

/// What a step is filled in with.
struct Ink<'a> {
    vars: &'a Vars,
    speed: f64,
    why: Option<Arc<str>>,
}

impl Ink<'_> {
    fn text(&self, text: &str) -> Arc<str> {
        Arc::from(self.vars.fill(text))
    }

    fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(&self, text: &str) -> Result<T, String> {
        let text = self.vars.fill(text);
        text.parse().map_err(|error| format!("{text:?}: {error}"))
    }

    fn path(&self, text: &str) -> Result<EntityPath, String> {
        self.parsed(text)
    }

    fn maybe_path(&self, text: Option<&String>) -> Result<Option<EntityPath>, String> {
        text.map(|text| self.path(text)).transpose()
    }

    fn fields(&self, texts: &[String]) -> Result<Vec<FieldPath>, String> {
        texts.iter().map(|text| self.parsed(text)).collect()
    }

    fn value(&self, json: &Json) -> Result<Value, String> {
        Value::new(&self.vars.fill_json(json)).map_err(|error| error.to_string())
    }

    fn maybe_value(&self, json: Option<&Json>) -> Result<Option<Value>, String> {
        json.map(|json| self.value(json)).transpose()
    }

    fn values(&self, set: &BTreeMap<String, Json>) -> Result<BTreeMap<Arc<str>, Value>, String> {
        set.iter().map(|(name, value)| Ok((self.text(name), self.value(value)?))).collect()
    }

    fn target(&self, text: &str) -> Result<LeaseTarget, String> {
        match text.strip_prefix("task:") {
            Some(task) => self.parsed(task).map(LeaseTarget::Task),
            None => self.parsed(text).map(LeaseTarget::Path),
        }
    }

    /// Seconds of the team's time in the server's.
    fn span(&self, secs: f64, shortest: Span) -> Span {
        #[expect(clippy::cast_possible_truncation, reason = "a story's seconds are far below the bound")]
        let micros = (secs * 1_000_000.0 / self.speed) as i64;
        Span::from_micros(micros).max(shortest)
    }

    fn write(&self, kind: WriteKind, write: &story::Write) -> Result<Draft, String> {
        let text = write.text.iter().map(|text| (String::new(), Json::String(text.clone())));
        let changes = write.set.clone().into_iter().chain(text);
        let changes = changes
            .map(|(name, value)| Ok((self.parsed::<FieldName>(&name)?, self.value(&value)?)))
            .collect::<Result<_, String>>()?;
        Ok(Draft::Write {
            write: Write {
                entity: self.path(&write.entity)?,
                kind,
                changes,
                expected: None,
                depends_on: BTreeMap::new(),
                lease: None,
                reason: self.why.clone(),
                cause: None,
                call: None,
            },
            based_on: self.fields(&write.based_on)?,
            from_memory: write.from_memory,
            with_token: write.with_token,
            late: write.late,
        })
    }

    fn act(&self, act: &story::Act) -> Result<Draft, String> {
        let order = Act {
            thread: None,
            target: self.text(&act.target),
            subject: self.path(&act.subject)?,
            action: self.text(&act.action),
            depends_on: BTreeMap::new(),
            wait: act.waits,
            reason: self.why.clone(),
            cause: None,
            call: None,
        };
        Ok(Draft::Act(order, self.fields(&act.based_on)?, act.takes))
    }

    fn escalate(&self, escalate: &story::Escalate) -> Result<Draft, String> {
        Ok(Draft::Escalate(Escalate {
            input: self.value(&escalate.input)?,
            subject: self.maybe_path(escalate.subject.as_ref())?,
            why: self.why.clone().unwrap_or_else(|| Arc::from("not said")),
            evidence: Vec::new(),
        }))
    }

    fn raise(&self, raise: &story::Raise) -> Result<Draft, String> {
        Ok(Draft::Raise(Raise {
            event: self.text(&raise.event),
            attributes: self.values(&raise.with)?,
            subject: self.maybe_path(raise.subject.as_ref())?,
            reason: self.why.clone(),
            cause: None,
        }))
    }

    fn claim(&self, claim: &story::Claim) -> Result<Draft, String> {
        Ok(Draft::Claim(Claim {
            event: self.text(&claim.event),
            key: self.text(&claim.key),
            attributes: self.values(&claim.with)?,
            subject: self.maybe_path(claim.subject.as_ref())?,
            cause: None,
        }))
    }

    fn work(&self, verb: Option<WorkVerb>, pick: &WorkPick) -> Result<WorkDraft, String> {
        Ok(WorkDraft {
            verb,
            of: self.text(&pick.of),
            subject: self.maybe_path(pick.subject.as_ref())?,
            note: self.why.clone(),
            result: self.maybe_value(pick.result.as_ref())?,
        })
    }

    fn hand_over(&self, handoff: &story::HandOver) -> Result<Draft, String> {
        let product = WorkProduct {
            result: self.maybe_value(handoff.result.as_ref())?,
            status: handoff.status.as_deref().map(|status| self.text(status)),
        };
        Ok(Draft::Handoff(Handoff {
            on_exhausted: None,
            to: handoff.to.clone(),
            task: Some(self.parsed(&handoff.task)?),
            work_product: (product != WorkProduct::default()).then_some(product),
            context: self.maybe_value(handoff.context.as_ref())?,
            constraints: self.maybe_value(handoff.constraints.as_ref())?,
            attempt: handoff.attempt,
            max_attempts: handoff.max_attempts,
            subject: self.maybe_path(handoff.subject.as_ref())?,
            reason: self.why.clone(),
            cause: None,
        }))
    }

    fn fan_out(&self, order: &story::FanOut) -> Result<Draft, String> {
        let branches = order.branches.iter().map(|branch| {
            Ok(BranchOrder {
                to: branch.to.clone(),
                input: self.value(&Json::String(branch.input.clone()))?,
                max_attempts: branch.max_attempts,
            })
        });
        Ok(Draft::FanOut(FanOut {
            branches: branches.collect::<Result<_, String>>()?,
            deadline: self.span(order.within, SHORTEST_FAN_OUT),
            needed: order.needed,
            subject: self.maybe_path(order.subject.as_ref())?,
            reason: self.why.clone(),
            cause: None,
        }))
    }

    fn lease(&self, word: LeaseWord, lease: &story::LeaseVerb) -> Result<Draft, String> {
        Ok(Draft::Lease(LeaseDraft {
            word,
            target: self.target(&lease.target)?,
            ttl: self.span(lease.secs.unwrap_or_default(), SHORTEST_LEASE),
            to: lease.to.clone(),
        }))
    }

    fn publish(&self, publish: &story::Publish) -> Result<Draft, String> {
        let order = Publish {
            output: self.text(&publish.output),
            thread: publish.thread.as_deref().map(|thread| self.text(thread)),
            body: self.value(&publish.body)?,
            subject: self.maybe_path(publish.subject.as_ref())?,
            action: publish.action.as_deref().map(|action| self.text(action)),
            depends_on: BTreeMap::new(),
            reason: self.why.clone(),
            cause: None,
        };
        Ok(Draft::Publish(order, self.fields(&publish.based_on)?))
    }

    fn conclude(&self, conclude: &story::Conclude) -> Result<Draft, String> {
        let conclusion = Conclude {
            subject: self.path(&conclude.subject)?,
            question: self.text(&conclude.question),
            answer: self.value(&conclude.answer)?,
            depends_on: BTreeMap::new(),
            reason: self.why.clone(),
            cause: None,
        };
        Ok(Draft::Conclude(conclusion, self.fields(&conclude.based_on)?))
    }
}
