//! A rehearsal under way, step by step: whoever shows it decides how fast.

use std::collections::VecDeque;

use chrono::NaiveDate;

use super::hands::Hands;
use super::random::Random;
use super::weeks::{Due, NEW, QUESTIONS, Rehearsal, Rehearsed, TROUBLE, Week};
use super::world::World;
use crate::domain::time::Time;

/// A team that lives.
pub struct Life {
    rehearsal: Rehearsal,
    hands: Hands,
    /// How many days have begun.
    day: u32,
    today: Option<NaiveDate>,
    tomorrow: Option<NaiveDate>,
    agenda: VecDeque<(Time, Due)>,
    weeks: Vec<Week>,
}

impl Life {
    /// In that workspace, from now on.
    pub fn new(rehearsal: Rehearsal, world: World) -> Self {
        let random = Random::new(rehearsal.seed, rehearsal.model.workspace.as_str());
        let first = rehearsal.begins.utc().with_timezone(&rehearsal.model.zone()).date_naive();
        Self {
            rehearsal,
            hands: Hands::new(world, random),
            day: 0,
            today: None,
            tomorrow: Some(first),
            agenda: VecDeque::new(),
            weeks: Vec::new(),
        }
    }

    /// Where it lives.
    pub fn world(&mut self) -> &mut World {
        &mut self.hands.world
    }

    /// What time it is there.
    pub fn now(&self) -> Time {
        self.hands.world.now()
    }

    /// Which day it is, from 1, and of how many.
    pub fn day(&self) -> (u32, u32) {
        (self.day.max(1), self.rehearsal.days)
    }

    /// When the next thing happens; none where a day ends or begins first.
    pub fn next_at(&self) -> Option<Time> {
        self.agenda.front().map(|(at, _)| *at)
    }

    /// Lets the next thing happen; the week that ended with it, where one did. None where all days are over.
    pub fn step(&mut self) -> Option<Option<Week>> {
        if let Some((at, due)) = self.agenda.pop_front() {
            if at >= self.hands.world.now() {
                self.hands.world.pass_to(at);
                self.rehearsal.happens(&mut self.hands, due);
            }
            return Some(None);
        }
        if let Some(date) = self.today.take() {
            return Some(self.end_of_day(date));
        }
        if self.day == self.rehearsal.days {
            return None;
        }
        let date = self.tomorrow?;
        let is_new = self.day < NEW;
        self.hands.trouble = if is_new { TROUBLE.0 } else { TROUBLE.1 };
        self.hands.questions = if is_new { QUESTIONS.0 } else { QUESTIONS.1 };
        self.agenda = self.rehearsal.agenda(&mut self.hands, date).into();
        self.day += 1;
        (self.today, self.tomorrow) = (Some(date), date.succ_opt());
        Some(None)
    }

    fn end_of_day(&mut self, date: NaiveDate) -> Option<Week> {
        let ends = self.rehearsal.midnight(date.succ_opt()).unwrap_or_default();
        self.hands.world.pass_to(ends);
        if !self.day.is_multiple_of(7) && self.day != self.rehearsal.days {
            return None;
        }
        let week = self.rehearsal.week(&self.hands.world, self.day.div_ceil(7));
        self.weeks.push(week.clone());
        Some(week)
    }

    /// What became of it so far.
    pub fn told(self) -> Rehearsed {
        self.rehearsal.told(&self.hands.world, self.weeks)
    }
}
