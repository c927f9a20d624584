//! The admission steps that concern accounts and fees, in the order that `app` gives them.

use sha2::{Digest, Sha256};
use ve_base::keys::PublicKey;
use ve_base::tx::{SignDoc, Signer, Tx};
use ve_base::{Address, Amount, BASE_DENOM, CodedError, Coins, Dec, errors::sdk::Error};
use ve_proto::cosmos::auth::v1beta1::{BaseAccount, Params};
use ve_proto::cosmos::tx::v1beta1::SignerInfo;
use ve_sdk::admission::{Candidate, Step};
use ve_sdk::{Context, Event, Mode};
use ve_store::Read;

use super::params::load as params;
use super::{account, unordered};
use crate::{bank, feegrant, feemarket};

pub const FEE_SUFFICIENT: Step = Step { name: "fee sufficient", run: check_fee };
pub const SIGNATURES: Step = Step { name: "signatures and sequences", run: check_signatures };
pub const DEDUCT_FEE: Step = Step { name: "deduct fee", run: deduct_fee };
pub const ADVANCE_SEQUENCES: Step = Step { name: "advance sequences", run: advance_sequences };

/// Where fees wait for distribution.
pub const FEE_COLLECTOR: &str = "fee_collector";

fn fee(candidate: &Candidate<'_>) -> Result<Coins, CodedError> {
    let coins = candidate.tx.auth_info.fee.as_ref().map_or(&[][..], |fee| fee.amount.as_slice());
    Coins::try_from_proto(coins)
}

fn check_fee(ctx: &mut Context<'_>, candidate: &Candidate<'_>) -> Result<(), CodedError> {
    let coins = fee(candidate)?;
    for coin in coins.iter() {
        if coin.denom.as_str() != BASE_DENOM {
            return Err(Error::InsufficientFee(format!(
                "fees are paid in {BASE_DENOM}, not in {}; sign it again with a fee in {BASE_DENOM}",
                coin.denom
            ))
            .into());
        }
    }
    if candidate.gas_limit() == 0 && ctx.mode() != Mode::Simulate {
        return Err(
            Error::OutOfGas("the gas limit is 0; simulate the transaction to learn what it needs".into()).into()
        );
    }
    if ctx.mode() == Mode::Simulate { Ok(()) } else { check_price(ctx, candidate, &coins) }
}

/// The price of gas is a rule of the chain: in the block as in the mempool, where what waits already may fall to a third
/// of it before it is dropped.
fn check_price(ctx: &mut Context<'_>, candidate: &Candidate<'_>, paid: &Coins) -> Result<(), CodedError> {
    let (gas, paid) = (candidate.gas_limit(), paid.amount_of(BASE_DENOM));
    let (required, most) = ctx.unmetered(|ctx| -> Result<_, CodedError> {
        Ok((feemarket::required(ctx, gas)?, feemarket::max_tx_gas(ctx)?))
    })?;
    if gas > most {
        return Err(Error::OutOfGas(format!("a transaction may ask for {most} gas, this one asks for {gas}")).into());
    }
    let parts = Amount::from(if ctx.mode() == Mode::Recheck { 3u64 } else { 1 });
    let least = required.checked_div(parts).unwrap_or_default();
    if paid >= least { Ok(()) } else { Err(insufficient(paid, least)) }
}

fn insufficient(paid: Amount, required: Amount) -> CodedError {
    Error::InsufficientFee(format!(
        "insufficient fees; got: {paid}{BASE_DENOM} required: {required}{BASE_DENOM}: insufficient fee"
    ))
    .into()
}

/// Refuses what pays less than this node's minimum. Only for the mempool: not a rule of the chain.
pub fn enough_for_mempool(candidate: &Candidate<'_>, min_gas_price: &Dec) -> Result<(), CodedError> {
    let paid = fee(candidate)?.amount_of(BASE_DENOM);
    let required = min_gas_price.mul_ceil_amount(Amount::from(candidate.gas_limit()))?;
    if paid >= required { Ok(()) } else { Err(insufficient(paid, required)) }
}

/// Fee per gas in millionths of a `uve`, for the mempool's order.
pub fn priority(candidate: &Candidate<'_>) -> i64 {
    let paid = fee(candidate).map(|coins| coins.amount_of(BASE_DENOM)).unwrap_or_default();
    let scaled = paid.checked_mul(Amount::from(1_000_000u64)).unwrap_or(Amount::MAX);
    let per_gas = scaled.checked_div(Amount::from(candidate.gas_limit().max(1))).unwrap_or_default();
    per_gas.to_u64().and_then(|value| i64::try_from(value).ok()).unwrap_or(i64::MAX)
}

fn check_signatures(ctx: &mut Context<'_>, candidate: &Candidate<'_>) -> Result<(), CodedError> {
    let tx = candidate.tx;
    let infos = &tx.auth_info.signer_infos;
    let simulate = ctx.mode() == Mode::Simulate;
    if infos.len() != candidate.signers.len() || (!simulate && tx.signatures.len() != infos.len()) {
        return Err(Error::Unauthorized(format!(
            "wrong number of signers; expected {}, got {} signer infos and {} signatures",
            candidate.signers.len(),
            infos.len(),
            tx.signatures.len()
        ))
        .into());
    }
    let params = params(ctx)?;
    if tx.body.unordered {
        unordered::check(ctx, tx)?;
    }
    for (index, (address, info)) in candidate.signers.iter().zip(infos).enumerate() {
        let mut account = account::require(ctx, address)?;
        let Some(base) = account.base_mut() else {
            return Err(Error::Unauthorized(format!("{address} is a module account and cannot sign")).into());
        };
        if !tx.body.unordered {
            check_sequence(base, info)?;
        }
        let key = public_key(base, info, address, simulate)?;
        charge(ctx, &params, key.as_ref(), tx.signatures.get(index))?;
        if let Some(key) = &key
            && base.pub_key.is_none()
        {
            base.pub_key = Some(key.to_any());
            account::save(ctx, address, &account)?;
        }
        if simulate || ctx.mode() == Mode::Recheck {
            continue;
        }
        let (Some(key), Some(signature)) = (key, tx.signatures.get(index)) else {
            return Err(Error::InvalidPubKey(format!(
                "{address} has never signed; the transaction must carry its key"
            ))
            .into());
        };
        let base = account.base();
        verify(ctx.chain_id(), candidate, &base, address, info, &key, signature)?;
    }
    Ok(())
}

fn check_sequence(account: &BaseAccount, info: &SignerInfo) -> Result<(), CodedError> {
    if info.sequence == account.sequence {
        return Ok(());
    }
    Err(Error::WrongSequence(format!(
        "account sequence mismatch, expected {}, got {}: incorrect account sequence",
        account.sequence, info.sequence
    ))
    .into())
}

/// The key that the account keeps, or else the one that the transaction shows, which must hash to the address.
fn public_key(
    account: &BaseAccount,
    info: &SignerInfo,
    address: &Address,
    simulate: bool,
) -> Result<Option<PublicKey>, CodedError> {
    let shown = info.public_key.as_ref().map(PublicKey::from_any).transpose()?;
    let kept = account.pub_key.as_ref().map(PublicKey::from_any).transpose()?;
    match (kept, shown) {
        (Some(kept), Some(shown)) if kept != shown && !simulate => {
            Err(Error::InvalidPubKey(format!("the transaction's key is not the one that {address} signs with")).into())
        }
        (Some(kept), _) => Ok(Some(kept)),
        (None, Some(shown)) if shown.address() == *address => Ok(Some(shown)),
        // Clients simulate with a made-up key before they have one; its cost is that of a secp256k1 key.
        (None, _) if simulate => Ok(None),
        (None, Some(shown)) => Err(Error::InvalidPubKey(format!(
            "pubKey does not match signer address {address} with key of {}: invalid pubkey",
            shown.address()
        ))
        .into()),
        (None, None) => {
            Err(Error::InvalidPubKey(format!("{address} has never signed; the transaction must carry its key")).into())
        }
    }
}

fn charge(
    ctx: &Context<'_>,
    params: &Params,
    key: Option<&PublicKey>,
    signature: Option<&Vec<u8>>,
) -> Result<(), CodedError> {
    let cost = match key {
        Some(PublicKey::Ed25519(_)) => params.sig_verify_cost_ed25519,
        Some(PublicKey::Multisig(multisig)) => {
            let signed = signature.map_or(multisig.threshold(), |bytes| multisig.count_signed(bytes));
            params.sig_verify_cost_secp256k1.saturating_mul(u64::try_from(signed).unwrap_or(u64::MAX))
        }
        _ => params.sig_verify_cost_secp256k1,
    };
    Ok(ctx.gas().consume(cost, "signature")?)
}

fn verify(
    chain_id: &str,
    candidate: &Candidate<'_>,
    account: &BaseAccount,
    address: &Address,
    info: &SignerInfo,
    key: &PublicKey,
    signature: &[u8],
) -> Result<(), CodedError> {
    let refused = |cause: String| {
        Error::Unauthorized(format!(
            "signature verification failed; please verify account number ({}), sequence ({}) and chain-id ({chain_id}): {cause}: unauthorized",
            account.account_number, info.sequence
        ))
    };
    let doc = SignDoc { tx: candidate.tx, chain_id, account_number: account.account_number, sequence: info.sequence };
    let digest = digest(&doc, info, key, signature).map_err(|error| refused(error.log))?;
    if candidate.verified.contains(&digest) {
        return Ok(());
    }
    let signer = Signer { address, info, key };
    doc.verify(&signer, signature).map_err(|error| refused(error.to_string()))?;
    candidate.verified.insert(digest);
    Ok(())
}

/// Names everything that the validity of a signature depends on.
fn digest(doc: &SignDoc<'_>, info: &SignerInfo, key: &PublicKey, signature: &[u8]) -> Result<[u8; 32], CodedError> {
    let mut hasher = Sha256::new();
    for part in [doc.tx.hash.as_slice(), doc.chain_id.as_bytes(), &key.to_bytes(), signature] {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.update(doc.account_number.to_be_bytes());
    hasher.update(info.sequence.to_be_bytes());
    Ok(hasher.finalize().into())
}

/// Verifies against committed state and remembers success, so that the check under the lock is a look-up. Failures are
/// found again, with their reason, by the step itself.
pub fn verify_ahead(state: &dyn Read, candidate: &Candidate<'_>, chain_id: &str) {
    let infos = &candidate.tx.auth_info.signer_infos;
    for (index, (address, info)) in candidate.signers.iter().zip(infos).enumerate() {
        let Ok(Some(account)) = account::account(state, address) else { return };
        let base = account.base();
        let Ok(Some(key)) = public_key(&base, info, address, false) else { return };
        let Some(signature) = candidate.tx.signatures.get(index) else { return };
        if verify(chain_id, candidate, &base, address, info, &key, signature).is_err() {
            return;
        }
    }
}

/// The account that offers to pay for the payer, if the transaction names one.
fn granter(candidate: &Candidate<'_>) -> Result<Option<Address>, CodedError> {
    let named = candidate.tx.auth_info.fee.as_ref().map_or("", |fee| fee.granter.as_str());
    if named.is_empty() {
        return Ok(None);
    }
    let granter = Address::from_bech32(named, ve_base::ACCOUNT_PREFIX)
        .map_err(|cause| Error::InvalidAddress(format!("fee granter: {cause}")))?;
    Ok(Some(granter).filter(|granter| *granter != candidate.payer))
}

fn deduct_fee(ctx: &mut Context<'_>, candidate: &Candidate<'_>) -> Result<(), CodedError> {
    let mut coins = fee(candidate)?;
    let granter = granter(candidate)?;
    let source = granter.as_ref().unwrap_or(&candidate.payer);
    // Clients simulate before they know the fee; the transaction they send then pays one, which costs gas too.
    if ctx.mode() == Mode::Simulate && coins.is_empty() {
        let has = bank::balance(ctx, source, BASE_DENOM)?;
        coins = Coins::native(has.min(Amount::from(1u64)));
    }
    if let Some(granter) = &granter {
        let messages: Vec<&str> = candidate.tx.body.messages.iter().map(|any| any.type_url.as_str()).collect();
        feegrant::spend(ctx, granter, &candidate.payer, &coins, &messages)?;
    }
    if !coins.is_empty() {
        bank::send_to_module(ctx, source, FEE_COLLECTOR, &coins)?;
    }
    if ctx.mode() == Mode::Deliver {
        let required = ctx.unmetered(|ctx| feemarket::required(ctx, candidate.gas_limit()))?;
        feemarket::count_base_part(ctx, required.min(coins.amount_of(BASE_DENOM)))?;
    }
    ctx.emit_all(|| [Event::new("tx").with("fee", &coins).with("fee_payer", source)]);
    Ok(())
}

fn advance_sequences(ctx: &mut Context<'_>, candidate: &Candidate<'_>) -> Result<(), CodedError> {
    if candidate.tx.body.unordered {
        unordered::record(ctx, candidate.tx)?;
        emit_signatures(ctx, candidate.tx);
        return Ok(());
    }
    for address in &candidate.signers {
        let mut account = account::require(ctx, address)?;
        if let Some(base) = account.base_mut() {
            let sequence = base.sequence;
            base.sequence = sequence
                .checked_add(1)
                .ok_or_else(|| Error::WrongSequence(format!("{address} has used every sequence")))?;
            account::save(ctx, address, &account)?;
            ctx.emit_all(|| [Event::new("tx").with("acc_seq", format!("{address}/{sequence}"))]);
        }
    }
    emit_signatures(ctx, candidate.tx);
    Ok(())
}

fn emit_signatures(ctx: &mut Context<'_>, tx: &Tx) {
    use base64::Engine as _;
    for signature in &tx.signatures {
        let text = || base64::engine::general_purpose::STANDARD.encode(signature);
        ctx.emit_all(|| [Event::new("tx").with("signature", text())]);
    }
}
