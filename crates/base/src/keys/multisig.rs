//! Threshold keys in the legacy amino form that Cosmos wallets use: k of n member keys, members sign amino JSON.

use prost::{Message, Name as _};
use ve_proto::cosmos::crypto::multisig::LegacyAminoPubKey;
use ve_proto::cosmos::crypto::multisig::v1beta1::{CompactBitArray, MultiSignature};

use super::{PublicKey, invalid};
use crate::errors::sdk::Error;

/// Members of one multisig, as many as a transaction may have signatures.
pub const MAX_MEMBERS: usize = 7;

const AMINO_MULTISIG: [u8; 4] = [0x22, 0xC1, 0xF7, 0xE2];
const AMINO_SECP256K1: [u8; 5] = [0xEB, 0x5A, 0xE9, 0x87, 0x21];
const AMINO_ED25519: [u8; 5] = [0x16, 0x24, 0xDE, 0x64, 0x20];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Multisig {
    threshold: u32,
    members: Vec<PublicKey>,
}

impl Multisig {
    /// Members are single secp256k1 or ed25519 keys, in the order that the address depends on.
    pub fn new(threshold: u32, members: Vec<PublicKey>) -> Result<Self, Error> {
        if members.is_empty() || members.len() > MAX_MEMBERS {
            return Err(invalid(format!("a multisig has 1 to {MAX_MEMBERS} members, got {}", members.len())));
        }
        if threshold == 0 || threshold as usize > members.len() {
            return Err(invalid(format!("a threshold of {threshold} for {} members", members.len())));
        }
        if members.iter().any(|member| !matches!(member, PublicKey::Secp256k1(_) | PublicKey::Ed25519(_))) {
            return Err(invalid("multisig members are secp256k1 or ed25519 keys"));
        }
        Ok(Self { threshold, members })
    }

    pub fn threshold(&self) -> usize {
        self.threshold as usize
    }

    pub fn members(&self) -> &[PublicKey] {
        &self.members
    }

    pub(super) fn from_proto(key: &LegacyAminoPubKey) -> Result<Self, Error> {
        if key.public_keys.len() > MAX_MEMBERS {
            return Err(invalid(format!("a multisig has at most {MAX_MEMBERS} members")));
        }
        // Before a member is decoded: keys inside keys inside keys would be walked to their end.
        if key.public_keys.iter().any(|member| member.type_url == LegacyAminoPubKey::type_url()) {
            return Err(invalid("multisig members are secp256k1 or ed25519 keys, not multisigs"));
        }
        let members = key.public_keys.iter().map(PublicKey::from_any).collect::<Result<_, _>>()?;
        Self::new(key.threshold, members)
    }

    pub(super) fn to_proto(&self) -> LegacyAminoPubKey {
        LegacyAminoPubKey {
            threshold: self.threshold,
            public_keys: self.members.iter().map(PublicKey::to_any).collect(),
        }
    }

    /// Amino binary encoding, whose hash is the address.
    pub(super) fn amino(&self) -> Vec<u8> {
        let mut bytes = AMINO_MULTISIG.to_vec();
        bytes.push(0x08);
        prost::encoding::encode_varint(u64::from(self.threshold), &mut bytes);
        for member in &self.members {
            let encoded = match member {
                PublicKey::Secp256k1(key) => [&AMINO_SECP256K1[..], key].concat(),
                PublicKey::Ed25519(key) => [&AMINO_ED25519[..], key].concat(),
                PublicKey::Secp256r1(_) | PublicKey::Multisig(_) => continue,
            };
            bytes.push(0x12);
            prost::encoding::encode_varint(encoded.len() as u64, &mut bytes);
            bytes.extend(encoded);
        }
        bytes
    }

    /// How many members signed, for gas; the threshold when the bytes cannot be read.
    pub fn count_signed(&self, signature: &[u8]) -> usize {
        MultiSignature::decode(signature).map_or(self.threshold(), |decoded| decoded.signatures.len())
    }

    /// Pairs each signature with the member that the bit array says made it.
    pub fn signed_by<'a>(
        &'a self,
        bits: &CompactBitArray,
        signature: &[u8],
    ) -> Result<Vec<MemberSignature<'a>>, Error> {
        let refused = |cause: String| Error::Unauthorized(format!("multisig: {cause}"));
        let decoded = MultiSignature::decode(signature).map_err(|_| refused("signature bytes do not decode".into()))?;
        if decoded.encode_to_vec() != signature {
            return Err(refused("signature bytes are not in their one form".into()));
        }
        let size = bit_count(bits).ok_or_else(|| refused("malformed bit array".into()))?;
        if size != self.members.len() {
            return Err(refused(format!("the bit array has {size} bits for {} members", self.members.len())));
        }
        // Bits beyond the last member mean nothing, so they would give one signature many encodings.
        if (size..bits.elems.len().saturating_mul(8)).any(|index| bit(bits, index)) {
            return Err(refused("bits are set beyond the last member".into()));
        }
        let signers: Vec<usize> = (0..size).filter(|index| bit(bits, *index)).collect();
        if signers.len() < self.threshold() {
            return Err(refused(format!("{} of {} required members signed", signers.len(), self.threshold)));
        }
        if signers.len() != decoded.signatures.len() {
            return Err(refused(format!("{} bits are set for {} signatures", signers.len(), decoded.signatures.len())));
        }
        Ok(signers
            .into_iter()
            .zip(decoded.signatures)
            .filter_map(|(index, signature)| self.members.get(index).map(|member| (index, member, signature)))
            .collect())
    }
}

/// Index of a member, its key, its signature.
pub type MemberSignature<'a> = (usize, &'a PublicKey, Vec<u8>);

/// Number of bits: all bytes are full but the last, which holds `extra_bits_stored` (0 = 8).
fn bit_count(bits: &CompactBitArray) -> Option<usize> {
    let extra = usize::try_from(bits.extra_bits_stored).ok().filter(|extra| *extra < 8)?;
    let bytes = bits.elems.len();
    if extra == 0 { bytes.checked_mul(8) } else { bytes.checked_sub(1)?.checked_mul(8)?.checked_add(extra) }
}

/// Bits count from the most significant one.
fn bit(bits: &CompactBitArray, index: usize) -> bool {
    bits.elems.get(index / 8).is_some_and(|byte| byte & (0x80 >> (index % 8)) != 0)
}
