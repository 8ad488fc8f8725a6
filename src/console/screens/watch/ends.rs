//! The two ends of what can be gone to: where the ledger begins, and the last activity, where that is not now.

use std::sync::Arc;

use super::window::Window;
use super::{Sent, Watch, held};
use crate::client::{Direction, LedgerQuery};
use crate::console::ask::{Page, What};
use crate::console::screens::Want;
use crate::console::world::World;
use crate::domain::deed::Deed;
use crate::domain::time::{Span, Time};

/// Said where there is nothing further back.
pub(super) const BEGINS: &str = "the ledger begins here: nothing happened before";
const MICRO: Span = Span::from_micros(1);

/// What is known of the two ends.
#[derive(Debug, Default)]
pub(super) struct Ends {
    /// Nothing happened before this.
    begins: Option<Time>,
    /// Something happened then: windows after it are not the first.
    earlier: Option<Time>,
    /// The last activity was looked for, or the reader went elsewhere first.
    sought: bool,
    /// The window was opened at the last activity, which was then.
    last: Option<Time>,
}

impl Ends {
    /// Whether nothing happened before the window.
    pub(super) fn begins_in(&self, window: &Window) -> bool {
        self.begins.is_some_and(|begins| window.from() <= begins)
    }

    /// When the last activity was, while the window stands there by itself.
    pub(super) fn last(&self) -> Option<Time> {
        self.last
    }

    /// The reader goes about by themselves from now on.
    pub(super) fn leave_the_last(&mut self) {
        (self.sought, self.last) = (true, None);
    }
}

impl Watch {
    /// Asks what is not known of the ends: whether anything is before a window of the past, and where the last activity is,
    /// where the first window has none.
    pub(super) fn ask_ends(&mut self, world: &World) -> Vec<Want> {
        let window = self.window(world);
        if !self.ends.sought && self.still.is_none() && self.held.covers(&window) {
            self.ends.sought = true;
            if !self.held.within(&window).any(is_activity) && !self.held.counts(&window) {
                return vec![self.ask_latest(true, world)];
            }
        }
        let from = window.from();
        let known = self.ends.begins.is_some() || self.ends.earlier.is_some_and(|earlier| earlier < from);
        if known || self.asking.any(|sent| matches!(sent, Sent::Before(_))) {
            return Vec::new();
        }
        let filter = format!("until:{}{}", from.minus(MICRO), held::bound(world));
        let query = LedgerQuery { filter, direction: Direction::Newest, limit: 1, ..LedgerQuery::default() };
        vec![self.asking.ask(Sent::Before(from), What::Page(query))]
    }

    /// What was before that moment. Where nothing was, the window comes back to it.
    pub(super) fn found_before(&mut self, from: Time, page: &Page, world: &World) -> Vec<Want> {
        if let Some(deed) = page.deeds.first() {
            self.ends.earlier = Some(self.ends.earlier.map_or(deed.time, |known| known.min(deed.time)));
            return Vec::new();
        }
        self.ends.begins = Some(from);
        let window = self.window(world);
        if window.from() >= from || self.still.is_none() {
            return Vec::new();
        }
        let span = window.to().since(window.from());
        self.still = Some(from.plus(span).minus(MICRO).min(world.now));
        (self.cursor.at, self.cursor.deed) = (Some(from), None);
        Want::info(BEGINS)
    }

    fn ask_latest(&mut self, agents: bool, world: &World) -> Want {
        let what = if agents { "class:agent" } else { "" };
        let filter = format!("{what}{}", held::bound(world)).trim().to_owned();
        let query = LedgerQuery { filter, direction: Direction::Newest, limit: 1, ..LedgerQuery::default() };
        self.asking.ask(Sent::Latest { agents }, What::Page(query))
    }

    /// The last deed is known: where it is not in sight and the reader has not gone elsewhere, the window ends with it.
    pub(super) fn found_latest(&mut self, agents: bool, page: &Page, world: &World) -> Vec<Want> {
        if self.still.is_some() || self.chosen {
            return Vec::new();
        }
        let window = self.window(world);
        let Some(deed) = page.deeds.first() else {
            return if agents { vec![self.ask_latest(false, world)] } else { Vec::new() };
        };
        if deed.time >= window.from() {
            return Vec::new();
        }
        self.still = Some(deed.time);
        self.still_from = world.board.as_ref().map(|board| board.head).unwrap_or_default();
        self.ends.last = Some(deed.time);
        self.unordered = true;
        Vec::new()
    }

    /// Something happens: a window that stood at the last activity by itself follows again. A history that is taken in may
    /// reach back before what was the beginning.
    pub(super) fn go_on_from_the_last(&mut self, deed: &Deed) {
        if self.ends.begins.is_some_and(|begins| deed.time < begins) {
            self.ends.begins = None;
        }
        if self.ends.last.is_some() {
            self.follow();
        }
    }
}

/// Whether somebody did something, as against what Deeds notes by itself.
fn is_activity(deed: &Arc<Deed>) -> bool {
    deed.actor.agent().is_some()
}
