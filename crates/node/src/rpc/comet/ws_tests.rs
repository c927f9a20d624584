use std::{net::SocketAddr, sync::Arc, time::Duration};

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    time::timeout,
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use super::{Comet, MAX_CONNECTIONS, MAX_SUBSCRIPTIONS, router};
use crate::{
    index::Index,
    rpc::{
        server,
        test_node::{self, TestNode},
    },
};

type Client = WebSocketStream<MaybeTlsStream<TcpStream>>;

struct Served {
    _dir: tempfile::TempDir,
    node: Arc<TestNode>,
    index: Arc<Index>,
    address: SocketAddr,
    stop: watch::Sender<bool>,
}

async fn serve() -> Served {
    let (dir, node, backend, services) = test_node::start();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("address");
    let (stop, stopped) = watch::channel(false);
    let index = backend.index.clone();
    let router = router(Comet::new(backend, services));
    tokio::spawn(server::serve(listener, router, MAX_CONNECTIONS, stopped));
    Served { _dir: dir, node, index, address, stop }
}

async fn connect(served: &Served) -> Client {
    connect_async(format!("ws://{}/websocket", served.address)).await.expect("connects").0
}

async fn say(client: &mut Client, message: Value) {
    client.send(Message::text(message.to_string())).await.expect("sends");
}

async fn hear(client: &mut Client) -> Value {
    loop {
        let frame = timeout(Duration::from_secs(10), client.next()).await.expect("in time").expect("open");
        if let Message::Text(text) = frame.expect("frame") {
            return serde_json::from_str(text.as_str()).expect("json");
        }
    }
}

async fn ask(client: &mut Client, id: Value, method: &str, params: Value) -> Value {
    say(client, json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})).await;
    hear(client).await
}

#[tokio::test]
async fn messages_carry_the_id_of_their_subscription() {
    let served = serve().await;
    let mut client = connect(&served).await;
    let blocks = json!({"query": "tm.event='NewBlock'", "page": "1", "per_page": "30", "order_by": "asc"});
    let answer = ask(&mut client, json!("blocks"), "subscribe", blocks).await;
    assert_eq!((answer["id"].clone(), answer["result"].clone()), (json!("blocks"), json!({})));
    let txs = json!(["tm.event = 'Tx' AND message.module = 'bank'"]);
    assert_eq!(ask(&mut client, json!(2), "subscribe", txs).await["result"], json!({}));
    served.node.advance(&served.index);
    let (first, second) = (hear(&mut client).await, hear(&mut client).await);
    let (block, tx) = if first["id"] == "blocks" { (first, second) } else { (second, first) };
    assert_eq!(block["result"]["query"], "tm.event='NewBlock'");
    assert_eq!(block["result"]["data"]["type"], "tendermint/event/NewBlock");
    assert_eq!(block["result"]["data"]["value"]["block"]["header"]["height"], "4");
    assert_eq!(block["result"]["events"]["tm.event"], json!(["NewBlock"]));
    assert_eq!(block["result"]["events"]["mint.amount"], json!(["12"]));
    assert_eq!(tx["id"], 2);
    assert_eq!(tx["result"]["data"]["type"], "tendermint/event/Tx");
    let result = &tx["result"]["data"]["value"]["TxResult"];
    assert_eq!((result["height"].clone(), result["index"].clone()), (json!("4"), json!(0)));
    assert_eq!(tx["result"]["events"]["tx.height"], json!(["4"]));
    assert!(tx["result"]["events"]["tx.hash"][0].is_string());
}

#[tokio::test]
async fn calls_work_beside_subscriptions_and_unsubscribing_ends_them() {
    let served = serve().await;
    let mut client = connect(&served).await;
    let query = json!({"query": "tm.event='NewBlock'"});
    ask(&mut client, json!(1), "subscribe", query.clone()).await;
    assert_eq!(ask(&mut client, json!(2), "health", json!({})).await["id"], 2);
    let again = ask(&mut client, json!(3), "subscribe", query.clone()).await;
    assert_eq!(again["error"]["data"], "already subscribed");
    assert_eq!(ask(&mut client, json!(4), "unsubscribe", query.clone()).await["result"], json!({}));
    assert_eq!(ask(&mut client, json!(5), "unsubscribe", query).await["error"]["data"], "subscription not found");
    served.node.advance(&served.index);
    assert_eq!(ask(&mut client, json!(6), "health", json!({})).await["id"], 6, "no block in between");
}

#[tokio::test]
async fn a_sixth_subscription_and_a_malformed_query_are_refused() {
    let served = serve().await;
    let mut client = connect(&served).await;
    for i in 0..MAX_SUBSCRIPTIONS {
        let answer = ask(&mut client, json!(i), "subscribe", json!([format!("a.b = '{i}'")])).await;
        assert_eq!(answer["result"], json!({}));
    }
    let answer = ask(&mut client, json!(9), "subscribe", json!(["a.b = 'more'"])).await;
    assert_eq!(answer["error"]["data"], "max_subscriptions_per_client 5 reached");
    let answer = ask(&mut client, json!(10), "subscribe", json!(["a.b ="])).await;
    assert_eq!(answer["error"]["code"], -32603);
    assert!(ask(&mut client, json!(11), "subscribe", json!({})).await["error"].is_object());
}

#[tokio::test]
async fn a_client_that_falls_behind_the_chain_is_disconnected() {
    let served = serve().await;
    let mut client = connect(&served).await;
    ask(&mut client, json!(1), "subscribe", json!(["tm.event='NewBlock'"])).await;
    // More than the node's channel keeps, within one poll of the connection's task.
    for _ in 0..40 {
        served.node.advance(&served.index);
    }
    let end = timeout(Duration::from_secs(10), async {
        let mut heights = Vec::new();
        while let Some(Ok(frame)) = client.next().await {
            if let Message::Text(text) = frame {
                let message: Value = serde_json::from_str(text.as_str()).expect("json");
                heights.push(message["result"]["data"]["value"]["block"]["header"]["height"].clone());
            }
        }
        heights
    });
    let heights = end.await.expect("the server hangs up");
    let expected: Vec<Value> = (4..).take(heights.len()).map(|h: u64| json!(h.to_string())).collect();
    assert_eq!(heights, expected, "what arrived has no gap");
}

#[tokio::test]
async fn stopping_the_server_closes_connections() {
    let served = serve().await;
    let mut client = connect(&served).await;
    assert_eq!(ask(&mut client, json!(1), "health", json!({})).await["id"], 1);
    served.stop.send(true).expect("server listens");
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(TcpStream::connect(served.address).await.is_err(), "no new connections");
}

/// Reads what is left until the server closes the TCP connection.
async fn until_closed(client: &mut Client) -> Vec<Message> {
    let rest = async {
        let mut frames = Vec::new();
        while let Some(Ok(frame)) = client.next().await {
            frames.push(frame);
        }
        frames
    };
    timeout(Duration::from_secs(3), rest).await.expect("the server closes promptly")
}

#[tokio::test]
async fn a_closing_client_gets_a_close_frame_and_the_end_of_the_connection() {
    let served = serve().await;
    let mut client = connect(&served).await;
    ask(&mut client, json!(1), "subscribe", json!(["tm.event='NewBlock'"])).await;
    // A call that takes ten seconds must not keep the connection open.
    let tx = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, test_node::raw_tx("never included"));
    say(&mut client, json!({"jsonrpc": "2.0", "id": 2, "method": "broadcast_tx_commit", "params": {"tx": tx}})).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    client.send(Message::Close(None)).await.expect("sends");
    let frames = until_closed(&mut client).await;
    assert!(frames.iter().any(Message::is_close), "{frames:?}");
    // The end is of the TCP connection, not of the messages alone: nothing more can be read from it.
    let MaybeTlsStream::Plain(tcp) = client.get_mut() else { panic!("not encrypted") };
    let mut byte = [0; 1];
    let read = timeout(Duration::from_secs(3), tokio::io::AsyncReadExt::read(tcp, &mut byte)).await.expect("in time");
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
}

#[tokio::test]
async fn a_client_that_sends_binary_frames_is_closed_in_order() {
    let served = serve().await;
    let mut client = connect(&served).await;
    client.send(Message::Binary(vec![1, 2, 3].into())).await.expect("sends");
    assert!(until_closed(&mut client).await.iter().any(Message::is_close));
}
