//! Store keys of the module.

use ve_base::{Address, BlockTime};
use ve_proto::cosmos::authz::v1beta1::Grant;
use ve_store::Map;

/// By (granter, grantee, type URL of the message).
pub const GRANTS: Map<(Address, Address, String), Grant> = Map::new("authz", 0);
/// (grantee, granter, type URL).
pub const BY_GRANTEE: Map<(Address, Address, String), ()> = Map::new("authz", 1);
/// (expiration, granter, grantee, type URL).
pub const QUEUE: Map<(BlockTime, Address, Address, String), ()> = Map::new("authz", 2);
