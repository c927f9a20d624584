//! Store keys of the module.

use ve_base::{ACCOUNT_PREFIX, Address};
use ve_proto::ve::enclave::v1::{Anchor, Committee, EnclaveIdentity, Health, Measurement, Params, TcbFloor};
use ve_store::{Index, IndexedMap, Item, Map, UniqueIndex};

use super::registry;

pub static PARAMS: Item<Params> = Item::new("enclave", 0);

/// Whether simulated enclaves are allowed.
pub static SIMULATED: Item<bool> = Item::new("enclave", 1);

pub static MEASUREMENTS: Map<Vec<u8>, Measurement> = Map::new("enclave", 2);

/// Those in use, by validator.
pub static BY_VALIDATOR: Index<Address, u64, EnclaveIdentity> =
    Index::new(
        "enclave",
        4,
        |_, enclave| {
            if registry::in_use(enclave) { known(&enclave.validator) } else { Vec::new() }
        },
    );

/// Those in use, by measurement.
pub static BY_MEASUREMENT: Index<Vec<u8>, u64, EnclaveIdentity> =
    Index::new(
        "enclave",
        5,
        |_, enclave| {
            if registry::in_use(enclave) { vec![enclave.measurement.clone()] } else { Vec::new() }
        },
    );

/// When an enclave expires, or is forgotten after its end.
pub static ENCLAVES_DUE: Index<u64, u64, EnclaveIdentity> =
    Index::new("enclave", 6, |_, enclave| vec![registry::next(enclave)]);

/// Both keys of every enclave that is not forgotten: each belongs to one.
pub static BY_KEY: UniqueIndex<Vec<u8>, u64, EnclaveIdentity> =
    UniqueIndex::new("enclave", 7, |_, enclave| vec![enclave.enc_pubkey.clone(), enclave.sig_pubkey.clone()]);

pub static ENCLAVES: IndexedMap<u64, EnclaveIdentity> =
    IndexedMap::new("enclave", 3, &[&BY_VALIDATOR, &BY_MEASUREMENT, &ENCLAVES_DUE, &BY_KEY]);

pub static NEXT_ID: Item<u64> = Item::new("enclave", 8);

/// When a validator registered last.
pub static REGISTERED: Map<Address, u64> = Map::new("enclave", 9);

/// When the next heartbeat is missed; none is waited for from validators without an enclave.
pub static HEALTH_DUE: Index<u64, Address, Health> =
    Index::new("enclave", 11, |_, health| if health.next_due == 0 { Vec::new() } else { vec![health.next_due] });

pub static HEALTH: IndexedMap<Address, Health> = IndexedMap::new("enclave", 10, &[&HEALTH_DUE]);

/// By epoch.
pub static COMMITTEES: Map<u64, Committee> = Map::new("enclave", 12);

/// Recent blocks, by height.
pub static ANCHORS: Map<u64, Anchor> = Map::new("enclave", 13);

/// By kind of hardware.
pub static FLOORS: Map<u32, TcbFloor> = Map::new("enclave", 14);

/// Addresses in records were checked when they were written.
fn known(text: &str) -> Vec<Address> {
    Address::from_bech32(text, ACCOUNT_PREFIX).into_iter().collect()
}
