//! Store keys of the module.

use ve_proto::ve::admission::v1::Params;
use ve_store::Item;

pub const PARAMS: Item<Params> = Item::new("admission", 0);
