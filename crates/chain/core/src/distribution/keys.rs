//! Store keys of the module. Validators are keyed by operator address.

use ve_base::Address;
use ve_proto::cosmos::distribution::v1beta1::{DelegatorStartingInfo, FeePool, Params, ValidatorHistoricalRewards};
use ve_proto::ve::distribution::v1::{SlashSegment, ValidatorRewards};
use ve_store::{Item, Map};

pub const PARAMS: Item<Params> = Item::new("distribution", 0);
pub const FEE_POOL: Item<FeePool> = Item::new("distribution", 1);
/// Where a delegator wants its rewards; absent when that is its own account.
pub const WITHDRAW: Map<Address, Address> = Map::new("distribution", 2);
pub const REWARDS: Map<Address, ValidatorRewards> = Map::new("distribution", 3);
/// By (operator, period that ended).
pub const HISTORICAL: Map<(Address, u64), ValidatorHistoricalRewards> = Map::new("distribution", 4);
/// By (operator, delegator).
pub const STARTS: Map<(Address, Address), DelegatorStartingInfo> = Map::new("distribution", 5);
/// By (operator, period that the slash ended).
pub const SLASHES: Map<(Address, u64), SlashSegment> = Map::new("distribution", 6);
