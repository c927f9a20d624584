//! What is remembered of a peer: its rate, its faults and its ban.

use std::time::{Duration, Instant};

/// Per peer and second (platform spec section 3.4).
const MAX_MESSAGES: u32 = 100;
const MAX_BYTES: usize = 10 << 20;
/// So many times the admitted messages are a fault each.
const FLOOD: u32 = 10;
/// A peer with so many messages that no honest node sends is cut off for [`BAN`].
const MAX_FAULTS: u32 = 10;
/// So is one whose score fell to this: rubbish weighs by its square, and is forgotten within minutes.
pub const LOWEST_SCORE: f64 = -100.0;
/// How long a peer is cut off.
pub const BAN: Duration = Duration::from_secs(3600);

#[derive(Debug)]
pub struct Peer {
    window: Instant,
    messages: u32,
    bytes: usize,
    /// Bytes that were sent to it.
    served: usize,
    faults: u32,
    banned_until: Option<Instant>,
}

impl Peer {
    pub fn new(now: Instant) -> Self {
        Self { window: now, messages: 0, bytes: 0, served: 0, faults: 0, banned_until: None }
    }

    /// Whether one more message is within the peer's rate.
    pub fn admit(&mut self, now: Instant, bytes: usize) -> bool {
        self.turn(now);
        self.messages = self.messages.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
        self.messages <= MAX_MESSAGES && self.bytes <= MAX_BYTES
    }

    fn turn(&mut self, now: Instant) {
        if now.duration_since(self.window) >= Duration::from_secs(1) {
            (self.window, self.messages, self.bytes, self.served) = (now, 0, 0, 0);
        }
    }

    /// Whether it sends many times what is admitted, which nobody does by accident.
    pub fn floods(&self) -> bool {
        self.messages > FLOOD * MAX_MESSAGES
    }

    /// Whether the peer may be sent an answer now: not when it got its share of this second already.
    pub fn may_ask(&mut self, now: Instant) -> bool {
        self.turn(now);
        self.served < MAX_BYTES
    }

    pub fn served(&mut self, bytes: usize) {
        self.served = self.served.saturating_add(bytes);
    }

    /// Counts a fault; whether the peer is banned by it, for `ban`.
    pub fn blame(&mut self, now: Instant, score: f64, ban: Duration) -> bool {
        self.faults = self.faults.saturating_add(1);
        let banned = self.faults >= MAX_FAULTS || score <= LOWEST_SCORE;
        if banned {
            self.banned_until = Some(now + ban);
        }
        banned
    }

    pub fn is_banned(&self) -> bool {
        self.banned_until.is_some()
    }

    /// Whether a ban ended; the peer then starts anew.
    pub fn release(&mut self, now: Instant) -> bool {
        let over = self.banned_until.is_some_and(|until| until <= now);
        if over {
            *self = Self::new(now);
        }
        over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_held_to_its_rate_and_banned_for_an_hour_after_ten_faults() {
        let now = Instant::now();
        let mut peer = Peer::new(now);
        assert!((0..100).all(|_| peer.admit(now, 10)));
        assert!(!peer.admit(now, 10), "the 101st message of a second");
        assert!(!peer.admit(now + Duration::from_secs(1), 11 << 20), "too many bytes");
        assert!(peer.admit(now + Duration::from_secs(2), 10));
        assert!(!peer.floods());
        assert!((0..1000).filter(|_| peer.admit(now + Duration::from_secs(2), 0)).count() < 100 && peer.floods());
        assert!(peer.may_ask(now + Duration::from_secs(2)));
        peer.served(11 << 20);
        assert!(!peer.may_ask(now + Duration::from_secs(2)), "its share of the second");
        assert!(peer.may_ask(now + Duration::from_secs(3)));
        let blame = |peer: &mut Peer, score| peer.blame(now, score, BAN);
        assert!((0..9).all(|_| !blame(&mut peer, -99.9)) && blame(&mut peer, -99.9) && peer.is_banned());
        assert!(!peer.release(now + Duration::from_secs(3599)));
        assert!(peer.release(now + Duration::from_secs(3600)) && !peer.is_banned());
        assert!(!blame(&mut peer, -99.9) && blame(&mut peer, LOWEST_SCORE), "the score alone");
    }
}
