//! What agents do with their work streams: notices ended, proposals judged, a person's answers left alone for a while.

use std::sync::Arc;

use super::{Cue, Moment, PAUSED, SECOND, Stage, seconds, visibility};
use crate::demo::Played;
use crate::demo::desk::{Desk, Fault};
use crate::demo::script::{Draft, Notes};
use crate::demo::story::Duty;
use crate::domain::command::{Command, Take, WorkStep, WorkVerb};
use crate::domain::ids::{AgentId, WorkNo};
use crate::domain::outcome::Outcome;
use crate::domain::things::{Work, WorkKind};

/// How long an owner thinks about a proposal: from, to.
const THINKING: (Moment, Moment) = (9 * SECOND, 24 * SECOND);
/// How long an agent waits with a person's answer: until then it can be taken back.
const SETTLING_SECONDS: f64 = 90.0;
/// One in so many proposals is declined although it could be made.
const DECLINES: u64 = 3;

impl<D: Desk> Stage<D> {
    /// Looks at an agent's work: notices are ended at once, the rest after some thought.
    pub(super) async fn look(&mut self, now: Moment, agent: &AgentId) -> Result<Vec<Played>, Fault> {
        if self.is_still(agent, now) {
            return Ok(Vec::new());
        }
        let Some(desk) = self.desks.get_mut(agent) else { return Ok(Vec::new()) };
        let mut played = Vec::new();
        for work in desk.work().await? {
            if !self.is_spoken_for(agent, &work) && self.pending.insert(work.no) {
                played.extend(self.heed_work(now, agent, &work).await?);
            }
        }
        Ok(played)
    }

    async fn heed_work(&mut self, now: Moment, agent: &AgentId, work: &Work) -> Result<Vec<Played>, Fault> {
        match &work.kind {
            WorkKind::Join { .. } | WorkKind::Changed { .. } | WorkKind::Returned { .. } => {
                self.finish(now, agent, work, WorkVerb::Complete, None).await
            }
            // The demo's agents go by what they are told.
            WorkKind::Ruling { .. } => self.finish(now, agent, work, WorkVerb::Complete, None).await,
            WorkKind::Notice { .. } => {
                let mut played = self.finish(now, agent, work, WorkVerb::Complete, None).await?;
                // Some of them say that a time is over, and that is the server's to know.
                for played in &mut played {
                    played.by_clock = true;
                }
                Ok(played)
            }
            WorkKind::Free { act, deferred } => {
                let mut played = self.finish(now, agent, work, WorkVerb::Complete, None).await?;
                played.extend(self.wake(now, agent, act, *deferred).await?);
                Ok(played)
            }
            WorkKind::Dispatch { event, .. } => {
                let mine = |duty: &&Duty| duty.event == **event && duty.by == *agent;
                if let Some(duty) = self.story.duties.iter().find(mine).cloned() {
                    // Where it is still there after that, it is seen again and done again.
                    self.pending.remove(&work.no);
                    self.begin_duty(&duty, work, now);
                    return Ok(Vec::new());
                }
                self.take(now, agent, work).await
            }
            WorkKind::Branch { .. } => self.take(now, agent, work).await,
            WorkKind::Handoff { .. } => {
                let played = self.finish(now, agent, work, WorkVerb::Accept, None).await?;
                self.think(now, agent, work);
                Ok(played)
            }
            WorkKind::Proposal { .. } => {
                self.think(now, agent, work);
                Ok(Vec::new())
            }
            WorkKind::Decision { item, .. } => {
                self.waiting.remove(item);
                let settling = seconds(SETTLING_SECONDS * self.speed);
                self.cue(now + settling, Cue::EndWork { agent: agent.clone(), work: work.no });
                Ok(Vec::new())
            }
        }
    }

    /// Will end the item after some thought.
    fn think(&mut self, now: Moment, agent: &AgentId, work: &Work) {
        self.pending.insert(work.no);
        let thinking = self.random.between(THINKING.0, THINKING.1);
        self.cue(now + thinking, Cue::EndWork { agent: agent.clone(), work: work.no });
    }

    /// Takes the item, to complete it after some thought; what the server's clock sent is completed at once.
    async fn take(&mut self, now: Moment, agent: &AgentId, work: &Work) -> Result<Vec<Played>, Fault> {
        let Some(desk) = self.desks.get_mut(agent) else { return Ok(Vec::new()) };
        let visibility = Some(visibility(self.speed));
        let reply = desk.ask(&Command::Take(Take { limit: 1, visibility, work: Some(work.no) })).await?;
        self.heed(now, agent, &reply);
        let by_clock =
            matches!(&work.kind, WorkKind::Dispatch { event, .. } if self.scheduled.contains(&**event));
        let mut played = vec![self.played(now, agent, "take", work.subject.as_ref(), &reply)];
        if !reply.is_done() {
            self.pending.remove(&work.no);
        } else if by_clock {
            let taken = Work { attempts: work.attempts + 1, ..work.clone() };
            played.extend(self.finish(now, agent, &taken, WorkVerb::Complete, None).await?);
        } else {
            self.think(now, agent, work);
        }
        for played in &mut played {
            played.by_clock = by_clock;
        }
        Ok(played)
    }

    /// Ends a work item that is still there: a person may have taken it back meanwhile.
    pub(super) async fn end_work(
        &mut self,
        now: Moment,
        agent: &AgentId,
        no: WorkNo,
    ) -> Result<Vec<Played>, Fault> {
        if self.is_still(agent, now) {
            self.cue(now + PAUSED, Cue::EndWork { agent: agent.clone(), work: no });
            return Ok(Vec::new());
        }
        let Some(desk) = self.desks.get_mut(agent) else { return Ok(Vec::new()) };
        let Some(work) = desk.work().await?.into_iter().find(|work| work.no == no) else {
            self.pending.remove(&no);
            return Ok(Vec::new());
        };
        let (verb, note) = match &work.kind {
            WorkKind::Proposal { .. } => self.judge(agent, &work).await?,
            WorkKind::Decision { .. }
            | WorkKind::Notice { .. }
            | WorkKind::Ruling { .. }
            | WorkKind::Dispatch { .. }
            | WorkKind::Handoff { .. }
            | WorkKind::Returned { .. }
            | WorkKind::Branch { .. }
            | WorkKind::Join { .. }
            | WorkKind::Changed { .. }
            | WorkKind::Free { .. } => (WorkVerb::Complete, None),
        };
        let mut played = self.finish(now, agent, &work, verb, note).await?;
        let went_through =
            played.iter().all(|played| played.outcome != Outcome::Stale && played.code.is_none());
        if verb == WorkVerb::Accept && !went_through {
            let why = "it does not go through as it stands; read again and propose what you still want";
            played.extend(self.finish(now, agent, &work, WorkVerb::Decline, Some(why.to_owned())).await?);
        }
        Ok(played)
    }

    /// What an owner makes of a proposal: made on old versions it is declined, otherwise mostly accepted.
    async fn judge(&mut self, agent: &AgentId, work: &Work) -> Result<(WorkVerb, Option<String>), Fault> {
        let WorkKind::Proposal { write, .. } = &work.kind else { return Ok((WorkVerb::Complete, None)) };
        let Some(desk) = self.desks.get_mut(agent) else { return Ok((WorkVerb::Complete, None)) };
        let view = desk.read(&write.entity).await?;
        let mut notes = Notes::default();
        notes.take_in(agent, &write.entity, view.as_ref());
        let fresh = Draft::Write {
            write: write.clone(),
            based_on: Vec::new(),
            from_memory: true,
            with_token: false,
            late: false,
        };
        let fresh = fresh.command(agent, agent, &notes);
        let current = matches!(&fresh, Command::Write(fresh) if fresh.expected == write.expected);
        if !current {
            let why = "the record has moved on since you read it; read again and propose what you still want";
            return Ok((WorkVerb::Decline, Some(why.to_owned())));
        }
        if self.random.below(DECLINES) == 0
            && let Some(why) = self.random.one_of(&self.story.declines)
        {
            return Ok((WorkVerb::Decline, Some(why.clone())));
        }
        Ok((WorkVerb::Accept, None))
    }

    async fn finish(
        &mut self,
        now: Moment,
        agent: &AgentId,
        work: &Work,
        verb: WorkVerb,
        note: Option<String>,
    ) -> Result<Vec<Played>, Fault> {
        let note = note.map(Arc::from);
        let attempt = Some(work.attempts);
        let step = WorkStep { work: work.no, step: verb, note, result: None, lease: None, attempt };
        let Some(desk) = self.desks.get_mut(agent) else { return Ok(Vec::new()) };
        let reply = desk.ask(&Command::Work(step)).await?;
        self.pending.remove(&work.no);
        self.heed(now, agent, &reply);
        if let WorkKind::Decision { item, .. } = &work.kind {
            self.waiting.remove(item);
        }
        Ok(vec![self.played(now, agent, verb.as_str(), work.subject.as_ref(), &reply)])
    }
}
