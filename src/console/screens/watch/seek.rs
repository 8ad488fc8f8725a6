//! To the next deed of a lane, or to the next one that needs a look: among those in sight, else asked of the server.

use std::sync::Arc;

use super::lanes::Lane;
use super::{Sent, Watch, held};
use crate::client::{Direction, LedgerQuery};
use crate::console::ask::{Page, What};
use crate::console::screens::Want;
use crate::console::world::World;
use crate::domain::deed::Deed;
use crate::domain::ids::Seq;
use crate::domain::outcome::Outcome;
use crate::domain::time::{Span, Time};

/// A deed out of sight that is looked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Sought {
    /// The first one of the ledger.
    First,
    /// The first one that happened before that moment, which is the ledger's first: of a history that was taken in.
    Before(Time),
    /// The one of that number.
    Deed(Seq),
    /// The nearest one in time.
    Near {
        /// After the moment, or before it.
        later: bool,
        /// From where.
        from: Time,
        /// Of one lane; else of all those that need a look.
        lane: Option<Lane>,
    },
}

impl Watch {
    /// Time is held, with the cursor on what it was on.
    pub(super) fn hold_here(&mut self, world: &World) {
        let window = self.window(world);
        let grid = self.grid(&window);
        let column = self.column(&window, &grid);
        self.hold(world);
        self.cursor.at = Some(window.start_of(column));
    }

    /// To the deed after the cursor or before it: of its lane, or of any lane where it must need a look.
    pub(super) fn neighbour(&mut self, later: bool, attention: bool, world: &World) -> Vec<Want> {
        let window = self.window(world);
        let grid = self.grid(&window);
        let column = self.column(&window, &grid);
        let here =
            self.selected(world).map_or((window.start_of(column), Seq(0)), |deed| (deed.time, deed.seq));
        let counts = self.held.counts(&window);
        let meant = |lane: &Lane, deed: &Deed| {
            if attention { needs_a_look(deed) } else { *lane == self.cursor.lane }
        };
        let mut found: Vec<&Arc<Deed>> =
            grid.all().filter(|(lane, _, deed)| meant(lane, deed)).map(|(_, _, deed)| deed).collect();
        found.sort_by_key(|deed| (deed.time, deed.seq));
        let next = if later {
            found.into_iter().find(|deed| (deed.time, deed.seq) > here)
        } else {
            found.into_iter().rev().find(|deed| (deed.time, deed.seq) < here)
        };
        if let Some(deed) = next.cloned() {
            self.go_to_deed(&deed, world);
            return Vec::new();
        }
        // Beyond what is in sight; where deeds are only counted, from the cursor on.
        let micro = Span::from_micros(1);
        let from = match (later, counts) {
            (true, true) => window.start_of(column + 1),
            (false, true) => window.start_of(column).minus(micro),
            (true, false) => window.to(),
            (false, false) => window.from().minus(micro),
        };
        let lane = (!attention).then(|| self.cursor.lane.clone());
        self.seek(Sought::Near { later, from, lane }, world)
    }

    /// Asks for a deed out of sight.
    pub(super) fn seek(&mut self, sought: Sought, world: &World) -> Vec<Want> {
        let (filter, direction) = match &sought {
            Sought::First => (String::new(), Direction::Oldest),
            Sought::Before(at) => (format!("until:{}", at.minus(Span::from_micros(1))), Direction::Oldest),
            Sought::Deed(seq) => (format!("seq:{seq}..{seq}"), Direction::Oldest),
            Sought::Near { later: true, from, .. } if *from > world.now => {
                return Want::info(nothing(&sought));
            }
            Sought::Near { later, from, lane } => {
                let what = match lane {
                    Some(lane) => lane.filter(),
                    None => attention_filter(),
                };
                let key = if *later { "since" } else { "until" };
                let direction = if *later { Direction::Oldest } else { Direction::Newest };
                (format!("{what} {key}:{from}"), direction)
            }
        };
        let filter = format!("{filter}{}", held::bound(world));
        let query = LedgerQuery { filter, direction, limit: 1, ..LedgerQuery::default() };
        self.asking.forget(|sent| matches!(sent, Sent::Seek(_)));
        vec![self.asking.ask(Sent::Seek(sought), What::Page(query))]
    }

    /// What was looked for is here, or there is none.
    pub(super) fn found(&mut self, sought: &Sought, page: &Page, world: &World) -> Vec<Want> {
        let Some(deed) = page.deeds.first() else {
            return if matches!(sought, Sought::Before(_)) {
                Vec::new()
            } else {
                Want::info(nothing(sought))
            };
        };
        self.go_to_deed(deed, world);
        match sought {
            Sought::First => self.seek(Sought::Before(deed.time), world),
            Sought::Before(_) | Sought::Deed(_) | Sought::Near { .. } => Vec::new(),
        }
    }
}

/// Whether somebody should look at it.
fn needs_a_look(deed: &Deed) -> bool {
    deed.outcome.is_refusal() || deed.outcome == Outcome::Opened
}

fn attention_filter() -> String {
    let words: Vec<&str> = Outcome::ALL
        .into_iter()
        .filter(|outcome| outcome.is_refusal() || *outcome == Outcome::Opened)
        .map(Outcome::as_str)
        .collect();
    format!("outcome:{}", words.join(","))
}

fn nothing(sought: &Sought) -> String {
    match sought {
        Sought::First | Sought::Before(_) => "nothing has happened yet".to_owned(),
        Sought::Deed(seq) => format!("deed #{seq} is not there"),
        Sought::Near { later, lane, .. } => {
            let when = if *later { "later" } else { "earlier" };
            match lane {
                Some(lane) => format!("{} has no {when} deed", lane.name()),
                None => format!("no {when} deed was refused or opened an alert"),
            }
        }
    }
}
