//! From the tree's root to the app hash, and proofs as clients get them.
//!
//! The app hash is CometBFT's "simple" Merkle root over `(store name, store root)` pairs (RFC 6962 hashing), so that
//! each store may have a tree of its own kind. There is one store, [`STORE_NAME`]; with a single leaf the root is that
//! leaf's hash.

use ics23::{CommitmentProof, ExistenceProof, HashOp, LeafOp, LengthOp, commitment_proof};
use prost_ics23::Message;

use crate::tree::{Hash, sha256};

/// App hash: what block headers commit to.
pub type Root = [u8; 32];

/// Name of the store that holds all modules' state; the last part of a proof's path.
pub const STORE_NAME: &str = "main";

/// Kind of the first proof operation: a key in the store's tree.
pub const TREE_PROOF: &str = "ics23:jmt";
/// Kind of the second: the store's root in the app hash.
pub const STORES_PROOF: &str = "ics23:simple";

/// One step of a proof, as `tendermint.crypto.ProofOp`; `data` is an encoded `cosmos.ics23.v1.CommitmentProof`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofOp {
    pub kind: String,
    pub key: Vec<u8>,
    pub data: Vec<u8>,
}

/// Specs for a chain of proofs leaf to root, as an IBC client state lists them: the tree's, then the stores'.
pub fn proof_specs() -> [ics23::ProofSpec; 2] {
    [tree_spec(), stores_spec()]
}

/// Rules for checking [`TREE_PROOF`].
pub fn tree_spec() -> ics23::ProofSpec {
    crate::tree::spec()
}

/// Rules for checking [`STORES_PROOF`].
pub fn stores_spec() -> ics23::ProofSpec {
    ics23::tendermint_spec()
}

/// Leaf of the simple tree: `00 ‖ len ‖ name ‖ 20 ‖ SHA-256(root)`.
pub(crate) fn app_hash(tree_root: &Hash) -> Root {
    let name = STORE_NAME.as_bytes();
    let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
    sha256(&[&[0x00, length], name, &[0x20], &sha256(&[tree_root])])
}

pub(crate) fn ops(key: &[u8], proof: commitment_proof::Proof, tree_root: &Hash) -> Vec<ProofOp> {
    let store = ExistenceProof {
        key: STORE_NAME.as_bytes().to_vec(),
        value: tree_root.to_vec(),
        leaf: Some(LeafOp {
            hash: HashOp::Sha256.into(),
            prehash_key: HashOp::NoHash.into(),
            prehash_value: HashOp::Sha256.into(),
            length: LengthOp::VarProto.into(),
            prefix: vec![0],
        }),
        path: Vec::new(),
    };
    let op = |kind: &str, key: &[u8], proof| ProofOp {
        kind: kind.to_owned(),
        key: key.to_vec(),
        data: CommitmentProof { proof: Some(proof) }.encode_to_vec(),
    };
    vec![op(TREE_PROOF, key, proof), op(STORES_PROOF, STORE_NAME.as_bytes(), commitment_proof::Proof::Exist(store))]
}
