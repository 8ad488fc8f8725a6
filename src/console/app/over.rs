//! What lies over the view, whichever it is: help, the palette, the workspaces, the quick peek, an override being made.

use super::App;
use super::past::{self, Naming};
use crate::client::{Direction, LedgerQuery};
use crate::console::action::Action;
use crate::console::ask::{Ask, Told, Trouble, What};
use crate::console::asking;
use crate::console::desk::Desk;
use crate::console::goal::{Finder, Goal};
use crate::console::kept::{self, Change};
use crate::console::keymap::Context;
use crate::console::message::Effect;
use crate::console::overriding::{Came, Overriding};
use crate::console::peek::Peek;
use crate::console::place::{Place, Spot, View};
use crate::console::record::Record;
use crate::console::replay::{Part, Replay};
use crate::console::screens::Screen;
use crate::console::under::Under;
use crate::console::widgets::chrome::Tone;
use crate::console::widgets::form::Form;
use crate::console::widgets::picker::{Entry, Picker};
use crate::console::widgets::prompt::Insert;
use crate::console::widgets::scroll::Scroll;
use crate::domain::ids::{ItemNo, Seq, WorkspaceId};
use crate::domain::path::{EntityPath, FieldPath};
use crate::domain::state::{Board, Thing};

/// Deeds of a field that are looked at for its versions.
const VERSIONS: usize = 200;
/// Workspaces that are asked at once what waits there.
const ASKED: usize = 20;
/// Tags from here on are of what lies over the views; screens count from 0.
const OURS: u64 = 1 << 63;

/// What lies over the view.
#[derive(Debug)]
pub(in crate::console) enum Over {
    /// The keys of the view.
    Help(Scroll),
    /// Everything that can be gone to.
    Finding(Box<Finder>),
    /// The workspaces that this person may look at.
    Choosing(Picker<WorkspaceId>),
    /// A quick look at what is under the cursor.
    Peek(Peek),
    /// An override being made.
    Override(Box<Overriding>),
    /// A case being taken over, or somebody going away.
    Desk(Box<Desk>),
    /// A moment of the past being named.
    Naming(Naming),
    /// What comes out otherwise in a rehearsal.
    Rehearsal(Scroll),
    /// A conflict played again.
    Replay(Box<Replay>),
}

/// What an answer will be about.
#[derive(Debug)]
pub(super) enum About {
    /// How it was, and whether the reader stays on what they were on.
    Moment {
        stay: bool,
    },
    /// The versions of a field.
    Versions,
    /// The names of records.
    Names,
    /// What waits in another workspace.
    Waiting(WorkspaceId),
    /// The values of a record's fields, and what happened to it.
    Values(EntityPath),
    History(EntityPath),
    /// A thing of the board with all that it carries, as it is or was after a deed.
    Whole(Thing, Option<Seq>),
    /// What a replay needs.
    Replay(Part),
    /// A file being written.
    Saved,
    /// An override, with the words for when it is done, and what its box was about.
    Step {
        done: String,
        about: String,
    },
}

/// Whether an answer is for what lies over the views, not for a screen.
pub(super) fn is_ours(tag: u64) -> bool {
    tag >= OURS
}

impl Over {
    /// Whose keys count.
    pub(super) fn context(&self) -> Context {
        match self {
            Self::Help(_) | Self::Rehearsal(_) => Context::Preview,
            Self::Choosing(_) | Self::Finding(_) => Context::Picker,
            Self::Peek(_) => Context::Peek,
            Self::Replay(replay) => replay.context(),
            Self::Naming(_) => Context::Prompt,
            Self::Override(overriding) => overriding.context(),
            Self::Desk(desk) => desk.context(),
        }
    }

    /// The actions for the hint line.
    pub(in crate::console) fn hints(&self, board: Option<&Board>) -> Vec<Action> {
        match self {
            Self::Help(_) | Self::Rehearsal(_) => vec![Action::Down, Action::Close],
            Self::Choosing(_) | Self::Finding(_) => {
                vec![Action::Submit, Action::NextSuggestion, Action::Close]
            }
            Self::Peek(peek) => peek.hints(board),
            Self::Replay(replay) => replay.hints(),
            Self::Naming(_) => vec![Action::Submit, Action::Close],
            Self::Override(overriding) => overriding.hints(),
            Self::Desk(desk) => desk.hints(),
        }
    }
}

impl Over {
    /// The box in which something is about to be done, and what it is about.
    pub(in crate::console) fn form(&self) -> Option<(&str, &Form)> {
        match self {
            Self::Override(overriding) => Some(overriding.form()),
            Self::Desk(desk) => Some(desk.form()),
            Self::Choosing(_)
            | Self::Finding(_)
            | Self::Naming(_)
            | Self::Help(_)
            | Self::Rehearsal(_)
            | Self::Replay(_)
            | Self::Peek(_) => None,
        }
    }

    /// Whether a key that means nothing else is text.
    pub(super) fn is_typing(&self) -> bool {
        matches!(self, Self::Choosing(_) | Self::Finding(_) | Self::Naming(_))
            || self.form().is_some_and(|(_, form)| form.is_typing())
            || matches!(self, Self::Replay(replay) if replay.is_typing())
    }

    /// What an action does now, where that is not what its label says.
    pub(in crate::console) fn does(&self, action: Action) -> Option<String> {
        match self {
            Self::Override(overriding) => overriding.does(action),
            Self::Desk(desk) => desk.does(action),
            Self::Replay(replay) => replay.does(action),
            Self::Choosing(_) if action == Action::Submit => Some("choose".to_owned()),
            Self::Naming(_) | Self::Finding(_) if action == Action::Submit => Some("go there".to_owned()),
            Self::Help(_) | Self::Rehearsal(_) if action == Action::Down => Some("scroll".to_owned()),
            Self::Choosing(_)
            | Self::Finding(_)
            | Self::Naming(_)
            | Self::Help(_)
            | Self::Rehearsal(_)
            | Self::Peek(_) => None,
        }
    }
}

impl App {
    /// Text for what lies over the view, where text is typed.
    pub(super) fn insert_over(&mut self, insert: Insert<'_>) -> Vec<Effect<Ask>> {
        match &mut self.over {
            Some(Over::Choosing(picker)) => picker.insert(insert),
            Some(Over::Finding(finder)) => {
                finder.insert(insert, &self.world);
                return self.look_at_goal();
            }
            Some(Over::Override(overriding)) => overriding.insert(insert),
            Some(Over::Desk(desk)) => desk.insert(insert),
            Some(Over::Naming(naming)) => _ = naming.prompt.insert(insert),
            Some(Over::Replay(replay)) => replay.insert(insert),
            Some(Over::Help(_) | Over::Rehearsal(_) | Over::Peek(_)) | None => {}
        }
        Vec::new()
    }

    pub(super) fn act_over(&mut self, action: Action, ahead: bool) -> Vec<Effect<Ask>> {
        match (&mut self.over, action) {
            (Some(Over::Override(_) | Over::Desk(_)), _) => return self.act_override(action, ahead),
            (Some(Over::Peek(_)), _) => return self.act_peek(action),
            (Some(Over::Replay(_)), _) => return self.act_replay(action),
            (Some(Over::Naming(_)), Action::Submit) => return self.name_moment(),
            (Some(Over::Naming(_)), Action::Close) => self.stop_naming(),
            (Some(Over::Choosing(picker)), Action::Submit) => {
                let chosen = picker.chosen().cloned();
                self.over = None;
                return chosen.map(|workspace| self.switch(workspace)).unwrap_or_default();
            }
            (Some(Over::Finding(finder)), Action::Submit) => {
                let chosen = finder.chosen().cloned();
                self.over = None;
                return chosen.map(|goal| self.go_to(goal)).unwrap_or_default();
            }
            (_, Action::Close | Action::Quit | Action::Help | Action::Confirm) => self.over = None,
            (Some(Over::Choosing(picker)), other) => _ = picker.apply(other),
            (Some(Over::Finding(finder)), other) => {
                finder.apply(other);
                return self.look_at_goal();
            }
            (Some(Over::Help(scroll) | Over::Rehearsal(scroll)), other) => _ = scroll.act(other),
            (Some(Over::Naming(_)) | None, _) => {}
        }
        Vec::new()
    }

    /// What was asked of the past does not count any more.
    fn stop_naming(&mut self) {
        self.over = None;
        self.asking.forget(|about| matches!(about, About::Moment { .. }));
    }

    fn under(&self) -> Under {
        self.screen().map(|screen| screen.under(&self.world)).unwrap_or_default()
    }

    /// A quick look at what is under the cursor.
    pub(super) fn peek(&mut self) -> Vec<Effect<Ask>> {
        let under = self.under();
        if under.is_empty() {
            self.say(Tone::Info, "no entity and no agent is under the cursor".to_owned());
            return Vec::new();
        }
        self.show(Peek::new(under))
    }

    fn show(&mut self, peek: Peek) -> Vec<Effect<Ask>> {
        let entity = peek.record.as_ref().map(|record| record.entity().clone());
        self.over = Some(Over::Peek(peek));
        entity.map(|entity| self.ask_for(entity)).unwrap_or_default()
    }

    /// Asks for what a record's page tells.
    fn ask_for(&mut self, entity: EntityPath) -> Vec<Effect<Ask>> {
        let (values, history) = Record::new(entity.clone()).asks(self.world.as_of().map(|as_of| as_of.seq));
        let history = past::bounded(&self.world, history);
        vec![
            self.ask_over(About::Values(entity.clone()), values),
            self.ask_over(About::History(entity), history),
        ]
    }

    /// The page of a record on which an answer is waited for.
    fn page_of(&mut self, entity: &EntityPath) -> Option<&mut Record> {
        let peek = match &mut self.over {
            Some(Over::Peek(peek)) => Some(peek),
            Some(Over::Finding(finder)) => finder.peek(),
            Some(_) | None => None,
        };
        peek?.record.as_mut().filter(|record| record.entity() == entity)
    }

    /// Begins to look for something to go to.
    pub(super) fn find(&mut self) -> Vec<Effect<Ask>> {
        let keymap = &self.settings.keymap;
        let finder = Finder::new(&self.world, keymap, self.context(), None);
        self.over = Some(Over::Finding(Box::new(finder)));
        vec![self.ask_over(About::Names, What::Words)]
    }

    fn look_at_goal(&mut self) -> Vec<Effect<Ask>> {
        let Some(Over::Finding(finder)) = &mut self.over else { return Vec::new() };
        let entity =
            finder.look().and_then(|peek| peek.record.as_ref()).map(|record| record.entity().clone());
        entity.map(|entity| self.ask_for(entity)).unwrap_or_default()
    }

    fn go_to(&mut self, goal: Goal) -> Vec<Effect<Ask>> {
        match goal {
            Goal::Act(action) => self.chosen(action),
            Goal::Go(place) => self.go(&place),
            Goal::Record(path) => self.show(Peek::new(Under::default().path(Some(path)))),
            Goal::Discard(about) => {
                self.say(Tone::Done, format!("thrown away: what was typed for {about}"));
                self.keep(Change::no_draft(&about)).into_iter().collect()
            }
            Goal::Moment(text) => {
                self.say(Tone::Info, format!("looking at how it was: {text}"));
                vec![self.ask_over(About::Moment { stay: true }, What::Then(text))]
            }
            Goal::Workspace(workspace) => self.switch(workspace),
        }
    }

    fn act_peek(&mut self, action: Action) -> Vec<Effect<Ask>> {
        let Some(Over::Peek(peek)) = &mut self.over else { return Vec::new() };
        if action.overrides() {
            let under = peek.under.clone();
            return self.override_what(action, &under);
        }
        if action == Action::Trace {
            let filter = peek.filter();
            self.over = None;
            return filter
                .map(|filter| self.go(&Place::at(View::Log, Spot::Filter(filter))))
                .unwrap_or_default();
        }
        if !peek.act(action) {
            self.over = None;
        }
        Vec::new()
    }

    /// Begins to override what is under the cursor.
    pub(super) fn begin_override(&mut self, action: Action) -> Vec<Effect<Ask>> {
        let under = self.under();
        self.override_what(action, &under)
    }

    /// A case is taken from whoever has it, once there is a reason.
    pub(super) fn take_over(&mut self, item: ItemNo) {
        let mut desk = Desk::take_over(item);
        desk.resume(self.world.kept());
        self.over = Some(Over::Desk(Box::new(desk)));
    }

    /// This person goes away, or is back.
    pub(super) fn begin_away(&mut self) {
        if let Err(why) = self.world.may_decide() {
            self.say(Tone::Failed, why);
        } else if let Some(board) = &self.world.board {
            let mut desk = Desk::away(board, &self.world.me, self.world.now);
            desk.resume(self.world.kept());
            self.over = Some(Over::Desk(Box::new(desk)));
        }
    }

    fn override_what(&mut self, action: Action, under: &Under) -> Vec<Effect<Ask>> {
        if let Err(why) = self.world.may_decide() {
            self.say(Tone::Failed, why);
            return Vec::new();
        }
        let Some(board) = &self.world.board else { return Vec::new() };
        match Overriding::begin(action, under, board) {
            Ok(mut overriding) => {
                overriding.resume(self.world.kept());
                self.over = Some(Over::Override(Box::new(overriding)));
                self.fetch_versions()
            }
            Err(why) => {
                self.say(Tone::Info, why);
                Vec::new()
            }
        }
    }

    fn act_override(&mut self, action: Action, ahead: bool) -> Vec<Effect<Ask>> {
        if action.decides() && ahead {
            self.say(Tone::Failed, "that was typed before this was shown, and was not taken".to_owned());
            return Vec::new();
        }
        let came = match (&mut self.over, &self.world.board) {
            (Some(Over::Override(overriding)), Some(board)) => overriding.act(action, board),
            (Some(Over::Desk(desk)), _) => desk.act(action),
            _ => return Vec::new(),
        };
        match came {
            Came::On => return self.fetch_versions(),
            Came::Closed => {
                let closed = self.over.as_ref().and_then(Over::form);
                let words = closed.map(|(about, form)| kept::closed(about, form));
                self.over = None;
                self.say(Tone::Info, words.unwrap_or_default());
            }
            Came::Lacks(why) => self.say(Tone::Warning, why),
            Came::Send(command, done) => {
                // It may be refused: what was typed is kept until it is done.
                let mut about = String::new();
                if let Some((what, _)) = self.over.as_ref().and_then(Over::form) {
                    what.clone_into(&mut about);
                }
                self.over = None;
                if let Err(why) = self.world.may_decide() {
                    self.say(Tone::Failed, why);
                    return Vec::new();
                }
                return vec![self.ask_over(About::Step { done, about }, What::Command(command))];
            }
        }
        Vec::new()
    }

    /// Asks for the versions of the field that is set or reverted, once it is named.
    fn fetch_versions(&mut self) -> Vec<Effect<Ask>> {
        let Some(Over::Override(overriding)) = &mut self.over else { return Vec::new() };
        let Some(path) = overriding.wants() else { return Vec::new() };
        vec![self.ask_over(About::Versions, What::Page(versions_of(&path)))]
    }

    pub(super) fn ask_over(&mut self, about: About, what: What) -> Effect<Ask> {
        let tag = OURS | self.asking.tag(about);
        let from = self.screen().map_or(View::Inbox, Screen::view);
        Effect::Do(Ask { from, tag, what })
    }

    /// An answer to what lay over the view.
    pub(super) fn told_over(&mut self, tag: u64, result: Result<Told, Trouble>) -> Vec<Effect<Ask>> {
        match (self.asking.answered(tag & !OURS), result) {
            (None, _) => {}
            (Some(About::Moment { stay }), result) => return self.told_moment(result, stay),
            (Some(About::Versions), result) => {
                if let Some(Over::Override(overriding)) = &mut self.over {
                    match result {
                        Ok(Told::Page(page)) => overriding.found(&page.deeds),
                        Ok(_) => overriding.not_found("no answer came".to_owned()),
                        Err(trouble) => overriding.not_found(trouble.what),
                    }
                }
            }
            (Some(About::Replay(part)), result) => self.told_replay(part, result),
            (Some(About::Saved), Ok(Told::Saved(file))) => {
                self.say(Tone::Done, format!("{} is written", file.display()));
            }
            (Some(About::Saved), Ok(_)) => self.say(Tone::Failed, asking::ANOTHER_ANSWER.to_owned()),
            (Some(About::Saved), Err(trouble)) => self.say(Tone::Failed, trouble.to_string()),
            (Some(About::Whole(thing, at)), result) => self.told_whole(&thing, at, result),
            (Some(About::Names), result) => {
                if let (Some(Over::Finding(finder)), Ok(Told::Words(words))) = (&mut self.over, result) {
                    finder.learn(&words);
                }
            }
            (Some(About::Waiting(of)), result) => {
                if let (Some(Over::Choosing(picker)), Ok(Told::Waiting(waiting))) = (&mut self.over, result) {
                    picker.note(&of, waiting.words());
                }
            }
            (Some(About::Values(entity)), result) => {
                if let Some(record) = self.page_of(&entity) {
                    record.values(result);
                }
            }
            (Some(About::History(entity)), result) => {
                if let Some(record) = self.page_of(&entity) {
                    record.history(result);
                }
            }
            (Some(About::Step { done, about }), result) => match asking::came_out(result) {
                Ok(()) => {
                    self.say(Tone::Done, done);
                    return self.keep(Change::no_draft(&about)).into_iter().collect();
                }
                Err(undone) => self.say(Tone::Failed, undone.to_string()),
            },
        }
        Vec::new()
    }

    /// Lists the workspaces, and asks each what waits there.
    pub(super) fn choose_workspace(&mut self) -> Vec<Effect<Ask>> {
        let all = self.world.workspaces.clone();
        let entry = |workspace: &WorkspaceId| Entry {
            name: workspace.to_string(),
            note: if *workspace == self.world.workspace { "here now".to_owned() } else { String::new() },
            key: String::new(),
            value: workspace.clone(),
        };
        self.over = Some(Over::Choosing(Picker::new("Workspaces", all.iter().map(entry).collect())));
        let others = all.into_iter().filter(|workspace| *workspace != self.world.workspace);
        let others: Vec<WorkspaceId> = others.take(ASKED).collect();
        others.into_iter().map(|of| self.ask_over(About::Waiting(of.clone()), What::Waiting(of))).collect()
    }

    fn switch(&mut self, to: WorkspaceId) -> Vec<Effect<Ask>> {
        if to == self.world.workspace {
            return Vec::new();
        }
        self.say(Tone::Info, format!("going to {to}"));
        let from = self.screen().map_or(View::Inbox, Screen::view);
        vec![Effect::Do(Ask { from, tag: 0, what: What::Switch(to) })]
    }
}

/// What wrote a field, the latest first.
fn versions_of(path: &FieldPath) -> LedgerQuery {
    LedgerQuery {
        filter: format!("entity:\"{path}\" outcome:committed"),
        direction: Direction::Newest,
        limit: VERSIONS,
        count: false,
        min_seq: None,
    }
}
