use super::*;
use crate::kv::Write;
use crate::memory::MemoryState;
use crate::typed::{Item, Map};

const NAMES: Map<(String, u64), String> = Map::new("test", 1);
const NEIGHBOUR: Map<u64, u64> = Map::new("test", 2);
const COUNT: Item<u64> = Item::new("test", 3);

fn filled() -> MemoryState {
    let mut kv = MemoryState::new();
    for owner in ["a", "ab", "b"] {
        for id in 0..4u64 {
            NAMES.set(&mut kv, (&owner.to_owned(), &id), &format!("{owner}{id}")).expect("sets");
        }
    }
    NEIGHBOUR.set(&mut kv, &0, &0).expect("sets");
    kv
}

fn names(entries: impl Iterator<Item = Result<((String, u64), String), KvError>>) -> Vec<String> {
    entries.map(|entry| entry.expect("decodes").1).collect()
}

#[test]
fn items_and_maps_read_back_what_was_written() {
    let mut kv = filled();
    assert_eq!(COUNT.get(&kv), Ok(None));
    assert!(matches!(COUNT.require(&kv), Err(KvError::Missing { .. })));
    COUNT.set(&mut kv, &0).expect("sets");
    assert_eq!(COUNT.get(&kv), Ok(Some(0)));
    let key = ("a".to_owned(), 1);
    assert_eq!(NAMES.get(&kv, &key), Ok(Some("a1".to_owned())));
    assert_eq!(NAMES.has(&kv, &key), Ok(true));
    NAMES.remove(&mut kv, &key).expect("removes");
    assert_eq!(NAMES.get(&kv, &key), Ok(None));
    assert!(matches!(NAMES.require(&kv, &key), Err(KvError::Missing { .. })));
    assert_eq!(NAMES.get_or_default(&kv, &key), Ok(String::new()));
}

#[test]
fn reads_work_through_trait_objects_and_mutable_references() {
    let mut kv = filled();
    let dynamic: &dyn Read = &kv;
    assert_eq!(NEIGHBOUR.get(dynamic, &0), Ok(Some(0)));
    let writer: &mut dyn Write = &mut kv;
    NEIGHBOUR.set(writer, &1, &1).expect("sets");
    assert_eq!(NEIGHBOUR.get(writer, &1), Ok(Some(1)));
    assert_eq!(NEIGHBOUR.iter(writer).count(), 2);
}

#[test]
fn a_prefix_selects_one_component_and_not_texts_that_begin_alike() {
    let kv = filled();
    assert_eq!(names(NAMES.prefix(&kv, &"a".to_owned())), ["a0", "a1", "a2", "a3"]);
    assert_eq!(names(NAMES.iter(&kv)).len(), 12);
    assert_eq!(names(NAMES.scan().prefix(&"ab".to_owned()).reverse().entries(&kv)), ["ab3", "ab2", "ab1", "ab0"]);
}

#[test]
fn bounds_narrow_and_never_widen_a_scan() {
    let kv = filled();
    let owner = "ab".to_owned();
    let scan = NAMES.scan().prefix(&owner);
    assert_eq!(names(scan.clone().from((&owner, &2)).entries(&kv)), ["ab2", "ab3"]);
    assert_eq!(names(scan.clone().after((&owner, &2)).entries(&kv)), ["ab3"]);
    assert_eq!(names(scan.clone().before((&owner, &1)).entries(&kv)), ["ab0"]);
    assert_eq!(names(scan.clone().through((&owner, &1)).entries(&kv)), ["ab0", "ab1"]);
    assert_eq!(names(scan.from(&"a".to_owned()).through(&"b".to_owned()).entries(&kv)).len(), 4);
    assert_eq!(NAMES.scan().after(&"b".to_owned()).first(&kv), Ok(None));
}

#[test]
fn pages_join_up_to_the_whole_scan_in_both_directions() {
    let kv = filled();
    for reverse in [false, true] {
        let scan = NAMES.scan();
        let mut request = PageRequest { limit: 5, count_total: true, reverse, ..PageRequest::default() };
        let mut seen = Vec::new();
        loop {
            let page = scan.page(&kv, &request).expect("pages");
            assert_eq!(page.total, if request.key.is_empty() { 12 } else { 0 });
            seen.extend(page.entries.into_iter().map(|(_, name)| name));
            if page.next_key.is_empty() {
                break;
            }
            request.key = page.next_key;
        }
        let mut expected = names(NAMES.iter(&kv));
        if reverse {
            expected.reverse();
        }
        assert_eq!(seen, expected);
    }
}

#[test]
fn offset_limit_and_filter_apply_to_the_entries_that_are_kept() {
    let kv = filled();
    let request = PageRequest { offset: 1, limit: 2, count_total: true, ..PageRequest::default() };
    let page = NAMES.scan().page_where(&kv, &request, |(_, id), _| *id == 3).expect("pages");
    assert_eq!(page.entries.into_iter().map(|(_, name)| name).collect::<Vec<_>>(), ["ab3", "b3"]);
    assert_eq!(page.total, 3);
    let page = NAMES.scan().page(&kv, &PageRequest { limit: 0, ..PageRequest::default() }).expect("pages");
    assert_eq!(page.entries.len(), 12);
    assert!(page.next_key.is_empty());
}

#[test]
fn a_forged_page_key_cannot_leave_the_scan() {
    let kv = filled();
    let owner = "a".to_owned();
    for key in [vec![0u8], vec![0xFF; 40], vec![b'b', 0, 1]] {
        for reverse in [false, true] {
            let request = PageRequest { key: key.clone(), reverse, ..PageRequest::default() };
            let page = NAMES.scan().prefix(&owner).page(&kv, &request).expect("pages");
            assert!(page.entries.iter().all(|((found, _), _)| *found == owner));
        }
    }
}

#[test]
fn an_undecodable_value_or_key_is_reported_as_corrupt() {
    let mut kv = MemoryState::new();
    kv.set(&NEIGHBOUR.raw_key(&1), vec![0xFF]).expect("sets");
    assert!(matches!(NEIGHBOUR.get(&kv, &1), Err(KvError::Corrupt { .. })));
    let mut long = NEIGHBOUR.raw_key(&1);
    long.push(0);
    let mut kv = MemoryState::new();
    kv.set(&long, vec![0]).expect("sets");
    assert!(matches!(NEIGHBOUR.scan().first(&kv), Err(KvError::Corrupt { .. })));
}
