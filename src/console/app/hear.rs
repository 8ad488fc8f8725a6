//! What comes from the server, given to whom it concerns; and what the screens want of it.

use std::sync::Arc;

use super::{App, over, past};
use crate::console::ask::{Ask, Heard, What};
use crate::console::message::Effect;
use crate::console::place::View;
use crate::console::screens::{Screen, Want};
use crate::console::widgets::chrome::Tone;
use crate::console::words;
use crate::console::world::World;
use crate::domain::deed::{Body, Deed};

impl App {
    pub(super) fn with_screen(
        &mut self,
        run: impl FnOnce(&mut dyn Screen, &World) -> Vec<Want>,
    ) -> Vec<Effect<Ask>> {
        let Some(screen) = self.screens.get_mut(self.shown) else { return Vec::new() };
        let view = screen.view();
        let wants = run(&mut **screen, &self.world);
        self.want(view, wants)
    }

    pub(super) fn with_view(
        &mut self,
        view: View,
        run: impl FnOnce(&mut dyn Screen, &World) -> Vec<Want>,
    ) -> Vec<Effect<Ask>> {
        let Some(screen) = self.screens.iter_mut().find(|screen| screen.view() == view) else {
            return Vec::new();
        };
        let wants = run(&mut **screen, &self.world);
        self.want(view, wants)
    }

    pub(super) fn with_all(
        &mut self,
        mut run: impl FnMut(&mut dyn Screen, &World) -> Vec<Want>,
    ) -> Vec<Effect<Ask>> {
        let mut wanted = Vec::new();
        for screen in &mut self.screens {
            wanted.push((screen.view(), run(&mut **screen, &self.world)));
        }
        wanted.into_iter().flat_map(|(view, wants)| self.want(view, wants)).collect()
    }

    pub(super) fn want(&mut self, from: View, wants: Vec<Want>) -> Vec<Effect<Ask>> {
        let mut effects = Vec::new();
        for want in wants {
            match want {
                Want::Ask { what: What::Command(_), .. } if self.looks_back() => {
                    self.say(Tone::Failed, self.world.may_decide().err().unwrap_or_default());
                }
                Want::Ask { tag, what } => {
                    let what = past::bounded(&self.world, what);
                    effects.push(Effect::Do(Ask { from, tag: self.tag_out(tag), what }));
                }
                Want::Look(seq) => effects.extend(self.look_after(seq)),
                Want::Keep(change) => effects.extend(self.keep(change)),
                Want::TakeOver(item) => self.take_over(item),
                Want::Go(place) => effects.extend(self.go(&place)),
                Want::Say(tone, words) => self.say(tone, words),
                Want::Copy { text, what } => effects.push(self.copy(text, &what)),
                Want::Edit(file) => effects.push(Effect::Edit(file)),
            }
        }
        effects
    }

    pub(super) fn copy(&mut self, text: String, what: &str) -> Effect<Ask> {
        let route = self.settings.clipboard;
        let tone = if route.is_refused() { Tone::Failed } else { Tone::Done };
        self.say(tone, format!("{what}: {}", route.words()));
        Effect::Copy(text, route)
    }

    pub(super) fn hear(&mut self, heard: Heard) -> Vec<Effect<Ask>> {
        match heard {
            Heard::Board { workspaces, me, board, ledger, trouble, unreplicated } => {
                (self.world.trouble, self.world.unreplicated) = (trouble, unreplicated);
                let another = board.workspace != self.world.workspace || self.world.board.is_none();
                let effects = if another { self.come_back() } else { Vec::new() };
                self.world.workspaces = workspaces;
                self.world.me = me;
                self.world.workspace = board.workspace.clone();
                self.world.keeping.come_to(&ledger, &board.workspace);
                self.world.in_the_present(|world| {
                    world.board = Some(board);
                    world.begin_anew();
                });
                self.stale = true;
                if !another {
                    return effects;
                }
                self.screens.iter_mut().for_each(|screen| screen.reset());
                // Whoever is here from the start has come here too.
                let entered = self.come_to_last_place();
                effects.into_iter().chain(entered).collect()
            }
            Heard::Deed(deed) => {
                self.world.trouble = None;
                self.hear_deed(&deed);
                Vec::new()
            }
            Heard::UnknownDeed(seq) => {
                self.world.trouble = None;
                self.world.in_the_present(|world| world.skip(seq));
                self.say(
                    Tone::Warning,
                    format!(
                        "deed {seq} is of a later version; its effect is not shown here: upgrade this console"
                    ),
                );
                Vec::new()
            }
            Heard::NotKept(why) | Heard::NotNotified(why) => {
                self.say(Tone::Warning, why);
                Vec::new()
            }
            Heard::Rehearsing(rehearsing) => {
                self.world.tick(rehearsing.now);
                self.world.rehearsing = Some(rehearsing);
                self.stale = true;
                Vec::new()
            }
            Heard::Link(link) => {
                self.world.link = link;
                self.stale = true;
                Vec::new()
            }
            Heard::Answer { tag, result, .. } if over::is_ours(tag) => self.told_over(tag, result),
            Heard::Answer { to, tag, result } => self.told_screen(to, tag, result),
            Heard::Clipboard(route) => {
                self.settings.clipboard = route;
                Vec::new()
            }
            Heard::Edited { file, outcome } => {
                self.with_screen(|screen, world| screen.edited(&file, outcome, world))
            }
        }
    }

    /// What has come, for who listens: a case or an alert.
    #[expect(clippy::wildcard_enum_match_arm, reason = "no other deed is something that waits")]
    fn in_a_sentence(&self, body: &Body) -> Option<String> {
        let look = self.look();
        match body {
            Body::ItemOpened(item) => {
                let left = words::left(item.due, self.world.now);
                Some(format!(
                    "New case #{} from {}: {}, due in {left}",
                    item.no,
                    look.who(&item.raised_by).trim(),
                    item.title
                ))
            }
            Body::AlertOpened(alert) => {
                let on = alert.on.as_ref().map(|on| format!(" on {on}")).unwrap_or_default();
                Some(format!(
                    "New alert #{}, {}: {}{on}",
                    alert.no,
                    alert.severity.as_str(),
                    alert.kind.as_str()
                ))
            }
            _ => None,
        }
    }

    fn hear_deed(&mut self, deed: &Arc<Deed>) {
        // While the past is looked at, the screens of the present hear of what happens.
        let screens = self.aside.as_mut().map_or(&mut self.screens, |aside| &mut aside.screens);
        let taken = self.world.in_the_present(|world| {
            let taken = world.take(Arc::clone(deed));
            for screen in screens.iter_mut().filter(|_| taken) {
                screen.deed(deed, world);
            }
            taken
        });
        if !taken {
            return;
        }
        self.stale |= self.aside.is_none();
        if self.settings.linear {
            self.arrived.extend(self.in_a_sentence(&deed.body));
        }
        self.notice_deed(&deed.body);
    }
}
