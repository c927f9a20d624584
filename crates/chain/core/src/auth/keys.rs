//! Store keys of the module.

use prost_types::Any;
use ve_base::{Address, BlockTime};
use ve_proto::cosmos::auth::v1beta1::Params;
use ve_store::{Item, Map};

pub const PARAMS: Item<Params> = Item::new("auth", 0);
/// Accounts by address, as `Any` so that further account types (vesting) need no new table.
pub const ACCOUNTS: Map<Address, Any> = Map::new("auth", 1);
/// The number that the next new account gets.
pub const NEXT_NUMBER: Item<u64> = Item::new("auth", 2);
/// Address by account number.
pub const BY_NUMBER: Map<u64, Address> = Map::new("auth", 3);
/// Unordered transactions that ran and are not void yet, by (time-out, hash of what was signed).
pub const UNORDERED: Map<(BlockTime, [u8; 32]), ()> = Map::new("auth", 4);
pub const UNORDERED_COUNT: Item<u64> = Item::new("auth", 5);
