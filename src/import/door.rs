//! A server's front door, as the client knows it.

use std::collections::BTreeMap;

use super::{Door, Look, Tally};
use crate::api::{BatchResult, Problem};
use crate::client::{Client, ClientError};
use crate::domain::command::Import;
use crate::domain::reply::Reply;
use crate::domain::things::AlertKind;

/// From this status on the server is at fault, and a line that it did not take may be taken later.
const SERVER_AT_FAULT: u16 = 500;

impl Door for Client {
    type Error = ClientError;

    async fn send(&self, lines: &[Import]) -> Result<Vec<Result<Reply, String>>, ClientError> {
        self.import(lines).await?.into_iter().map(taken).collect()
    }

    async fn look(&self) -> Result<Look, ClientError> {
        let list = self.alerts(false).await?;
        let mut alerts: BTreeMap<AlertKind, Tally> = BTreeMap::new();
        for alert in &list.alerts {
            let tally = alerts.entry(alert.kind).or_default();
            tally.alerts += 1;
            tally.times += alert.count;
        }
        Ok(Look { head: list.seq, alerts })
    }
}

/// A line's answer. A line that the server could not even try ends the import; it goes on there the next time.
fn taken(result: BatchResult) -> Result<Result<Reply, String>, ClientError> {
    match result {
        BatchResult::Reply(reply) => Ok(Ok(*reply)),
        BatchResult::Problem(problem) if problem.status >= SERVER_AT_FAULT => {
            Err(ClientError::Problem(problem))
        }
        BatchResult::Problem(problem) => Ok(Err(said(&problem))),
    }
}

fn said(problem: &Problem) -> String {
    format!("{}; {}", problem.detail, problem.next)
}
