//! Store keys of the module.

use ve_base::Address;
use ve_proto::ve::performance::v1::{Epoch, Params, ValidatorPerformance};
use ve_store::{Item, Map};

pub const PARAMS: Item<Params> = Item::new("performance", 0);
pub const EPOCH: Item<Epoch> = Item::new("performance", 1);
/// By (operator, epoch).
pub const FINISHED: Map<(Address, u64), ValidatorPerformance> = Map::new("performance", 2);
