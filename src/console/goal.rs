//! Where a reader can go by name: commands, views, cases, alerts, agents, what the map names, records, fields, deeds, moments of
//! the past, workspaces. One list, over a look at what is chosen.

#[cfg(test)]
mod tests;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;

use super::action::{Action, Group};
use super::keymap::{Context, Keymap};
use super::peek::Peek;
use super::place::{Place, Spot, View};
use super::screens::log::row;
use super::under::Under;
use super::untrusted;
use super::widgets::facts::Facts;
use super::widgets::modal::Frame;
use super::widgets::picker::{Entry, Picker};
use super::widgets::prompt::Insert;
use super::widgets::{Look, cut_top, pane, put_lines, spoken};
use super::world::World;
use crate::api::Words;
use crate::domain::deed::Deed;
use crate::domain::filter::{At, Filter};
use crate::domain::ids::{AgentId, Seq, WorkspaceId};
use crate::domain::path::{EntityPath, FieldName, FieldPath};
use crate::domain::state::Board;

/// Outer width.
const WIDTH: u16 = 104;
/// Rows of the box at most, and of the list of it.
const ROWS: u16 = 30;
const LIST: u16 = 12;
/// Cells of the labels in the look at what is chosen.
const LABEL: usize = 10;
/// Deeds in it.
const DEEDS: usize = 6;

/// What can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goal {
    /// As its key.
    Act(Action),
    /// To a place.
    Go(Place),
    /// A record's page.
    Record(FieldPath),
    /// To look at how it was.
    Moment(String),
    /// Throws away what was typed for this and not sent.
    Discard(String),
    /// Another workspace.
    Workspace(WorkspaceId),
}

/// The list, and a look at what is chosen in it.
#[derive(Debug)]
pub struct Finder {
    picker: Picker<Goal>,
    /// What is looked at, and whether it has been asked for what the server knows of it.
    peek: Option<(Goal, Peek)>,
}

impl Finder {
    /// Everything that this person can go to; records as far as `words` names them.
    pub fn new(world: &World, keymap: &Keymap, context: Context, words: Option<&Words>) -> Self {
        let mut entries = commands(world, keymap, context);
        if let Some(board) = &world.board {
            entries.extend(things(board));
        }
        entries.extend(kept(world));
        entries.extend(words.into_iter().flat_map(named));
        entries.extend(world.workspaces.iter().filter(|other| **other != world.workspace).map(|workspace| {
            plain(workspace.to_string(), "workspace".to_owned(), Goal::Workspace(workspace.clone()))
        }));
        Self { picker: Picker::new("Go to", entries), peek: None }
    }

    /// The names of records came.
    pub fn learn(&mut self, words: &Words) {
        self.picker.learn(named(words));
    }

    /// What would be chosen now.
    pub fn chosen(&self) -> Option<&Goal> {
        self.picker.chosen()
    }

    /// Moves in the list.
    pub fn apply(&mut self, action: Action) {
        self.picker.apply(action);
    }

    /// Takes what is typed or pasted: a path, a number and a time are goals of their own.
    pub fn insert(&mut self, insert: Insert<'_>, world: &World) {
        self.picker.insert(insert);
        let typed = typed(self.picker.text(), world);
        self.picker.offer(typed);
    }

    /// Looks at what is chosen now; a record that was not looked at before is to be asked for.
    pub fn look(&mut self) -> Option<&Peek> {
        let chosen = self.picker.chosen().cloned();
        if self.peek.as_ref().map(|(goal, _)| goal) == chosen.as_ref() {
            return None;
        }
        self.peek = chosen.and_then(|goal| Some((goal.clone(), Peek::new(under(&goal)?))));
        self.peek.as_ref().map(|(_, peek)| peek).filter(|peek| peek.record.is_some())
    }

    /// The look at what is chosen.
    pub fn peek(&mut self) -> Option<&mut Peek> {
        self.peek.as_mut().map(|(_, peek)| peek)
    }

    /// Draws it; the result is where the terminal's cursor belongs.
    pub fn draw(&self, buffer: &mut Buffer, screen: Rect, look: Look<'_>, world: &World) -> Option<Position> {
        let rows = ROWS.min(screen.height.saturating_sub(4));
        let frame = Frame {
            title: "Go to: a command, a case, an alert, an agent, a path, a record, a time",
            width: WIDTH,
        };
        let inner = frame.draw(buffer, screen, look, rows);
        let (list, below) = cut_top(inner, LIST.min(inner.height.div_ceil(2)) + 1);
        let cursor = self.picker.draw_in(buffer, list, look);
        if below.height > 1 {
            pane::draw_rule(buffer, below, look);
            let (_, below) = cut_top(below, 1);
            let told = self.told(look, usize::from(below.width), world);
            spoken::text(&told);
            put_lines(buffer, below, &told);
        }
        cursor
    }

    /// What is told of what is chosen.
    fn told(&self, look: Look<'_>, room: usize, world: &World) -> Vec<Line<'static>> {
        let (Some(goal), Some(board)) = (self.picker.chosen(), world.board.as_deref()) else {
            return Vec::new();
        };
        if let Some((_, peek)) = self.peek.as_ref().filter(|(looked, _)| looked == goal) {
            return peek.lines(look, room, world, board);
        }
        let mut facts = Facts::new(look, room, LABEL);
        match goal {
            Goal::Act(action) => facts.note(action.help(), look.theme.base),
            Goal::Go(place) => tell_place(&mut facts, world, board, place),
            Goal::Moment(text) => {
                facts.note(&format!("everything as it was: {text}"), look.theme.base);
            }
            Goal::Workspace(workspace) => facts.note(&format!("to workspace {workspace}"), look.theme.base),
            Goal::Discard(about) => {
                facts.title(&format!("typed for {about}, and not sent"));
                let texts = world.kept().drafts.get(about).map(|draft| &draft.texts);
                for (label, text) in texts.into_iter().flatten() {
                    facts.note(&format!("{label}: {text}"), look.theme.base);
                }
            }
            Goal::Record(_) => {}
        }
        facts.lines
    }
}

fn plain(name: String, note: String, value: Goal) -> Entry<Goal> {
    Entry { name, note, key: String::new(), value }
}

/// Every command that has a key here, those that only move the cursor last.
fn commands(world: &World, keymap: &Keymap, context: Context) -> Vec<Entry<Goal>> {
    let clock = world.rehearsing.is_some();
    let in_reach = |action: &&Action| {
        let there = clock || action.group() != Group::Rehearsal;
        there && !keymap.keys_for(context, **action).is_empty()
    };
    let entry = |action: &Action| Entry {
        name: action.name().replace('-', " "),
        note: action.help().to_owned(),
        key: keymap.key_for(context, *action).map(|key| key.to_string()).unwrap_or_default(),
        value: Goal::Act(*action),
    };
    let mut actions: Vec<&Action> = Action::ALL.iter().filter(in_reach).collect();
    actions.sort_by_key(|action| action.group() == Group::Move);
    actions.into_iter().map(entry).collect()
}

/// What the board has: cases, alerts, agents, what the map names.
fn things(board: &Board) -> Vec<Entry<Goal>> {
    let at = |view, spot| Goal::Go(Place::at(view, spot));
    let mut all = Vec::new();
    for item in board.items.values() {
        let note = format!("case, {}: {}", item.queue, untrusted::fit(&item.title, 60));
        all.push(plain(format!("#{}", item.no), note, at(View::Inbox, Spot::Item(item.no))));
    }
    for alert in board.alerts.values() {
        let note = format!("alert, {}: {}", alert.kind.as_str(), untrusted::fit(&alert.title, 60));
        all.push(plain(format!("alert #{}", alert.no), note, at(View::Conflicts, Spot::Alert(alert.no))));
    }
    let model = board.map.model();
    for agent in &model.agents {
        let note = format!("agent: {}", agent.role);
        all.push(plain(
            agent.id.to_string(),
            note,
            at(View::Agents, Spot::Line(format!("agent {}", agent.id))),
        ));
    }
    let mut path = |name: &str, key: String, note: String| {
        all.push(plain(name.to_owned(), note, at(View::Map, Spot::Path(key))));
    };
    for agent in &model.agents {
        for pattern in &agent.writes {
            path(pattern.as_str(), pattern.as_str().to_owned(), format!("map: {} writes it", agent.id));
        }
        for trigger in &agent.triggers {
            path(trigger, format!("trigger {trigger}"), format!("event: {} answers it", agent.id));
        }
        for output in &agent.outputs {
            path(output, format!("output {output}"), format!("output: {} publishes to it", agent.id));
        }
    }
    let published = |name: &str| model.agents.iter().any(|agent| agent.outputs.iter().any(|own| own == name));
    for output in model.outputs.iter().filter(|output| !published(&output.name)) {
        path(&output.name, format!("output {}", output.name), "output: nobody publishes to it".to_owned());
    }
    all
}

/// What this person keeps: filters by name and those used lately, bookmarks, texts that were not sent.
fn kept(world: &World) -> Vec<Entry<Goal>> {
    let kept = world.kept();
    let log = |spot| Goal::Go(Place::at(View::Log, spot));
    let shows = |filter: &str| log(Spot::Filter(filter.to_owned()));
    let cut = |filter: &str| untrusted::fit(filter, 60);
    let saved = kept
        .saved
        .iter()
        .map(|(name, filter)| plain(name.clone(), format!("filter: {}", cut(filter)), shows(filter)));
    let marks = kept
        .bookmarks
        .iter()
        .rev()
        .map(|seq| plain(format!("bookmark #{seq}"), "in the log".to_owned(), log(Spot::Deed(*seq))));
    let unnamed = kept.recent.iter().filter(|filter| kept.name_of(filter).is_none());
    let recent = unnamed.map(|filter| plain(filter.clone(), "filter used lately".to_owned(), shows(filter)));
    let drafts = kept.drafts.keys().map(|about| {
        plain(
            format!("throw away: {about}"),
            "what was typed and not sent".to_owned(),
            Goal::Discard(about.clone()),
        )
    });
    saved.chain(marks).chain(recent).chain(drafts).collect()
}

/// The records and fields that the workspace has, most used first.
fn named(words: &Words) -> Vec<Entry<Goal>> {
    let record = |name: &String| {
        let path = FieldPath::new(name.parse::<EntityPath>().ok()?, FieldName::whole());
        Some(plain(name.clone(), "record".to_owned(), Goal::Record(path)))
    };
    let field = |name: &String| {
        let filter = Spot::Filter(format!("field:{name}"));
        plain(
            format!("#{name}"),
            "field: who wrote it lately".to_owned(),
            Goal::Go(Place::at(View::Log, filter)),
        )
    };
    words.entities.iter().filter_map(record).chain(words.fields.iter().map(field)).collect()
}

/// What was typed as a goal of its own: a path, a deed's number, a time.
fn typed(text: &str, world: &World) -> Vec<Entry<Goal>> {
    let text = text.trim();
    let mut all = Vec::new();
    if text.contains('/') {
        let path = text.parse::<FieldPath>().ok().map(|path| {
            let whole = if path.field.is_whole() { "record: its page" } else { "field: its record's page" };
            plain(text.to_owned(), whole.to_owned(), Goal::Record(path))
        });
        all.extend(path);
    }
    match At::parse(text, world.now) {
        Ok(At::Seq(seq)) if world.board.as_ref().is_some_and(|board| seq > Seq(0) && seq <= board.head) => {
            let goal = Goal::Go(Place::at(View::Log, Spot::Deed(seq)));
            all.push(plain(format!("deed #{seq}"), "in the log".to_owned(), goal));
            let then = format!("as of #{seq}");
            all.push(plain(then, "everything as it was after it".to_owned(), Goal::Moment(seq.to_string())));
        }
        Ok(At::Time(_) | At::Happened(_)) => {
            let goal = Goal::Moment(text.to_owned());
            all.push(plain(format!("as of {text}"), "everything as it was then".to_owned(), goal));
        }
        Ok(At::Seq(_)) | Err(_) => {}
    }
    all
}

/// What a goal is about, where it is a record or an agent.
fn under(goal: &Goal) -> Option<Under> {
    match goal {
        Goal::Record(path) => Some(Under::default().path(Some(path.clone()))),
        Goal::Go(Place { view: View::Agents, spot: Some(Spot::Line(line)) }) => {
            let agent = AgentId::new(line.strip_prefix("agent ")?).ok()?;
            Some(Under::default().agent(Some(&agent)))
        }
        Goal::Act(_) | Goal::Go(_) | Goal::Moment(_) | Goal::Discard(_) | Goal::Workspace(_) => None,
    }
}

/// What of the latest deeds is meant, the last first.
fn tell_deeds(facts: &mut Facts<'_>, world: &World, means: impl Fn(&Deed) -> bool) {
    let meant = world.recent.iter().rev().filter(|deed| means(deed)).take(DEEDS);
    let lines: Vec<_> = meant.map(|deed| row::line(facts.look, facts.room(), deed, world.now)).collect();
    if !lines.is_empty() {
        facts.heading("LATELY");
        facts.lines.extend(lines);
    }
}

fn tell_place(facts: &mut Facts<'_>, world: &World, board: &Board, place: &Place) {
    match &place.spot {
        Some(Spot::Item(no)) => {
            let Some(item) = board.items.get(no) else { return };
            facts.title(&format!("#{no} {}", item.case.word()));
            facts.say("from", &format!("{}, {}", facts.look.who(&item.raised_by), world.ago(item.opened)));
            facts.say("case", &item.title);
            facts.say("why", &item.why);
        }
        Some(Spot::Alert(no)) => {
            let Some(alert) = board.alerts.get(no) else { return };
            facts.title(&format!("alert #{no} {}", alert.kind.as_str()));
            facts.say("title", &alert.title);
            let who: Vec<String> = alert.who.iter().map(|actor| facts.look.who(actor)).collect();
            facts.say("who", &who.join(", "));
            facts.maybe("on", alert.on.as_ref().map(ToString::to_string));
        }
        Some(Spot::Path(path)) => facts.say("map", path),
        Some(Spot::Deed(seq)) => {
            facts.say("deed", &format!("#{seq} in the log"));
            tell_deeds(facts, world, |deed| deed.seq == *seq);
        }
        Some(Spot::Filter(text) | Spot::Within(text, _)) => {
            facts.say("log", &format!("filtered by {text}"));
            if let Ok(filter) = Filter::parse(text, world.now) {
                tell_deeds(facts, world, |deed| filter.matches(deed));
            }
        }
        Some(Spot::Chain(_) | Spot::Line(_)) | None => {}
    }
}
