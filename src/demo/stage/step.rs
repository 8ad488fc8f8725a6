//! Playing one step of a scene, and what a sensible agent does with the answer.

use std::sync::Arc;

use super::{Cue, Moment, SECOND, Stage, seconds, visibility};
use crate::demo::Played;
use crate::demo::desk::{Desk, Fault};
use crate::demo::script::{Draft, Notes, Script, WorkDraft, script};
use crate::domain::command::{Act, ActEnd, Command, Take, WorkStep};
use crate::domain::ids::{ActNo, AgentId, Seq};
use crate::domain::outcome::Outcome;
use crate::domain::path::EntityPath;
use crate::domain::reply::Reply;

/// How often an agent asks again where another goes first, and how long it waits in between.
const ASKS: u32 = 3;
const ASK_AGAIN: Moment = 20 * SECOND;
/// One in so many side effects fails.
const FAILS: u64 = 14;
/// How long an act takes that waited, in seconds.
const TAKES: f64 = 2.0;

/// Which step of which scene is played, and how often it was asked before.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) scene: u64,
    pub(super) step: usize,
    pub(super) asks: u32,
}

impl<D: Desk> Stage<D> {
    pub(super) async fn step(&mut self, now: Moment, place: Place) -> Result<Vec<Played>, Fault> {
        let Some(running) = self.running.get(&place.scene) else { return Ok(Vec::new()) };
        let scene = Arc::clone(&running.scene);
        let Some(step) = scene.steps.get(place.step) else { return Ok(Vec::new()) };
        let skipped = place.asks == 0 && step.only_if.is_some() && step.only_if != running.last;
        if skipped || self.is_still(&step.by, now) {
            return Ok(Vec::new());
        }
        let found = script(step, &running.vars, self.speed).map_err(|error| {
            let Place { step, .. } = place;
            Fault::Broken(format!("{}, scene {:?}, step {step}: {error}", self.workspace, scene.name))
        })?;
        match found {
            Script::Read(entity) => {
                let Some(desk) = self.desks.get_mut(&step.by) else { return Ok(Vec::new()) };
                let Some(running) = self.running.get_mut(&place.scene) else { return Ok(Vec::new()) };
                let view = desk.read(&entity).await?;
                running.notes.take_in(&step.by, &entity, view.as_ref());
                Ok(Vec::new())
            }
            Script::Work(draft) => self.handle(now, place.scene, &step.by, &draft).await,
            Script::Ask(draft) => {
                let from = step.from.as_ref().unwrap_or(&step.by);
                self.ask(now, place, &step.by, from, &draft).await
            }
        }
    }

    async fn ask(
        &mut self,
        now: Moment,
        place: Place,
        agent: &AgentId,
        from: &AgentId,
        draft: &Draft,
    ) -> Result<Vec<Played>, Fault> {
        let Some(desk) = self.desks.get_mut(agent) else { return Ok(Vec::new()) };
        let Some(running) = self.running.get_mut(&place.scene) else { return Ok(Vec::new()) };
        for entity in draft.look(agent, &running.notes, place.asks > 0) {
            let view = desk.read(&entity).await?;
            running.notes.take_in(agent, &entity, view.as_ref());
        }
        if draft.is_late() {
            desk.rest(running.notes.left(agent)).await;
        }
        let reply = desk.ask(&draft.command(agent, from, &running.notes)).await?;
        running.notes.did(agent, reply.deed);
        running.last = Some(reply.outcome);
        let (action, subject) = draft.about();
        if let Some(entity) = subject.as_ref().filter(|_| reply.outcome == Outcome::Committed) {
            running.notes.forget(agent, entity);
        }
        if let (Draft::Lease(lease), Some(fence), true) = (draft, reply.lease, reply.is_done()) {
            running.notes.granted(agent, lease, fence);
        }
        let mut played = self.played(now, agent, &action, subject.as_ref(), &reply);
        played.by_clock = place.scene >= super::BY_CLOCK;
        if self.react(now, agent, draft, &reply, place.asks) {
            let Place { scene, step, asks } = place;
            self.cue(now + ASK_AGAIN, Cue::Again { scene, step, asks: asks + 1 });
            if let Some(running) = self.running.get_mut(&scene) {
                running.open += 1;
            }
        }
        Ok(vec![played])
    }

    /// Does something with an item of the agent's work stream. One that is gone was taken care of by a person.
    async fn handle(
        &mut self,
        now: Moment,
        scene: u64,
        agent: &AgentId,
        draft: &WorkDraft,
    ) -> Result<Vec<Played>, Fault> {
        let Some(desk) = self.desks.get_mut(agent) else { return Ok(Vec::new()) };
        let Some(running) = self.running.get_mut(&scene) else { return Ok(Vec::new()) };
        let Some(work) = desk.work().await?.into_iter().find(|work| draft.means(work)) else {
            running.last = None;
            return Ok(Vec::new());
        };
        let command = match draft.verb {
            None => {
                let visibility = Some(visibility(self.speed));
                Command::Take(Take { limit: 1, visibility, work: Some(work.no) })
            }
            Some(step) => {
                let WorkDraft { note, result, .. } = draft.clone();
                Command::Work(WorkStep {
                    work: work.no,
                    step,
                    note,
                    result,
                    lease: None,
                    attempt: Some(work.attempts),
                })
            }
        };
        let reply = desk.ask(&command).await?;
        running.notes.did(agent, reply.deed);
        running.last = Some(reply.outcome);
        self.heed(now, agent, &reply);
        let action = draft.verb.map_or("take", crate::domain::command::WorkVerb::as_str);
        let mut played = self.played(now, agent, action, work.subject.as_ref(), &reply);
        played.by_clock = scene >= super::BY_CLOCK;
        Ok(vec![played])
    }

    /// Asks again for an act that waited, now that the way is free, on what it looks like now.
    pub(super) async fn wake(
        &mut self,
        now: Moment,
        agent: &AgentId,
        act: &Act,
        deferred: Seq,
    ) -> Result<Vec<Played>, Fault> {
        let Some(desk) = self.desks.get_mut(agent) else { return Ok(Vec::new()) };
        let draft = Draft::Act(act.clone(), act.depends_on.keys().cloned().collect(), TAKES);
        let mut notes = Notes::default();
        notes.did(agent, deferred);
        for entity in draft.look(agent, &notes, false) {
            let view = desk.read(&entity).await?;
            notes.take_in(agent, &entity, view.as_ref());
        }
        let reply = desk.ask(&draft.command(agent, agent, &notes)).await?;
        self.react(now, agent, &draft, &reply, ASKS);
        Ok(vec![self.played(now, agent, &act.action, Some(&act.subject), &reply)])
    }

    /// What a sensible agent does with an answer. True where it asks again later.
    fn react(&mut self, now: Moment, agent: &AgentId, draft: &Draft, reply: &Reply, asks: u32) -> bool {
        self.heed(now, agent, reply);
        let Draft::Act(act, _, takes) = draft else { return false };
        if let Some(no) = reply.act {
            let cue = Cue::EndAct { agent: agent.clone(), act: no, subject: act.subject.clone() };
            self.cue(now + seconds(*takes), cue);
        }
        // It reads again before it asks again: what it was based on may have changed meanwhile. Who waits is woken.
        reply.outcome == Outcome::Deferred && !act.wait && asks < ASKS
    }

    pub(super) async fn end_act(
        &mut self,
        now: Moment,
        agent: &AgentId,
        act: ActNo,
        subject: &EntityPath,
    ) -> Result<Vec<Played>, Fault> {
        let failure =
            if self.random.below(FAILS) == 0 { self.random.one_of(&self.story.failures) } else { None };
        let note = failure.map(|note| Arc::from(note.as_str()));
        let end = Command::ActEnd(ActEnd { act, done: note.is_none(), note });
        let Some(desk) = self.desks.get_mut(agent) else { return Ok(Vec::new()) };
        let reply = desk.ask(&end).await?;
        Ok(vec![self.played(now, agent, "act end", Some(subject), &reply)])
    }
}
