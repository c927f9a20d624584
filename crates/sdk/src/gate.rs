//! Who may use a message at all, beyond its signature: gates of higher modules (identity, suspension), wired by `app`.

use prost_types::Any;
use ve_base::{Address, CodedError};

use crate::context::Context;

/// Asked about every message of a transaction before its fee is taken, and again about every message that another one
/// carries, at the moment when that one executes it. An error refuses the message.
pub trait MessageGate: Send + Sync {
    /// `signers` are the accounts in whose name the message acts, not those who deliver it for them.
    fn admit(&self, ctx: &mut Context<'_>, message: &Any, signers: &[Address]) -> Result<(), CodedError>;
}

/// Asks every registered gate in order.
pub fn ask(ctx: &mut Context<'_>, message: &Any, signers: &[Address]) -> Result<(), CodedError> {
    for gate in ctx.hooks().all::<dyn MessageGate>() {
        gate.admit(ctx, message, signers)?;
    }
    Ok(())
}
