//! What can't wait is told beside the screen, too: a new critical alert, a case that is overdue. Each once; what was so
//! before the console began is told in a line.

#[cfg(test)]
mod tests;

use super::{App, Effect};
use crate::console::ask::{Ask, What};
use crate::console::notify::Notify;
use crate::console::terminal::notice::Notice;
use crate::domain::deed::Body;
use crate::domain::ids::ItemNo;
use crate::domain::things::{Alert, Severity};
use crate::domain::time::Time;

/// What is to be told, and what was.
#[derive(Debug, Default)]
pub(super) struct Notices {
    /// To be told with the next frame, together.
    waiting: Vec<String>,
    /// The overdue cases that were told.
    overdue: std::collections::BTreeSet<ItemNo>,
    /// When it was looked for overdue cases last.
    looked: Option<Time>,
}

impl App {
    /// Notices what a deed brings.
    pub(super) fn notice_deed(&mut self, body: &Body) {
        if let Body::AlertOpened(alert) = body
            && alert.severity == Severity::Critical
        {
            self.notices.waiting.push(in_words(alert));
        }
    }

    /// Another board is here: what is overdue on it was so before. Says how many.
    pub(super) fn notice_board(&mut self) -> Option<String> {
        self.notices = Notices { overdue: self.overdue().collect(), ..Notices::default() };
        match self.notices.overdue.len() {
            0 => None,
            1 => Some("1 case is overdue".to_owned()),
            count => Some(format!("{count} cases are overdue")),
        }
    }

    fn overdue(&self) -> impl Iterator<Item = ItemNo> {
        let (board, clock) = (self.world.present(), self.world.clock);
        let items = board.into_iter().flat_map(|board| board.items.values());
        items.filter(move |item| item.is_overdue(clock)).map(|item| item.no)
    }

    /// Cases that have become overdue since the time was looked at last.
    fn notice_time(&mut self) {
        if self.notices.looked.replace(self.world.clock) == Some(self.world.clock) {
            return;
        }
        let now: std::collections::BTreeSet<ItemNo> = self.overdue().collect();
        let new: Vec<ItemNo> = now.difference(&self.notices.overdue).copied().collect();
        let board = self.world.present();
        let items = new.iter().filter_map(|no| board?.items.get(no));
        let words: Vec<String> =
            items.map(|item| format!("case #{} is overdue: {}", item.no, item.title)).collect();
        self.notices.waiting.extend(words);
        // A case that was settled and comes again is another one.
        self.notices.overdue = now;
    }

    /// Tells what is to be told, all of it at once.
    pub(super) fn notify(&mut self) -> Option<Effect<Ask>> {
        self.notice_time();
        let waiting = std::mem::take(&mut self.notices.waiting);
        let text = match waiting.as_slice() {
            [] => return None,
            [one] => one.clone(),
            [first, rest @ ..] => format!("{first}; and {} more", rest.len()),
        };
        let notice = Notice { title: format!("deeds {}", self.world.workspace), text };
        let settings = &self.settings;
        match settings.notify {
            Notify::Off => None,
            // A list of lines that are only added has no place for what is no line.
            Notify::Terminal if !settings.linear && settings.notices.arrives(settings.clipboard) => {
                Some(Effect::Notice(notice, settings.notices))
            }
            Notify::Bell | Notify::Terminal => Some(Effect::Bell),
            Notify::Desktop => {
                Some(Effect::Do(Ask { from: self.place(), tag: 0, what: What::Notify(notice) }))
            }
        }
    }
}

fn in_words(alert: &Alert) -> String {
    format!("critical alert #{}, {}: {}", alert.no, alert.kind.as_str(), alert.title)
}
