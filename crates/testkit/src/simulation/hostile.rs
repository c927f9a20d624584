//! Transactions that must never be accepted, whatever the state.

use prost::Message;
use prost_reflect::{DynamicMessage, MessageDescriptor, Value};
use ve_base::Address;
use ve_sdk::Registry;
use ve_sdk::simulation::{Draw, Expect};

use super::{Draws, Planned, Sequences, next_sequence};
use crate::chain::{self, TestChain};

/// Transactions kept for replay.
const REMEMBERED: usize = 200;

pub struct Hostile {
    sent: Vec<Sent>,
    governance: Vec<MessageDescriptor>,
}

struct Sent {
    raw: Vec<u8>,
    signer: Address,
    sequence: u64,
}

impl Hostile {
    pub fn new(registry: &Registry) -> Self {
        let governance = registry.message_types().filter(|name| only_governance_may_send(name)).filter_map(descriptor);
        Self { sent: Vec::new(), governance: governance.collect() }
    }

    pub fn remember(&mut self, raw: &[u8], signer: &Address, sequence: u64) {
        if self.sent.len() < REMEMBERED {
            self.sent.push(Sent { raw: raw.to_vec(), signer: signer.clone(), sequence });
        }
    }

    /// `None` when this draw needs an earlier transaction and there is none.
    pub fn transaction(&self, draws: &mut Draws, chain: &TestChain, sequences: &mut Sequences) -> Option<Planned> {
        let (name, raw, expect) = match draws.below(4) {
            0 => ("hostile: damaged bytes", self.damaged(draws)?, Expect::Refused),
            1 => ("hostile: wrong sequence", self.wrong_sequence(draws, chain)?, Expect::Refused),
            2 => ("hostile: governance only", self.governance_only(draws, chain, sequences)?, Expect::Refused),
            _ => {
                let sent = self.pick(draws)?;
                let used = sent.sequence < chain.account(&sent.signer).sequence;
                // One that never passed admission may be valid now.
                ("hostile: replay", sent.raw.clone(), if used { Expect::Refused } else { Expect::Either })
            }
        };
        Some(Planned { raw, name: name.to_owned(), expect })
    }

    fn pick(&self, draws: &mut Draws) -> Option<&Sent> {
        let at = draws.below(self.sent.len() as u64);
        self.sent.get(usize::try_from(at).ok()?)
    }

    /// One bit of an earlier transaction flipped: signature, length or content, all of them are covered.
    fn damaged(&self, draws: &mut Draws) -> Option<Vec<u8>> {
        let mut raw = self.pick(draws)?.raw.clone();
        let at = usize::try_from(draws.below(raw.len() as u64)).ok()?;
        raw[at] ^= 1 << draws.below(8);
        Some(raw)
    }

    /// Further ahead than one block can bring the account.
    fn wrong_sequence(&self, draws: &mut Draws, chain: &TestChain) -> Option<Vec<u8>> {
        let signer = account(draws, chain);
        let known = chain.account(&signer.address);
        let sequence = known.sequence + 1_000 + draws.below(1_000);
        let message = self.governance_message(draws, signer)?;
        Some(chain::sign(signer, known.account_number, sequence, vec![message]))
    }

    fn governance_only(&self, draws: &mut Draws, chain: &TestChain, sequences: &mut Sequences) -> Option<Vec<u8>> {
        let signer = account(draws, chain);
        let message = self.governance_message(draws, signer)?;
        let (number, sequence) = next_sequence(chain, &signer.address, sequences);
        Some(chain::sign(signer, number, sequence, vec![message]))
    }

    /// A message that governance alone may send, in the name of somebody else.
    fn governance_message(&self, draws: &mut Draws, signer: &chain::Account) -> Option<prost_types::Any> {
        let at = draws.below(self.governance.len() as u64);
        let descriptor = self.governance.get(usize::try_from(at).ok()?)?;
        let mut message = DynamicMessage::new(descriptor.clone());
        message.set_field_by_name("authority", Value::String(signer.address.to_string()));
        Some(prost_types::Any { type_url: format!("/{}", descriptor.full_name()), value: message.encode_to_vec() })
    }
}

fn account<'a>(draws: &mut Draws, chain: &'a TestChain) -> &'a chain::Account {
    let at = usize::try_from(draws.below(chain.accounts.len() as u64)).unwrap_or(0);
    &chain.accounts[at]
}

/// By the convention of the Cosmos SDK these messages have a field `authority`.
pub fn only_governance_may_send(type_url: &str) -> bool {
    descriptor(type_url).is_some_and(|message| message.get_field_by_name("authority").is_some())
}

fn descriptor(type_url: &str) -> Option<MessageDescriptor> {
    ve_proto::descriptors().get_message_by_name(type_url.trim_start_matches('/'))
}
