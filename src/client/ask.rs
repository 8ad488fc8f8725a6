//! Every command at its address, as the rows of `api::ADDRESSES` say.

use super::send::Ask;
use super::{Client, ClientError, Result};
use crate::api::{TakeBody, sent};
use crate::domain::command::{Command, KeyStep};
use crate::domain::reply::Reply;
use crate::domain::rule::signing::Meant;

impl Client {
    /// Has a command decided and recorded. What the rules refuse is such an answer too; the value of a revert is the
    /// server's to find.
    pub async fn ask(&self, command: &Command) -> Result<Reply> {
        self.continues_for(command).await?;
        if let Command::Take(take) = command {
            return Ok(self.take(&TakeBody::from(take)).await?.reply);
        }
        if let Command::ApplyMap(map) = command {
            let reason = map.reason.as_deref();
            let how = (map.planned, map.take_back);
            return self.put_map(&map.model.to_toml(), map.if_version, reason, how).await;
        }
        let protocol = |why: String| ClientError::Protocol { why };
        let meant = Meant::of(command);
        let sent = sent(command.clone()).map_err(|error| protocol(error.to_string()))?;
        let sent = sent.ok_or_else(|| protocol("no client sends this command".to_owned()))?;
        let waits_unsigned = matches!(command, Command::Key(KeyStep::Add { .. }));
        Ask::command(self, sent)?.means(meant).also_unsigned(waits_unsigned).send().await
    }
}
