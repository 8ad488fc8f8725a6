//! How ready each agent is, as RULES §14 has it, held against what the program says.

use std::collections::BTreeSet;

use super::lives::{Life, Lives, Turn};
use deeds::domain::ids::AgentId;
use deeds::domain::map::Model;
use deeds::domain::readiness::{GateKind, GateState, readiness};
use deeds::domain::state::Board;
use deeds::domain::time::{Span, Time};

/// Fewest deeds that are compared.
const FEWEST: usize = 20;
/// How far back approvals are looked for.
const APPROVALS_DAYS: i64 = 180;

/// A verdict, and the figures that it must show.
type Verdict = (GateState, Vec<usize>);

/// What is asked, and when.
pub(super) struct Asked<'a> {
    pub(super) lives: &'a Lives,
    pub(super) model: &'a Model,
    pub(super) now: Time,
}

impl Asked<'_> {
    pub(super) fn days(&self) -> i64 {
        i64::from(self.model.readiness.map_or(28, |asked| asked.days))
    }

    fn approvals(&self) -> usize {
        self.model.readiness.map_or(20, |asked| asked.approvals) as usize
    }

    /// Whether so many of all are more than the part that is asked for.
    fn passes(&self, some: usize, all: usize) -> bool {
        let rate = self.model.readiness.map_or(0.85, |asked| f64::from(asked.rate));
        // In ten-thousandths, as a map can say it.
        let part = (0..10_000_u32).find(|part| (f64::from(*part) - rate * 10_000.0).abs() < 1e-6).unwrap();
        some * 10_000 > all * part as usize
    }

    /// What was within that time up to now: what is as old as that to the microsecond is over.
    fn within(&self, at: Time, span: Span) -> bool {
        at > self.now.minus(span)
    }

    fn within_days(&self, at: Time, days: i64) -> bool {
        self.within(at, Span::from_days(days))
    }

    fn live_since(&self, agent: &AgentId, life: &Life) -> Option<Time> {
        let first = life.deeds.iter().map(|(at, _)| *at).min()?;
        let said = self.model.agent(agent).and_then(|agent| agent.live_since);
        let said = said.map(|day| {
            let midnight = day.and_hms_opt(0, 0, 0).unwrap().and_utc();
            Time::from_micros(midnight.timestamp_micros())
        });
        Some(said.map_or(first, |said| said.max(first)))
    }

    pub(super) fn is_live_for(&self, agent: &AgentId, life: &Life, span: Span) -> bool {
        self.live_since(agent, life).is_some_and(|since| self.now.since(since) >= span)
    }

    pub(super) fn gate(&self, kind: GateKind, agent: &AgentId, life: &Life) -> Verdict {
        match kind {
            GateKind::Stable => self.stable(agent, life),
            GateKind::Trusted => self.trusted(agent, life),
            GateKind::Consistent => self.consistent(agent, life),
            GateKind::Documented => (self.documented(agent), Vec::new()),
            GateKind::Reviewed => self.reviewed(agent),
            GateKind::Quiet => self.quiet(agent, life),
        }
    }

    fn stable(&self, agent: &AgentId, life: &Life) -> Verdict {
        let days = self.days();
        let hands = life.stepped_in.iter().filter(|at| self.within_days(**at, days)).count();
        if hands > 0 {
            return (GateState::Fails, vec![hands, whole(days)]);
        }
        let Some(since) = self.live_since(agent, life) else { return (GateState::TooLittle, Vec::new()) };
        let live = (self.now.since(since).micros() / Span::from_days(1).micros()).max(0);
        if live < days {
            return (GateState::TooLittle, vec![whole(live), whole(days)]);
        }
        let seen = life.deeds.iter().any(|(at, _)| self.within_days(*at, days));
        (if seen { GateState::Holds } else { GateState::TooLittle }, vec![whole(days)])
    }

    fn trusted(&self, agent: &AgentId, life: &Life) -> Verdict {
        let asked = self.approvals();
        let mut of_late: Vec<(Time, bool)> = life
            .answers
            .iter()
            .map(|(_, at, plain)| (*at, *plain))
            .filter(|(at, _)| self.within_days(*at, APPROVALS_DAYS))
            .collect();
        of_late.sort_by_key(|(at, _)| *at);
        let recent = of_late.iter().filter(|(at, _)| self.within_days(*at, self.days())).count();
        let taken = if recent >= asked { recent } else { asked.min(of_late.len()) };
        let looked_at = &of_late[of_late.len() - taken..];
        let plain = looked_at.iter().filter(|(_, plain)| *plain).count();
        if taken >= asked {
            let state = if self.passes(plain, taken) { GateState::Holds } else { GateState::Fails };
            return (state, vec![taken]);
        }
        // All that may still come are approved as they are.
        if !self.passes(asked - (taken - plain), asked) {
            return (GateState::Fails, vec![taken, asked, plain]);
        }
        let needed = |name: &String| {
            self.model.outputs.iter().any(|output| output.name == *name && output.needs_approval)
        };
        let needs = self.model.agent(agent).is_some_and(|agent| agent.outputs.iter().any(needed));
        if needs || taken > 0 {
            return (GateState::TooLittle, vec![taken, asked]);
        }
        (GateState::Holds, Vec::new())
    }

    fn consistent(&self, agent: &AgentId, life: &Life) -> Verdict {
        let window = Span::from_days(self.days());
        let two = Span::from_days(2 * self.days());
        let span =
            if self.is_live_for(agent, life, two) { window } else { Span::from_micros(window.micros() / 2) };
        let sum = |to: Time| {
            let from = to.minus(span);
            let inside = |at: Time| at > from && at <= to;
            let deeds = life.deeds.iter().filter(|(at, _)| inside(*at)).count();
            let away = life.deeds.iter().filter(|(at, away)| inside(*at) && *away).count();
            let slips = life.slips.iter().filter(|at| inside(**at)).count();
            (deeds, away + slips)
        };
        let ((now, bad_now), (before, bad_before)) = (sum(self.now), sum(self.now.minus(span)));
        if now < FEWEST || before < FEWEST {
            return (GateState::TooLittle, Vec::new());
        }
        let worse = bad_now > 0 && bad_now * before * 2 >= bad_before * now * 3;
        (if worse { GateState::Fails } else { GateState::Holds }, Vec::new())
    }

    fn documented(&self, agent: &AgentId) -> GateState {
        let Some(known) = self.model.agent(agent) else { return GateState::Fails };
        let routed =
            self.model.routes.iter().any(|route| route.agent == *agent || route.then.contains(agent));
        let fails = known.triggers.is_empty() && !routed
            || known.writes.is_empty() && known.outputs.is_empty()
            || self.model.queues.is_empty()
            || self.is_overdue();
        if fails { GateState::Fails } else { GateState::Holds }
    }

    fn is_overdue(&self) -> bool {
        let quarter = (self.model.agents.len() >= 2).then(|| Span::from_days(90));
        let every = self.model.review_every.or(quarter);
        let care = self.lives.care.unwrap();
        every.is_some_and(|every| self.now >= care.plus(every))
    }

    fn reviewed(&self, agent: &AgentId) -> Verdict {
        let named = self.model.agent(agent).and_then(|agent| agent.escalates_to.clone());
        let queue = named.or_else(|| self.model.queues.first().map(|queue| queue.name.clone()));
        let queue = self.model.queues.iter().find(|known| Some(&known.name) == queue.as_ref());
        let Some(queue) = queue.filter(|queue| queue.review.is_some()) else {
            return (GateState::Fails, Vec::new());
        };
        let none = Vec::new();
        let turns: &Vec<Turn> = self.lives.reviews.get(&queue.name).unwrap_or(&none);
        let of_late: Vec<&Turn> =
            turns.iter().filter(|turn| self.within_days(turn.due, self.days())).collect();
        let held = of_late.iter().filter(|turn| turn.held).count();
        let figures = vec![held, of_late.len()];
        if of_late.last().is_some_and(|last| !last.held || last.late) || held * 10 < of_late.len() * 9 {
            return (GateState::Fails, figures);
        }
        if of_late.is_empty() { (GateState::TooLittle, Vec::new()) } else { (GateState::Holds, figures) }
    }

    fn quiet(&self, agent: &AgentId, life: &Life) -> Verdict {
        let days = self.days().min(14);
        let mine = || self.lives.troubles.values().filter(|one| one.failure && one.who.contains(agent));
        if mine().any(|one| one.open) {
            return (GateState::Fails, Vec::new());
        }
        let past = mine().filter(|one| self.within_days(one.last, days)).count();
        if past > 0 {
            return (GateState::Fails, Vec::new());
        }
        let seen = life.deeds.iter().any(|(at, _)| self.within_days(*at, days));
        let live = self.is_live_for(agent, life, Span::from_days(days));
        (if live && seen { GateState::Holds } else { GateState::TooLittle }, Vec::new())
    }
}

/// Days, as they are shown.
fn whole(days: i64) -> usize {
    usize::try_from(days).unwrap()
}

impl Lives {
    /// The program says of every agent what these rules say now.
    pub(super) fn check(&self, board: &Board, now: Time) {
        let asked = Asked { lives: self, model: board.map.model(), now };
        asked.check(board);
        asked.check_next(board);
    }

    /// And at each edge of what happened.
    pub(super) fn check_edges(&self, board: &Board, now: Time) {
        let model = board.map.model();
        for at in self.edges(model, now) {
            Asked { lives: self, model, now: at }.check(board);
        }
    }

    /// Now, and the microseconds around which something of what happened is over.
    fn edges(&self, model: &Model, now: Time) -> BTreeSet<Time> {
        let days = i64::from(model.readiness.map_or(28, |asked| asked.days));
        let half = Span::from_micros(Span::from_days(days).micros() / 2);
        let quarter = model.review_every.unwrap_or(Span::from_days(90));
        let whole = [days, 2 * days, days.min(14), APPROVALS_DAYS].map(Span::from_days);
        let lives = self.each.values().flat_map(|life| {
            let firsts = life.deeds.iter().take(1).chain(life.deeds.iter().rev().take(2)).map(|(at, _)| *at);
            let answers = life.answers.iter().rev().take(4).map(|(_, at, _)| *at);
            let others = life.slips.iter().rev().take(1).chain(life.stepped_in.iter().rev().take(2)).copied();
            firsts.chain(answers).chain(others)
        });
        let troubles = self.troubles.values().rev().take(2).map(|one| one.last);
        let reviews = self.reviews.values().flat_map(|turns| turns.iter().rev().take(3).map(|turn| turn.due));
        let events: BTreeSet<Time> = lives.chain(troubles).chain(reviews).chain(self.care).collect();
        let mut edges = BTreeSet::from([now, now.plus(Span::from_days(1))]);
        for at in events {
            for span in whole.into_iter().chain([half, quarter]) {
                let over = at.plus(span);
                edges.extend([over.minus(Span::from_micros(1)), over].into_iter().filter(|at| *at > now));
            }
        }
        edges
    }
}

impl Asked<'_> {
    fn check(&self, board: &Board) {
        let team = readiness(board, self.now);
        let nobody = Life::default();
        let map = self.model.agents.iter().map(|agent| agent.id.clone());
        let all: BTreeSet<AgentId> = map.chain(self.lives.each.keys().cloned()).collect();
        let shown: BTreeSet<AgentId> = team.agents.iter().map(|agent| agent.agent.clone()).collect();
        assert_eq!(shown, all, "who is looked at");
        for agent in &team.agents {
            let life = self.lives.each.get(&agent.agent).unwrap_or(&nobody);
            assert_eq!(agent.live_since, self.live_since(&agent.agent, life), "{}", agent.agent);
            for gate in &agent.gates {
                let (state, figures) = self.gate(gate.kind, &agent.agent, life);
                let why = || format!("{} at {}: {gate:#?}\n{}", agent.agent, self.now, team.asked);
                assert_eq!(gate.state, state, "{}", why());
                let numbers: Vec<usize> =
                    gate.words.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
                for figure in figures {
                    assert!(numbers.contains(&figure), "{figure} is not told: {}", why());
                }
            }
        }
    }
}
