use std::convert::Infallible;

use sha2::{Digest, Sha256};
use ve_proto::ve::audit::v1::{Entry, Outcome};

use super::merkle::{self, Hash, Nodes};
use super::{Broken, FIRST, check, check_next, entry_hash};

/// Every leaf known, nothing precomputed: the definition of RFC 6962 word for word.
struct Leaves(Vec<Hash>);

impl Nodes for Leaves {
    type Error = Infallible;

    fn get(&self, level: u32, index: u64) -> Result<Hash, Infallible> {
        let size = 1usize << level;
        let start = usize::try_from(index).expect("small") * size;
        Ok(by_definition(&self.0[start..start + size]))
    }
}

fn by_definition(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [only] => merkle::leaf(only),
        _ => {
            let left = leaves.len().next_power_of_two() / 2;
            merkle::node(&by_definition(&leaves[..left]), &by_definition(&leaves[left..]))
        }
    }
}

fn leaves(count: u64) -> Leaves {
    Leaves((0..count).map(|at| Sha256::digest(at.to_be_bytes()).into()).collect())
}

#[test]
fn roots_and_inclusion_paths_are_those_of_the_definition() {
    let tree = leaves(70);
    for size in 0..=70u64 {
        let Ok(root) = merkle::root(&tree, size);
        assert_eq!(root, by_definition(&tree.0[..size as usize]), "{size}");
        for index in 0..size {
            let Ok(path) = merkle::inclusion(&tree, index, size);
            let hash = &tree.0[index as usize];
            assert!(merkle::verify_inclusion(hash, index, size, &path, &root), "{index} of {size}");
            assert!(!merkle::verify_inclusion(hash, index + 1, size, &path, &root), "{index} of {size} moved");
            assert!(!merkle::verify_inclusion(&[9; 32], index, size, &path, &root), "another leaf");
            for at in 0..path.len() {
                let mut changed = path.clone();
                changed[at][0] ^= 1;
                assert!(!merkle::verify_inclusion(hash, index, size, &changed, &root));
            }
        }
    }
}

#[test]
fn consistency_paths_hold_for_continued_trees_only() {
    let tree = leaves(40);
    for second in 1..=40u64 {
        let Ok(new) = merkle::root(&tree, second);
        for first in 1..=second {
            let Ok(old) = merkle::root(&tree, first);
            let Ok(path) = merkle::consistency(&tree, first, second);
            assert!(merkle::verify_consistency((first, &old), (second, &new), &path), "{first} of {second}");
            assert!(!merkle::verify_consistency((first, &[7; 32]), (second, &new), &path), "{first} of {second}");
            assert!(!merkle::verify_consistency((first, &old), (second, &[7; 32]), &path), "{first} of {second}");
            if let Some(short) = path.len().checked_sub(1) {
                assert!(!merkle::verify_consistency((first, &old), (second, &new), &path[..short]));
            }
        }
    }
}

fn entry(seq: u64, previous: Hash) -> Entry {
    let mut entry = Entry {
        seq,
        height: 10 + seq,
        time: 1_000,
        actor: "ve1actor".into(),
        module: "roles".into(),
        action: "role_assigned".into(),
        resource_id: "ve1subject/4".into(),
        outcome: Outcome::Done.into(),
        metadata_hash: vec![1; 32],
        details_ref: "roles/action/1".into(),
        prev_hash: previous.to_vec(),
        hash: Vec::new(),
    };
    entry.hash = entry_hash(&previous, &entry).to_vec();
    entry
}

#[test]
fn a_change_of_any_field_and_a_missing_entry_show() {
    let first = entry(0, FIRST);
    let hash = check(&first).expect("it is whole");
    let second = entry(1, hash);
    check_next(&first, &second).expect("it follows");
    let third = entry(2, check(&second).expect("it is whole"));
    assert_eq!(check_next(&first, &third), Err(Broken::Gap(2)), "the second was removed");
    let changes: [fn(&mut Entry); 11] = [
        |entry| entry.seq = 5,
        |entry| entry.height = 5,
        |entry| entry.time = 5,
        |entry| entry.actor.push('x'),
        |entry| entry.module.push('x'),
        |entry| entry.action.push('x'),
        |entry| entry.resource_id.push('x'),
        |entry| entry.outcome = Outcome::Failed.into(),
        |entry| entry.metadata_hash[0] ^= 1,
        |entry| entry.details_ref.clear(),
        |entry| entry.prev_hash[0] ^= 1,
    ];
    for change in changes {
        let mut altered = second.clone();
        change(&mut altered);
        assert_eq!(check(&altered), Err(Broken::Changed(altered.seq)));
    }
}

#[test]
fn the_hash_of_an_entry_never_changes_between_releases() {
    assert_eq!(
        hex::encode(entry_hash(&FIRST, &entry(0, FIRST))),
        "9cc9248c50ec798625e466f4ed48b7f48571010d7038f6c0a00faed9f4960993"
    );
}
