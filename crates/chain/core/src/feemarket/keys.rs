//! Store keys of the module.

use ve_proto::ve::feemarket::v1::{Params, State};
use ve_store::Item;

pub const PARAMS: Item<Params> = Item::new("feemarket", 0);
pub const STATE: Item<State> = Item::new("feemarket", 1);
