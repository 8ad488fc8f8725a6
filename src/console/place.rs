//! Where a reader can be, and the way back.

use super::action::Action;
use super::keymap::Context;
use crate::domain::ids::{AlertNo, ItemNo, Seq};

/// Places that `back` remembers.
const HISTORY: usize = 100;

/// One of the views.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum View {
    /// The decisions that wait.
    Inbox,
    /// Everything that happened.
    Log,
    /// Who owns what.
    Map,
    /// The open alerts.
    Conflicts,
    /// Who acts, and how ready each of them and the team are.
    Agents,
    /// What agents have to do, hold and wait for.
    Work,
    /// The last minutes, a lane for each agent.
    Watch,
}

impl View {
    /// All of them, in the order of their tabs.
    pub const ALL: [Self; 7] =
        [Self::Inbox, Self::Log, Self::Map, Self::Conflicts, Self::Agents, Self::Work, Self::Watch];

    /// The name on the tab and in commands.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inbox => "inbox",
            Self::Log => "log",
            Self::Map => "map",
            Self::Conflicts => "conflicts",
            Self::Agents => "agents",
            Self::Work => "work",
            Self::Watch => "watch",
        }
    }

    /// The view of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|view| view.name() == name)
    }

    /// The action that leads there.
    pub fn action(self) -> Action {
        match self {
            Self::Inbox => Action::ViewInbox,
            Self::Log => Action::ViewLog,
            Self::Map => Action::ViewMap,
            Self::Conflicts => Action::ViewConflicts,
            Self::Agents => Action::ViewAgents,
            Self::Work => Action::ViewWork,
            Self::Watch => Action::ViewWatch,
        }
    }

    /// Its keys.
    pub fn context(self) -> Context {
        match self {
            Self::Inbox => Context::Inbox,
            Self::Log => Context::Log,
            Self::Map => Context::Map,
            Self::Conflicts => Context::Conflicts,
            Self::Agents => Context::Agents,
            Self::Work => Context::Work,
            Self::Watch => Context::Watch,
        }
    }
}

/// A spot within a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spot {
    /// An inbox item.
    Item(ItemNo),
    /// A deed.
    Deed(Seq),
    /// What led to a deed, and what it led to.
    Chain(Seq),
    /// An alert.
    Alert(AlertNo),
    /// What a filter shows, in the filter language.
    Filter(String),
    /// A path of the map: an entity, a field, or a pattern.
    Path(String),
    /// A line of the Work or the Agents view, by its name.
    Line(String),
}

/// A view, and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The view.
    pub view: View,
    /// Where in it, if not wherever the reader last was.
    pub spot: Option<Spot>,
}

impl Place {
    /// A view, wherever the reader last was in it.
    pub fn view(view: View) -> Self {
        Self { view, spot: None }
    }

    /// A spot in a view.
    pub fn at(view: View, spot: Spot) -> Self {
        Self { view, spot: Some(spot) }
    }
}

/// Where the reader came from, and where `forward` leads.
#[derive(Debug, Clone, Default)]
pub struct History {
    back: Vec<Place>,
    forward: Vec<Place>,
}

impl History {
    /// The reader leaves a place for a new one.
    pub fn left(&mut self, place: Place) {
        self.forward.clear();
        self.push(place);
    }

    /// The place before, if there is one; `here` is where `forward` will lead.
    pub fn back(&mut self, here: Place) -> Option<Place> {
        let place = self.back.pop()?;
        self.forward.push(here);
        Some(place)
    }

    /// The place that was left by `back`.
    pub fn forward(&mut self, here: Place) -> Option<Place> {
        let place = self.forward.pop()?;
        self.push(here);
        Some(place)
    }

    fn push(&mut self, place: Place) {
        if self.back.last() == Some(&place) {
            return;
        }
        self.back.push(place);
        if self.back.len() > HISTORY {
            self.back.remove(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_and_forward_retrace_the_way() {
        let place = Place::view;
        let mut history = History::default();
        history.left(place(View::Inbox));
        history.left(place(View::Log));
        assert_eq!(history.back(place(View::Map)), Some(place(View::Log)));
        assert_eq!(history.back(place(View::Log)), Some(place(View::Inbox)));
        assert_eq!(history.back(place(View::Inbox)), None);
        assert_eq!(history.forward(place(View::Inbox)), Some(place(View::Log)));
        history.left(place(View::Log));
        assert_eq!(history.forward(place(View::Conflicts)), None);
    }
}
