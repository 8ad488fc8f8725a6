//! Something to read over the view: the original of an input, who raised it, what a review came to.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::review::Review;
use crate::console::action::Action;
use crate::console::untrusted;
use crate::console::widgets::Look;
use crate::console::widgets::modal::{Buttons, Frame};
use crate::console::widgets::scroll::Scroll;
use crate::console::world::World;
use crate::domain::things::Item;

/// Outer width.
const WIDTH: u16 = 84;
/// Lines shown at once.
const HIGH: usize = 18;
/// Lines that a page key goes by.
const PAGE: isize = 16;
/// Lines of one long line that is wrapped.
const WRAPPED: usize = 400;

/// A text over the view.
#[derive(Debug, Clone)]
pub(super) struct Sheet {
    title: String,
    text: String,
    /// The bytes that `raw` shows as hex, where there are any.
    original: Option<String>,
    hex: bool,
    scroll: Scroll,
}

impl Sheet {
    /// The input exactly as received.
    pub(super) fn original(item: &Item) -> Self {
        let text = item.input();
        let original = Some(text.clone());
        Self {
            title: format!("The original of #{} (v: hex)", item.no),
            text,
            original,
            hex: false,
            scroll: Scroll::default(),
        }
    }

    /// What a review came to.
    pub(super) fn summary(review: &Review, _world: &World) -> Self {
        Self {
            title: "Review ended".to_owned(),
            text: review.summary().join("\n"),
            original: None,
            hex: false,
            scroll: Scroll::default(),
        }
    }

    /// Scrolls or changes to hex; false when it is done with.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other actions are somebody else's")]
    pub(super) fn act(&mut self, action: Action) -> bool {
        match action {
            Action::Down => self.scroll.by(1),
            Action::Up => self.scroll.by(-1),
            Action::PageDown => self.scroll.by(PAGE),
            Action::PageUp => self.scroll.by(-PAGE),
            Action::Raw | Action::ToggleField if self.original.is_some() => {
                self.hex = !self.hex;
                self.scroll.to_top();
            }
            _ => return false,
        }
        true
    }

    pub(super) fn draw(&self, buffer: &mut Buffer, screen: Rect, look: Look<'_>) {
        let theme = look.theme;
        let room = usize::from(WIDTH.min(screen.width).saturating_sub(4));
        let lines: Vec<Line<'static>> = match &self.original {
            Some(original) if self.hex => {
                let bytes = original.as_bytes();
                let rows = self.scroll.window(untrusted::hex_rows(bytes.len()), HIGH);
                rows.filter_map(|row| untrusted::hex_row(bytes, row))
                    .map(|row| Line::from(Span::styled(row, theme.base)))
                    .collect()
            }
            Some(_) | None => {
                let all = untrusted::wrap(&self.text, room, WRAPPED, theme.base, theme.escaped);
                let window = self.scroll.window(all.len(), HIGH);
                all.get(window).unwrap_or_default().to_vec()
            }
        };
        let mut lines = if lines.is_empty() {
            vec![Line::from(Span::styled("nothing was sent with it", theme.muted))]
        } else {
            lines
        };
        lines.push(Line::default());
        let title = untrusted::fit(&self.title, room.saturating_sub(4));
        Frame { title: &title, width: WIDTH }.draw_with_buttons(
            buffer,
            screen,
            look,
            &lines,
            &Buttons::safe_first(["close"]),
        );
    }
}
