use std::collections::{BTreeMap, BTreeSet};

use ics23::CommitmentProof;
use ics23::commitment_proof::Proof;
use jmt::mock::MockTreeStore;
use jmt::storage::TreeWriter;
use jmt::{KeyHash, Sha256Jmt};
use proptest::prelude::*;

use super::node::{Child, Inner};
use super::*;
use crate::tree::path::{nibble, node_key};

#[derive(Default)]
struct Memory(BTreeMap<Vec<u8>, Node>);

impl Nodes for Memory {
    fn node(&self, key: &[u8]) -> Result<Node, KvError> {
        let node = self.0.get(key).ok_or_else(|| KvError::corrupt(key, "missing"))?;
        // Through the stored form, as on disk.
        Node::decode(&node.encode())
    }
}

/// Keys that share long prefixes, so that subtrees split, merge and lift.
fn crowded_key() -> impl Strategy<Value = Hash> {
    (prop::collection::vec(prop_oneof![Just(0x00u8), Just(0x01), Just(0x10), Just(0xFF)], 3), 0..4u8).prop_map(
        |(head, last)| {
            let mut key = [0; 32];
            key[..3].copy_from_slice(&head);
            key[31] = last;
            key
        },
    )
}

type Changes = BTreeMap<Hash, Option<Vec<u8>>>;

fn versions() -> impl Strategy<Value = Vec<Changes>> {
    let value = prop::option::weighted(0.6, (1..6u8).prop_map(|byte| vec![byte]));
    prop::collection::vec(prop::collection::btree_map(crowded_key(), value, 0..30), 1..8)
}

/// `state` tells the values that are replaced; a key that it lacks is given as new.
fn hashed(changes: &Changes, state: &BTreeMap<Hash, Vec<u8>>) -> Vec<HashedChange> {
    let hash = |value: &Vec<u8>| sha256(&[value]);
    let change = |(key, new): (&Hash, &Option<Vec<u8>>)| HashedChange {
        key: *key,
        new: new.as_ref().map(hash),
        old: state.get(key).map(hash),
    };
    changes.iter().map(change).collect()
}

/// Keys of all nodes that a version reaches.
fn reachable(nodes: &Memory, version: u64, path: &Hash, depth: usize, found: &mut BTreeSet<Vec<u8>>) {
    let key = node_key(version, path, depth);
    found.insert(key.clone());
    if let Node::Inner(inner) = nodes.node(&key).expect("every reachable node is stored") {
        for (digit, child) in inner.present(0, 16) {
            let path = super::path::with_nibble(path, depth, digit);
            let node = nodes.node(&node_key(child.version, &path, depth + 1)).expect("child is stored");
            assert_eq!((node.hash(), matches!(node, Node::Leaf(_))), (child.hash, child.leaf));
            reachable(nodes, child.version, &path, depth + 1, found);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn roots_equal_those_of_the_jmt_crate_and_no_node_is_lost_or_left_behind(versions in versions()) {
        let mut ours = Memory::default();
        let theirs = MockTreeStore::default();
        let mut previous = None;
        let mut state = BTreeMap::new();
        for (version, changes) in (0u64..).zip(&versions) {
            let result = update(&ours, previous, version, &hashed(changes, &state), 1).expect("updates");
            let unread = update(&ours, previous, version, &hashed(changes, &BTreeMap::new()), 1).expect("updates");
            prop_assert_eq!(&result.written, &unread.written);
            prop_assert_eq!(&result.stale, &unread.stale);
            for (key, value) in changes {
                match value {
                    Some(value) => state.insert(*key, value.clone()),
                    None => state.remove(key),
                };
            }
            let reference = changes.iter().map(|(key, value)| (KeyHash(*key), value.clone()));
            let (root, batch) = Sha256Jmt::new(&theirs).put_value_set(reference, version).expect("updates");
            theirs.write_node_batch(&batch.node_batch).expect("writes");
            prop_assert_eq!(result.root, root.0);
            ours.0.extend(result.written);
            for key in &result.stale {
                prop_assert!(ours.0.remove(key).is_some(), "stale nodes exist once");
            }
            let mut found = BTreeSet::new();
            reachable(&ours, version, &[0; 32], 0, &mut found);
            prop_assert_eq!(found, ours.0.keys().cloned().collect::<BTreeSet<_>>());
            previous = Some(version);
        }
    }

    #[test]
    fn any_number_of_threads_gives_the_same_nodes(first in any::<[u64; 200]>(), second in any::<[u64; 150]>()) {
        let changes = |seeds: &[u64], keep: &[u64]| -> Vec<HashedChange> {
            let set: Changes = seeds
                .iter()
                .map(|seed| (sha256(&[&seed.to_be_bytes()]), Some(vec![1])))
                .chain(keep.iter().step_by(2).map(|seed| (sha256(&[&seed.to_be_bytes()]), None)))
                .collect();
            hashed(&set, &BTreeMap::new())
        };
        let mut nodes = Memory::default();
        nodes.0.extend(update(&nodes, None, 5, &changes(&first, &[]), 1).expect("updates").written);
        let next = changes(&second, &first);
        let single = update(&nodes, Some(5), 6, &next, 1).expect("updates");
        for threads in [2, 3, 16, 40] {
            let many = update(&nodes, Some(5), 6, &next, threads).expect("updates");
            prop_assert_eq!(&single.root, &many.root);
            prop_assert_eq!(&single.written, &many.written);
            prop_assert_eq!(&single.stale, &many.stale);
        }
    }

    #[test]
    fn proofs_equal_those_of_the_jmt_crate(present in prop::collection::btree_set(any::<u16>(), 1..80), asked in any::<[u16; 20]>()) {
        let theirs = MockTreeStore::default();
        let mut changes = Changes::new();
        let mut raw = BTreeMap::new();
        for number in &present {
            let key = number.to_be_bytes().to_vec();
            let hash = sha256(&[&key]);
            theirs.put_key_preimage(KeyHash(hash), &key);
            changes.insert(hash, Some(key.clone()));
            raw.insert(hash, key);
        }
        let reference = changes.iter().map(|(key, value)| (KeyHash(*key), value.clone()));
        let (_, batch) = Sha256Jmt::new(&theirs).put_value_set(reference, 0).expect("updates");
        theirs.write_node_batch(&batch.node_batch).expect("writes");
        let mut ours = Memory::default();
        ours.0.extend(update(&ours, None, 0, &hashed(&changes, &BTreeMap::new()), 1).expect("updates").written);
        let entry = |hash: &Hash| Ok((raw[hash].clone(), raw[hash].clone()));
        let prover = Prover { nodes: &ours, version: 0, entry: &entry };
        for number in present.iter().chain(&asked) {
            let key = number.to_be_bytes().to_vec();
            let value = present.contains(number).then(|| key.clone());
            let proof = prover.prove(&key, value).expect("proves");
            let (_, reference) = Sha256Jmt::new(&theirs).get_with_ics23_proof(key, 0).expect("proves");
            prop_assert_eq!(CommitmentProof { proof: Some(proof) }, reference);
        }
    }

    #[test]
    fn nodes_have_one_stored_form_and_other_bytes_are_refused(
        children in prop::collection::vec((0..16usize, any::<[u8; 32]>(), any::<u64>(), any::<bool>()), 0..16),
        junk in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let mut inner = Inner { children: [None; 16] };
        for (digit, hash, version, leaf) in children {
            inner.children[digit] = Some(Child { hash, version, leaf });
        }
        for node in [Node::Null, Node::Leaf(Leaf { key: [1; 32], value: [2; 32] }), Node::Inner(Box::new(inner))] {
            let bytes = node.encode();
            prop_assert_eq!(&Node::decode(&bytes).expect("decodes"), &node);
            prop_assert!(Node::decode(&bytes[..bytes.len() - 1]).is_err());
            prop_assert!(Node::decode(&[&bytes[..], &[0]].concat()).is_err());
        }
        let _ = Node::decode(&junk);
    }
}

#[test]
fn the_proof_spec_is_that_of_the_jmt_crate() {
    assert_eq!(spec(), jmt::ics23_spec());
}

#[test]
fn an_empty_tree_cannot_prove_absence() {
    let mut nodes = Memory::default();
    nodes.0.extend(update(&nodes, None, 0, &[], 1).expect("updates").written);
    let entry = |_: &Hash| Err(KvError::UnknownVersion(0));
    let prover = Prover { nodes: &nodes, version: 0, entry: &entry };
    assert!(matches!(prover.prove(b"a", None), Err(KvError::Refused { .. })));
}

#[test]
fn absence_beside_the_only_key_names_one_neighbour() {
    let mut nodes = Memory::default();
    let only = sha256(&[b"only"]);
    nodes.0.extend(
        update(&nodes, None, 0, &[HashedChange { key: only, new: Some(sha256(&[b"value"])), old: None }], 1)
            .expect("updates")
            .written,
    );
    let entry = |_: &Hash| Ok((b"only".to_vec(), b"value".to_vec()));
    let prover = Prover { nodes: &nodes, version: 0, entry: &entry };
    let Proof::Nonexist(proof) = prover.prove(b"other", None).expect("proves") else { panic!("not an absence proof") };
    assert!(proof.left.is_some() != proof.right.is_some());
}

#[test]
fn digits_run_from_the_most_significant() {
    let mut key = [0; 32];
    key[0] = 0xAB;
    key[31] = 0xCD;
    assert_eq!((nibble(&key, 0), nibble(&key, 1), nibble(&key, 62), nibble(&key, 63)), (0xA, 0xB, 0xC, 0xD));
    assert_eq!(node_key(7, &key, 1), [0, 0, 0, 0, 0, 0, 0, 7, 1, 0xA0]);
}

#[test]
fn a_cached_node_answers_only_to_its_own_key() {
    let top = TopNodes::new();
    let leaf = |byte| Node::Leaf(Leaf { key: [byte; 32], value: [byte; 32] });
    let path = [0x12; 32];
    top.put(&node_key(1, &path, 3), &leaf(1));
    top.put(&node_key(1, &path, 4), &leaf(2));
    assert_eq!(top.get(&node_key(1, &path, 3)), Some(leaf(1)));
    assert_eq!(top.get(&node_key(2, &path, 3)), None);
    assert_eq!(top.get(&node_key(1, &[0x22; 32], 3)), None);
    assert_eq!(top.get(&node_key(1, &path, 4)), None, "below the cached levels");
}
