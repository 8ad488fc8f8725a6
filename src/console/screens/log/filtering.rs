//! The filter in force, and a filter being typed with what could go on at the cursor.

use crate::console::widgets::prompt::{Insert, Prompt, Suggestion};
use crate::console::world::World;
use crate::domain::deed::Deed;
use crate::domain::filter::{self, Choice, Filter, Key, Vocabulary};
use crate::domain::time::Time;

/// The filter in force.
#[derive(Debug, Default)]
pub(super) struct Filtering {
    text: String,
    filter: Filter,
}

impl Filtering {
    /// As it was typed.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Puts another in force.
    ///
    /// # Errors
    /// What is wrong with it, where, and the mend.
    pub(super) fn set(&mut self, text: &str, now: Time) -> Result<(), String> {
        self.filter = Filter::parse(text, now).map_err(|error| error.to_string())?;
        text.clone_into(&mut self.text);
        Ok(())
    }

    /// Whether it means the deed.
    pub(super) fn means(&self, deed: &Deed) -> bool {
        self.filter.matches(deed)
    }

    /// The deed with the field in front that it was asked for by; none where that stands there already.
    pub(super) fn as_asked(&self, deed: &Deed) -> Option<Deed> {
        let asked = |choice: &Choice| {
            let Choice::Entity(pattern) = choice else { return None };
            let named = pattern.field_text().is_some_and(|field| field != "*");
            deed.fields.iter().position(|field| {
                let entity = field.entity.as_ref().or(deed.subject.as_ref());
                named && entity.is_some_and(|entity| pattern.matches(entity, &field.name))
            })
        };
        let terms = self.filter.terms().iter().filter(|term| !term.negated);
        let at = terms.flat_map(|term| &term.choices).find_map(asked).filter(|at| *at > 0)?;
        let mut deed = deed.clone();
        let field = deed.fields.remove(at);
        deed.fields.insert(0, field);
        Some(deed)
    }

    /// The range of time that it fixes, where it fixes the beginning.
    pub(super) fn range(&self, now: Time) -> Option<(Time, Time)> {
        let (mut since, mut until) = (None, None);
        for term in self.filter.terms().iter().filter(|term| !term.negated) {
            match term.choices.as_slice() {
                [Choice::Since(when)] => since = Some(when.at),
                [Choice::Until(when)] => until = Some(when.at),
                _ => {}
            }
        }
        since.map(|since| (since, until.unwrap_or(now).max(since)))
    }

    /// The filter with this range of time instead of its own.
    pub(super) fn with_time(&self, from: Time, to: Time) -> String {
        let rest = self.without_time().unwrap_or_else(|| self.text.clone());
        format!("{rest} since:{from} until:{to}").trim().to_owned()
    }

    /// The filter without its range of time; none where it has none.
    pub(super) fn without_time(&self) -> Option<String> {
        let timed = |term: &&filter::Term| matches!(term.key(), Some(Key::Since | Key::Until));
        if !self.filter.terms().iter().any(|term| timed(&term)) {
            return None;
        }
        let rest: Vec<String> =
            self.filter.terms().iter().filter(|term| !timed(term)).map(ToString::to_string).collect();
        Some(rest.join(" "))
    }
}

/// A filter being typed.
#[derive(Debug)]
pub(super) struct Typing {
    pub(super) prompt: Prompt,
    /// The suggestion that completion takes; the first where none was chosen.
    chosen: Option<usize>,
    /// Filters used lately, the newest first, which of them stands there, and what stood there before.
    recent: Vec<String>,
    at: Option<usize>,
    own: String,
}

impl Typing {
    pub(super) fn new(text: &str, recent: &[String]) -> Self {
        let recent = recent.iter().filter(|filter| *filter != text).cloned().collect();
        let text = if text.is_empty() { String::new() } else { format!("{text} ") };
        Self { prompt: Prompt::with_text(&text), chosen: None, recent, at: None, own: String::new() }
    }

    /// What the key back does, where it brings a filter used before.
    pub(super) fn before(&self) -> Option<String> {
        (self.chosen.is_none() && !self.recent.is_empty()).then(|| "used before".to_owned())
    }

    /// Up from what is typed: the filters used lately, one after the other. Down from them: back to what was typed. Says
    /// whether it was one of these.
    fn recall(&mut self, back: bool) -> bool {
        if self.chosen.is_some() || (self.at.is_none() && !back) {
            return false;
        }
        let at = match (self.at, back) {
            (None, _) => Some(0),
            (Some(at), true) => Some((at + 1).min(self.recent.len().saturating_sub(1))),
            (Some(at), false) => at.checked_sub(1),
        };
        let text = match at {
            Some(at) => self.recent.get(at).cloned(),
            None => Some(std::mem::take(&mut self.own)),
        };
        let Some(text) = text else { return false };
        if self.at.is_none() {
            self.prompt.text().clone_into(&mut self.own);
        }
        (self.prompt, self.at) = (Prompt::with_text(&text), at);
        true
    }

    pub(super) fn insert(&mut self, insert: Insert<'_>) {
        self.prompt.insert(insert);
        (self.chosen, self.at) = (None, None);
    }

    fn completions(&self, words: &Vocabulary) -> Vec<filter::Completion> {
        filter::complete(self.prompt.text(), self.prompt.before_cursor().len(), words)
    }

    /// Ways to go on, and which of them is chosen.
    pub(super) fn suggestions(&self, words: &Vocabulary) -> (Vec<Suggestion>, Option<usize>) {
        let shown = self
            .completions(words)
            .into_iter()
            .map(|completion| Suggestion { text: completion.insert, meaning: completion.doc.to_owned() });
        (shown.collect(), self.chosen)
    }

    /// Chooses the next suggestion or the one before; up from none of them are the filters used lately.
    pub(super) fn choose(&mut self, forward: bool, words: &Vocabulary) {
        if self.recall(!forward) {
            return;
        }
        let count = self.completions(words).len();
        if count == 0 {
            return;
        }
        self.chosen = match (self.chosen, forward) {
            (None, true) => Some(0),
            (None, false) => Some(count - 1),
            (Some(at), true) => Some((at + 1) % count),
            (Some(at), false) => at.checked_sub(1),
        };
    }

    /// Takes the chosen one.
    pub(super) fn complete(&mut self, words: &Vocabulary) {
        let completions = self.completions(words);
        let Some(completion) = completions.get(self.chosen.unwrap_or(0)) else { return };
        let replaced =
            self.prompt.text().get(completion.replace.clone()).map_or(0, |text| text.chars().count());
        self.prompt.complete(replaced, &completion.insert);
        self.chosen = None;
    }
}

/// The words that the board knows, until the server has told all of them.
pub(super) fn vocabulary_of(world: &World) -> Vocabulary {
    let Some(board) = &world.board else { return Vocabulary::default() };
    let agents = board.map.model().agents.iter().map(|agent| agent.id.to_string());
    let entities = world.recent.iter().filter_map(|deed| deed.subject.as_ref()).map(ToString::to_string);
    let mut entities: Vec<String> = entities.collect();
    entities.sort_unstable();
    entities.dedup();
    Vocabulary { actors: agents.collect(), entities, ..Vocabulary::default() }
}
