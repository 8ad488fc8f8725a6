//! Labelled facts, one under the other: `INPUT   "We'd rather talk to …"`.

use ratatui::text::{Line, Span};

use super::Look;

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
