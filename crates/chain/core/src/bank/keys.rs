//! Store keys of the module.

use ve_base::{Address, Amount};
use ve_proto::cosmos::bank::v1beta1::{Metadata, Params};
use ve_store::{Item, Map};

pub const PARAMS: Item<Params> = Item::new("bank", 0);
pub const SUPPLY: Map<String, Amount> = Map::new("bank", 1);
pub const BALANCES: Map<(Address, String), Amount> = Map::new("bank", 2);
/// Who holds a denomination; written only when a balance begins or ends.
pub const OWNERS: Map<(String, Address), ()> = Map::new("bank", 3);
pub const METADATA: Map<String, Metadata> = Map::new("bank", 4);
/// Denominations whose user transfers differ from the default.
pub const SEND_ENABLED: Map<String, bool> = Map::new("bank", 5);
/// What modules destroyed, by denomination.
pub const BURNED: Map<String, Amount> = Map::new("bank", 6);
