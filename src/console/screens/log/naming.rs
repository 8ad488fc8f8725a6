//! A filter gets a name, another one, or none any more.

use super::{Log, Over};
use crate::console::kept::{Change, NAME_CHARS, SAVED};
use crate::console::screens::Want;
use crate::console::widgets::chrome::Tone;
use crate::console::widgets::prompt::Prompt;
use crate::console::world::World;

impl Log {
    /// Asks what the filter in force is called; the name that it has already stands there.
    pub(super) fn begin_naming(&mut self, world: &World) -> Vec<Want> {
        let filter = self.filtering.text();
        if filter.is_empty() {
            return Want::info("no filter is in force; / types one, and then it can get a name");
        }
        let name = world.kept().name_of(filter).unwrap_or_default();
        self.over = Some(Over::Name(Prompt::with_text(name)));
        Vec::new()
    }

    /// The name is typed. An empty one is none: the filter is kept no more.
    pub(super) fn name(&mut self, prompt: Prompt, world: &World) -> Vec<Want> {
        let (kept, filter) = (world.kept(), self.filtering.text().to_owned());
        let (name, before) = (prompt.text().trim().to_owned(), kept.name_of(&filter));
        let done = |change, words: String| vec![Want::Keep(change), Want::Say(Tone::Done, words)];
        let taken = kept.saved.get(&name).filter(|other| **other != filter);
        let wrong = if let Some(other) = taken {
            Some(format!("`{name}` is another filter already: {other}; choose another name"))
        } else if name.chars().count() > NAME_CHARS {
            Some(format!("a name has {NAME_CHARS} characters at most"))
        } else if before.is_none() && !name.is_empty() && kept.saved.len() >= SAVED {
            Some(format!("{SAVED} filters have names, and that is all; take one away first"))
        } else {
            None
        };
        if let Some(wrong) = wrong {
            self.over = Some(Over::Name(prompt));
            return Want::fail(wrong);
        }
        match before {
            None if name.is_empty() => Want::info("not done: the filter got no name"),
            Some(before) if name.is_empty() => {
                let words = format!("`{before}` is no filter any more; what it showed stays");
                done(Change::Forgotten(before.to_owned()), words)
            }
            Some(before) if before == name => Want::info(format!("the filter is called `{name}` already")),
            Some(before) => {
                let words = format!("`{before}` is called `{name}` from now on");
                done(Change::Saved { name, filter }, words)
            }
            None => {
                let words = format!("the filter is kept as `{name}`; `:` finds it by that name");
                done(Change::Saved { name, filter }, words)
            }
        }
    }
}
