//! The box of an override: what is typed, what it was before, what will be true afterwards, the buttons.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{Intent, MIB, Overriding, Target, VALUE, VERSION, is_paused};
use crate::console::widgets::facts::Facts;
use crate::console::widgets::{Look, width};
use crate::console::{untrusted, words};
use crate::domain::ids::{AgentId, Fence};
use crate::domain::path::{EntityPath, FieldName, FieldPath};
use crate::domain::rule::signing;
use crate::domain::state::Board;
use crate::domain::things::{Allowance, Lasts};
use crate::domain::time::Time;

/// Versions shown.
const VERSIONS: usize = 6;

impl Overriding {
    /// What the box says beside its fields, in an area as wide as this one.
    pub(in crate::console) fn lines(
        &self,
        look: Look<'_>,
        area: Rect,
        board: &Board,
        now: Time,
    ) -> Vec<Line<'static>> {
        let mut facts = self.form.facts(look, area);
        self.choice(&mut facts, look);
        self.consequences(&mut facts, look, board, now);
        facts.lines
    }

    /// What it is about.
    pub(in crate::console) fn title(&self, board: &Board) -> String {
        match &self.plan {
            Intent::Stop(_) => self.step(board).map(|step| step.title).unwrap_or_default(),
            Intent::Set => "Set a field".to_owned(),
            Intent::Revert => "Revert a field".to_owned(),
            Intent::Allow(agent) => format!("Let more be kept for {agent}"),
        }
    }

    /// What can be chosen from, where there are several.
    fn choice(&self, facts: &mut Facts<'_>, look: Look<'_>) {
        let targets = match &self.plan {
            Intent::Stop(targets) if targets.len() > 1 => targets,
            Intent::Stop(_) | Intent::Set | Intent::Revert | Intent::Allow(_) => return,
        };
        let (theme, mut line, mut label) = (look.theme, Line::default(), "");
        for (at, target) in targets.iter().enumerate() {
            label = match target {
                Target::Entity(_) => "entity",
                Target::Agent(_) => "agent",
                Target::Lease(_) => "lease",
                Target::Held(_) => "field",
                Target::All => "agents",
            };
            let name = target.name().unwrap_or_else(|| "all".to_owned());
            let style = if at == 0 { theme.active } else { theme.subtle };
            let left = facts.wide().saturating_sub(width(&line) + 16);
            line.push_span(Span::styled(format!(" {} ", untrusted::fit(&name, left.max(8))), style));
        }
        let [up, down] = look.glyphs.more;
        line.push_span(Span::styled(format!("  {up}{down} another"), theme.muted));
        facts.lined(label, vec![line]);
    }

    /// What will be true afterwards, in words.
    fn consequences(&self, facts: &mut Facts<'_>, look: Look<'_>, board: &Board, now: Time) {
        let stops = self.step(board).is_some_and(|step| signing::only_stops(&step.verb));
        if !stops && signing::anywhere(board.map.model()).is_some() {
            facts.say("signed", "by your ssh-agent, where the map asks for it; touch the key if it blinks");
        }
        match &self.plan {
            Intent::Stop(targets) => match targets.first() {
                Some(Target::Entity(entity)) => freezing(facts, board, entity),
                Some(Target::Agent(agent)) => pausing(facts, board, agent),
                Some(Target::Lease(fence)) => unlocking(facts, board, *fence, now),
                Some(Target::All) => pausing_all(facts, board, now),
                Some(Target::Held(path)) => releasing(facts, board, path, now),
                None => {}
            },
            Intent::Allow(agent) => match self.allowance() {
                Err(why) => facts.styled("lacks", &why, look.theme.warning),
                Ok(typed) => allowing(facts, board, agent, typed),
            },
            Intent::Set => {
                self.versions(facts, look, now, 1);
                let value = self.value().map(|value| value.plain());
                if let (Ok(value), Ok(start)) = (value, self.history.start())
                    && !self.form.text(VALUE).is_empty()
                {
                    facts.say("then", &format!("v{} is {value}, under your name", start.0 + 1));
                    self.holds(facts);
                    self.outdates(facts, board);
                }
            }
            Intent::Revert => {
                self.versions(facts, look, now, VERSIONS);
                if self.form.text(VERSION).is_empty() {
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
                        self.holds(facts);
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
                words::clock(look.zone, then.at, now)
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

    /// What agents may do with it meanwhile.
    fn holds(&self, facts: &mut Facts<'_>) {
        match self.lasts() {
            Ok(Some(Lasts::NotAtAll)) => facts.say("", "its owners may write over it at once"),
            Ok(Some(Lasts::UntilReleased)) => {
                facts.say("", "until a person releases it, an agent's write to it waits for a yes");
            }
            Ok(Some(Lasts::For(span))) => {
                facts.say("", &format!("for {}, an agent's write to it waits for a yes", span.rough()));
            }
            Ok(None) => facts.say("", "for 24h, an agent's write to it waits for a yes"),
            Err(why) => facts.say("lacks", &why),
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

/// What an agent may have kept now, and what from then on.
fn allowing(facts: &mut Facts<'_>, board: &Board, agent: &AgentId, typed: Allowance) {
    let words = |allowance: Allowance| {
        let Allowance { bytes, open, keys } = allowance;
        let parts = [
            bytes.map(|bytes| format!("{} MiB", bytes.div_ceil(MIB))),
            open.map(|open| format!("{open} open things")),
            keys.map(|keys| format!("{keys} keys")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() { "as much as the settings say".to_owned() } else { parts.join(", ") }
    };
    let now = board.agents.get(agent).map(|facts| facts.allowance).unwrap_or_default();
    facts.say("now", &words(now));
    facts.say("then", &words(typed));
    facts.say("", "where the settings say more, they count; only admins may do this");
}

fn pausing_all(facts: &mut Facts<'_>, board: &Board, now: Time) {
    if let Some(stop) = &board.halted {
        facts.say(
            "now",
            &format!(
                "paused by {}, {}: {}",
                facts.look.who(&stop.by),
                words::clock(facts.look.zone, stop.at, now),
                stop.reason
            ),
        );
        facts.say(
            "then",
            "every agent goes on; its work, leases and fan-outs have the time left that they had",
        );
        return;
    }
    let taken = board.works.values().filter(|work| work.is_taken(now)).count();
    let leases = board.leases.values().filter(|lease| lease.is_live(now)).count();
    facts.say("then", "whatever an agent asks is refused, naming you and the reason; people and reads go on");
    let acts = board.acts.len();
    facts.say("open now", &format!("{taken} works taken, {acts} acts open, {leases} leases held"));
    facts.say("timers", "those of agents stand still; people's deadlines run");
    facts.say("until", "a person lets all go on");
}

fn releasing(facts: &mut Facts<'_>, board: &Board, path: &FieldPath, now: Time) {
    let held = board.held.get(&path.entity).into_iter().flatten().find(|held| held.field == path.field);
    let Some(held) = held else { return facts.say("then", "nobody holds it any more") };
    facts.say("now", &words::held(facts.look, held, now));
    facts.say("then", "its owners write it again; proposals that wait for a yes wait on");
}

fn unlocking(facts: &mut Facts<'_>, board: &Board, fence: Fence, now: Time) {
    let Some(lease) = board.leases.get(&fence) else {
        facts.say("then", "it has ended already");
        return;
    };
    let left = words::countdown(lease.until, now);
    facts.say("now", &format!("{} holds {}, {left} left", lease.holder, lease.target));
    facts.say("then", &format!("its token is void: what {} writes with it is refused", lease.holder));
    intervention(facts, &[&lease.holder]);
}

/// It counts against the readiness of the agents whose own it is.
fn intervention(facts: &mut Facts<'_>, agents: &[&AgentId]) {
    let names: Vec<&str> = agents.iter().map(|agent| agent.as_str()).collect();
    if !names.is_empty() {
        facts.say("counts", &format!("as a person stepping in on what is {}'s", names.join(" and ")));
    }
}
