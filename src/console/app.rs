//! The console as a whole: the screens, what lies over them, and the one `update` that everything goes through. Drawing the
//! frame around the view is `frame`'s; what lies over it is `over`'s; `hear` takes in what the server says.

#[cfg(test)]
mod ascii;
mod hear;
mod keep;
mod mouse;
mod notice;
mod over;
mod past;
mod replay;
mod whole;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crossterm::event::KeyEvent;
use ratatui::Frame;
use ratatui::layout::Rect;

use super::action::{Action, Group};
use super::ask::{Ask, Heard, Trouble, What};
use super::asking::Asking;
use super::frame;
use super::glyphs::{self, Glyphs};
use super::kept::{Keeping, Kept};
use super::keymap::{Context, Keymap};
use super::keys::Key;
use super::linear;
use super::message::{Effect, Message, Pace, Typed};
use super::notify::Notify;
use super::place::{History, Place, View};
use super::rehearsing::Move;
use super::run::Program;
use super::screens::{self, Screen};
use super::terminal::clipboard::Route;
use super::terminal::notice::Way;
use super::theme::file::Custom;
use super::theme::{self, Choice, Surroundings, Theme};
use super::untrusted;
use super::widgets::Look;
use super::widgets::chrome::Tone;
use super::widgets::pane::Room;
use super::widgets::prompt::Insert;
use super::widgets::scroll::Scroll;
use super::world::{Link, Me, World};
use crate::domain::ids::WorkspaceId;
use crate::domain::time::{Time, Zone};

pub(super) use self::over::Over;

/// How the console looks and listens, as configured.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct Settings {
    pub theme: Choice,
    /// A person's own theme, laid over that one, and where it was read.
    pub theme_file: Option<(PathBuf, Custom)>,
    /// Signs of ASCII only.
    pub ascii: bool,
    /// Whether it is read out in lines, not drawn.
    pub linear: bool,
    /// The keys.
    pub keymap: Keymap,
    /// What is known of the terminal.
    pub surroundings: Surroundings,
    /// What becomes of what is copied.
    pub clipboard: Route,
    /// Whether the mouse is on.
    pub mouse: bool,
    /// Whether the window's title says what waits.
    pub title: bool,
    /// How the person is told of what can't wait.
    pub notify: Notify,
    /// How the terminal is, where it does it.
    pub notices: Way,
    /// In which timezone times are told; the workspace's where none is named.
    pub zone: Option<Zone>,
    /// The view to start in.
    pub view: View,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: Choice::Auto,
            theme_file: None,
            ascii: false,
            linear: false,
            keymap: Keymap::built_in(),
            surroundings: Surroundings::default(),
            clipboard: Route::default(),
            mouse: false,
            title: true,
            notify: Notify::default(),
            notices: Way::default(),
            zone: None,
            view: View::Inbox,
        }
    }
}

/// What was last said, until the next key.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) tone: Tone,
    pub(super) words: String,
}

/// The console.
pub struct App {
    pub(super) world: World,
    pub(super) settings: Settings,
    pub(super) theme: Theme,
    pub(super) screens: Vec<Box<dyn Screen>>,
    /// The index of the screen that is shown.
    pub(super) shown: usize,
    pub(super) over: Option<Over>,
    pub(super) said: Option<Said>,
    /// What came since it was last read out, where it is.
    arrived: Vec<String>,
    /// Whether the board, the link or the time changed since the screens were last refreshed.
    stale: bool,
    /// Whether the terminal is too small for anything but a sentence that says so.
    shows_nothing: bool,
    screen: Rect,
    /// How often the buttons of a box have come up: what is typed before they are seen does not press them.
    boxes: u64,
    history: History,
    title: String,
    notices: notice::Notices,
    /// Whether it was told that texts are not sent, with the key before this one.
    warned: bool,
    /// What was asked for by what lies over the view.
    asking: Asking<over::About>,
    /// The screens of the present, while the past is looked at.
    aside: Option<past::Aside>,
    sets: past::Sets,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("world", &self.world).field("shown", &self.shown).finish_non_exhaustive()
    }
}

impl App {
    /// The console before its first answer from the server.
    pub fn new(workspace: WorkspaceId, me: Me, settings: Settings) -> Self {
        let screens = screens::all();
        let shown = screens.iter().position(|screen| screen.view() == settings.view).unwrap_or(0);
        let mut world = World::new(workspace, me);
        if let Some(zone) = settings.zone {
            world.tell_times_in(zone);
        }
        let mut app = Self {
            world,
            settings,
            theme: theme::PLAIN,
            screens,
            shown,
            over: None,
            said: None,
            arrived: Vec::new(),
            stale: true,
            shows_nothing: false,
            screen: Rect::ZERO,
            boxes: 0,
            history: History::default(),
            title: String::new(),
            notices: notice::Notices::default(),
            warned: false,
            asking: Asking::default(),
            aside: None,
            sets: past::Sets::default(),
        };
        app.choose_theme();
        app
    }

    /// Fits the theme to what is known of the terminal now; what of a person's own can't be shown is said.
    fn choose_theme(&mut self) {
        let file = self.settings.theme_file.as_ref().map(|(_, custom)| custom);
        let (theme, told) = Theme::with_file(self.settings.theme, file, self.settings.surroundings);
        self.theme = theme;
        if !told.is_empty() {
            self.say(Tone::Warning, format!("theme: {}", told.join("; ")));
        }
    }

    /// A person's theme was read again.
    fn retheme(&mut self, read: Result<Custom, String>) {
        match (read, &mut self.settings.theme_file) {
            (Ok(custom), Some((_, kept))) => {
                *kept = custom;
                self.say(Tone::Done, "the theme was read again".to_owned());
                self.choose_theme();
            }
            (Err(why), _) => {
                self.say(Tone::Failed, format!("the theme stays as it was: {}", why.replace('\n', "; ")));
            }
            (Ok(_), None) => {}
        }
    }

    /// Lines for a workspace in which nothing has happened: what to do first.
    #[must_use]
    pub fn with_welcome(mut self, lines: Vec<String>) -> Self {
        self.world.welcome = lines;
        self
    }

    /// What was kept before, by ledger; what changes of it is asked to be kept.
    #[must_use]
    pub fn with_kept(mut self, kept: BTreeMap<String, Kept>) -> Self {
        self.world.keeping = Keeping::written(kept);
        self
    }

    /// How many texts of this workspace that were typed and not sent are kept for the next start.
    pub fn kept_drafts(&self) -> usize {
        if self.world.keeping.is_written() { self.world.kept().drafts.len() } else { 0 }
    }

    /// Who is looking.
    pub fn me(&self) -> Me {
        self.world.me.clone()
    }

    /// The workspace that is looked at.
    pub fn workspace(&self) -> WorkspaceId {
        self.world.workspace.clone()
    }

    /// The view that is shown.
    pub fn place(&self) -> View {
        self.screen().map_or(View::Inbox, Screen::view)
    }

    /// Whether the first answer has come.
    pub fn has_board(&self) -> bool {
        self.world.board.is_some()
    }

    /// Why nothing comes, where that is known.
    pub fn trouble(&self) -> Option<Trouble> {
        let trouble = |what: &str, next: &str| Trouble { what: what.to_owned(), next: next.to_owned() };
        match &self.world.link {
            Link::Connecting => None,
            Link::Live { .. } => {
                let what = self.world.trouble.as_ref()?;
                Some(trouble(what, "looking works; see `deeds doctor` on the server's machine"))
            }
            Link::Lost { why, .. } => {
                Some(trouble(why, "check that `deeds serve` runs and that the address is right"))
            }
            Link::Rewritten { at } => Some(trouble(
                &format!("the server's history differs from deed {at} on"),
                "find out what happened to it (`deeds doctor`), then `deeds ledger confirm`",
            )),
            Link::Ended { why } => Some(trouble(why, "ask an admin for another token")),
        }
    }

    fn glyphs(&self) -> &'static Glyphs {
        match (self.settings.linear, self.settings.ascii) {
            (true, _) => &glyphs::WORDS,
            (false, true) => &glyphs::ASCII,
            (false, false) => &glyphs::UNICODE,
        }
    }

    pub(super) fn look(&self) -> Look<'_> {
        Look { theme: &self.theme, glyphs: self.glyphs(), zone: self.world.zone }
    }

    /// The same signs without colours, for text that leaves the screen.
    fn plain(&self) -> Look<'static> {
        Look { theme: &theme::PLAIN, glyphs: self.glyphs(), zone: self.world.zone }
    }

    pub(super) fn screen(&self) -> Option<&dyn Screen> {
        self.screens.get(self.shown).map(|screen| &**screen)
    }

    /// Whose keys count now.
    pub(super) fn context(&self) -> Context {
        match &self.over {
            Some(over) => over.context(),
            None => self.screen().map_or(Context::Global, Screen::context),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the other actions are somebody else's")]
    fn key(&mut self, typed: Typed) -> Vec<Effect<Ask>> {
        self.said = None;
        let context = self.context();
        let key = Key::from(typed.key);
        let by_place = || key.by_place().filter(|_| !self.is_typing(context));
        let action = self.settings.keymap.action(context, key);
        let action = action.or_else(|| self.settings.keymap.action(context, by_place()?));
        self.warned &= action == Some(Action::Quit);
        let Some(action) = action else {
            return self.text(context, typed.key);
        };
        if action.group() == Group::Rehearsal && self.world.rehearsing.is_none() {
            return self.text(context, typed.key);
        }
        // The sentence on the screen says what it needs.
        if self.shows_nothing && (action.decides() || matches!(action, Action::Submit | Action::Review)) {
            return Vec::new();
        }
        match action {
            Action::Suspend => return vec![Effect::Suspend],
            Action::Redraw => return vec![Effect::Redraw],
            _ if self.over.is_some() => return self.act_over(action, typed.ahead),
            _ => {}
        }
        if action.decides()
            && let Err(why) = self.may_decide(action, typed)
        {
            self.say(Tone::Failed, why);
            return Vec::new();
        }
        self.act(action)
    }

    /// A key that means nothing here: text where text is typed, else a word about help.
    fn text(&mut self, context: Context, key: KeyEvent) -> Vec<Effect<Ask>> {
        if !self.is_typing(context) {
            self.say(Tone::Info, self.no_use(context, Key::from(key)));
            return Vec::new();
        }
        if self.over.is_some() {
            return self.insert_over(Insert::Key(key));
        }
        self.with_screen(|screen, world| screen.insert(Insert::Key(key), world))
    }

    /// Whether a key that means nothing else is text.
    fn is_typing(&self, context: Context) -> bool {
        match &self.over {
            Some(over) => over.is_typing(),
            None => matches!(context, Context::Prompt | Context::Picker),
        }
    }

    /// That a key does nothing here, and what would help.
    fn no_use(&self, context: Context, key: Key) -> String {
        let key_for = |action| self.settings.keymap.key_for(context, action);
        if key.has_alt() {
            return format!(
                "{key} does nothing: esc and a key in quick succession come as one, press them again"
            );
        }
        match (key_for(Action::Help), key_for(Action::Close)) {
            (Some(help), _) => format!("{key} does nothing here; {help} shows the keys"),
            (None, Some(close)) => format!("{key} does nothing here; {close} closes this"),
            (None, None) => format!("{key} does nothing here"),
        }
    }

    /// The rules that hold for every deciding key on every screen.
    fn may_decide(&self, action: Action, typed: Typed) -> Result<(), String> {
        if typed.ahead {
            let name = action.label();
            return Err(format!(
                "`{name}` was typed before this was shown, and was not taken; type it again"
            ));
        }
        // Cancelling must always be possible; a screen asks again before it sends anything.
        if action == Action::Confirm { Ok(()) } else { self.world.may_decide() }
    }

    /// An action picked in the palette is as good as its key: the same rules hold.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other actions are somebody else's")]
    fn chosen(&mut self, action: Action) -> Vec<Effect<Ask>> {
        if action.decides()
            && let Err(why) = self.world.may_decide()
        {
            self.say(Tone::Failed, why);
            return Vec::new();
        }
        match action {
            Action::Suspend => vec![Effect::Suspend],
            Action::Redraw => vec![Effect::Redraw],
            other => self.act(other),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the other actions are somebody else's")]
    fn act(&mut self, action: Action) -> Vec<Effect<Ask>> {
        let modal = self.context().around().is_none();
        let view = View::ALL.iter().copied().find(|view| view.action() == action);
        match action {
            _ if modal => return self.with_screen(|screen, world| screen.act(action, world)),
            _ if view.is_some() => return view.map(|view| self.go(&Place::view(view))).unwrap_or_default(),
            Action::Quit => return self.quit(),
            Action::RehearsalNotes => self.over = Some(Over::Rehearsal(Scroll::default())),
            _ if action.group() == Group::Rehearsal => return self.move_clock(action),
            Action::Help => self.over = Some(Over::Help(Scroll::default())),
            Action::Review | Action::EditMap if self.looks_back() => {
                self.say(Tone::Failed, self.world.may_decide().err().unwrap_or_default());
            }
            Action::Palette => return self.find(),
            Action::Workspace => return self.choose_workspace(),
            Action::Back => return self.retrace(History::back),
            Action::Forward => return self.retrace(History::forward),
            Action::Mouse => return self.toggle_mouse(),
            Action::ReloadTheme => return self.reload_theme(),
            Action::Peek => return self.peek(),
            Action::Replay => return self.begin_replay(),
            Action::AsOf => self.begin_naming(),
            Action::Present => return self.leave_the_past(),
            _ if self.closes_the_past(action) => return self.leave_the_past(),
            Action::Close if self.screen().is_some_and(|screen| !screen.is_open()) => return self.go_back(),
            Action::Away => self.begin_away(),
            _ if action.overrides() => return self.begin_override(action),
            _ => return self.with_screen(|screen, world| screen.act(action, world)),
        }
        Vec::new()
    }

    /// Leaves; where texts were typed, not sent, and are not kept, the second time.
    fn quit(&mut self) -> Vec<Effect<Ask>> {
        let keeping = &self.world.keeping;
        let unsent = if keeping.is_written() { 0 } else { keeping.drafts() };
        if unsent == 0 || std::mem::replace(&mut self.warned, true) {
            return vec![Effect::Quit];
        }
        let texts = if unsent == 1 { "text that was typed is" } else { "texts that were typed are" };
        self.say(Tone::Warning, format!("{unsent} {texts} not sent; the same key again throws that away"));
        Vec::new()
    }

    /// Asks whoever moves the clock of a rehearsal.
    fn move_clock(&self, action: Action) -> Vec<Effect<Ask>> {
        let from = self.place();
        let ask = |asked| Effect::Do(Ask { from, tag: 0, what: What::Move(asked) });
        Move::of(action).map(ask).into_iter().collect()
    }

    fn reload_theme(&mut self) -> Vec<Effect<Ask>> {
        if self.settings.theme_file.is_some() {
            return vec![Effect::ReadTheme];
        }
        self.say(Tone::Info, "no theme file is set; name yours in `theme_file`".to_owned());
        Vec::new()
    }

    fn go(&mut self, place: &Place) -> Vec<Effect<Ask>> {
        let Some(here) = self.here() else { return Vec::new() };
        if here.view != place.view || place.spot.is_some() {
            self.history.left(here);
        }
        self.enter(place)
    }

    fn retrace(&mut self, step: fn(&mut History, Place) -> Option<Place>) -> Vec<Effect<Ask>> {
        let place = self.here().and_then(|here| step(&mut self.history, here));
        let Some(place) = place else {
            self.say(Tone::Info, "there is no place to go there".to_owned());
            return Vec::new();
        };
        self.enter(&place)
    }

    /// Nothing is left to be closed: back to the place before, the same as `back`.
    fn go_back(&mut self) -> Vec<Effect<Ask>> {
        if self.history.is_empty() {
            let quit = self.settings.keymap.key_for(self.context(), Action::Quit);
            let quit = quit.map(|quit| format!("; {quit} quits")).unwrap_or_default();
            self.say(Tone::Info, format!("nothing is open, and there is no place to go back to{quit}"));
            return Vec::new();
        }
        self.retrace(History::back)
    }

    /// Whether there is a place to go back to.
    pub(super) fn has_been_elsewhere(&self) -> bool {
        !self.history.is_empty()
    }

    fn here(&self) -> Option<Place> {
        self.screen().map(|screen| Place { view: screen.view(), spot: screen.spot() })
    }

    fn enter(&mut self, place: &Place) -> Vec<Effect<Ask>> {
        let Some(at) = self.screens.iter().position(|screen| screen.view() == place.view) else {
            return Vec::new();
        };
        self.shown = at;
        self.with_screen(|screen, world| screen.enter(place.spot.as_ref(), world))
    }

    fn say(&mut self, tone: Tone, words: String) {
        self.said = Some(Said { tone, words });
    }

    /// The window's title, where it changed.
    fn title(&mut self) -> Option<Effect<Ask>> {
        let title = frame::title(self);
        if !self.settings.title || title == self.title {
            return None;
        }
        self.title.clone_from(&title);
        Some(Effect::Title(title))
    }

    fn take(&mut self, message: Message<Heard>) -> Vec<Effect<Ask>> {
        let touched = matches!(&message, Message::Key(_) | Message::Paste(_) | Message::Mouse(..));
        let mut effects = match message {
            Message::Key(typed) => {
                let before = self.context();
                let effects = self.key(typed);
                self.boxes += u64::from(before != Context::Preview && self.context() == Context::Preview);
                effects
            }
            Message::Paste(text) if self.over.is_some() => self.insert_over(Insert::Pasted(&text)),
            Message::Paste(text) => {
                self.with_screen(|screen, world| screen.insert(Insert::Pasted(&text), world))
            }
            Message::Mouse(event, ahead) => self.mouse(event, ahead),
            Message::Resize { width, height } => {
                self.screen = Rect::new(0, 0, width, height);
                self.shows_nothing = Room::of(self.screen) == Room::Sentence;
                Vec::new()
            }
            Message::Colour(slot, colour) => {
                self.settings.surroundings.colours.told(slot, colour);
                self.choose_theme();
                Vec::new()
            }
            Message::Far(far) => {
                let millis = far.as_millis();
                self.say(
                    Tone::Info,
                    format!("this terminal is {millis} ms away: at most five frames a second, and a key decides only about what can have been seen"),
                );
                Vec::new()
            }
            Message::Theme(read) => {
                self.retheme(read);
                Vec::new()
            }
            Message::Clock { now_micros } => {
                self.pass(Time::from_micros(now_micros));
                Vec::new()
            }
            Message::Server(heard) => self.hear(heard),
        };
        if touched {
            effects.extend(self.keep_what_is_there());
        }
        effects.extend(self.fetch_what_is_shown());
        effects
    }

    /// Time passes: what is played goes on by the clock on the wall. Of a rehearsal the time comes with how it stands.
    fn pass(&mut self, now: Time) {
        self.tick_replay(now);
        if self.world.rehearsing.is_none() {
            self.world.tick(now);
            self.stale = true;
        }
    }

    fn refresh_if_stale(&mut self) -> Vec<Effect<Ask>> {
        if !std::mem::take(&mut self.stale) {
            return Vec::new();
        }
        self.world.read_zone();
        let mut effects = self.with_all(|screen, world| screen.refresh(world));
        let waits = self.world.board.as_ref().is_some_and(|board| !board.items.is_empty());
        self.said.take_if(|said| waits && said.words == screens::inbox::NO_CASE);
        effects.extend(self.title());
        effects.extend(self.fetch_what_is_shown());
        effects
    }
}

impl Program for App {
    type Server = Heard;
    type Effect = Ask;

    fn update(&mut self, message: Message<Heard>) -> Vec<Effect<Ask>> {
        untrusted::in_ascii(self.settings.ascii, || self.take(message))
    }

    fn settle(&mut self) -> Vec<Effect<Ask>> {
        untrusted::in_ascii(self.settings.ascii, || {
            let notice = self.notify();
            self.refresh_if_stale().into_iter().chain(notice).collect()
        })
    }

    fn view(&self, frame: &mut Frame<'_>) {
        let area = frame.area();
        let ascii = self.settings.ascii;
        let cursor = untrusted::in_ascii(ascii, || frame::draw(self, frame.buffer_mut(), area));
        untrusted::separate(frame.buffer_mut());
        self.theme.finish(frame.buffer_mut());
        if ascii {
            glyphs::to_ascii(frame.buffer_mut());
        }
        if let Some(cursor) = cursor {
            frame.set_cursor_position(cursor);
        }
    }

    fn scene(&mut self) -> linear::Scene {
        let arrived = std::mem::take(&mut self.arrived);
        untrusted::in_ascii(self.settings.ascii, || frame::scene(self, arrived))
    }

    fn focus_epoch(&self) -> u64 {
        // A sum grows whenever a part of it does; the index makes a change of views count as one.
        self.screens
            .iter()
            .map(|screen| screen.epoch())
            .sum::<u64>()
            .wrapping_add(self.boxes)
            .wrapping_mul(8)
            .wrapping_add(self.shown as u64)
            .wrapping_add(self.epoch_of_the_set())
    }

    fn pace(&self) -> Pace {
        if let Some(Over::Replay(replay)) = &self.over
            && replay.pace() == Pace::Animation
        {
            return Pace::Animation;
        }
        if matches!(self.world.link, Link::Lost { .. }) {
            return Pace::Second;
        }
        self.screen().map_or(Pace::Minute, Screen::pace)
    }

    fn theme_file(&self) -> Option<&Path> {
        self.settings.theme_file.as_ref().map(|(path, _)| path.as_path())
    }

    fn edited(&self, file: &Path, outcome: Result<(), String>) -> Option<Heard> {
        Some(Heard::Edited { file: file.to_owned(), outcome })
    }
}
