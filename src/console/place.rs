//! Where a reader can be, and the way back.

use serde::{Deserialize, Serialize};

use super::action::Action;
use super::keymap::Context;
use crate::domain::ids::{AlertNo, ItemNo, Seq};

/// Places that `back` remembers.
const HISTORY: usize = 100;

macro_rules! views {
    ($($view:ident $name:literal $action:ident $doc:literal;)*) => {
        /// One of the views.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum View {
            $(#[doc = $doc] $view,)*
        }

        impl View {
            /// All of them, in the order of their tabs.
            pub const ALL: &'static [Self] = &[$(Self::$view,)*];

            /// The name on the tab and in commands.
            pub fn name(self) -> &'static str {
                match self { $(Self::$view => $name,)* }
            }

            /// The action that leads there.
            pub fn action(self) -> Action {
                match self { $(Self::$view => Action::$action,)* }
            }

            /// Its keys.
            pub fn context(self) -> Context {
                match self { $(Self::$view => Context::$view,)* }
            }
        }
    };
}

views! {
    Inbox "inbox" ViewInbox "The decisions that wait.";
    Log "log" ViewLog "Everything that happened.";
    Map "map" ViewMap "Who owns what.";
    Conflicts "conflicts" ViewConflicts "The open alerts.";
    Agents "agents" ViewAgents "Who acts, and how ready each of them and the team are.";
    Work "work" ViewWork "What agents have to do, hold and wait for.";
    Watch "watch" ViewWatch "The last minutes, a lane for each agent.";
}

impl View {
    /// The view of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|view| view.name() == name)
    }
}

/// A spot within a view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Spot {
    /// An inbox item.
    Item(ItemNo),
    Deed(Seq),
    /// What led to a deed, and what it led to.
    Chain(Seq),
    Alert(AlertNo),
    /// What a filter shows, in the filter language.
    Filter(String),
    /// A deed among those that a filter shows.
    Within(String, Seq),
    /// A path of the map: an entity, a field, or a pattern.
    Path(String),
    /// A line of the Work or the Agents view, by its name.
    Line(String),
}

/// A view, and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
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

    /// Whether there is no place before.
    pub fn is_empty(&self) -> bool {
        self.back.is_empty()
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
