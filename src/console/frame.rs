//! The frame around a view: header, tabs, rules, the last line, and what lies over it.

use std::fmt::Write as _;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::action::{Action, Group};
use super::app::{App, Over};
use super::ask::Waiting;
use super::keymap::Context;
use super::keys::Key;
use super::place::View;
use super::reviews::{self, Urgency};
use super::screens::Areas;
use super::widgets::chrome::{self, Tab, Tone};
use super::widgets::form::Form;
use super::widgets::pane::{self, Room};
use super::widgets::scroll::Scroll;
use super::widgets::spoken::{self, Layer};
use super::widgets::{Look, cut_bottom, cut_top, help, modal, put, row_of, styled};
use super::world::{Link, World};
use super::{linear, untrusted};
use crate::api::AsOf;
use crate::domain::readiness;
use crate::domain::state::Board;
use crate::domain::time::Span as TimeSpan;

/// Rows above the view: header, tabs, rule.
const ABOVE: u16 = 3;
/// Rows below it: rule, hints.
const BELOW: u16 = 2;
/// Cells of the review that is owed, in the header.
const REVIEW_MOST: usize = 40;
/// Most cells of what the header says of a pause of every agent, where there is room.
const HALT_MOST: usize = 64;
/// Outer width of help.
const HELP_WIDE: u16 = 84;
/// From this width on the head has room for the next review beside a map that is overdue.
const ROOM_FOR_BOTH: u16 = 100;

/// Draws everything; the result is where the terminal's cursor belongs.
pub(super) fn draw(app: &App, buffer: &mut Buffer, screen: Rect) -> Option<Position> {
    let look = app.look();
    if Room::of(screen) == Room::Sentence {
        pane::draw_sentence(buffer, screen, look);
        return None;
    }
    let foot = foot(app, look, body_of(screen));
    let areas = Areas { body: foot.as_ref().map_or(body_of(screen), |foot| foot.above), screen };
    draw_header(app, buffer, screen, look);
    put(buffer, screen, 1, &tabs(app, look, usize::from(screen.width)));
    pane::draw_rule(buffer, row_of(screen, ABOVE - 1), look);
    pane::draw_rule(buffer, row_of(screen, screen.height - BELOW), look);
    if app.looks_back() {
        // Both rules stand out, so that the past is told from the present in the corner of an eye.
        for at in [ABOVE - 1, screen.height - BELOW] {
            buffer.set_style(row_of(screen, at), look.theme.warning);
        }
    }
    let cursor = if app.world.board.is_some() {
        app.screen().and_then(|view| view.draw(buffer, areas, look, &app.world))
    } else {
        let next = "the board comes from the server as soon as it answers";
        chrome::draw_empty(buffer, areas.body, look, "Connecting", next);
        None
    };
    put(buffer, row_of(screen, screen.height - 1), 0, &last_line(app, look, usize::from(screen.width)));
    match foot {
        Some(foot) => foot.draw(buffer, look),
        None => draw_over(app, buffer, screen, look, cursor),
    }
}

fn body_of(screen: Rect) -> Rect {
    cut_bottom(cut_top(screen, ABOVE).1, BELOW).0
}

/// A box at the foot of the view, which stays to be seen above it.
struct Foot<'a> {
    above: Rect,
    area: Rect,
    title: String,
    form: &'a Form,
    lines: Vec<Line<'static>>,
}

impl Foot<'_> {
    fn draw(&self, buffer: &mut Buffer, look: Look<'_>) -> Option<Position> {
        self.form.draw(buffer, self.area, look, &self.title, &self.lines)
    }
}

/// The box in which something is about to be done, where one is open over the view.
fn foot<'a>(app: &'a App, look: Look<'_>, body: Rect) -> Option<Foot<'a>> {
    let board = app.world.board.as_ref()?;
    let (about, form) = app.over.as_ref()?.form()?;
    let (title, lines) = match &app.over {
        Some(Over::Override(overriding)) => {
            (overriding.title(board), overriding.lines(look, body, board, app.world.now))
        }
        Some(Over::Desk(desk)) => {
            (about.to_owned(), desk.lines(look, body, (board, &app.world.me, app.world.now)))
        }
        Some(
            Over::Choosing(_)
            | Over::Finding(_)
            | Over::Naming(_)
            | Over::Help(_)
            | Over::Rehearsal(_)
            | Over::Replay(_)
            | Over::Peek(_),
        )
        | None => return None,
    };
    let (above, area) = form.split(body, lines.len());
    Some(Foot { above, area, title, form, lines })
}

/// Everything as it is read out, with what came since the last time.
pub(super) fn scene(app: &App, arrived: Vec<String>) -> linear::Scene {
    let waits = app.screen().and_then(|screen| screen.badge(&app.world).count);
    linear::Scene {
        view: if app.has_board() { app.place().name() } else { "connecting" }.to_owned(),
        flows: app.place() == View::Watch,
        waits: waits.map(|count| format!("{count} wait here")),
        layers: if app.has_board() { listen(app) } else { Vec::new() },
        said: app.said.as_ref().map(|said| said.words.clone()),
        notices: notices(app),
        arrived,
    }
}

/// What the header says that holds for all that is shown.
fn notices(app: &App) -> Vec<String> {
    let (world, look) = (&app.world, app.look());
    let then = world.as_of().map(|then| moment(then, world, look, pane::FULL_FROM));
    let lines = [then, halted(world, look, pane::FULL_FROM), away(world, look)];
    let trouble = trouble(app).map(|words| untrusted::visible(&words, untrusted::Breaks::Marked));
    trouble.into_iter().chain(lines.iter().flatten().map(spoken::words)).collect()
}

/// The view and what lies over it, drawn for nobody to see.
fn listen(app: &App) -> Vec<Layer> {
    let Some(view) = app.screen() else { return Vec::new() };
    let mut layers = view.spoken(app.look(), &app.world);
    let screen = linear::SCREEN;
    let over = spoken::listen(|| {
        let (look, mut buffer) = (app.look(), Buffer::empty(screen));
        match foot(app, look, body_of(screen)) {
            Some(foot) => _ = foot.draw(&mut buffer, look),
            None => _ = draw_over(app, &mut buffer, screen, look, None),
        }
    });
    layers.extend(over.into_iter().skip(1));
    layers
}

fn draw_over(
    app: &App,
    buffer: &mut Buffer,
    screen: Rect,
    look: Look<'_>,
    cursor: Option<Position>,
) -> Option<Position> {
    match &app.over {
        // What is about to be done is drawn at the foot.
        None | Some(Over::Override(_) | Over::Desk(_)) => cursor,
        Some(Over::Help(scroll)) => {
            draw_help(app, buffer, screen, look, scroll);
            None
        }
        Some(Over::Choosing(picker)) => picker.draw(buffer, screen, look),
        Some(Over::Finding(finder)) => finder.draw(buffer, screen, look, &app.world),
        Some(Over::Peek(peek)) => {
            peek.draw(buffer, screen, look, &app.world);
            None
        }
        Some(Over::Naming(naming)) => naming.draw(buffer, screen, look),
        Some(Over::Rehearsal(scroll)) => {
            app.world.rehearsing.as_ref()?.draw(buffer, screen, look, scroll);
            None
        }
        Some(Over::Replay(replay)) => replay.draw_over(buffer, screen, look),
    }
}

/// The window's title: where, and what waits.
pub(super) fn title(app: &App) -> String {
    let dot = app.look().glyphs.dot;
    let mut title = format!("deeds {}", app.world.workspace);
    let Some(board) = app.world.present() else { return title };
    let waiting = Waiting::of(board, app.world.now);
    if waiting.cases > 0 {
        _ = write!(title, " {dot} inbox {}", waiting.cases);
    }
    match waiting.conflicts {
        0 => {}
        1 => _ = write!(title, " {dot} 1 conflict"),
        count => _ = write!(title, " {dot} {count} conflicts"),
    }
    if waiting.critical > 0 {
        _ = write!(title, " {dot} {} critical!", waiting.critical);
    }
    title
}

fn draw_header(app: &App, buffer: &mut Buffer, screen: Rect, look: Look<'_>) {
    let theme = look.theme;
    let world = &app.world;
    let place = app.screen().map_or("", |screen| screen.view().name());
    let left = Line::from(vec![
        Span::styled(" deeds  ", theme.title),
        Span::styled(world.workspace.to_string(), theme.base),
        Span::styled(format!(" {} ", look.glyphs.into), theme.muted),
        Span::styled(place, theme.accent),
    ]);
    let mut right = vec![Line::from(vec![
        Span::styled(world.me.person.to_string(), theme.base),
        Span::styled(format!(" ({})", world.me.class.as_str()), theme.muted),
    ])];
    let late = world.board.as_ref().is_some_and(|board| overdue(world, board));
    if let Some(board) = &world.board {
        let observes = if board.enforces() { "" } else { " observes only" };
        right.push(Line::from(vec![
            Span::styled(format!("map v{}", board.map_version), theme.subtle),
            Span::styled(observes, theme.warning),
            Span::styled(if late { " overdue" } else { "" }, theme.danger),
        ]));
    }
    if let Some(then) = world.as_of() {
        right.push(moment(then, world, look, screen.width));
    } else {
        // Where room is short, a map that is overdue goes before the next review.
        let next = || review(app, look).filter(|_| !(late && screen.width < ROOM_FOR_BOTH));
        right.extend(halted(world, look, screen.width).or_else(|| away(world, look)).or_else(next));
        let rehearsing = world.rehearsing.as_ref().filter(|_| matches!(world.link, Link::Live { .. }));
        right.push(rehearsing.map_or_else(|| link(app, look), |now| now.line(look, screen.width)));
    }
    let format = if world.rehearsing.is_some() { "%a %d %b %H:%M %Z" } else { "%H:%M %Z" };
    right.push(styled(format!("{} ", world.clock.at(world.zone).format(format)), theme.subtle));
    chrome::two_ends(buffer, screen, look, left, &right);
}

/// Whether the map should have been gone through by now.
fn overdue(world: &World, board: &Board) -> bool {
    readiness::map_standing(board, world.now).overdue
}

/// Which moment of the past is shown, loudly.
fn moment(then: AsOf, world: &World, look: Look<'_>, room: u16) -> Line<'static> {
    let same_day = then.time.at(world.zone).date_naive() == world.clock.at(world.zone).date_naive();
    let time = then.time.at(world.zone).format(if same_day { "%H:%M:%S %Z" } else { "%d %b %H:%M:%S %Z" });
    let deed = super::widgets::thousands(then.seq.0);
    let by = if then.happened { "as it happened by" } else { "as of" };
    let (sign, style) = (look.glyphs.then, look.theme.warning.add_modifier(Modifier::REVERSED));
    let text = if room >= pane::FULL_FROM {
        format!(" {sign} {by} {time} {} deed {deed} ", look.glyphs.dot)
    } else {
        format!(" {sign} {time} #{} ", then.seq)
    };
    styled(text, style)
}

/// That every agent is stopped: by whom, since when, until when and why, as far as there is room.
fn halted(world: &World, look: Look<'_>, room: u16) -> Option<Line<'static>> {
    let stop = world.board.as_ref()?.halted.as_ref()?;
    let until =
        stop.until.map(|until| format!(" until {}", super::words::clock(world.zone, until, world.now)));
    let words = format!(
        "{} all paused by {} since {}{}: {}",
        look.glyphs.read_only,
        look.who(&stop.by),
        super::words::clock(world.zone, stop.at, world.now),
        until.unwrap_or_default(),
        stop.reason
    );
    Some(styled(
        untrusted::fit(&words, if room >= pane::FULL_FROM { HALT_MOST } else { REVIEW_MOST }),
        look.theme.warning,
    ))
}

/// That this person is away.
fn away(world: &World, look: Look<'_>) -> Option<Line<'static>> {
    let away = world.board.as_ref()?.absence(&world.me.person, world.now)?;
    let until =
        away.until.map(|until| format!(" until {}", super::words::clock(world.zone, until, world.now)));
    let words = format!("{} you are away{}", look.glyphs.read_only, until.unwrap_or_default());
    Some(styled(untrusted::fit(&words, REVIEW_MOST), look.theme.warning))
}

/// The review that this person owes: colour, sign and words.
fn review(app: &App, look: Look<'_>) -> Option<Line<'static>> {
    let (theme, glyphs) = (look.theme, look.glyphs);
    let owed = reviews::owed(&app.world)?;
    let (sign, style) = match owed.urgency {
        Urgency::Soon => ("", theme.muted),
        Urgency::Open => (glyphs.live, theme.info),
        Urgency::Due => (glyphs.attention, theme.warning),
        Urgency::Missed => (glyphs.attention, theme.danger),
    };
    let words = format!("{sign} {}", owed.words);
    let words = untrusted::fit(words.trim_start(), REVIEW_MOST);
    Some(styled(words, style))
}

/// The state of the connection: colour, sign and word.
fn link(app: &App, look: Look<'_>) -> Line<'static> {
    let (theme, glyphs) = (look.theme, look.glyphs);
    let parts = |sign: &'static str, style: Style, word: String, more: String| {
        Line::from(vec![
            Span::styled(format!("{sign} "), style),
            Span::styled(word, style),
            Span::styled(more, theme.muted),
        ])
    };
    match &app.world.link {
        Link::Connecting => parts(glyphs.reconnecting, theme.warning, "connecting".to_owned(), String::new()),
        Link::Live { latency_ms } => {
            let more = latency_ms.map(|ms| format!(" {ms} ms")).unwrap_or_default();
            if app.world.trouble.is_some() {
                return parts(glyphs.refused, theme.danger, "nothing recorded".to_owned(), more);
            }
            if app.world.unreplicated {
                return parts(glyphs.refused, theme.warning, "no standby".to_owned(), more);
            }
            if app.world.may_decide().is_err() {
                return parts(glyphs.read_only, theme.info, "read-only".to_owned(), more);
            }
            parts(glyphs.live, theme.success, "live".to_owned(), more)
        }
        Link::Lost { retry_at, .. } => {
            let left = retry_at.since(app.world.clock);
            let more =
                if left < TimeSpan::from_secs(1) { String::new() } else { format!(" {}", left.rough()) };
            parts(glyphs.reconnecting, theme.warning, "reconnecting".to_owned(), more)
        }
        Link::Rewritten { at } => {
            parts(glyphs.rewritten, theme.danger, "rewritten".to_owned(), format!(" from #{at}"))
        }
        Link::Ended { .. } => parts(glyphs.refused, theme.danger, "ended".to_owned(), String::new()),
    }
}

fn tabs(app: &App, look: Look<'_>, room: usize) -> Line<'static> {
    let tab = |screen: &dyn super::screens::Screen| {
        let badge = screen.badge(&app.world);
        let key = app.settings.keymap.key_for(Context::Global, screen.view().action());
        Tab {
            key: key.map(|key| key.to_string()).unwrap_or_default(),
            name: screen.view().name(),
            count: badge.count,
            attention: badge.attention,
        }
    };
    let all: Vec<_> = app.screens.iter().map(|screen| tab(&**screen)).collect();
    chrome::tabs(look, &all, app.shown, room)
}

/// The key whose tab or hint is drawn in this cell of a screen of this size.
pub(super) fn key_at(app: &App, screen: Rect, at: Position) -> Option<Key> {
    let (look, room) = (app.look(), usize::from(screen.width));
    if at.y == ABOVE - 2 {
        let view = app.screens.get(chrome::tab_at(&tabs(app, look, room), usize::from(at.x))?)?.view();
        return app.settings.keymap.key_for(Context::Global, view.action());
    }
    let is_hint = at.y + 1 == screen.height && app.said.is_none() && trouble(app).is_none();
    let hints = hints(app);
    let key = chrome::hint_at(&hints, room, usize::from(at.x)).filter(|_| is_hint && !app.is_fetching())?;
    Key::parse(key).ok()
}

/// What is wrong with the link, in a sentence.
pub(super) fn trouble(app: &App) -> Option<String> {
    match &app.world.link {
        Link::Rewritten { .. } => app.world.may_decide().err(),
        Link::Ended { why } => Some(why.clone()),
        Link::Lost { why, .. } => {
            Some(format!("the link is down ({why}); what is shown is as of the last deed"))
        }
        Link::Connecting | Link::Live { .. } => None,
    }
}

/// What was last said; else what is wrong with the link; else the hints.
fn last_line(app: &App, look: Look<'_>, room: usize) -> Line<'static> {
    if let Some(said) = &app.said {
        return chrome::said(look, said.tone, &said.words, room);
    }
    if let Some(trouble) = trouble(app) {
        return chrome::said(look, Tone::Failed, &trouble, room);
    }
    if app.is_fetching() {
        return chrome::said(
            look,
            Tone::Info,
            "this is the beginning of it; the whole is being fetched ...",
            room,
        );
    }
    chrome::hints(look, &hints(app), room)
}

/// Keys and what they do now, for the last line.
fn hints(app: &App) -> Vec<(String, String)> {
    let context = app.context();
    let mut wanted = match &app.over {
        Some(over) => over.hints(app.world.board.as_deref()),
        None => app.screen().map(|screen| screen.hints(&app.world)).unwrap_or_default(),
    };
    if context.around().is_some() && app.looks_back() {
        wanted.retain(|action| action.group() != Group::Decide);
        wanted.insert(0, Action::Present);
        wanted.insert(1, Action::AsOf);
    }
    if context.around().is_some() || context == Context::Global {
        if app.world.rehearsing.is_some() {
            wanted.splice(0..0, [Action::RehearsalPause, Action::RehearsalDay, Action::RehearsalNotes]);
        }
        if app.has_been_elsewhere() {
            wanted.push(Action::Back);
        }
        wanted.extend([Action::Palette, Action::Help]);
    }
    let does = |action| match &app.over {
        Some(over) => over.does(action),
        None => app.screen().and_then(|screen| screen.does(action, &app.world)),
    };
    app.settings.keymap.hints(context, &wanted, does)
}

fn draw_help(app: &App, buffer: &mut Buffer, screen: Rect, look: Look<'_>, scroll: &Scroll) {
    let Some(view) = app.screen() else { return };
    let lines = help::lines(
        look,
        &app.settings.keymap,
        (view.context(), app.world.rehearsing.is_some()),
        view.signs(),
    );
    let title = format!("Keys of the {} {} esc closes", view.view().name(), look.glyphs.dot);
    modal::Frame { title: &title, width: HELP_WIDE }.draw_text(buffer, screen, look, &lines, scroll);
}
