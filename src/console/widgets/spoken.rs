//! What a drawing says in words. While somebody listens, the widgets tell here what they draw: the row that the reader is
//! on, the lines of a text, a box with the field that has the focus. Nothing is decided here, and nothing is told without a
//! listener. What is said of all that, and when, is `linear`'s.

use std::cell::RefCell;

use ratatui::text::Line;

/// Blanks from which two stretches of a line are two things.
const APART: usize = 2;

thread_local! {
    static EAR: RefCell<Option<Vec<Layer>>> = const { RefCell::new(None) };
}

/// The view, or a box over it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layer {
    /// The box's title; the view has none.
    pub title: String,
    /// What stands above the rows.
    pub head: String,
    /// The row that the reader is on.
    pub row: Option<Row>,
    /// Lines to be read.
    pub text: Vec<String>,
    /// What has the focus in a form: a field or a button, in words.
    pub focus: Option<String>,
    /// What is being typed: into what, and the text as it may be shown.
    pub typing: Option<(String, String)>,
}

/// A row of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Row {
    /// Which, from 1.
    pub at: usize,
    /// Of how many.
    pub of: usize,
    /// The row itself.
    pub words: String,
}

/// Listens to what is drawn meanwhile: the view, and the boxes over it, the uppermost last.
pub fn listen(draw: impl FnOnce()) -> Vec<Layer> {
    let before = EAR.replace(Some(vec![Layer::default()]));
    draw();
    EAR.replace(before).unwrap_or_default()
}

/// Whether somebody listens: then there is room for everything, and one thing at a time.
pub fn is_heard() -> bool {
    EAR.with_borrow(Option::is_some)
}

fn tell(what: impl FnOnce(&mut Layer)) {
    EAR.with_borrow_mut(|ear| {
        if let Some(layer) = ear.as_mut().and_then(|layers| layers.last_mut()) {
            what(layer);
        }
    });
}

/// A box begins, which lies over all before.
pub fn open(title: &str) {
    EAR.with_borrow_mut(|ear| {
        if let Some(layers) = ear {
            layers.push(Layer { title: words(&Line::from(title.trim())), ..Layer::default() });
        }
    });
}

/// What stands above the rows.
pub fn head(line: &Line<'_>) {
    tell(|layer| layer.head = words(line));
}

/// The row that the reader is on.
pub fn row(at: usize, of: usize, line: &Line<'_>, marked: bool) {
    let mark = if marked { ", marked" } else { "" };
    tell(|layer| layer.row = Some(Row { at: at + 1, of, words: format!("{}{mark}", words(line)) }));
}

/// Lines to be read.
pub fn text(lines: &[Line<'_>]) {
    tell(|layer| layer.text.extend(lines.iter().map(words).filter(|line| !line.is_empty())));
}

/// What has the focus.
pub fn focus(what: String) {
    tell(|layer| (layer.focus, layer.typing) = (Some(what), None));
}

/// Text is being typed.
pub fn typing(into: &str, text: &str) {
    let into = match into.trim() {
        "/" => "filter",
        ">" => "search",
        other => other.trim_end_matches(':'),
    };
    tell(|layer| (layer.focus, layer.typing) = (None, Some((into.to_owned(), text.to_owned()))));
}

/// A line as it is read out: what stands apart is told apart, a label before its fact ends in a colon.
pub fn words(line: &Line<'_>) -> String {
    let mut out = String::new();
    let mut apart = 0;
    let mut label = false;
    for span in &line.spans {
        let text = span.content.as_ref();
        let inner: Vec<&str> = text.split_whitespace().collect();
        let blanks = |text: &str, trimmed: &str| text.chars().count() - trimmed.chars().count();
        apart += blanks(text, text.trim_start());
        if inner.is_empty() {
            continue;
        }
        if !out.is_empty() {
            out.push_str(match apart {
                0 => "",
                1 => " ",
                APART.. if label => ": ",
                APART.. => ", ",
            });
        }
        label = out.is_empty() && is_label(text);
        let inner = inner.join(" ");
        out.push_str(&if label { inner.to_lowercase() } else { inner });
        apart = blanks(text, text.trim_end());
    }
    let out = out.replace(" ,", ",").replace(",,", ",").replace(", to, ", " to ");
    out.trim_start_matches([',', ' ']).to_owned()
}

/// Whether it is what a fact is called: a word before blanks.
fn is_label(text: &str) -> bool {
    let word = text.trim_end();
    text.len() > word.len()
        && !word.starts_with(char::is_whitespace)
        && word.chars().all(|c| c.is_ascii_alphabetic() || c == ' ')
}

#[cfg(test)]
mod tests {
    use ratatui::text::Span;

    use super::*;

    fn line(spans: &[&'static str]) -> Line<'static> {
        Line::from(spans.iter().copied().map(Span::raw).collect::<Vec<_>>())
    }

    #[test]
    fn what_stands_apart_is_told_apart() {
        assert_eq!(words(&line(&["  44 min", "  ", "intake", " ", "sent"])), "44 min, intake sent");
        assert_eq!(words(&line(&["WHY     ", "no template", "   ", "matches"])), "why: no template, matches");
        assert_eq!(words(&line(&["", "   "])), "");
    }

    #[test]
    fn nothing_is_told_without_a_listener() {
        row(0, 3, &line(&["a"]), false);
        assert!(!is_heard());
        let told = listen(|| {
            assert!(is_heard());
            row(0, 3, &line(&["a"]), true);
            open(" Handle #1 ");
            text(&[line(&["then  ", "it leaves"]), line(&[])]);
        });
        let first = Row { at: 1, of: 3, words: "a, marked".to_owned() };
        assert_eq!(told.first().and_then(|layer| layer.row.clone()), Some(first));
        assert_eq!(
            told.last().map(|layer| (layer.title.as_str(), layer.text.join("|"))),
            Some(("Handle #1", "then: it leaves".to_owned()))
        );
        assert!(!is_heard());
    }
}
