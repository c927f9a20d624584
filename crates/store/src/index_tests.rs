use proptest::prelude::*;

use super::*;
use crate::memory::MemoryState;

static BY_OWNER: Index<String, u64, Vec<u8>> = Index::new("test", 2, |_, object| match object.first() {
    Some(owner) => vec![owner.to_string()],
    None => vec![],
});
static BY_LABEL: UniqueIndex<u8, u64, Vec<u8>> =
    UniqueIndex::new("test", 3, |_, object| object[1.min(object.len())..].to_vec());
static OBJECTS: IndexedMap<u64, Vec<u8>> = IndexedMap::new("test", 1, &[&BY_OWNER, &BY_LABEL]);

fn owned(kv: &MemoryState, owner: u8) -> Vec<u64> {
    BY_OWNER.keys(kv, &owner.to_string()).collect::<Result<_, _>>().expect("decodes")
}

#[test]
fn index_entries_follow_changes_and_removal() {
    let mut kv = MemoryState::new();
    OBJECTS.set(&mut kv, &1, &vec![7, 70]).expect("sets");
    OBJECTS.set(&mut kv, &2, &vec![7, 71, 72]).expect("sets");
    assert_eq!(owned(&kv, 7), [1, 2]);
    assert_eq!(BY_LABEL.get(&kv, &72), Ok(Some(2)));
    OBJECTS.set(&mut kv, &2, &vec![8, 71]).expect("sets");
    assert_eq!((owned(&kv, 7), owned(&kv, 8)), (vec![1], vec![2]));
    assert_eq!(BY_LABEL.get(&kv, &72), Ok(None));
    OBJECTS.remove(&mut kv, &2).expect("removes");
    OBJECTS.set(&mut kv, &1, &vec![]).expect("sets");
    assert!(owned(&kv, 7).is_empty() && owned(&kv, 8).is_empty());
    assert_eq!(kv.len(), 1);
    assert_eq!(OBJECTS.spaces().len(), 3);
}

#[test]
fn a_taken_unique_value_is_refused() {
    let mut kv = MemoryState::new();
    OBJECTS.set(&mut kv, &1, &vec![7, 70]).expect("sets");
    assert!(matches!(OBJECTS.set(&mut kv, &2, &vec![7, 70]), Err(KvError::Refused { .. })));
    OBJECTS.set(&mut kv, &1, &vec![7, 70]).expect("an object keeps its own value");
}

proptest! {
    #[test]
    fn the_index_equals_one_built_from_the_objects(writes in prop::collection::vec((0..5u64, prop::option::of(0..4u8)), 0..40)) {
        let mut kv = MemoryState::new();
        for (key, owner) in writes {
            match owner {
                Some(owner) => OBJECTS.set(&mut kv, &key, &vec![owner]).expect("sets"),
                None => OBJECTS.remove(&mut kv, &key).expect("removes"),
            }
        }
        let mut expected: Vec<(String, u64)> = OBJECTS
            .scan()
            .entries(&kv)
            .map(|entry| entry.map(|(key, object)| (object[0].to_string(), key)))
            .collect::<Result<_, _>>()
            .expect("decodes");
        expected.sort();
        let index: Vec<(String, u64)> = BY_OWNER.scan().keys(&kv).collect::<Result<_, _>>().expect("decodes");
        prop_assert_eq!(index, expected);
    }
}
