//! Counting transactions against their quotas, in a block that executes and in one that a proposer puts together.

use std::collections::BTreeMap;

use ve_base::{Address, CodedError, errors::sdk::Error};
use ve_proto::Any;
use ve_proto::ve::admission::v1::Params;
use ve_sdk::admission::{Candidate, MAX_NESTING, Step};
use ve_sdk::{Context, Mode, Registry, transient};
use ve_store::Read;

use super::params;
use crate::staking;

/// Stands after the signatures: counting claimed signers would let a stranger exhaust a victim's quota.
pub const QUOTAS: Step = Step { name: "per-block quotas", run: count };

/// What is counted.
enum Counter<'a> {
    Block,
    Account(&'a Address),
    Package(&'a str),
}

impl Counter<'_> {
    fn key(&self) -> Vec<u8> {
        match self {
            Self::Block => b"block".to_vec(),
            Self::Account(address) => [b"account/", address.as_bytes()].concat(),
            Self::Package(package) => [b"package/", package.as_bytes()].concat(),
        }
    }

    fn refusal(&self, most: u64) -> Error {
        Error::MempoolIsFull(match self {
            Self::Block => format!("the block already has {most} transactions; send this one again later"),
            Self::Account(address) => {
                format!("{address} already has {most} transactions in this block; send this one again later")
            }
            Self::Package(package) => {
                format!("the block already has {most} transactions of {package}; send this one again later")
            }
        })
    }
}

/// The counters that a transaction moves, with their limits.
fn counters<'a>(
    params: &'a Params,
    registry: &Registry,
    candidate: &'a Candidate<'_>,
) -> Result<Vec<(Counter<'a>, u64)>, CodedError> {
    let mut counters = vec![(Counter::Block, params.max_txs_per_block)];
    counters.extend(candidate.signers.iter().map(|signer| (Counter::Account(signer), params.max_txs_per_account)));
    for quota in &params.package_quotas {
        let prefix = format!("/{}.", quota.package);
        for message in &candidate.tx.body.messages {
            if holds(registry, message, &prefix, 0)? {
                counters.push((Counter::Package(&quota.package), quota.max_txs_per_block));
                break;
            }
        }
    }
    Ok(counters)
}

fn holds(registry: &Registry, message: &Any, prefix: &str, depth: usize) -> Result<bool, CodedError> {
    if message.type_url.starts_with(prefix) {
        return Ok(true);
    }
    let Some(entry) = registry.message(&message.type_url).filter(|_| depth < MAX_NESTING) else { return Ok(false) };
    for inner in entry.inner(&message.value)? {
        if holds(registry, &inner, prefix, depth.saturating_add(1))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Counts in the block's transient state. An exempt account's transactions count too, but none is refused for it.
fn count(ctx: &mut Context<'_>, candidate: &Candidate<'_>) -> Result<(), CodedError> {
    // The mempool holds many blocks' worth of transactions; quotas are a rule of the block.
    if ctx.mode() != Mode::Deliver {
        return Ok(());
    }
    ctx.unmetered(|ctx| {
        let params = params::load(ctx)?;
        let mut exceeded = None;
        for (counter, most) in counters(&params, ctx.registry(), candidate)? {
            if transient::count(ctx, "admission", &counter.key())? > most && exceeded.is_none() {
                exceeded = Some(counter.refusal(most));
            }
        }
        match exceeded {
            Some(refusal) if !exempt(ctx, &params, candidate)? => Err(refusal.into()),
            _ => Ok(()),
        }
    })
}

/// Whether every signer is an account that no quota refuses: an operator of a validator in the set, governance, or one
/// that governance has listed.
fn exempt<R: Read + ?Sized>(state: &R, params: &Params, candidate: &Candidate<'_>) -> Result<bool, CodedError> {
    let governance = ve_base::module_address(ve_sdk::context::GOV_MODULE);
    for signer in &candidate.signers {
        let listed = *signer == governance || params.exempt.contains(&signer.to_string());
        if !listed && !staking::find(state, signer)?.is_some_and(|validator| validator.is_bonded()) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What a proposer has put into a block so far.
pub struct Tally {
    params: Params,
    txs: u64,
    counts: BTreeMap<Vec<u8>, u64>,
}

impl Tally {
    /// An empty block under the rules of `state`.
    pub fn new<R: Read + ?Sized>(state: &R) -> Result<Self, CodedError> {
        Ok(Self { params: params::load(state)?, txs: 0, counts: BTreeMap::new() })
    }

    /// Whether the block takes no more.
    pub fn is_full(&self) -> bool {
        self.txs >= self.params.max_txs_per_block
    }

    /// Counts one more; false, and nothing counted, when execution would refuse it.
    pub fn add<R: Read + ?Sized>(
        &mut self,
        state: &R,
        registry: &Registry,
        candidate: &Candidate<'_>,
    ) -> Result<bool, CodedError> {
        let counters = counters(&self.params, registry, candidate)?;
        let has = |counter: &Counter<'_>| self.counts.get(&counter.key()).copied().unwrap_or(0);
        let full = counters.iter().any(|(counter, most)| has(counter) >= *most);
        if full && !exempt(state, &self.params, candidate)? {
            return Ok(false);
        }
        for (counter, _) in counters {
            let count = self.counts.entry(counter.key()).or_default();
            *count = count.saturating_add(1);
        }
        self.txs = self.txs.saturating_add(1);
        Ok(true)
    }
}
