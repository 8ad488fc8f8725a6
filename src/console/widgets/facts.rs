//! Labelled facts, one under the other: `INPUT   "We'd rather talk to …"`.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{Look, styled};

/// Lines of one fact at most.
const LINES: usize = 4;

/// Facts being put under each other, every text wrapped to the room and shown as what it is.
#[derive(Debug)]
pub struct Facts<'a> {
    /// How everything looks.
    pub look: Look<'a>,
    room: usize,
    label_wide: usize,
    /// Lines of a long text, for who asks how many it may have.
    pub most: usize,
    /// The lines so far.
    pub lines: Vec<Line<'static>>,
}

impl<'a> Facts<'a> {
    /// None yet, for so many columns, of which the labels take some.
    pub fn new(look: Look<'a>, room: usize, label_wide: usize) -> Self {
        Self { look, room, label_wide, most: LINES, lines: Vec::new() }
    }

    /// One line or two over the whole width.
    pub fn title(&mut self, text: &str) {
        let theme = self.look.theme;
        self.lines.extend(self.look.wrap(text, self.room, 2, theme.title));
    }

    /// Words over the whole width.
    pub fn note(&mut self, text: &str, style: Style) {
        self.lines.extend(self.look.wrap(text, self.room, LINES, style));
    }

    /// A heading over what follows.
    pub fn heading(&mut self, text: &str) {
        self.gap();
        self.lines.push(styled(text.to_owned(), self.look.theme.muted));
    }

    /// A fact.
    pub fn say(&mut self, label: &'static str, text: &str) {
        self.styled(label, text, self.look.theme.base);
    }

    /// A fact, where there is something to say.
    pub fn maybe(&mut self, label: &'static str, text: Option<impl AsRef<str>>) {
        if let Some(text) = text.filter(|text| !text.as_ref().is_empty()) {
            self.say(label, text.as_ref());
        }
    }

    /// A fact in a style of its own.
    pub fn styled(&mut self, label: &'static str, text: &str, style: Style) {
        self.long(label, text, LINES, style);
    }

    /// A fact of so many lines at most.
    pub fn long(&mut self, label: &'static str, text: &str, lines: usize, style: Style) {
        let wide = self.room.saturating_sub(self.label_wide);
        let lines = self.look.wrap(text, wide, lines, style);
        self.lines.extend(fact(self.look, label, self.label_wide, lines));
    }

    /// A fact of several lines that are made already.
    pub fn lined(&mut self, label: &'static str, lines: Vec<Line<'static>>) {
        self.lines.extend(fact(self.look, label, self.label_wide, lines));
    }

    /// All columns.
    pub fn room(&self) -> usize {
        self.room
    }

    /// Columns beside the labels.
    pub fn wide(&self) -> usize {
        self.room.saturating_sub(self.label_wide)
    }

    /// An empty line.
    pub fn gap(&mut self) {
        self.lines.push(Line::default());
    }
}

/// Lines of a block of facts: the label stands before the first line, the others are indented.
pub fn fact(
    look: Look<'_>,
    label: &'static str,
    label_wide: usize,
    lines: Vec<Line<'static>>,
) -> Vec<Line<'static>> {
    let indent = " ".repeat(label_wide);
    let labelled = lines.into_iter().enumerate().map(|(at, line)| {
        let first = if at == 0 { format!("{label:<label_wide$}") } else { indent.clone() };
        let mut spans = vec![Span::styled(first, look.theme.muted)];
        spans.extend(line.spans);
        Line::from(spans)
    });
    labelled.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::widgets::tests::with_look;

    #[test]
    fn further_lines_are_indented() {
        with_look(|look| {
            let lines = fact(look, "WHY", 6, vec![Line::from("because"), Line::from("of this")]);
            let text: Vec<_> = lines.iter().map(ToString::to_string).collect();
            assert_eq!(text, ["WHY   because", "      of this"]);
        });
    }
}
