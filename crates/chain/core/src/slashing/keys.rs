//! Store keys of the module. Signatures are kept by consensus address.

use ve_base::Address;
use ve_proto::cosmos::slashing::v1beta1::Params;
use ve_proto::ve::slashing::v1::{SigningState, SlashRecord};
use ve_store::{Item, Map};

pub const PARAMS: Item<Params> = Item::new("slashing", 0);
pub const SIGNING: Map<Address, SigningState> = Map::new("slashing", 1);
/// Blocks by stretch of the window.
pub const BLOCKS: Map<u64, u64> = Map::new("slashing", 2);
pub const RECORDS: Map<u64, SlashRecord> = Map::new("slashing", 3);
/// (operator, record).
pub const RECORDS_OF: Map<(Address, u64), ()> = Map::new("slashing", 4);
/// Record by (operator, reason, evidence hash): one infraction is punished once.
pub const PUNISHED: Map<(Address, u64, [u8; 32]), u64> = Map::new("slashing", 5);
/// The id that the next record gets.
pub const NEXT_ID: Item<u64> = Item::new("slashing", 6);
