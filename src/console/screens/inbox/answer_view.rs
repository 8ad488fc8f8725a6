//! The box in which an answer is given: fields, consequences, buttons.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::answer::Answering;
use super::fields::Field;
use super::kind::Kind;
use crate::console::untrusted;
use crate::console::widgets::facts::fact;
use crate::console::widgets::modal::Frame;
use crate::console::widgets::{Look, cells, clip, put, put_at, width};
use crate::console::world::World;
use crate::domain::decide::Preview;
use crate::domain::things::Case;

/// Outer width.
const WIDTH: u16 = 80;
/// Cells of the labels.
const LABEL: usize = 10;
/// Lines for one fact.
const LINES: usize = 4;
/// Numbers of cases named; the rest are counted.
const NAMED: usize = 8;

impl Answering {
    /// Draws the box; the result is where the terminal's cursor belongs.
    pub(super) fn draw(
        &self,
        buffer: &mut Buffer,
        screen: Rect,
        look: Look<'_>,
        world: &World,
    ) -> Option<Position> {
        let room = usize::from(WIDTH.min(screen.width).saturating_sub(4));
        let facts = self.facts(look, world, room);
        let rows = cells(self.fields.len() + usize::from(!self.fields.is_empty()) + facts.len() + 2);
        let title = untrusted::fit(&self.title(), room.saturating_sub(4));
        let inner = Frame { title: &title, width: WIDTH }.draw(buffer, screen, look, rows);
        let mut cursor = None;
        let mut row = 0;
        for (at, field) in self.fields.iter().enumerate() {
            let focused = at == self.focus;
            cursor = Self::draw_field(buffer, line_of(inner, row), look, field, focused).or(cursor);
            row += 1;
        }
        row += u16::from(!self.fields.is_empty());
        // Whatever does not fit, the buttons do: what is confirmed must not be off the screen.
        let for_facts = inner.height.saturating_sub(row + 2);
        for line in facts.iter().take(usize::from(for_facts)) {
            put(buffer, inner, row, &clip(line.clone(), room, look.glyphs.cut));
            row += 1;
        }
        self.draw_buttons(buffer, inner, look);
        cursor
    }

    fn draw_buttons(&self, buffer: &mut Buffer, inner: Rect, look: Look<'_>) {
        let mut line = self.buttons.line(look, true);
        if self.focus < self.fields.len() {
            // While a field has the focus no button would be pressed, and none looks as if.
            line = Line::from(
                line.spans.into_iter().map(|span| span.style(look.theme.subtle)).collect::<Vec<_>>(),
            );
        }
        let column = inner.width.saturating_sub(cells(width(&line)));
        put_at(buffer, inner, inner.height.saturating_sub(1), column, &line);
    }

    fn title(&self) -> String {
        let first = self.items.first();
        let no = first.map(|item| item.no.to_string()).unwrap_or_default();
        let what = match self.items.len() {
            0 | 1 => format!("#{no}"),
            more => format!("{more} cases"),
        };
        match self.kind {
            Kind::Expand => format!("Expand a scope for {what}"),
            Kind::Transfer => format!("Transfer ownership for {what}"),
            Kind::Handle => format!("Handle {what} by hand"),
            Kind::OutOfScope => format!("Out of scope: {what}"),
            Kind::Approve => format!("Approve {what}"),
            Kind::ApproveEdited => format!("Approve {what} with edits"),
            Kind::Reject => format!("Reject {what}"),
            Kind::Undo => format!("Undo the answer to {what}"),
        }
    }

    fn draw_field(
        buffer: &mut Buffer,
        area: Rect,
        look: Look<'_>,
        field: &Field,
        focused: bool,
    ) -> Option<Position> {
        let theme = look.theme;
        let sign = if focused { look.glyphs.cursor } else { " " };
        put(buffer, area, 0, &Line::from(Span::styled(sign, theme.accent)));
        let area = Rect { x: area.x + 1.min(area.width), width: area.width.saturating_sub(1), ..area };
        match field {
            Field::Text { label, prompt, needed } => {
                let label = format!("{label:<width$}", width = LABEL - 1);
                let style = if focused { theme.accent } else { theme.muted };
                let cursor = prompt.draw(buffer, area, look, &label);
                put(buffer, area, 0, &Line::from(Span::styled(label.clone(), style)));
                if prompt.text().is_empty() && !focused {
                    let words = match (label.trim_end(), *needed) {
                        ("to", _) => "nobody: you see to it yourself",
                        (_, true) => "needed",
                        (_, false) => "none",
                    };
                    let column = cells(LABEL - 1);
                    put_at(buffer, area, 0, column, &Line::from(Span::styled(words, theme.muted)));
                }
                cursor.filter(|_| focused)
            }
            Field::Tick { label, on } => {
                let words = match *label {
                    "rule" => "close inputs like this on arrival from now on",
                    _ => "settle the cases alike by the same answer",
                };
                let [ticked, empty] = look.glyphs.tick;
                let line = Line::from(vec![
                    Span::styled(format!("{label:<width$}", width = LABEL - 1), theme.muted),
                    Span::styled(if *on { ticked } else { empty }, theme.accent),
                    Span::styled(format!(" {words}"), theme.subtle),
                ]);
                put(buffer, area, 0, &line);
                None
            }
        }
    }

    /// What will be true afterwards.
    fn facts(&self, look: Look<'_>, world: &World, room: usize) -> Vec<Line<'static>> {
        let theme = look.theme;
        let wide = room.saturating_sub(LABEL + 1);
        let wrap = |text: &str, style| untrusted::wrap(text, wide, LINES, style, theme.escaped);
        let mut lines = Vec::new();
        if let Some(why) = self.changed(world) {
            lines.extend(fact(look, " changed", LABEL, wrap(&why, theme.danger)));
        }
        if self.kind == Kind::Undo {
            for (at, words) in self.undoes.iter().enumerate() {
                lines.extend(fact(look, if at == 0 { " then" } else { "" }, LABEL, wrap(words, theme.base)));
            }
            return lines;
        }
        match self.preview(world) {
            None => {}
            Some(Err(why)) => lines.extend(fact(look, " missing", LABEL, wrap(&why, theme.warning))),
            Some(Ok(preview)) => lines.extend(self.consequence(look, &preview, &wrap)),
        }
        lines
    }

    fn consequence(
        &self,
        look: Look<'_>,
        preview: &Preview,
        wrap: &dyn Fn(&str, ratatui::style::Style) -> Vec<Line<'static>>,
    ) -> Vec<Line<'static>> {
        let theme = look.theme;
        let mut lines = Vec::new();
        if let Some((now, after)) = preview.map {
            let mut text = vec![Line::from(format!("v{now} {} v{after}", look.glyphs.arrow))];
            for change in preview.changes.iter().take(LINES) {
                let style = if change.starts_with('+') { theme.success } else { theme.danger };
                text.extend(wrap(change, style));
            }
            lines.extend(fact(look, " map", LABEL, text));
        }
        if matches!(self.kind, Kind::Expand | Kind::Transfer) {
            let overlap = match &preview.obstacle {
                Some(why) => wrap(why, theme.danger),
                None => vec![Line::from(Span::styled(format!("{} none", look.glyphs.ok), theme.success))],
            };
            lines.extend(fact(look, " overlap", LABEL, overlap));
        } else if let Some(why) = &preview.obstacle {
            lines.extend(fact(look, " obstacle", LABEL, wrap(why, theme.danger)));
        }
        for (label, words, style) in self.publication(look) {
            lines.extend(fact(look, label, LABEL, wrap(&words, style)));
        }
        if preview.obstacle.is_none() {
            lines.extend(fact(look, " settles", LABEL, wrap(&self.settles(preview), theme.base)));
        }
        for (at, words) in preview.then.iter().enumerate() {
            lines.extend(fact(look, if at == 0 { " then" } else { "" }, LABEL, wrap(words, theme.base)));
        }
        lines
    }

    /// What an approval sends where, in whose name, and what is looked at again before it does.
    fn publication(&self, look: Look<'_>) -> Vec<(&'static str, String, ratatui::style::Style)> {
        let theme = look.theme;
        let Some(Case::Approval { publish, over, .. }) = self.items.first().map(|item| &item.case) else {
            return Vec::new();
        };
        let mut told = Vec::new();
        if !over.is_empty() {
            let words = "another agent has spoken on this thread: look at what went out first";
            told.push((" over", words.to_owned(), theme.warning));
        }
        let thread = publish.thread.as_deref().map(|thread| format!(", thread {thread}")).unwrap_or_default();
        told.push((" to", format!("{}{thread}", publish.output), theme.base));
        if self.kind != Kind::Reject {
            let agent = self.items.first().map(|item| item.raised_by.to_string()).unwrap_or_default();
            told.push((" by", format!("{agent}, who is told what went out"), theme.base));
            let again = "zone, versions, thread and who goes first are checked at that moment; what fails is said and nothing goes out";
            told.push((" checked", again.to_owned(), theme.muted));
        }
        told
    }

    fn settles(&self, preview: &Preview) -> String {
        let numbers = |nos: &[crate::domain::ids::ItemNo]| {
            let named: Vec<_> = nos.iter().take(NAMED).map(|no| format!("#{no}")).collect();
            let more = nos.len().saturating_sub(NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("{}{more}", named.join(" "))
        };
        if self.items.len() > 1 {
            let all: Vec<_> = self.items.iter().map(|item| item.no).collect();
            return format!("{} marked cases: {}", all.len(), numbers(&all));
        }
        match (preview.settles.len(), self.ticked("include")) {
            (0, _) => "this case".to_owned(),
            (count, true) => format!("this case and {count} alike: {}", numbers(&preview.settles)),
            (count, false) => format!("this case only; {count} alike wait on: {}", numbers(&preview.settles)),
        }
    }
}

fn line_of(area: Rect, row: u16) -> Rect {
    Rect { y: area.y + row.min(area.height), height: 1.min(area.height.saturating_sub(row)), ..area }
}
