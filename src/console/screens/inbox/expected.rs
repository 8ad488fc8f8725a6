//! The answer that a review expects for the case at hand: what speaks for it, what it would do, and who is told, before it is
//! taken. RULES §12.6 says which one it is; it is given like any other.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::answer::{Answering, Question};
use super::fields::{self, AGENT, GRANTS, NOTE, REASON};
use super::kind::{self, Kind};
use crate::console::widgets::facts::Facts;
use crate::console::widgets::scroll::Scroll;
use crate::console::widgets::{Look, cut_bottom, cut_top, pane, put, styled};
use crate::console::world::World;
use crate::domain::ids::ItemNo;
use crate::domain::rule::predict::{self, Because, Predicted};
use crate::domain::state::Board;
use crate::domain::things::Item;

/// Cells of the labels.
const LABEL: usize = 9;
/// The case's share of the width.
const CASE_PERCENT: u16 = 54;
/// Columns from which the expected answer stands beside the case.
const BESIDE_FROM: u16 = 100;

/// What an expected answer hangs on: of another case, or after another answer to one alike, it is another.
type On = (ItemNo, u64, Predicted, usize);

/// The answer to the case at hand, where one is expected.
#[derive(Debug, Default)]
pub(super) struct Expected {
    answer: Option<(On, Box<Answering>)>,
    /// Whose words it is filled in with.
    words_of: Option<ItemNo>,
    pub(super) scroll: Scroll,
}

impl Expected {
    /// Comes to that case, with what is expected for it now.
    pub(super) fn come_to(&mut self, board: &Board, item: &Arc<Item>) {
        let Some(predicted) = expected(board, item) else {
            self.answer = None;
            return;
        };
        let on = (item.no, item.version, predicted, board.alike(item).count());
        if self.answer.as_ref().is_some_and(|(before, _)| *before == on) {
            return;
        }
        let kind = Kind::likely(predicted.answer);
        let (answering, words_of) = Answering::expected(kind, item, board);
        self.answer = Some((on, Box::new(answering)));
        self.words_of = words_of;
        self.scroll.to_top();
    }

    /// What the server has not said of it yet.
    pub(super) fn question(&self, world: &World) -> Option<Question> {
        self.answer.as_ref()?.1.next_question(world)
    }

    /// The server has said what it would do.
    pub(super) fn hear(&mut self, question: &Question, said: &super::answer::Said) {
        if let Some(((no, ..), answering)) = &mut self.answer
            && *no == question.item
        {
            answering.hear(question.clone(), said.clone());
        }
    }

    /// To be given, filled in as far as it is known.
    pub(super) fn taken(&self) -> Option<Box<Answering>> {
        self.answer.as_ref().map(|(_, answering)| answering.clone())
    }

    /// Whether one is expected.
    pub(super) fn is_known(&self) -> bool {
        self.answer.is_some()
    }

    /// Draws it, with a line towards the case.
    pub(super) fn draw(
        &self,
        buffer: &mut Buffer,
        (body, area): (Rect, Rect),
        look: Look<'_>,
        lines: &[Line<'_>],
    ) {
        if area.x > body.x {
            pane::draw_wall(buffer, Rect { width: 1.min(area.width), ..area }, look);
            self.scroll.draw(buffer, pane::from(area, 3), look, lines);
            return;
        }
        pane::draw_rule(buffer, area, look);
        put(buffer, area, 0, &styled(" predicted ".to_owned(), look.theme.title));
        self.scroll.draw(buffer, pane::indented(cut_top(area, 1).1), look, lines);
    }

    /// What is expected, why, what it would do, and who is told.
    pub(super) fn lines(&self, room: u16, look: Look<'_>, world: &World, item: &Item) -> Vec<Line<'static>> {
        let mut facts = Facts::new(look, usize::from(room), LABEL);
        let theme = look.theme;
        let Some(((_, _, predicted, _), answering)) = &self.answer else {
            facts.styled("ANSWER", "none is predicted", theme.warning);
            facts.styled("", "no case like it was answered, and no zone is suggested", theme.muted);
            facts.say("CHOOSE", &choices(world, item));
            return facts.lines;
        };
        let kind = answering.kind;
        let granted =
            format!("{} {}: {}", kind.word(), answering.form.text(AGENT), answering.form.text(GRANTS));
        let what = if kind.is_of_scope() { granted.as_str() } else { kind.word() };
        facts.styled("ANSWER", what, theme.accent);
        facts.styled("", &because(item, *predicted, kind), theme.muted);
        let words = [NOTE, REASON].map(|label| answering.form.text(label)).concat();
        if let Some(of) = self.words_of.filter(|_| !words.is_empty()) {
            facts.say("words", &words);
            facts.styled("", &format!("as for #{of}; change them as it needs"), theme.muted);
        }
        if answering.leaves_map(world) {
            let version = world.board.as_ref().map(|board| board.map_version.0).unwrap_or_default();
            facts.say("map", &format!("stays as it is, v{version}"));
        }
        answering.facts(&mut facts, look, world);
        facts.lines
    }
}

/// Where the case is drawn, and where this: beside each other, or one under the other.
pub(super) fn split(body: Rect, lines: usize) -> (Rect, Rect) {
    if pane::is_beside(body, BESIDE_FROM) {
        let (left, wall, right) = pane::split(body, CASE_PERCENT);
        let right = Rect { x: wall.x, width: wall.width + 2 + right.width, ..right };
        return (left, right.intersection(body));
    }
    let wanted = u16::try_from(lines + 1).unwrap_or(u16::MAX);
    cut_bottom(body, wanted.min(body.height / 2))
}

/// What speaks for it: `9 of 11 alike were handled`.
fn because(item: &Item, predicted: Predicted, kind: Kind) -> String {
    match predicted.because {
        Because::Alike { times, of } => format!("{times} of {of} alike: {}", kind.done()),
        Because::Zone => {
            let near = item.suggestion.as_ref().map(|near| near.reason.as_ref()).unwrap_or_default();
            format!("suggested: {near}")
        }
    }
}

/// The rule's answer, where the case can get it.
fn expected(board: &Board, item: &Item) -> Option<Predicted> {
    let predicted = predict::of(board, item)?;
    let kind = Kind::likely(predicted.answer);
    let has_sides = fields::sides(board, item).is_some();
    let can = kind::answers(&item.case, has_sides).iter().any(|action| Kind::of(*action) == Some(kind));
    can.then_some(predicted)
}

/// What can be done, in words; the last line has the keys.
fn choices(world: &World, item: &Item) -> String {
    let has_sides = world.board.as_ref().is_some_and(|board| fields::sides(board, item).is_some());
    let answers = kind::answers(&item.case, has_sides).iter().filter_map(|action| Kind::of(*action));
    let mut words: Vec<&str> = answers.map(Kind::word).collect();
    words.extend(["leave", "hand on"]);
    words.join(", ")
}
