//! What other maps would have said to the steps: each deed weighed anew by the rules that plan a map.

use std::sync::Arc;

use super::steps::{Steps, Tint};
use crate::domain::deed::Deed;
use crate::domain::ids::MapVersion;
use crate::domain::map::{Map, Mode, Model};
use crate::domain::state::Board;
use crate::domain::survey::plan::{Fate, Turn};
use crate::domain::survey::{Planning, Weighed};

/// A map that the steps are laid under.
#[derive(Debug)]
struct Choice {
    version: MapVersion,
    model: Arc<Model>,
    /// It only observed; here it is taken to enforce.
    made_to_enforce: bool,
}

/// The maps to choose from, oldest first, and what the chosen one says.
#[derive(Debug, Default)]
pub(super) struct Maps {
    choices: Vec<Choice>,
    at: usize,
    said: Vec<Option<Weighed>>,
}

impl Maps {
    /// The versions that are kept; after one that only observes, the same as if it enforced.
    pub(super) fn of(board: &Board, steps: &Steps) -> Self {
        let mut choices = Vec::new();
        for step in &board.maps {
            let observes = step.model.mode == Mode::Observe;
            let model = Arc::clone(&step.model);
            choices.push(Choice { version: step.version, model, made_to_enforce: false });
            if observes {
                let model = Arc::new(Model { mode: Mode::Enforce, ..Model::clone(&step.model) });
                choices.push(Choice { version: step.version, model, made_to_enforce: true });
            }
        }
        let newest = choices.iter().rposition(|choice| !choice.made_to_enforce).unwrap_or(0);
        let mut maps = Self { choices, at: newest, said: Vec::new() };
        // Where all was decided under the newest one, which only observes, there is more to say as if it enforced.
        let same = |deed: &Arc<Deed>| {
            maps.choices.get(newest).is_some_and(|choice| choice.version == deed.map_version)
        };
        if steps.deeds().iter().all(same) {
            maps.at = maps.choices.len().saturating_sub(1);
        }
        maps.weigh(steps);
        maps
    }

    /// Another version; says whether there is one.
    pub(super) fn choose(&mut self, newer: bool, steps: &Steps) -> bool {
        let next = if newer { self.at.checked_add(1) } else { self.at.checked_sub(1) };
        let Some(next) = next.filter(|next| *next < self.choices.len()) else { return false };
        self.at = next;
        self.weigh(steps);
        true
    }

    /// To that version, as it was; says whether it is kept.
    pub(super) fn go_to(&mut self, version: MapVersion, steps: &Steps) -> bool {
        let found = self.choices.iter().position(|choice| choice.version == version);
        if let Some(at) = found {
            self.at = at;
            self.weigh(steps);
        }
        found.is_some()
    }

    fn weigh(&mut self, steps: &Steps) {
        let Some(choice) = self.choices.get(self.at) else { return };
        let map = || Map::compile(Model::clone(&choice.model));
        let mut planning = Planning::new(map(), map());
        self.said = steps.deeds().iter().map(|deed| planning.weigh_one(deed)).collect();
    }

    /// `v42`, `v42 if it enforced`.
    pub(super) fn name(&self) -> String {
        let Some(choice) = self.choices.get(self.at) else { return "no map".to_owned() };
        let enforced = if choice.made_to_enforce { " if it enforced" } else { "" };
        format!("v{}{enforced}", choice.version)
    }

    /// `2 of 7 versions`.
    pub(super) fn place(&self) -> (usize, usize) {
        (self.at + 1, self.choices.len())
    }

    /// Whether the step would come out otherwise.
    fn turn(&self, at: usize) -> Option<(&Weighed, Turn)> {
        let weighed = self.said.get(at)?.as_ref()?;
        weighed.turn.map(|turn| (weighed, turn))
    }

    /// What the chosen map says to a step, in words; nothing of what no map has a say in.
    pub(super) fn words(&self, at: usize, deed: &Deed) -> Option<(String, Tint)> {
        let (name, came) = (self.name(), deed.outcome.as_str());
        if let Some((weighed, turn)) = self.turn(at) {
            return Some((sentence(&name, deed, weighed, turn), Tint::Bad));
        }
        let own = self.choices.get(self.at);
        let own = own.is_some_and(|own| own.version == deed.map_version && !own.made_to_enforce);
        self.said.get(at)?.as_ref()?;
        let text = if own {
            format!("{name}, under which it was decided: {came}")
        } else {
            format!("under {name} it is {came} as well")
        };
        Some((text, Tint::Dim))
    }

    /// What would have come out otherwise, a sentence each; what is said where nothing would.
    pub(super) fn verdict(&self, steps: &Steps) -> Vec<String> {
        let name = self.name();
        let turned = steps.deeds().iter().enumerate().filter_map(|(at, deed)| {
            let (weighed, turn) = self.turn(at)?;
            Some(sentence(&name, deed, weighed, turn))
        });
        let turned: Vec<String> = turned.collect();
        if turned.is_empty() { vec![format!("under {name} every step comes out the same")] } else { turned }
    }
}

/// `under v42, deed #57 is a proposal to support; it was committed`.
fn sentence(name: &str, deed: &Deed, weighed: &Weighed, turn: Turn) -> String {
    let came = deed.outcome.as_str();
    let would = match &weighed.would {
        Fate::Through => "let through".to_owned(),
        Fate::Proposal { .. }
        | Fate::Person { .. }
        | Fate::Refused { .. }
        | Fate::Routed { .. }
        | Fate::NotRaised
        | Fate::Known
        | Fate::Queue { .. }
        | Fate::Hidden => weighed.would.to_string(),
    };
    match turn {
        Turn::Marked => format!(
            "under {name}, deed #{} is {came} as well, and marked: {would} if it were enforced",
            deed.seq
        ),
        Turn::Stopped | Turn::Freed | Turn::Elsewhere | Turn::Hidden => {
            format!("under {name}, deed #{} is {would}; it was {came}", deed.seq)
        }
    }
}
