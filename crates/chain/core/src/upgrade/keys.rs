//! Store keys of the module.

use ve_proto::cosmos::upgrade::v1beta1::Plan;
use ve_store::{Item, Map};

pub const PLAN: Item<Plan> = Item::new("upgrade", 0);
/// Height of the first block after each applied upgrade, by its name.
pub const APPLIED: Map<String, u64> = Map::new("upgrade", 1);
/// Version of the state of each module.
pub const VERSIONS: Map<String, u64> = Map::new("upgrade", 2);
