//! Lists: JSON for programs; for people a table with a row for each, or the sentence that says that there is none.

use serde::Serialize;

use super::context::Context;
use super::output::{self, Output};
use super::status::Status;
use super::then::{self, Then};
use crate::client::{self, Client};
use crate::console::widgets::PLAIN;
use crate::domain::ids::Actor;
use crate::domain::state::Stop;
use crate::domain::time::Time;

/// A list that commands print, of what was found.
pub(super) struct List<F: 'static, T: 'static> {
    /// The rows of it.
    pub(super) rows: fn(&F) -> Vec<&T>,
    /// What each row has.
    pub(super) columns: &'static [Column<T>],
    /// What is said where there is none.
    pub(super) none: &'static str,
}

/// A column: its heading, and what a row has in it.
pub(super) struct Column<T> {
    heading: &'static str,
    cell: Cell<T>,
}

enum Cell<T> {
    Of(fn(&T) -> String),
    At(fn(&T, Time) -> String),
}

/// A column whose cells are always the same.
pub(super) const fn of<T>(heading: &'static str, cell: fn(&T) -> String) -> Column<T> {
    Column { heading, cell: Cell::Of(cell) }
}

/// A column whose cells depend on how late it is.
pub(super) const fn at<T>(heading: &'static str, cell: fn(&T, Time) -> String) -> Column<T> {
    Column { heading, cell: Cell::At(cell) }
}

/// Tells a person that every agent is paused, where they are.
pub(super) fn tell_paused(out: Output, stop: Option<&Stop>) -> anyhow::Result<()> {
    match stop.filter(|_| !out.json) {
        Some(stop) => output::line(format!("all agents are paused {}", stop.words())),
        None => Ok(()),
    }
}

/// What may be absent, as a cell.
pub(super) fn maybe(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// Somebody who may be an agent, a person or Deeds, as a cell: the sign of what they are before the name, as on the console's screens.
pub(super) fn who(actor: &Actor) -> String {
    PLAIN.who(actor)
}

impl<F: Serialize, T> List<F, T> {
    /// Asks for it, of that moment, and prints it.
    pub(super) fn run(
        &self,
        context: &Context,
        then: &Then,
        find: impl AsyncFnOnce(&Client) -> client::Result<F>,
    ) -> anyhow::Result<Status> {
        then::with_client(context, then, async |client| {
            self.print(context.out, client, &find(client).await?).await
        })
    }

    /// Prints what was found.
    pub(super) async fn print(&self, out: Output, client: &Client, found: &F) -> anyhow::Result<Status> {
        if out.json {
            output::json(found)?;
            return Ok(Status::Done);
        }
        then::tell(out, client)?;
        let rows = (self.rows)(found);
        if rows.is_empty() {
            out.faint(self.none)?;
            return Ok(Status::Done);
        }
        let ages = self.columns.iter().any(|column| matches!(column.cell, Cell::At(_)));
        let now = if ages { client.now().await? } else { Time::default() };
        self.table(out, &rows, now)?;
        Ok(Status::Done)
    }

    /// Prints rows as they were at that time.
    pub(super) fn table(&self, out: Output, rows: &[&T], now: Time) -> anyhow::Result<()> {
        let header: Vec<&str> = self.columns.iter().map(|column| column.heading).collect();
        let cell = |row: &T, column: &Column<T>| match column.cell {
            Cell::Of(cell) => cell(row),
            Cell::At(cell) => cell(row, now),
        };
        let cells = |row: &&T| self.columns.iter().map(|column| cell(row, column)).collect::<Vec<_>>();
        out.table(&header, &rows.iter().map(cells).collect::<Vec<_>>())
    }
}
