//! The gate: no message runs for an account without the proofs that its row demands, however it is wrapped and whoever
//! pays for it (identity spec section 6).

use prost_types::Any;
use ve_base::{Address, CodedError, mfa};
use ve_proto::ve::mfa::v1::{Action, Combination};
use ve_sdk::gate::MessageGate;
use ve_sdk::{Context, Event};
use ve_store::Read;

use super::actions::{self, Level};
use super::error::Error;
use super::keys::{EVERYBODY, PROFILES, RECOVERIES};
use super::rows::{self, Rule};
use super::session::{self, Needed};
use super::{classify, factor, params, policy, profile};
use crate::veid;

pub struct MfaGate;

impl MessageGate for MfaGate {
    fn admit(&self, ctx: &mut Context<'_>, message: &Any, signers: &[Address]) -> Result<(), CodedError> {
        let rule = rows::find(&message.type_url).ok_or_else(|| Error::NoRow(message.type_url.clone()))?;
        if matches!(rule, Rule::Free) {
            return Ok(());
        }
        // Who is protected pays for it with gas of messages like everybody else: the look-up itself is free.
        ctx.unmetered(|ctx| signers.iter().try_for_each(|signer| admit_one(ctx, rule, message, signer)))
    }
}

/// Whether demands hold for an account: it had a factor once, or they hold for everybody.
fn is_held<R: Read + ?Sized>(state: &R, address: &Address) -> Result<bool, CodedError> {
    let protected = PROFILES.get(state, address)?.is_some_and(|profile| profile.protected_since > 0);
    Ok(protected || EVERYBODY.get(state)?.unwrap_or_default())
}

fn admit_one(ctx: &mut Context<'_>, rule: Rule, message: &Any, signer: &Address) -> Result<(), CodedError> {
    let always = matches!(rule, Rule::Always(_) | Rule::Recovery);
    // Modules act by what governance or a gated message decided.
    if ctx.registry().module_account(signer).is_some() || (!always && !is_held(ctx, signer)?) {
        return Ok(());
    }
    if let Some((address, action)) = classify::action(ctx, rule, message, signer, ctx.time().unix())? {
        demand(ctx, &address, action, message)?;
    }
    classify::note(ctx, rule, message, signer)
}

/// What an action demands of an account now; empty for nothing.
pub fn combinations<R: Read + ?Sized>(
    state: &R,
    address: &Address,
    action: Action,
) -> Result<Vec<Combination>, CodedError> {
    let of_chain = if action == Action::FactorEnrollment {
        factor::demanded(state, address)?
    } else {
        actions::config(state, action)?.combinations
    };
    Ok(policy::strengthen(of_chain, &profile::load(state, address)?.rules, action))
}

fn demand(ctx: &mut Context<'_>, address: &Address, action: Action, message: &Any) -> Result<(), CodedError> {
    let config = actions::config(ctx, action)?;
    let name = address.to_string();
    if actions::level(&config) >= Level::High && RECOVERIES.has(ctx, address)? {
        return Err(Error::Frozen(actions::name(action), name).into());
    }
    check_score(ctx, address, action, config.min_score)?;
    let combinations = combinations(ctx, address, action)?;
    if combinations.is_empty() {
        return Ok(());
    }
    let intent = mfa::intent(ctx.chain_id(), &name, message);
    let needed =
        Needed { address: &name, action, combinations: &combinations, browser: config.browser, intent: &intent };
    let factors = session::spend(ctx, &needed)?;
    let list: Vec<String> = factors.iter().map(u64::to_string).collect();
    ctx.emit(
        Event::new("mfa_passed")
            .with("address", name)
            .with("action", action.as_str_name())
            .with("factors", list.join(",")),
    );
    Ok(())
}

/// Where scores are demanded, an account that nobody verified has none.
fn check_score(ctx: &Context<'_>, address: &Address, action: Action, least: u32) -> Result<(), CodedError> {
    if least == 0 || !params::load(ctx)?.scores {
        return Ok(());
    }
    let score = veid::score(ctx, address, ctx.time().unix())?;
    if score >= least {
        return Ok(());
    }
    Err(Error::Score(actions::name(action), least, address.to_string(), score).into())
}
