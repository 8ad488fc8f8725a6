//! What was open at the cursor: while time is held, deadlines and alerts beside the lanes are those of that moment.

use super::{Sent, Watch};
use crate::api::AsOf;
use crate::console::ask::What;
use crate::console::screens::Want;
use crate::console::world::World;
use crate::domain::state::Board;
use crate::domain::time::Span;

/// A board of the past, and which one is wanted.
#[derive(Debug, Default)]
pub(super) struct Then {
    /// As the server is asked for it; none while time is not held.
    wanted: Option<String>,
    /// What the board was asked for by, the board, and its moment.
    board: Option<(String, Box<Board>, AsOf)>,
    /// The server has none of this moment.
    lacking: Option<String>,
}

impl Then {
    /// The board of the moment that is wanted, once it is here.
    pub(super) fn board(&self) -> Option<(&Board, AsOf)> {
        let (asked, board, as_of) = self.board.as_ref()?;
        (self.wanted.as_ref() == Some(asked)).then_some((&**board, *as_of))
    }

    /// Whether a moment is wanted: the cursor is in the past.
    pub(super) fn is_wanted(&self) -> bool {
        self.wanted.is_some()
    }

    /// Whether a moment is wanted that is not here yet.
    pub(super) fn is_awaited(&self) -> bool {
        self.wanted.is_some() && self.wanted != self.lacking && self.board().is_none()
    }

    /// Takes what came for this.
    pub(super) fn take(&mut self, asked: String, board: Box<Board>, as_of: AsOf) {
        self.board = Some((asked, board, as_of));
    }
}

impl Watch {
    /// The moment under the cursor, as the server is asked for it: after a deed, else the end of the cell.
    fn moment_here(&self, world: &World) -> Option<String> {
        self.still?;
        let board = world.board.as_ref()?;
        if let Some(deed) = self.selected(world) {
            return (deed.seq < board.head).then(|| deed.seq.to_string());
        }
        let window = self.window(world);
        let column = self.column(&window, &self.grid(&window));
        let end = window.start_of(column + 1).minus(Span::from_micros(1));
        (end < world.now).then(|| end.to_string())
    }

    /// Asks for the board of the moment under the cursor: one at a time, and the latest that is wanted next.
    pub(super) fn ask_then(&mut self, world: &World) -> Vec<Want> {
        self.then.wanted = self.moment_here(world);
        let asked = self.asking.any(|sent| matches!(sent, Sent::Then(_)));
        let Some(wanted) = self.then.wanted.clone().filter(|_| !asked && self.then.is_awaited()) else {
            return Vec::new();
        };
        vec![self.asking.ask(Sent::Then(wanted.clone()), What::Then(wanted))]
    }

    /// There is no board of that moment: what stands beside is told to be of now.
    pub(super) fn no_then(&mut self, asked: String, world: &World) -> Vec<Want> {
        self.then.lacking = Some(asked);
        self.ask_then(world)
    }

    /// The whole console as of the deed under the cursor.
    pub(super) fn look_back(&self, world: &World) -> Vec<Want> {
        match self.selected(world) {
            Some(deed) => vec![Want::Look(deed.seq)],
            None => Want::info("there is no deed in this cell; tab goes to the next one"),
        }
    }
}
