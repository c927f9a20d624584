//! Store keys of the module.

use ve_proto::tendermint::types::ConsensusParams;
use ve_store::Item;

/// What governance decided in this block; the application takes it before the block is committed.
pub const UPDATE: Item<ConsensusParams> = Item::new("consensus", 0);
