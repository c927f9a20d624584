//! Genesis: `{params, providers, keys, liveness, penalties, departures, denials, domain_requests, domains}`; and the
//! invariants.

use serde_json::Value;
use ve_base::{Amount, BASE_DENOM, CodedError, parse_account};
use ve_chain_core::bank;
use ve_proto::ve::provider::v1::{Denial, DomainState, GenesisState, KeyState, Provider, ProviderState};
use ve_sdk::{Context, QueryContext, json};

use super::error::Error;
use super::keys::{
    BONDED, DENIALS, DEPARTED, DEPARTURES, DOMAIN_OWNERS, DOMAIN_REQUESTS, DOMAINS, KEYS, LIVENESS, PENALTIES,
    PROVIDERS,
};
use super::{PROVIDER_BOND, domain, params, registry};

pub fn default() -> Value {
    json::to_json(&GenesisState { params: Some(params::default()), ..GenesisState::default() }).unwrap_or_default()
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), CodedError> {
    let genesis: GenesisState = json::from_json(genesis)?;
    params::store(ctx, &genesis.params.clone().unwrap_or_else(params::default))?;
    for provider in &genesis.providers {
        let owner = parse_account("provider", &provider.owner)?;
        if PROVIDERS.has(ctx, &owner)? {
            return Err(Error::Genesis(format!("provider {owner} is given twice")).into());
        }
        registry::bond(provider)?;
        PROVIDERS.set(ctx, &owner, provider)?;
    }
    for key in &genesis.keys {
        let owner = parse_account("provider", &key.owner)?;
        if !PROVIDERS.has(ctx, &owner)? || KEYS.has(ctx, (&owner, key.key_id.as_str()))? {
            return Err(Error::Genesis(format!("key {} is given twice or has no provider", key.key_id)).into());
        }
        registry::public_key(key)?;
        KEYS.set(ctx, (&owner, key.key_id.as_str()), key)?;
    }
    init_rest(ctx, &genesis)
}

fn init_rest(ctx: &mut Context<'_>, genesis: &GenesisState) -> Result<(), CodedError> {
    let unknown = |owner: &str| Error::Genesis(format!("{owner} is not a provider"));
    for life in &genesis.liveness {
        let owner = parse_account("provider", &life.owner)?;
        LIVENESS.set(ctx, &owner, life)?;
    }
    for penalty in &genesis.penalties {
        let owner = parse_account("provider", &penalty.owner)?;
        let provider = registry::get(ctx, &owner)?.ok_or_else(|| unknown(&penalty.owner))?;
        if provider.state() != ProviderState::Penalised {
            return Err(Error::Genesis(format!("{owner} has a penalty and is not penalised")).into());
        }
        for amount in [&penalty.amount, &penalty.unserved, &penalty.left] {
            amount.parse::<Amount>()?;
        }
        PENALTIES.set(ctx, &owner, penalty)?;
    }
    let mut departed = Amount::ZERO;
    for departure in &genesis.departures {
        let owner = parse_account("provider", &departure.owner)?;
        departed = departed.checked_add(departure.bond.parse()?).ok_or(ve_base::AmountError::Overflow)?;
        DEPARTURES.set(ctx, (&departure.time, &owner), departure)?;
    }
    if !departed.is_zero() {
        DEPARTED.set(ctx, &departed)?;
    }
    for denial in &genesis.denials {
        let key = (&parse_account("provider", &denial.provider)?, &parse_account("customer", &denial.customer)?);
        DENIALS.set(ctx, key, &())?;
    }
    for asked in &genesis.domain_requests {
        DOMAIN_REQUESTS.set(ctx, &parse_account("provider", &asked.provider)?, asked)?;
    }
    for verified in &genesis.domains {
        domain::check_name(&verified.domain)?;
        DOMAINS.set(ctx, &parse_account("provider", &verified.provider)?, verified)?;
    }
    Ok(())
}

pub fn export(ctx: &QueryContext<'_>) -> Result<Value, CodedError> {
    let mut genesis = GenesisState { params: Some(params::load(ctx)?), ..GenesisState::default() };
    for entry in PROVIDERS.scan().entries(ctx) {
        genesis.providers.push(entry?.1);
    }
    for entry in KEYS.iter(ctx) {
        genesis.keys.push(entry?.1);
    }
    for entry in LIVENESS.scan().entries(ctx) {
        genesis.liveness.push(entry?.1);
    }
    for entry in PENALTIES.iter(ctx) {
        genesis.penalties.push(entry?.1);
    }
    for entry in DEPARTURES.iter(ctx) {
        genesis.departures.push(entry?.1);
    }
    for entry in DENIALS.iter(ctx) {
        let ((provider, customer), ()) = entry?;
        genesis.denials.push(Denial { provider: provider.to_string(), customer: customer.to_string() });
    }
    for entry in DOMAIN_REQUESTS.scan().entries(ctx) {
        genesis.domain_requests.push(entry?.1);
    }
    for entry in DOMAINS.scan().entries(ctx) {
        genesis.domains.push(entry?.1);
    }
    json::to_json(&genesis)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Bonds and unpaid penalties are what the module account holds; the running sums agree with what they sum up.
pub fn check_bonds(ctx: &QueryContext<'_>) -> Result<(), String> {
    let (mut sum, mut bonded) = (Amount::ZERO, Amount::ZERO);
    for entry in PROVIDERS.scan().entries(ctx) {
        let (_, provider) = entry.map_err(text)?;
        let bond = registry::bond(&provider).map_err(text)?;
        sum = sum.checked_add(bond).ok_or("bonds overflow")?;
        if matches!(provider.state(), ProviderState::Active | ProviderState::Restricted) {
            bonded = bonded.checked_add(bond).ok_or("bonds overflow")?;
        }
    }
    for entry in PENALTIES.iter(ctx) {
        let left: Amount = entry.map_err(text)?.1.left.parse().map_err(text)?;
        sum = sum.checked_add(left).ok_or("penalties overflow")?;
    }
    let held = bank::balance(ctx, &ve_base::module_address(PROVIDER_BOND), BASE_DENOM).map_err(text)?;
    if held != sum {
        return Err(format!("bonds and penalties sum to {sum}, the module account holds {held}"));
    }
    let mut departed = Amount::ZERO;
    for entry in DEPARTURES.iter(ctx) {
        let bond: Amount = entry.map_err(text)?.1.bond.parse().map_err(text)?;
        departed = departed.checked_add(bond).ok_or("departures overflow")?;
    }
    let stored = [BONDED.get(ctx), DEPARTED.get(ctx)].map(|sum| sum.map(Option::unwrap_or_default));
    if stored != [Ok(bonded), Ok(departed)] {
        return Err(format!("{bonded} are bonded and {departed} departed, the running sums are {stored:?}"));
    }
    Ok(())
}

/// A verified domain belongs to a provider that did not leave, says so itself, and leads to it by its name.
pub fn check_domains(ctx: &QueryContext<'_>) -> Result<(), String> {
    for entry in DOMAINS.scan().entries(ctx) {
        let (owner, verified) = entry.map_err(text)?;
        let known = PROVIDERS.get(ctx, &owner).map_err(text)?;
        let there = known.is_some_and(|provider| provider.state() != ProviderState::Exited);
        let named = DOMAIN_OWNERS.get(ctx, verified.domain.as_str()).map_err(text)?;
        if !there || verified.state() != DomainState::Verified || named.as_ref() != Some(&owner) {
            return Err(format!("domain {} of {owner} is not in step", verified.domain));
        }
    }
    Ok(())
}

/// States are backed by what they need: keys, bonds, penalties.
pub fn check_states(ctx: &QueryContext<'_>) -> Result<(), String> {
    for entry in PROVIDERS.scan().entries(ctx) {
        let (owner, provider) = entry.map_err(text)?;
        let keys = KEYS.prefix(ctx, &owner).filter_map(Result::ok).filter(|(_, key)| key.state() == KeyState::Active);
        let keys = keys.count();
        let penalised = provider.state() == ProviderState::Penalised;
        if penalised != PENALTIES.has(ctx, &owner).map_err(text)? {
            return Err(format!("provider {owner} is penalised: {penalised}, its penalty is not in step"));
        }
        match provider.state() {
            ProviderState::Active if keys == 0 => return Err(format!("provider {owner} is active without a key")),
            ProviderState::Active if short_for_too_long(ctx, &provider)? => {
                return Err(format!("provider {owner} is active and short of its bond for too long"));
            }
            ProviderState::Exited if keys > 0 || !registry::bond(&provider).map_err(text)?.is_zero() => {
                return Err(format!("provider {owner} left with a bond or a key"));
            }
            ProviderState::Unspecified => return Err(format!("provider {owner} has no state")),
            _ => {}
        }
    }
    Ok(())
}

fn short_for_too_long(ctx: &QueryContext<'_>, provider: &Provider) -> Result<bool, String> {
    let allowed = params::load(ctx).map_err(text)?.short_seconds;
    let until = provider.short_since.saturating_add(allowed);
    Ok(provider.short_since > 0 && until < ctx.time().unix())
}
