//! The capability matrix (identity spec section 2.4): what each tier may do, with which limits. All of it is parameters.
//! Limits are in `uve` of one window; limits in dollars need a price that the chain does not have.

use ve_base::CodedError;
use ve_proto::ve::veid::v1::{Capability, CapabilityRow, Cell, Condition, Params};

use super::error::Error;

/// The highest tier.
pub const TIERS: u32 = 3;
/// Capabilities, numbered from 1.
pub const CAPABILITIES: i32 = 12;
/// One VE.
const VE: u64 = 1_000_000;

fn no() -> Cell {
    Cell::default()
}

fn yes() -> Cell {
    Cell { allowed: true, ..Cell::default() }
}

fn limited(ve: u64, max_count: u32) -> Cell {
    Cell { allowed: true, max_uve: ve.saturating_mul(VE), max_count, conditions: Vec::new() }
}

fn with(conditions: &[Condition]) -> Cell {
    Cell { allowed: true, conditions: conditions.iter().map(|condition| (*condition).into()).collect(), ..yes() }
}

/// The matrix as the specification has it. Rows whose messages every account of a young network sends before anybody can
/// be verified are not enforced until governance, or a genesis, turns them on.
pub fn default() -> Vec<CapabilityRow> {
    use Capability::{
        Account, Basic, Order, PrivateOfferings, Propose, RegisterProvider, Sell, Stake, Transfer, Validate, Vote,
        Withdraw,
    };
    use Condition::{Governance, Invitation, Mfa};
    let rows = [
        (Basic, true, [yes(), yes(), yes(), yes()]),
        (Order, false, [no(), limited(500, 5), limited(10_000, 25), yes()]),
        (Sell, false, [no(), no(), yes(), yes()]),
        (RegisterProvider, false, [no(), no(), with(&[Mfa]), with(&[Mfa])]),
        (Stake, false, [no(), limited(1_000, 0), yes(), yes()]),
        (Validate, false, [no(), no(), no(), with(&[Mfa, Governance])]),
        (Vote, false, [no(), yes(), yes(), yes()]),
        (Propose, false, [no(), no(), with(&[Mfa]), with(&[Mfa])]),
        (Transfer, false, [no(), limited(100, 0), limited(5_000, 0), yes()]),
        (Withdraw, false, [no(), limited(100, 0), with(&[Mfa]), with(&[Mfa])]),
        (Account, true, [no(), with(&[Mfa]), with(&[Mfa]), with(&[Mfa])]),
        (PrivateOfferings, true, [no(), no(), with(&[Invitation, Mfa]), with(&[Invitation])]),
    ];
    let row = |(capability, enforced, cells): (Capability, bool, [Cell; 4])| CapabilityRow {
        capability: capability.into(),
        enforced,
        cells: cells.to_vec(),
    };
    rows.into_iter().map(row).collect()
}

pub fn validate(rows: &[CapabilityRow]) -> Result<(), CodedError> {
    let refused = |cause: &str| -> Result<(), CodedError> { Err(Error::Params(cause.into()).into()) };
    if !rows.iter().map(|row| row.capability).eq(1..=CAPABILITIES) {
        return refused("capabilities has every capability in order");
    }
    for row in rows {
        if row.cells.len() != 4 {
            return refused("a capability has a cell for each of the four tiers");
        }
        let known =
            |condition: &i32| Condition::try_from(*condition).is_ok_and(|known| known != Condition::Unspecified);
        if !row.cells.iter().all(|cell| cell.conditions.iter().all(known)) {
            return refused("a condition is unknown");
        }
        // A higher tier never loses what a lower one has.
        if !row.cells.is_sorted_by(|lower, higher| !lower.allowed || higher.allowed) {
            return refused("what a tier may do, every higher one may");
        }
    }
    match rows.first() {
        Some(basic) if basic.cells.iter().all(|cell| *cell == yes()) => Ok(()),
        _ => refused("everybody may do what is basic"),
    }
}

/// The place of a capability among the enforced ones.
pub fn bit(capability: Capability) -> u32 {
    1u32.checked_shl((capability as i32).unsigned_abs()).unwrap_or(0)
}

/// All enforced capabilities.
pub fn enforced(rows: &[CapabilityRow]) -> u32 {
    rows.iter().filter(|row| row.enforced).fold(0, |bits, row| bits | bit(row.capability()))
}

/// What a tier may; nothing where the matrix has no cell.
pub fn cell(params: &Params, capability: Capability, tier: u32) -> Cell {
    let row = params.capabilities.iter().find(|row| row.capability() == capability);
    let cell = row.and_then(|row| row.cells.get(usize::try_from(tier).unwrap_or(usize::MAX)));
    cell.cloned().unwrap_or_default()
}

/// The lowest tier that may at all.
pub fn lowest_tier(params: &Params, capability: Capability) -> Option<u32> {
    (0..=TIERS).find(|tier| cell(params, capability, *tier).allowed)
}

/// The score that a tier begins at.
pub fn cutoff(params: &Params, tier: u32) -> u32 {
    match tier {
        0 => 0,
        1 => params.basic_score,
        2 => params.standard_score,
        _ => params.premium_score,
    }
}
