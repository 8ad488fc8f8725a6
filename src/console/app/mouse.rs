//! The mouse: tabs and hints are pressed by a click, everything within the view is the view's. A click never confirms.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use super::App;
use crate::console::action::Action;
use crate::console::ask::Ask;
use crate::console::frame;
use crate::console::keymap::Context;
use crate::console::keys::Key;
use crate::console::message::{Effect, Typed};
use crate::console::place::View;
use crate::console::widgets::chrome::Tone;

impl App {
    pub(super) fn toggle_mouse(&mut self) -> Vec<Effect<Ask>> {
        self.settings.mouse = !self.settings.mouse;
        let words = if self.settings.mouse {
            "mouse on: click, wheel and drag are the console's; with shift the terminal selects text"
        } else {
            "mouse off: the terminal selects text"
        };
        self.say(Tone::Info, words.to_owned());
        vec![Effect::Mouse(self.settings.mouse)]
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "crossterm's enum: nothing else is taken")]
    pub(super) fn mouse(&mut self, event: MouseEvent, ahead: bool) -> Vec<Effect<Ask>> {
        let at = Position { x: event.column, y: event.row };
        let pressed = event.kind == MouseEventKind::Down(MouseButton::Left) && !self.shows_nothing;
        if pressed && let Some(key) = frame::key_at(self, self.screen, at) {
            return self.clicked(key, ahead);
        }
        let is_modal = self.over.is_some() || self.context().around().is_none();
        let turned = match event.kind {
            MouseEventKind::ScrollDown => Some(Action::Down),
            MouseEventKind::ScrollUp => Some(Action::Up),
            _ => None,
        };
        match turned.filter(|_| self.over.is_some()) {
            Some(action) => return self.act_over(action, false),
            None if is_modal => return Vec::new(),
            None => {}
        }
        self.with_screen(|screen, world| screen.mouse(event, world))
    }

    /// A tab or a hint was clicked: as if its key was pressed, except that a click never confirms.
    fn clicked(&mut self, key: Key, ahead: bool) -> Vec<Effect<Ask>> {
        let context = self.context();
        let action = self.settings.keymap.action(context, key);
        if context == Context::Preview && action.is_some_and(Action::decides) {
            self.say(Tone::Info, format!("a click decides nothing; press {key}"));
            return Vec::new();
        }
        let modal = context.around().is_none();
        let is_view = View::ALL.iter().any(|view| Some(view.action()) == action) || action.is_none();
        if (modal || self.over.is_some()) && is_view {
            return Vec::new();
        }
        self.key(Typed { key: key.into(), ahead })
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyModifiers;

    use super::*;
    use crate::console::testing::Runner;
    use crate::console::testing::by_keys::{SALES_AND_SUPPORT, console, press, start, write};
    use crate::console::testing::team::Team;
    use crate::domain::things::TokenClass;
    use crate::domain::time::Span;

    fn team() -> Team {
        let mut team = Team::new(SALES_AND_SUPPORT, start()).unwrap();
        for minute in 0..5 {
            let deal = format!("crm/deal/{minute}");
            team.agent("sales", write(&deal, "stage", "won", 0, "signed")).unwrap();
            team.pass(Span::from_mins(1)).unwrap();
        }
        team.agent("sales", write("crm/note/1", "text", "hello", 0, "they called")).unwrap();
        team
    }

    /// Where a text is drawn last.
    fn at(screen: &str, text: &str) -> (u16, u16) {
        let lines: Vec<&str> = screen.lines().collect();
        let row = lines.iter().rposition(|line| line.contains(text)).unwrap();
        let line = lines.get(row).unwrap();
        let before = line.split(text).next().unwrap();
        (u16::try_from(before.chars().count()).unwrap(), u16::try_from(row).unwrap())
    }

    fn event(kind: MouseEventKind, (column, row): (u16, u16)) -> MouseEvent {
        MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }
    }

    fn click(team: &mut Team, runner: &mut Runner<App>, text: &str) -> String {
        let place = at(&runner.screen_text(), text);
        for kind in [MouseEventKind::Down(MouseButton::Left), MouseEventKind::Up(MouseButton::Left)] {
            runner.mouse(event(kind, place));
        }
        served(team, runner)
    }

    /// The screen once everything that was asked is answered.
    fn served(team: &mut Team, runner: &mut Runner<App>) -> String {
        team.serve(runner);
        runner.screen_text()
    }

    #[test]
    fn tabs_and_hints_are_pressed_by_a_click_and_a_second_one_on_a_row_opens_it() {
        let mut team = team();
        let mut runner = console(&mut team, View::Inbox, TokenClass::Admin, (120, 36));
        let log = click(&mut team, &mut runner, "2 log");
        assert!(log.contains("deeds  tallyfern ▸ log"), "{log}");
        let help = click(&mut team, &mut runner, "? help");
        assert!(help.contains("Keys of the log"), "{help}");
        let still = click(&mut team, &mut runner, "1 inbox");
        assert!(still.contains("Keys of the log"), "what lies over it is closed first: {still}");
        let closed = press(&mut team, &mut runner, "esc");
        assert!(!closed.contains("Keys of the log"), "{closed}");
        let chosen = click(&mut team, &mut runner, "crm/deal/2");
        assert!(chosen.contains("▌") && !chosen.contains("HASH"), "{chosen}");
        let opened = click(&mut team, &mut runner, "crm/deal/2");
        assert!(opened.to_lowercase().contains("hash"), "{opened}");
    }

    #[test]
    fn a_click_never_confirms() {
        let mut team = team();
        let mut runner = console(&mut team, View::Inbox, TokenClass::Admin, (120, 36));
        let before = team.deeds.len();
        let ready = press(&mut team, &mut runner, "e tab");
        assert!(ready.contains("enter expand"), "{ready}");
        let said = click(&mut team, &mut runner, "enter expand");
        assert!(said.contains("a click decides nothing; press enter"), "{said}");
        assert_eq!(team.deeds.len(), before);
    }

    #[test]
    fn the_timeline_is_dragged_over_to_zoom() {
        let mut team = team();
        let mut runner = console(&mut team, View::Log, TokenClass::Admin, (120, 36));
        let (end, row) = at(&runner.screen_text(), "  last 60 m");
        runner.mouse(event(MouseEventKind::Down(MouseButton::Left), (end - 4, row)));
        runner.mouse(event(MouseEventKind::Drag(MouseButton::Left), (end - 2, row)));
        let dragged = runner.screen_text();
        assert!(dragged.contains("enter zooms in"), "{dragged}");
        runner.mouse(event(MouseEventKind::Up(MouseButton::Left), (end - 2, row)));
        let zoomed = served(&mut team, &mut runner);
        assert!(zoomed.contains("since:2026-11-20T09:02") && zoomed.contains("3 of"), "{zoomed}");
    }

    #[test]
    fn a_click_that_came_before_its_case_was_shown_claims_nothing() {
        let mut team = team();
        let mut runner = console(&mut team, View::Inbox, TokenClass::Admin, (120, 36));
        let before = team.deeds.len();
        let place = at(&runner.screen_text(), "c claim");
        runner.program.mouse(event(MouseEventKind::Down(MouseButton::Left), place), true);
        let said = served(&mut team, &mut runner);
        assert!(said.contains("was typed before this was shown"), "{said}");
        assert_eq!(team.deeds.len(), before);
    }
}
