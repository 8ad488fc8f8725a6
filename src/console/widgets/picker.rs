//! Choosing from a list by typing parts of a name: the palette, workspaces, reviewers, agents.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::list::{self, ListState};
use super::modal::Frame;
use super::prompt::{Insert, Prompt};
use super::{Look, cells, pad, put, styled, width};
use crate::console::action::Action;
use crate::console::words::all_in;

/// Entries that can be chosen from: all are gone through at each key.
pub const ENTRIES_MAX: usize = 100_000;
/// Rows of entries shown.
const ROWS: u16 = 14;
/// Laid on the score of a hit in the name.
const NAME_FIRST: u32 = 1 << 20;
/// Outer width.
const WIDTH: u16 = 72;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<T> {
    /// What it is called; what is typed is looked for here and in the note.
    pub name: String,
    /// What it is, dim.
    pub note: String,
    /// The key that does the same, if there is one.
    pub key: String,
    /// What is chosen with it.
    pub value: T,
}

/// A list being chosen from.
#[derive(Debug, Clone)]
pub struct Picker<T> {
    title: String,
    prompt: Prompt,
    entries: Vec<Entry<T>>,
    /// What was made of what is typed, before all others.
    offered: Vec<Entry<T>>,
    /// Indices of the entries that match, best first.
    matches: Vec<usize>,
    list: ListState,
}

impl<T> Picker<T> {
    /// All entries, in the given order.
    pub fn new(title: impl Into<String>, mut entries: Vec<Entry<T>>) -> Self {
        entries.truncate(ENTRIES_MAX);
        let mut picker = Self {
            title: title.into(),
            prompt: Prompt::default(),
            entries,
            offered: Vec::new(),
            matches: Vec::new(),
            list: ListState::new(),
        };
        picker.search();
        picker
    }

    /// What would be chosen now.
    pub fn chosen(&self) -> Option<&T> {
        self.entry(self.list.selected()?).map(|entry| &entry.value)
    }

    fn entry(&self, row: usize) -> Option<&Entry<T>> {
        match row.checked_sub(self.offered.len()) {
            None => self.offered.get(row),
            Some(row) => self.entries.get(*self.matches.get(row)?),
        }
    }

    /// More to choose from.
    pub fn learn(&mut self, more: Vec<Entry<T>>) {
        self.entries.extend(more);
        self.entries.truncate(ENTRIES_MAX);
        let at = self.list.selected();
        self.search();
        if let Some(at) = at {
            self.list.select(at);
        }
    }

    /// Says something else of what is chosen with this.
    pub fn note(&mut self, value: &T, note: String)
    where
        T: PartialEq,
    {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.value == *value) {
            entry.note = note;
        }
    }

    /// What can be made of what is typed, before all that only has it in its name.
    pub fn offer(&mut self, offered: Vec<Entry<T>>) {
        self.offered = offered;
        self.list.set_len(self.offered.len() + self.matches.len());
        self.list.select(0);
    }

    /// What has been typed.
    pub fn text(&self) -> &str {
        self.prompt.text()
    }

    /// Moves among the matches; says whether the action was one that moves.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "two names for moving; every other action is passed on as it is"
    )]
    pub fn apply(&mut self, action: Action) -> bool {
        let moving = match action {
            Action::NextSuggestion => Action::Down,
            Action::PreviousSuggestion => Action::Up,
            other => other,
        };
        self.list.apply(moving)
    }

    /// Takes what is typed or pasted into what is looked for.
    pub fn insert(&mut self, insert: Insert<'_>) {
        if self.prompt.insert(insert) {
            self.search();
        }
    }

    fn search(&mut self) {
        let pattern = Pattern::parse(self.prompt.text(), CaseMatching::Smart, Normalization::Smart);
        let mut matcher = Matcher::new(Config::DEFAULT);
        let mut buffer = Vec::new();
        let words: Vec<String> =
            self.prompt.text().to_lowercase().split_whitespace().map(str::to_owned).collect();
        let mut scored: Vec<(u32, usize)> = Vec::new();
        for (at, entry) in self.entries.iter().enumerate() {
            let mut score_of = |text: &str| pattern.score(Utf32Str::new(text, &mut buffer), &mut matcher);
            // A hit in the name counts for more than any in the note, where letters that stand apart say nothing.
            let score = score_of(&entry.name)
                .map(|score| score.saturating_add(NAME_FIRST))
                .or_else(|| all_in(&words, || entry.note.clone()).then_some(0));
            scored.extend(score.map(|score| (score, at)));
        }
        scored.sort_by_key(|(score, at)| (std::cmp::Reverse(*score), *at));
        self.matches = scored.into_iter().map(|(_, at)| at).collect();
        self.list.set_len(self.offered.len() + self.matches.len());
        self.list.select(0);
    }

    /// Draws the picker over `screen`; the result is where the terminal's cursor belongs.
    pub fn draw(&self, buffer: &mut Buffer, screen: Rect, look: Look<'_>) -> Option<Position> {
        let rows = cells(self.entries.len()).clamp(1, ROWS);
        let inner = Frame { title: &self.title, width: WIDTH }.draw(buffer, screen, look, rows + 2);
        self.draw_in(buffer, inner, look)
    }

    /// The same within an area, without a frame.
    pub fn draw_in(&self, buffer: &mut Buffer, inner: Rect, look: Look<'_>) -> Option<Position> {
        let cursor = self.prompt.draw(buffer, inner, look, "> ");
        let area = Rect { y: inner.y + 2.min(inner.height), height: inner.height.saturating_sub(2), ..inner };
        if self.list.is_empty() {
            put(buffer, area, 0, &styled("nothing matches; type less of it", look.theme.muted));
            return cursor;
        }
        list::draw(buffer, area, look, &self.list, true, |row, room| {
            self.entry(row).map(|entry| entry_line(look, entry, room)).unwrap_or_default().into()
        });
        cursor
    }
}

fn entry_line<T>(look: Look<'_>, entry: &Entry<T>, room: usize) -> Line<'static> {
    let key = styled(format!(" {}", entry.key), look.theme.accent);
    let left = room.saturating_sub(width(&key));
    let mut spans = look.spans(&entry.name, left, look.theme.base);
    let used = width(&Line::from(spans.clone()));
    let note_at = used.max(22.min(left)) + 2;
    if note_at < left {
        spans.push(Span::raw(" ".repeat(note_at - used)));
        spans.extend(look.spans(&entry.note, left - note_at, look.theme.muted));
    }
    let mut line = pad(Line::from(spans), left, look.glyphs.cut);
    line.spans.extend(key.spans);
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::keys::Key;
    use crate::console::widgets::tests::drawn;

    fn picker() -> Picker<u8> {
        let entry = |name: &str, note: &str, value| Entry {
            name: name.to_owned(),
            note: note.to_owned(),
            key: "e".to_owned(),
            value,
        };
        let entries = vec![
            entry("claim", "So that no other reviewer takes it", 1),
            entry("expand", "An agent's zone grows", 2),
            entry("export", "What the filter shows", 3),
        ];
        Picker::new("Commands", entries)
    }

    fn type_text(picker: &mut Picker<u8>, text: &str) {
        for c in text.chars() {
            picker.insert(Insert::Key(Key::char(c).into()));
        }
    }

    #[test]
    fn parts_of_a_name_find_it() {
        let mut picker = picker();
        assert_eq!(picker.chosen(), Some(&1));
        type_text(&mut picker, "expo");
        assert_eq!(picker.chosen(), Some(&3));
        type_text(&mut picker, "zzz");
        assert_eq!(picker.chosen(), None);
    }

    #[test]
    fn the_last_of_very_many_is_found() {
        let entry = |number: usize| Entry {
            name: format!("team-{number:05}"),
            note: String::new(),
            key: String::new(),
            value: number,
        };
        let mut picker = Picker::new("Workspaces", (0..=10_000).map(entry).collect());
        for c in "10000".chars() {
            picker.insert(Insert::Key(Key::char(c).into()));
        }
        assert_eq!(picker.chosen(), Some(&10_000));
    }

    #[test]
    fn it_moves_among_matches() {
        let mut picker = picker();
        type_text(&mut picker, "exp");
        picker.apply(Action::NextSuggestion);
        assert_eq!(picker.chosen(), Some(&3));
        picker.apply(Action::PreviousSuggestion);
        assert_eq!(picker.chosen(), Some(&2));
    }

    #[test]
    fn it_fits_any_screen() {
        let picker = picker();
        let text = drawn(60, 9, |buffer, area, look| _ = picker.draw(buffer, area, look));
        assert!(text.contains("╭─ Commands ─"), "{text}");
        assert!(text.contains("▌ claim                   So that no other reviewer t… e"), "{text}");
        for width in 0..40 {
            for height in 0..9 {
                drawn(width, height, |buffer, area, look| _ = picker.draw(buffer, area, look));
            }
        }
    }
}
