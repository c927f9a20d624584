use bytes::Bytes;
use sha2::{Digest, Sha256};
use ve_proto::tendermint::{
    abci::{Event, EventAttribute, ExecTxResult, ResponseFinalizeBlock},
    types::{Block, BlockId, Data, Header},
};

use super::{Index, IndexError, Order, Page, TxPlace};
use crate::rpc::backend::{CommittedBlock, StoredBlock};

fn event(kind: &str, key: &str, value: &str) -> Event {
    Event {
        r#type: kind.into(),
        attributes: vec![EventAttribute { key: key.into(), value: value.into(), index: true }],
    }
}

fn block(height: u64, txs: Vec<(&str, u32, Vec<Event>)>, events: Vec<Event>) -> CommittedBlock {
    let raw = txs.iter().map(|(tx, _, _)| Bytes::copy_from_slice(tx.as_bytes())).collect();
    let tx_results =
        txs.into_iter().map(|(_, code, events)| ExecTxResult { code, events, ..Default::default() }).collect();
    let header = Header { height: height as i64, ..Default::default() };
    let block = Block { header: Some(header), data: Some(Data { txs: raw }), ..Default::default() };
    CommittedBlock {
        stored: StoredBlock { id: BlockId::default(), block, size: 0 },
        results: ResponseFinalizeBlock { events, tx_results, ..Default::default() },
    }
}

fn sent(from: &str) -> Vec<Event> {
    vec![event("transfer", "sender", from), event("message", "module", "bank")]
}

fn filled() -> (tempfile::TempDir, Index) {
    let dir = tempfile::tempdir().expect("temporary folder");
    let index = Index::open(dir.path()).expect("opens");
    for height in 1..=10 {
        let from = if height % 2 == 0 { "even" } else { "odd" };
        let (a, b) = (format!("a{height}"), format!("b{height}"));
        let txs = vec![(a.as_str(), 0, sent(from)), (b.as_str(), 0, sent("all"))];
        index.apply(&block(height, txs, vec![event("epoch", "number", &height.to_string())])).expect("applies");
    }
    (dir, index)
}

fn page(offset: usize, limit: usize, order: Order) -> Page {
    Page { offset, limit, order, through: u64::MAX }
}

fn txs(index: &Index, query: &str) -> Vec<(u64, u32)> {
    let query = query.parse().expect("query");
    let found = index.search_txs(&query, page(0, 100, Order::Ascending)).expect("searches");
    assert_eq!(found.total, found.items.len());
    found.items.into_iter().map(|p| (p.height, p.index)).collect()
}

#[test]
fn a_transaction_is_found_by_its_hash_and_an_unknown_hash_is_not() {
    let (_dir, index) = filled();
    assert_eq!(index.tx(&Sha256::digest("b7")).expect("reads"), Some(TxPlace { height: 7, index: 1 }));
    assert_eq!(index.tx(&Sha256::digest("c7")).expect("reads"), None);
    let by_query = format!("tx.hash='{}'", hex::encode_upper(Sha256::digest("b7")));
    assert_eq!(txs(&index, &by_query), [(7, 1)]);
    assert!(txs(&index, "tx.hash='nonsense'").is_empty());
}

#[test]
fn events_heights_and_their_conjunctions_are_found() {
    let (_dir, index) = filled();
    assert_eq!(txs(&index, "transfer.sender='even'"), [(2, 0), (4, 0), (6, 0), (8, 0), (10, 0)]);
    assert_eq!(txs(&index, "transfer.sender='even' AND tx.height > 4 AND tx.height<=8"), [(6, 0), (8, 0)]);
    assert_eq!(txs(&index, "transfer.sender='all' AND message.module='bank' AND tx.height=3"), [(3, 1)]);
    assert_eq!(txs(&index, "tx.height=3"), [(3, 0), (3, 1)]);
    assert!(txs(&index, "tx.height>3 AND tx.height<3").is_empty());
    assert!(txs(&index, "tm.event='NewBlock' AND tx.height=3").is_empty());
    assert_eq!(txs(&index, "transfer.sender CONTAINS 'dd' AND tx.height < 4"), [(1, 0), (3, 0)]);
    assert!(txs(&index, "transfer.sender='eve'").is_empty(), "a prefix of a value is another value");
}

#[test]
fn pages_count_all_matches_and_follow_the_order() {
    let (_dir, index) = filled();
    let query = "transfer.sender='all'".parse().expect("query");
    let found = index.search_txs(&query, page(2, 3, Order::Descending)).expect("searches");
    assert_eq!(found.total, 10);
    assert_eq!(found.items.iter().map(|p| p.height).collect::<Vec<_>>(), [8, 7, 6]);
}

#[test]
fn blocks_are_found_by_their_events_and_heights() {
    let (_dir, index) = filled();
    let search =
        |text: &str, order| index.search_blocks(&text.parse().expect("query"), page(0, 3, order)).expect("searches");
    assert_eq!(search("epoch.number > 8", Order::Ascending).items, [9, 10]);
    assert_eq!(search("block.height > 5", Order::Descending).items, [10, 9, 8]);
    assert_eq!(search("block.height > 5", Order::Ascending).total, 5);
    assert_eq!(search("transfer.sender='even'", Order::Ascending).total, 0, "transaction events are not block events");
}

#[test]
fn nothing_is_found_above_the_height_that_the_asker_may_see() {
    let (_dir, index) = filled();
    let below = Page { through: 6, ..page(0, 100, Order::Descending) };
    let heights = |query: &str| {
        let found = index.search_txs(&query.parse().expect("query"), below).expect("searches");
        found.items.into_iter().map(|place| place.height).collect::<Vec<_>>()
    };
    assert_eq!(heights("transfer.sender='even'"), [6, 4, 2]);
    let hash = |tx: &str| format!("tx.hash='{}'", hex::encode_upper(Sha256::digest(tx)));
    assert_eq!((heights(&hash("b6")), heights(&hash("b7"))), (vec![6], vec![]));
    let blocks = |query: &str| index.search_blocks(&query.parse().expect("query"), below).expect("searches");
    assert_eq!((blocks("block.height>4").items, blocks("epoch.number EXISTS").total), (vec![6, 5], 6));
}

#[test]
fn a_failed_repeat_does_not_hide_the_success() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let index = Index::open(dir.path()).expect("opens");
    for (height, code) in [(1, 5), (2, 0), (3, 7)] {
        index.apply(&block(height, vec![("same", code, vec![])], vec![])).expect("applies");
    }
    assert_eq!(index.tx(&Sha256::digest("same")).expect("reads").expect("found").height, 2);
}

#[test]
fn a_gap_is_refused_and_a_repeat_changes_nothing() {
    let (dir, index) = filled();
    assert!(matches!(index.apply(&block(12, vec![], vec![])), Err(IndexError::OutOfOrder { expected: 11, found: 12 })));
    index.apply(&block(4, vec![("other", 0, vec![])], vec![])).expect("ignored");
    assert_eq!(index.tx(&Sha256::digest("other")).expect("reads"), None);
    drop(index);
    assert_eq!(Index::open(dir.path()).expect("reopens").height().expect("reads"), 10);
}

#[test]
fn a_full_block_is_indexed_as_one_batch() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let index = Index::open(dir.path()).expect("opens");
    let names: Vec<String> = (0..5_000).map(|i| format!("tx{i}")).collect();
    let txs = names.iter().map(|name| (name.as_str(), 0, sent(name))).collect();
    let full = block(1, txs, vec![]);
    let started = std::time::Instant::now();
    index.apply(&full).expect("applies");
    println!("5,000 transactions with 2 events each indexed in {:?}", started.elapsed());
    assert_eq!(txs_at(&index, "tx4999"), [(1, 4_999)]);
}

#[test]
fn an_event_that_repeats_itself_in_a_transaction_is_found_once() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let index = Index::open(dir.path()).expect("opens");
    let twice = Event {
        attributes: [sent("me")[0].attributes.clone(), sent("me")[0].attributes.clone()].concat(),
        ..sent("me").remove(0)
    };
    index.apply(&block(1, vec![("tx", 0, vec![twice.clone(), twice])], vec![])).expect("applies");
    assert_eq!(txs_at(&index, "me"), [(1, 0)]);
}

fn txs_at(index: &Index, sender: &str) -> Vec<(u64, u32)> {
    txs(index, &format!("transfer.sender='{sender}'"))
}
