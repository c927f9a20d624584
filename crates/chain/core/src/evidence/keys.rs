//! Store keys of the module.

use prost_types::Any;
use ve_store::Map;

/// A packed `Equivocation` by the SHA-256 of its bytes.
pub const EVIDENCE: Map<[u8; 32], Any> = Map::new("evidence", 0);
