//! One deed as a row: what it was, on what, how it came out, on which versions, and why.

use std::sync::Arc;

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::console::widgets::Look;
use crate::console::widgets::table::{Column, Layout};
use crate::console::{untrusted, words};
use crate::domain::deed::{Body, Deed, Listed};
use crate::domain::outcome::Outcome;
use crate::domain::path::EntityPath;
use crate::domain::things::FieldChange;
use crate::domain::time::{Time, Zone};

/// From 80 columns on.
pub(super) static COLUMNS: [Column; 7] = [
    Column::exact("TIME", 12).stays(),
    Column::exact("AGENT", 11),
    Column::exact("ACTION", 9).rank(2),
    Column::fill("ENTITY", 28, 4),
    Column::exact("OUTCOME", 11),
    Column::exact("VERSION", 9).rank(3),
    Column::fill("WHY", 20, 5).rank(4),
];

/// Below that.
pub(super) static COLUMNS_NARROW: [Column; 4] = [
    Column::exact("TIME", 5).stays(),
    Column::exact("AGENT", 9),
    Column::fill("ENTITY", 8, 1),
    Column::exact("OUTCOME", 11),
];

/// Below this there is room for the narrow set of columns only.
const WIDE_FROM: usize = 60;

/// A deed in a line of so many cells, outside of the log.
pub(in crate::console) fn line(look: Look<'_>, room: usize, deed: &Deed, now: Time) -> Line<'static> {
    let narrow = room < WIDE_FROM;
    let columns: &[Column] = if narrow { &COLUMNS_NARROW } else { &COLUMNS };
    let layout = Layout::new(columns, room);
    layout.row(look, cells(look, &layout, narrow, deed, now))
}

/// The row of a deed, in either set of columns.
pub(super) fn cells(
    look: Look<'_>,
    layout: &Layout,
    narrow: bool,
    deed: &Deed,
    now: Time,
) -> Vec<Line<'static>> {
    let theme = look.theme;
    let text = |column: usize, text: &str, style: Style| {
        let room = layout.cells(column).unwrap_or(0);
        Line::from(untrusted::fit_spans(text, room, style, theme.escaped))
    };
    let (time, agent) = (
        text(0, &time(look.zone, deed.time, now, narrow), theme.muted),
        text(
            1,
            &words::tail(&look.who(&deed.actor), layout.cells(1).unwrap_or(0), look.glyphs.cut),
            actor_style(look, deed),
        ),
    );
    if narrow {
        let entity = about(look, deed, layout.cells(2).unwrap_or(0));
        return vec![time, agent, entity, outcome(look, deed)];
    }
    let entity = about(look, deed, layout.cells(3).unwrap_or(0));
    vec![
        time,
        agent,
        text(2, action(deed), theme.subtle),
        entity,
        outcome(look, deed),
        text(5, &versions(look, deed), theme.subtle),
        text(6, &why(deed), theme.muted),
    ]
}

/// `09:04:11.204`, `14 Feb 08:11` on another day; `09:04` or `14 Feb` where there is little room.
fn time(zone: Zone, time: Time, now: Time, narrow: bool) -> String {
    let at = time.at(zone);
    let today = at.date_naive() == now.at(zone).date_naive();
    let format = match (today, narrow) {
        (true, false) => "%H:%M:%S%.3f",
        (false, false) => "%d %b %H:%M",
        (true, true) => "%H:%M",
        (false, true) => "%d.%m",
    };
    at.format(format).to_string()
}

fn actor_style(look: Look<'_>, deed: &Deed) -> Style {
    if deed.actor.agent().is_some() { look.theme.base } else { look.theme.muted }
}

/// What kind of deed it was, in one word.
pub(in crate::console::screens) fn action(deed: &Deed) -> &str {
    let row = deed.body.row();
    match row.listed {
        Listed::Family => row.family.word(),
        Listed::Action => &deed.action,
    }
}

/// What it was about: the first part plain, the second in the accent of what counts.
pub(in crate::console::screens) fn subject(look: Look<'_>, deed: &Deed) -> (String, String) {
    let (first, second) = deed.about();
    (first.replace('→', look.glyphs.arrow), second)
}

/// What it was about, in so many cells. Where room is short the front of a path gives way: the field and the last segment
/// tell more.
pub(in crate::console::screens) fn about(look: Look<'_>, deed: &Deed, room: usize) -> Line<'static> {
    let theme = look.theme;
    let (first, second) = subject(look, deed);
    let to = format!("{} ", look.glyphs.arrow);
    let arrow = format!(" {to}");
    // What stands between the two stays, however short the room.
    let (first, joint) = match first.strip_suffix(&to) {
        Some(first) => (first.trim_end(), arrow.as_str()),
        None if first.ends_with(' ') && !second.is_empty() => (first.trim_end(), " "),
        None => (first.as_str(), ""),
    };
    let second = untrusted::visible(&second, untrusted::Breaks::Marked);
    let (first_wide, second_wide) = (first.chars().count(), second.chars().count());
    let room = room.saturating_sub(joint.chars().count());
    let left = if first_wide + second_wide <= room {
        first_wide
    } else if first.contains('/') || second.is_empty() {
        room.saturating_sub(second_wide).max(room / 2)
    } else {
        first_wide.min(room * 3 / 5)
    };
    let first = words::tail(first, left, look.glyphs.cut);
    let mut spans = untrusted::fit_spans(&first, left, theme.base, theme.escaped);
    let used: usize = spans.iter().map(|span| span.content.chars().count()).sum();
    let rest = room.saturating_sub(used);
    spans.push(Span::styled(joint.to_owned(), theme.muted));
    let is_path = deed.subject.as_ref().is_some_and(|subject| subject.as_str() == second);
    let second = if is_path { words::tail(&second, rest, look.glyphs.cut) } else { second };
    spans.extend(untrusted::fit_spans(&second, rest, theme.accent, theme.escaped));
    Line::from(spans)
}

/// Sign and word, in colour.
pub(in crate::console::screens) fn outcome(look: Look<'_>, deed: &Deed) -> Line<'static> {
    let (sign, style) = words::outcome(look, deed.outcome);
    Line::from(Span::styled(format!("{sign} {}", deed.outcome.as_str()), style))
}

/// `317→318` where something was written, `read 40` where it was based on too old a version.
pub(in crate::console::screens) fn versions(look: Look<'_>, deed: &Deed) -> String {
    let Some(field) = deed.fields.first() else { return String::new() };
    match (deed.outcome, field.base) {
        (Outcome::Committed, Some(base)) => format!("{base}{}{}", look.glyphs.arrow, field.version),
        (Outcome::Committed, None) => format!("{}{}", look.glyphs.arrow, field.version),
        (_, Some(base)) => format!("read {base}"),
        (_, None) => String::new(),
    }
}

/// Why, shorter than the deed says it: what other columns show already is left out. In observe mode what it would have been.
pub(in crate::console::screens) fn why(deed: &Deed) -> String {
    let reason = if let Body::AlertOpened(alert) | Body::AlertReopened(alert) = &deed.body {
        &alert.title
    } else if let Body::ItemOpened(item) = &deed.body {
        &item.why
    } else {
        deed.reason.as_deref().unwrap_or_default()
    };
    let reason = match deed.fields.iter().find(|field| deed.outcome == Outcome::Stale && field.base.is_some())
    {
        Some(field) => based_on(field, deed.subject.as_ref()),
        None => reason.to_owned(),
    };
    let reason = match &deed.subject {
        Some(subject) => reason.replace(&format!("{subject}#"), "#"),
        None => reason,
    };
    match deed.verdict {
        Some(verdict) if verdict != deed.outcome => format!("would be {}: {reason}", verdict.as_str()),
        Some(_) | None => reason,
    }
}

fn based_on(field: &FieldChange, subject: Option<&EntityPath>) -> String {
    let by = field.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    let base = field.base.unwrap_or_default();
    format!("based on {} v{base}, now v{}{by}", field_name(field, subject), field.version)
}

/// The name of a changed field as people write it: `#status`, or with its entity where that is another.
pub(super) fn field_name(field: &FieldChange, subject: Option<&EntityPath>) -> String {
    let entity = field.entity.as_ref().filter(|entity| Some(*entity) != subject);
    match (entity, field.name.is_whole()) {
        (Some(entity), true) => entity.to_string(),
        (Some(entity), false) => format!("{entity}#{}", field.name),
        (None, true) => "the whole entity".to_owned(),
        (None, false) => format!("#{}", field.name),
    }
}

/// Whether somebody should look at it.
pub(super) fn needs_attention(deed: &Arc<Deed>) -> bool {
    deed.outcome.is_refusal() || deed.outcome == Outcome::Opened
}

/// The deed in one line of plain text, for the clipboard.
pub(in crate::console::screens) fn plain(look: Look<'_>, deed: &Deed) -> String {
    let (first, second) = subject(look, deed);
    let parts = [
        format!("#{}", deed.seq),
        deed.time.to_string(),
        look.who(&deed.actor),
        action(deed).to_owned(),
        format!("{first}{second}"),
        deed.outcome.as_str().to_owned(),
        versions(look, deed),
        why(deed),
    ];
    parts.join("\t")
}
