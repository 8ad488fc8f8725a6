//! Why an image does not answer.

use std::sync::Arc;

use thiserror::Error;

use crate::domain::state::FarError;

/// Why an image could not be read or written. Where it is not known what it would have said, it says nothing.
#[derive(Debug, Clone, Error)]
pub enum ImageError {
    /// It can't be believed any more: one where a row makes no sense, and where the files can't be read that of no workspace of the
    /// node. `Image::clear` begins a new one.
    #[error("the image of values is in doubt ({0}); it is made anew from the ledger")]
    Doubt(Arc<str>),
    /// Not now, and that says nothing about what is in it: a full disk, no more files. To be tried again.
    #[error("the image of values can't be used now: {0}")]
    Later(Arc<str>),
    /// There is no folder for it.
    #[error("the folder of the image, {0}: {1}")]
    Folder(Arc<str>, Arc<str>),
}

impl From<ImageError> for FarError {
    fn from(error: ImageError) -> Self {
        Self(error.to_string().into())
    }
}
