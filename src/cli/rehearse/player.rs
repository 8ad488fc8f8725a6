//! What is played step by step: a team that lives, or a story; and how it stands, for the console.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::console::rehearsing::{Note, Rehearsing};
use crate::domain::time::{Span, Time};
use crate::rehearse::{Life, Rehearsed, Replay, Retold, Stands, Turned, Turns, Week, World};

/// After so many more that come out otherwise the list is made anew, also where no kind is new.
const EVERY: u64 = 20;

/// One of the two.
pub(super) enum Play {
    /// A team.
    Life(Box<Life>),
    /// A story, from when on, how long it takes, and where it ends if not there.
    Story { replay: Box<Replay>, begins: Time, days: u32 },
}

/// It, with what is noted of it.
pub(super) struct Player {
    play: Play,
    notes: Arc<Vec<Note>>,
    gates: Gates,
    counted: u64,
}

type Gates = BTreeMap<String, BTreeMap<&'static str, Stands>>;

/// What became of it.
pub(super) enum Came {
    Life(Box<Rehearsed>),
    Story(Box<Retold>),
}

impl Player {
    pub(super) fn new(play: Play) -> Self {
        Self { play, notes: Arc::default(), gates: Gates::new(), counted: 0 }
    }

    pub(super) fn world(&mut self) -> &mut World {
        match &mut self.play {
            Play::Life(life) => life.world(),
            Play::Story { replay, .. } => replay.world(),
        }
    }

    pub(super) fn now(&self) -> Time {
        match &self.play {
            Play::Life(life) => life.now(),
            Play::Story { replay, .. } => replay.now(),
        }
    }

    /// When the next thing happens.
    pub(super) fn next_at(&self) -> Option<Time> {
        match &self.play {
            Play::Life(life) => life.next_at(),
            Play::Story { replay, .. } => replay.next_at(),
        }
    }

    /// Lets it happen. False where nothing is left.
    pub(super) fn step(&mut self) -> bool {
        match &mut self.play {
            Play::Life(life) => match life.step() {
                Some(Some(week)) => self.note_week(week),
                Some(None) => {}
                None => return false,
            },
            Play::Story { replay, begins, days } => {
                let until = begins.plus(Span::from_days(i64::from(*days)));
                if replay.next_at().is_none_or(|at| at >= until) {
                    return false;
                }
                let is_new = replay.step().is_some();
                let (_, different) = replay.count();
                if is_new || different >= self.counted + EVERY {
                    self.counted = different;
                    self.notes = Arc::new(replay.turns().iter().map(note_of).collect());
                }
            }
        }
        true
    }

    fn note_week(&mut self, week: Week) {
        let mut notes = Vec::new();
        for (agent, gates) in &week.agents {
            for (gate, stands) in gates {
                let was = self.gates.get(agent).and_then(|gates| gates.get(gate));
                let was = was.map_or("too little", |stands| stands.state);
                if was != stands.state {
                    let head = format!("week {}  {agent} {gate}: {was} → {}", week.week, stands.state);
                    notes.push(Note { head, more: stands.words.clone(), stops: stands.state == "fails" });
                }
            }
        }
        // The latest week stands first.
        notes.extend(self.notes.iter().cloned());
        self.notes = Arc::new(notes);
        self.gates = week.agents;
    }

    /// How it stands, but for how fast it goes.
    pub(super) fn stands(&self) -> Rehearsing {
        let (day, days) = match &self.play {
            Play::Life(life) => life.day(),
            Play::Story { replay, begins, days } => {
                let day = replay.now().since(*begins).micros() / Span::from_days(1).micros();
                (u32::try_from(day).unwrap_or(u32::MAX).saturating_add(1).min(*days), *days)
            }
        };
        let (title, none) = match self.play {
            Play::Life(_) => ("How readiness comes to be", "No week is over yet."),
            Play::Story { .. } => ("What would have been different", "Nothing came out otherwise so far."),
        };
        let notes = Arc::clone(&self.notes);
        Rehearsing { now: self.now(), day, days, title, none, notes, ..Rehearsing::default() }
    }

    /// What became of it so far.
    pub(super) fn finish(self) -> Came {
        match self.play {
            Play::Life(life) => Came::Life(Box::new(life.told())),
            Play::Story { replay, .. } => Came::Story(Box::new(replay.finish())),
        }
    }
}

fn note_of(row: &Turns) -> Note {
    let Turns { turned, who, asked, about, then, now, count, examples } = row;
    let first = examples.first();
    let why = first.and_then(|turn| turn.now.why.as_deref().or(turn.then.why.as_deref()));
    let at = first.map(|turn| format!("{}, deed {}", turn.at, turn.deed)).unwrap_or_default();
    Note {
        head: format!("{count} ×  {who} {asked} {about}: {then} → {now}"),
        more: why.map_or_else(|| at.clone(), |why| format!("{at}: {why}")),
        stops: *turned == Turned::Stopped,
    }
}
