//! The replay as an asciicast, version 2: a header, then what is written to the terminal and when, a line of JSON each.
//! Every step is a frame as the console draws it, in colours of its own, since it is watched elsewhere; times are shortened,
//! so that nine days are a minute.

use std::fmt::Write as _;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::json;

use super::{Replay, Stage};
use crate::console::picture::DARK;
use crate::console::terminal::paint::paint;
use crate::console::theme::{Choice, Colours, Depth, Surroundings, Theme};
use crate::console::untrusted;
use crate::console::widgets::Look;
use crate::domain::time::{Span, Time};

/// How long a step stands, at least and at most, in milliseconds; more time between two deeds makes it longer.
const STANDS: (i64, i64) = (1_400, 3_000);
/// How long the end stands, in milliseconds.
const END: i64 = 6_000;

/// The recording.
pub(super) fn cast(replay: &mut Replay, look: Look<'_>, size: (u16, u16), now: Time) -> String {
    let theme = theme();
    let look = Look { theme: &theme, ..look };
    let (width, height) = size;
    let title = format!("{} #{}", replay.alert.kind.as_str(), replay.alert.no);
    let heading = json!({
        "version": 2, "width": width, "height": height, "timestamp": now.micros().div_euclid(1_000_000),
        "title": title, "env": {"TERM": "xterm-256color"},
    });
    let mut out = format!("{heading}\n");
    let mut event = |at: i64, data: &str| {
        _ = writeln!(out, "[{}.{:03}, \"o\", {}]", at / 1_000, at % 1_000, json!(data));
    };
    let area = Rect::new(0, 0, width, height);
    let mut before = Buffer::empty(area);
    event(0, "\u{1b}[?25l\u{1b}[2J\u{1b}[H");
    let mut at = 0;
    for step in 0..=replay.steps() {
        replay.go_to(step);
        at += if step == 0 { 10 } else { stands(replay.gap(step)) };
        let mut frame = Buffer::empty(area);
        replay.draw(&mut frame, area, look);
        untrusted::separate(&mut frame);
        theme.finish(&mut frame);
        let mut bytes = Vec::new();
        paint(&mut bytes, before.diff(&frame).into_iter(), |_, _| None);
        event(at, &String::from_utf8_lossy(&bytes));
        before = frame;
    }
    event(at + END, "\u{1b}[m\u{1b}[?25h");
    out
}

impl Replay {
    fn gap(&self, step: usize) -> Span {
        if let Stage::Here { steps, .. } = &self.stage { steps.gap(step) } else { Span::default() }
    }
}

fn theme() -> Theme {
    let (background, foreground) = DARK;
    let colours =
        Colours { background: Some(background), foreground: Some(foreground), ..Colours::default() };
    let around = Surroundings { colours, depth: Depth::True, ..Surroundings::default() };
    Theme::with_file(Choice::TrueDark, None, around).0
}

/// How long the step before stands: a little longer for each tenfold of the time that passed.
fn stands(gap: Span) -> i64 {
    let (least, most) = STANDS;
    let seconds = gap.micros().max(0) / 1_000_000;
    let digits = i64::from(seconds.checked_ilog10().map_or(0, |digits| digits + 1));
    (least + digits * 200).min(most)
}
