//! Proofs of membership and absence from a key to the app hash, checked with the `ics23` crate as a light client does,
//! and forged ones refused.

use std::collections::BTreeMap;

use ics23::commitment_proof::Proof;
use ics23::{CommitmentProof, HostFunctionsManager, ProofSpec};
use proptest::prelude::*;
use prost_ics23::Message;
use ve_store::proof::{STORE_NAME, STORES_PROOF, TREE_PROOF, proof_specs, stores_spec, tree_spec};
use ve_store::{ChangeSet, Options, ProofOp, Pruning, Read, Root, Snapshot, Store};

type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

fn store_with(entries: &Entries) -> (tempfile::TempDir, Snapshot, Root) {
    let home = tempfile::tempdir().expect("temporary directory");
    let options = Options { pruning: Pruning::Nothing, cache_bytes: 1 << 20, ..Options::default() };
    let store = Store::open(home.path(), options).expect("opens");
    let changes: ChangeSet = entries.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
    let root = store.commit(1, changes).expect("commits");
    (home, store.snapshot(Some(1)).expect("opens"), root)
}

fn decode(op: &ProofOp) -> Option<CommitmentProof> {
    CommitmentProof::decode(op.data.as_slice()).ok()
}

/// Checks a chain of two proofs from `key` up to `root`: `value`, or absence.
fn verifies(root: &Root, specs: &[ProofSpec; 2], ops: &[ProofOp], key: &[u8], value: Option<&[u8]>) -> bool {
    let [tree, stores] = ops else { return false };
    let (Some(tree), Some(stores)) = (decode(tree), decode(stores)) else { return false };
    let Some(Proof::Exist(store)) = &stores.proof else { return false };
    let tree_root = store.value.clone();
    let lower = match value {
        Some(value) => ics23::verify_membership::<HostFunctionsManager>(&tree, &specs[0], &tree_root, key, value),
        None => ics23::verify_non_membership::<HostFunctionsManager>(&tree, &specs[0], &tree_root, key),
    };
    let name = STORE_NAME.as_bytes();
    lower && ics23::verify_membership::<HostFunctionsManager>(&stores, &specs[1], &root.to_vec(), name, &tree_root)
}

fn entries() -> impl Strategy<Value = Entries> {
    prop::collection::btree_map(
        prop::collection::vec(any::<u8>(), 1..3),
        prop::collection::vec(any::<u8>(), 1..4),
        1..60,
    )
}

/// One byte of an encoded proof changed, removed or added.
fn mutate(data: &[u8], at: prop::sample::Index, kind: u8, byte: u8) -> Vec<u8> {
    let mut data = data.to_vec();
    let at = at.index(data.len());
    match kind {
        0 => data[at] ^= byte.max(1),
        1 => drop(data.remove(at)),
        2 => data.insert(at, byte),
        _ => data.truncate(at),
    }
    data
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn present_keys_prove_present_and_absent_keys_absent_and_never_the_other_way(
        entries in entries(),
        asked in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..3), 20),
    ) {
        let (_home, snapshot, root) = store_with(&entries);
        let specs = proof_specs();
        for key in entries.keys().chain(&asked) {
            let ops = snapshot.prove(key).expect("proves");
            let value = entries.get(key).map(Vec::as_slice);
            prop_assert!(verifies(&root, &specs, &ops, key, value));
            match value {
                Some(value) => {
                    prop_assert!(!verifies(&root, &specs, &ops, key, None));
                    prop_assert!(!verifies(&root, &specs, &ops, key, Some(&[value, &[0]].concat())));
                }
                None => prop_assert!(!verifies(&root, &specs, &ops, key, Some(b"x"))),
            }
            let mut other = root;
            other[0] ^= 1;
            prop_assert!(!verifies(&other, &specs, &ops, key, value));
        }
    }

    #[test]
    fn no_proof_serves_for_another_key(entries in entries(), asked in prop::collection::vec(any::<u8>(), 1..3)) {
        let (_home, snapshot, root) = store_with(&entries);
        let specs = proof_specs();
        for source in entries.keys().chain([&asked]) {
            let ops = snapshot.prove(source).expect("proves");
            for (key, value) in &entries {
                prop_assert!(!verifies(&root, &specs, &ops, key, None), "a present key shown absent");
                prop_assert!(source == key || !verifies(&root, &specs, &ops, key, Some(value)));
            }
            if !entries.contains_key(&asked) {
                for value in entries.values() {
                    prop_assert!(!verifies(&root, &specs, &ops, &asked, Some(value)), "an absent key shown present");
                }
            }
        }
    }

    #[test]
    fn neighbours_taken_apart_or_swapped_do_not_show_a_present_key_absent(entries in entries()) {
        let (_home, snapshot, root) = store_with(&entries);
        let proofs: Vec<_> = entries
            .keys()
            .filter_map(|key| match decode(&snapshot.prove(key).expect("proves")[0])?.proof? {
                Proof::Exist(proof) => Some(proof),
                _ => None,
            })
            .collect();
        let stores = snapshot.prove(&proofs[0].key).expect("proves").remove(1);
        let specs = proof_specs();
        let pick = |index: usize| proofs.get(index).cloned();
        for (index, proof) in proofs.iter().enumerate() {
            for left in [None, pick(0), index.checked_sub(1).and_then(pick), pick(index + 1)] {
                for right in [None, pick(0), index.checked_sub(1).and_then(pick), pick(index + 1), pick(proofs.len() - 1)] {
                    let forged = ics23::NonExistenceProof { key: proof.key.clone(), left: left.clone(), right };
                    let data = CommitmentProof { proof: Some(Proof::Nonexist(forged)) }.encode_to_vec();
                    let ops = [ProofOp { kind: TREE_PROOF.into(), key: proof.key.clone(), data }, stores.clone()];
                    prop_assert!(!verifies(&root, &specs, &ops, &proof.key, None));
                }
            }
        }
    }

    #[test]
    fn mutated_proofs_never_show_a_falsehood(
        entries in entries(),
        asked in prop::collection::vec(any::<u8>(), 1..3),
        mutations in prop::collection::vec((any::<prop::sample::Index>(), 0..4u8, any::<u8>(), any::<bool>()), 100),
    ) {
        let (_home, snapshot, root) = store_with(&entries);
        let specs = proof_specs();
        let (present, value) = entries.first_key_value().expect("not empty");
        for key in [present, &asked] {
            let ops = snapshot.prove(key).expect("proves");
            for (at, kind, byte, lower) in &mutations {
                let mut forged = ops.clone();
                let op = &mut forged[usize::from(!*lower)];
                op.data = mutate(&op.data, *at, *kind, *byte);
                let truth = entries.get(key).map(Vec::as_slice);
                if truth.is_some() {
                    prop_assert!(!verifies(&root, &specs, &forged, key, None));
                    prop_assert!(!verifies(&root, &specs, &forged, key, Some(&[&value[..], &[1]].concat())));
                } else {
                    prop_assert!(!verifies(&root, &specs, &forged, key, Some(value)));
                }
            }
        }
    }

    #[test]
    fn other_specs_refuse_our_proofs(entries in entries(), asked in prop::collection::vec(any::<u8>(), 1..3)) {
        let (_home, snapshot, root) = store_with(&entries);
        for key in entries.keys().take(5).chain([&asked]) {
            let ops = snapshot.prove(key).expect("proves");
            let value = entries.get(key).map(Vec::as_slice);
            for tree in [ics23::iavl_spec(), ics23::smt_spec(), stores_spec(), ProofSpec { leaf_spec: None, ..tree_spec() }] {
                prop_assert!(!verifies(&root, &[tree, stores_spec()], &ops, key, value));
            }
            prop_assert!(!verifies(&root, &[tree_spec(), ics23::iavl_spec()], &ops, key, value));
            prop_assert!(!verifies(&root, &proof_specs(), &ops[..1], key, value));
            let swapped = [ops[1].clone(), ops[0].clone()];
            prop_assert!(!verifies(&root, &proof_specs(), &swapped, key, value));
        }
    }
}

#[test]
fn operations_are_named_and_lead_from_the_key_to_the_store() {
    let (_home, snapshot, root) = store_with(&Entries::from([(b"k".to_vec(), b"v".to_vec())]));
    let ops = snapshot.prove(b"k").expect("proves");
    assert_eq!((ops[0].kind.as_str(), ops[0].key.as_slice()), (TREE_PROOF, &b"k"[..]));
    assert_eq!((ops[1].kind.as_str(), ops[1].key.as_slice()), (STORES_PROOF, STORE_NAME.as_bytes()));
    assert_eq!(snapshot.root(), Ok(root));
}

#[test]
fn an_empty_key_and_an_empty_state_are_refused() {
    let (_home, snapshot, _) = store_with(&Entries::from([(b"k".to_vec(), b"v".to_vec())]));
    assert!(snapshot.prove(b"").is_err());
    let (_home, snapshot, _) = store_with(&Entries::new());
    assert!(snapshot.prove(b"k").is_err());
}

#[test]
fn a_past_version_proves_its_own_values() {
    let home = tempfile::tempdir().expect("temporary directory");
    let store = Store::open(home.path(), Options::default()).expect("opens");
    let set = |key: &[u8], value: Option<&[u8]>| ChangeSet::from([(key.to_vec(), value.map(<[u8]>::to_vec))]);
    let mut roots = vec![store.commit(1, set(b"a", Some(b"1"))).expect("commits")];
    roots.push(store.commit(2, set(b"b", Some(b"2"))).expect("commits"));
    roots.push(store.commit(3, set(b"a", None)).expect("commits"));
    for (version, root) in (1u64..).zip(&roots) {
        let snapshot = store.snapshot(Some(version)).expect("opens");
        for key in [&b"a"[..], b"b", b"c"] {
            let value = snapshot.get(key).expect("reads");
            let ops = store.prove(version, key).expect("proves");
            assert!(verifies(root, &proof_specs(), &ops, key, value.as_deref()));
        }
    }
}
