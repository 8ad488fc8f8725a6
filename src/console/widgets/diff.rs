//! Before and after, side by side.

use ratatui::text::{Line, Span};

use super::{Look, pad, styled};

/// One thing that has a value before and after; `None` where there was or is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change<'a> {
    /// What it is.
    pub name: &'a str,
    /// Its value before.
    pub before: Option<&'a str>,
    /// Its value after.
    pub after: Option<&'a str>,
}

/// Lines drawn for one value at most.
const VALUE_LINES: usize = 12;

/// The lines of a comparison: name over both values, what differs in colour and with a sign.
pub fn side_by_side(look: Look<'_>, room: usize, changes: &[Change<'_>]) -> Vec<Line<'static>> {
    let half = room.saturating_sub(3) / 2;
    let theme = look.theme;
    let mut lines = Vec::new();
    for change in changes {
        let same = change.before == change.after;
        let (gone, come) = if same { (theme.subtle, theme.subtle) } else { (theme.danger, theme.success) };
        lines.push(look.line(change.name, room, theme.title));
        let side = |value: Option<&str>, sign: &'static str, style| match value {
            None => vec![styled("none", theme.muted)],
            Some(value) => {
                let wide = half.saturating_sub(2);
                let mut lines = look.wrap(value, wide, VALUE_LINES, style);
                for line in &mut lines {
                    line.spans.insert(0, Span::styled(if same { "  " } else { sign }, style));
                }
                lines
            }
        };
        let before = side(change.before, "- ", gone);
        let after = side(change.after, "+ ", come);
        for at in 0..before.len().max(after.len()) {
            let left = before.get(at).cloned().unwrap_or_default();
            let mut line = pad(left, half, look.glyphs.cut);
            line.spans.push(Span::styled(format!(" {} ", look.glyphs.wall), theme.border));
            line.spans.extend(after.get(at).cloned().unwrap_or_default().spans);
            lines.push(line);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::widgets::tests::with_look;

    #[test]
    fn what_differs_has_a_sign() {
        with_look(|look| {
            let changes = [
                Change { name: "#status", before: Some("new"), after: Some("contacted by hand") },
                Change { name: "#owner", before: None, after: Some("a\u{202e}b") },
            ];
            let text: Vec<_> = side_by_side(look, 25, &changes)
                .iter()
                .map(|l| l.to_string().trim_end().to_owned())
                .collect();
            assert_eq!(
                text,
                [
                    "#status",
                    "- new       │ + contacted",
                    "            │ + by hand",
                    "#owner",
                    "none        │ + a‹U+202E›",
                    "            │ + b"
                ]
            );
        });
    }
}
