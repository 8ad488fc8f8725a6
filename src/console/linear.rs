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
    /// Whether it goes on by itself all the time: it is told when a key is pressed.
    pub flows: bool,
    /// How much waits there, as on its tab.
    pub waits: Option<String>,
    /// The view and the boxes over it.
    pub layers: Vec<Layer>,
    /// What was last said.
    pub said: Option<String>,
    /// What holds for all that is shown, as it may be shown: a link that is down, a moment of the past, a stop of every agent.
    pub notices: Vec<String>,
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
    /// What is to be written for this scene; nothing where nothing is another. `asked` says whether a key was pressed.
    pub fn tell(&mut self, mut scene: Scene, asked: bool) -> String {
        let before = self.before.take().unwrap_or_default();
        let covered = scene.layers.len() > 1 && before.layers.len() > 1;
        if scene.flows
            && scene.view == before.view
            && (covered || !asked)
            && let (Some(view), Some(was)) = (scene.layers.first_mut(), before.layers.first())
        {
            view.clone_from(was);
        }
        let mut lines = Vec::new();
        lines.extend(left_field(&before, &scene));
        let known: BTreeSet<String> = before.notices.iter().map(|notice| still(notice)).collect();
        lines.extend(scene.notices.iter().filter(|notice| !known.contains(&still(notice))).cloned());
        lines.extend(arrived(&scene.arrived).map(|words| visible(&words)));
        lines.extend(scene.said.iter().filter(|_| scene.said != before.said).map(|words| visible(words)));
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

/// A line without what a terminal would obey. What the widgets tell is free of it; this is for whatever comes else.
fn shown(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for c in line.trim_end_matches(' ').chars() {
        if c.is_control() {
            out.push_str(&untrusted::visible(c.encode_utf8(&mut [0; 4]), Breaks::Marked));
        } else {
            out.push(c);
        }
    }
    if line.ends_with(": ") {
        out.push(' ');
    }
    out
}

/// The console's own words, with texts from anywhere in them.
fn visible(words: &str) -> String {
    untrusted::visible(words, Breaks::Marked)
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
        let was = before.get(at).filter(|was| was.title == layer.title);
        if was.is_none() && !layer.title.is_empty() {
            lines.push(format!("{}.", layer.title));
        }
        changed(lines, was.unwrap_or(&Layer::default()), layer);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn tell(teller: &mut Teller, scene: Scene) -> String {
        teller.tell(scene, true)
    }

    fn view(row: (usize, usize, &str), text: &[&str]) -> Layer {
        let (at, of, words) = row;
        let row = Some(Row { at, of, words: words.to_owned() });
        Layer { row, text: text.iter().map(|line| (*line).to_owned()).collect(), ..Layer::default() }
    }

    fn scene(layers: Vec<Layer>) -> Scene {
        let waits = Some("2 wait here".to_owned());
        Scene { view: "inbox".to_owned(), waits, layers, ..Scene::default() }
    }

    #[test]
    fn a_view_is_told_once_and_then_what_is_another() {
        let mut teller = Teller::default();
        let list = |at, words| scene(vec![view((at, 2, words), &[])]);
        assert_eq!(tell(&mut teller, list(1, "due 44 m")), "Inbox. 2 wait here.\r\n1 of 2: due 44 m\r\n");
        assert_eq!(tell(&mut teller, list(1, "due 43 m")), "", "that time goes on is nothing new");
        assert_eq!(
            tell(&mut teller, list(2, "due 43 m")),
            "2 of 2: due 43 m\r\n",
            "the next row is, though it reads alike"
        );
        assert_eq!(
            tell(&mut teller, scene(vec![view((2, 2, "due 43 m"), &["#7", "why: so"])])),
            "#7\r\nwhy: so\r\n"
        );
        let more = scene(vec![view((2, 2, "due 43 m"), &["#7", "why: so", "like: two"])]);
        assert_eq!(tell(&mut teller, more.clone()), "like: two\r\n");
        teller.forget();
        assert!(tell(&mut teller, more).starts_with("Inbox."));
    }

    #[test]
    fn what_is_typed_is_added_to_its_line_and_told_whole_when_it_is_left() {
        let mut teller = Teller::default();
        let base = || view((1, 2, "a"), &[]);
        let typed = |text: &str| {
            let typing = Some(("note, text, needed".to_owned(), text.to_owned()));
            scene(vec![base(), Layer { title: "Handle #1".to_owned(), typing, ..Layer::default() }])
        };
        tell(&mut teller, scene(vec![base()]));
        assert_eq!(tell(&mut teller, typed("")), "Handle #1.\r\nnote, text, needed: ");
        assert_eq!(tell(&mut teller, typed("d")), "d");
        assert_eq!(tell(&mut teller, typed("done")), "one");
        assert_eq!(tell(&mut teller, typed("don")), "\r\nnote, text, needed: don", "taken away is told anew");
        let came =
            Scene { arrived: vec!["New case #1".to_owned(), "New case #2".to_owned()], ..typed("don") };
        let told = "\r\nNew case #2; and 1 more came\r\nnote, text, needed: don";
        assert_eq!(tell(&mut teller, came), told);
        assert_eq!(tell(&mut teller, scene(vec![base()])), "\r\nnote: don\r\n1 of 2: a\r\n");
    }

    #[test]
    fn what_goes_on_by_itself_is_told_when_a_key_asks() {
        let mut teller = Teller::default();
        let now = |text| Scene { flows: true, ..scene(vec![view((1, 1, "lane"), &[text])]) };
        tell(&mut teller, now("one"));
        assert_eq!(teller.tell(now("two"), false), "");
        assert_eq!(teller.tell(now("two"), true), "two\r\n");
    }

    #[test]
    fn what_holds_for_everything_is_told_once() {
        let mut teller = Teller::default();
        let past = |text: &str| Scene { notices: vec![text.to_owned()], ..scene(Vec::new()) };
        tell(&mut teller, scene(Vec::new()));
        assert_eq!(tell(&mut teller, past("as of 09:00, deed 7")), "as of 09:00, deed 7\r\n");
        assert_eq!(tell(&mut teller, past("as of 09:00, deed 7")), "");
    }

    #[test]
    fn nothing_that_comes_in_is_obeyed() {
        let said = Some("\x1b[2J\u{202e}\r".to_owned());
        let told = tell(&mut Teller::default(), Scene { said, ..scene(Vec::new()) });
        assert_eq!(told, "‹U+001B›[2J‹U+202E›‹U+000D›\r\nInbox. 2 wait here.\r\n");
        // What a widget made readable stays as it is.
        let row = scene(vec![view((1, 1, "‹U+001B› é 漢"), &[])]);
        assert!(tell(&mut Teller::default(), row).ends_with("1 of 1: ‹U+001B› é 漢\r\n"));
    }
}
