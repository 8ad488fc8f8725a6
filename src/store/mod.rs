//! Entities and idempotency keys on disk: an image of what the ledger says, at a known head, with a bounded cache in front. It is
//! disposable. It answers rightly, or says that it can't; in doubt it is thrown away whole, and the ledger is read again.

mod code;
mod error;
mod image;
mod images;
mod lately;
mod names;
#[cfg(test)]
mod tests;
mod tree;

pub use error::ImageError;
pub use image::{At, Changes, Image};
pub use images::Images;
