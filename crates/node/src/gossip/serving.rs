//! Answers to nodes that start from a snapshot, within each peer's share and in the background.

use std::time::Instant;

use libp2p::PeerId;
use libp2p_request_response::ResponseChannel;
use prost::Message as _;

use super::Task;
use crate::statesync::server;
use crate::statesync::wire::{Answer, Request, Told};

/// Answers that are made at once; memory holds a chunk for each.
const MAX_ANSWERING: usize = 8;

/// An answer that is ready.
pub struct Answered {
    peer: PeerId,
    answer: Answer,
    channel: ResponseChannel<Answer>,
}

impl Task {
    pub(super) fn on_question(&mut self, peer: PeerId, request: Request, channel: ResponseChannel<Answer>) {
        let now = Instant::now();
        let known = self.known(peer);
        let admitted = known.admit(now, 0) && known.may_ask(now);
        if known.floods() {
            self.blame(peer);
        }
        if !admitted || self.answering >= MAX_ANSWERING {
            self.send_answer(Answered { peer, answer: Told::Busy(true).into(), channel });
            return;
        }
        self.answering += 1;
        let (core, answers) = (self.core.clone(), self.answers.clone());
        tokio::task::spawn_blocking(move || {
            let answer = server::answer(&core, &request);
            // Closed when the node stops.
            let _ = answers.blocking_send(Answered { peer, answer, channel });
        });
    }

    pub(super) fn on_answered(&mut self, answered: Answered) {
        self.answering = self.answering.saturating_sub(1);
        self.send_answer(answered);
    }

    fn send_answer(&mut self, answered: Answered) {
        let Answered { peer, answer, channel } = answered;
        self.known(peer).served(answer.encoded_len());
        // Whoever asked may be gone.
        let _ = self.swarm.behaviour_mut().serve.send_response(channel, answer);
    }
}
