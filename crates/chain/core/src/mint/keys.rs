//! Store keys of the module.

use ve_proto::cosmos::mint::v1beta1::Params;
use ve_proto::ve::mint::v1::State;
use ve_store::Item;

pub const PARAMS: Item<Params> = Item::new("mint", 0);
pub const STATE: Item<State> = Item::new("mint", 1);
