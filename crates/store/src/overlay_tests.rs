use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::memory::MemoryState;

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

#[derive(Clone, Debug)]
enum Step {
    Set(u8, u8),
    Delete(u8),
    Checkpoint,
    Release,
    Rollback,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..12u8, 1..255u8).prop_map(|(key, value)| Step::Set(key, value)),
        2 => (0..12u8).prop_map(Step::Delete),
        2 => Just(Step::Checkpoint),
        1 => Just(Step::Release),
        1 => Just(Step::Rollback),
    ];
    prop::collection::vec(step, 0..60)
}

fn key(index: u8) -> Vec<u8> {
    vec![b'k', index]
}

fn all(kv: &impl Read, start: &[u8], end: Option<&[u8]>, reverse: bool) -> Vec<(Vec<u8>, Vec<u8>)> {
    kv.range(start, end, reverse).collect::<Result<_, _>>().expect("memory does not fail")
}

fn assert_same(kv: &impl Read, model: &Model) {
    let forward: Vec<_> = model.clone().into_iter().collect();
    assert_eq!(all(kv, b"", None, false), forward);
    assert_eq!(all(kv, b"", None, true), forward.iter().rev().cloned().collect::<Vec<_>>());
    let part: Vec<_> = model.range(key(3)..key(9)).map(|(key, value)| (key.clone(), value.clone())).collect();
    assert_eq!(all(kv, &key(3), Some(&key(9)), false), part);
    assert_eq!(all(kv, &key(3), Some(&key(9)), true), part.into_iter().rev().collect::<Vec<_>>());
    for index in 0..12 {
        assert_eq!(kv.get(&key(index)).expect("reads"), model.get(&key(index)).cloned());
        assert_eq!(kv.has(&key(index)).expect("reads"), model.contains_key(&key(index)));
    }
}

fn run(steps: Vec<Step>, base: MemoryState, model: &mut Model) -> Overlay<MemoryState> {
    let mut overlay = Overlay::new(base);
    let mut open: Vec<(Checkpoint, Model)> = Vec::new();
    for step in steps {
        match step {
            Step::Set(index, value) => {
                overlay.set(&key(index), vec![value]).expect("valid entry");
                model.insert(key(index), vec![value]);
            }
            Step::Delete(index) => {
                overlay.delete(&key(index)).expect("valid key");
                model.remove(&key(index));
            }
            Step::Checkpoint => open.push((overlay.checkpoint(), model.clone())),
            Step::Release => {
                if let Some((checkpoint, _)) = open.pop() {
                    overlay.release(checkpoint);
                }
            }
            Step::Rollback => {
                if let Some((checkpoint, before)) = open.pop() {
                    overlay.rollback_to(checkpoint);
                    *model = before;
                }
            }
        }
        assert_same(&overlay, model);
    }
    overlay
}

proptest! {
    #[test]
    fn an_overlay_with_checkpoints_behaves_like_a_copied_map(first in steps(), second in steps()) {
        let mut model = Model::new();
        let mut base = MemoryState::new();
        base.apply(run(first, MemoryState::new(), &mut model).into_changes());
        assert_same(&base, &model);
        let overlay = run(second, base.clone(), &mut model);
        {
            let nested = Overlay::new(&overlay);
            assert_same(&nested, &model);
        }
        base.apply(overlay.into_changes());
        assert_same(&base, &model);
    }
}

#[test]
fn closing_an_outer_checkpoint_closes_the_inner_ones() {
    let mut overlay = Overlay::new(MemoryState::new());
    overlay.set(b"a", vec![1]).expect("valid");
    let outer = overlay.checkpoint();
    overlay.set(b"a", vec![2]).expect("valid");
    let _inner = overlay.checkpoint();
    overlay.delete(b"a").expect("valid");
    overlay.rollback_to(outer);
    assert_eq!(overlay.get(b"a"), Ok(Some(vec![1])));
    assert!(overlay.journal.is_empty() && overlay.open.is_empty());
}

#[test]
fn empty_and_oversized_entries_are_refused() {
    let mut overlay = Overlay::new(MemoryState::new());
    assert!(matches!(overlay.set(b"", vec![1]), Err(KvError::Refused { .. })));
    assert!(matches!(overlay.set(b"a", vec![]), Err(KvError::Refused { .. })));
    assert!(matches!(overlay.set(&[7; 1025], vec![1]), Err(KvError::Refused { .. })));
    assert!(matches!(overlay.delete(b""), Err(KvError::Refused { .. })));
    assert!(overlay.changes().is_empty());
}

#[test]
fn an_inverted_range_is_empty() {
    let mut overlay = Overlay::new(MemoryState::new());
    overlay.set(b"b", vec![1]).expect("valid");
    assert_eq!(overlay.range(b"c", Some(b"a"), false).count(), 0);
    assert_eq!(overlay.range(b"b", Some(b"b"), true).count(), 0);
}

#[test]
fn a_new_base_shows_through_where_it_changed_and_nowhere_else() {
    let mut overlay = Overlay::new(MemoryState::new());
    overlay.set(b"mine", vec![1]).expect("valid");
    overlay.set(b"theirs", vec![1]).expect("valid");
    let _open = overlay.checkpoint();
    overlay.set(b"gone", vec![1]).expect("valid");
    let mut base = MemoryState::new();
    base.set(b"mine", vec![9]).expect("valid");
    base.set(b"theirs", vec![2]).expect("valid");
    overlay.rebase(base, [&b"theirs"[..], b"gone"]);
    assert_eq!(overlay.get(b"mine"), Ok(Some(vec![1])));
    assert_eq!(overlay.get(b"theirs"), Ok(Some(vec![2])));
    assert_eq!(overlay.get(b"gone"), Ok(None));
    assert!(overlay.journal.is_empty() && overlay.open.is_empty());
}
