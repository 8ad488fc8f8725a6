//! One request whose body and answer are somebody else's to read.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;

use super::send::Ask;
use super::{Client, ClientError, Result};

impl Client {
    /// Asks an address, with a body of JSON or without; the answer as it came. `wait` is how much longer than usual the server
    /// may take on purpose.
    ///
    /// # Errors
    /// When there is no answer, or it is a problem.
    pub async fn raw(
        &self,
        method: &str,
        path: String,
        body: Option<Vec<u8>>,
        wait: Duration,
    ) -> Result<Bytes> {
        let method = Method::from_bytes(method.as_bytes())
            .map_err(|error| ClientError::Protocol { why: error.to_string() })?;
        Ask::raw(self, method, path, body).patient(wait).bytes().await
    }
}
