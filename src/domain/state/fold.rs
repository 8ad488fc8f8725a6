//! Folding a deed into values, versions, tokens and keys. The board folds itself (see `board`).

use std::sync::Arc;

use super::{KeyAnswer, State};
use crate::domain::deed::{Body, Deed, Touches};
use crate::domain::ids::{Seq, Version};
use crate::domain::things::{
    ACTORS, ACTORS_KNOWN, Entity, Field, FieldChange, Invitation, MOST_ACTORS, RECENT, RUNS, Run,
    TokenRecord, Tombstone, Touch,
};
use crate::domain::time::Time;
use crate::domain::value::Value;

impl State {
    /// Takes in the next deed. No rules here: it only applies.
    pub fn fold(&mut self, deed: &Deed) {
        let before = self.before(deed);
        self.fold_board(deed);
        self.remember_key(deed);
        self.fold_values(deed);
        self.follow(deed, &before);
    }

    /// Takes in a deed where the board has those up to one already, and values and keys those up to another. What follows from
    /// both is made anew when they have met: [`State::meet`].
    pub fn catch_up(&mut self, deed: &Deed, board: Seq, values: Seq) {
        if deed.seq > board {
            self.fold_board(deed);
            self.fold_tokens(deed);
        }
        if deed.seq > values {
            self.remember_key(deed);
            self.fold_entity(deed);
        }
    }

    fn fold_board(&mut self, deed: &Deed) {
        self.board.fold(deed);
        self.links.add(deed);
        if let Some(mark) = &deed.refs.import {
            Arc::make_mut(&mut self.imports).add(mark);
        }
        if let Body::ClockRebased(rebased) = &deed.body {
            self.links.move_back(rebased);
        }
    }

    /// Takes in what the deed does to values, versions and tokens, and nothing else. An entity is what the deeds on it
    /// make of it: folding those alone, in order, gives the same entity as folding all.
    pub fn fold_values(&mut self, deed: &Deed) {
        self.fold_tokens(deed);
        self.fold_entity(deed);
    }

    fn fold_tokens(&mut self, deed: &Deed) {
        if let Body::TokenCreated(token) = &deed.body {
            if let Some(taken) = &token.invitation {
                self.access.invitations.remove(taken);
            }
            let (token, by) = ((**token).clone(), deed.actor.clone());
            let id = token.id.clone();
            let record = TokenRecord { token, by, at: deed.recorded, revoked: None };
            self.access.tokens.insert(id, Arc::new(record));
        }
        if let Body::TokenInvited(invitation) = &deed.body {
            let vouched = deed.signed.is_some();
            self.access.invite(Invitation { vouched, ..Invitation::clone(invitation) }, deed.recorded);
        }
        if let Body::ClockRebased(rebased) = &deed.body {
            self.access.move_tokens(rebased);
        }
        if let Body::TokenRevoked(id) = &deed.body {
            self.access.invitations.remove(id);
            if let Some(record) = self.access.tokens.get_mut(id) {
                Arc::make_mut(record).revoked = Some(deed.recorded);
            }
        }
    }

    /// Takes in what the deed does to its entity alone.
    pub fn fold_entity(&mut self, deed: &Deed) {
        if let Body::ClockRebased(rebased) = &deed.body {
            self.access.moves.add(deed.seq, rebased);
            self.entities.rebase(&self.access.moves);
        }
        self.touch_entity(deed, deed.body.row().touches);
    }

    /// A deed on an entity: its fields change, a person stepped in, or somebody only tried. Only a change of fields
    /// makes an entity known.
    fn touch_entity(&mut self, deed: &Deed, touches: Touches) {
        let Some(path) = &deed.subject else { return };
        let makes = matches!(touches, Touches::Fields | Touches::Archived | Touches::Deleted);
        let known = self.entities.get(path);
        // What has the deed already is not changed by it again.
        if touches == Touches::Nothing || known.map_or(!makes, |entity| entity.deed >= deed.seq) {
            return;
        }
        let (known, now) = self.entities.change(path, |entity| touch(entity, deed, touches));
        if known != Some(now) {
            Arc::make_mut(&mut self.volume).change(path, known, now);
        }
    }

    /// Takes in the key that the deed answers, and nothing else.
    pub fn remember_key(&mut self, deed: &Deed) {
        let Some(mark) = &deed.key else { return };
        let digest = Arc::clone(&mark.digest);
        let answer = KeyAnswer { deed: deed.seq, at: deed.recorded, digest, part: mark.part };
        self.access.remember(&deed.actor, &mark.key, answer);
    }
}

fn touch(entity: &mut Entity, deed: &Deed, touches: Touches) {
    entity.deed = deed.seq;
    match touches {
        Touches::Fields => apply(entity, deed),
        Touches::Archived => bury(entity, deed, false),
        Touches::Deleted => bury(entity, deed, true),
        Touches::Version if entity.version != Version(0) => entity.version = entity.version.next(),
        Touches::Version | Touches::Tried | Touches::Nothing => {}
    }
    if entity.recent.len() >= RECENT {
        entity.recent.remove(0);
    }
    entity.recent.push(Arc::new(Touch {
        deed: deed.seq,
        at: deed.time,
        actor: deed.actor.clone(),
        action: Arc::from(&*deed.action),
        outcome: deed.outcome,
        fields: deed.fields.iter().filter(|f| f.entity.is_none()).map(|f| f.name.clone()).collect(),
    }));
    remember_actor(entity, deed);
}

fn remember_actor(entity: &mut Entity, deed: &Deed) {
    if let Some((_, at)) = entity.last.iter_mut().find(|(actor, _)| *actor == deed.actor) {
        *at = deed.time.max(*at);
        return;
    }
    // Whoever was there within the longest time that is looked back goes only where there is no end of them.
    let lately = |at: &Time| deed.recorded.since(*at) < ACTORS_KNOWN;
    let over = entity.last.len() >= MOST_ACTORS || entity.last.iter().any(|(_, at)| !lately(at));
    if entity.last.len() >= ACTORS
        && over
        && let Some(oldest) =
            entity.last.iter().enumerate().min_by_key(|(_, (_, at))| *at).map(|(place, _)| place)
    {
        entity.last.swap_remove(oldest);
    }
    entity.last.push((deed.actor.clone(), deed.time));
}

fn bury(entity: &mut Entity, deed: &Deed, deleted: bool) {
    entity.version = entity.version.next();
    let version = entity.version;
    entity.gone =
        Some(Tombstone { deleted, version, by: deed.actor.clone(), at: deed.recorded, deed: deed.seq });
}

fn apply(entity: &mut Entity, deed: &Deed) {
    if deed.decided.as_ref().is_some_and(|decided| decided.anew) {
        entity.begin_anew();
    }
    entity.version = entity.version.next();
    entity.gone = None;
    for change in &deed.fields {
        let runs = entity.field(&change.name).map(|field| field.runs.clone()).unwrap_or_default();
        // A whole-entity entry without a value only carries the entity's new version.
        let Some(value) = change.after.clone() else { continue };
        let field = Field {
            version: change.version,
            value: value.clone(),
            by: deed.actor.clone(),
            at: deed.time,
            deed: deed.seq,
            runs: run_on(runs, deed, change, value),
        };
        entity.set(&change.name, field);
    }
}

fn run_on(mut runs: Vec<Run>, deed: &Deed, change: &FieldChange, value: Value) -> Vec<Run> {
    match runs.last_mut() {
        Some(run) if run.by == deed.actor => {
            run.value = value;
            run.writes += 1;
            run.version = change.version;
            run.at = deed.time;
        }
        _ => {
            if runs.len() >= RUNS {
                runs.remove(0);
            }
            runs.push(Run {
                by: deed.actor.clone(),
                value,
                writes: 1,
                deed: deed.seq,
                base: Version(change.version.0.saturating_sub(1)),
                version: change.version,
                at: deed.time,
            });
        }
    }
    runs
}
