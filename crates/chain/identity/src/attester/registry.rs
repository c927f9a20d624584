//! Attesters and their bonds.

use ve_base::{Address, Amount, CodedError, Coins, parse_account};
use ve_chain_core::bank;
use ve_proto::ve::attester::v1::{Attester, AttesterState, Kind};
use ve_sdk::{Context, QueryContext};
use ve_store::Read;

use super::error::Error;
use super::keys::{ATTESTERS, BY_KIND, EXITS, KEYS};
use super::{BOND_ACCOUNT, event, params, signer};

const MAX_NAME: usize = 64;
/// Bonds that the end of a block returns at most.
const MAX_RETURNED: usize = 100;

pub fn require<R: Read + ?Sized>(state: &R, address: &Address) -> Result<Attester, CodedError> {
    Ok(ATTESTERS.get(state, address)?.ok_or_else(|| Error::NotFound(address.to_string()))?)
}

/// As [`require`], for one that attests now.
pub fn active<R: Read + ?Sized>(state: &R, address: &Address) -> Result<Attester, CodedError> {
    let attester = require(state, address)?;
    if attester.state() == AttesterState::Active {
        return Ok(attester);
    }
    Err(illegal(&attester, "only an active one attests").into())
}

/// The organisation of an active attester that vouches for this kind.
pub fn organisation_of<R: Read + ?Sized>(state: &R, address: &Address, kind: Kind) -> Result<String, CodedError> {
    let attester = active(state, address)?;
    if !attester.kinds.contains(&i32::from(kind)) {
        return Err(Error::Kind(attester.address, ve_base::attestation::kind_name(kind)).into());
    }
    Ok(attester.organisation)
}

pub fn illegal(attester: &Attester, why: &'static str) -> Error {
    Error::State(attester.address.clone(), state_name(attester.state()), why)
}

fn state_name(state: AttesterState) -> &'static str {
    match state {
        AttesterState::Unspecified => "unknown",
        AttesterState::Pending => "pending",
        AttesterState::Active => "active",
        AttesterState::Suspended => "suspended",
        AttesterState::Exiting => "exiting",
        AttesterState::Revoked => "revoked",
    }
}

pub fn check_text(what: &'static str, text: &str) -> Result<(), Error> {
    let length = text.chars().count();
    let printable = text.chars().all(|letter| !letter.is_control());
    if (1..=MAX_NAME).contains(&length) && printable { Ok(()) } else { Err(Error::Text(what, MAX_NAME)) }
}

/// At least one known kind, ascending and each once.
pub fn check_kinds(kinds: &[i32]) -> Result<(), Error> {
    let known = kinds.iter().all(|kind| Kind::try_from(*kind).is_ok_and(|kind| kind != Kind::Unspecified));
    if kinds.is_empty() || !known || !kinds.is_sorted_by(|left, right| left < right) {
        return Err(Error::Attestation("kinds are known ones in ascending order, at least one"));
    }
    Ok(())
}

pub fn amount(text: &str) -> Result<Amount, CodedError> {
    let amount: Amount = text.parse()?;
    if amount.is_zero() {
        return Err(Error::Bond("1".into(), "0".into()).into());
    }
    Ok(amount)
}

pub fn bond(attester: &Attester) -> Amount {
    attester.bond.parse().unwrap_or_default()
}

pub fn save(ctx: &mut Context<'_>, attester: &Attester, what: &'static str) -> Result<(), CodedError> {
    ATTESTERS.set(ctx, &parse_account("attester", &attester.address)?, attester)?;
    event::attester(ctx, what, attester);
    Ok(())
}

/// Takes coins into the bond. One that was suspended for want of bond works again.
pub fn add_bond(ctx: &mut Context<'_>, attester: &mut Attester, amount: Amount) -> Result<(), CodedError> {
    let address = parse_account("attester", &attester.address)?;
    bank::send_to_module(ctx, &address, BOND_ACCOUNT, &Coins::native(amount))?;
    let sum = bond(attester).checked_add(amount).ok_or(ve_base::AmountError::Overflow)?;
    attester.bond = sum.to_string();
    if attester.state() == AttesterState::Suspended && sum >= params::min_bond(&params::load(ctx)?) {
        attester.set_state(AttesterState::Active);
    }
    Ok(())
}

/// Burns part of the bond. One whose bond falls below the minimum attests no more until it is filled up.
pub fn slash(ctx: &mut Context<'_>, attester: &mut Attester, bps: u32) -> Result<Amount, CodedError> {
    let has = bond(attester);
    let part = has.mul_div(Amount::from(u64::from(bps)), Amount::from(10_000u64)).unwrap_or(has).min(has);
    if !part.is_zero() {
        bank::burn(ctx, BOND_ACCOUNT, &Coins::native(part))?;
    }
    let left = has.saturating_sub(part);
    attester.bond = left.to_string();
    let lost: Amount = attester.slashed.parse().unwrap_or_default();
    attester.slashed = lost.checked_add(part).ok_or(ve_base::AmountError::Overflow)?.to_string();
    if attester.state() == AttesterState::Active && left < params::min_bond(&params::load(ctx)?) {
        attester.set_state(AttesterState::Suspended);
    }
    Ok(part)
}

/// Ends an attester for good: its keys sign no more, what they signed since `compromised_since` is dropped, and what
/// is left of the bond comes back after the unbonding time.
pub fn revoke(ctx: &mut Context<'_>, attester: &mut Attester, compromised_since: u64) -> Result<(), CodedError> {
    let address = parse_account("attester", &attester.address)?;
    attester.set_state(AttesterState::Revoked);
    if attester.unlock_at == 0 {
        attester.unlock_at = ctx.time().unix().saturating_add(params::load(ctx)?.unbonding_seconds);
    }
    for (_, key) in KEYS.scan().prefix(&address).take(ctx, signer::MAX_KEYS)? {
        signer::revoke(ctx, &key, compromised_since)?;
    }
    Ok(())
}

/// End of block: bonds whose time is over go back.
pub fn return_bonds(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let now = ctx.time().unix();
    for ((_, address), ()) in EXITS.scan().through(&now).take(ctx, MAX_RETURNED)? {
        let mut attester = require(ctx, &address)?;
        let amount = bond(&attester);
        if !amount.is_zero() {
            bank::send_from_module(ctx, BOND_ACCOUNT, &address, &Coins::native(amount))?;
        }
        attester.bond = "0".into();
        attester.unlock_at = 0;
        // A revoked one stays on record, so that it cannot come back under the same address.
        attester.set_state(AttesterState::Revoked);
        save(ctx, &attester, "attester_bond_returned")?;
    }
    Ok(())
}

/// `count` distinct active attesters of a kind, drawn by `seed`: the same for everybody who has the same state. Fewer
/// when there are fewer. At most one of each organisation.
pub fn sample<R: Read + ?Sized>(
    state: &R,
    kind: Kind,
    seed: &[u8; 32],
    count: usize,
) -> Result<Vec<Attester>, CodedError> {
    use sha2::{Digest, Sha256};
    let kind = u8::try_from(kind as i32).unwrap_or_default();
    let mut drawn: Vec<([u8; 32], Attester)> = Vec::new();
    for address in BY_KIND.keys(state, &kind) {
        let attester = require(state, &address?)?;
        let ticket = Sha256::new().chain_update(seed).chain_update(&attester.address).finalize();
        drawn.push((ticket.into(), attester));
    }
    drawn.sort_by_key(|(ticket, _)| *ticket);
    let mut chosen: Vec<Attester> = Vec::new();
    for (_, attester) in drawn {
        if chosen.len() < count && chosen.iter().all(|other| other.organisation != attester.organisation) {
            chosen.push(attester);
        }
    }
    Ok(chosen)
}

/// The bonds are in the module's account, and an active attester has at least its part.
pub fn check_bonds(ctx: &QueryContext<'_>) -> Result<(), String> {
    let mut sum = Amount::ZERO;
    for entry in ATTESTERS.scan().entries(ctx) {
        let (address, attester) = entry.map_err(|error| error.to_string())?;
        if address.to_string() != attester.address || attester.state() == AttesterState::Unspecified {
            return Err(format!("attester {address} is recorded as {attester:?}"));
        }
        sum = sum.checked_add(bond(&attester)).ok_or("bonds overflow")?;
    }
    let held =
        bank::balance(ctx, &ve_base::module_address(BOND_ACCOUNT), ve_base::BASE_DENOM).map_err(|error| error.log)?;
    // Anybody may send coins to the account besides.
    if held < sum { Err(format!("bonds are {sum}uve, held are {held}uve")) } else { Ok(()) }
}
