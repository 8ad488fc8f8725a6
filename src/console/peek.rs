//! A look at what is under the cursor, whatever the view: the page of its record, with values, owners, what holds it, what waits
//! about it and what happened to it; and the agents. From here it is one key to every override.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::action::Action;
use super::record::Record;
use super::under::Under;
use super::widgets::Look;
use super::widgets::facts::Facts;
use super::widgets::modal::Frame;
use super::widgets::scroll::Scroll;
use super::world::World;
use super::{untrusted, words};
use crate::domain::ids::AgentId;
use crate::domain::path::FieldPath;
use crate::domain::state::Board;
use crate::domain::things::Hold;

/// Outer width.
const WIDTH: u16 = 112;
/// Cells of the labels.
const LABEL: usize = 10;
/// Cells of the record's name in the title.
const TITLE: usize = 72;
/// Fields, agents and alerts told of each; the views have the rest.
const TOLD: usize = 6;

/// What is looked at.
#[derive(Debug)]
pub struct Peek {
    /// What lay under the cursor when it was opened.
    pub under: Under,
    /// The record that it is about, if it is about one.
    pub record: Option<Record>,
    scroll: Scroll,
}

impl Peek {
    /// A look at this.
    pub fn new(under: Under) -> Self {
        let record = under.paths.first().map(|path| Record::new(path.entity.clone()));
        Self { under, record, scroll: Scroll::default() }
    }

    /// The actions for the hint line.
    pub fn hints(&self, board: Option<&Board>) -> Vec<Action> {
        let mut hints = Vec::new();
        if !self.under.paths.is_empty() {
            hints.extend([Action::Freeze, Action::SetField, Action::Revert]);
        }
        if !self.under.agents.is_empty() {
            hints.push(Action::Pause);
        }
        let held = |path: &FieldPath| board.is_some_and(|board| board.held.contains_key(&path.entity));
        if !self.under.leases.is_empty() || self.under.paths.iter().any(held) {
            hints.push(Action::Unlock);
        }
        hints.extend([Action::Trace, Action::Close]);
        hints
    }

    /// Scrolls; says whether the action was its own.
    pub fn act(&mut self, action: Action) -> bool {
        self.scroll.act(action)
    }

    /// What the log is filtered by to trace it.
    pub fn filter(&self) -> Option<String> {
        match (self.under.paths.first(), self.under.agents.first()) {
            (Some(path), _) => Some(format!("entity:{}", path.entity)),
            (None, Some(agent)) => Some(format!("actor:{agent}")),
            (None, None) => None,
        }
    }

    /// Draws it over the view.
    pub fn draw(&self, buffer: &mut Buffer, screen: Rect, look: Look<'_>, world: &World) {
        let Some(board) = &world.board else { return };
        let title = match &self.record {
            Some(record) => format!("Record {}", untrusted::fit(record.entity().as_str(), TITLE)),
            None => "Peek".to_owned(),
        };
        let frame = Frame { title: &title, width: WIDTH };
        let lines = self.lines(look, frame.room(screen), world, board);
        frame.draw_text(buffer, screen, look, &lines, &self.scroll);
    }

    /// What is told of it, in so many columns.
    pub fn lines(&self, look: Look<'_>, room: usize, world: &World, board: &Board) -> Vec<Line<'static>> {
        let mut facts = Facts::new(look, room, LABEL);
        // What is said of a field says all of its entity too.
        let told_already = |path: &&FieldPath| {
            path.field.is_whole()
                && self.under.paths.iter().any(|other| other != *path && other.entity == path.entity)
        };
        for path in self.under.paths.iter().filter(|path| !told_already(path)).take(TOLD) {
            if !facts.lines.is_empty() {
                facts.gap();
            }
            entity(&mut facts, look, world, board, path);
            if let Some(record) = self.record.as_ref().filter(|record| *record.entity() == path.entity) {
                record.tell_fields(&mut facts, world);
            }
        }
        for agent in self.under.agents.iter().take(TOLD) {
            if !facts.lines.is_empty() {
                facts.gap();
            }
            about_agent(&mut facts, look, world, board, agent);
        }
        if let Some(record) = &self.record {
            record.tell_history(&mut facts, world);
        }
        facts.lines
    }
}

fn entity(facts: &mut Facts<'_>, look: Look<'_>, world: &World, board: &Board, path: &FieldPath) {
    let theme = look.theme;
    facts.title(&path.to_string());
    let owners: Vec<&str> =
        board.map.owners(&path.entity, &path.field).into_iter().map(AgentId::as_str).collect();
    if owners.is_empty() && path.field.is_whole() {
        facts.styled("owner", "nobody owns it as a whole", theme.muted);
    } else if owners.is_empty() {
        facts.styled("owner", &format!("{} nobody", look.glyphs.attention), theme.warning);
    } else {
        facts.styled("owner", &owners.join(", "), theme.accent);
    }
    if let Some(stop) = board.frozen.get(&path.entity) {
        let words = format!("by {}, {}: {}", facts.look.who(&stop.by), world.ago(stop.at), stop.reason);
        facts.styled("frozen", &words, theme.warning);
    }
    let held = board.held.get(&path.entity).into_iter().flatten();
    for held in held.filter(|held| path.field.is_whole() || held.field == path.field).take(TOLD) {
        facts.styled(
            "held",
            &format!("#{} {}", held.field, words::held(facts.look, held, world.now)),
            theme.warning,
        );
    }
    for lease in board.leases_on(&path.entity, world.now).take(TOLD) {
        let left = words::countdown(lease.until, world.now);
        facts.say(
            "lease",
            &format!("token {}: {} holds {}, {left} left", lease.fence, lease.holder, lease.target),
        );
    }
    let (mut works, mut acts) = (0_usize, 0_usize);
    for hold in board.holds_on(&path.entity) {
        match hold {
            Hold::Work(_) => works += 1,
            Hold::Act(_) | Hold::Waiting(_) => acts += 1,
            Hold::Lease(_) => {}
        }
    }
    if works + acts > 0 {
        let several =
            |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        facts.say("open", &format!("{}, {}", several(works, "work item"), several(acts, "act")));
    }
    let on = |alert: &&std::sync::Arc<crate::domain::things::Alert>| {
        alert.on.as_ref().is_some_and(|on| on.entity == path.entity)
    };
    for alert in board.alerts.values().filter(on).take(TOLD) {
        let (sign, style) = words::severity(look, alert.severity);
        facts.styled(
            "alert",
            &format!("{sign} #{} {}: {}", alert.no, alert.kind.as_str(), alert.title),
            style,
        );
    }
    for item in board.items.values().filter(|item| item.subject.as_ref() == Some(&path.entity)).take(TOLD) {
        facts.say("case", &format!("#{} {}: {}", item.no, item.case.word(), item.title));
    }
}

fn about_agent(facts: &mut Facts<'_>, look: Look<'_>, world: &World, board: &Board, agent: &AgentId) {
    let theme = look.theme;
    facts.title(agent.as_str());
    match board.map.agent(agent) {
        None => facts.styled("", "the map does not know this agent", theme.warning),
        Some(known) => {
            facts.maybe("role", Some(&known.role));
            facts.say("person", known.owner.as_str());
            let writes: Vec<String> = known.writes.iter().map(ToString::to_string).collect();
            facts.maybe("writes", Some(&writes.join("  ")));
            facts.maybe("triggers", Some(&known.triggers.join("  ")));
            facts.maybe("outputs", Some(&known.outputs.join("  ")));
        }
    }
    if let Some(known) = board.agents.get(agent).filter(|known| known.deed.0 > 0) {
        let counts: Vec<String> =
            known.outcomes.iter().map(|(outcome, count)| format!("{count} {}", outcome.as_str())).collect();
        facts.say("last seen", &world.ago(known.last));
        facts.say("deeds", &counts.join(", "));
    } else {
        facts.styled("last seen", "never", theme.muted);
    }
    if let Some(stop) = board.agents.get(agent).and_then(|known| known.paused.as_ref()) {
        let words = format!("by {}, {}: {}", facts.look.who(&stop.by), world.ago(stop.at), stop.reason);
        facts.styled("paused", &untrusted::fit(&words, 400), theme.warning);
    }
    let work = board.work_of(agent).count();
    if work > 0 {
        facts.say("work", &format!("{work} waiting or taken"));
    }
}
