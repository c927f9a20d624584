//! What a module contributes to the random simulation of the whole application. The driver is in `testkit`.

use prost::{Message, Name};
use prost_types::Any;
use ve_base::Address;

use crate::context::QueryContext;
use crate::registry::type_url;

/// Randomness drawn from the simulation's seed; the only source a generator may use.
pub trait Draw {
    fn next_u64(&mut self) -> u64;

    /// Uniform enough for tests: 0..bound, 0 for bound 0.
    fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.next_u64() % bound }
    }
}

/// Whether the generator believes that its message will be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    Accepted,
    /// Refused with a coded error and no change of state beside the fee.
    Refused,
    /// Depends on messages before it in the same block.
    Either,
}

/// A message to send in the name of one of the simulated accounts.
pub struct Proposed {
    pub signer: Address,
    pub message: Any,
    pub expect: Expect,
}

impl Proposed {
    pub fn new<M: Message + Name>(signer: &Address, message: &M, expect: Expect) -> Self {
        let message = Any { type_url: type_url::<M>(), value: message.encode_to_vec() };
        Self { signer: signer.clone(), message, expect }
    }
}

/// One of `items`; `None` when there are none.
pub fn pick<'a, T>(draw: &mut dyn Draw, items: &'a [T]) -> Option<&'a T> {
    items.get(usize::try_from(draw.below(items.len() as u64)).ok()?)
}

/// A generator for one message type.
pub struct Operation {
    /// Type URL of the message.
    pub message: &'static str,
    /// How often it is chosen relative to the others.
    pub weight: u64,
    /// `None` when the state offers nothing to do. `accounts` are the funded accounts whose keys the driver has.
    pub generate: fn(&mut dyn Draw, &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed>,
}
