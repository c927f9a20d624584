//! Store keys of the module.

use ve_base::{Address, BlockTime, Dec};
use ve_proto::cosmos::gov::v1::{Deposit, Params, Proposal, Vote};
use ve_proto::ve::gov::v1::EffectiveParams;
use ve_store::{Item, Map};

pub const PARAMS: Item<Params> = Item::new("gov", 0);
/// The id that the next proposal gets.
pub const NEXT_ID: Item<u64> = Item::new("gov", 1);
pub const PROPOSALS: Map<u64, Proposal> = Map::new("gov", 2);
/// By (proposal, depositor).
pub const DEPOSITS: Map<(u64, Address), Deposit> = Map::new("gov", 3);
/// By (proposal, voter).
pub const VOTES: Map<(u64, Address), Vote> = Map::new("gov", 4);
/// (voter, proposal).
pub const BY_VOTER: Map<(Address, u64), ()> = Map::new("gov", 5);
/// Shares of delegators who voted themselves, by (proposal, operator, option).
pub const VOTED: Map<(u64, Address, u32), Dec> = Map::new("gov", 6);
/// Proposals in their deposit period by (its end, id).
pub const DEPOSIT_QUEUE: Map<(BlockTime, u64), ()> = Map::new("gov", 7);
/// Proposals in their voting period by (its end, id).
pub const VOTING_QUEUE: Map<(BlockTime, u64), ()> = Map::new("gov", 8);
/// Proposals that passed and wait for their execution by (its time, id).
pub const TIMELOCK_QUEUE: Map<(BlockTime, u64), ()> = Map::new("gov", 9);
/// Proposals in their voting period.
pub const VOTING: Map<u64, ()> = Map::new("gov", 10);
/// Proposals that ended with votes and deposits to clear away: the part of each deposit that is burned.
pub const CLEARING: Map<u64, Dec> = Map::new("gov", 11);
pub const CONSTITUTION: Item<String> = Item::new("gov", 12);
/// Parameters of a package by (package, first block under them); 0 for those before the first change.
pub const PARAMS_SINCE: Map<(String, u64), EffectiveParams> = Map::new("gov", 13);
/// Packages whose parameters changed in the last block.
pub const PARAMS_CHANGED: Map<String, ()> = Map::new("gov", 14);
