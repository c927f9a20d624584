//! Genesis: everything that the module keeps. A wallet may come verified, with the history that says how.

use serde_json::Value;
use ve_base::{CodedError, parse_account};
use ve_proto::ve::veid::v1::{
    Fault, GenesisState, OwnedConsent, OwnedHistory, OwnedReveal, ScopeEnvelope, Wallet, WalletStatus,
};
use ve_sdk::{Context, QueryContext, json};
use ve_store::KvError;

use super::error::Error;
use super::keys::{
    APPEALS, BLOCKS, CLIENTS, CONSENTS, ENVELOPES, HISTORY, LAST_APPEAL, MEMBERS, NULLIFIERS, RECORDS, REQUESTS,
    REVEALS, SCOPES, SENTENCES, SWEEPS, USAGE, USED, WALLETS,
};
use super::{clients, invariants, params, sentences, timers, wallet};

pub fn default() -> Value {
    json::to_json(&GenesisState { params: Some(params::default()), ..GenesisState::default() }).unwrap_or_default()
}

fn refused(cause: String) -> CodedError {
    Error::Genesis(cause).into()
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), CodedError> {
    let genesis: GenesisState = json::from_json(genesis)?;
    params::store(ctx, &genesis.params.clone().unwrap_or_else(params::default))?;
    for client in &genesis.clients {
        clients::check(client)?;
        if CLIENTS.has(ctx, &client.client_id)? {
            return Err(refused(format!("client {} is given twice", client.client_id)));
        }
        CLIENTS.set(ctx, &client.client_id, client)?;
    }
    for wallet in &genesis.wallets {
        add_wallet(ctx, wallet)?;
    }
    owned(ctx, &genesis)?;
    runs(ctx, &genesis)?;
    for usage in &genesis.usage {
        let owner = parse_account("owner", &usage.owner)?;
        USAGE.set(ctx, &(owner, usage.capability.unsigned_abs()), usage)?;
    }
    for used in &genesis.used {
        USED.set(ctx, &used.digest, used)?;
    }
    for block in &genesis.blocks {
        BLOCKS.set(ctx, &block.height, block)?;
    }
    for client_id in &genesis.sweeps {
        clients::require(ctx, client_id)?;
        SWEEPS.set(ctx, client_id, &timers::START.to_vec())?;
    }
    // Wallets that contradict their scopes or their history are refused here rather than in some later block.
    let whole = invariants::check(&QueryContext::new(ctx, ctx.block(), ctx.registry()));
    whole.map_err(refused)
}

fn add_wallet(ctx: &mut Context<'_>, wallet: &Wallet) -> Result<(), CodedError> {
    let owner = parse_account("owner", &wallet.owner)?;
    if WALLETS.has(ctx, &owner)? {
        return Err(refused(format!("{owner} has two wallets")));
    }
    if wallet.wallet_id != ve_base::capture::wallet_id(&wallet.owner) || wallet.status() == WalletStatus::Unspecified {
        return Err(refused(format!("the wallet of {owner} has a wrong id or no status")));
    }
    let key = wallet.binding_key.clone().unwrap_or_default();
    wallet::check_binding(ctx.chain_id(), &wallet.owner, &key, &wallet.binding_signature)?;
    Ok(WALLETS.set(ctx, &owner, wallet)?)
}

/// What belongs to wallets.
fn owned(ctx: &mut Context<'_>, genesis: &GenesisState) -> Result<(), CodedError> {
    for scope in &genesis.scopes {
        let key = (parse_account("owner", &scope.owner)?, scope.scope_id.clone());
        if SCOPES.has(ctx, &key)? || !WALLETS.has(ctx, &key.0)? {
            return Err(refused(format!("scope {} is given twice or has no wallet", scope.scope_id)));
        }
        SCOPES.set(ctx, &key, scope)?;
    }
    for entry in &genesis.envelopes {
        let key = (parse_account("owner", &entry.owner)?, entry.scope_id.clone());
        if !SCOPES.has(ctx, &key)? {
            return Err(refused(format!("an envelope belongs to scope {}, which does not exist", entry.scope_id)));
        }
        ENVELOPES.set(ctx, &key, &entry.envelope.clone().unwrap_or_default())?;
    }
    for entry in &genesis.consents {
        let (owner, consent) = (parse_account("owner", &entry.owner)?, entry.consent.clone().unwrap_or_default());
        CONSENTS.set(ctx, (&owner, &consent.consent_id), &consent)?;
    }
    for entry in &genesis.history {
        let (owner, entry) = (parse_account("owner", &entry.owner)?, entry.entry.clone().unwrap_or_default());
        HISTORY.set(ctx, (&owner, &entry.number), &entry)?;
    }
    Ok(())
}

/// What committees do.
fn runs(ctx: &mut Context<'_>, genesis: &GenesisState) -> Result<(), CodedError> {
    for request in &genesis.requests {
        REQUESTS.set(ctx, &parse_account("owner", &request.owner)?, request)?;
    }
    for reveal in &genesis.reveals {
        let member = parse_account("member", &reveal.member)?;
        REVEALS.set(ctx, (&reveal.run_id, &member), &reveal.features.clone().unwrap_or_default())?;
    }
    for record in &genesis.records {
        RECORDS.set(ctx, &parse_account("owner", &record.owner)?, record)?;
    }
    for nullifier in &genesis.nullifiers {
        NULLIFIERS.set(ctx, nullifier.value.as_slice(), nullifier)?;
    }
    for appeal in &genesis.appeals {
        APPEALS.set(ctx, &appeal.appeal_id, appeal)?;
    }
    if genesis.last_appeal > 0 {
        LAST_APPEAL.set(ctx, &genesis.last_appeal)?;
    }
    for member in &genesis.members {
        MEMBERS.set(ctx, &parse_account("member", &member.member)?, member)?;
    }
    for sentence in &genesis.sentences {
        parse_account("member", &sentence.member)?;
        if sentence.fault() == Fault::Unspecified {
            return Err(Error::Input(format!("genesis: a sentence of {} names no known fault", sentence.member)).into());
        }
        sentences::keep(ctx, sentence)?;
    }
    Ok(())
}

fn all<T>(entries: impl Iterator<Item = Result<T, KvError>>) -> Result<Vec<T>, CodedError> {
    Ok(entries.collect::<Result<_, _>>()?)
}

pub fn export(ctx: &QueryContext<'_>) -> Result<Value, CodedError> {
    let envelopes = ENVELOPES.iter(ctx).map(|entry| {
        let ((owner, scope_id), envelope) = entry?;
        Ok(ScopeEnvelope { owner: owner.to_string(), scope_id, envelope: Some(envelope) })
    });
    let consents = CONSENTS.iter(ctx).map(|entry| {
        let ((owner, _), consent) = entry?;
        Ok(OwnedConsent { owner: owner.to_string(), consent: Some(consent) })
    });
    let history = HISTORY.iter(ctx).map(|entry| {
        let ((owner, _), entry) = entry?;
        Ok(OwnedHistory { owner: owner.to_string(), entry: Some(entry) })
    });
    let reveals = REVEALS.iter(ctx).map(|entry| {
        let ((run_id, member), features) = entry?;
        Ok(OwnedReveal { run_id, member: member.to_string(), features: Some(features) })
    });
    json::to_json(&GenesisState {
        params: Some(params::load(ctx)?),
        requests: all(REQUESTS.scan().entries(ctx).map(|entry| Ok(entry?.1)))?,
        reveals: all(reveals)?,
        records: all(RECORDS.iter(ctx).map(|entry| Ok(entry?.1)))?,
        nullifiers: all(NULLIFIERS.iter(ctx).map(|entry| Ok(entry?.1)))?,
        appeals: all(APPEALS.scan().entries(ctx).map(|entry| Ok(entry?.1)))?,
        last_appeal: LAST_APPEAL.get(ctx)?.unwrap_or_default(),
        members: all(MEMBERS.iter(ctx).map(|entry| Ok(entry?.1)))?,
        sentences: all(SENTENCES.iter(ctx).map(|entry| Ok(entry?.1)))?,
        clients: all(CLIENTS.iter(ctx).map(|entry| Ok(entry?.1)))?,
        wallets: all(WALLETS.scan().entries(ctx).map(|entry| Ok(entry?.1)))?,
        scopes: all(SCOPES.scan().entries(ctx).map(|entry| Ok(entry?.1)))?,
        envelopes: all(envelopes)?,
        consents: all(consents)?,
        history: all(history)?,
        used: all(USED.scan().entries(ctx).map(|entry| Ok(entry?.1)))?,
        blocks: all(BLOCKS.iter(ctx).map(|entry| Ok(entry?.1)))?,
        usage: all(USAGE.scan().entries(ctx).map(|entry| Ok(entry?.1)))?,
        sweeps: all(SWEEPS.iter(ctx).map(|entry| Ok(entry?.0)))?,
    })
}
