//! Who was turned away lately, and why. The first refusal of a minute is recorded as any other, of those by rules the first
//! few; those after it are counted here and told by one deed when the minute is over. A crash loses less than a minute of
//! counts, and nothing else.

use std::collections::BTreeMap;

use super::{Clock, Envelope};
use crate::domain::code::Code;
use crate::domain::command::{Command, Principal, Request};
use crate::domain::decide::TurnAway;
use crate::domain::ids::{Actor, Seq};
use crate::domain::things::{TokenClass, TurnedAway};
use crate::domain::time::{Span, Time};

/// For how long refusals of one kind count with the first.
const WINDOW: Span = Span::from_secs(60);
/// Most counts that are told at once; the next batch takes the rest.
const TOLD_AT_ONCE: usize = 64;
/// Most callers and reasons at once. Beyond it each refusal has a deed of its own again.
const MOST: usize = 16_384;

/// What one caller was told, for one reason.
#[derive(Debug)]
struct Turns {
    since: Time,
    first: Seq,
    /// How many were recorded by themselves.
    alone: u32,
    more: u64,
}

impl Turns {
    /// Whether the minute is over, and nothing of it is to be told.
    fn is_over(&self, now: Time) -> bool {
        self.more == 0 && now.since(self.since) >= WINDOW
    }
}

/// Everybody who was turned away within the last minute.
#[derive(Debug, Default)]
pub(super) struct Door {
    turns: BTreeMap<(Actor, Code), Turns>,
}

impl Door {
    /// Counts one more, and says which deed stands for it; none where it is to be recorded by itself.
    pub(super) fn count(&mut self, who: &Actor, refusal: TurnAway, now: Time) -> Option<Seq> {
        let turns = self.turns.get_mut(&(who.clone(), refusal.code))?;
        if turns.is_over(now) || turns.alone < refusal.singly && turns.more == 0 {
            return None;
        }
        turns.more += 1;
        Some(turns.first)
    }

    /// One that was recorded, by that deed.
    pub(super) fn open(&mut self, who: &Actor, code: Code, (now, deed): (Time, Seq)) {
        let key = (who.clone(), code);
        if let Some(turns) = self.turns.get_mut(&key).filter(|turns| !turns.is_over(now)) {
            turns.alone += 1;
            return;
        }
        if self.turns.len() >= MOST {
            self.turns.retain(|_, turns| !turns.is_over(now));
        }
        if self.turns.len() < MOST {
            self.turns.insert(key, Turns { since: now, first: deed, alone: 1, more: 0 });
        }
    }

    /// The deeds that stand for the counts may not have been recorded: all begins anew.
    pub(super) fn forget(&mut self) {
        self.turns.clear();
    }

    /// Whether something is counted that no deed tells yet.
    pub(super) fn is_counting(&self) -> bool {
        self.turns.values().any(|turns| turns.more > 0)
    }

    /// Returns when a count is to be told; never, where there is none.
    pub(super) async fn due(&self, clock: &Clock) {
        let counted = self.turns.values().filter(|turns| turns.more > 0);
        match counted.map(|turns| turns.since.plus(WINDOW)).min() {
            Some(due) => clock.reach(due).await,
            None => std::future::pending().await,
        }
    }

    /// What is to be told by now; at the end, all of it.
    pub(super) fn tell(&mut self, now: Time, at_the_end: bool) -> Option<Envelope> {
        let over = |turns: &Turns| turns.more > 0 && (at_the_end || now.since(turns.since) >= WINDOW);
        let told = self.turns.iter().filter(|(_, turns)| over(turns)).take(TOLD_AT_ONCE);
        let told: Vec<(Actor, Code)> = told.map(|(key, _)| key.clone()).collect();
        let mut requests = Vec::with_capacity(told.len());
        for key in told {
            let Some(Turns { since, first, more, .. }) = self.turns.remove(&key) else { continue };
            let (who, code) = key;
            let turned = TurnedAway { who, code, count: more, first, since };
            let principal = Principal { actor: Actor::Deeds, class: TokenClass::Admin, token: None };
            requests.push(Request::new(principal, Command::TurnAway(turned)));
        }
        (!requests.is_empty()).then(|| Envelope::of(requests, None, None))
    }
}
