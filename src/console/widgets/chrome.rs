//! The lines around a view: header, tabs, hints and what was last said.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{Look, cells, clip, put, put_at, spoken, width};

/// Cells between two hints.
const HINT_GAP: usize = 3;
/// Cells between two parts of the header's right side.
const PART_GAP: usize = 3;

/// Draws a line with something at its left end and parts at its right end. Where room is short the parts go from the first
/// on, and then the left is cut.
pub fn two_ends(
    buffer: &mut Buffer,
    area: Rect,
    look: Look<'_>,
    left: Line<'static>,
    right: &[Line<'static>],
) {
    spoken::head(&left);
    let room = usize::from(area.width);
    let left_wide = width(&left);
    let mut parts = right;
    let wide = |parts: &[Line<'static>]| {
        parts.iter().map(width).sum::<usize>() + PART_GAP * parts.len().saturating_sub(1)
    };
    while !parts.is_empty() && left_wide + PART_GAP + wide(parts) > room {
        parts = parts.get(1..).unwrap_or_default();
    }
    put(buffer, area, 0, &clip(left, room, look.glyphs.cut));
    let mut spans = Vec::new();
    for part in parts {
        if !spans.is_empty() {
            spans.push(Span::raw(" ".repeat(PART_GAP)));
        }
        spans.extend(part.spans.iter().cloned());
    }
    let at = room.saturating_sub(wide(parts));
    if !spans.is_empty() {
        put_at(buffer, area, 0, cells(at), &Line::from(spans));
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tab {
    /// The key that leads there.
    pub key: String,
    pub name: &'static str,
    /// What waits there, if anything is counted.
    pub count: Option<usize>,
    /// Whether something there needs attention: shown by colour and by `!`.
    pub attention: bool,
}

/// The line of tabs; the active one stands out by more than colour. Where not all names have room, only the active tab
/// has its own: the others keep their keys and counts.
pub fn tabs(look: Look<'_>, tabs: &[Tab], active: usize, room: usize) -> Line<'static> {
    let line = tabs_with(look, tabs, active, true);
    if width(&line) <= room + 1 { line } else { tabs_with(look, tabs, active, false) }
}

/// Which tab is drawn in this cell of the line.
pub fn tab_at(line: &Line<'_>, cell: usize) -> Option<usize> {
    let mut to = 0;
    let hit = line.spans.iter().position(|span| {
        to += span.width();
        cell < to
    });
    // Between two tabs stands a blank.
    hit.filter(|at| at.is_multiple_of(2)).map(|at| at / 2)
}

fn tabs_with(look: Look<'_>, tabs: &[Tab], active: usize, names: bool) -> Line<'static> {
    let theme = look.theme;
    let mut spans = Vec::new();
    for (at, tab) in tabs.iter().enumerate() {
        let mut text = format!(" {}", tab.key);
        if names || at == active {
            text.push(' ');
            text.push_str(tab.name);
        }
        if let Some(count) = tab.count {
            text.push(' ');
            text.push_str(&super::thousands(count as u64));
        }
        if tab.attention {
            text.push_str(look.glyphs.attention);
        }
        text.push(' ');
        if at == active {
            spans.push(Span::styled(text, theme.active));
        } else if tab.attention {
            spans.push(Span::styled(text, theme.danger));
        } else {
            spans.push(Span::styled(text, theme.subtle));
        }
        spans.push(Span::raw(" "));
    }
    Line::from(spans)
}

fn hint_wide((key, label): &(String, String)) -> usize {
    key.chars().count() + 1 + label.chars().count()
}

/// The hints that there is room for.
fn fitting(hints: &[(String, String)], room: usize) -> Vec<&(String, String)> {
    let mut shown: Vec<_> = hints.iter().collect();
    let wide = |shown: &[&(String, String)]| {
        shown.iter().map(|hint| hint_wide(hint)).sum::<usize>() + HINT_GAP * shown.len().saturating_sub(1) + 1
    };
    while shown.len() > 1 && wide(&shown) > room {
        shown.remove(if shown.len() > 3 { shown.len() - 3 } else { shown.len() - 2 });
    }
    shown
}

/// The key of the hint that is drawn in this cell.
pub fn hint_at(hints: &[(String, String)], room: usize, cell: usize) -> Option<&str> {
    let mut from = 1;
    fitting(hints, room).into_iter().find_map(|hint| {
        let to = from + hint_wide(hint);
        let hit = (from..to).contains(&cell);
        from = to + HINT_GAP;
        hit.then_some(hint.0.as_str())
    })
}

/// The hint line: keys in the accent, labels dim. Where room is short, hints go from the third of the end on, so that the first
/// and the last two, how to go anywhere and help, stay as long as any.
pub fn hints(look: Look<'_>, hints: &[(String, String)], room: usize) -> Line<'static> {
    let mut spans = vec![Span::raw(" ")];
    for (at, (key, label)) in fitting(hints, room).into_iter().enumerate() {
        if at > 0 {
            spans.push(Span::raw(" ".repeat(HINT_GAP)));
        }
        spans.push(Span::styled(key.clone(), look.theme.accent));
        spans.push(Span::raw(" "));
        spans.push(Span::styled(label.clone(), look.theme.muted));
    }
    clip(Line::from(spans), room, look.glyphs.cut)
}

/// How something that is said is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// It went through.
    Done,
    /// For information.
    Info,
    /// Needs attention.
    Warning,
    /// It failed or was refused.
    Failed,
}

impl Tone {
    /// Its sign and its style.
    pub fn signs(self, look: Look<'_>) -> (&'static str, Style) {
        match self {
            Self::Done => (look.glyphs.ok, look.theme.success),
            Self::Info => (look.glyphs.info, look.theme.info),
            Self::Warning => (look.glyphs.attention, look.theme.warning),
            Self::Failed => (look.glyphs.refused, look.theme.danger),
        }
    }
}

/// What was last said, as a line: sign in colour, then the words.
pub fn said(look: Look<'_>, tone: Tone, words: &str, room: usize) -> Line<'static> {
    let (sign, style) = tone.signs(look);
    let mut spans = vec![Span::raw(" "), Span::styled(sign, style), Span::raw(" ")];
    let taken = 2 + sign.chars().count();
    spans.extend(look.spans(words, room.saturating_sub(taken), look.theme.base));
    Line::from(spans)
}

/// In the middle of an empty view why it is empty, and what next, in lines.
pub fn draw_empty(buffer: &mut Buffer, area: Rect, look: Look<'_>, why: &str, next: &str) {
    let room = usize::from(area.width);
    let title = look.line(why, room, look.theme.title);
    let next: Vec<Line<'static>> =
        next.lines().map(|text| look.line(text, room, look.theme.subtle)).collect();
    spoken::text(std::slice::from_ref(&title));
    spoken::text(&next);
    let top = area.height.saturating_sub(cells(next.len() + 2)) / 3;
    let middle = |wide: usize| area.width.saturating_sub(cells(wide)) / 2;
    put_at(buffer, area, top, middle(width(&title)), &title);
    let left = middle(next.iter().map(width).max().unwrap_or(0));
    for (at, line) in next.iter().enumerate() {
        put_at(buffer, area, top + 2 + cells(at), left, line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::widgets::tests::{drawn, with_look};

    #[test]
    fn the_right_side_gives_way_from_its_first_part() {
        let text = |room| {
            drawn(room, 1, |buffer, area, look| {
                let parts = ["dana", "live", "09:04"].map(Line::from);
                two_ends(buffer, area, look, Line::from(" deeds"), &parts);
            })
        };
        assert_eq!(
            text(30),
            " deeds     dana   live   09:04
"
        );
        assert_eq!(text(22), " deeds    live   09:04\n");
        assert_eq!(text(16), " deeds     09:04\n");
        assert_eq!(text(5), " dee…\n");
    }

    #[test]
    fn tabs_say_attention_with_a_sign() {
        with_look(|look| {
            let tab = |key: &str, name, count, attention| Tab { key: key.to_owned(), name, count, attention };
            let line =
                tabs(look, &[tab("1", "inbox", Some(7), false), tab("4", "conflicts", Some(2), true)], 0, 80);
            assert_eq!(line.to_string(), " 1 inbox 7   4 conflicts 2!  ");
        });
    }

    #[test]
    fn the_active_tab_keeps_its_name_where_room_is_short() {
        with_look(|look| {
            let tab = |key: &str, name, count| Tab { key: key.to_owned(), name, count, attention: false };
            let all = [tab("1", "inbox", Some(7)), tab("3", "map", None), tab("6", "work", Some(2))];
            assert_eq!(tabs(look, &all, 2, 31).to_string(), " 1 inbox 7   3 map   6 work 2  ");
            assert_eq!(tabs(look, &all, 2, 29).to_string(), " 1 7   3   6 work 2  ");
        });
    }

    #[test]
    fn help_stays_when_hints_have_no_room() {
        with_look(|look| {
            let all: Vec<_> = [("e", "expand"), ("h", "handle"), ("c", "claim"), ("?", "help")]
                .map(|(key, label)| (key.to_owned(), label.to_owned()))
                .to_vec();
            assert_eq!(hints(look, &all, 60).to_string(), " e expand   h handle   c claim   ? help");
            assert_eq!(hints(look, &all, 30).to_string(), " e expand   c claim   ? help");
            assert_eq!(hints(look, &all, 4).to_string(), " ? …");
        });
    }
}
