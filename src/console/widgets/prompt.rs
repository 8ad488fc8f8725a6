//! One line of text being typed, and the suggestions under it.

use crossterm::event::{Event, KeyEvent};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use tui_input::backend::crossterm::EventHandler as _;
use tui_input::{Input, InputRequest};

use super::{Look, cells, clear, put, put_at, select_row, spoken, styled};
use crate::console::untrusted;

/// Characters that can be typed or pasted into a prompt.
pub const TEXT_MAX: usize = 4096;
/// Suggestions shown at once.
pub const SUGGESTIONS_SHOWN: usize = 8;

/// Text on its way into a line.
#[derive(Debug, Clone, Copy)]
pub enum Insert<'a> {
    /// A key that has no other meaning.
    Key(KeyEvent),
    /// What was pasted, which can only ever be text.
    Pasted(&'a str),
}

/// A line of text with a cursor.
#[derive(Debug, Clone, Default)]
pub struct Prompt {
    input: Input,
}

impl Prompt {
    /// Starts with this text, the cursor at its end.
    pub fn with_text(text: &str) -> Self {
        Self { input: Input::new(text.to_owned()) }
    }

    pub fn text(&self) -> &str {
        self.input.value()
    }

    /// Characters before the cursor.
    pub fn cursor(&self) -> usize {
        self.input.cursor()
    }

    /// The text before the cursor.
    pub fn before_cursor(&self) -> String {
        self.text().chars().take(self.cursor()).collect()
    }

    /// Replaces `chars` characters before the cursor by `text`: completion.
    pub fn complete(&mut self, chars: usize, text: &str) {
        for _ in 0..chars {
            self.input.handle(InputRequest::DeletePrevChar);
        }
        self.put_in(text);
    }

    /// Takes what is typed or pasted; says whether the text changed.
    pub fn insert(&mut self, insert: Insert<'_>) -> bool {
        match insert {
            Insert::Key(key) => self.key(key),
            Insert::Pasted(text) => {
                self.paste(text);
                true
            }
        }
    }

    fn key(&mut self, key: KeyEvent) -> bool {
        if self.text().chars().count() >= TEXT_MAX && matches!(key.code, crossterm::event::KeyCode::Char(_)) {
            return false;
        }
        self.input.handle_event(&Event::Key(key)).is_some_and(|changed| changed.value)
    }

    /// Inserts pasted text in one line; control characters become blanks, so that nothing pasted is ever a key.
    fn paste(&mut self, text: &str) {
        let one_line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        self.put_in(one_line.trim_end());
    }

    fn put_in(&mut self, text: &str) {
        let room = TEXT_MAX.saturating_sub(self.text().chars().count());
        for c in text.chars().take(room) {
            self.input.handle(InputRequest::InsertChar(c));
        }
    }

    /// Draws label and text on the first row of an area; the result is where the terminal's cursor belongs.
    pub fn draw(&self, buffer: &mut Buffer, area: Rect, look: Look<'_>, label: &str) -> Option<Position> {
        let area = area.intersection(buffer.area);
        if area.is_empty() {
            return None;
        }
        let label_wide = cells(label.chars().count()).min(area.width);
        put(buffer, area, 0, &styled(label.to_owned(), look.theme.accent));
        let room = usize::from(area.width - label_wide);
        // What stands before the cursor may be wider on the screen than in the text, so the drawn width counts.
        let before = untrusted::visible(&self.before_cursor(), untrusted::Breaks::Marked);
        let before_wide = unicode_width::UnicodeWidthStr::width(before.as_str());
        let shown = untrusted::visible(self.text(), untrusted::Breaks::Marked);
        spoken::typing(label, &shown);
        let skip = (before_wide + 1).saturating_sub(room.max(1));
        let visible = skip_cells(&shown, skip);
        put_at(buffer, area, 0, label_wide, &styled(visible, look.theme.base));
        let column = label_wide + cells(before_wide - skip.min(before_wide));
        Some(Position { x: area.x + column.min(area.width - 1), y: area.y })
    }
}

fn skip_cells(text: &str, skip: usize) -> String {
    let mut left = skip;
    let rest = text.chars().skip_while(|c| {
        let wide = unicode_width::UnicodeWidthChar::width(*c).unwrap_or(0);
        let skipped = left > 0;
        left = left.saturating_sub(wide);
        skipped
    });
    rest.collect()
}

/// One suggestion: what it inserts, and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    pub text: String,
    /// What it means, dim.
    pub meaning: String,
}

/// Draws suggestions above or below a row of `screen`, with the chosen one marked.
pub fn draw_suggestions(
    buffer: &mut Buffer,
    screen: Rect,
    at: Position,
    look: Look<'_>,
    suggestions: &[Suggestion],
    chosen: Option<usize>,
) {
    let screen = screen.intersection(buffer.area);
    let first = chosen.map_or(0, |chosen| chosen.saturating_sub(SUGGESTIONS_SHOWN - 1));
    let shown = suggestions.get(first..).unwrap_or_default();
    let shown = shown.get(..SUGGESTIONS_SHOWN).unwrap_or(shown);
    let text_wide = shown.iter().map(|s| s.text.chars().count()).max().unwrap_or(0);
    let meaning_wide = shown.iter().map(|s| s.meaning.chars().count()).max().unwrap_or(0);
    let wide = cells(text_wide + meaning_wide + 4).min(screen.width);
    let below = screen.bottom().saturating_sub(at.y + 1);
    let above = at.y.saturating_sub(screen.y);
    let high = cells(shown.len()).min(below.max(above));
    let y = if high <= below { at.y + 1 } else { at.y - high };
    let x = at.x.min(screen.right().saturating_sub(wide)).max(screen.x);
    let area = Rect { x, y, width: wide, height: high };
    clear(buffer, area);
    for (row, suggestion) in shown.iter().enumerate() {
        let row_at = cells(row);
        let text = untrusted::visible(&suggestion.text, untrusted::Breaks::Marked);
        let missing = text_wide.saturating_sub(text.chars().count());
        let line = Line::from(vec![
            Span::styled(format!(" {text}{}  ", " ".repeat(missing)), look.theme.base),
            Span::styled(suggestion.meaning.clone(), look.theme.muted),
        ]);
        put(buffer, area, row_at, &line);
        let band = if chosen == Some(first + row) { look.theme.selection } else { look.theme.selection_dim };
        if !band.add_modifier.contains(ratatui::style::Modifier::UNDERLINED) {
            select_row(buffer, area, row_at, band);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::keys::Key;
    use crate::console::widgets::tests::{drawn, with_look};

    fn typed(keys: &[&str]) -> Prompt {
        let mut prompt = Prompt::default();
        for key in keys {
            prompt.key(Key::parse(key).unwrap().into());
        }
        prompt
    }

    #[test]
    fn text_is_typed_edited_and_completed() {
        let mut prompt = typed(&["a", "c", "t", "left", "home", "X", "end", "backspace"]);
        assert_eq!(prompt.text(), "Xac");
        prompt.complete(2, "ctor:");
        assert_eq!((prompt.text(), prompt.cursor()), ("Xctor:", 6));
    }

    #[test]
    fn pasted_text_is_one_line_and_bounded() {
        let mut prompt = Prompt::default();
        prompt.paste("two\nlines\x1b[31m\n");
        assert_eq!(prompt.text(), "two lines [31m");
        prompt.paste(&"x".repeat(10_000));
        assert_eq!(prompt.text().chars().count(), TEXT_MAX);
        assert!(!prompt.key(Key::char('y').into()));
    }

    #[test]
    fn the_cursor_stays_in_sight() {
        let prompt = Prompt::with_text("a long text that has no room");
        let mut cursor = None;
        let text = drawn(12, 1, |buffer, area, look| cursor = prompt.draw(buffer, area, look, "/ "));
        assert_eq!(text, "/ s no room\n");
        assert_eq!(cursor, Some(Position { x: 11, y: 0 }));
        with_look(|look| {
            let mut buffer = Buffer::empty(Rect::new(0, 0, 1, 1));
            let area = buffer.area;
            assert_eq!(prompt.draw(&mut buffer, area, look, "/ "), Some(Position { x: 0, y: 0 }));
        });
    }

    #[test]
    fn suggestions_stay_on_the_screen() {
        let suggestions: Vec<_> = (0..20)
            .map(|n| Suggestion { text: format!("actor:{n}"), meaning: "an agent".to_owned() })
            .collect();
        for (width, height) in [(40, 10), (5, 3), (1, 1)] {
            for y in 0..height {
                drawn(width, height, |buffer, area, look| {
                    draw_suggestions(buffer, area, Position { x: 3, y }, look, &suggestions, Some(12));
                });
            }
        }
    }
}
