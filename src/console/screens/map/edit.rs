//! The map in the person's own editor: written to a file, read back, checked, and put in force after a look at the difference.
//!
//! What is wrong with it is said by the map's own reader; the server checks once more.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::console::action::Action;
use crate::console::untrusted;
use crate::console::widgets::Look;
use crate::console::widgets::modal::{Buttons, Frame};
use crate::domain::command::{ApplyMap, Command};
use crate::domain::ids::MapVersion;
use crate::domain::map::{Change, Finding, Model, Sign, difference, parse};
use crate::domain::state::Board;

/// Outer width of the box.
const WIDTH: u16 = 92;
/// Lines of differences or findings shown.
const SHOWN: usize = 18;

/// A map that came back from the editor.
#[derive(Debug)]
pub(super) struct Draft {
    file: PathBuf,
    /// The map that it was made for: compare-and-set.
    version: MapVersion,
    found: Found,
    buttons: Buttons,
}

#[derive(Debug)]
enum Found {
    /// It has errors.
    Broken(Vec<Finding>),
    /// It can be put in force.
    Ready { model: Arc<Model>, changes: Vec<Change> },
}

/// What came of a key.
#[derive(Debug)]
pub(super) enum Came {
    On,
    /// Given up; the file stays where there is something to mend in it.
    Closed {
        again: Option<PathBuf>,
    },
    Apply(Box<Command>),
}

/// Writes the map in force to a file of its own.
///
/// # Errors
/// When the file can't be written, with its name.
pub(super) fn write(board: &Board) -> Result<PathBuf, String> {
    let name = format!("deeds-{}-v{}-{}.toml", board.workspace, board.map_version, std::process::id());
    let file = std::env::temp_dir().join(name);
    // A file of this name is left from an edit that was given up; nobody else's is ever written over.
    _ = fs::remove_file(&file);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&file)
        .and_then(|mut open| open.write_all(board.map.model().to_toml().as_bytes()));
    match written {
        Ok(()) => Ok(file),
        Err(error) => {
            Err(format!("{} can't be written: {error}; set TMPDIR to a directory that can", file.display()))
        }
    }
}

impl Draft {
    /// Reads the file back. None where nothing was changed.
    ///
    /// # Errors
    /// When the file can't be read.
    pub(super) fn read(file: &Path, board: &Board) -> Result<Option<Self>, String> {
        let text =
            fs::read_to_string(file).map_err(|error| format!("{} can't be read: {error}", file.display()))?;
        let draft =
            |found, buttons| Some(Self { file: file.to_owned(), version: board.map_version, found, buttons });
        Ok(match parse(&text).applicable() {
            Err(findings) => draft(Found::Broken(findings), Buttons::safe_first(["close"])),
            Ok(model) => {
                let changes = difference(board.map.model(), &model);
                if changes.is_empty() {
                    _ = fs::remove_file(file);
                    return Ok(None);
                }
                let found = Found::Ready { model: Arc::new(model), changes };
                draft(found, Buttons::safe_first(["cancel", "put in force"]))
            }
        })
    }

    /// Does what an action asks for.
    #[expect(clippy::wildcard_enum_match_arm, reason = "a box knows no other action")]
    pub(super) fn act(&mut self, action: Action) -> Came {
        match action {
            Action::NextPane => self.buttons.step(true),
            Action::PreviousPane => self.buttons.step(false),
            Action::Close => return self.closed(),
            Action::Confirm if self.buttons.chosen() == 0 => return self.closed(),
            Action::Confirm => {
                if let Found::Ready { model, .. } = &self.found {
                    _ = fs::remove_file(&self.file);
                    let apply = ApplyMap {
                        model: Arc::clone(model),
                        if_version: self.version,
                        reason: None,
                        planned: false,
                    };
                    return Came::Apply(Box::new(Command::ApplyMap(apply)));
                }
            }
            _ => {}
        }
        Came::On
    }

    fn closed(&self) -> Came {
        match &self.found {
            Found::Broken(_) => Came::Closed { again: Some(self.file.clone()) },
            Found::Ready { .. } => {
                _ = fs::remove_file(&self.file);
                Came::Closed { again: None }
            }
        }
    }

    /// Draws the box.
    pub(super) fn draw(&self, buffer: &mut Buffer, screen: Rect, look: Look<'_>) {
        let room = usize::from(WIDTH.min(screen.width).saturating_sub(4));
        let (title, lines) = match &self.found {
            Found::Broken(findings) => {
                ("The map has errors; nothing was changed".to_owned(), broken(look, room, findings))
            }
            Found::Ready { model, changes } => (
                format!("Map v{} {} v{}", self.version, look.glyphs.arrow, self.version.next()),
                ready(look, room, model, changes),
            ),
        };
        Frame { title: &title, width: WIDTH }.draw_with_buttons(buffer, screen, look, &lines, &self.buttons);
    }
}

/// Where, what, and the mend.
fn broken(look: Look<'_>, room: usize, findings: &[Finding]) -> Vec<Line<'static>> {
    let theme = look.theme;
    let mut lines = Vec::new();
    for finding in findings.iter().filter(|finding| finding.is_error()) {
        let place = format!("{}:{} ", finding.line, finding.column);
        let mut line = vec![Span::styled(place.clone(), theme.danger)];
        let left = room.saturating_sub(place.len());
        line.extend(untrusted::fit_spans(&finding.message, left, theme.base, theme.escaped));
        lines.push(Line::from(line));
        lines.extend(untrusted::wrap(
            &format!("mend: {}", finding.mend),
            room,
            2,
            theme.muted,
            theme.escaped,
        ));
    }
    cut(look, lines, "E opens the file again, as you left it")
}

fn ready(look: Look<'_>, room: usize, model: &Model, changes: &[Change]) -> Vec<Line<'static>> {
    let theme = look.theme;
    let lines = changes.iter().map(|change| {
        let style = match change.sign {
            Sign::Added => theme.success,
            Sign::Removed => theme.danger,
            Sign::Changed => theme.warning,
        };
        Line::from(untrusted::fit_spans(&change.to_string(), room, style, theme.escaped))
    });
    let then = format!("then every request is decided by this map, with {} agents", model.agents.len());
    cut(look, lines.collect(), &then)
}

/// The first lines, how many more there are, and a last word.
fn cut(look: Look<'_>, mut lines: Vec<Line<'static>>, word: &str) -> Vec<Line<'static>> {
    let more = lines.len().saturating_sub(SHOWN);
    lines.truncate(SHOWN);
    if more > 0 {
        lines.push(Line::from(Span::styled(format!("and {more} lines more"), look.theme.muted)));
    }
    lines.push(Line::default());
    lines.push(Line::from(Span::styled(word.to_owned(), look.theme.subtle)));
    lines
}
