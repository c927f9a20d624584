//! `MsgUnjail`: an operator brings its validator back after its time in jail.

use ve_base::{Address, CodedError, Coins, OPERATOR_PREFIX, errors::sdk};
use ve_proto::cosmos::slashing::v1beta1::{MsgUnjail, MsgUnjailResponse};
use ve_sdk::{Context, Event};

use crate::slashing::error::Error;
use crate::slashing::keys::SIGNING;
use crate::slashing::signing::time;
use crate::staking;

fn operator(msg: &MsgUnjail) -> Result<Address, CodedError> {
    Ok(Address::from_bech32(&msg.validator_addr, OPERATOR_PREFIX).map_err(|cause| {
        sdk::Error::InvalidAddress(format!("invalid validator address {:?}: {cause}", msg.validator_addr))
    })?)
}

pub fn check(msg: &MsgUnjail) -> Result<(), CodedError> {
    operator(msg).map(|_| ())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgUnjail) -> Result<MsgUnjailResponse, CodedError> {
    let operator = operator(msg)?;
    let text = || msg.validator_addr.clone();
    let validator = staking::find(ctx, &operator)?.ok_or_else(|| Error::NoValidator(text()))?;
    if !validator.jailed {
        return Err(Error::NotJailed(text()).into());
    }
    // One that left for its low self-bond before it ever joined the set has no signatures.
    let state = SIGNING.get(ctx, &validator.consensus_address())?.unwrap_or_default();
    if state.tombstoned {
        return Err(Error::Tombstoned(text()).into());
    }
    let own = staking::shares(ctx, &operator, &operator)?;
    if own.is_zero() {
        return Err(Error::NoSelfDelegation(text()).into());
    }
    let (bond, required) = (validator.tokens_of(own)?, staking::required_self_bond(&validator));
    if bond < required {
        let shown = |amount| Coins::native(amount).to_string();
        return Err(Error::SelfBondTooLow(shown(bond), shown(required)).into());
    }
    let until = time(&state.jailed_until);
    if ctx.time() < until {
        return Err(Error::StillJailed(text(), until.to_string()).into());
    }
    staking::unjail(ctx, &operator)?;
    ctx.emit(Event::new("message").with("module", "slashing").with("sender", &msg.validator_addr));
    Ok(MsgUnjailResponse {})
}
