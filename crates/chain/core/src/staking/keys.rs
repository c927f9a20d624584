//! Store keys of the module. Validators are keyed by operator address; indexes hold no values.

use prost_types::Timestamp;
use ve_base::{Address, BlockTime, Dec};
use ve_proto::cosmos::staking::v1beta1::{HistoricalInfo, Params};
use ve_store::{Item, Map};

use super::entries::{Redelegation, Unbonding};
use super::validator::Validator;

pub const PARAMS: Item<Params> = Item::new("staking", 0);
pub const VALIDATORS: Map<Address, Validator> = Map::new("staking", 1);
/// Operator by consensus address.
pub const BY_CONSENSUS: Map<Address, Address> = Map::new("staking", 2);
/// Validators that are not jailed by (2^64 − 1 − power, operator): the strongest first, ties by address.
pub const BY_POWER: Map<(u64, Address), ()> = Map::new("staking", 3);
/// Power of each member of the set that consensus has.
pub const LAST_POWERS: Map<Address, u64> = Map::new("staking", 4);
pub const LAST_TOTAL_POWER: Item<u64> = Item::new("staking", 5);
/// Shares by (delegator, operator).
pub const DELEGATIONS: Map<(Address, Address), Dec> = Map::new("staking", 6);
/// (operator, delegator).
pub const DELEGATORS: Map<(Address, Address), ()> = Map::new("staking", 7);
/// By (delegator, operator).
pub const UNBONDINGS: Map<(Address, Address), Unbonding> = Map::new("staking", 8);
/// (operator, delegator).
pub const UNBONDINGS_OF_VALIDATOR: Map<(Address, Address), ()> = Map::new("staking", 9);
/// (completion time, delegator, operator).
pub const UNBONDING_QUEUE: Map<(BlockTime, Address, Address), ()> = Map::new("staking", 10);
/// By (delegator, source, destination).
pub const REDELEGATIONS: Map<(Address, Address, Address), Redelegation> = Map::new("staking", 11);
/// (source, delegator, destination).
pub const REDELEGATIONS_OF_SOURCE: Map<(Address, Address, Address), ()> = Map::new("staking", 12);
/// (delegator, destination, source): whether a delegator's stake with a validator came from another one.
pub const REDELEGATIONS_TO: Map<(Address, Address, Address), ()> = Map::new("staking", 13);
/// (completion time, delegator, source, destination).
pub const REDELEGATION_QUEUE: Map<(BlockTime, Address, Address, Address), ()> = Map::new("staking", 14);
/// Validators on their way out by (time at which they are unbonded, operator).
pub const VALIDATOR_QUEUE: Map<(BlockTime, Address), ()> = Map::new("staking", 15);
pub const HISTORY: Map<u64, HistoricalInfo> = Map::new("staking", 16);
/// The id that the next unbonding or redelegation entry gets.
pub const NEXT_ENTRY_ID: Item<u64> = Item::new("staking", 17);
/// Power of a validator by (operator, height of the block whose end gave it); 0 when it left the set.
pub const POWERS: Map<(Address, u64), u64> = Map::new("staking", 18);
/// Time of a block, of one in many.
pub const TIMES: Map<u64, Timestamp> = Map::new("staking", 19);
/// How far the clearing of [`POWERS`] has come: one key of it, or none.
pub const CLEARED: Map<(Address, u64), ()> = Map::new("staking", 20);
