//! The gate of identity: who may use which message (identity spec section 2.4). It is asked about every message of a
//! transaction and about every message inside another one, for every account in whose name the message acts.

use ve_base::{Address, CodedError};
use ve_proto::Any;
use ve_proto::ve::veid::v1::{Capability, Cell, Condition, Params, Usage};
use ve_sdk::gate::MessageGate;
use ve_sdk::{Context, QueryContext};
use ve_store::Read;

use super::error::Error;
use super::keys::{ENFORCED, USAGE, WALLETS};
use super::tier::Effective;
use super::{actions, matrix, params, tier, wallet};

pub struct IdentityGate;

impl MessageGate for IdentityGate {
    fn admit(&self, ctx: &mut Context<'_>, message: &Any, signers: &[Address]) -> Result<(), CodedError> {
        let Some(capability) = actions::of(&message.type_url) else {
            return Err(Error::NoCapability(message.type_url.clone()).into());
        };
        if capability == Capability::Basic {
            return Ok(());
        }
        // The gate is no part of what a message pays for: a chain that enforces nothing charges as if it had none.
        ctx.unmetered(|ctx| {
            if ENFORCED.get_or_default(ctx)? & matrix::bit(capability) == 0 {
                return Ok(());
            }
            let params = params::load(ctx)?;
            for signer in signers {
                if ctx.registry().module_account(signer).is_none() {
                    admit(ctx, capability, message, signer, &params)?;
                }
            }
            Ok(())
        })
    }
}

fn admit(
    ctx: &mut Context<'_>,
    capability: Capability,
    message: &Any,
    signer: &Address,
    params: &Params,
) -> Result<(), CodedError> {
    let now = ctx.time().unix();
    let known = WALLETS.get(ctx, signer)?;
    let have = match &known {
        Some(known) => wallet::effective(ctx, signer, known, params, now)?,
        None => Effective::default(),
    };
    let cell = matrix::cell(params, capability, have.tier);
    if !cell.allowed {
        let need = matrix::lowest_tier(params, capability).unwrap_or(matrix::TIERS);
        let score = matrix::cutoff(params, need);
        if have.score_tier < need && have.scope_tier >= need {
            return Err(Error::InsufficientScore { have: have.score, need: score }.into());
        }
        return Err(Error::InsufficientTier { have: have.tier, need }.into());
    }
    spend(ctx, capability, message, signer, &cell, params)?;
    // Whoever uses what identity opens is not idle: at most once a day, because the score is known to the day.
    if let Some(mut wallet) = known
        && now.saturating_sub(wallet.active_at) >= params::DAY
    {
        wallet::touch(&mut wallet, now, params);
        wallet::save(ctx, signer, wallet, params)?;
    }
    Ok(())
}

/// Counts a use against the limits of a cell. They hold from the first use on, for one window.
fn spend(
    ctx: &mut Context<'_>,
    capability: Capability,
    message: &Any,
    signer: &Address,
    cell: &Cell,
    params: &Params,
) -> Result<(), CodedError> {
    if cell.max_uve == 0 && cell.max_count == 0 {
        return Ok(());
    }
    let amount = actions::amount(&message.type_url, &message.value)?;
    let Some(amount) = amount else {
        return Err(Error::Limit("coins of unknown worth need a tier without a limit".into()).into());
    };
    let now = ctx.time().unix();
    let key = (signer.clone(), u32::from(capability as u8));
    let usage = USAGE.get(ctx, &key)?.filter(|usage| now < usage.since.saturating_add(params.usage_window_seconds));
    let mut usage = usage.unwrap_or_else(|| Usage {
        owner: signer.to_string(),
        capability: capability.into(),
        since: now,
        ..Usage::default()
    });
    usage.uve = usage.uve.saturating_add(amount);
    usage.count = usage.count.saturating_add(u32::from(actions::counts(&message.type_url)));
    if cell.max_uve > 0 && usage.uve > cell.max_uve {
        return Err(
            Error::Limit(format!("{} uve a day are allowed, this would make {}", cell.max_uve, usage.uve)).into()
        );
    }
    if cell.max_count > 0 && usage.count > cell.max_count {
        return Err(Error::Limit(format!("{} a day are allowed", cell.max_count)).into());
    }
    Ok(USAGE.set(ctx, &key, &usage)?)
}

/// What an account may do, and what it lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Eligibility {
    pub allowed: bool,
    pub enforced: bool,
    pub missing: Vec<String>,
    /// Points to the score of the next tier, 0 in the highest.
    pub points_to_next: u32,
    pub cell: Cell,
}

pub fn eligibility(ctx: &QueryContext<'_>, owner: &Address, capability: Capability) -> Result<Eligibility, CodedError> {
    let params = params::load(ctx)?;
    let now = ctx.time().unix();
    let known = WALLETS.get(ctx, owner)?;
    let have = match &known {
        Some(known) => wallet::effective(ctx, owner, known, &params, now)?,
        None => Effective::default(),
    };
    let cell = matrix::cell(&params, capability, have.tier);
    let enforced = enforced(ctx)? & matrix::bit(capability) != 0;
    let mut missing = Vec::new();
    if !cell.allowed {
        let need = matrix::lowest_tier(&params, capability).unwrap_or(matrix::TIERS);
        if have.score_tier < need {
            missing.push(format!("score:{}", matrix::cutoff(&params, need)));
        }
        let scopes = known.map(|wallet| wallet.scopes).unwrap_or_default();
        missing.extend(tier::missing_scopes(&scopes, now, need));
    }
    let conditions = cell.conditions.iter().filter_map(|condition| Condition::try_from(*condition).ok());
    missing.extend(conditions.map(|condition| condition.as_str_name().to_owned()));
    let next = (1..=matrix::TIERS).map(|tier| matrix::cutoff(&params, tier)).find(|cutoff| *cutoff > have.score);
    Ok(Eligibility {
        allowed: cell.allowed || !enforced,
        enforced,
        missing,
        points_to_next: next.map_or(0, |cutoff| cutoff.saturating_sub(have.score)),
        cell,
    })
}

fn enforced<R: Read + ?Sized>(state: &R) -> Result<u32, CodedError> {
    Ok(ENFORCED.get_or_default(state)?)
}
