//! Money in motion: escrow accounts with streaming payments, and the commission of every settlement.

pub mod escrow;
pub mod take;
