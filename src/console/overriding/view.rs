//! The box of an override: what is typed, what it was before, what will be true afterwards, the buttons.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{Overriding, Plan, is_paused};
use crate::console::widgets::facts::Facts;
use crate::console::widgets::modal::Frame;
use crate::console::widgets::{Look, cells, put, put_at, put_lines, width};
use crate::console::{untrusted, words};
use crate::domain::ids::AgentId;
use crate::domain::path::{EntityPath, FieldName};
use crate::domain::state::Board;
use crate::domain::time::Time;

/// Outer width of the box.
const WIDTH: u16 = 78;
/// Cells of the labels in the box.
const LABEL: usize = 9;
/// Versions shown.
const VERSIONS: usize = 6;

impl Overriding {
    fn title(&self, board: &Board) -> String {
        match &self.plan {
            Plan::Freeze(list) => {
                let entity = list.first().map(ToString::to_string).unwrap_or_default();
                let frozen = list.first().is_some_and(|entity| board.frozen.contains_key(entity));
                format!("{} {entity}", if frozen { "Unfreeze" } else { "Freeze" })
            }
            Plan::Pause(list) => match list.first() {
                Some(agent) if is_paused(board, agent) => format!("Let {agent} go on"),
                Some(agent) => format!("Pause {agent}"),
                None => String::new(),
            },
            Plan::Unlock(list) => {
                format!("End lease {}", list.first().map(ToString::to_string).unwrap_or_default())
            }
            Plan::Set => "Set a field".to_owned(),
            Plan::Revert => "Revert a field".to_owned(),
        }
    }

    /// Draws the box; the result is where the terminal's cursor belongs.
    pub(in crate::console) fn draw(
        &self,
        buffer: &mut Buffer,
        screen: Rect,
        look: Look<'_>,
        board: &Board,
        now: Time,
    ) -> Option<Position> {
        let theme = look.theme;
        let room = usize::from(WIDTH.min(screen.width).saturating_sub(4));
        let mut facts = Facts::new(look, room, LABEL);
        self.choice(&mut facts, look);
        self.consequences(&mut facts, look, board, now);
        let lines = facts.lines;
        let title = untrusted::fit(&self.title(board), room.saturating_sub(4));
        let rows = cells(lines.len() + self.texts.len()) + 3;
        let inner = Frame { title: &title, width: WIDTH }.draw(buffer, screen, look, rows);
        let mut cursor = None;
        for (at, text) in self.texts.iter().enumerate() {
            let row = line_of(inner, cells(at));
            let label = format!("{:<LABEL$}", text.label);
            let drawn = text.prompt.draw(buffer, row, look, &label);
            let style = if at == self.focus { theme.accent } else { theme.muted };
            put(buffer, row, 0, &Line::from(Span::styled(label, style)));
            cursor = drawn.filter(|_| at == self.focus).or(cursor);
        }
        let top = cells(self.texts.len()) + 1;
        let below = inner.height.saturating_sub(top + 2);
        let facts = Rect { y: inner.y + top.min(inner.height), height: below, ..inner };
        put_lines(buffer, facts, &lines);
        let last = inner.height.saturating_sub(1);
        if self.typing() {
            let next = format!("{} goes on to what it will do; nothing is sent yet", look.glyphs.enter);
            put(buffer, inner, last, &Line::from(Span::styled(next, theme.muted)));
        } else {
            let line = self.buttons.line(look, true);
            put_at(buffer, inner, last, inner.width.saturating_sub(cells(width(&line))), &line);
        }
        cursor
    }

    /// What can be chosen from, where there are several.
    fn choice(&self, facts: &mut Facts<'_>, look: Look<'_>) {
        if !self.several() {
            return;
        }
        let (label, names): (_, Vec<String>) = match &self.plan {
            Plan::Freeze(list) => ("entity", list.iter().map(ToString::to_string).collect()),
            Plan::Pause(list) => ("agent", list.iter().map(ToString::to_string).collect()),
            Plan::Unlock(list) => ("lease", list.iter().map(ToString::to_string).collect()),
            Plan::Set | Plan::Revert => return,
        };
        let theme = look.theme;
        let mut spans = Vec::new();
        for (at, name) in names.iter().enumerate() {
            let style = if at == 0 { theme.active } else { theme.subtle };
            let left = facts.wide().saturating_sub(width(&Line::from(spans.clone())) + 16);
            spans.push(Span::styled(format!(" {} ", untrusted::fit(name, left.max(8))), style));
        }
        let [up, down] = look.glyphs.more;
        spans.push(Span::styled(format!("  {up}{down} another"), theme.muted));
        facts.lined(label, vec![Line::from(spans)]);
    }

    /// What will be true afterwards, in words.
    fn consequences(&self, facts: &mut Facts<'_>, look: Look<'_>, board: &Board, now: Time) {
        match &self.plan {
            Plan::Freeze(list) => list.first().into_iter().for_each(|entity| freezing(facts, board, entity)),
            Plan::Pause(list) => list.first().into_iter().for_each(|agent| pausing(facts, board, agent)),
            Plan::Unlock(list) => {
                let Some(lease) = list.first().and_then(|fence| board.leases.get(fence)) else {
                    facts.say("then", "it has ended already");
                    return;
                };
                let left = words::countdown(lease.until, now);
                facts.say("now", &format!("{} holds {}, {left} left", lease.holder, lease.target));
                facts.say(
                    "then",
                    &format!("its token is void: what {} writes with it is refused", lease.holder),
                );
                intervention(facts, std::slice::from_ref(&&lease.holder));
            }
            Plan::Set => {
                self.versions(facts, look, now, 1);
                let value = self.value().map(|value| value.plain());
                if let (Ok(value), Ok(start)) = (value, self.history.start())
                    && !self.text(super::SECOND).is_empty()
                {
                    facts.say("then", &format!("v{} is {value}, under your name", start.0 + 1));
                    self.outdates(facts, board);
                }
            }
            Plan::Revert => {
                self.versions(facts, look, now, VERSIONS);
                if self.text(super::SECOND).is_empty() {
                    return;
                }
                match self.goal() {
                    Err(why) => facts.styled("lacks", &why, look.theme.warning),
                    Ok((to, value, from)) => {
                        let words = format!(
                            "v{} has the value of v{to} again: {}. Nothing is taken out of the ledger",
                            from.0 + 1,
                            value.plain()
                        );
                        facts.say("then", &words);
                        self.outdates(facts, board);
                    }
                }
            }
        }
    }

    /// What the field is and was.
    fn versions(&self, facts: &mut Facts<'_>, look: Look<'_>, now: Time, most: usize) {
        let theme = look.theme;
        let known = match self.history.all() {
            Ok(known) => known,
            Err(why) => return facts.styled("now", &why, theme.muted),
        };
        if known.is_empty() {
            facts.styled("now", "never written", theme.muted);
        }
        for (at, then) in known.iter().take(most).enumerate() {
            let words = format!(
                "v{} {}  by {}, {}",
                then.version,
                then.value.plain(),
                then.by,
                words::clock(then.at, now)
            );
            let label = match at {
                0 => "now",
                1 => "before",
                _ => "",
            };
            let style: Style = if at == 0 { theme.base } else { theme.subtle };
            facts.long(label, &words, 2, style);
        }
        let more = known.len().saturating_sub(most);
        if more > 0 && most > 1 {
            facts.styled("", &format!("{more} earlier ones; the log shows them"), theme.muted);
        }
    }

    fn outdates(&self, facts: &mut Facts<'_>, board: &Board) {
        facts.say(
            "",
            "what rests on an earlier version is stale from then on; agents with open work on it are told",
        );
        if let Ok(Some(path)) = self.read_path() {
            intervention(facts, &board.map.owners(&path.entity, &path.field));
        }
    }
}

fn freezing(facts: &mut Facts<'_>, board: &Board, entity: &EntityPath) {
    if board.frozen.contains_key(entity) {
        facts.say("then", &format!("agents may write and act on {entity} again"));
        return;
    }
    facts.say("then", &format!("every agent's write and act on {entity} is refused"));
    facts.say("until", "a person unfreezes it");
    intervention(facts, &board.map.owners(entity, &FieldName::whole()));
}

fn pausing(facts: &mut Facts<'_>, board: &Board, agent: &AgentId) {
    if is_paused(board, agent) {
        facts.say("then", &format!("{agent} may ask again, as far as its zone allows"));
        return;
    }
    let open = board.acts.values().filter(|act| act.agent == *agent).count();
    let work = board.work_of(agent).count();
    facts.say("then", &format!("whatever {agent} asks is refused, naming you and the reason"));
    facts.say("open", &format!("{open} acts and {work} pieces of work of it stay as they are"));
    facts.say("until", "a person lets it go on");
    intervention(facts, &[agent]);
}

/// It counts against the readiness of the agents whose own it is.
fn intervention(facts: &mut Facts<'_>, agents: &[&AgentId]) {
    let names: Vec<&str> = agents.iter().map(|agent| agent.as_str()).collect();
    if !names.is_empty() {
        facts.say("counts", &format!("as a person stepping in on what is {}'s", names.join(" and ")));
    }
}

fn line_of(area: Rect, row: u16) -> Rect {
    Rect { y: area.y + row.min(area.height), height: 1.min(area.height.saturating_sub(row)), ..area }
}
