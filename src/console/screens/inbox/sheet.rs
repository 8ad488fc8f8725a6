//! Something to read over the view: the original of an input, who raised it, what a review came to.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::action::Action;
use crate::console::untrusted;
use crate::console::widgets::modal::Frame;
use crate::console::widgets::scroll::Scroll;
use crate::console::widgets::{Look, styled};
use crate::console::words;
use crate::domain::things::{Case, Item};

/// Outer width.
const WIDTH: u16 = 84;
/// Lines of one long line that is wrapped.
const WRAPPED: usize = 400;

/// A text over the view.
#[derive(Debug, Clone)]
pub(super) struct Sheet {
    title: String,
    /// As received, for its bytes.
    text: String,
    /// The same for reading.
    read: String,
    /// Whether its bytes can be shown, and whether they are.
    hex: Option<bool>,
    /// Whether each line is one, cut where it has no room.
    cut: bool,
    scroll: Scroll,
}

impl Sheet {
    /// The input exactly as received.
    pub(super) fn original(item: &Item) -> Self {
        let title = format!("The original of #{} (v: hex)", item.no);
        let read = match &item.case {
            Case::Escalation { input } => words::value(input),
            Case::UnownedField { .. }
            | Case::HeldField { .. }
            | Case::UnownedTarget { .. }
            | Case::ActApproval { .. }
            | Case::UnownedEvent { .. }
            | Case::TriggerCollision { .. }
            | Case::Loop { .. }
            | Case::Approval { .. }
            | Case::UnownedOutput { .. }
            | Case::UnmappedCall { .. }
            | Case::UnknownOutcome { .. }
            | Case::GivenUp { .. }
            | Case::Stuck { .. }
            | Case::ZoneOffer { .. }
            | Case::Conflict { .. }
            | Case::MapOverdue { .. } => untrusted::json(&item.input()),
        };
        Self { title, text: item.input(), read, hex: Some(false), cut: false, scroll: Scroll::default() }
    }

    /// What a review came to.
    pub(super) fn card(lines: &[String]) -> Self {
        Self {
            title: "Review ended".to_owned(),
            text: String::new(),
            read: lines.join("\n"),
            hex: None,
            cut: true,
            scroll: Scroll::default(),
        }
    }

    /// Scrolls or changes to hex; false when it is done with.
    pub(super) fn act(&mut self, action: Action) -> bool {
        match (action, self.hex) {
            (Action::Raw | Action::ToggleField, Some(hex)) => {
                self.hex = Some(!hex);
                self.scroll.to_top();
                true
            }
            _ => self.scroll.act(action),
        }
    }

    pub(super) fn draw(&self, buffer: &mut Buffer, screen: Rect, look: Look<'_>) {
        let frame = Frame { title: &self.title, width: WIDTH };
        let lines = if self.read.is_empty() {
            vec![styled("nothing was sent with it", look.theme.muted)]
        } else if self.hex == Some(true) {
            untrusted::hex(self.text.as_bytes()).map(|row| styled(row, look.theme.base)).collect()
        } else if self.cut {
            self.read.lines().map(|line| look.line(line, frame.room(screen), look.theme.base)).collect()
        } else {
            look.wrap(&self.read, frame.room(screen), WRAPPED, look.theme.base)
        };
        frame.draw_text(buffer, screen, look, &lines, &self.scroll);
    }
}
