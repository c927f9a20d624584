//! Store keys of the module.

use prost_types::Any;
use ve_base::{Address, BlockTime};
use ve_store::Map;

/// Allowances by (grantee, granter).
pub const ALLOWANCES: Map<(Address, Address), Any> = Map::new("feegrant", 0);
/// (granter, grantee).
pub const BY_GRANTER: Map<(Address, Address), ()> = Map::new("feegrant", 1);
/// (expiration, grantee, granter).
pub const QUEUE: Map<(BlockTime, Address, Address), ()> = Map::new("feegrant", 2);
