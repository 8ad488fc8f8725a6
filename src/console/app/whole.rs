//! What is shown with all that it carries, where the board has only its beginning: fetched when it is shown, kept within a bound.

use super::over::About;
use super::{App, Effect};
use crate::console::ask::{Ask, Told, Trouble, What};
use crate::console::screens::Screen;
use crate::domain::ids::Seq;
use crate::domain::state::Thing;

impl App {
    /// What is shown whole, whether or not it is here.
    fn shown(&self) -> Vec<Thing> {
        self.screen().map(|screen| Screen::shows(screen, &self.world)).unwrap_or_default()
    }

    /// Whether something is shown of which only the beginning is here.
    pub(in crate::console) fn is_fetching(&self) -> bool {
        self.has_cut() && self.shown().iter().any(|thing| self.world.is_cut(thing))
    }

    fn has_cut(&self) -> bool {
        self.world.board.as_ref().is_some_and(|board| !board.cut.is_empty())
    }

    /// Asks for what is shown and not here, each once at a time.
    pub(super) fn fetch_what_is_shown(&mut self) -> Vec<Effect<Ask>> {
        if !self.has_cut() {
            return Vec::new();
        }
        let at = self.world.as_of().map(|as_of| as_of.seq);
        let mut effects = Vec::new();
        for thing in self.shown() {
            let asked =
                |about: &About| matches!(about, About::Whole(one, then) if *one == thing && *then == at);
            if self.world.is_cut(&thing) && !self.asking.any(asked) {
                let what = What::Whole(thing.clone(), at);
                effects.push(self.ask_over(About::Whole(thing, at), what));
            }
        }
        effects
    }

    /// It came. Where it is of another moment than the board by now, it is asked for again as soon as there is news.
    pub(super) fn told_whole(&mut self, thing: &Thing, at: Option<Seq>, result: Result<Told, Trouble>) {
        let Ok(Told::Whole(Some(whole))) = result else { return };
        let shown = self.shown();
        if at == self.world.as_of().map(|as_of| as_of.seq) {
            self.world.take_whole(thing, whole, &shown);
        } else if at.is_none() {
            self.world.in_the_present(|world| world.take_whole(thing, whole, &[]));
        }
        self.stale = true;
    }
}
