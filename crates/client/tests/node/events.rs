//! The event stream against a node that drops sockets, fails and prunes.

use std::time::Duration;

use super::support::FakeNode;
use ve_client::events::{Cursor, EventStream, Item, Phase};
use ve_client::{ClientError, RpcClient};

fn stream(node: &FakeNode, cursor: Cursor) -> EventStream {
    EventStream::from(RpcClient::new(&[&node.url]).unwrap(), "ve-test-1", cursor)
}

/// Names of events until the end of `last`.
async fn until(stream: &mut EventStream, last: u64) -> Vec<String> {
    let mut names = Vec::new();
    loop {
        match tokio::time::timeout(Duration::from_secs(20), stream.next()).await.unwrap().unwrap() {
            Item::Event(event) => names.push(event.event.attribute("id").unwrap().to_owned()),
            Item::EndOfBlock { height } if height == last => return names,
            Item::EndOfBlock { .. } => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_in_order_from_the_past_into_the_present() {
    let node = FakeNode::start().await;
    node.add_block(&["a", "b"]);
    node.add_block(&[]);
    let mut events = stream(&node, Cursor::before(1));
    assert_eq!(until(&mut events, 2).await, ["1-begin", "1-a", "1-b", "1-end", "2-begin", "2-end"]);
    let live = node.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        live.add_block(&["c"]);
    });
    assert_eq!(until(&mut events, 3).await, ["3-begin", "3-c", "3-end"]);
    assert_eq!(events.cursor(), Cursor::after(3));
    assert!(node.state.lock().unwrap().sockets >= 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_restarted_at_any_cursor_loses_and_doubles_nothing() {
    let node = FakeNode::start().await;
    for _ in 0..3 {
        node.add_block(&["a", "b"]);
    }
    let all = until(&mut stream(&node, Cursor::before(1)), 3).await;
    let mut seen = Vec::new();
    let mut cursor = Cursor::before(1);
    while cursor != Cursor::after(3) {
        // Each round is a process that dies after one item; the cursor survives as text.
        let mut events = stream(&node, cursor.to_string().parse().unwrap());
        if let Item::Event(event) = events.next().await.unwrap() {
            seen.push(event.event.attribute("id").unwrap().to_owned());
        }
        assert!(events.cursor() > cursor);
        cursor = events.cursor();
    }
    assert_eq!(seen, all);
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_sockets_and_failing_answers_leave_no_gap() {
    let node = FakeNode::start().await;
    node.add_block(&[]);
    let chaos = node.clone();
    let task = tokio::spawn(async move {
        let mut dropped = 0;
        for round in 0..20 {
            tokio::time::sleep(Duration::from_millis(30)).await;
            chaos.add_block(&["t"]);
            if round % 3 == 0 {
                // The first two meet an open socket, however busy this machine is.
                while dropped < 2 && chaos.state.lock().unwrap().sockets <= dropped {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                dropped += 1;
                chaos.drop_sockets();
                chaos.add_block(&["unseen"]);
            }
            if round == 5 {
                chaos.state.lock().unwrap().failures = 2;
            }
        }
    });
    let mut events = stream(&node, Cursor::before(1));
    let names = until(&mut events, 28).await;
    task.await.unwrap();
    let heights: Vec<u64> = names.iter().map(|name| name.split('-').next().unwrap().parse().unwrap()).collect();
    assert!(heights.is_sorted());
    assert_eq!(names.len(), 28 * 2 + 20 + 7);
    let unique: std::collections::BTreeSet<&String> = names.iter().collect();
    assert_eq!(unique.len(), names.len());
    assert!(node.state.lock().unwrap().sockets > 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn pruned_history_is_an_error_and_not_a_gap() {
    let node = FakeNode::start().await;
    for _ in 0..5 {
        node.add_block(&[]);
    }
    node.state.lock().unwrap().earliest = 4;
    let error = stream(&node, Cursor::after(1)).next().await.unwrap_err();
    assert!(matches!(error, ClientError::Pruned { height: 2, earliest: 4 }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_of_another_chain_is_refused() {
    let node = FakeNode::start().await;
    node.add_block(&[]);
    let rpc = RpcClient::new(&[&node.url]).unwrap();
    let error = EventStream::from(rpc, "ve-other-1", Cursor::before(1)).next().await.unwrap_err();
    assert!(matches!(error, ClientError::WrongChain { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_endpoint_is_passed_over() {
    let node = FakeNode::start().await;
    node.add_block(&[]);
    let rpc = RpcClient::new(&["http://127.0.0.1:9", node.url.as_str()]).unwrap();
    assert_eq!(rpc.status().await.unwrap().latest_height, 1);
}

#[test]
fn cursors_are_ordered_like_history_and_survive_as_text() {
    let at = |height, phase, tx_index, event_index| Cursor { height, phase, tx_index, event_index };
    let ordered = [
        Cursor::before(5),
        at(5, Phase::Begin, 0, 0),
        at(5, Phase::Begin, 0, 1),
        at(5, Phase::Transaction, 0, 0),
        at(5, Phase::Transaction, 1, 0),
        at(5, Phase::End, 0, 0),
        Cursor::after(5),
        at(6, Phase::Begin, 0, 0),
    ];
    assert!(ordered.is_sorted());
    for cursor in ordered {
        assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
    }
    for wrong in ["", "1/2/3", "1/3/0/0", "a/0/0/0", "1/0/0/0/0", "-1/0/0/0"] {
        assert!(wrong.parse::<Cursor>().is_err(), "{wrong}");
    }
}
