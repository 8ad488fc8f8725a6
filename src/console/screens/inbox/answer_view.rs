//! The box in which an answer is given: fields, consequences, buttons.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Line;

use super::answer::{Answering, Said};
use super::fields::INCLUDE;
use super::kind::Kind;
use crate::console::widgets::Look;
use crate::console::widgets::facts::Facts;
use crate::console::world::World;
use crate::domain::decide::{Closes, Preview};
use crate::domain::ids::{Actor, ItemNo};
use crate::domain::things::Case;
use crate::domain::things::Item;

/// Differences of the map that are told.
const CHANGES: usize = 4;
/// Numbers of cases named; the rest are counted.
const NAMED: usize = 8;

impl Answering {
    /// What will be true afterwards, in lines for a box on such a screen.
    pub(super) fn lines(&self, screen: Rect, look: Look<'_>, world: &World) -> Vec<Line<'static>> {
        let mut facts = self.form.facts(look, screen);
        self.facts(&mut facts, look, world);
        facts.lines
    }

    /// Draws the box; the result is where the terminal's cursor belongs.
    pub(super) fn draw(
        &self,
        buffer: &mut Buffer,
        area: Rect,
        look: Look<'_>,
        lines: &[Line<'static>],
    ) -> Option<Position> {
        let cases = match self.items.as_slice() {
            [only] => format!("#{}", only.no),
            more => format!("{} cases", more.len()),
        };
        self.form.draw(buffer, area, look, &self.kind.title(&cases), lines)
    }

    /// What will be true afterwards.
    pub(super) fn facts(&self, facts: &mut Facts<'_>, look: Look<'_>, world: &World) {
        let theme = look.theme;
        if let Some(why) = self.changed(world) {
            facts.styled("changed", &why, theme.danger);
        }
        if self.kind == Kind::Undo {
            then(facts, &self.undoes);
            return;
        }
        if !self.kind.is_answer() {
            self.without_answer(facts);
            return;
        }
        if let Some((label, words, style)) = self.consequences(facts, look, world) {
            facts.styled(label, &words, style);
        }
    }

    /// What the server said of it; or, where it has not, why.
    fn consequences(
        &self,
        facts: &mut Facts<'_>,
        look: Look<'_>,
        world: &World,
    ) -> Option<(&'static str, String, Style)> {
        let theme = look.theme;
        let questions = match self.questions(world)? {
            Ok(questions) => questions,
            Err(why) => return Some(("missing", why, theme.warning)),
        };
        let said: Vec<_> = questions.iter().map_while(|question| self.preview(question)).collect();
        let asking = "asking the server what it would do";
        match said.first() {
            None => return Some(("then", asking.to_owned(), theme.muted)),
            Some(Err(trouble)) => {
                let words = format!("not known: {}; it is checked when it is sent", trouble.what);
                return Some(("then", words, theme.warning));
            }
            Some(Ok(preview)) => self.consequence(facts, world, (preview, &said)),
        }
        let more = format!("{asking}: {} of {}", said.len(), questions.len());
        (said.len() < questions.len()).then_some(("", more, theme.muted))
    }

    fn consequence(&self, facts: &mut Facts<'_>, world: &World, (preview, said): (&Preview, &[&Said])) {
        let (look, theme) = (facts.look, facts.look.theme);
        if let Some((now, after)) = preview.map {
            facts.say("map", &format!("v{now} {} v{after}", look.glyphs.arrow));
            for change in preview.changes.iter().take(CHANGES) {
                facts.styled("", change, if change.starts_with('+') { theme.success } else { theme.danger });
            }
        }
        let grows = matches!(self.kind, Kind::Expand | Kind::Transfer);
        match &preview.obstacle {
            Some(why) => facts.styled(if grows { "overlap" } else { "obstacle" }, why, theme.danger),
            None if grows => facts.styled("overlap", &format!("{} none", look.glyphs.ok), theme.success),
            None => {}
        }
        self.publication(facts, look);
        if preview.obstacle.is_none() {
            facts.maybe("tells", Some(self.tells(look, preview, said)));
            self.settles(facts, world, (preview, said));
            closes(facts, preview);
        }
        then(facts, &preview.then);
    }

    /// What is done without an answer.
    fn without_answer(&self, facts: &mut Facts<'_>) {
        if self.items.len() > 1 {
            facts.say("leaves", &format!("{} marked cases, each by itself:", self.items.len()));
            for item in &self.items {
                name(facts, item);
            }
        }
        let deadline = "it waits on, its deadline stays, and a review has gone through it; no agent is told";
        facts.say("then", deadline);
    }

    /// What an approval sends where, in whose name, and what is looked at again before it does.
    fn publication(&self, facts: &mut Facts<'_>, look: Look<'_>) {
        let theme = look.theme;
        let Some(item) = self.items.first() else { return };
        let (to, thread) = match &item.case {
            Case::Approval { publish, .. } => (&publish.output, publish.thread.as_deref()),
            Case::ActApproval { act, .. } => (&act.target, act.thread.as_deref()),
            Case::UnownedField { .. }
            | Case::HeldField { .. }
            | Case::ZoneOffer { .. }
            | Case::UnownedTarget { .. }
            | Case::UnownedOutput { .. }
            | Case::Escalation { .. }
            | Case::Conflict { .. }
            | Case::MapOverdue { .. }
            | Case::UnownedEvent { .. }
            | Case::TriggerCollision { .. }
            | Case::Loop { .. }
            | Case::UnmappedCall { .. }
            | Case::UnknownOutcome { .. }
            | Case::GivenUp { .. }
            | Case::Stuck { .. } => return,
        };
        if !item.case.over().is_empty() {
            let words = "another agent has spoken on this thread: look at what went out first";
            facts.styled("over", words, theme.warning);
        }
        let thread = thread.map(|thread| format!(", thread {thread}")).unwrap_or_default();
        facts.say("to", &format!("{to}{thread}"));
        if self.kind != Kind::Reject {
            facts.say("by", &format!("{}, who is told what went out", item.raised_by));
            let again = "zone, versions, thread and who goes first are checked at that moment; what fails is said and nothing goes out";
            facts.styled("checked", again, theme.muted);
        }
    }

    /// Which cases end, each by its name.
    fn settles(&self, facts: &mut Facts<'_>, world: &World, (preview, said): (&Preview, &[&Said])) {
        if self.items.len() > 1 && !self.is_one() {
            facts.say("settles", &format!("{} marked cases, each by itself:", self.items.len()));
            for (at, item) in self.items.iter().enumerate() {
                let why = said.get(at).and_then(|said| said.as_ref().ok()?.obstacle.as_deref());
                name(facts, item);
                if let Some(why) = why {
                    facts.styled("", &format!("can't be: {why}"), facts.look.theme.danger);
                }
            }
            return;
        }
        if self.items.len() > 1 {
            // The first is the one that was asked about.
            let all = self.items.iter().enumerate();
            let (settled, left): (Vec<_>, Vec<_>) =
                all.partition(|(at, item)| *at == 0 || preview.settles.contains(&item.no));
            facts.say("settles", &format!("{} marked cases:", settled.len()));
            for (_, item) in settled {
                name(facts, item);
            }
            if !left.is_empty() {
                facts.say("", "it does not settle");
                for (_, item) in left {
                    name(facts, item);
                }
            }
            return;
        }
        let words = match (preview.settles.len(), self.form.ticked(INCLUDE)) {
            (0, _) => return facts.say("settles", "this case"),
            (count, true) => format!("this case and {count} alike:"),
            (count, false) => format!("this case only; {count} alike wait on:"),
        };
        facts.say("settles", &words);
        for no in &preview.settles {
            if let Some(item) = world.board.as_ref().and_then(|board| board.items.get(no)) {
                name(facts, item);
            }
        }
    }

    /// Everybody who is told of what is settled, agents and people.
    fn tells(&self, look: Look<'_>, preview: &Preview, said: &[&Said]) -> String {
        let (one, several) = (self.is_one(), self.items.len() > 1);
        let marked = |no: ItemNo| self.items.iter().any(|item| item.no == no);
        let counts = |no: ItemNo| marked(no) || !several && self.form.ticked(INCLUDE);
        let previews = said.iter().filter_map(|said| said.as_ref().ok());
        let all = previews.take(if one { 1 } else { said.len() }).flat_map(|preview| &preview.tells);
        let mut who: Vec<&Actor> = Vec::new();
        for told in all.filter(|told| counts(told.item)) {
            if !who.contains(&&told.who) {
                who.push(&told.who);
            }
        }
        if who.is_empty() {
            return if preview.tells.is_empty() { "nobody".to_owned() } else { "nobody of these".to_owned() };
        }
        who.into_iter().map(|who| look.who(who)).collect::<Vec<_>>().join(", ")
    }
}

/// A case by its number, its title and what it is about, on a line.
fn name(facts: &mut Facts<'_>, item: &Item) {
    facts.long("", &named(item), 1, facts.look.theme.base);
}

/// `#7 #score = 7, crm/contact/acme`.
pub(super) fn named(item: &Item) -> String {
    let subject = item.subject.as_ref().filter(|subject| !item.title.contains(subject.as_str()));
    let subject = subject.map(|subject| format!(", {subject}")).unwrap_or_default();
    format!("#{} {}{subject}", item.no, item.title)
}

/// What a rule would have closed, had it been there.
fn closes(facts: &mut Facts<'_>, preview: &Preview) {
    let words = |one: &Closes| {
        let how = if one.open { "waits" } else { "answered" };
        let times = if one.times > 1 { format!(", {} times", one.times) } else { String::new() };
        format!("#{} {} ({how}{times})", one.item, one.title)
    };
    for (at, one) in preview.closes.iter().take(NAMED).enumerate() {
        facts.say(if at == 0 { "closes" } else { "" }, &words(one));
    }
}

/// What will be true, one sentence under the other.
fn then(facts: &mut Facts<'_>, sentences: &[String]) {
    for (at, words) in sentences.iter().enumerate() {
        facts.say(if at == 0 { "then" } else { "" }, words);
    }
}
