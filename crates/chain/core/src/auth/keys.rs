//! Store keys of the module.

use prost_types::Any;
use ve_base::Address;
use ve_proto::cosmos::auth::v1beta1::Params;
use ve_store::{Item, Map};

pub const PARAMS: Item<Params> = Item::new("auth", 0);
/// Accounts by address, as `Any` so that further account types (vesting) need no new table.
pub const ACCOUNTS: Map<Address, Any> = Map::new("auth", 1);
/// The number that the next new account gets.
pub const NEXT_NUMBER: Item<u64> = Item::new("auth", 2);
/// Address by account number.
pub const BY_NUMBER: Map<u64, Address> = Map::new("auth", 3);
