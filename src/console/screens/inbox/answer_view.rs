//! The box in which an answer is given: fields, consequences, buttons.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;

use super::answer::Answering;
use super::fields::INCLUDE;
use super::kind::Kind;
use crate::console::widgets::Look;
use crate::console::widgets::facts::Facts;
use crate::console::world::World;
use crate::domain::decide::{Closes, Preview};
use crate::domain::ids::ItemNo;
use crate::domain::things::Case;

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
    fn facts(&self, facts: &mut Facts<'_>, look: Look<'_>, world: &World) {
        let theme = look.theme;
        if let Some(why) = self.changed(world) {
            facts.styled("changed", &why, theme.danger);
        }
        if self.kind == Kind::Undo {
            then(facts, &self.undoes);
            return;
        }
        match self.question(world) {
            None => {}
            Some(Err(why)) => facts.styled("missing", &why, theme.warning),
            Some(Ok(question)) => match self.preview(&question) {
                None => facts.styled("then", "asking the server what it would do", theme.muted),
                Some(Ok(preview)) => self.consequence(facts, look, preview),
                Some(Err(trouble)) => {
                    let words = format!("not known: {}; it is checked when it is sent", trouble.what);
                    facts.styled("then", &words, theme.warning);
                }
            },
        }
    }

    fn consequence(&self, facts: &mut Facts<'_>, look: Look<'_>, preview: &Preview) {
        let theme = look.theme;
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
            facts.say("settles", &self.settles(preview));
            closes(facts, preview);
        }
        then(facts, &preview.then);
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

    fn settles(&self, preview: &Preview) -> String {
        let numbers = |nos: &[ItemNo]| {
            let named: Vec<_> = nos.iter().take(NAMED).map(|no| format!("#{no}")).collect();
            let more = nos.len().saturating_sub(NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("{}{more}", named.join(" "))
        };
        if self.items.len() > 1 {
            let all = self.items.iter().map(|item| item.no);
            if !self.is_one() {
                let all: Vec<_> = all.collect();
                return format!("{} marked cases, each by itself: {}", all.len(), numbers(&all));
            }
            // The first is the one that was asked about.
            let (settled, left): (Vec<_>, Vec<_>) =
                all.enumerate().partition(|(at, no)| *at == 0 || preview.settles.contains(no));
            let nos = |list: Vec<(usize, ItemNo)>| list.into_iter().map(|(_, no)| no).collect::<Vec<_>>();
            let words = format!("{} marked cases: {}", settled.len(), numbers(&nos(settled)));
            if left.is_empty() {
                return words;
            }
            return format!("{words}; it does not settle {}", numbers(&nos(left)));
        }
        match (preview.settles.len(), self.form.ticked(INCLUDE)) {
            (0, _) => "this case".to_owned(),
            (count, true) => format!("this case and {count} alike: {}", numbers(&preview.settles)),
            (count, false) => format!("this case only; {count} alike wait on: {}", numbers(&preview.settles)),
        }
    }
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
