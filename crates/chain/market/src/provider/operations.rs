//! Random operations for the simulation.

use ve_base::keys::{PublicKey, SecretKey};
use ve_base::{Address, Amount, Coin, preimage};
use ve_chain_identity::attester;
use ve_proto::ve::attester::v1::Kind;
use ve_proto::ve::provider::v1::*;
use ve_proto::{Any, Message, Name};
use ve_sdk::QueryContext;
use ve_sdk::simulation::{Draw, Expect, Operation, Proposed};

use super::keys::{BY_STATE, DENIALS, DOMAIN_REQUESTS, DOMAINS, KEYS, PROVIDERS};
use super::{liveness, registry};

pub fn all() -> Vec<Operation> {
    vec![
        Operation { message: "/ve.provider.v1.MsgCreateProvider", weight: 5, generate: create },
        Operation { message: "/ve.provider.v1.MsgUpdateProvider", weight: 3, generate: update },
        Operation { message: "/ve.provider.v1.MsgBondProvider", weight: 5, generate: bond },
        Operation { message: "/ve.provider.v1.MsgGiveExitNotice", weight: 1, generate: exit },
        Operation { message: "/ve.provider.v1.MsgAddProviderKey", weight: 2, generate: unproven_key },
        Operation { message: "/ve.provider.v1.MsgAddProviderKey", weight: 6, generate: proven_key },
        Operation { message: "/ve.provider.v1.MsgAddProviderKey", weight: 1, generate: next_key },
        Operation { message: "/ve.provider.v1.MsgRevokeProviderKey", weight: 1, generate: revoke_missing_key },
        Operation { message: "/ve.provider.v1.MsgRevokeProviderKey", weight: 1, generate: revoke_spare_key },
        Operation { message: "/ve.provider.v1.MsgSetDenyList", weight: 2, generate: deny_list },
        Operation { message: "/ve.provider.v1.MsgHeartbeat", weight: 8, generate: heartbeat },
        Operation { message: "/ve.provider.v1.MsgRequestDomainVerification", weight: 3, generate: request_domain },
        Operation { message: "/ve.provider.v1.MsgSubmitDomainAttestation", weight: 8, generate: attest_domain },
        Operation { message: "/ve.provider.v1.MsgRevokeDomain", weight: 1, generate: revoke_domain },
        Operation { message: "/ve.provider.v1.MsgHeartbeat", weight: 1, generate: stale_heartbeat },
        Operation { message: "/ve.provider.v1.MsgUpdateParams", weight: 1, generate: usurped_params },
    ]
}

pub fn pick<T: Clone>(draw: &mut dyn Draw, items: &[T]) -> Option<T> {
    usize::try_from(draw.below(items.len() as u64)).ok().and_then(|index| items.get(index)).cloned()
}

pub fn propose<M: Message + Name>(signer: Address, message: &M, expect: Expect) -> Option<Proposed> {
    let message = Any { type_url: ve_sdk::type_url::<M>(), value: message.encode_to_vec() };
    Some(Proposed { signer, message, expect })
}

fn attributes(draw: &mut dyn Draw) -> Vec<Attribute> {
    let regions = ["eu", "us", "asia"];
    pick(draw, &regions).map(|region| Attribute { key: "region".into(), value: region.into() }).into_iter().collect()
}

fn create(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let signer = pick(draw, accounts)?;
    let new = registry::get(ctx, &signer).ok()?.is_none();
    let message = MsgCreateProvider {
        owner: signer.to_string(),
        host_uri: "https://provider.example:8443".into(),
        attributes: attributes(draw),
        info: None,
    };
    propose(signer, &message, if new { Expect::Either } else { Expect::Refused })
}

fn update(draw: &mut dyn Draw, _ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let signer = pick(draw, accounts)?;
    let message = MsgUpdateProvider {
        owner: signer.to_string(),
        host_uri: "https://provider.example:9443".into(),
        attributes: attributes(draw),
        info: None,
    };
    propose(signer, &message, Expect::Either)
}

fn bond(draw: &mut dyn Draw, _ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let signer = pick(draw, accounts)?;
    let amount = Amount::from(draw.below(1_500_000_000).saturating_add(1));
    let message = MsgBondProvider { owner: signer.to_string(), amount: Some(Coin::native(amount).to_proto()) };
    propose(signer, &message, Expect::Either)
}

fn exit(draw: &mut dyn Draw, _ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let signer = pick(draw, accounts)?;
    let immediate = draw.below(2) == 0;
    propose(signer.clone(), &MsgGiveExitNotice { owner: signer.to_string(), immediate }, Expect::Either)
}

/// A key whose proof was made by nobody.
fn unproven_key(draw: &mut dyn Draw, _ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let signer = pick(draw, accounts)?;
    let message = MsgAddProviderKey {
        owner: signer.to_string(),
        key_id: "forged".into(),
        algorithm: KeyAlgorithm::Ed25519.into(),
        public_key: vec![7; 32],
        usages: vec![KeyUsage::Callback.into()],
        proof: vec![0; 64],
        replaces: String::new(),
    };
    propose(signer, &message, Expect::Refused)
}

/// Every simulated provider's daemon has this key: the driver holds keys of accounts only.
pub fn daemon_key() -> Option<SecretKey> {
    SecretKey::from_bytes([7; 32]).ok()
}

pub const DAEMON_KEY_ID: &str = "daemon";

fn proven(owner: &Address, id: &str, replaces: &str, chain_id: &str) -> Option<MsgAddProviderKey> {
    let key = daemon_key()?;
    let PublicKey::Secp256k1(public_key) = key.public_key() else { return None };
    let mut message = MsgAddProviderKey {
        owner: owner.to_string(),
        key_id: id.into(),
        algorithm: KeyAlgorithm::Secp256k1.into(),
        public_key: public_key.to_vec(),
        usages: vec![KeyUsage::Callback.into(), KeyUsage::Heartbeat.into()],
        proof: Vec::new(),
        replaces: replaces.into(),
    };
    message.proof = key.sign(&preimage::provider_key(chain_id, &message)).to_vec();
    Some(message)
}

fn proven_key(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let signer = pick(draw, accounts)?;
    let message = proven(&signer, DAEMON_KEY_ID, "", ctx.chain_id())?;
    propose(signer, &message, Expect::Either)
}

/// A spare key, in the place of another spare one if there is any.
fn next_key(draw: &mut dyn Draw, ctx: &QueryContext<'_>, _accounts: &[Address]) -> Option<Proposed> {
    let signer = some_provider(draw, ctx)?;
    let spare = spare_keys(ctx, &signer).pop().map(|key| key.key_id).unwrap_or_default();
    let id = format!("spare-{}", draw.below(1_000));
    propose(signer.clone(), &proven(&signer, &id, &spare, ctx.chain_id())?, Expect::Either)
}

fn some_provider(draw: &mut dyn Draw, ctx: &QueryContext<'_>) -> Option<Address> {
    let known: Vec<_> = PROVIDERS.scan().keys(ctx).take(100).filter_map(Result::ok).collect();
    pick(draw, &known)
}

/// One that may bid.
pub fn some_active(draw: &mut dyn Draw, ctx: &QueryContext<'_>) -> Option<Address> {
    let active = u8::try_from(i32::from(ProviderState::Active)).ok()?;
    let known: Vec<_> = BY_STATE.keys(ctx, &active).take(100).filter_map(Result::ok).collect();
    pick(draw, &known)
}

/// Active keys beside the one that signs the simulated reports.
fn spare_keys(ctx: &QueryContext<'_>, owner: &Address) -> Vec<ProviderKey> {
    let keys = KEYS.prefix(ctx, owner).filter_map(Result::ok).map(|(_, key)| key);
    keys.filter(|key| key.state() == KeyState::Active && key.key_id != DAEMON_KEY_ID).collect()
}

fn revoke_spare_key(draw: &mut dyn Draw, ctx: &QueryContext<'_>, _accounts: &[Address]) -> Option<Proposed> {
    let signer = some_provider(draw, ctx)?;
    let key_id = spare_keys(ctx, &signer).pop()?.key_id;
    propose(signer.clone(), &MsgRevokeProviderKey { owner: signer.to_string(), key_id }, Expect::Either)
}

/// Refuses a customer for a while.
fn deny_list(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let (signer, other) = (pick(draw, accounts)?, pick(draw, accounts)?);
    let denied = DENIALS.has(ctx, (&signer, &other)).ok()?;
    let (add, remove) = if denied { (vec![], vec![other]) } else { (vec![other], vec![]) };
    let names = |list: Vec<Address>| list.iter().map(ToString::to_string).collect();
    let message = MsgSetDenyList { owner: signer.to_string(), add: names(add), remove: names(remove) };
    let known = registry::get(ctx, &signer).ok()?.is_some();
    propose(signer, &message, if known { Expect::Either } else { Expect::Refused })
}

fn beat(
    draw: &mut dyn Draw,
    ctx: &QueryContext<'_>,
    accounts: &[Address],
    ahead: u64,
) -> Option<(Address, MsgHeartbeat)> {
    let (owner, relayer) = (some_provider(draw, ctx)?, pick(draw, accounts)?);
    let seq = liveness::load(ctx, &owner).ok()?.seq.saturating_add(ahead);
    let mut message = MsgHeartbeat {
        relayer: relayer.to_string(),
        provider: owner.to_string(),
        seq,
        observed_at: ctx.time().unix(),
        key_id: DAEMON_KEY_ID.into(),
        signature: Vec::new(),
    };
    message.signature = daemon_key()?.sign(&preimage::heartbeat(ctx.chain_id(), &message)).to_vec();
    Some((relayer, message))
}

fn heartbeat(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let (relayer, message) = beat(draw, ctx, accounts, 1)?;
    propose(relayer, &message, Expect::Either)
}

/// One that was sent before.
fn stale_heartbeat(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let (relayer, message) = beat(draw, ctx, accounts, 0)?;
    propose(relayer, &message, Expect::Refused)
}

fn revoke_missing_key(draw: &mut dyn Draw, _ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let signer = pick(draw, accounts)?;
    let message = MsgRevokeProviderKey { owner: signer.to_string(), key_id: "nowhere".into() };
    propose(signer, &message, Expect::Refused)
}

/// One of two domains, so that providers take them from each other.
fn request_domain(draw: &mut dyn Draw, ctx: &QueryContext<'_>, _accounts: &[Address]) -> Option<Proposed> {
    let owner = some_provider(draw, ctx)?;
    let domains = ["provider.example", "elsewhere.example"];
    let domain = if draw.below(8) == 0 { domains[1] } else { domains[0] };
    let message = MsgRequestDomainVerification {
        owner: owner.to_string(),
        domain: domain.into(),
        method: DomainMethod::Txt.into(),
    };
    propose(owner, &message, if domain == domains[0] { Expect::Either } else { Expect::Refused })
}

/// An attester, or in one of eight cases anybody, says what it saw.
fn attest_domain(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let asked = DOMAIN_REQUESTS.scan().entries(ctx).take(100).filter_map(Result::ok).map(|(_, asked)| asked);
    let asked: Vec<DomainVerification> = asked.filter(|asked| asked.state() == DomainState::Pending).collect();
    let asked = pick(draw, &asked)?;
    let attests = |account: &&Address| attester::organisation_of(ctx, account, Kind::Domain).is_ok();
    let attesters: Vec<Address> = accounts.iter().filter(attests).cloned().collect();
    let attester = if draw.below(8) == 0 { pick(draw, accounts)? } else { pick(draw, &attesters)? };
    let message = MsgSubmitDomainAttestation {
        attester: attester.to_string(),
        provider: asked.provider,
        token: asked.token,
        holds: draw.below(4) > 0,
        observed_at: ctx.time().unix(),
    };
    let known = attesters.contains(&attester);
    propose(attester, &message, if known { Expect::Either } else { Expect::Refused })
}

fn revoke_domain(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let held: Vec<Address> = DOMAINS.scan().keys(ctx).take(100).filter_map(Result::ok).collect();
    let owner = if draw.below(4) == 0 { pick(draw, accounts)? } else { pick(draw, &held)? };
    let expect = if held.contains(&owner) { Expect::Either } else { Expect::Refused };
    propose(owner.clone(), &MsgRevokeDomain { owner: owner.to_string() }, expect)
}

/// Nobody but governance changes the parameters.
fn usurped_params(draw: &mut dyn Draw, _ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let signer = pick(draw, accounts)?;
    let message = MsgUpdateParams { authority: signer.to_string(), params: Some(super::params::default()) };
    propose(signer, &message, Expect::Refused)
}
