//! What is kept from one start to the next: noticed after each key, laid onto what is here, and asked to be written.

#[cfg(test)]
mod tests;

use super::{App, Effect};
use crate::console::ask::{Ask, What};
use crate::console::kept::{Change, LastPlace};
use crate::console::place::{Place, Spot};
use crate::console::widgets::chrome::Tone;

impl App {
    /// Something is kept from now on, or not any more; where it is written, that is asked for.
    pub(super) fn keep(&mut self, change: Change) -> Option<Effect<Ask>> {
        let now = self.world.clock.micros();
        let note = self.world.keeping.take(change, now)?;
        Some(Effect::Do(Ask { from: self.place(), tag: 0, what: What::Keep(note) }))
    }

    /// After a key: what is typed in a box, and where the reader is.
    pub(super) fn keep_what_is_there(&mut self) -> Vec<Effect<Ask>> {
        let changes = [self.typed(), self.last_place()];
        changes.into_iter().flatten().filter_map(|change| self.keep(change)).collect()
    }

    /// What is typed in the open box, where it is another than what is kept.
    fn typed(&self) -> Option<Change> {
        let over = self.over.as_ref().and_then(super::Over::form);
        let over = over.map(|(about, form)| (about.to_owned(), form));
        let (about, form) = over.or_else(|| self.screen().and_then(|screen| screen.form()))?;
        let (texts, kept) = (form.texts(), self.world.kept().drafts.get(&about));
        let same = kept.map_or(texts.is_empty(), |draft| draft.texts == texts);
        (!same).then_some(Change::Draft { about, texts })
    }

    /// Where the reader is now, where it is another place than the one that is kept. The past is no place to come back to.
    fn last_place(&self) -> Option<Change> {
        if self.looks_back() || !self.world.keeping.is_written() || !self.has_board() {
            return None;
        }
        let screen = self.screen()?;
        let place = LastPlace {
            view: screen.view(),
            spot: screen.spot(),
            filter: screen.filter().unwrap_or_default().to_owned(),
        };
        (self.world.kept().place.as_ref() != Some(&place)).then_some(Change::Place(place))
    }

    /// The first board of a workspace is here: to where the reader was in it last, else to where they are now.
    pub(super) fn come_to_last_place(&mut self) -> Vec<Effect<Ask>> {
        let words = [self.notice_board(), self.of_drafts()];
        let words: Vec<String> = words.into_iter().flatten().collect();
        if !words.is_empty() {
            self.say(Tone::Info, words.join("; "));
        }
        let Some(last) = self.world.kept().place.clone().filter(|_| self.world.keeping.is_written()) else {
            return self.with_screen(|screen, world| screen.enter(None, world));
        };
        let spot = last.spot.filter(|spot| self.is_still_there(spot));
        let mut effects = self.enter(&Place { view: last.view, spot });
        if !last.filter.is_empty() {
            effects.extend(self.with_screen(|screen, world| screen.filter_by(&last.filter, world)));
        }
        effects
    }

    /// Whether a spot from before can be gone to: what was settled meanwhile is none.
    fn is_still_there(&self, spot: &Spot) -> bool {
        let Some(board) = &self.world.board else { return false };
        match spot {
            Spot::Item(no) => board.items.contains_key(no),
            Spot::Alert(no) => board.alerts.contains_key(no),
            Spot::Deed(seq) | Spot::Chain(seq) | Spot::Within(_, seq) => *seq <= board.head,
            Spot::Filter(_) | Spot::Path(_) | Spot::Line(_) => true,
        }
    }

    /// What was typed before and not sent, in words.
    fn of_drafts(&self) -> Option<String> {
        if !self.world.keeping.is_written() {
            return None;
        }
        let drafts = &self.world.kept().drafts;
        let (about, _) = drafts.iter().max_by_key(|(_, draft)| draft.at)?;
        Some(match drafts.len() {
            1 => format!("kept from before, and not sent: what was typed for {about}"),
            count => format!("kept from before, and not sent: {count} texts, the last one for {about}"),
        })
    }
}
