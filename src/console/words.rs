//! Things of the domain in words and signs, the same on every screen: outcomes, changes, deeds, times.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::untrusted;
use super::widgets::{Look, width};
use crate::domain::deed::Deed;
use crate::domain::outcome::Outcome;
use crate::domain::path::FieldPath;
use crate::domain::things::{FieldChange, HeldField, Severity};
use crate::domain::time::{Span as TimeSpan, Time, Zone};
use crate::domain::value::Value;

/// A person's hand on a field: by whom, since and until when, and why.
pub fn held(look: Look<'_>, held: &HeldField, now: Time) -> String {
    let until = held.until.map_or_else(
        || "until it is released".to_owned(),
        |until| format!("until {}", clock(look.zone, until, now)),
    );
    format!("by {}, {}, {until}: {}", look.who(&held.by), clock(look.zone, held.at, now), held.reason)
}

/// Below this a deed's line has no room for day and hour.
const NARROW: usize = 56;

/// The sign and the role of an outcome. Its word is [`Outcome::as_str`]: a state is never told by colour alone.
pub fn outcome(look: Look<'_>, outcome: Outcome) -> (&'static str, Style) {
    let (glyphs, theme) = (look.glyphs, look.theme);
    match outcome {
        Outcome::Committed | Outcome::Allowed => (glyphs.ok, theme.success),
        Outcome::Proposed | Outcome::Escalated => (glyphs.passed_on, theme.info),
        Outcome::Deferred => (glyphs.reconnecting, theme.warning),
        Outcome::Stale | Outcome::Refused | Outcome::Failed => (glyphs.refused, theme.danger),
        Outcome::Opened => (glyphs.attention, theme.warning),
        Outcome::Recorded => (glyphs.info, theme.muted),
    }
}

/// The sign and the role of a severity. Its word is [`Severity::as_str`].
pub fn severity(look: Look<'_>, severity: Severity) -> (&'static str, Style) {
    match severity {
        Severity::Critical => (look.glyphs.attention, look.theme.danger),
        Severity::Warning => (look.glyphs.attention, look.theme.warning),
        Severity::Info => (look.glyphs.info, look.theme.info),
    }
}

/// Said where times are those at which deeds happened, and not those at which they were recorded.
pub const AS_IT_HAPPENED: &str = "as it happened";

/// Whether a deed was recorded later than it happened: it is of a history that was taken in.
pub fn was_taken_in(deed: &Deed) -> bool {
    deed.recorded.since(deed.time) >= TimeSpan::from_mins(1)
}

/// `09:04`, or with the day where that is another one than today's.
pub fn clock(zone: Zone, time: Time, now: Time) -> String {
    let (time, now) = (time.at(zone), now.at(zone));
    let format = if time.date_naive() == now.date_naive() { "%H:%M" } else { "%d %b %H:%M" };
    time.format(format).to_string()
}

/// As [`clock`], but only the day where that is another one: for narrow places.
pub fn clock_or_day(zone: Zone, time: Time, now: Time) -> String {
    let same = time.at(zone).date_naive() == now.at(zone).date_naive();
    time.at(zone).format(if same { "%H:%M" } else { "%d %b" }).to_string()
}

/// How much time is left until a deadline: `2h10m`, or `OVERDUE`.
pub fn left(due: Time, now: Time) -> String {
    let left = due.since(now);
    if due <= now {
        return "OVERDUE".to_owned();
    }
    if left < TimeSpan::from_mins(1) { "<1m".to_owned() } else { minutes(left) }
}

/// Below this the time left is told to the second, and so it changes every second.
pub const TO_THE_SECOND: TimeSpan = TimeSpan::from_mins(10);

/// The time left of something that ends by itself: `2h10m`, `4m10s`; `over` when it is.
pub fn countdown(until: Time, now: Time) -> String {
    let left = until.since(now);
    if until <= now {
        return "over".to_owned();
    }
    if left < TO_THE_SECOND { left.rough() } else { minutes(left) }
}

/// Whether [`countdown`] says something else every second.
pub fn counts_down(until: Time, now: Time) -> bool {
    until > now && until.since(now) < TO_THE_SECOND
}

/// A span without its seconds, once it has minutes.
pub fn minutes(span: TimeSpan) -> String {
    let minute = TimeSpan::from_mins(1).micros();
    let whole = TimeSpan::from_micros(span.micros() / minute * minute);
    if whole.micros() == 0 { span.rough() } else { whole.rough() }
}

/// A value as people read it: a text as it is, anything else as JSON whose control characters are escaped once.
pub fn value(value: &Value) -> String {
    if value.as_json().starts_with('"') { value.plain() } else { untrusted::json(&value.plain()) }
}

/// `#status new → contacted`, cut to the room.
pub fn change(look: Look<'_>, change: &FieldChange, room: usize) -> Line<'static> {
    let theme = look.theme;
    let name = match (&change.entity, change.name.is_whole()) {
        (Some(entity), true) => entity.to_string(),
        (Some(entity), false) => format!("{entity}#{}", change.name),
        (None, true) => String::new(),
        (None, false) => format!("#{}", change.name),
    };
    let mut line = look.line(&name, room, theme.base);
    let mut add = |text: &str, style: Style| {
        let left = room.saturating_sub(width(&line));
        if left > 1 {
            line.spans.extend(look.spans(text, left, style));
        }
    };
    let after = change.after.as_ref().map(value);
    match (&change.before, after) {
        (Some(before), Some(after)) if !before.is_null() => {
            add(" ", theme.base);
            add(&value(before), theme.subtle);
            add(&format!(" {} ", look.glyphs.arrow), theme.muted);
            add(&after, theme.base);
        }
        (_, Some(after)) => {
            add(&format!(" {} ", look.glyphs.arrow), theme.muted);
            add(&after, theme.base);
        }
        (Some(before), None) => {
            add(" ", theme.base);
            add(&value(before), theme.subtle);
        }
        (None, None) => {}
    }
    line
}

/// A deed in one line: when, who, what, how it came out.
pub fn deed(look: Look<'_>, deed: &Deed, now: Time, room: usize) -> Line<'static> {
    let theme = look.theme;
    let when = if room < NARROW {
        clock_or_day(look.zone, deed.time, now)
    } else {
        clock(look.zone, deed.time, now)
    };
    let mut line = Line::from(vec![
        Span::styled(when, theme.muted),
        Span::raw(" "),
        Span::styled(untrusted::fit(&look.who(&deed.actor), 18), theme.subtle),
        Span::raw(" "),
    ]);
    let mut came = Line::default();
    if deed.outcome != Outcome::Committed {
        let (sign, style) = outcome(look, deed.outcome);
        came.spans.push(Span::styled(format!("  {sign} {}", deed.outcome.as_str()), style));
    }
    let for_rest = room.saturating_sub(width(&came));
    line.spans.push(Span::styled(untrusted::fit(&deed.action, 20), theme.base));
    for field in deed.fields.iter().take(2) {
        let left = for_rest.saturating_sub(width(&line) + 1);
        line.spans.push(Span::raw(" "));
        line.spans.extend(change(look, field, left).spans);
    }
    if deed.fields.is_empty() {
        let (first, second) = deed.about();
        // Some say first what was asked, which stands there already.
        let first = first.strip_prefix(&*deed.action).map_or(first.as_str(), str::trim_start);
        let about = format!(" {}{second}", first.replace('→', look.glyphs.arrow));
        line.spans.extend(look.spans(&about, for_rest.saturating_sub(width(&line)), theme.subtle));
    }
    if deed.fields.len() > 2 {
        line.spans.push(Span::styled(format!(" and {} more", deed.fields.len() - 2), theme.muted));
    }
    line = super::widgets::clip(line, for_rest, look.glyphs.cut);
    line.spans.extend(came.spans);
    super::widgets::clip(line, room, look.glyphs.cut)
}

/// Whether all words, in small letters, are somewhere in a text.
pub fn all_in(words: &[String], text: impl FnOnce() -> String) -> bool {
    if words.is_empty() {
        return true;
    }
    let text = text().to_lowercase();
    words.iter().all(|word| text.contains(word.as_str()))
}

/// The end of a path that has no room, from a `/` on where that leaves enough of it.
pub fn tail(text: &str, room: usize, cut: &str) -> String {
    let count = text.chars().count();
    if count <= room || !text.contains('/') {
        return text.to_owned();
    }
    let kept = room.saturating_sub(cut.chars().count());
    let end: String = text.chars().skip(count - kept.min(count)).collect();
    // A sign before the name is not a part of the path.
    let (sign, end) = match text.split_once(' ') {
        Some((sign, _)) if sign.chars().count() == 1 => (format!("{sign} "), end.chars().skip(2).collect()),
        Some(_) | None => (String::new(), end),
    };
    match end.split_once('/') {
        Some((_, whole)) if whole.chars().count() * 5 >= kept * 3 => format!("{sign}{cut}{whole}"),
        Some(_) | None => format!("{sign}{cut}{end}"),
    }
}

/// How long ago, in at most five cells: `now`, `4m`, `2h10m`, `264d`.
pub fn age(span: TimeSpan) -> String {
    let day = TimeSpan::from_days(1).micros();
    match span.micros() {
        ..1_000_000 => "now".to_owned(),
        micros if micros >= day => TimeSpan::from_micros(micros / day * day).rough(),
        _ => minutes(span),
    }
}

/// `crm/contact/acme #status` in so many cells; the front of the path gives way.
pub fn path(look: Look<'_>, path: &FieldPath, room: usize) -> Line<'static> {
    let theme = look.theme;
    let field = if path.field.is_whole() { String::new() } else { format!(" #{}", path.field) };
    let field = untrusted::visible(&field, untrusted::Breaks::Marked);
    let left = room.saturating_sub(field.chars().count()).max(room / 2);
    let entity = tail(path.entity.as_str(), left, look.glyphs.cut);
    let mut line = look.line(&entity, left, theme.base);
    let rest = room.saturating_sub(width(&line));
    line.spans.extend(look.spans(&field, rest, theme.accent));
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_are_told_without_seconds() {
        let now = Time::from_micros(0);
        let at = |secs| now.plus(TimeSpan::from_secs(secs));
        assert_eq!(left(at(7_815), now), "2h10m");
        assert_eq!(left(at(3_599), now), "59m");
        assert_eq!(left(at(59), now), "<1m");
        assert_eq!(left(now, now), "OVERDUE");
    }

    #[test]
    fn the_end_of_a_path_stays() {
        assert_eq!(tail("crm/contact/acme", 16, "…"), "crm/contact/acme");
        assert_eq!(tail("crm/contact/acme", 15, "…"), "…contact/acme");
        assert_eq!(tail("crm/contact/7", 8, "…"), "…ntact/7");
        assert_eq!(tail("crm/contact/acme", 6, "…"), "…acme");
        assert_eq!(tail("no path at all", 4, "…"), "no path at all");
        assert_eq!(tail("a/b", 0, "…"), "…");
    }

    #[test]
    fn times_are_told_in_a_timezone() {
        let (zone, time) = (Zone::Europe__Madrid, |text: &str| text.parse::<Time>().unwrap());
        assert_eq!(clock(zone, time("2026-11-20T23:30:00Z"), time("2026-11-21T10:00:00Z")), "00:30");
        assert_eq!(clock(zone, time("2026-07-20T09:04:11Z"), time("2026-07-20T10:00:00Z")), "11:04");
    }

    #[test]
    fn days_are_told_where_they_differ() {
        let time = |text: &str| text.parse::<Time>().unwrap();
        assert_eq!(clock(Zone::UTC, time("2026-11-20T09:04:11Z"), time("2026-11-20T10:00:00Z")), "09:04");
        assert_eq!(
            clock(Zone::UTC, time("2026-11-19T09:04:11Z"), time("2026-11-20T10:00:00Z")),
            "19 Nov 09:04"
        );
    }
}
