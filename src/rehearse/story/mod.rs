//! A story played again: the deeds of a recorded history, decided again one after another by the rules themselves, each
//! at its own time under the simulated clock, under another map or its own. What comes out otherwise is told.
//!
//! `asked` goes from the deeds of a decision back to what was asked (`agents`, `streams`, `people`), `pairs` knows which
//! number there is which one here, `told` adds up.

mod agents;
mod asked;
mod pairs;
mod people;
mod streams;
mod told;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use self::asked::{Asked, Scribe};
use self::pairs::Pairs;
use self::told::{Counted, Rows};
use super::clock;
use super::founding::{chain, founding};
use super::world::World;
use crate::domain::command::{Command, Proof, Request};
use crate::domain::deed::{Body, Deed};
use crate::domain::map::Model;
use crate::domain::reply::Reply;
use crate::domain::state::State;
use crate::domain::things::Door;
use crate::domain::time::{Span, Time};

pub use told::{CameOut, LeftOut, Turn, Turned, Turns};

/// Types of deeds that say what came of it all, beside the answers.
const AFTERMATH: [&str; 8] = [
    "deeds.item.opened",
    "deeds.item.overdue",
    "deeds.alert.opened",
    "deeds.review.held",
    "deeds.review.missed",
    "deeds.output.published",
    "deeds.work.queued",
    "deeds.work.exhausted",
];

/// A recorded history, whole.
pub struct Story {
    /// Its decisions: the deeds of each, and when they are played.
    decisions: Vec<(Time, Vec<Deed>)>,
    /// The map that it began with.
    model: Arc<Model>,
}

impl Story {
    /// Of deeds, from the first of a workspace on.
    ///
    /// # Errors
    /// When it does not begin with the birth of a workspace, in words.
    pub fn new(deeds: Vec<Deed>) -> Result<Self, &'static str> {
        let born = deeds.first().and_then(|first| first.body.model().map(Arc::clone));
        let model = born.ok_or("it does not begin with the first deed of a workspace")?;
        let mut decisions: Vec<(Time, Vec<Deed>)> = Vec::new();
        for deed in deeds {
            // Another system's history happened when it says, not when it was taken in.
            let at = if deed.refs.import.is_some() { deed.time } else { deed.recorded };
            match decisions.last_mut() {
                Some((_, group))
                    if group.first().is_some_and(|first| first.correlation == deed.correlation) =>
                {
                    group.push(deed);
                }
                Some(_) | None => decisions.push((at, vec![deed])),
            }
        }
        // Nothing is played before what comes before it: what was set up for an import was there when it began.
        let mut latest: Option<Time> = None;
        for (at, _) in decisions.iter_mut().rev() {
            *at = latest.map_or(*at, |latest| latest.min(*at));
            latest = Some(*at);
        }
        Ok(Self { decisions, model })
    }

    /// When it begins.
    pub fn begins(&self) -> Time {
        self.decisions.first().map(|(at, _)| *at).unwrap_or_default()
    }

    /// The map that it begins with.
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// How many days it takes.
    pub fn days(&self) -> u32 {
        let ends = self.decisions.last().map(|(at, _)| *at).unwrap_or_default();
        let days = ends.since(self.begins()).micros() / Span::from_days(1).micros();
        u32::try_from(days).unwrap_or(u32::MAX).saturating_add(1)
    }
}

/// A story that is being played again.
pub struct Replay {
    decisions: std::vec::IntoIter<(Time, Vec<Deed>)>,
    begins: Time,
    its_maps: bool,
    there: State,
    world: World,
    pairs: Pairs,
    rows: Rows,
    moot: Counted,
    untold: Counted,
    counts: BTreeMap<&'static str, u64>,
    told: Retold,
}

/// What became of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Retold {
    /// The workspace of the map.
    pub workspace: String,
    /// When the story begins and where it ends, in the map's time.
    pub begins: String,
    /// The end.
    pub ends: String,
    /// Decisions of the story.
    pub decisions: u64,
    /// How many of them were asked again.
    pub asked: u64,
    /// How many came out the same.
    pub same: u64,
    /// How many came out otherwise.
    pub different: u64,
    /// These, by rule and agent.
    pub turns: Vec<Turns>,
    /// People's answers: given here as they were there.
    pub answers: u64,
    /// People's answers to what does not wait here.
    pub answers_left_out: u64,
    /// What was about something that is not there here.
    pub moot: Vec<LeftOut>,
    /// What the story does not tell whole.
    pub untold: Vec<LeftOut>,
    /// Deeds of these types, then and now, where they are not the same number.
    pub aftermath: BTreeMap<&'static str, (u64, u64)>,
    /// Open items at the end, then and now.
    pub open: (usize, usize),
    /// How many deeds there are here.
    pub deeds: usize,
    /// The hash of their chain.
    pub chain: String,
}

impl Replay {
    /// Under that map, or under the story's own and those that came after it.
    pub fn new(story: Story, map: Option<Arc<Model>>) -> Self {
        let model = map.as_ref().unwrap_or(&story.model);
        let world = World::of(founding(model, story.begins()));
        let world = world.unwrap_or_else(|| World::new(Arc::clone(model), story.begins()));
        Self::within(story, map, world)
    }

    /// The same in a workspace that was born when the story begins, with the map that it is played under.
    pub fn within(story: Story, map: Option<Arc<Model>>, world: World) -> Self {
        let begins = story.begins();
        let its_maps = map.is_none();
        let model = map.unwrap_or_else(|| Arc::clone(&story.model));
        let told = Retold {
            workspace: model.workspace.to_string(),
            begins: clock::words(begins, &model),
            ..Retold::default()
        };
        Self {
            begins,
            its_maps,
            there: State::new(story.model.workspace.clone()),
            world,
            decisions: story.decisions.into_iter(),
            pairs: Pairs::default(),
            rows: Rows::default(),
            moot: Counted::default(),
            untold: Counted::default(),
            counts: BTreeMap::new(),
            told,
        }
    }

    /// Plays it, or that many days of it; `each` is told of the first decision of each row as it comes.
    pub fn play(mut self, days: Option<u32>, mut each: impl FnMut(Turned, &Turn)) -> Retold {
        let until = days.map(|days| self.begins.plus(Span::from_days(i64::from(days))));
        while self.next_at().is_some_and(|at| until.is_none_or(|until| at < until)) {
            if let Some((turned, turn)) = self.step() {
                each(turned, &turn);
            }
        }
        self.finish()
    }

    /// Where it is played.
    pub fn world(&mut self) -> &mut World {
        &mut self.world
    }

    /// What time it is there.
    pub fn now(&self) -> Time {
        self.world.now()
    }

    /// When the next decision of the story is.
    pub fn next_at(&self) -> Option<Time> {
        self.decisions.as_slice().first().map(|(at, _)| *at)
    }

    /// What came out otherwise so far, by rule and agent.
    pub fn turns(&self) -> Vec<Turns> {
        self.rows.told()
    }

    /// How many decisions were asked again so far, and how many came out otherwise.
    pub fn count(&self) -> (u64, u64) {
        (self.told.asked, self.told.different)
    }

    /// Plays the next decision. What it says where it is the first of its row.
    pub fn step(&mut self) -> Option<(Turned, Turn)> {
        let (at, group) = self.decisions.next()?;
        self.told.decisions += 1;
        self.world.pass_to(at);
        let first = asked::primary(&group).and_then(|deed| self.again(deed, &group));
        for deed in &group {
            *self.counts.entry(deed.body.type_name()).or_default() += 1;
            self.there.fold(deed);
        }
        self.pairs.changed(&group, &self.world.state);
        first
    }

    fn again(&mut self, deed: &Deed, group: &[Deed]) -> Option<(Turned, Turn)> {
        let (there, here, pairs) = (&self.there, &self.world.state, &self.pairs);
        let scribe = Scribe { there, here, pairs, group, deed, its_maps: self.its_maps };
        let commands = match asked::asked(&scribe) {
            Asked::Commands(commands) => commands,
            Asked::Moot(what) => {
                self.moot.add(what, deed.seq);
                self.told.answers_left_out += u64::from(matches!(deed.body, Body::ItemAnswered(_)));
                return None;
            }
            Asked::Untold(why) => {
                self.untold.add(why, deed.seq);
                return None;
            }
            Asked::Nothing => return None,
        };
        let before = self.world.deeds.len();
        let mut reply: Option<Reply> = None;
        for command in commands {
            let answer = self.send(deed, command);
            // Of several, the one that did not go through says how it came out.
            if reply.as_ref().is_none_or(|reply| !reply.outcome.is_refusal()) {
                reply = answer.or(reply);
            }
        }
        let reply = reply?;
        let made = self.world.deeds.get(before..).unwrap_or_default();
        self.pairs.same(group, made);
        if !made.is_empty() {
            self.pairs.deed(deed.seq, reply.deed);
        }
        self.told.asked += 1;
        self.told.answers += u64::from(matches!(deed.body, Body::ItemAnswered(_)));
        self.compare(deed, &reply)
    }

    fn send(&mut self, deed: &Deed, command: Command) -> Option<Reply> {
        if let (Command::Item(step), Some(then)) = (&command, deed.refs.item) {
            self.pairs.is_item(then, step.item);
        }
        let principal = asked::principal(deed, &command, &self.there);
        let traceparent = deed.traceparent.clone();
        let door = deed.door.unwrap_or(Door::Http);
        self.world.send(&Request {
            traceparent,
            door,
            proof: Proof::Supposed,
            ..Request::new(principal, command)
        })
    }

    fn compare(&mut self, deed: &Deed, reply: &Reply) -> Option<(Turned, Turn)> {
        let (then, now) = (CameOut::then(deed), CameOut::now(reply));
        let Some(turned) = then.turned(&now, told::goes_to(deed)) else {
            self.told.same += 1;
            return None;
        };
        self.told.different += 1;
        let (first, second) = deed.about();
        let about = [first, second].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        let turn = Turn {
            deed: deed.seq,
            at: clock::words(self.world.now(), self.world.state.board.map.model()),
            who: deed.actor.clone(),
            asked: deed.action.to_string(),
            about,
            then,
            now,
        };
        self.rows.add(turned, deed, &turn).then_some((turned, turn))
    }

    /// What became of it so far.
    pub fn finish(self) -> Retold {
        let Self { there, world, rows, moot, untold, counts, told, .. } = self;
        let mut here: BTreeMap<&'static str, u64> = BTreeMap::new();
        for deed in &world.deeds {
            *here.entry(deed.body.type_name()).or_default() += 1;
        }
        let of = |counts: &BTreeMap<&'static str, u64>, name| counts.get(name).copied().unwrap_or_default();
        let both = AFTERMATH.into_iter().map(|name| (name, (of(&counts, name), of(&here, name))));
        let model = world.state.board.map.model();
        Retold {
            ends: clock::words(world.now(), model),
            turns: rows.told(),
            moot: moot.told(),
            untold: untold.told(),
            aftermath: both.filter(|(_, (then, now))| then != now).collect(),
            open: (there.board.items.len(), world.state.board.items.len()),
            deeds: world.deeds.len(),
            chain: chain(model, &world.deeds),
            ..told
        }
    }
}
