//! Transactions: strict decoding, hashes, and what each sign mode signs (platform spec section 1).

mod amino_json;
mod decode;
mod sign;

use ve_proto::cosmos::tx::v1beta1::{AuthInfo, TxBody};

pub use decode::decode_tx;
pub use sign::{SignDoc, Signer, direct_bytes};

/// A decoded transaction with the bytes that were signed.
#[derive(Clone, Debug, PartialEq)]
pub struct Tx {
    pub body: TxBody,
    pub auth_info: AuthInfo,
    pub signatures: Vec<Vec<u8>>,
    pub body_bytes: Vec<u8>,
    pub auth_info_bytes: Vec<u8>,
    /// SHA-256 of the raw bytes.
    pub hash: [u8; 32],
}

/// The hash as clients show it: upper-case hex.
pub fn hash_text(hash: &[u8; 32]) -> String {
    hex::encode_upper(hash)
}
