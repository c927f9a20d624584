//! Store keys of the module.

use ve_base::Address;
use ve_proto::ve::attester::v1::{Attester, AttesterState, Params, Record, SignerKey, UsedNonce};
use ve_store::{Index, IndexedMap, Item, Map};

use super::signer;

pub static PARAMS: Item<Params> = Item::new("attester", 0);

/// Leaving attesters by the time at which their bond can be returned.
pub static EXITS: Index<u64, Address, Attester> =
    Index::new("attester", 2, |_, attester| if attester.unlock_at > 0 { vec![attester.unlock_at] } else { Vec::new() });
/// The active ones by what they vouch for.
pub static BY_KIND: Index<u8, Address, Attester> = Index::new("attester", 3, |_, attester| {
    if attester.state() != AttesterState::Active {
        return Vec::new();
    }
    attester.kinds.iter().map(|kind| u8::try_from(*kind).unwrap_or_default()).collect()
});
pub static ATTESTERS: IndexedMap<Address, Attester> = IndexedMap::new("attester", 1, &[&EXITS, &BY_KIND]);

/// Signer keys by the time of their next step.
pub static KEY_DUE: Index<u64, (Address, String), SignerKey> =
    Index::new("attester", 5, |_, key| signer::next(key).into_iter().collect());
/// By attester and key id.
pub static KEYS: IndexedMap<(Address, String), SignerKey> = IndexedMap::new("attester", 4, &[&KEY_DUE]);

pub static BY_SUBJECT: Index<String, String, Record> =
    Index::new("attester", 7, |_, record| vec![attestation(record).subject]);
pub static BY_SIGNER: Index<(String, String, u64), String, Record> = Index::new("attester", 8, |_, record| {
    let of = attestation(record);
    vec![(of.issuer, of.key_id, of.issued_at)]
});
/// By kind and blinded name of the upstream account.
pub static BY_UPSTREAM: Index<(u32, Vec<u8>), String, Record> = Index::new("attester", 9, |_, record| {
    let of = attestation(record);
    if of.upstream.is_empty() { Vec::new() } else { vec![(upstream_space(of.kind), of.upstream)] }
});
pub static RECORD_DUE: Index<u64, String, Record> =
    Index::new("attester", 10, |_, record| vec![attestation(record).expires_at]);
/// By id.
pub static RECORDS: IndexedMap<String, Record> =
    IndexedMap::new("attester", 6, &[&BY_SUBJECT, &BY_SIGNER, &BY_UPSTREAM, &RECORD_DUE]);

pub static NONCE_DUE: Index<u64, (Address, Vec<u8>), UsedNonce> =
    Index::new("attester", 12, |_, nonce| vec![nonce.expires_at]);
/// By issuer.
pub static NONCES: IndexedMap<(Address, Vec<u8>), UsedNonce> = IndexedMap::new("attester", 11, &[&NONCE_DUE]);
/// How many nonces of an issuer are remembered.
pub static NONCE_COUNT: Map<Address, u32> = Map::new("attester", 13);

/// Signer keys whose attestations are being dropped.
pub static DROPPING: Map<(Address, String), u64> = Map::new("attester", 14);

fn attestation(record: &Record) -> ve_proto::ve::attester::v1::Attestation {
    record.attestation.clone().unwrap_or_default()
}

/// A telephone number is one number whether a text or a call reached it, so both share a space of names.
pub fn upstream_space(kind: i32) -> u32 {
    use ve_proto::ve::attester::v1::Kind;
    let kind = if kind == Kind::Call as i32 { Kind::Sms as i32 } else { kind };
    u32::try_from(kind).unwrap_or_default()
}
