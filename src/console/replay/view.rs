//! The replay as drawn, and as plain text: where it is, both sides next to each other, the fields, what other maps say.

use std::fmt::Write as _;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::maps::Maps;
use super::steps::{Fact, Field, Steps, Tint};
use super::{PACES, Replay, Stage};
use crate::console::widgets::facts::Facts;
use crate::console::widgets::modal::Frame;
use crate::console::widgets::{
    Look, cells, chrome, clip, cut_bottom, cut_top, ends, pad, plain_text, spoken, styled, width,
};
use crate::console::words;

/// Outer width.
const WIDTH: u16 = 140;
/// Below this many columns the sides stand below each other.
const BESIDE_FROM: usize = 60;
/// Cells of the labels.
const LABEL: usize = 8;
/// Lines of one text.
const TEXT_LINES: usize = 3;
/// Fields that are shown above the sides.
const FIELDS: usize = 4;
/// Cells of a mark of the timeline.
const MARK: usize = 3;
/// What the last line of a box that is typed into is called.
const FILE: &str = "file  ";

impl Replay {
    /// Draws it over the view, the head of the console and the line of the keys staying to be seen; the result is where text
    /// is typed, if it is.
    pub fn draw_over(&self, buffer: &mut Buffer, screen: Rect, look: Look<'_>) -> Option<Position> {
        let (above, _) = cut_bottom(screen, u16::from(screen.height > 3));
        let (_, area) = cut_top(above, u16::from(screen.height > 10));
        self.draw(buffer, area, look)
    }

    /// Draws it in an area.
    pub(super) fn draw(&self, buffer: &mut Buffer, area: Rect, look: Look<'_>) -> Option<Position> {
        let title = format!("Replay of {} #{}", self.alert.kind.as_str(), self.alert.no);
        let inner = Frame { title: &title, width: WIDTH }.draw(buffer, area, look, area.height);
        let room = usize::from(inner.width);
        let (text, foot) = cut_bottom(inner, u16::from(self.naming.is_some()));
        match &self.stage {
            Stage::Fetching { .. } => {
                let named = self.alert.sides.iter().filter(|side| side.deed.is_some()).count();
                let next = format!("{named} deeds that it names, and those on its field between them");
                chrome::draw_empty(buffer, text, look, "Fetching the deeds of both sides", &next);
            }
            Stage::Failed(why) => {
                chrome::draw_empty(buffer, text, look, "It can't be played", why);
            }
            Stage::Here { steps, maps } => {
                let head = self.head(look, room, steps, maps);
                let (top, rest) = cut_top(text, cells(head.len()));
                if spoken::is_heard() {
                    self.scroll.draw(buffer, text, look, &self.told(look, room, steps, maps));
                } else {
                    crate::console::widgets::put_lines(buffer, top, &head);
                    self.scroll.draw(buffer, rest, look, &self.lines(look, room, (steps, maps)));
                }
            }
        }
        self.naming.as_ref().and_then(|prompt| prompt.draw(buffer, foot, look, FILE))
    }

    /// Where it is, under which map, and the steps as marks.
    fn head(&self, look: Look<'_>, room: usize, steps: &Steps, maps: &Maps) -> Vec<Line<'static>> {
        let theme = look.theme;
        let pace = PACES.get(self.pace).map_or("", |(_, name)| *name);
        let going = if self.playing {
            Span::styled(format!("{} playing, {pace}", look.glyphs.live), theme.success)
        } else {
            Span::styled(format!("{} paused", look.glyphs.read_only), theme.warning)
        };
        let place = match steps.get(self.at) {
            Some(_) => format!("step {} of {}", self.at + 1, steps.len()),
            None => "the end".to_owned(),
        };
        let left = Line::from(vec![Span::styled(place, theme.title), Span::raw("  "), going]);
        let (place, of) = maps.place();
        let right = Line::from(vec![
            Span::styled("under ", theme.muted),
            Span::styled(maps.name(), theme.accent),
            Span::styled(format!("  {place} of {of}"), theme.muted),
        ]);
        let mut lines = vec![ends(left, right, room, look.glyphs.cut), self.marks(look, room, steps)];
        let fields = steps.fields(self.at);
        lines.extend(fields.iter().take(FIELDS).map(|field| field_line(look, room, field)));
        let more = fields.len().saturating_sub(FIELDS);
        if more > 0 {
            lines.push(styled(format!("  and {more} more fields"), theme.muted));
        }
        lines.push(Line::default());
        lines
    }

    /// `●──○──●`, the step that is shown standing out; as many around it as there is room for.
    fn marks(&self, look: Look<'_>, room: usize, steps: &Steps) -> Line<'static> {
        let theme = look.theme;
        let fits = (room / MARK).saturating_sub(2).max(1);
        let from = self.at.saturating_sub(fits / 2).min(steps.len().saturating_sub(fits));
        let mut spans = Vec::new();
        if from > 0 || steps.left_out > 0 {
            spans.push(Span::styled(format!("{} ", look.glyphs.cut), theme.muted));
        }
        for (at, deed) in steps.deeds().iter().enumerate().skip(from).take(fits) {
            let (sign, style) = match steps.side(deed) {
                Some(side) => {
                    (look.glyphs.sides.get(side).copied().unwrap_or_default(), side_style(look, side))
                }
                None => (look.glyphs.dot, theme.muted),
            };
            let sign = if deed.outcome.is_refusal() { look.glyphs.refused } else { sign };
            let style = match at.cmp(&self.at) {
                std::cmp::Ordering::Less => style,
                std::cmp::Ordering::Equal => theme.active,
                std::cmp::Ordering::Greater => theme.muted,
            };
            spans.push(Span::styled(sign, style));
            if at + 1 < steps.len() {
                spans.push(Span::styled(look.glyphs.rule.repeat(MARK - 1), theme.border));
            }
        }
        if from + fits < steps.len() {
            spans.push(Span::styled(look.glyphs.cut, theme.muted));
        }
        Line::from(spans)
    }

    /// What is below the head: both sides, or at the end what it all came to.
    fn lines(&self, look: Look<'_>, room: usize, (steps, maps): (&Steps, &Maps)) -> Vec<Line<'static>> {
        if self.is_last() {
            end(look, room, steps, maps)
        } else if room < BESIDE_FROM {
            self.below_each_other(look, room, steps, maps)
        } else {
            self.beside_each_other(look, room, steps, maps)
        }
    }

    fn beside_each_other(
        &self,
        look: Look<'_>,
        room: usize,
        steps: &Steps,
        maps: &Maps,
    ) -> Vec<Line<'static>> {
        let half = room.saturating_sub(MARK) / 2;
        let left = self.side(look, half, (steps, maps), 0);
        let right = self.side(look, half, (steps, maps), 1);
        let wall = Span::styled(format!(" {} ", look.glyphs.wall), look.theme.border);
        let mut lines = Vec::new();
        for row in 0..left.len().max(right.len()) {
            let one = left.get(row).cloned().unwrap_or_default();
            let mut line = pad(one, half, look.glyphs.cut);
            line.spans.push(wall.clone());
            line.spans.extend(right.get(row).cloned().unwrap_or_default().spans);
            lines.push(clip(line, room, look.glyphs.cut));
        }
        lines.extend(self.aside(look, room, steps, maps));
        lines
    }

    fn below_each_other(
        &self,
        look: Look<'_>,
        room: usize,
        steps: &Steps,
        maps: &Maps,
    ) -> Vec<Line<'static>> {
        let now = steps.get(self.at).and_then(|deed| steps.side(deed)).unwrap_or(0);
        let mut lines = self.aside(look, room, steps, maps);
        lines.extend(self.side(look, room, (steps, maps), now));
        lines.push(Line::default());
        lines.extend(self.side(look, room, (steps, maps), 1 - now.min(1)));
        lines
    }

    /// A step of somebody who is on neither side.
    fn aside(&self, look: Look<'_>, room: usize, steps: &Steps, maps: &Maps) -> Vec<Line<'static>> {
        let Some(deed) = steps.get(self.at).filter(|deed| steps.side(deed).is_none()) else {
            return Vec::new();
        };
        let name = look.who(&deed.actor);
        let mut lines =
            vec![Line::default(), styled(format!("{} {name}", look.glyphs.closed), look.theme.title)];
        lines.extend(facts(look, room, &all(look, self.at, steps, maps), true));
        lines
    }

    /// What a side did last, up to the step that is shown.
    fn side(
        &self,
        look: Look<'_>,
        room: usize,
        (steps, maps): (&Steps, &Maps),
        side: usize,
    ) -> Vec<Line<'static>> {
        let theme = look.theme;
        let Some(actor) = steps.actor(side) else { return Vec::new() };
        let latest = steps.latest(side, self.at);
        let is_now = latest == Some(self.at);
        let sign = look.glyphs.sides.get(side).copied().unwrap_or_default();
        let mut head = vec![Span::styled(format!("{sign} "), side_style(look, side))];
        let style = if is_now { theme.title } else { theme.subtle };
        head.extend(look.spans(&look.who(actor), room.saturating_sub(16), style));
        if let Some(at) = latest {
            let words = if is_now {
                format!("  {} step {}", look.glyphs.closed, at + 1)
            } else {
                format!("  step {}", at + 1)
            };
            head.push(Span::styled(words, if is_now { theme.accent } else { theme.muted }));
        }
        let mut lines = vec![clip(Line::from(head), room, look.glyphs.cut)];
        match latest {
            Some(at) => lines.extend(facts(look, room, &all(look, at, steps, maps), is_now)),
            None => lines.push(styled("nothing yet", theme.muted)),
        }
        lines
    }

    /// The step in lines of their own, for who listens.
    fn told(&self, look: Look<'_>, room: usize, steps: &Steps, maps: &Maps) -> Vec<Line<'static>> {
        if self.is_last() {
            return end(look, room, steps, maps);
        }
        let mut lines = vec![styled(step_head(look, self.at, steps), look.theme.title)];
        lines.extend(facts(look, room, &all(look, self.at, steps, maps), true));
        lines
    }

    /// All of it in plain text.
    pub fn text(&self, look: Look<'_>) -> String {
        let Stage::Here { steps, maps } = &self.stage else { return String::new() };
        let room = usize::from(WIDTH);
        let mut out = format!("{} #{}\n", self.alert.kind.as_str(), self.alert.no);
        if steps.left_out > 0 {
            _ = writeln!(out, "{} earlier deeds on the field are left out", steps.left_out);
        }
        for at in 0..steps.len() {
            _ = writeln!(out, "\n{}", step_head(look, at, steps));
            let lines = facts(look, room, &all(look, at, steps, maps), true);
            _ = writeln!(out, "{}", plain_text(&lines));
        }
        out.push_str(&plain_text(&end(look, room, steps, maps)));
        out.push('\n');
        out
    }
}

fn step_head(look: Look<'_>, at: usize, steps: &Steps) -> String {
    let who = steps.get(at).map(|deed| look.who(&deed.actor)).unwrap_or_default();
    format!("step {} of {}: {who}", at + 1, steps.len())
}

/// What is told of a step, with what the chosen map says to it.
fn all(look: Look<'_>, at: usize, steps: &Steps, maps: &Maps) -> Vec<Fact> {
    let Some(deed) = steps.get(at) else { return Vec::new() };
    let mut facts = steps.facts(look, at);
    facts.extend(maps.words(at, deed).map(|(text, tint)| ("map", text, tint)));
    facts
}

fn side_style(look: Look<'_>, side: usize) -> Style {
    if side == 0 { look.theme.accent } else { look.theme.warning }
}

/// Labelled texts; those of a side whose turn it is not step back.
fn facts(look: Look<'_>, room: usize, told: &[Fact], is_now: bool) -> Vec<Line<'static>> {
    let theme = look.theme;
    let mut facts = Facts::new(look, room, LABEL);
    for (label, text, tint) in told {
        let style = match tint {
            Tint::Dim => theme.muted,
            Tint::Bad => theme.danger,
            Tint::Plain | Tint::Value if !is_now => theme.subtle,
            Tint::Plain => theme.base,
            Tint::Value => theme.accent,
        };
        facts.long(label, text, TEXT_LINES, style);
    }
    facts.lines
}

/// `  #health  v41  good → at risk  by support`.
fn field_line(look: Look<'_>, room: usize, field: &Field) -> Line<'static> {
    let theme = look.theme;
    let style = if field.changed { theme.accent.add_modifier(Modifier::BOLD) } else { theme.base };
    let said = |value: &Option<_>| {
        value
            .as_ref()
            .filter(|value| !crate::domain::value::Value::is_null(value))
            .map_or_else(|| "nothing".to_owned(), words::value)
    };
    let sign = if field.changed { look.glyphs.closed } else { " " };
    let mut line = styled(format!("{sign} "), theme.accent);
    line.spans.extend(words::path(look, &field.path, room / 3).spans);
    line.spans.push(Span::styled(format!("  v{}  ", field.version), theme.muted));
    let third = (room / 4).max(8);
    if field.changed {
        line.spans.extend(look.spans(&said(&field.before), third, theme.subtle));
        line.spans.push(Span::styled(format!(" {} ", look.glyphs.arrow), theme.muted));
    }
    line.spans.extend(look.spans(&said(&field.value), third, style));
    if let Some(by) = &field.by {
        let left = room.saturating_sub(width(&line) + 5);
        line.spans.push(Span::styled("  by ", theme.muted));
        line.spans.extend(look.spans(&look.who(by), left, theme.subtle));
    }
    clip(line, room, look.glyphs.cut)
}

/// What happened, and what the chosen map would have done.
fn end(look: Look<'_>, room: usize, steps: &Steps, maps: &Maps) -> Vec<Line<'static>> {
    let theme = look.theme;
    let mut facts = Facts::new(look, room, LABEL);
    facts.note("WHAT HAPPENED", theme.muted);
    for line in steps.summary(look) {
        facts.note(&line, theme.base);
    }
    facts.heading(&format!("UNDER {}", maps.name()));
    for line in maps.verdict(steps) {
        facts.note(&line, theme.base);
    }
    facts.note(
        "versions, leases and who goes first are taken as they were; another map can be chosen",
        theme.muted,
    );
    facts.lines
}
