//! What is known of one agent: how alive it is, its rates, each gate with what it was found by, its zone, what waits for it,
//! what it did last and where people stepped in.

use std::collections::BTreeSet;
use std::sync::Arc;

use ratatui::text::{Line, Span};

use super::lines::{Lines, Target};
use super::rows;
use crate::console::widgets::facts::Facts;
use crate::console::widgets::{Look, ends, styled, thousands};
use crate::console::words;
use crate::console::world::World;
use crate::domain::deed::Deed;
use crate::domain::ids::AgentId;
use crate::domain::readiness::agents::{LIST_DAYS, Standing, standing};
use crate::domain::readiness::{Evidence, Gate, Team};
use crate::domain::rule::tool;
use crate::domain::state::{Board, History, day_of};
use crate::domain::time::{Span as TimeSpan, Time};

/// Cells of the labels.
const LABEL: usize = 11;
/// Days of the strip.
const STRIP_DAYS: usize = 28;
/// Bars of the week: four hours each.
const WEEK_BARS: usize = 42;
/// Parts of the window of readiness whose approvals are told one by one.
const PARTS: i64 = 4;
/// What stands beside the last day of it.
const TODAY: &str = "  today";
/// What waits for an agent, as far as it is told here.
const WAITING: usize = 8;
/// Pieces of evidence told of a gate.
const EVIDENCE: usize = 4;
/// Lines of a zone's patterns.
const ZONE_LINES: usize = 12;
/// Tools that are not on the map, as far as they are named here.
const LOOSE: usize = 8;
/// Lines of what is told of tools.
const TOOL_LINES: usize = 6;
/// Who relies on whom, as far as it is told here.
const RELIANCES: usize = 4;

/// The lines of an agent in so many columns. `last` has its last deeds, newest first, once they are here.
pub(super) fn lines(
    look: Look<'_>,
    room: usize,
    (world, board): (&World, &Board),
    (team, agent): (&Team, &AgentId),
    (last, kept): (Option<&[Arc<Deed>]>, Option<&Standing>),
) -> Lines {
    let facts = Facts::new(look, room, LABEL);
    let mut told = Told { look, world, board, team, agent, kept, facts, lines: Lines::default() };
    told.who();
    told.rates();
    told.gates();
    told.zone();
    told.waiting();
    told.last(last);
    told.relies();
    told.lines
}

struct Told<'a> {
    look: Look<'a>,
    world: &'a World,
    board: &'a Board,
    team: &'a Team,
    agent: &'a AgentId,
    kept: Option<&'a Standing>,
    facts: Facts<'a>,
    lines: Lines,
}

impl Told<'_> {
    fn done(&mut self) {
        self.lines.take(&mut self.facts, None);
    }

    fn leads(&mut self, target: &Target) {
        self.lines.take(&mut self.facts, Some(target));
    }

    fn heading(&mut self, text: &str) {
        self.facts.heading(text);
        self.done();
    }

    fn who(&mut self) {
        let theme = self.look.theme;
        let standing = standing(self.board, self.agent, self.world.now);
        self.facts.title(self.agent.as_str());
        self.facts.maybe("called", standing.called.as_deref());
        let entry = self.board.map.agent(self.agent);
        match entry {
            Some(entry) => {
                self.facts.maybe("role", Some(&entry.role));
                self.facts.say("owner", entry.owner.as_str());
            }
            None => self.facts.note(
                "The map does not know it: it may write nothing, and what it asks goes to a person or an owner.",
                theme.warning,
            ),
        }
        self.done();
        let (sign, words, style) =
            rows::liveness(self.look, self.board, self.agent, &standing, self.world.now);
        let facts = self.board.agents.get(self.agent);
        let when = standing
            .last
            .map(|last| format!(", last deed {}", words::clock(self.world.zone, last, self.world.now)));
        self.facts.styled("life", &format!("{sign} {words}{}", when.unwrap_or_default()), style);
        match facts.filter(|facts| facts.deed.0 > 0) {
            Some(facts) => self.leads(&Target::Deed(facts.deed)),
            None => self.done(),
        }
        if let Some(stop) = facts.and_then(|facts| facts.paused.as_ref()) {
            let words =
                format!("by {}, {}: {}", self.look.who(&stop.by), self.world.ago(stop.at), stop.reason);
            self.facts.styled("paused", &words, theme.warning);
            self.done();
        }
        let readiness = self.team.agents.iter().find(|other| other.agent == *self.agent);
        if let Some(since) = readiness.and_then(|readiness| readiness.live_since) {
            let days = self.world.now.since(since).micros() / TimeSpan::from_days(1).micros();
            let day = since.at(self.world.zone).format("%d %b %Y");
            let plural = if days == 1 { "" } else { "s" };
            self.facts.say("live since", &format!("{day}, {days} day{plural}"));
            self.done();
        }
        self.doors();
        self.tools();
    }

    /// Which tools of the servers that it calls the map does not name: nothing decides about those but `unmapped`.
    fn tools(&mut self) {
        let model = self.board.map.model();
        let calls = self.board.calls_known().filter(|call| call.agent == *self.agent);
        let servers: BTreeSet<&Arc<str>> = calls.map(|call| &call.mark.server).collect();
        let told = servers.into_iter().map(|server| {
            let offered = self.board.offered.get(server).map(|seen| &*seen.tools).unwrap_or_default();
            let loose = offered.iter().filter(|tool| tool::row(model, server, &tool.name).is_none());
            let loose: Vec<&str> = loose.map(|tool| &*tool.name).collect();
            match (offered.len(), loose.len()) {
                (0, _) => format!("{server}: what it offers is not known"),
                (all, 0) => format!("{server}: all {all} on the map"),
                (all, n) => {
                    let named = loose.get(..LOOSE.min(n)).unwrap_or_default().join(", ");
                    let more = if n > LOOSE { format!(" and {} more", n - LOOSE) } else { String::new() };
                    format!("{server}: {n} of {all} not on the map: {named}{more}")
                }
            }
        });
        let told: Vec<String> = told.collect();
        if !told.is_empty() {
            self.facts.long("tools", &told.join("; "), TOOL_LINES, self.look.theme.base);
            self.done();
        }
    }

    /// By which doors it comes, since when, and when it came by each last.
    fn doors(&mut self) {
        let Some(facts) = self.board.agents.get(self.agent) else { return };
        let told = facts.doors.seen().map(|(door, came)| {
            let since = words::clock(self.world.zone, came.first, self.world.now);
            format!("{} since {since}, last {}", door.as_str(), self.world.ago(came.last))
        });
        let told: Vec<String> = told.collect();
        if !told.is_empty() {
            self.facts.say("comes by", &told.join("; "));
            self.done();
        }
    }

    fn rates(&mut self) {
        let (look, theme, now) = (self.look, self.look.theme, self.world.now);
        let Some(facts) = self.board.agents.get(self.agent) else { return };
        let standing = standing(self.board, self.agent, now);
        let today = facts.history.on_day(day_of(now));
        let window = self.board.map.model().asked().window();
        let hours = hours_today(facts.first, now);
        let per_hour = tenths(u64::from(today.deeds.n) * 10, hours);
        let stopped = today.refused.n.saturating_add(today.failed.n);
        let turned = match standing.turned_away {
            0 => String::new(),
            times => format!("; turned away {}", thousands(times)),
        };
        let kept = self.kept.map_or_else(|| "being asked for".to_owned(), Standing::keeps);
        self.facts.say("keeps", &format!("{kept}{turned}"));
        self.done();
        if let Some(tokens) = self.kept.map(|kept| kept.tokens).filter(|tokens| *tokens > 1) {
            let words =
                format!("{} {tokens} live ones bear this name: deeds tokens list", look.glyphs.attention);
            self.facts.styled("tokens", &words, theme.warning);
            self.done();
        }
        self.facts.say("today", &format!("{}, {per_hour} an hour; {stopped} stopped", deeds(today.deeds.n)));
        let per_day = tenths(u64::from(standing.deeds) * 10, u64::try_from(LIST_DAYS).unwrap_or(1));
        let words = format!("{}, {per_day} a day; {} stopped", deeds(standing.deeds), standing.stopped);
        self.facts.say("7 days", &words);
        self.facts
            .lined("", vec![rows::week(look, self.board, self.agent, now, WEEK_BARS.min(self.facts.wide()))]);
        let days = STRIP_DAYS.min(self.facts.wide());
        let mut line = rows::strip(look, self.board, self.agent, now, days);
        if days + TODAY.len() <= self.facts.wide() {
            line.spans.push(Span::styled(TODAY, theme.muted));
        }
        self.facts.lined("28 days", vec![line]);
        self.leads(&Target::Filter(format!("actor:{} since:{window}d", self.agent)));
        let approvals = match standing.approved_percent() {
            Some(percent) => {
                let over = self.approved_over(&facts.history, window);
                format!("{percent}% of {} as they were, in {window} days{over}", standing.approvals)
            }
            None => format!("none in {window} days"),
        };
        self.facts.say("approved", &approvals);
        self.done();
        let month = facts.history.last_days(now, window);
        let words = match month.interventions.n {
            0 => format!("nobody stepped in, in {window} days"),
            n => {
                let when = facts.last_intervention.map(|at| self.world.ago(at)).unwrap_or_default();
                format!(
                    "people stepped in {n} time{} in {window} days, last {when}",
                    if n == 1 { "" } else { "s" }
                )
            }
        };
        let style = if month.interventions.n > 0 { theme.warning } else { theme.base };
        self.facts.styled("people", &words, style);
        match month.interventions.last.0 {
            0 => self.done(),
            _ => self.leads(&Target::Deed(month.interventions.last)),
        }
    }

    /// How that went from one part of the days to the next, the oldest first; a part without an answer is left out.
    fn approved_over(&self, history: &History, days: i64) -> String {
        let (now, whole) = (self.world.now, TimeSpan::from_days(days).micros());
        let begins = |part: i64| now.minus(TimeSpan::from_micros(whole - whole / PARTS * part));
        let percents = (0..PARTS).filter_map(|part| {
            let answers = history.between(begins(part), begins(part + 1)).answers;
            answers.approved.n.saturating_mul(100).checked_div(answers.all()).map(|n| format!("{n}%"))
        });
        let percents: Vec<String> = percents.collect();
        if percents.len() < 2 {
            String::new()
        } else {
            format!(": {}", percents.join(self.look.glyphs.arrow))
        }
    }

    fn gates(&mut self) {
        let Some(readiness) = self.team.agents.iter().find(|other| other.agent == *self.agent) else {
            return;
        };
        self.heading("GATES");
        for gate in &readiness.gates {
            self.gate(gate);
        }
    }

    fn gate(&mut self, gate: &Gate) {
        let (look, theme) = (self.look, self.look.theme);
        let (sign, style) = rows::gate_sign(look, gate.state);
        let line = Line::from(vec![
            Span::styled(format!("{sign} {} {:<11}", rows::letter(gate.kind), gate.kind.as_str()), style),
            Span::styled(gate.state.as_str(), style),
        ]);
        self.facts.lines.push(line);
        self.done();
        let indent = 4;
        let room = self.facts.room() - indent;
        for line in self.look.wrap(&gate.words, room, 3, theme.base) {
            self.facts.lines.push(indented(indent, line));
        }
        self.done();
        for evidence in gate.evidence.iter().take(EVIDENCE) {
            self.evidence(evidence, indent);
        }
        let more = gate.evidence.len().saturating_sub(EVIDENCE);
        if more > 0 {
            let words = format!("and {more} more; `deeds readiness {}` has all", self.agent);
            self.facts.lines.push(indented(indent, styled(words, theme.muted)));
            self.done();
        }
    }

    fn evidence(&mut self, evidence: &Evidence, indent: usize) {
        let (look, theme) = (self.look, self.look.theme);
        let (name, target) = match (&evidence.deed, &evidence.place) {
            (Some(deed), _) => (format!("#{deed}"), Some(Target::Deed(*deed))),
            (None, Some(place)) => (place.clone(), Some(Target::Map(place.clone()))),
            (None, None) => (String::new(), None),
        };
        let room = (self.facts.room()).saturating_sub(indent + 2);
        let text =
            if name.is_empty() { evidence.words.clone() } else { format!("{name}  {}", evidence.words) };
        let mut spans =
            vec![Span::styled(format!("{}{} ", " ".repeat(indent), look.glyphs.dot), theme.muted)];
        spans.extend(self.look.spans(&text, room, theme.subtle));
        self.facts.lines.push(Line::from(spans));
        self.lines.take(&mut self.facts, target.as_ref());
    }

    fn zone(&mut self) {
        let Some(entry) = self.board.map.agent(self.agent) else { return };
        self.heading("ZONE");
        let patterns = |list: &[crate::domain::path::Pattern]| {
            let texts: Vec<String> = list.iter().map(ToString::to_string).collect();
            texts.join("\n")
        };
        let reads = patterns(&entry.reads);
        let own = entry
            .except_of
            .iter()
            .flat_map(|(grant, own)| own.iter().map(move |taken| format!("{taken} of {grant}")));
        let own: Vec<String> = own.collect();
        let parts = [
            ("writes", patterns(&entry.writes)),
            ("but not", patterns(&entry.except)),
            ("less", own.join("\n")),
            ("reads", if reads == "**" { "everything".to_owned() } else { reads }),
            ("never sees", patterns(&entry.hidden)),
            ("triggers", entry.triggers.join("\n")),
            ("outputs", entry.outputs.join("\n")),
            ("asks", entry.escalates_to.as_ref().map(ToString::to_string).unwrap_or_default()),
            ("when", entry.escalates_when.join("\n")),
        ];
        for (label, text) in parts {
            if !text.is_empty() {
                self.facts.long(label, &text, ZONE_LINES, self.look.theme.base);
                self.leads(&Target::Map(format!("agent {}", self.agent)));
            }
        }
    }

    fn waiting(&mut self) {
        let works: Vec<_> = self.board.work_of(self.agent).collect();
        let count = if works.is_empty() { "nothing".to_owned() } else { works.len().to_string() };
        self.heading(&format!("WAITS FOR IT  {count}"));
        for work in works.iter().take(WAITING) {
            let age = words::age(self.world.now.since(work.at));
            self.facts
                .lines
                .push(self.one_line(&format!("#{} {}  {}", work.no, work.kind.word(), work.title), &age));
            self.leads(&Target::Work(work.no));
        }
        let raised =
            self.board.items.values().filter(|item| item.raised_by.agent() == Some(self.agent)).count();
        if raised > 0 {
            self.facts.note(&format!("{raised} of its cases wait in the inbox"), self.look.theme.subtle);
            self.leads(&Target::Queue);
        }
    }

    fn last(&mut self, last: Option<&[Arc<Deed>]>) {
        self.heading("LAST DEEDS");
        match last {
            None => self.facts.note("being fetched", self.look.theme.muted),
            Some([]) => self.facts.note("none", self.look.theme.muted),
            Some(deeds) => {
                let room = self.facts.room();
                for deed in deeds {
                    self.facts.lines.push(words::deed(self.look, deed, self.world.now, room));
                    self.leads(&Target::Deed(deed.seq));
                }
            }
        }
        self.done();
    }

    fn relies(&mut self) {
        let own = |reader: &AgentId, owner: &AgentId| reader == self.agent || owner == self.agent;
        let all: Vec<_> = self
            .team
            .dependencies
            .iter()
            .filter(|one| own(&one.reader, &one.owner))
            .take(RELIANCES)
            .collect();
        if all.is_empty() {
            return;
        }
        self.heading("RELIES");
        for one in all {
            let text = format!("{} {} {}  {}", one.reader, self.look.glyphs.arrow, one.owner, one.example);
            let times = format!("{}{}", self.look.glyphs.times, one.count);
            self.facts.lines.push(self.one_line(&text, &times));
            self.leads(&Target::Deed(one.last));
        }
    }

    /// A text that gives way, and words at the right end.
    fn one_line(&self, text: &str, end: &str) -> Line<'static> {
        let (theme, room) = (self.look.theme, self.facts.room());
        let left = self.look.line(text, room, theme.base);
        ends(left, styled(end.to_owned(), theme.muted), room, self.look.glyphs.cut)
    }
}

fn indented(by: usize, line: Line<'static>) -> Line<'static> {
    let mut spans = vec![Span::raw(" ".repeat(by))];
    spans.extend(line.spans);
    Line::from(spans)
}

fn deeds(count: u32) -> String {
    format!("{} deed{}", thousands(u64::from(count)), if count == 1 { "" } else { "s" })
}

/// Hours of today that the agent has been there for, one at least.
fn hours_today(first: Time, now: Time) -> u64 {
    let midnight = Time::from_micros(day_of(now) * TimeSpan::from_days(1).micros());
    let since = now.since(midnight.max(first));
    u64::try_from(since.micros() / TimeSpan::from_hours(1).micros()).unwrap_or(0).max(1)
}

/// A number of tenths by another, as `5.2`; whole where it is large.
fn tenths(tenths: u64, by: u64) -> String {
    let each = tenths / by.max(1);
    if each >= 100 { thousands(each / 10) } else { format!("{}.{}", each / 10, each % 10) }
}
