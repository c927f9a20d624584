//! A WebSocket connection: calls, and subscriptions whose messages carry the id of the subscribing request. A client
//! that reads too slowly is disconnected, never skipped ahead.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use axum::extract::ws::{Message, WebSocket};
use futures::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use serde_json::{Value, json};
use tokio::{
    sync::{Semaphore, broadcast, mpsc},
    task::JoinHandle,
    time::{Instant, interval, timeout},
};

use super::{
    Comet, MAX_SUBSCRIBERS, MAX_SUBSCRIPTIONS,
    envelope::{self, Request, RpcError, answer},
    http::respond,
    params::Params,
    subscription,
};
use crate::{index::Query, rpc::backend::CommittedBlock};

/// Messages that wait for a slow reader before it is disconnected.
const OUT_QUEUE: usize = 1_024;
/// Time for one message to leave.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// Time for the client to answer our Close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
const PING_PERIOD: Duration = Duration::from_secs(20);
/// Without any frame, pongs included, the peer is gone.
const SILENCE_LIMIT: Duration = Duration::from_secs(60);
/// Calls of one connection that run at the same time.
const MAX_CALLS: usize = 20;

type Blocks = broadcast::Receiver<Arc<CommittedBlock>>;

struct Connection {
    comet: Arc<Comet>,
    out: mpsc::Sender<Message>,
    calls: Arc<Semaphore>,
    /// By query text; the id is the subscribing request's.
    subscriptions: BTreeMap<String, (Value, Query)>,
    blocks: Option<Blocks>,
}

/// Why the connection ends.
struct Hangup(&'static str);

pub async fn connection(comet: Arc<Comet>, socket: WebSocket) {
    let (sink, mut stream) = socket.split();
    let (out, queue) = mpsc::channel(OUT_QUEUE);
    let writer = tokio::spawn(write(sink, queue));
    let mut connection = Connection {
        comet,
        out,
        calls: Arc::new(Semaphore::new(MAX_CALLS)),
        subscriptions: BTreeMap::new(),
        blocks: None,
    };
    let mut pings = interval(PING_PERIOD);
    let mut heard = Instant::now();
    let reason = loop {
        let step = tokio::select! {
            frame = stream.next() => {
                heard = Instant::now();
                match frame {
                    Some(Ok(frame)) => connection.frame(frame).await,
                    _ => Err(Hangup("closed by the client")),
                }
            }
            block = next_block(&mut connection.blocks) => connection.block(block),
            _ = pings.tick() => connection.ping(heard),
            () = connection.out.closed() => Err(Hangup("cannot write to the client")),
        };
        if let Err(Hangup(reason)) = step {
            break reason;
        }
    };
    tracing::debug!(reason, "websocket closed");
    connection.release();
    hang_up(&connection.out, writer, &mut stream).await;
}

/// The closing handshake: our Close frame (the answer, when the client sent the first one), then the client's. Calls that
/// still run are not waited for.
async fn hang_up(out: &mpsc::Sender<Message>, mut writer: JoinHandle<()>, stream: &mut SplitStream<WebSocket>) {
    if out.try_send(Message::Close(None)).is_err() || timeout(WRITE_TIMEOUT, &mut writer).await.is_err() {
        tracing::debug!("websocket client did not read its last messages");
        writer.abort();
        return;
    }
    // Without reading what is under way, the connection would be reset and our last frames with it.
    let rest = async { while let Some(Ok(_)) = stream.next().await {} };
    if timeout(CLOSE_TIMEOUT, rest).await.is_err() {
        tracing::debug!("websocket client did not answer the close");
    }
}

/// Ends with the first Close frame.
async fn write(mut sink: SplitSink<WebSocket, Message>, mut queue: mpsc::Receiver<Message>) {
    while let Some(message) = queue.recv().await {
        let last = matches!(message, Message::Close(_));
        match timeout(WRITE_TIMEOUT, sink.send(message)).await {
            Ok(Ok(())) if !last => {}
            _ => return,
        }
    }
}

/// Never ready without a subscription.
async fn next_block(blocks: &mut Option<Blocks>) -> Result<Arc<CommittedBlock>, broadcast::error::RecvError> {
    match blocks {
        Some(blocks) => blocks.recv().await,
        None => std::future::pending().await,
    }
}

impl Connection {
    fn send(&self, value: &Value) -> Result<(), Hangup> {
        self.out.try_send(Message::Text(value.to_string().into())).map_err(|_| Hangup("the client reads too slowly"))
    }

    fn ping(&self, heard: Instant) -> Result<(), Hangup> {
        if heard.elapsed() > SILENCE_LIMIT {
            return Err(Hangup("the client is silent"));
        }
        self.out.try_send(Message::Ping(bytes::Bytes::new())).map_err(|_| Hangup("the client reads too slowly"))
    }

    fn block(&self, block: Result<Arc<CommittedBlock>, broadcast::error::RecvError>) -> Result<(), Hangup> {
        let block = block.map_err(|error| match error {
            broadcast::error::RecvError::Lagged(_) => Hangup("the client fell behind the chain"),
            broadcast::error::RecvError::Closed => Hangup("the node is stopping"),
        })?;
        for (id, query) in self.subscriptions.values() {
            for message in subscription::matching(&block, query) {
                self.send(&answer(id, Ok(message)))?;
            }
        }
        Ok(())
    }

    async fn frame(&mut self, frame: Message) -> Result<(), Hangup> {
        let text = match frame {
            Message::Text(text) => text,
            Message::Binary(_) => return Err(Hangup("binary frames carry nothing here")),
            Message::Close(_) => return Err(Hangup("closed by the client")),
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
        };
        let (requests, _) = match envelope::parse_body(text.as_bytes()) {
            Ok(parsed) => parsed,
            Err(error) => return self.send(&answer(&Value::Null, Err(error))),
        };
        for request in requests {
            match request {
                Ok(request) => self.request(request).await?,
                Err((id, error)) => self.send(&answer(&id, Err(error)))?,
            }
        }
        Ok(())
    }

    async fn request(&mut self, request: Request) -> Result<(), Hangup> {
        let Some(id) = request.id.clone() else { return Ok(()) };
        let result = match request.method.as_str() {
            "subscribe" => self.subscribe(&id, request.params),
            "unsubscribe" => self.unsubscribe(request.params),
            "unsubscribe_all" => self.unsubscribe_all(),
            _ => return self.call(request).await,
        };
        self.send(&answer(&id, result))
    }

    /// Runs beside the subscriptions, so that a slow call does not hold blocks back.
    async fn call(&self, request: Request) -> Result<(), Hangup> {
        let Ok(permit) = self.calls.clone().acquire_owned().await else { return Err(Hangup("the node is stopping")) };
        let (comet, out) = (self.comet.clone(), self.out.clone());
        tokio::spawn(async move {
            if let Some(answer) = respond(&comet, request).await
                && out.send(Message::Text(answer.to_string().into())).await.is_err()
            {
                tracing::debug!("the client left before its answer");
            }
            drop(permit);
        });
        Ok(())
    }

    fn subscribe(&mut self, id: &Value, params: Value) -> Result<Value, RpcError> {
        let text = query_text(params)?;
        let query: Query = text.parse().map_err(|e| RpcError::Internal(format!("failed to parse query: {e}")))?;
        if self.subscriptions.contains_key(&text) {
            return Err(RpcError::Internal("already subscribed".into()));
        }
        if self.subscriptions.len() >= MAX_SUBSCRIPTIONS {
            return Err(RpcError::Internal(format!("max_subscriptions_per_client {MAX_SUBSCRIPTIONS} reached")));
        }
        if self.blocks.is_none() {
            let before = self.comet.subscribers.fetch_add(1, Ordering::Relaxed);
            if before >= MAX_SUBSCRIBERS {
                self.comet.subscribers.fetch_sub(1, Ordering::Relaxed);
                return Err(RpcError::Internal(format!("max_subscription_clients {MAX_SUBSCRIBERS} reached")));
            }
            self.blocks = Some(self.comet.backend.view.subscribe());
        }
        self.subscriptions.insert(text, (id.clone(), query));
        Ok(json!({}))
    }

    fn unsubscribe(&mut self, params: Value) -> Result<Value, RpcError> {
        let text = query_text(params)?;
        if self.subscriptions.remove(&text).is_none() {
            return Err(RpcError::Internal("subscription not found".into()));
        }
        if self.subscriptions.is_empty() {
            self.release();
        }
        Ok(json!({}))
    }

    fn unsubscribe_all(&mut self) -> Result<Value, RpcError> {
        if self.subscriptions.is_empty() {
            return Err(RpcError::Internal("subscription not found".into()));
        }
        self.release();
        Ok(json!({}))
    }

    /// Gives the subscriber's place back.
    fn release(&mut self) {
        self.subscriptions.clear();
        if self.blocks.take().is_some() {
            self.comet.subscribers.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// `{"query": …}` with any other keys, or `["…"]`.
fn query_text(params: Value) -> Result<String, RpcError> {
    let text = Params::from_json(params, &["query"])?.text("query")?;
    if text.is_empty() { Err(RpcError::InvalidParams("parameter query is missing".into())) } else { Ok(text) }
}
