//! The map in the person's own editor: written to a file, read back, checked, and put in force after a look at the difference.
//!
//! What is wrong with it is said by the map's own reader; the server checks once more.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use crate::api::{Looked, PlanView};
use crate::console::action::Action;
use crate::console::widgets::form::{Field, Form, Pressed};
use crate::console::widgets::{Look, styled, thousands};
use crate::domain::command::{ApplyMap, Command};
use crate::domain::ids::MapVersion;
use crate::domain::map::{Change, Finding, Model, Sign, difference, merge, parse};
use crate::domain::readiness::unmet;
use crate::domain::state::Board;
use crate::domain::survey::plan::Turn;
use crate::domain::time::Time;

/// The button that does it.
const BUTTON: &str = "put in force";
/// Lines of what a reason is asked for.
const WHY_LINES: usize = 6;
/// The label of the box that takes back.
const TAKE_BACK: &str = "insist";
/// The label of the reason.
const WHY: &str = "why";
/// Lines of findings shown, and of everything that is said of a map without errors.
const SHOWN: usize = 20;
/// Of these, lines of differences, of warnings, and of what would turn out differently.
const CHANGES: usize = 8;
const WARNINGS: usize = 3;
const ROWS: usize = 4;

/// A map that came back from the editor.
#[derive(Debug)]
pub(super) struct Draft {
    file: PathBuf,
    /// The map that it was made for: compare-and-set.
    version: MapVersion,
    found: Found,
    pub(super) form: Form,
    /// What a reason is asked for, where one is.
    asked: Option<String>,
}

#[derive(Debug)]
enum Found {
    /// It has errors.
    Broken(Vec<Finding>),
    /// It can be put in force.
    Ready {
        model: Arc<Model>,
        changes: Vec<Change>,
        warnings: Vec<Finding>,
        /// What is not met for the agents that it adds.
        unmet: Vec<String>,
        /// What it would take back of what answers have changed.
        takes_back: Vec<Change>,
        plan: Planned,
    },
}

/// What the map would have said to what has happened.
#[derive(Debug)]
enum Planned {
    /// Asked for; so far it has got.
    Looking(Option<Looked>),
    Known(Box<PlanView>),
    /// It is not known, and why.
    Unknown(String),
}

/// What came of a key.
#[derive(Debug)]
pub(super) enum Came {
    On,
    /// Something is missing, in words.
    Lacks(&'static str),
    /// Given up for now; what was written stays in its file.
    Closed {
        again: PathBuf,
    },
    Apply(Box<Command>),
}

/// Writes the map that is shown to a file of its own.
///
/// # Errors
/// When the file can't be written, with its name.
pub(super) fn write(board: &Board) -> Result<PathBuf, String> {
    static WRITTEN: AtomicU32 = AtomicU32::new(0);
    let nth = WRITTEN.fetch_add(1, Ordering::Relaxed);
    let name = format!("deeds-{}-v{}-{}-{nth}.toml", board.workspace, board.map_version, std::process::id());
    let file = std::env::temp_dir().join(name);
    // A file of this name is left from a process that had this number before; nobody else's is ever written over.
    _ = fs::remove_file(&file);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&file)
        .and_then(|mut open| open.write_all(board.map.model().to_toml().as_bytes()));
    match written {
        Ok(()) => Ok(file),
        Err(error) => {
            Err(format!("{} can't be written: {error}; set TMPDIR to a directory that can", file.display()))
        }
    }
}

impl Draft {
    /// Reads the file back; `board` is the one in force. None where nothing is different to it.
    ///
    /// # Errors
    /// When the file can't be read.
    pub(super) fn read(file: &Path, board: &Board, now: Time) -> Result<Option<Self>, String> {
        let text =
            fs::read_to_string(file).map_err(|error| format!("{} can't be read: {error}", file.display()))?;
        let draft = |found, form: Form| {
            Some(Self { file: file.to_owned(), version: board.map_version, found, form, asked: None })
        };
        let parsed = parse(&text);
        let warnings: Vec<Finding> =
            parsed.findings.iter().filter(|finding| !finding.is_error()).cloned().collect();
        Ok(match parsed.applicable() {
            Err(findings) => draft(Found::Broken(findings), Form::closing()),
            Ok(model) => {
                let changes = difference(board.map.model(), &model);
                if changes.is_empty() {
                    _ = fs::remove_file(file);
                    return Ok(None);
                }
                let unmet = unmet(board, &model, now);
                let plan = Planned::Looking(None);
                let takes_back = merge::taken_back(board.before_answers(), board.map.model(), &model);
                let fields = insist(&takes_back);
                let model = Arc::new(model);
                let found = Found::Ready { model, changes, warnings, unmet, takes_back, plan };
                draft(found, Form::new(fields, BUTTON))
            }
        })
    }

    /// The file that it is in.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// It is in force: the file has served.
    pub(super) fn remove(&self) {
        _ = fs::remove_file(&self.file);
    }

    /// The map to be weighed on what has happened, if it can be put in force.
    pub(super) fn wants_plan(&self) -> Option<String> {
        match &self.found {
            Found::Ready { model, .. } => Some(model.to_toml()),
            Found::Broken(_) => None,
        }
    }

    fn plan(&mut self, now: Planned) {
        if let Found::Ready { plan, .. } = &mut self.found {
            *plan = now;
        }
    }

    /// So far the look has got.
    pub(super) fn looked(&mut self, looked: Looked) {
        self.plan(Planned::Looking(Some(looked)));
    }

    /// The look is done.
    pub(super) fn planned(&mut self, plan: Box<PlanView>) {
        self.plan(Planned::Known(plan));
    }

    /// Nothing came of the look.
    pub(super) fn not_planned(&mut self, why: String) {
        self.plan(Planned::Unknown(why));
    }

    /// A reason is asked for before it is put in force.
    pub(super) fn ask_why(&mut self, asked: &str) {
        self.asked = Some(asked.to_owned());
        self.form.ask(Field::reason(WHY));
    }

    /// Does what an action asks for.
    pub(super) fn act(&mut self, action: Action) -> Came {
        match self.form.act(action) {
            Pressed::On => Came::On,
            Pressed::Lacks(missing) => Came::Lacks(missing),
            Pressed::Confirmed => self.apply(),
            // What was written is not given up with the reason.
            Pressed::Closed if self.asked.take().is_some() => {
                let fields = if let Found::Ready { takes_back, .. } = &self.found {
                    insist(takes_back)
                } else {
                    Vec::new()
                };
                self.form = Form::new(fields, BUTTON);
                Came::On
            }
            Pressed::Closed => Came::Closed { again: self.file.clone() },
        }
    }

    /// Puts it in force; a reason is asked for first where the rules will ask for it.
    fn apply(&mut self) -> Came {
        let Found::Ready { model, unmet, plan, takes_back, .. } = &self.found else { return Came::On };
        let take_back = !takes_back.is_empty() && self.form.ticked(TAKE_BACK);
        if !takes_back.is_empty() && !take_back {
            return Came::Lacks(
                "it takes back what answers have granted: tick that, or esc and E again to keep it",
            );
        }
        let planned = matches!(plan, Planned::Known(_));
        if self.asked.is_none() && !unmet.is_empty() && self.version > MapVersion(0) {
            let asked =
                format!("agents join although not everything is ready for them: {}", unmet.join("; "));
            self.ask_why(&asked);
            return Came::On;
        }
        let reason = self.asked.as_ref().map(|_| Arc::from(self.form.text(WHY)));
        let apply =
            ApplyMap { model: Arc::clone(model), if_version: self.version, reason, planned, take_back };
        Came::Apply(Box::new(Command::ApplyMap(apply)))
    }

    /// Draws the box at the foot of the body and what is left of it by `above`; the result is where the terminal's cursor
    /// belongs, if a reason is typed.
    pub(super) fn draw(
        &self,
        buffer: &mut Buffer,
        body: Rect,
        look: Look<'_>,
        above: impl FnOnce(&mut Buffer, Rect),
    ) -> Option<Position> {
        let mut facts = self.form.facts(look, body);
        let room = facts.room();
        if let Some(asked) = &self.asked {
            facts.lines.extend(look.wrap(asked, room, WHY_LINES, look.theme.warning));
            facts.gap();
        }
        let title = match &self.found {
            Found::Broken(findings) => {
                facts.lines.extend(broken(look, room, findings));
                "The map has errors; nothing was changed".to_owned()
            }
            Found::Ready { model, changes, warnings, plan, takes_back, .. } => {
                facts.lines.extend(taken_back(look, room, takes_back));
                facts.lines.extend(ready(look, room, model, (changes, warnings), plan));
                format!("Map v{} {} v{}", self.version, look.glyphs.arrow, self.version.next())
            }
        };
        let title = if self.asked.is_some() { "Why, all the same?" } else { &title };
        let (rest, foot) = self.form.split(body, facts.lines.len());
        above(buffer, rest);
        self.form.draw(buffer, foot, look, title, &facts.lines)
    }
}

/// The box to tick where a map takes back what answers have changed.
fn insist(takes_back: &[Change]) -> Vec<Field> {
    if takes_back.is_empty() {
        return Vec::new();
    }
    vec![Field::tick(TAKE_BACK, "take back what reviewers have granted", false)]
}

/// What it would take back.
fn taken_back(look: Look<'_>, room: usize, changes: &[Change]) -> Vec<Line<'static>> {
    if changes.is_empty() {
        return Vec::new();
    }
    let theme = look.theme;
    let mut lines = vec![look.line("it lacks what answers in the inbox have changed:", room, theme.warning)];
    lines.extend(changes.iter().map(|change| look.line(&format!("  {change}"), room, theme.warning)));
    shorten(look, &mut lines, CHANGES, "answer");
    lines.push(Line::default());
    lines
}

/// Where, what, and the mend.
fn broken(look: Look<'_>, room: usize, findings: &[Finding]) -> Vec<Line<'static>> {
    let theme = look.theme;
    let mut lines = Vec::new();
    for finding in findings.iter().filter(|finding| finding.is_error()) {
        let place = format!("{}:{} ", finding.line, finding.column);
        let mut line = vec![Span::styled(place.clone(), theme.danger)];
        let left = room.saturating_sub(place.len());
        line.extend(look.spans(&finding.message, left, theme.base));
        lines.push(Line::from(line));
        lines.extend(look.wrap(&format!("mend: {}", finding.mend), room, 2, theme.muted));
    }
    cut(look, lines, "E opens the file again, as you left it")
}

fn ready(
    look: Look<'_>,
    room: usize,
    model: &Model,
    (changes, warnings): (&[Change], &[Finding]),
    plan: &Planned,
) -> Vec<Line<'static>> {
    let theme = look.theme;
    let mut lines: Vec<Line<'static>> = changes
        .iter()
        .map(|change| {
            let style = match change.sign {
                Sign::Added => theme.success,
                Sign::Removed => theme.danger,
                Sign::Changed => theme.warning,
            };
            look.line(&change.to_string(), room, style)
        })
        .collect();
    shorten(look, &mut lines, CHANGES, "difference");
    let mut warned: Vec<Line<'static>> = warnings
        .iter()
        .map(|finding| {
            let words = format!("{}:{} {}", finding.line, finding.column, finding.message);
            look.line(&words, room, theme.warning)
        })
        .collect();
    shorten(look, &mut warned, WARNINGS, "warning");
    if !warned.is_empty() {
        lines.push(Line::default());
        lines.extend(warned);
    }
    lines.push(Line::default());
    lines.extend(weighed(look, room, plan));
    let then = format!("then every request is decided by this map, with {} agents", model.agents.len());
    cut(look, lines, &then)
}

/// What it would have said to what has happened.
fn weighed(look: Look<'_>, room: usize, plan: &Planned) -> Vec<Line<'static>> {
    let theme = look.theme;
    let line = |text: &str, style| look.line(text, room, style);
    let view = match plan {
        Planned::Looking(None) => return vec![line("looking at what has happened lately ...", theme.info)],
        Planned::Looking(Some(Looked { looked, of })) => {
            let words = format!("looked at {} of {} deeds ...", thousands(*looked), thousands(*of));
            return vec![line(&words, theme.info)];
        }
        Planned::Unknown(why) => {
            return vec![line(&format!("not weighed on what has happened: {why}"), theme.warning)];
        }
        Planned::Known(view) => view,
    };
    let plan = &view.plan;
    let days = view.window.days.map_or_else(|| "all".to_owned(), |days| format!("the last {days} days"));
    let turns: Vec<String> = Turn::ALL
        .into_iter()
        .filter(|turn| plan.counts.of(*turn) > 0)
        .map(|turn| format!("{} {}", thousands(plan.counts.of(turn)), turn.words()))
        .collect();
    let news = if turns.is_empty() { "none would turn out differently".to_owned() } else { turns.join("; ") };
    let words = format!("of {} decisions of {days}: {news}", thousands(plan.decisions));
    let style = if plan.stops_anything() { theme.warning } else { theme.subtle };
    let mut lines = look.wrap(&words, room, 2, style);
    let rows = plan.rows.iter().filter(|row| !row.already);
    let mut told: Vec<Line<'static>> = rows
        .map(|row| {
            let agent = row.agent.as_ref().map_or("nobody", |agent| agent.as_str());
            let times = format!("{}{}", row.times, look.glyphs.times);
            let turned = format!("{} {} {}", row.was, look.glyphs.arrow, row.would);
            line(&format!("  {times} {agent} {} {}: {turned}", row.kind.as_str(), row.what), theme.subtle)
        })
        .collect();
    shorten(look, &mut told, ROWS, "kind");
    lines.extend(told);
    lines
}

/// Keeps so many lines, and says how many there are more.
fn shorten(look: Look<'_>, lines: &mut Vec<Line<'static>>, keep: usize, what: &str) {
    let more = lines.len().saturating_sub(keep);
    if more > 0 {
        lines.truncate(keep);
        let s = if more == 1 { "" } else { "s" };
        lines.push(styled(format!("and {more} {what}{s} more"), look.theme.muted));
    }
}

/// The first lines, how many more there are, and a last word.
fn cut(look: Look<'_>, mut lines: Vec<Line<'static>>, word: &str) -> Vec<Line<'static>> {
    let more = lines.len().saturating_sub(SHOWN);
    lines.truncate(SHOWN);
    if more > 0 {
        lines.push(styled(format!("and {more} lines more"), look.theme.muted));
    }
    lines.push(Line::default());
    lines.push(styled(word.to_owned(), look.theme.subtle));
    lines
}
