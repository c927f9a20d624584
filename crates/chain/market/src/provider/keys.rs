//! Store keys of the module.

use ve_base::Address;
use ve_proto::ve::provider::v1::{Params, Provider, ProviderKey, ProviderState};
use ve_store::{Index, IndexedMap, Item, Map};

pub static PARAMS: Item<Params> = Item::new("provider", 0);

/// Leaving providers by the time at which their bond can be returned.
pub static EXITS: Index<u64, Address, Provider> = Index::new("provider", 2, |_, provider| {
    if provider.state() == ProviderState::Exiting { vec![provider.unlock_at] } else { Vec::new() }
});
pub static BY_STATE: Index<u8, Address, Provider> =
    Index::new("provider", 3, |_, provider| vec![u8::try_from(provider.state).unwrap_or_default()]);
pub static PROVIDERS: IndexedMap<Address, Provider> = IndexedMap::new("provider", 1, &[&EXITS, &BY_STATE]);

pub static KEYS: Map<(Address, String), ProviderKey> = Map::new("provider", 4);
