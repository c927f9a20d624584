//! What accounts that are not active may still do, asked twice: before the signatures for everybody who signs or pays,
//! reading state only, and at each message when its turn has come, however it arrives (incident C4).

mod outflow;
pub mod table;

use std::collections::BTreeMap;

use ve_base::keys::PublicKey;
use ve_base::{ACCOUNT_PREFIX, Address, CodedError, errors::sdk};
use ve_chain_core::auth::account;
use ve_proto::cosmos::tx::v1beta1::mode_info::{Multi, Sum};
use ve_proto::ve::roles::v1::AccountState;
use ve_proto::ve::veid::v1::{ConsentFlags, MsgUpdateConsent};
use ve_proto::{Any, Message as _};
use ve_sdk::admission::{Candidate, Step, unknown_message};
use ve_sdk::gate::MessageGate;
use ve_sdk::{Context, Registry};

use super::error::Error;
use super::states;

/// Stands before the signatures: what it reads is public, and it writes nothing that a stranger could use up.
pub const ACCOUNT_STATES: Step = Step { name: "account states", run: check };

/// Asked about every message when it is about to run.
pub struct AccountGate;

impl MessageGate for AccountGate {
    fn admit(&self, ctx: &mut Context<'_>, message: &Any, signers: &[Address]) -> Result<(), CodedError> {
        for signer in signers {
            let state = ctx.unmetered(|ctx| states::of(ctx, signer))?;
            if state == AccountState::Active {
                continue;
            }
            permit(ctx.registry(), signer, state, message)?;
            if state == AccountState::Flagged {
                outflow::count(ctx, signer, message)?;
            }
        }
        Ok(())
    }
}

/// The one message that both gives and withdraws consent: a suspended account withdraws only.
const UPDATE_CONSENT: &str = "/ve.veid.v1.MsgUpdateConsent";

fn gives_consent(message: &Any) -> Result<bool, CodedError> {
    let broken = |_| sdk::Error::TxDecode(format!("bytes are not a {UPDATE_CONSENT}"));
    let update = MsgUpdateConsent::decode(message.value.as_slice()).map_err(broken)?;
    let flags = update.flags.unwrap_or_default();
    Ok(!update.grants.is_empty() || flags != ConsentFlags::default())
}

/// Refuses the message, or any that it carries, to an account in this state. Admission has bounded depth and number.
fn permit(registry: &Registry, account: &Address, state: AccountState, message: &Any) -> Result<(), CodedError> {
    let grants = state == AccountState::Suspended && message.type_url == UPDATE_CONSENT && gives_consent(message)?;
    if grants || !table::is_allowed(&message.type_url, state) {
        let name = message.type_url.chars().take(100).collect();
        return Err(Error::Restricted(account.to_string(), states::name(state), name).into());
    }
    let entry = registry.message(&message.type_url).ok_or_else(|| unknown_message(&message.type_url))?;
    entry.inner(&message.value)?.iter().try_for_each(|inner| permit(registry, account, state, inner))
}

/// Accounts with a part in a transaction that are not active. Few transactions have any.
type Restricted = BTreeMap<Address, AccountState>;

fn look(ctx: &Context<'_>, found: &mut Restricted, address: &Address) -> Result<(), CodedError> {
    let state = states::of(ctx, address)?;
    if state != AccountState::Active {
        found.insert(address.clone(), state);
    }
    Ok(())
}

fn check(ctx: &mut Context<'_>, candidate: &Candidate<'_>) -> Result<(), CodedError> {
    ctx.unmetered(|ctx| {
        let granter = granter(candidate)?;
        let members = members(ctx, candidate)?;
        let mut found = Restricted::new();
        for address in candidate.signers.iter().chain(&granter).chain(members.iter().map(|(_, member)| member)) {
            look(ctx, &mut found, address)?;
        }
        if found.is_empty() {
            return Ok(());
        }
        check_messages(ctx.registry(), candidate, &members, &found)?;
        match granter.and_then(|granter| found.get(&granter).map(|state| (granter, *state))) {
            Some((granter, state)) if state != AccountState::Flagged => {
                Err(Error::RestrictedPayer(granter.to_string(), states::name(state)).into())
            }
            _ => Ok(()),
        }
    })
}

/// Every message against everybody who signs it, also as a member of a multisig, and against a payer who does not.
fn check_messages(
    registry: &Registry,
    candidate: &Candidate<'_>,
    members: &[(Address, Address)],
    found: &Restricted,
) -> Result<(), CodedError> {
    for message in &candidate.tx.body.messages {
        let entry = registry.message(&message.type_url).ok_or_else(|| unknown_message(&message.type_url))?;
        let signers = entry.signers.read(&message.value)?;
        let behind = members.iter().filter(|(of, _)| signers.contains(of)).map(|(_, member)| member);
        for account in signers.iter().chain(behind) {
            if let Some(state) = found.get(account) {
                permit(registry, account, *state, message)?;
            }
        }
        let payer = &candidate.payer;
        match found.get(payer) {
            Some(state) if *state != AccountState::Flagged && !signers.contains(payer) => {
                return Err(Error::RestrictedPayer(payer.to_string(), states::name(*state)).into());
            }
            _ => {}
        }
    }
    Ok(())
}

fn granter(candidate: &Candidate<'_>) -> Result<Option<Address>, CodedError> {
    let named = candidate.tx.auth_info.fee.as_ref().map_or("", |fee| fee.granter.as_str());
    if named.is_empty() {
        return Ok(None);
    }
    let granter = Address::from_bech32(named, ACCOUNT_PREFIX)
        .map_err(|cause| sdk::Error::InvalidAddress(format!("fee granter: {cause}")))?;
    Ok(Some(granter))
}

/// Each multisig signer with its members that, as the transaction says, signed.
fn members(ctx: &Context<'_>, candidate: &Candidate<'_>) -> Result<Vec<(Address, Address)>, CodedError> {
    let mut members = Vec::new();
    for (address, info) in candidate.signers.iter().zip(&candidate.tx.auth_info.signer_infos) {
        let Some(Sum::Multi(Multi { bitarray: Some(bits), .. })) =
            info.mode_info.as_ref().and_then(|mode| mode.sum.as_ref())
        else {
            continue;
        };
        let shown = info.public_key.clone();
        let kept = || Ok::<_, CodedError>(account::account(ctx, address)?.and_then(|account| account.base().pub_key));
        let Some(key) = shown.map_or_else(kept, |key| Ok(Some(key)))? else { continue };
        let PublicKey::Multisig(multisig) = PublicKey::from_any(&key)? else { continue };
        for (index, member) in multisig.members().iter().enumerate() {
            let byte = bits.elems.get(index / 8).copied().unwrap_or_default();
            if byte & (0x80 >> (index % 8)) != 0 {
                members.push((address.clone(), member.address()));
            }
        }
    }
    Ok(members)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
