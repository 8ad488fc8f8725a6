//! A line of a history as it was read: what it asks, or why it can't be taken, and what is in doubt since.

use std::fmt::Display;

use crate::domain::command::Import;
use crate::domain::path::{EntityPath, FieldName};

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number in the file, from 1.
    pub number: u64,
    /// What it asks.
    pub read: Result<Import, Broken>,
}

/// Why a line can't be taken. The lines around it are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Why, the same for all lines that have it.
    pub why: String,
    /// What exactly, of this line.
    pub detail: String,
    /// What it would have changed.
    pub doubt: Option<Doubt>,
}

/// What nobody can say any more: a line on it was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// Of which record.
    pub entity: EntityPath,
    /// Which fields; any, where that can't be told.
    pub fields: Option<Vec<FieldName>>,
}

impl Broken {
    pub(super) fn new(why: impl Into<String>, detail: impl Display) -> Self {
        Self { why: why.into(), detail: detail.to_string(), doubt: None }
    }

    pub(super) fn on(self, entity: EntityPath, fields: Option<Vec<FieldName>>) -> Self {
        Self { doubt: Some(Doubt { entity, fields }), ..self }
    }
}
