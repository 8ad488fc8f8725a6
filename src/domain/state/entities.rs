//! Every entity by its path.

use std::hash::BuildHasherDefault;
use std::sync::Arc;

use crate::domain::path::EntityPath;
use crate::domain::things::Entity;

/// A hasher without a random seed, so that two replays build the same map.
pub type Hasher = BuildHasherDefault<std::collections::hash_map::DefaultHasher>;

/// Every entity of the workspace.
pub type Entities = imbl::GenericHashMap<EntityPath, Arc<Entity>, Hasher, imbl::shared_ptr::DefaultSharedPtr>;
