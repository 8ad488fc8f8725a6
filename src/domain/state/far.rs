//! What lies outside memory: values and idempotency keys as an image on disk has them. Asked here, written elsewhere; a domain
//! knows neither files nor formats.

use std::fmt::Debug;
use std::sync::Arc;

use thiserror::Error;

use super::access::{Fingerprint, Kept};
use crate::domain::ids::Seq;
use crate::domain::path::EntityPath;
use crate::domain::things::Entity;

/// Why what lies outside memory could not be read. Nothing that was decided on it counts.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("values can't be read: {0}")]
pub struct FarError(pub Arc<str>);

/// Values and idempotency keys that lie outside memory, as they are at one head. Reading only.
pub trait Far: Debug + Send + Sync {
    /// The last deed that is in it.
    fn head(&self) -> Seq;

    /// One entity.
    ///
    /// # Errors
    /// Where it can't be read; that is never "there is none".
    fn entity(&self, path: &EntityPath) -> Result<Option<Arc<Entity>>, FarError>;

    /// Entities by path, those after `after` whose path begins with `prefix`, `most` at most.
    ///
    /// # Errors
    /// Where one can't be read.
    fn entities(
        &self,
        prefix: &str,
        after: Option<&EntityPath>,
        most: usize,
    ) -> Result<Vec<(EntityPath, Arc<Entity>)>, FarError>;

    /// What was answered to a key, by its fingerprint.
    ///
    /// # Errors
    /// Where it can't be read; that is never "there is none".
    fn key(&self, print: &Fingerprint) -> Result<Option<Kept>, FarError>;

    /// Keys by age, which is by the deed that answered, then by part (the whole request first): those after that place,
    /// `most` at most.
    ///
    /// # Errors
    /// Where one can't be read.
    fn keys(&self, after: Option<(Seq, Option<u32>)>, most: usize) -> Result<Vec<Kept>, FarError>;

    /// The same as it is now, whatever is written later.
    fn pinned(&self) -> Arc<dyn Far>;
}
