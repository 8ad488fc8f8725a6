//! The Log as a whole: what is followed, the timeline, the rows, and beside or over them the opened deed.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::{Family, Log, Over, row};
use crate::console::screens::Areas;
use crate::console::widgets::list::{self, GUTTER};
use crate::console::widgets::pane::{self, COMPACT_FROM};
use crate::console::widgets::table::{self, Column, Shown};
use crate::console::widgets::tree::{self, Node};
use crate::console::widgets::{Look, bars, cells, chrome, cut_top, prompt, put, styled, thousands, width};
use crate::console::words;
use crate::console::world::World;

/// The list's share of the width while a deed is open beside it.
const LEFT_PERCENT: u16 = 46;
/// The widest strip.
const STRIP_WIDE: usize = super::BUCKETS;

impl Log {
    pub(super) fn draw_view(
        &self,
        buffer: &mut Buffer,
        areas: Areas,
        look: Look<'_>,
        world: &World,
    ) -> Option<Position> {
        let body = areas.body;
        world.board.as_ref()?;
        let (header, body) = cut_top(body, 1);
        self.draw_header(buffer, header, look, world);
        let line_wanted = self.over.is_some() || !self.filtering.text().is_empty();
        let (line, body) = cut_top(body, u16::from(line_wanted));
        let beside = self.opened.is_some() && pane::is_full(body);
        self.panes.begin(beside);
        let share = self.panes.share(body, beside.then_some(LEFT_PERCENT));
        pane::list_and_detail(
            buffer,
            body,
            look,
            (share, self.opened.is_some()),
            |buffer, area| {
                self.panes.rows_are_at(self.draw_list(buffer, area, look, world));
                None
            },
            |buffer, area| {
                if let Some(opened) = &self.opened {
                    let lines = opened.lines(look, usize::from(area.width), world);
                    self.panes.scroll.draw(buffer, area, look, &lines);
                }
            },
        );
        self.draw_line(buffer, line, areas, look)
    }

    /// The filter in force, or what is being typed.
    fn draw_line(&self, buffer: &mut Buffer, line: Rect, areas: Areas, look: Look<'_>) -> Option<Position> {
        match &self.over {
            Some(Over::Filter(typing)) => {
                let cursor = typing.prompt.draw(buffer, line, look, " / ")?;
                let (suggestions, chosen) = typing.suggestions(&self.vocabulary);
                prompt::draw_suggestions(buffer, areas.body, cursor, look, &suggestions, chosen);
                Some(cursor)
            }
            Some(Over::Export(prompt)) => {
                prompt.draw(buffer, line, look, " export to (.jsonl a deed a line, .csv a table): ")
            }
            Some(Over::Name(prompt)) => {
                prompt.draw(buffer, line, look, " name of this filter (empty: it is not kept): ")
            }
            None => {
                let room = usize::from(line.width).saturating_sub(18);
                let theme = look.theme;
                let mut spans = vec![Span::styled(" / ", theme.accent)];
                spans.extend(look.spans(self.filtering.text(), room, theme.accent));
                spans.push(Span::styled("  esc clears", theme.muted));
                put(buffer, line, 0, &Line::from(spans));
                None
            }
        }
    }

    /// Following or held, how many deeds, and the timeline at the right.
    fn draw_header(&self, buffer: &mut Buffer, area: Rect, look: Look<'_>, world: &World) {
        let theme = look.theme;
        let mut left = vec![Span::raw(" ")];
        if let Some(family) = &self.family {
            left.push(Span::styled(format!("the chain of #{}", family.own), theme.title));
            left.push(Span::styled(format!(", {} deeds", family.rows.len()), theme.subtle));
        } else if let Some(words) = self.strip.pick_words(world.zone, world.now) {
            left.push(Span::styled(words, theme.accent));
        } else {
            left.extend(self.standing(look, world));
        }
        let left = Line::from(left);
        let late = self.window.rows().back().is_some_and(|deed| words::was_taken_in(deed));
        let happened = if late { format!(", {}", words::AS_IT_HAPPENED) } else { String::new() };
        let words = format!("  {}{happened} ", self.strip.words(world.zone, world.now));
        let free = usize::from(area.width).saturating_sub(width(&left) + words.chars().count() + 3);
        let strip = bars::histogram(look, free.min(STRIP_WIDE), &self.strip.bins(look));
        let (strip_wide, mut right) = (strip.spans.len(), strip.spans);
        if !right.is_empty() {
            right.push(Span::styled(words, theme.muted));
        }
        let right = Line::from(right);
        let bars = cells(strip_wide);
        let at = area.right().saturating_sub(cells(width(&right)));
        self.strip_area.set(Rect { x: at, width: bars, ..area });
        chrome::two_ends(buffer, area, look, left, &[right]);
    }

    fn standing(&self, look: Look<'_>, world: &World) -> Vec<Span<'static>> {
        let theme = look.theme;
        let mut spans = Vec::new();
        if self.window.list.follows() {
            spans.push(Span::styled(format!("{} following", look.glyphs.live), theme.success));
        } else {
            spans.push(Span::styled(format!("{} held", look.glyphs.read_only), theme.warning));
            let fresh = self.window.fresh();
            if fresh > 0 {
                spans.push(Span::styled(format!("  {} new", thousands(fresh as u64)), theme.accent));
            }
        }
        let all = thousands(world.board.as_ref().map_or(0, |board| board.head.0));
        let counted = match (self.filtering.text().is_empty(), self.count) {
            (true, _) => format!("  {} {all} deeds", look.glyphs.dot),
            (false, None) => format!("  {} of {all} deeds", look.glyphs.dot),
            (false, Some((count, exact))) => {
                let about = if exact { "" } else { "about " };
                format!("  {} {about}{} of {all} deeds", look.glyphs.dot, thousands(count))
            }
        };
        spans.push(Span::styled(counted, theme.subtle));
        spans
    }

    fn draw_list(&self, buffer: &mut Buffer, area: Rect, look: Look<'_>, world: &World) -> Rect {
        if let Some(family) = &self.family {
            return draw_family(buffer, area, look, world, family);
        }
        let narrow = area.width < COMPACT_FROM;
        let columns: &'static [Column] = if narrow { &row::COLUMNS_NARROW } else { &row::COLUMNS };
        let state = (&self.window.list, true);
        let rows = table::draw(buffer, area, look, (columns, ""), state, |at, layout| {
            let Some(deed) = self.window.rows().get(at) else { return Shown::nothing() };
            let asked = self.filtering.as_asked(deed);
            let cells = row::cells(look, layout, narrow, asked.as_ref().unwrap_or(deed), world.now);
            (Shown::Cells(cells), world.kept().bookmarks.contains(&deed.seq))
        });
        if self.window.rows().is_empty() {
            self.draw_nothing(buffer, rows, look, world);
        }
        rows
    }

    /// Why there is no row, and what next.
    fn draw_nothing(&self, buffer: &mut Buffer, area: Rect, look: Look<'_>, world: &World) {
        let (why, next) = if !self.window.is_loaded() {
            ("Deeds are being fetched", String::new())
        } else if !self.filtering.text().is_empty() {
            let next = "esc clears the filter, / changes it\nnew deeds that it means show up here";
            ("No deed is meant by this filter", next.to_owned())
        } else if world.welcome.is_empty() {
            ("Nothing has happened yet", "whatever an agent asks for shows up here at once".to_owned())
        } else {
            ("Nothing has happened yet", world.welcome.join("\n"))
        };
        chrome::draw_empty(buffer, area, look, why, &next);
    }
}

fn draw_family(buffer: &mut Buffer, area: Rect, look: Look<'_>, world: &World, family: &Family) -> Rect {
    let room = usize::from(area.width.saturating_sub(GUTTER));
    let nodes: Vec<Node> = family
        .rows
        .iter()
        .map(|(depth, deed)| Node {
            depth: *depth,
            line: super::detail::member(look, room.saturating_sub(depth * 3), world, deed, family.own),
        })
        .collect();
    let lines = tree::lines(look, &nodes);
    let words = if family.cut {
        "CAUSES ABOVE, EFFECTS BELOW; THERE ARE MORE"
    } else {
        "CAUSES ABOVE, EFFECTS BELOW"
    };
    let heading = styled(words, look.theme.muted);
    list::draw_headed(buffer, area, look, (&heading, ""), (&family.list, true), |at, _| {
        lines.get(at).cloned().unwrap_or_default().into()
    })
}
