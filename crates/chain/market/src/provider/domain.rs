//! Domains of providers: two attesters that looked at the domain itself make it the provider's (marketplace spec
//! section 1).
//!
//! The provider publishes a token; attesters, which the module `attester` registers, look it up and say what they saw,
//! one of each organisation. The chain looks up nothing. A provider has at most one request and one verified domain; a
//! domain has at most one provider, the one who proved it last.

use ve_base::{Address, CodedError, preimage};
use ve_chain_identity::attester;
use ve_proto::ve::attester::v1::Kind;
use ve_proto::ve::provider::v1::{DomainAttestation, DomainMethod, DomainState, DomainVerification, Params, Provider};
use ve_sdk::{Context, Event};
use ve_store::Read;

use super::error::Error;
use super::keys::{DOMAIN_DUE, DOMAIN_OWNERS, DOMAIN_REQUEST_DUE, DOMAIN_REQUESTS, DOMAINS};
use super::{params, registry};

const DAY: u64 = 86_400;
/// A request waits this long for its attesters.
const REQUEST_SECONDS: u64 = 7 * DAY;
/// A verified domain holds this long; it can be renewed in the last part of it.
const VALID_SECONDS: u64 = 365 * DAY;
const RENEWAL_SECONDS: u64 = 30 * DAY;
/// Verified domains are looked at again this often, and lost after this many times without confirmation.
const RECHECK_SECONDS: u64 = 7 * DAY;
const MAX_MISSED: u32 = 3;
/// After a mismatch nothing is requested for this long; requests per day.
const COOL_DOWN_SECONDS: u64 = 3600;
const MAX_REQUESTS: u32 = 5;
/// Seconds that an observation may be older or newer than the block.
const MAX_SKEW: u64 = 3600;
/// Statements about one token at a time, of as many organisations; those that agree are fewer.
const MAX_ATTESTATIONS: usize = 50;
/// Domains that the end of a block handles at most.
const MAX_DUE: usize = 100;

/// A host name in the one accepted form: lower-case labels of letters, digits and inner hyphens, at least two of them,
/// at most 253 bytes, the last one no number. Names in other scripts come as `xn--` labels.
pub fn check_name(domain: &str) -> Result<(), Error> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let labels: Vec<&str> = domain.split('.').collect();
    let last_is_name = labels.last().is_some_and(|last| !last.bytes().all(|byte| byte.is_ascii_digit()));
    if domain.len() <= 253 && labels.len() >= 2 && labels.iter().all(|part| label(part)) && last_is_name {
        return Ok(());
    }
    Err(Error::Domain(crate::text::shown(domain)))
}

/// Whether the gateway's address lies under the domain.
pub fn covers(domain: &str, host_uri: &str) -> bool {
    let host = host_uri.strip_prefix("https://").unwrap_or_default();
    let host = host.split([':', '/']).next().unwrap_or_default().to_ascii_lowercase();
    host == domain || host.strip_suffix(domain).is_some_and(|start| start.ends_with('.'))
}

/// Whether the provider has what is asked of its domain.
pub(super) fn holds<R: Read>(
    state: &R,
    owner: &Address,
    provider: &Provider,
    params: &Params,
) -> Result<bool, CodedError> {
    if !params.require_domain {
        return Ok(true);
    }
    let verified = DOMAINS.get(state, owner)?;
    Ok(verified.is_some_and(|verified| covers(&verified.domain, &provider.host_uri)))
}

/// Asks attesters to look at a domain. Returns the token to be published.
pub fn request(
    ctx: &mut Context<'_>,
    owner: &Address,
    domain: &str,
    method: DomainMethod,
) -> Result<DomainVerification, CodedError> {
    let provider = registry::require(ctx, owner)?;
    if !covers(domain, &provider.host_uri) {
        return Err(Error::DomainHost(provider.host_uri).into());
    }
    let now = ctx.time().unix();
    let current = DOMAINS.get(ctx, owner)?.filter(|verified| verified.domain == domain);
    if let Some(early) = current.filter(|verified| verified.expires_at.saturating_sub(RENEWAL_SECONDS) > now) {
        return Err(Error::DomainRenewal(early.expires_at.saturating_sub(RENEWAL_SECONDS)).into());
    }
    let before = DOMAIN_REQUESTS.get(ctx, owner)?.unwrap_or_default();
    if before.state() == DomainState::Pending {
        return Err(Error::DomainPending(before.domain).into());
    }
    let same_day = before.day_start.saturating_add(DAY) > now;
    let requests = if same_day { before.requests } else { 0 };
    let cool_until = before.failed_at.saturating_add(COOL_DOWN_SECONDS);
    if requests >= MAX_REQUESTS || (before.state() == DomainState::Failed && cool_until > now) {
        let until = if requests >= MAX_REQUESTS { before.day_start.saturating_add(DAY) } else { cool_until };
        return Err(Error::DomainPause(until).into());
    }
    // Nobody knows the block's hash before it is proposed, so nothing can have been published for this request.
    let block = ctx.block();
    let fields: [&[u8]; 4] = [owner.as_bytes(), domain.as_bytes(), &block.height.to_be_bytes(), &block.hash];
    let token: String =
        preimage::preimage("domain", ctx.chain_id(), &fields).iter().map(|byte| format!("{byte:02x}")).collect();
    let asked = DomainVerification {
        provider: owner.to_string(),
        domain: domain.to_owned(),
        method: method.into(),
        token,
        state: DomainState::Pending.into(),
        requested_at: now,
        expires_at: now.saturating_add(REQUEST_SECONDS),
        day_start: if same_day { before.day_start } else { now },
        requests: requests.saturating_add(1),
        ..DomainVerification::default()
    };
    DOMAIN_REQUESTS.set(ctx, owner, &asked)?;
    tell(ctx, "domain_requested", &asked);
    Ok(asked)
}

fn tell(ctx: &mut Context<'_>, kind: &str, what: &DomainVerification) {
    ctx.emit(Event::new(kind).with("owner", &what.provider).with("domain", &what.domain).with("token", &what.token));
}

/// Notes what an attester saw.
pub fn attest(
    ctx: &mut Context<'_>,
    by: &Address,
    owner: &Address,
    token: &str,
    seen: bool,
    observed_at: u64,
) -> Result<(), CodedError> {
    let params = params::load(ctx)?;
    let name = by.to_string();
    if by == owner {
        return Err(Error::Attester(name).into());
    }
    let organisation = attester::organisation_of(ctx, by, Kind::Domain)?;
    let now = ctx.time().unix();
    if observed_at.abs_diff(now) > MAX_SKEW {
        return Err(Error::BeatTime { observed: observed_at, now }.into());
    }
    let asked = DOMAIN_REQUESTS.get(ctx, owner)?;
    let asked = asked.filter(|asked| asked.token == token && asked.state() == DomainState::Pending);
    let verified = DOMAINS.get(ctx, owner)?.filter(|verified| verified.token == token);
    let mut subject = match (asked, verified) {
        (Some(asked), _) => asked,
        (None, Some(verified)) => verified,
        _ => return Err(Error::DomainToken(crate::text::shown(token)).into()),
    };
    let said = subject.attestations.iter().any(|known| known.attester == name || known.organisation == organisation);
    if said || subject.attestations.len() >= MAX_ATTESTATIONS {
        return Err(Error::Attester(name).into());
    }
    subject.attestations.push(DomainAttestation { attester: name, holds: seen, time: observed_at, organisation });
    let agreed = |wanted: bool| {
        let count = subject.attestations.iter().filter(|known| known.holds == wanted).count();
        count >= usize::try_from(params.attestations).unwrap_or(usize::MAX)
    };
    let (yes, no) = (agreed(true), agreed(false));
    ctx.emit(Event::new("domain_attested").with("owner", owner).with("attester", by).with("holds", seen));
    match (subject.state(), yes, no) {
        (DomainState::Verified, true, _) => confirm(ctx, owner, subject),
        (DomainState::Verified, ..) => Ok(DOMAINS.set(ctx, owner, &subject)?),
        (_, true, _) => verify(ctx, owner, subject),
        (_, _, true) => {
            subject.set_state(DomainState::Failed);
            subject.failed_at = now;
            tell(ctx, "domain_failed", &subject);
            Ok(DOMAIN_REQUESTS.set(ctx, owner, &subject)?)
        }
        _ => Ok(DOMAIN_REQUESTS.set(ctx, owner, &subject)?),
    }
}

/// Enough attesters saw the token: the domain is this provider's, and nobody else's.
fn verify(ctx: &mut Context<'_>, owner: &Address, mut asked: DomainVerification) -> Result<(), CodedError> {
    let now = ctx.time().unix();
    asked.set_state(DomainState::Verified);
    DOMAIN_REQUESTS.set(ctx, owner, &asked)?;
    if let Some(other) = DOMAIN_OWNERS.get(ctx, asked.domain.as_str())?.filter(|other| other != owner) {
        lose(ctx, &other, "another provider proved it")?;
    }
    let verified = DomainVerification {
        attestations: Vec::new(),
        verified_at: now,
        expires_at: now.saturating_add(VALID_SECONDS),
        recheck_at: now.saturating_add(RECHECK_SECONDS),
        missed: 0,
        ..asked
    };
    DOMAINS.set(ctx, owner, &verified)?;
    tell(ctx, "domain_verified", &verified);
    reconsider(ctx, owner)
}

fn confirm(ctx: &mut Context<'_>, owner: &Address, mut verified: DomainVerification) -> Result<(), CodedError> {
    verified.attestations.clear();
    verified.missed = 0;
    verified.recheck_at = ctx.time().unix().saturating_add(RECHECK_SECONDS);
    Ok(DOMAINS.set(ctx, owner, &verified)?)
}

/// The domain is no longer the provider's.
pub fn lose(ctx: &mut Context<'_>, owner: &Address, why: &'static str) -> Result<(), CodedError> {
    let verified = DOMAINS.get(ctx, owner)?.ok_or_else(|| Error::NoDomain(owner.to_string()))?;
    DOMAINS.remove(ctx, owner)?;
    ctx.emit(Event::new("domain_lost").with("owner", owner).with("domain", &verified.domain).with("reason", why));
    reconsider(ctx, owner)
}

/// Without what is asked of its domain an active provider is restricted. One that has left does not change.
pub(super) fn reconsider(ctx: &mut Context<'_>, owner: &Address) -> Result<(), CodedError> {
    let mut provider = registry::require(ctx, owner)?;
    if provider.state() == ve_proto::ve::provider::v1::ProviderState::Exited {
        return Ok(());
    }
    registry::reconsider(ctx, &mut provider)?;
    registry::save(ctx, &mut provider, "provider_updated")
}

/// End of block: what expires, and what nobody confirmed for too long.
pub fn run(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let now = ctx.time().unix();
    let mut requests = Vec::new();
    for entry in DOMAIN_REQUEST_DUE.scan().through(&now).keys(ctx).take(MAX_DUE) {
        requests.push(entry?.1);
    }
    for owner in requests {
        let mut asked = DOMAIN_REQUESTS.require(ctx, &owner)?;
        asked.set_state(DomainState::Expired);
        DOMAIN_REQUESTS.set(ctx, &owner, &asked)?;
        tell(ctx, "domain_request_expired", &asked);
    }
    let mut due = Vec::new();
    for entry in DOMAIN_DUE.scan().through(&now).keys(ctx).take(MAX_DUE) {
        due.push(entry?.1);
    }
    for owner in due {
        // One provider's trouble must not stop the chain: it is visible and tried again.
        if let Err(error) = ctx.atomic(|ctx| attend(ctx, &owner)) {
            registry::failed(ctx, &owner, &error);
        }
    }
    Ok(())
}

fn attend(ctx: &mut Context<'_>, owner: &Address) -> Result<(), CodedError> {
    let mut verified = DOMAINS.require(ctx, owner)?;
    let now = ctx.time().unix();
    if verified.expires_at <= now {
        return lose(ctx, owner, "expired");
    }
    verified.missed = verified.missed.saturating_add(1);
    if verified.missed >= MAX_MISSED {
        return lose(ctx, owner, "not confirmed");
    }
    verified.attestations.clear();
    verified.recheck_at = now.saturating_add(RECHECK_SECONDS);
    Ok(DOMAINS.set(ctx, owner, &verified)?)
}

#[cfg(test)]
#[path = "domain_tests.rs"]
mod tests;
