//! The console for who listens to it: lines that are only ever added to, told by a screen reader as they come.
//!
//! It is another presenter of the same screens. What a frame would show is drawn for nobody, and listened to
//! ([`spoken`](super::widgets::spoken)); [`Teller`] says in lines what is another than before. Decisions, keys and rules are
//! the program's, as ever.

use std::collections::BTreeSet;

use ratatui::layout::Rect;

use super::untrusted::{self, Breaks};
use super::widgets::spoken::{Layer, Row};

/// The size in which is drawn what is listened to: wide enough that hardly a text is wrapped, and as many rows as a page
/// down should go.
pub const SCREEN: Rect = Rect { x: 0, y: 0, width: 240, height: 40 };
/// A line ends where the terminal is raw, too.
const END: &str = "\r\n";

/// What there is to be told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scene {
    /// The view, by the name on its tab.
    pub view: String,
    /// How much waits there, as on its tab.
    pub waits: Option<String>,
    /// The view and the boxes over it.
    pub layers: Vec<Layer>,
    /// What was last said.
    pub said: Option<String>,
    /// What is wrong with the link.
    pub trouble: Option<String>,
    /// What came since the last time: cases and alerts, each in a sentence.
    pub arrived: Vec<String>,
}

/// Says what is another than it last said.
#[derive(Debug, Default)]
pub struct Teller {
    before: Option<Scene>,
    /// Whether the last line is one into which is typed, and has no end yet.
    open: bool,
}

impl Teller {
    /// What is to be written for this scene; nothing where nothing is another.
    pub fn tell(&mut self, scene: Scene) -> String {
        let before = self.before.take().unwrap_or_default();
        let mut lines = Vec::new();
        lines.extend(left_field(&before, &scene));
        lines.extend(scene.trouble.iter().filter(|_| scene.trouble != before.trouble).cloned());
        lines.extend(arrived(&scene.arrived));
        lines.extend(scene.said.iter().filter(|_| scene.said != before.said).cloned());
        if scene.view == before.view {
            layers(&mut lines, &before.layers, &scene.layers);
        } else {
            lines.push(title(&scene));
            layers(&mut lines, &[], &scene.layers);
        }
        let typing = typing(&scene);
        let written = self.write(&lines, typed_on(typing, self::typing(&before)), typing);
        self.before = Some(scene);
        written
    }

    /// Everything is to be told anew.
    pub fn forget(&mut self) {
        self.before = None;
    }

    fn write(&mut self, lines: &[String], more: Option<&str>, typing: Option<&(String, String)>) -> String {
        let mut out = String::new();
        if let (true, true, Some(more)) = (self.open, lines.is_empty(), more) {
            out.push_str(more);
            return out;
        }
        if self.open {
            out.push_str(END);
        }
        for line in lines {
            out.push_str(&shown(line));
            out.push_str(END);
        }
        self.open = typing.is_some();
        if let Some((into, text)) = typing {
            out.push_str(&shown(&format!("{into}: {text}")));
        }
        out
    }
}

/// Nothing that a terminal would obey, whatever came here.
fn shown(line: &str) -> String {
    untrusted::visible(line.trim_end(), Breaks::Marked) + if line.ends_with(": ") { " " } else { "" }
}

/// The line of the view's name: `Inbox, 3 waiting.`
fn title(scene: &Scene) -> String {
    let mut letters = scene.view.chars();
    let first: String = letters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    let waits = scene.waits.as_ref().map(|waits| format!(" {waits}.")).unwrap_or_default();
    format!("{first}{}.{waits}", letters.as_str())
}

/// One line for what came, however much it is.
fn arrived(arrived: &[String]) -> Option<String> {
    let last = arrived.last()?;
    Some(match arrived.len() - 1 {
        0 => last.clone(),
        more => format!("{last}; and {more} more came"),
    })
}

/// What is typed, and into what.
fn typing(scene: &Scene) -> Option<&(String, String)> {
    scene.layers.last().and_then(|layer| layer.typing.as_ref())
}

/// What was typed behind what stood there; none where it is another text, or another field.
fn typed_on<'a>(now: Option<&'a (String, String)>, before: Option<&(String, String)>) -> Option<&'a str> {
    let ((into, text), (was_into, was)) = (now?, before?);
    text.strip_prefix(was.as_str()).filter(|_| into == was_into)
}

/// The text of a field that has been left, in one piece.
fn left_field(before: &Scene, now: &Scene) -> Option<String> {
    let (into, text) = typing(before).filter(|(_, text)| !text.is_empty())?;
    let left = typing(now).is_none_or(|(now, _)| now != into);
    let name = into.split(',').next().unwrap_or(into);
    left.then(|| format!("{name}: {text}"))
}

/// What is another in the view and in each box; where boxes were closed, where one is again.
fn layers(lines: &mut Vec<String>, before: &[Layer], now: &[Layer]) {
    for (at, layer) in now.iter().enumerate() {
        match before.get(at).filter(|was| was.title == layer.title) {
            Some(was) => changed(lines, was, layer),
            None => {
                let title = Some(format!("{}.", layer.title)).filter(|_| !layer.title.is_empty());
                lines.extend(title);
                changed(lines, &Layer::default(), layer);
            }
        }
    }
    if let Some(top) = now.last().filter(|_| now.len() < before.len()) {
        let here = top.focus.clone().or_else(|| top.row.as_ref().map(place));
        let told = here.filter(|here| !lines.contains(here));
        lines.extend(told);
    }
}

fn changed(lines: &mut Vec<String>, was: &Layer, now: &Layer) {
    if !now.head.is_empty() && still(&was.head) != still(&now.head) {
        lines.push(format!("{}.", now.head));
    }
    let row = now.row.as_ref().filter(|row| !was.row.as_ref().is_some_and(|was| same(was, row)));
    let heard: BTreeSet<String> = was.text.iter().map(|line| still(line)).collect();
    // Of another text all of it is told; of the same one what came to it.
    let kept = now.text.iter().filter(|line| heard.contains(&still(line))).count();
    let all = kept * 2 < now.text.len();
    lines.extend(now.text.iter().filter(|line| all || !heard.contains(&still(line))).cloned());
    lines.extend(row.map(place));
    lines.extend(now.focus.iter().filter(|_| was.focus != now.focus).cloned());
}

/// A row, and where it stands.
fn place(row: &Row) -> String {
    format!("{} of {}: {}", row.at, row.of, row.words)
}

/// Whether it is the same row, which only time has changed.
fn same(was: &Row, now: &Row) -> bool {
    still(&was.words) == still(&now.words) && (was.at == now.at || was.of != now.of)
}

/// A line without its numbers, but for names: a time that goes on is nothing new.
fn still(line: &str) -> String {
    let mut named = false;
    let stays = |c: &char| {
        // The number of a case, an alert or a deed is its name.
        named = *c == '#' || (named && c.is_ascii_digit());
        named || !c.is_ascii_digit()
    };
    line.chars().filter(stays).collect()
}
