//! Branches: causes under effects, fields under entities.

use ratatui::text::{Line, Span};

use super::Look;

/// Branches drawn at most from the root; deeper ones share the last indent.
const DEPTH_MAX: usize = 24;

/// One node in the order in which a tree is printed.
#[derive(Debug, Clone)]
pub struct Node {
    /// 0 for a root.
    pub depth: usize,
    /// Its text.
    pub line: Line<'static>,
}

/// The lines of a tree, with its branches drawn.
pub fn lines(look: Look<'_>, nodes: &[Node]) -> Vec<Line<'static>> {
    let [fork, last, past] = look.glyphs.branches;
    let mut out = Vec::with_capacity(nodes.len());
    for (at, node) in nodes.iter().enumerate() {
        let depth = node.depth.min(DEPTH_MAX);
        let rest = nodes.get(at + 1..).unwrap_or_default();
        let mut guide = String::new();
        for level in 1..=depth {
            let goes_on = goes_on(rest, level);
            guide.push_str(match (level == depth, goes_on) {
                (true, true) => fork,
                (true, false) => last,
                (false, true) => past,
                (false, false) => "  ",
            });
            guide.push(' ');
        }
        let mut spans = vec![Span::styled(guide, look.theme.border)];
        spans.extend(node.line.spans.iter().cloned());
        out.push(Line::from(spans));
    }
    out
}

/// Whether a later node continues the branch of this level before the tree goes back above it.
fn goes_on(rest: &[Node], level: usize) -> bool {
    rest.iter()
        .map(|node| node.depth.min(DEPTH_MAX))
        .take_while(|depth| *depth >= level)
        .any(|depth| depth == level)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::widgets::tests::with_look;

    #[test]
    fn branches_end_where_the_tree_does() {
        let nodes: Vec<_> = [(0, "a"), (1, "b"), (2, "c"), (2, "d"), (1, "e"), (2, "f"), (0, "g")]
            .map(|(depth, text)| Node { depth, line: Line::from(text) })
            .to_vec();
        with_look(|look| {
            let text: Vec<_> = lines(look, &nodes).iter().map(ToString::to_string).collect();
            assert_eq!(text, ["a", "├─ b", "│  ├─ c", "│  └─ d", "└─ e", "   └─ f", "g"]);
        });
    }
}
