//! One deed, opened: what changed side by side, what led to it and what it led to, its text as stored, its bytes.

use std::sync::Arc;

use ratatui::text::{Line, Span};

use super::row;
use crate::console::ask::Chain;
use crate::console::widgets::diff::{Change, side_by_side};
use crate::console::widgets::facts::Facts;
use crate::console::widgets::tree::{self, Node};
use crate::console::widgets::{Look, clip, styled, thousands, width};
use crate::console::world::World;
use crate::console::{untrusted, words};
use crate::domain::deed::{Body, Deed};
use crate::domain::ids::Seq;
use crate::domain::outcome::Outcome;
use crate::domain::signature;
use crate::domain::value::Value;

/// Cells of the labels.
const LABEL: usize = 9;
/// Lines of one text.
const TEXT_LINES: usize = 8;
/// Lines of the text as stored.
const RAW_LINES: usize = 4000;

/// What is shown of an opened deed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Mode {
    /// What people want to know.
    #[default]
    Facts,
    Json,
    /// Its bytes.
    Hex,
}

impl Mode {
    pub(super) fn next(self) -> Self {
        match self {
            Self::Facts => Self::Json,
            Self::Json => Self::Hex,
            Self::Hex => Self::Facts,
        }
    }
}

/// An opened deed.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) deed: Arc<Deed>,
    /// Comes a moment later.
    pub(super) chain: Option<Box<Chain>>,
    pub(super) mode: Mode,
}

impl Opened {
    /// A deed whose chain is yet to come.
    pub(super) fn new(deed: Arc<Deed>, mode: Mode) -> Self {
        Self { deed, chain: None, mode }
    }

    /// The lines in so many columns.
    pub(super) fn lines(&self, look: Look<'_>, room: usize, world: &World) -> Vec<Line<'static>> {
        let mut lines = head(look, room, world, &self.deed);
        lines.push(Line::default());
        let raw = self.chain.as_ref().map(|chain| &*chain.raw);
        match (self.mode, raw) {
            (Mode::Facts, _) => lines.extend(self.facts(look, room, world)),
            (Mode::Json | Mode::Hex, None) => lines.push(waiting(look)),
            (Mode::Json, Some(raw)) => {
                lines.push(styled("AS STORED, SET OUT IN LINES", look.theme.muted));
                let pretty = serde_json::from_str::<serde_json::Value>(raw)
                    .and_then(|json| serde_json::to_string_pretty(&json))
                    .unwrap_or_else(|_| raw.to_owned());
                let theme = look.theme;
                lines.extend(look.wrap(&pretty, room, RAW_LINES, theme.subtle));
            }
            (Mode::Hex, Some(raw)) => {
                lines.push(styled("BYTES AS STORED AND HASHED", look.theme.muted));
                let rows = untrusted::hex(raw.as_bytes());
                lines.extend(rows.map(|row| styled(row, look.theme.subtle)));
            }
        }
        lines
    }

    fn facts(&self, look: Look<'_>, room: usize, world: &World) -> Vec<Line<'static>> {
        let deed = &self.deed;
        let mut facts = Facts::new(look, room, LABEL);
        said(&mut facts, look, world, deed);
        if !deed.fields.is_empty() {
            facts.gap();
            facts.lines.extend(changes(look, room, deed));
        }
        facts.heading("CAUSES AND EFFECTS");
        match &self.chain {
            None => facts.lines.push(waiting(look)),
            Some(chain) => facts.lines.extend(family(look, room, world, chain)),
        }
        facts.gap();
        let hash = self.chain.as_ref().map_or("", |chain| chain.hash.as_str());
        facts.long("HASH", hash, 2, look.theme.muted);
        facts.lines
    }
}

fn waiting(look: Look<'_>) -> Line<'static> {
    styled("being fetched", look.theme.muted)
}

fn head(look: Look<'_>, room: usize, world: &World, deed: &Deed) -> Vec<Line<'static>> {
    let theme = look.theme;
    let mut title = vec![Span::styled(format!("#{}  ", deed.seq), theme.title)];
    title.extend(look.spans(row::action(deed), room / 3, theme.title));
    title.push(Span::raw("  "));
    title.extend(row::outcome(look, deed).spans);
    let token = deed.token.as_ref().map(|token| format!(", token {token}")).unwrap_or_default();
    let by = format!("by {}, {}{token}", look.who(&deed.actor), world.ago(deed.time));
    let mut lines = vec![clip(Line::from(title), room, look.glyphs.cut)];
    lines.push(look.line(&by, room, theme.subtle));
    lines
}

/// Who, when, on what, why, under which map.
fn said(facts: &mut Facts<'_>, look: Look<'_>, world: &World, deed: &Deed) {
    let theme = look.theme;
    let mut text = |label, text: &str| facts.long(label, text, TEXT_LINES, theme.base);
    let (first, second) = row::subject(look, deed);
    let about = format!("{first}{second}");
    if !about.trim().is_empty() {
        text("ON", &about);
    }
    deed.reason.iter().for_each(|why| text("WHY", why));
    if let Some(code) = deed.code {
        text("CODE", &format!("{code}: {}", code.next()));
    }
    if let Some(verdict) = deed.verdict {
        let (sign, style) = words::outcome(look, verdict);
        let line = Line::from(vec![
            Span::styled(format!("{sign} {}", verdict.as_str()), style),
            Span::styled(" if the map were enforced", theme.muted),
        ]);
        facts.lined("VERDICT", vec![line]);
    }
    if let Some(call) = called(deed) {
        facts.long("CALL", &call, TEXT_LINES, theme.base);
    }
    facts.say("WHEN", &deed.time.at(world.zone).format("%d %b %Y %H:%M:%S%.6f %Z").to_string());
    let later = deed.recorded.since(deed.time);
    if later.micros() >= 1_000_000 {
        let at = words::clock(world.zone, deed.recorded, world.now);
        facts.say("RECORDED", &format!("{at} ({} later)", later.rough()));
    }
    if let Some(key) = deed.signed.as_ref().and_then(|signed| signature::maker(&signed.signature).ok()) {
        facts.say("SIGNED", &format!("with {} ({})", key.fingerprint(), key.kind()));
    }
    facts.long("REFERS", &refers(deed), TEXT_LINES, theme.base);
}

/// Which call of a tool it was about, how that ended and how long it took.
fn called(deed: &Deed) -> Option<String> {
    let body = &deed.body;
    if let Body::ActAllowed(order) = body {
        return Some(order.call.as_ref()?.call.mark.name());
    }
    if let Body::CallAllowed(mark) | Body::CallEscalated(mark) | Body::CallRefused(mark) = body {
        return Some(mark.name());
    }
    let made = if let Body::CallMade(made) = body { Some(&made.end) } else { None };
    let end = if let Body::CallEnded(end) = body { end } else { made? };
    let took = end.ms.map(|ms| format!(" after {} ms", thousands(ms))).unwrap_or_default();
    Some(format!("{}: {}{took}", end.mark.name(), end.how.as_str()))
}

fn refers(deed: &Deed) -> String {
    let refs = &deed.refs;
    let mut parts = vec![format!("map v{}", deed.map_version)];
    parts.extend(refs.item.map(|item| format!("item #{item}")));
    parts.extend(refs.alerts.iter().map(|alert| format!("alert #{alert}")));
    parts.extend(refs.works.iter().map(|work| format!("work #{work}")));
    parts.extend(refs.act.map(|act| format!("act #{act}")));
    parts.extend(refs.owners.iter().map(|owner| format!("owner {owner}")));
    parts.extend(refs.first.map(|first| format!("first asked in #{first}")));
    parts.extend(refs.import.as_ref().map(|mark| format!("line {} of {}", mark.id, mark.source)));
    parts.extend(deed.key.as_ref().map(|key| format!("key {}", key.key)));
    parts.join("  ")
}

/// Before and after; where nothing was written, what stood there and what was wanted.
fn changes(look: Look<'_>, room: usize, deed: &Deed) -> Vec<Line<'static>> {
    let done = deed.outcome == Outcome::Committed;
    let (left, right) = if done { ("BEFORE", "AFTER") } else { ("AS IT STOOD", "WANTED") };
    let half = room.saturating_sub(3) / 2;
    let heading = format!("{left:<half$} {} {right}", look.glyphs.wall);
    let mut lines = vec![clip(styled(heading, look.theme.muted), room, look.glyphs.cut)];
    for field in &deed.fields {
        let name = row::field_name(field, deed.subject.as_ref());
        let versions = match (done, field.base) {
            (true, Some(base)) => format!("  v{base} {} v{}", look.glyphs.arrow, field.version),
            (false, Some(base)) if base != field.version => {
                let by = field.by.as_ref().map(|by| format!(" by {}", look.who(by))).unwrap_or_default();
                format!("  read v{base}, now v{}{by}", field.version)
            }
            (true, None) | (false, _) => format!("  v{}", field.version),
        };
        let (before, after) = (shown(field.before.as_ref()), shown(field.after.as_ref()));
        let named = format!("{name}{versions}");
        let change = Change { name: &named, before: before.as_deref(), after: after.as_deref() };
        lines.extend(side_by_side(look, room, &[change]));
    }
    lines
}

fn shown(value: Option<&Value>) -> Option<String> {
    value.filter(|value| !value.is_null()).map(|value| {
        if value.is_withheld() { format!("withheld: {}", value.as_json()) } else { words::value(value) }
    })
}

/// Causes above, effects below, as one tree.
fn family(look: Look<'_>, room: usize, world: &World, chain: &Chain) -> Vec<Line<'static>> {
    let nodes: Vec<Node> = nodes(chain)
        .iter()
        .map(|(depth, deed)| Node {
            depth: *depth,
            line: member(look, room.saturating_sub(depth * 3), world, deed, chain.deed.seq),
        })
        .collect();
    let mut lines = tree::lines(look, &nodes);
    if chain.cut {
        lines.push(styled("more than is shown here", look.theme.muted));
    }
    lines
}

/// The deeds of a chain in the order in which a tree is printed, with their depth.
pub(super) fn nodes(chain: &Chain) -> Vec<(usize, Arc<Deed>)> {
    let causes = chain.causes.iter().cloned().enumerate();
    let own = chain.causes.len();
    let effects = chain.effects.iter().map(|(depth, deed)| (own + depth, Arc::clone(deed)));
    causes.chain([(own, Arc::clone(&chain.deed))]).chain(effects).collect()
}

/// One deed of a chain in one line: what it was and on what; what it changed, where it changed something.
pub(super) fn member(look: Look<'_>, room: usize, world: &World, deed: &Deed, own: Seq) -> Line<'static> {
    let theme = look.theme;
    let number = if deed.seq == own { theme.accent } else { theme.muted };
    let mut line = Line::from(vec![Span::styled(format!("#{} ", deed.seq), number)]);
    if deed.outcome == Outcome::Committed && !deed.fields.is_empty() {
        let left = room.saturating_sub(width(&line));
        line.spans.extend(words::deed(look, deed, world.now, left).spans);
        return clip(line, room, look.glyphs.cut);
    }
    let (first, second) = row::subject(look, deed);
    let said = [
        (words::clock(world.zone, deed.time, world.now), theme.muted),
        (look.who(&deed.actor), theme.subtle),
    ];
    for (text, style) in said.into_iter().chain([(row::action(deed).to_owned(), theme.base)]) {
        line.spans.extend(look.spans(&text, room, style));
        line.spans.push(Span::raw(" "));
    }
    line.spans.extend(row::outcome(look, deed).spans);
    line.spans.push(Span::raw("  "));
    line.spans.extend(look.spans(&first, room, theme.subtle));
    line.spans.extend(look.spans(&second, room, theme.subtle));
    clip(line, room, look.glyphs.cut)
}
