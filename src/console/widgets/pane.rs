//! A list and what is told of its row: side by side with a line between, or one of them; and the three widths of the
//! console.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::{Look, put, spoken, styled};

/// Columns from which everything is shown.
pub const FULL_FROM: u16 = 120;
/// Columns from which list and detail stand side by side, compactly.
pub const COMPACT_FROM: u16 = 80;
/// Columns from which a list can be read at all.
pub const LIST_FROM: u16 = 40;
/// Rows from which the frame leaves room for a view.
pub const ROWS_FROM: u16 = 8;

/// How much room there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Room {
    /// Too small for anything but a sentence.
    Sentence,
    /// The list alone; details open over it.
    List,
    /// List and detail, the lesser columns left out.
    Compact,
    /// Everything.
    Full,
}

impl Room {
    /// What an area has room for.
    pub fn of(area: Rect) -> Self {
        match area.width {
            _ if area.height < ROWS_FROM => Self::Sentence,
            FULL_FROM.. => Self::Full,
            COMPACT_FROM.. => Self::Compact,
            LIST_FROM.. => Self::List,
            _ => Self::Sentence,
        }
    }
}

/// The sentence that is shown where nothing else fits.
pub fn draw_sentence(buffer: &mut Buffer, area: Rect, look: Look<'_>) {
    let text = format!("deeds needs {LIST_FROM}x{ROWS_FROM}, this is {}x{}", area.width, area.height);
    let lines = crate::console::untrusted::wrap(
        &text,
        usize::from(area.width),
        usize::from(area.height),
        look.theme.base,
        look.theme.base,
    );
    super::put_lines(buffer, area, &lines);
}

/// The list's share of the width in percent where the detail stands beside it: the first where everything has room, the
/// second where it is compact. None where there is room for one of them only.
pub fn share(body: Rect, [wide, narrow]: [u16; 2]) -> Option<u16> {
    match body.width {
        _ if spoken::is_heard() => None,
        FULL_FROM.. => Some(wide),
        COMPACT_FROM.. => Some(narrow),
        _ => None,
    }
}

/// Whether two things stand beside each other where everything has room. Whoever listens hears one at a time.
pub fn is_full(body: Rect) -> bool {
    is_beside(body, FULL_FROM)
}

/// Whether two texts stand beside each other from so many columns on. Whoever listens hears one after the other.
pub fn is_beside(body: Rect, columns: u16) -> bool {
    body.width >= columns && !spoken::is_heard()
}

/// Draws a list and the detail of its row side by side where the list has a share of the width, else the detail where it
/// is opened, else the list. The cursor is the list's.
pub fn list_and_detail(
    buffer: &mut Buffer,
    body: Rect,
    look: Look<'_>,
    (share, opened): (Option<u16>, bool),
    list: impl FnOnce(&mut Buffer, Rect) -> Option<Position>,
    detail: impl FnOnce(&mut Buffer, Rect),
) -> Option<Position> {
    let Some(percent) = share else {
        if opened {
            detail(buffer, indented(body));
            return None;
        }
        return list(buffer, body);
    };
    let (left, wall, right) = split(body, percent);
    draw_wall(buffer, wall, look);
    // The last column stays free, so that text does not touch the edge.
    detail(buffer, Rect { width: right.width.saturating_sub(1), ..right });
    list(buffer, left)
}

/// One blank column at each side.
pub fn indented(area: Rect) -> Rect {
    Rect { x: area.x + 1.min(area.width), width: area.width.saturating_sub(2), ..area }
}

/// An area from that column on.
pub fn from(area: Rect, columns: u16) -> Rect {
    let columns = columns.min(area.width);
    Rect { x: area.x + columns, width: area.width - columns, ..area }
}

/// Splits an area: the left pane takes `percent` of it, a line of one cell with a blank on each side stands between.
pub fn split(area: Rect, percent: u16) -> (Rect, Rect, Rect) {
    let left = u16::try_from(u32::from(area.width) * u32::from(percent.min(100)) / 100).unwrap_or(area.width);
    let wall_at = left.saturating_add(1).min(area.width);
    let right_at = wall_at.saturating_add(2).min(area.width);
    (
        Rect { width: left, ..area },
        Rect { x: area.x + wall_at, width: 1.min(area.width - wall_at), ..area },
        Rect { x: area.x + right_at, width: area.width - right_at, ..area },
    )
}

/// Draws the line between two panes.
pub fn draw_wall(buffer: &mut Buffer, wall: Rect, look: Look<'_>) {
    for row in 0..wall.height {
        put(buffer, wall, row, &styled(look.glyphs.wall, look.theme.border));
    }
}

/// Draws a rule over the first row of an area.
pub fn draw_rule(buffer: &mut Buffer, area: Rect, look: Look<'_>) {
    let rule = look.glyphs.rule.repeat(usize::from(area.width));
    put(buffer, area, 0, &styled(rule, look.theme.border));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_widths() {
        let room = |width, height| Room::of(Rect::new(0, 0, width, height));
        assert_eq!(room(120, 36), Room::Full);
        assert_eq!(room(119, 24), Room::Compact);
        assert_eq!(room(79, 24), Room::List);
        assert_eq!(room(39, 24), Room::Sentence);
        assert_eq!(room(200, 7), Room::Sentence);
        assert_eq!(room(0, 0), Room::Sentence);
    }

    #[test]
    fn list_and_detail_stand_side_by_side_where_both_have_room() {
        let theme = crate::console::theme::Theme::mono();
        let look = Look {
            theme: &theme,
            glyphs: &crate::console::glyphs::ASCII,
            zone: crate::domain::time::Zone::UTC,
        };
        let drawn = |width, opened| {
            let body = Rect::new(0, 2, width, 4);
            let mut buffer = Buffer::empty(body);
            let (mut left, mut right) = (None, None);
            let cursor = list_and_detail(
                &mut buffer,
                body,
                look,
                (share(body, [60, 50]), opened),
                |_, area| {
                    left = Some((area.x, area.width));
                    Some(area.as_position())
                },
                |_, area| right = Some((area.x, area.width)),
            );
            assert_eq!(cursor.is_some(), left.is_some());
            (left, right)
        };
        assert_eq!(drawn(120, false), (Some((0, 72)), Some((75, 44))));
        assert_eq!(drawn(80, true), (Some((0, 40)), Some((43, 36))));
        assert_eq!(drawn(79, false), (Some((0, 79)), None));
        assert_eq!(drawn(79, true), (None, Some((1, 77))));
    }

    #[test]
    fn panes_never_leave_the_area() {
        for width in 0..40 {
            let area = Rect::new(3, 0, width, 1);
            let (left, wall, right) = split(area, 48);
            for part in [left, wall, right] {
                assert!(part.left() >= area.left() && part.right() <= area.right(), "{part:?} in {area:?}");
            }
            assert!(left.width + wall.width + right.width <= width);
        }
    }
}
