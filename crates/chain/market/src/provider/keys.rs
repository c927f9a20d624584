//! Store keys of the module.

use ve_base::{Address, Amount};
use ve_proto::ve::provider::v1::{
    Departure, DomainState, DomainVerification, Liveness, Params, Penalty, Provider, ProviderKey, ProviderState,
};
use ve_store::index::Indexer;
use ve_store::{Index, IndexedMap, Item, KvError, Map, Space, UniqueIndex, Write};

pub static PARAMS: Item<Params> = Item::new("provider", 0);

/// Leaving providers by the time at which their bond can be returned.
pub static EXITS: Index<u64, Address, Provider> = Index::new("provider", 2, |_, provider| {
    if provider.state() == ProviderState::Exiting { vec![provider.unlock_at] } else { Vec::new() }
});
pub static BY_STATE: Index<u8, Address, Provider> =
    Index::new("provider", 3, |_, provider| vec![u8::try_from(provider.state).unwrap_or_default()]);
/// By the time at which the bond is looked at next.
pub static CHECKS: Index<u64, Address, Provider> =
    Index::new("provider", 5, |_, provider| if provider.check_at > 0 { vec![provider.check_at] } else { Vec::new() });
pub static PROVIDERS: IndexedMap<Address, Provider> =
    IndexedMap::new("provider", 1, &[&EXITS, &BY_STATE, &CHECKS, &BondedTotal]);

/// Sum of the bonds of active and restricted providers.
pub static BONDED: Item<Amount> = Item::new("provider", 11);

/// Keeps [`BONDED`] in step with the providers.
struct BondedTotal;

impl BondedTotal {
    fn of(provider: &Provider) -> Amount {
        if matches!(provider.state(), ProviderState::Active | ProviderState::Restricted) {
            return provider.bond.parse().unwrap_or_default();
        }
        Amount::ZERO
    }
}

impl Indexer<Address, Provider> for BondedTotal {
    fn insert(&self, kv: &mut dyn Write, _key: &Address, value: &Provider) -> Result<(), KvError> {
        // Coins in existence are far fewer than the type can hold.
        let sum = BONDED.get(kv)?.unwrap_or_default().checked_add(Self::of(value)).unwrap_or(Amount::MAX);
        BONDED.set(kv, &sum)
    }

    fn remove(&self, kv: &mut dyn Write, _key: &Address, value: &Provider) -> Result<(), KvError> {
        BONDED.set(kv, &BONDED.get(kv)?.unwrap_or_default().saturating_sub(Self::of(value)))
    }

    fn space(&self) -> Space {
        BONDED.space()
    }
}

pub static KEYS: Map<(Address, String), ProviderKey> = Map::new("provider", 4);

/// By the time at which a silent provider counts as lost.
pub static SILENT: Index<u64, Address, Liveness> =
    Index::new("provider", 7, |_, life| if life.lost_at > 0 { vec![life.lost_at] } else { Vec::new() });
pub static LIVENESS: IndexedMap<Address, Liveness> = IndexedMap::new("provider", 6, &[&SILENT]);

/// Penalties whose payment is under way.
pub static PENALTIES: Map<Address, Penalty> = Map::new("provider", 8);

/// Bonds that left within the window of a surge, by time, and their sum.
pub static DEPARTURES: Map<(u64, Address), Departure> = Map::new("provider", 9);
pub static DEPARTED: Item<Amount> = Item::new("provider", 10);

/// The newest request of each provider; the pending ones by the time at which they expire.
pub static DOMAIN_REQUEST_DUE: Index<u64, Address, DomainVerification> =
    Index::new(
        "provider",
        14,
        |_, asked| {
            if asked.state() == DomainState::Pending { vec![asked.expires_at] } else { Vec::new() }
        },
    );
pub static DOMAIN_REQUESTS: IndexedMap<Address, DomainVerification> =
    IndexedMap::new("provider", 13, &[&DOMAIN_REQUEST_DUE]);

/// Verified domains by provider; by name; by the time at which they are looked at.
pub static DOMAIN_OWNERS: UniqueIndex<String, Address, DomainVerification> =
    UniqueIndex::new("provider", 16, |_, verified| vec![verified.domain.clone()]);
pub static DOMAIN_DUE: Index<u64, Address, DomainVerification> =
    Index::new("provider", 17, |_, verified| vec![verified.expires_at.min(verified.recheck_at)]);
pub static DOMAINS: IndexedMap<Address, DomainVerification> =
    IndexedMap::new("provider", 15, &[&DOMAIN_OWNERS, &DOMAIN_DUE]);

/// (provider, customer that it refuses).
pub static DENIALS: Map<(Address, Address), ()> = Map::new("provider", 12);
