//! `MsgUnjail`: an operator brings its validator back after its time in jail.

use ve_base::{CodedError, Coins, parse_operator};
use ve_proto::cosmos::slashing::v1beta1::{MsgUnjail, MsgUnjailResponse};
use ve_sdk::{Context, Event};

use crate::slashing::error::Error;
use crate::slashing::keys::SIGNING;
use crate::slashing::signing::time;
use crate::staking;

pub fn check(msg: &MsgUnjail) -> Result<(), CodedError> {
    parse_operator(&msg.validator_addr).map(|_| ())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgUnjail) -> Result<MsgUnjailResponse, CodedError> {
    let operator = parse_operator(&msg.validator_addr)?;
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
