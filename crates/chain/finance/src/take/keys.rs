//! Store keys of the module.

use ve_proto::ve::take::v1::Params;
use ve_store::Item;

pub const PARAMS: Item<Params> = Item::new("take", 0);
