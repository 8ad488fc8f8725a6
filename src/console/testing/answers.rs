//! What a server would answer to those who only look, from the deeds of a team in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::team::Team;
use crate::api::{
    AsOf, BucketView, FieldActivity, Histogram, LastWritten, PLAN_DAYS, PlanView, Times, Window, Words,
};
use crate::client::{Direction, LedgerQuery};
use crate::console::ask::{Chain, Page, Told, Trouble};
use crate::console::world::Me;
use crate::domain::command::Principal;
use crate::domain::decide::{self, Supposed};
use crate::domain::deed::{Deed, Origin};
use crate::domain::filter::{At, Filter};
use crate::domain::ids::{Actor, ItemNo, Seq, Version};
use crate::domain::map::{self, Map};
use crate::domain::outcome::Outcome;
use crate::domain::path::{EntityPath, FieldPath, Pattern};
use crate::domain::query;
use crate::domain::readiness::agents;
use crate::domain::state::{Board, Front, Thing};
use crate::domain::survey::Planning;
use crate::domain::things::{ItemAnswer, Limits};
use crate::domain::time::{Span, Time};

/// Causes followed upwards at most.
const CAUSES: usize = 64;

type Found<T> = Result<T, Trouble>;

fn trouble(what: &impl ToString, next: &str) -> Trouble {
    Trouble { what: what.to_string(), next: next.to_owned() }
}

/// A board as a server sends it: in pages, without what agents said at length.
pub(super) fn sent(board: &Board) -> Box<Board> {
    let (mut sent, mut next) = board.first_page();
    while let Some(place) = next {
        let (rows, after) = board.rows(place);
        sent.take_rows(rows);
        next = after;
    }
    Box::new(sent)
}

impl Team {
    /// Every deed that a filter means.
    ///
    /// # Errors
    /// When it is no filter.
    pub fn meant(&self, filter: &str) -> Found<Vec<Arc<Deed>>> {
        let filter = Filter::parse(filter, self.now).map_err(|error| trouble(&error, "mend the filter"))?;
        Ok(self.deeds.iter().filter(|deed| filter.matches(deed)).cloned().collect())
    }

    /// A page of them.
    ///
    /// # Errors
    /// As [`Team::meant`].
    pub fn page(&self, query: &LedgerQuery) -> Found<Page> {
        let all = self.meant(&query.filter)?;
        let (len, limit) = (all.len(), query.limit.max(1));
        let from = |seq: Seq| all.partition_point(|deed| deed.seq < seq);
        let after = |seq: Seq| all.partition_point(|deed| deed.seq <= seq);
        let (range, more) = match query.direction {
            Direction::Newest => (len.saturating_sub(limit)..len, len > limit),
            Direction::Oldest => (0..limit.min(len), len > limit),
            Direction::Before(seq) => (from(seq).saturating_sub(limit)..from(seq), from(seq) > limit),
            Direction::After(seq) => (after(seq)..len.min(after(seq) + limit), after(seq) + limit < len),
            Direction::Around(seq) => {
                let range = after(seq).saturating_sub(limit / 2)..len.min(after(seq) + limit / 2);
                let more = range.start > 0 || range.end < len;
                (range, more)
            }
        };
        Ok(Page {
            deeds: all.get(range).unwrap_or_default().to_vec(),
            more,
            head: self.state.head(),
            count: query.count.then_some((len as u64, true)),
        })
    }

    /// Deeds over time.
    ///
    /// # Errors
    /// As [`Team::meant`].
    pub fn histogram(&self, filter: &str, from: Time, to: Time, buckets: usize) -> Found<Histogram> {
        let count = i64::try_from(buckets.max(1)).unwrap_or(1);
        let width = Span::from_micros((to.since(from).micros() / count).max(60_000_000));
        let mut out = Vec::new();
        let mut start = from;
        while start < to {
            out.push(BucketView { start, outcomes: BTreeMap::new(), other: 0 });
            start = start.plus(width);
        }
        for deed in self.meant(filter)? {
            let at = (deed.time.micros() - from.micros()).div_euclid(width.micros());
            if let Some(bucket) = usize::try_from(at).ok().and_then(|at| out.get_mut(at)) {
                *bucket.outcomes.entry(deed.outcome).or_insert(0) += 1;
            }
        }
        Ok(Histogram { width, buckets: out })
    }

    /// A deed with what led to it and what it led to.
    ///
    /// # Errors
    /// When it is not there.
    pub fn chain(&self, seq: Seq) -> Found<Chain> {
        let find = |seq: Seq| self.deeds.iter().find(|deed| deed.seq == seq).cloned();
        let deed =
            find(seq).ok_or_else(|| trouble(&format!("deed #{seq} is not there"), "look at the log"))?;
        let mut causes = Vec::new();
        let mut next = deed.cause;
        while let Some(cause) = next.and_then(find).filter(|_| causes.len() < CAUSES) {
            next = cause.cause;
            causes.insert(0, cause);
        }
        let origin = Origin { source: Arc::from("urn:uuid:0"), workspace: self.workspace() };
        let bytes = deed.encode(&origin).map_err(|error| trouble(&error, "look at another deed"))?;
        let mut effects = Vec::new();
        self.effects(seq, 1, &mut effects);
        let raw = String::from_utf8_lossy(&bytes).into_owned();
        let hash = crate::api::link(crate::api::Hash([0; 32]), &bytes).to_string();
        Ok(Chain { deed, raw: Arc::from(raw), hash, causes, effects, cut: false })
    }

    fn effects(&self, of: Seq, depth: usize, out: &mut Vec<(usize, Arc<Deed>)>) {
        for deed in self.deeds.iter().filter(|deed| deed.cause == Some(of)) {
            out.push((depth, Arc::clone(deed)));
            self.effects(deed.seq, depth + 1, out);
        }
    }

    /// What happened lately to the fields of a pattern.
    pub fn activity(&self, pattern: &Pattern) -> Vec<FieldActivity> {
        let mut fields: BTreeMap<String, FieldActivity> = BTreeMap::new();
        for deed in self.deeds.iter().filter(|deed| self.now.since(deed.time) <= Span::from_days(7)) {
            let Some(subject) = &deed.subject else { continue };
            for change in deed.fields.iter().filter(|change| change.entity.is_none()) {
                if !pattern.matches_path(&FieldPath::new(subject.clone(), change.name.clone())) {
                    continue;
                }
                let name = change.name.to_string();
                let entry = fields.entry(name.clone()).or_insert_with(|| FieldActivity {
                    field: name,
                    writes: 0,
                    last: None,
                    proposals: Vec::new(),
                    refusals: Vec::new(),
                });
                note(entry, deed, subject.to_string(), change.version);
            }
        }
        fields.into_values().collect()
    }

    /// What a map would have said to everything that happened.
    ///
    /// # Errors
    /// When it is no map.
    pub fn plan(&self, toml: &str) -> Found<Told> {
        let parsed = map::parse(toml);
        let model = parsed.model.ok_or_else(|| trouble(&"the map has errors", "mend it"))?;
        let mut planning = Planning::new(self.state.board.map.clone(), Map::compile(model));
        for deed in &self.deeds {
            planning.consider(deed);
        }
        let window = Window {
            days: Some(PLAN_DAYS),
            since: None,
            head: self.state.head(),
            version: self.state.board.map_version,
        };
        Ok(Told::Plan(Box::new(PlanView { window, plan: planning.finish() })))
    }

    /// What an answer would do.
    ///
    /// # Errors
    /// When no such item waits.
    pub fn preview(&self, me: &Me, no: ItemNo, answer: &ItemAnswer) -> Found<Told> {
        let item = self.state.board.items.get(&no);
        let item = item.ok_or_else(|| trouble(&format!("there is no open item #{no}"), "look again"))?;
        let by = Principal { actor: Actor::Person(me.person.clone()), class: me.class, token: None };
        let supposed = Supposed { by: &by, item, answer, include: &[] };
        Ok(Told::Preview(Box::new(decide::preview(&self.state, &supposed, self.now))))
    }

    /// The board as it was.
    ///
    /// # Errors
    /// When the text names no moment, or nothing was there then.
    pub fn then(&self, at: &str) -> Found<Told> {
        let (board, as_of) = self.board_then(at)?;
        Ok(Told::Then(sent(&board), as_of))
    }

    /// A thing of the board with all that it carries, as it is or was.
    pub fn whole(&self, thing: &Thing, at: Option<Seq>) -> Found<Told> {
        let then = at.map(|seq| self.board_then(&seq.to_string())).transpose()?;
        let board = then.as_ref().map_or(&self.state.board, |(board, _)| board);
        Ok(Told::Whole(board.whole(thing)))
    }

    /// An entity as it is; of the past its fields are not kept here.
    pub fn entity(&self, me: &Me, entity: &EntityPath, at: Option<Seq>) -> Found<Told> {
        if at.is_some() {
            return Err(trouble(&"values of the past are not kept here", "look at the present"));
        }
        let reader = Actor::Person(me.person.clone());
        let view = query::read(&self.state, &reader, entity);
        view.map(|view| Told::Entity(Box::new(view))).ok_or_else(|| trouble(&"there is no such entity", ""))
    }

    /// Every agent in one line, with what it may have kept.
    pub fn agents(&self, at: Option<Seq>) -> Found<Told> {
        let (front, now) = match at {
            Some(seq) => {
                let (board, as_of) = self.board_then(&seq.to_string())?;
                (Front::of_board(board), as_of.time)
            }
            None => (self.state.front(), self.now),
        };
        let found = agents::agents(&front, &Limits::default(), now);
        Ok(Told::Agents(Box::new(found)))
    }

    fn board_then(&self, at: &str) -> Found<(Board, AsOf)> {
        let at = At::parse(at, self.now).map_err(|error| trouble(&error, "mend the time"))?;
        let by_then =
            |time: Time| self.deeds.iter().filter(move |deed| deed.time <= time).map(|deed| deed.seq).max();
        let nothing_yet = |time: Time| self.deeds.first().is_none_or(|first| first.recorded > time);
        let at = match at {
            // Nothing was recorded by then; what was taken in may have happened.
            At::Time(time) if nothing_yet(time) && by_then(time).is_some() => At::Happened(time),
            At::Seq(_) | At::Time(_) | At::Happened(_) => at,
        };
        let last = if let At::Happened(time) = at { by_then(time) } else { None };
        let is_in = |deed: &&Arc<Deed>| match at {
            At::Seq(seq) => deed.seq <= seq,
            At::Time(time) => deed.recorded <= time,
            At::Happened(_) => last.is_some_and(|last| deed.seq <= last),
        };
        let mut board = Board::new(self.workspace());
        for deed in self.deeds.iter().take_while(is_in) {
            board.fold(deed);
        }
        let known = match at {
            At::Seq(seq) => board.head == seq,
            At::Time(_) | At::Happened(_) => true,
        };
        if board.head == Seq(0) || !known {
            return Err(trouble(&"the ledger has nothing there", "name a moment that has been"));
        }
        let time = match at {
            At::Seq(_) => board.recorded,
            At::Time(time) | At::Happened(time) => time,
        };
        let as_of = AsOf { seq: board.head, time, happened: matches!(at, At::Happened(_)) };
        Ok((board, as_of))
    }

    /// The words of the workspace.
    pub fn words(&self) -> Words {
        let mut words = Words::default();
        for deed in &self.deeds {
            words.actors.push(deed.actor.to_string());
            words.actions.push(deed.action.to_string());
            words.entities.extend(deed.subject.as_ref().map(ToString::to_string));
            words.fields.extend(deed.fields.iter().map(|field| field.name.to_string()));
        }
        for list in [&mut words.actors, &mut words.actions, &mut words.entities, &mut words.fields] {
            list.sort_unstable();
            list.dedup();
        }
        words
    }
}

fn note(entry: &mut FieldActivity, deed: &Deed, entity: String, version: Version) {
    let actor = deed.actor.to_string();
    let tried = match deed.outcome {
        Outcome::Committed => {
            entry.writes += 1;
            entry.last =
                Some(LastWritten { seq: deed.seq, time: deed.time, actor, entity, version: version.0 });
            return;
        }
        Outcome::Proposed => &mut entry.proposals,
        Outcome::Stale | Outcome::Refused | Outcome::Failed => &mut entry.refusals,
        Outcome::Allowed | Outcome::Escalated | Outcome::Deferred | Outcome::Opened | Outcome::Recorded => {
            return;
        }
    };
    match tried.iter_mut().find(|times| times.actor == actor) {
        Some(times) => (times.times, times.last) = (times.times + 1, deed.time),
        None => tried.push(Times { actor, times: 1, last: deed.time }),
    }
}
