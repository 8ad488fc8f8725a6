//! Who is decided next: a lane for each principal, and a turn for whoever has cost least so far. People go before agents.
//!
//! An agent that floods waits behind its own commands, nobody else does. What a turn costs is known only afterwards: the
//! commands and the bytes that they left behind. A lane that was empty begins where the others are, so that nobody saves
//! up for a flood.

use std::collections::{BTreeSet, HashMap, VecDeque};

use super::{Envelope, Mixed, Standing};
use crate::domain::ids::Actor;

/// What a command costs beside its bytes, which count one each.
const COMMAND: u64 = 1_024;
/// So many lanes may be remembered although nothing is in them.
const REMEMBERED: usize = 1_024;

/// What waits to be decided.
#[derive(Default)]
pub(super) struct Lanes {
    /// Decided before, and put back: as if nobody had looked at them.
    again: VecDeque<Envelope>,
    people: Turns,
    agents: Turns,
    mixed: Mixed<Actor>,
}

impl Lanes {
    /// Lets a letter wait in its lane.
    pub(super) fn push(&mut self, letter: Envelope) {
        self.mixed.saw(&letter.from);
        self.of(letter.standing).push(letter);
    }

    /// Puts letters back to the front, in their order.
    pub(super) fn push_again(&mut self, letters: Vec<Envelope>) {
        for letter in letters.into_iter().rev() {
            self.again.push_front(letter);
        }
    }

    /// The next letter, if it fits.
    pub(super) fn pop_if(&mut self, fits: impl Fn(&Envelope) -> bool) -> Option<Envelope> {
        if !self.again.is_empty() {
            return self.again.pop_front_if(|letter| fits(letter));
        }
        let turns = if self.people.is_empty() { &mut self.agents } else { &mut self.people };
        turns.pop_if(fits)
    }

    /// Takes down what that letter's commands cost.
    pub(super) fn charge(&mut self, (standing, from): &(Standing, Actor), commands: usize, bytes: usize) {
        let cost = (commands as u64).saturating_mul(COMMAND).saturating_add(bytes as u64);
        self.of(*standing).charge(from, cost);
    }

    /// Whether several principals want their turns at present.
    pub(super) fn are_shared(&self) -> bool {
        self.mixed.is_shared()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.again.is_empty() && self.people.is_empty() && self.agents.is_empty()
    }

    /// Takes out everything.
    pub(super) fn drain(&mut self) -> Vec<Envelope> {
        std::iter::from_fn(|| self.pop_if(|_| true)).collect()
    }

    fn of(&mut self, standing: Standing) -> &mut Turns {
        match standing {
            Standing::Agent => &mut self.agents,
            Standing::Person => &mut self.people,
        }
    }
}

/// The lanes of one standing.
#[derive(Default)]
struct Turns {
    lanes: HashMap<Actor, Lane>,
    /// The lanes with letters, by what they have cost.
    order: BTreeSet<(u64, Actor)>,
    /// What whoever had the last turn had cost before it.
    now: u64,
}

#[derive(Default)]
struct Lane {
    letters: VecDeque<Envelope>,
    spent: u64,
}

impl Turns {
    fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    fn push(&mut self, letter: Envelope) {
        let lane = self.lanes.entry(letter.from.clone()).or_default();
        if lane.letters.is_empty() {
            lane.spent = lane.spent.max(self.now);
            self.order.insert((lane.spent, letter.from.clone()));
        }
        lane.letters.push_back(letter);
    }

    fn pop_if(&mut self, fits: impl Fn(&Envelope) -> bool) -> Option<Envelope> {
        let (spent, actor) = self.order.first()?.clone();
        let lane = self.lanes.get_mut(&actor)?;
        let letter = lane.letters.pop_front_if(|letter| fits(letter))?;
        self.now = spent;
        if lane.letters.is_empty() {
            self.order.remove(&(spent, actor));
        }
        self.forget();
        Some(letter)
    }

    fn charge(&mut self, actor: &Actor, cost: u64) {
        let Some(lane) = self.lanes.get_mut(actor) else { return };
        let waits = self.order.remove(&(lane.spent, actor.clone()));
        lane.spent = lane.spent.saturating_add(cost);
        if waits {
            self.order.insert((lane.spent, actor.clone()));
        }
    }

    /// Lets go of lanes that would begin where the others are.
    fn forget(&mut self) {
        if self.lanes.len() > REMEMBERED {
            let now = self.now;
            self.lanes.retain(|_, lane| !lane.letters.is_empty() || lane.spent > now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{AgentId, PersonId};

    fn agent(name: &str) -> Actor {
        Actor::Agent(AgentId::new(name).unwrap())
    }

    fn letter(from: &Actor) -> Envelope {
        let standing = if from.agent().is_some() { Standing::Agent } else { Standing::Person };
        let from = from.clone();
        Envelope { from, standing, requests: Vec::new(), reply: None, places: None, attempts: 0 }
    }

    fn order(lanes: &mut Lanes, cost: impl Fn(&Actor) -> usize) -> Vec<String> {
        let next = || {
            let letter = lanes.pop_if(|_| true)?;
            lanes.charge(&(letter.standing, letter.from.clone()), 1, cost(&letter.from));
            Some(letter.from.name().to_owned())
        };
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn who_floods_waits_behind_themselves_and_people_wait_behind_no_agent() {
        let mut lanes = Lanes::default();
        let (flood, quiet) = (agent("flood"), agent("quiet"));
        let dana = Actor::Person(PersonId::new("dana").unwrap());
        for _ in 0..3 {
            lanes.push(letter(&flood));
        }
        lanes.push(letter(&quiet));
        lanes.push(letter(&dana));
        assert!(lanes.are_shared());
        let served = order(&mut lanes, |_| 0);
        assert_eq!(served, ["dana", "flood", "quiet", "flood", "flood"]);
        assert!(lanes.is_empty());
    }

    #[test]
    fn a_turn_costs_what_it_left_behind() {
        let mut lanes = Lanes::default();
        let (dear, cheap) = (agent("dear"), agent("cheap"));
        for _ in 0..2 {
            lanes.push(letter(&dear));
        }
        for _ in 0..4 {
            lanes.push(letter(&cheap));
        }
        let served = order(&mut lanes, |from| if *from == dear { 3 * 1_024 } else { 0 });
        assert_eq!(served, ["cheap", "dear", "cheap", "cheap", "cheap", "dear"]);
    }

    #[test]
    fn nobody_saves_up_and_what_is_put_back_goes_first() {
        let mut lanes = Lanes::default();
        let (busy, new) = (agent("busy"), agent("new"));
        for _ in 0..5 {
            lanes.push(letter(&busy));
        }
        for _ in 0..3 {
            let letter = lanes.pop_if(|_| true).unwrap();
            lanes.charge(&(letter.standing, letter.from), 1, 0);
        }
        for _ in 0..3 {
            lanes.push(letter(&new));
        }
        lanes.push_again(vec![letter(&busy)]);
        let served = order(&mut lanes, |_| 0);
        let new = served.iter().take(4).filter(|name| *name == "new").count();
        assert_eq!(new, 2, "{served:?}");
        assert!(served.first().is_some_and(|name| name == "busy"));
    }
}
