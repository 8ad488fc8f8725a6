//! A box in which something is about to be done, at the foot of what it is about, which stays to be seen: what is typed or ticked for it, what will be true afterwards, and the
//! buttons. What it is about, and what it does, is its owner's.
//!
//! Enter in a text goes on and never presses a button; the button that is chosen first is the safe one; nothing is
//! confirmed while a text that is needed is empty.

use std::collections::BTreeMap;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::facts::Facts;
use super::modal::Buttons;
use super::pane;
use super::prompt::{Insert, Prompt};
use super::scroll::Scroll;
use super::{Look, cells, clip, cut_bottom, cut_top, put, put_right, row_of, spoken, styled};
use crate::console::action::Action;
use crate::console::keymap::Context;
use crate::console::untrusted;

/// Cells of its lines, with what stands beside them.
const WIDE: u16 = 92;
/// Cells of the labels, of fields and facts alike.
const LABEL: usize = 10;
/// Blanks beside the lines.
const SIDES: u16 = 4;
/// Rows that a box at the foot leaves at least to what it is about.
const ABOUT: u16 = 5;
/// Rows of a box at the foot beside fields and lines: its title and its buttons.
const AROUND: usize = 2;

/// Texts by the label of their field.
pub type Texts = BTreeMap<String, String>;

/// What stands in a field.
#[derive(Debug, Clone)]
pub enum Input {
    /// A line of text.
    Text {
        /// What is typed.
        prompt: Prompt,
        /// What stood there at the start.
        began: String,
        /// What is said where it is empty; none where it may be.
        missing: Option<&'static str>,
        /// What an empty one means.
        empty: &'static str,
    },
    /// A box to tick.
    Tick {
        /// Whether it is.
        on: bool,
        /// What that means.
        words: &'static str,
    },
    /// One of several, or none yet.
    Choice {
        /// Each by its name, and in words.
        options: Vec<(Arc<str>, String)>,
        /// Which.
        chosen: Option<usize>,
        /// What is said where none is.
        none: &'static str,
    },
}

#[derive(Debug, Clone)]
pub struct Field {
    label: &'static str,
    input: Input,
}

impl Field {
    /// A text that must be there; `missing` asks for it.
    pub fn needed(label: &'static str, text: &str, missing: &'static str) -> Self {
        let (prompt, began) = (Prompt::with_text(text), text.to_owned());
        Self { label, input: Input::Text { prompt, began, missing: Some(missing), empty: "needed" } }
    }

    /// Why it is done, in a sentence.
    pub fn reason(label: &'static str) -> Self {
        Self::needed(label, "", "a reason is needed: say in a sentence what was done, or why")
    }

    /// A text that may be empty, and what that means.
    pub fn optional(label: &'static str, empty: &'static str) -> Self {
        let (prompt, began) = (Prompt::default(), String::new());
        Self { label, input: Input::Text { prompt, began, missing: None, empty } }
    }

    /// A box to tick.
    pub fn tick(label: &'static str, words: &'static str, on: bool) -> Self {
        Self { label, input: Input::Tick { on, words } }
    }

    /// One of several to choose, or none of them.
    pub fn choice(label: &'static str, none: &'static str, options: Vec<(Arc<str>, String)>) -> Self {
        Self { label, input: Input::Choice { options, chosen: None, none } }
    }

    /// The next one of what there is to tick or to choose; after the last choice none.
    fn turn(&mut self) {
        match &mut self.input {
            Input::Tick { on, .. } => *on = !*on,
            Input::Choice { options, chosen, .. } => {
                *chosen = Some(chosen.map_or(0, |at| at + 1)).filter(|at| *at < options.len());
            }
            Input::Text { .. } => {}
        }
    }

    fn text(&self) -> Option<&str> {
        match &self.input {
            Input::Text { prompt, .. } => Some(prompt.text().trim()),
            Input::Tick { .. } | Input::Choice { .. } => None,
        }
    }

    /// What is said of it where it is empty and must not be.
    fn lacks(&self) -> Option<&'static str> {
        match &self.input {
            Input::Text { prompt, missing, .. } => missing.filter(|_| prompt.text().trim().is_empty()),
            Input::Tick { .. } | Input::Choice { .. } => None,
        }
    }
}

/// What came of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pressed {
    /// It goes on.
    On,
    /// It was given up.
    Closed,
    /// A text is missing, in words; the cursor is there.
    Lacks(&'static str),
    /// The button was pressed, and nothing is missing.
    Confirmed,
}

/// Fields and buttons, one of which has the focus.
#[derive(Debug, Clone)]
pub struct Form {
    fields: Vec<Field>,
    /// A field, or the buttons behind the last of them.
    focus: usize,
    buttons: Buttons,
    /// How far down its lines are read, where they have no room.
    scroll: Scroll,
}

impl Form {
    /// The focus is on the first text that is needed and empty, else on the safe button.
    pub fn new(fields: Vec<Field>, button: impl Into<String>) -> Self {
        let buttons = Buttons::safe_first(["cancel".to_owned(), button.into()]);
        let mut form = Self { fields, focus: 0, buttons, scroll: Scroll::default() };
        form.focus = form.next_lacking();
        form
    }

    /// Nothing can be done but close it.
    pub fn closing() -> Self {
        Self { buttons: Buttons::safe_first(["close"]), ..Self::new(Vec::new(), "") }
    }

    /// The button says something else.
    pub fn rename(&mut self, button: &str) {
        self.buttons = Buttons::safe_first(["cancel", button]);
    }

    /// One more field, with the focus on it.
    pub fn ask(&mut self, field: Field) {
        self.focus = self.fields.len();
        self.fields.push(field);
    }

    fn next_lacking(&self) -> usize {
        self.fields.iter().position(|field| field.lacks().is_some()).unwrap_or(self.fields.len())
    }

    fn focused(&self) -> Option<&Field> {
        self.fields.get(self.focus)
    }

    /// Whether a text has the focus.
    pub fn is_typing(&self) -> bool {
        self.focused().is_some_and(|field| field.text().is_some())
    }

    /// Whether that field has the focus.
    pub fn is_on(&self, label: &str) -> bool {
        self.focused().is_some_and(|field| field.label == label)
    }

    /// What is typed in a field; nothing where there is no such text.
    pub fn text(&self, label: &str) -> &str {
        self.fields.iter().find(|field| field.label == label).and_then(Field::text).unwrap_or_default()
    }

    /// Whether a box is ticked.
    pub fn ticked(&self, name: &str) -> bool {
        let ticked =
            |field: &Field| matches!(field.input, Input::Tick { on: true, .. }) && field.label == name;
        self.fields.iter().any(ticked)
    }

    /// What was typed, by label: each text that is another than at the start. None where all of them are blank.
    pub fn texts(&self) -> Texts {
        let typed = |field: &Field| match &field.input {
            Input::Text { prompt, began, .. } if prompt.text() != began => {
                Some((field.label.to_owned(), prompt.text().to_owned()))
            }
            Input::Text { .. } | Input::Tick { .. } | Input::Choice { .. } => None,
        };
        let texts: Texts = self.fields.iter().filter_map(typed).collect();
        if texts.values().all(|text| text.trim().is_empty()) { Texts::new() } else { texts }
    }

    /// Puts back what was typed before.
    pub fn resume(&mut self, typed: &Texts) {
        for field in &mut self.fields {
            if let Input::Text { prompt, .. } = &mut field.input
                && let Some(text) = typed.get(field.label)
            {
                *prompt = Prompt::with_text(text);
            }
        }
        self.focus_on(self.next_lacking());
    }

    /// The name of what is chosen in a field.
    pub fn chosen(&self, label: &str) -> Option<&Arc<str>> {
        let field = self.fields.iter().find(|field| field.label == label)?;
        let Input::Choice { options, chosen, .. } = &field.input else { return None };
        options.get((*chosen)?).map(|(name, _)| name)
    }

    /// The focus goes to that field.
    pub fn go_to(&mut self, label: &str) {
        if let Some(at) = self.fields.iter().position(|field| field.label == label) {
            self.focus = at;
        }
    }

    /// Whose keys count.
    pub fn context(&self) -> Context {
        if self.is_typing() { Context::Prompt } else { Context::Preview }
    }

    /// What an action does now, where that is not what its label says.
    #[expect(clippy::wildcard_enum_match_arm, reason = "a box knows no other action")]
    pub fn does(&self, action: Action) -> Option<String> {
        match action {
            Action::Confirm | Action::Submit => Some(self.enter()),
            Action::Close if self.texts().is_empty() => None,
            Action::Close => Some("close, the text is kept".to_owned()),
            _ => None,
        }
    }

    fn enter(&self) -> String {
        match self.focused().map(|field| &field.input) {
            Some(Input::Text { .. }) => "go on".to_owned(),
            Some(Input::Tick { on: true, .. }) => "untick".to_owned(),
            Some(Input::Tick { on: false, .. }) => "tick".to_owned(),
            Some(Input::Choice { .. }) => "choose".to_owned(),
            None => self.buttons.label().to_owned(),
        }
    }

    /// The actions for the hint line.
    pub fn hints(&self) -> Vec<Action> {
        if self.is_typing() {
            return vec![Action::Submit, Action::NextSuggestion, Action::Close];
        }
        vec![Action::Confirm, Action::NextPane, Action::Close]
    }

    /// Takes what is typed or pasted; anywhere but in a text it is nothing.
    pub fn insert(&mut self, insert: Insert<'_>) {
        if let Some(Field { input: Input::Text { prompt, .. }, .. }) = self.fields.get_mut(self.focus) {
            prompt.insert(insert);
        }
    }

    /// Pages through its lines where they have no room, else through what it is about.
    pub fn page(&self, action: Action, about: &Scroll) {
        if matches!(action, Action::PageDown | Action::PageUp) {
            let scroll = if self.scroll.overflows() { &self.scroll } else { about };
            scroll.act(action);
        }
    }

    /// Does what an action asks for.
    #[expect(clippy::wildcard_enum_match_arm, reason = "a box knows no other action")]
    pub fn act(&mut self, action: Action) -> Pressed {
        match action {
            Action::Close => return Pressed::Closed,
            Action::NextPane | Action::Complete | Action::Down | Action::NextSuggestion => self.step(true),
            Action::PreviousPane | Action::Up | Action::PreviousSuggestion => self.step(false),
            Action::Submit => return self.submit(),
            Action::ToggleField | Action::Confirm if self.focus < self.fields.len() => {
                if let Some(field) = self.fields.get_mut(self.focus) {
                    field.turn();
                }
            }
            Action::Confirm if self.buttons.chosen() == 0 => return Pressed::Closed,
            Action::Confirm => {
                let lacking = self.next_lacking();
                match self.fields.get(lacking).and_then(Field::lacks) {
                    Some(missing) => {
                        self.focus = lacking;
                        return Pressed::Lacks(missing);
                    }
                    None => return Pressed::Confirmed,
                }
            }
            _ => {}
        }
        Pressed::On
    }

    /// Enter in a text: on to the next one that is needed and empty, else to the buttons.
    fn submit(&mut self) -> Pressed {
        if let Some(missing) = self.focused().and_then(Field::lacks) {
            return Pressed::Lacks(missing);
        }
        self.focus_on(self.next_lacking());
        Pressed::On
    }

    /// To the next field or button, round at the ends.
    fn step(&mut self, forward: bool) {
        let stops = self.fields.len() + self.buttons.count();
        let here =
            if self.focus < self.fields.len() { self.focus } else { self.focus + self.buttons.chosen() };
        self.focus_on(if forward { here + 1 } else { here + stops - 1 } % stops.max(1));
    }

    fn focus_on(&mut self, stop: usize) {
        self.focus = stop.min(self.fields.len());
        self.buttons.choose(stop.saturating_sub(self.fields.len()));
    }

    /// Facts of a box in such an area, their labels under those of the fields.
    pub fn facts<'a>(&self, look: Look<'a>, area: Rect) -> Facts<'a> {
        Facts::new(look, usize::from(WIDE.min(area.width).saturating_sub(SIDES + 1)), LABEL - 1)
    }

    /// What a body has for what the box is about, and for a box of so many lines at its foot: the more of the former the
    /// longer something is being typed.
    pub fn split(&self, body: Rect, lines: usize) -> (Rect, Rect) {
        let wanted = cells(self.fields.len() + lines + AROUND);
        let least = if self.is_typing() { body.height / 2 } else { ABOUT.min(body.height / 3) };
        cut_bottom(body, wanted.min(body.height - least))
    }

    /// Draws title, fields, lines and buttons at the foot of what they are about; the result is where the terminal's cursor belongs.
    pub fn draw(
        &self,
        buffer: &mut Buffer,
        area: Rect,
        look: Look<'_>,
        title: &str,
        lines: &[Line<'static>],
    ) -> Option<Position> {
        let fields = cells(self.fields.len());
        let room = usize::from(WIDE.min(area.width).saturating_sub(SIDES));
        let title = untrusted::fit(title, room.saturating_sub(SIDES.into()));
        spoken::open(&title);
        pane::draw_rule(buffer, area, look);
        put(buffer, area, 0, &styled(format!(" {title} "), look.theme.title));
        let inner = pane::indented(cut_top(area, 1).1);
        let mut cursor = None;
        for (at, field) in self.fields.iter().enumerate() {
            let focused = at == self.focus;
            cursor = draw_field(buffer, row_of(inner, cells(at)), look, field, focused).or(cursor);
        }
        // Whatever does not fit, the buttons do: what is confirmed must not be off the screen.
        let (above, foot) = cut_bottom(inner, 1);
        let (_, below) = cut_top(above, fields);
        let below = pane::from(below, 1);
        let lines: Vec<_> =
            lines.iter().map(|line| clip(line.clone(), room.saturating_sub(1), look.glyphs.cut)).collect();
        self.scroll.draw(buffer, below, look, &lines);
        self.tell();
        let buttons = self.buttons.line(look, self.focus == self.fields.len());
        put_right(buffer, foot, 0, &buttons);
        cursor
    }

    /// Says what has the focus, and what enter does there.
    fn tell(&self) {
        let Some(field) = self.focused() else {
            return spoken::focus(format!("{}, chosen; enter presses it", self.buttons.label()));
        };
        let label = field.label;
        match &field.input {
            Input::Text { prompt, missing, empty, .. } => {
                let need = if missing.is_some() { "needed" } else { "may be empty" };
                let means = if missing.is_some() { String::new() } else { format!(", which means {empty}") };
                let text = untrusted::visible(prompt.text(), untrusted::Breaks::Marked);
                spoken::typing(&format!("{label}, text, {need}{means}"), &text);
            }
            Input::Tick { on, words } => {
                let (is, does) = if *on { ("ticked", "unticks") } else { ("not ticked", "ticks") };
                spoken::focus(format!("{label}, {is}: {words}; enter {does} it"));
            }
            Input::Choice { options, chosen, none } => {
                let words = chosen.and_then(|at| options.get(at)).map_or(*none, |(_, words)| words.as_str());
                let words = untrusted::visible(words, untrusted::Breaks::Marked);
                spoken::focus(format!("{label}, choice: {words}; enter takes the next one"));
            }
        }
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
    let label = format!("{:<width$}", field.label, width = LABEL - 1);
    let (sign, style) = if focused { (look.glyphs.cursor, theme.accent) } else { (" ", theme.muted) };
    let mut line = Line::from(vec![Span::styled(sign, theme.accent), Span::styled(label, style)]);
    let text = Rect { x: area.x + 1.min(area.width), width: area.width.saturating_sub(1), ..area };
    let mut cursor = None;
    match &field.input {
        Input::Text { prompt, empty, .. } => {
            if prompt.text().is_empty() && !focused {
                line.spans.push(Span::styled(*empty, theme.muted));
            }
            cursor = prompt.draw(buffer, text, look, &" ".repeat(LABEL - 1)).filter(|_| focused);
        }
        Input::Tick { on, words } => {
            let [ticked, not] = look.glyphs.tick;
            line.spans.push(Span::styled(if *on { ticked } else { not }, theme.accent));
            line.spans.push(Span::styled(format!(" {words}"), theme.subtle));
        }
        Input::Choice { options, chosen, none } => match chosen.and_then(|at| options.get(at)) {
            Some((_, words)) => {
                let room = usize::from(area.width).saturating_sub(LABEL);
                line.spans.push(Span::styled(untrusted::fit(words, room), theme.base));
            }
            None => line.spans.push(Span::styled(*none, theme.muted)),
        },
    }
    put(buffer, area, 0, &line);
    cursor
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::keys::Key;
    use crate::console::widgets::tests::drawn;

    fn form() -> Form {
        let fields = vec![
            Field::needed("note", "", "say it in a note"),
            Field::optional("reply", "none"),
            Field::tick("rule", "from now on", false),
        ];
        Form::new(fields, "handle")
    }

    fn typed(form: &mut Form, text: &str) {
        text.chars().for_each(|c| form.insert(Insert::Key(Key::char(c).into())));
    }

    #[test]
    fn enter_in_a_text_goes_on_and_never_presses_a_button() {
        let mut form = form();
        assert_eq!(form.act(Action::Submit), Pressed::Lacks("say it in a note"));
        typed(&mut form, "done by phone");
        assert_eq!(form.act(Action::Submit), Pressed::On);
        assert_eq!((form.context(), form.text("note")), (Context::Preview, "done by phone"));
        assert_eq!(form.act(Action::Confirm), Pressed::Closed, "the safe button is chosen first");
        form.act(Action::NextPane);
        assert_eq!(form.act(Action::Confirm), Pressed::Confirmed);
    }

    #[test]
    fn tab_goes_round_and_nothing_is_confirmed_without_what_is_needed() {
        let mut form = form();
        form.act(Action::PreviousPane);
        assert_eq!(form.act(Action::Confirm), Pressed::Lacks("say it in a note"));
        assert!(form.is_on("note"));
        form.act(Action::Complete);
        form.act(Action::Complete);
        form.act(Action::Confirm);
        assert!(form.is_on("rule") && form.ticked("rule"), "enter ticks");
    }

    #[test]
    fn it_fits_any_screen() {
        let form = form();
        let lines = [Line::from("then  it leaves the list")];
        let text = drawn(60, 9, |buffer, area, look| _ = form.draw(buffer, area, look, "Handle #1", &lines));
        insta::assert_snapshot!(text);
        for width in 0..30 {
            for height in 0..9 {
                drawn(width, height, |buffer, area, look| _ = form.draw(buffer, area, look, "title", &lines));
            }
        }
    }
}
