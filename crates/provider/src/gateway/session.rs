use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use futures::stream::SplitSink;
use futures::{Sink, SinkExt};
use serde::Deserialize;
use tokio::time::{Instant, sleep_until, timeout};
use ve_client::gateway::token::{Scope, Subject};

use super::guard::Caller;
use super::peer::CACHE;
use super::server::Connection;
use super::{GatewayError, Shared};
use crate::model::LeaseId;

/// Between pings, which keep middleboxes from forgetting a quiet stream.
pub(super) const PING: Duration = Duration::from_secs(30);

/// A client that takes in nothing for so long is cut off.
const SEND: Duration = Duration::from_secs(30);

/// RFC 6455 section 7.4.1: normal, going away, unsupported data, policy.
pub(super) const NORMAL: u16 = 1000;
const GOING_AWAY: u16 = 1001;
pub(super) const UNSUPPORTED: u16 = 1003;
const POLICY: u16 = 1008;

/// Longest reason of a close frame, bytes (RFC 6455 section 5.5).
const MAX_REASON: usize = 123;

/// The lease named by a path.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct LeaseKey {
    dseq: u64,
    gseq: u32,
    oseq: u32,
}

impl Shared {
    /// The caller's lease, if the credential allows what is wanted of it.
    pub(super) async fn lease(
        &self,
        caller: &Caller,
        key: LeaseKey,
        scope: Scope,
        service: Option<&str>,
    ) -> Result<LeaseId, GatewayError> {
        let owner = caller.owner();
        let subject = Subject { dseq: key.dseq, gseq: Some(key.gseq), oseq: Some(key.oseq), service };
        caller.may(&self.config.provider, scope, &subject)?;
        // What a lease did may be read when it is over; there is nothing left to act on.
        let reads = matches!(scope, Scope::Logs | Scope::Events | Scope::Status);
        let lease = self.service.find_lease(owner, key.dseq, key.gseq, key.oseq, reads).await?;
        // The one authorisation rule, checked here and not left to the service.
        if lease.order.owner != owner {
            return Err(GatewayError::Forbidden(format!("{lease} is not a lease of {owner}")));
        }
        Ok(lease)
    }
}

/// Why a stream ends, as the client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ending {
    pub(super) code: u16,
    pub(super) reason: String,
}

impl Ending {
    pub(super) fn new(code: u16, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }
}

impl From<GatewayError> for Ending {
    fn from(error: GatewayError) -> Self {
        if let GatewayError::Internal(cause) = &error {
            tracing::error!(cause, "gateway stream failed");
        }
        Self::new(error.close_code(), error.public_message())
    }
}

/// One WebSocket of a caller on a lease.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) shared: Arc<Shared>,
    pub(super) caller: Caller,
    pub(super) connection: Connection,
    pub(super) key: LeaseKey,
    pub(super) scope: Scope,
    /// `None` = all services.
    pub(super) service: Option<String>,
}

impl Session {
    /// The lease, as long as the caller has a right to this session on it.
    pub(super) async fn lease(&self) -> Result<LeaseId, GatewayError> {
        self.shared.lease(&self.caller, self.key, self.scope, self.service.as_deref()).await
    }

    /// Resolves when the session must end whatever flows in it: the gateway stops,
    /// the time is up, the credential is revoked, or the lease is over.
    pub(super) async fn must_end(&self) -> Ending {
        let deadline = Instant::now() + self.shared.config.limits.session;
        tokio::select! {
            () = self.shared.closed() => {
                Ending::new(GOING_AWAY, "the gateway restarts; connect again")
            }
            () = sleep_until(deadline) => {
                Ending::new(POLICY, "the session reached its longest duration")
            }
            error = self.lost_right() => error.into(),
        }
    }

    async fn lost_right(&self) -> GatewayError {
        loop {
            tokio::time::sleep(self.shared.config.limits.recheck.min(CACHE)).await;
            let checked = match self.shared.still_good(&self.caller).await {
                Ok(()) => self.lease().await.map(drop),
                Err(error) => Err(error),
            };
            match checked {
                // A node that does not answer takes no right away.
                Ok(()) | Err(GatewayError::Unavailable(_) | GatewayError::Internal(_)) => {}
                Err(error) => return error,
            }
        }
    }
}

/// When something last moved.
pub(super) struct Activity(Mutex<Instant>);

impl Activity {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Instant::now()))
    }

    pub(super) fn touch(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Resolves when nothing has moved for `limit`.
    pub(super) async fn idle(&self, limit: Duration) -> Ending {
        loop {
            let until = *self.0.lock().unwrap_or_else(PoisonError::into_inner) + limit;
            if until <= Instant::now() {
                return Ending::new(POLICY, "the session was idle for too long");
            }
            sleep_until(until).await;
        }
    }
}

/// Sends within a limited time; `false` when the client is gone or does not read.
pub(super) async fn send<S>(socket: &mut S, message: Message) -> bool
where
    S: Sink<Message> + Unpin,
{
    matches!(timeout(SEND, socket.send(message)).await, Ok(Ok(())))
}

/// Closes with a code and a reason, cut to what a close frame can hold.
pub(super) async fn close<S>(socket: &mut S, ending: &Ending)
where
    S: Sink<Message> + Unpin,
{
    let end = ending.reason.floor_char_boundary(MAX_REASON);
    let reason = Utf8Bytes::from(&ending.reason[..end]);
    send(socket, Message::Close(Some(CloseFrame { code: ending.code, reason }))).await;
}

/// The sending half of a client's WebSocket.
pub(super) type Outgoing = SplitSink<WebSocket, Message>;
