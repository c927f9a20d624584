//! Admission: everything that a transaction must pass before its messages run. The order of the steps is written once,
//! in `app`; this file has the shape of a step and the steps that need no module (platform spec section 1).

use std::collections::BTreeSet;
use std::sync::Mutex;

use prost_types::Any;
use ve_base::tx::Tx;
use ve_base::{Address, BlockTime, CodedError, errors::sdk::Error};

use crate::context::{Context, Mode};
use crate::registry::Registry;

pub const MAX_MEMO_BYTES: usize = 256;
pub const MAX_SIGNATURES: usize = 7;
pub const GAS_PER_TX_BYTE: u64 = 10;
/// A signature with its length, as a simulation assumes it.
const SIGNATURE_BYTES: usize = 66;
/// A fee of one coin, as a simulation assumes it.
const FEE_BYTES: u64 = 32;
/// Messages within messages; deeper is refused rather than walked (incident C4).
pub const MAX_NESTING: usize = 6;
/// Messages of one transaction, nested ones included.
pub const MAX_MESSAGES: usize = 256;

/// A decoded transaction with what the steps derived from it.
pub struct Candidate<'a> {
    pub tx: &'a Tx,
    /// Length of the raw bytes.
    pub size: usize,
    /// All signers of all messages in order of first appearance, then the fee payer.
    pub signers: Vec<Address>,
    /// Pays the fee: `fee.payer`, or else the first signer.
    pub payer: Address,
    pub verified: &'a VerifiedSignatures,
}

impl<'a> Candidate<'a> {
    pub fn new(
        tx: &'a Tx,
        size: usize,
        registry: &Registry,
        verified: &'a VerifiedSignatures,
    ) -> Result<Self, CodedError> {
        let mut signers: Vec<Address> = Vec::new();
        for message in &tx.body.messages {
            let entry = registry.message(&message.type_url).ok_or_else(|| unknown_message(&message.type_url))?;
            for signer in entry.signers.read(&message.value)? {
                if !signers.contains(&signer) {
                    signers.push(signer);
                }
            }
        }
        let first =
            signers.first().ok_or_else(|| Error::InvalidRequest("must contain at least one message".into()))?.clone();
        let declared = tx.auth_info.fee.as_ref().map_or("", |fee| fee.payer.as_str());
        let payer = if declared.is_empty() {
            first
        } else {
            Address::from_bech32(declared, ve_base::ACCOUNT_PREFIX)
                .map_err(|cause| Error::InvalidAddress(format!("fee payer: {cause}")))?
        };
        if !signers.contains(&payer) {
            signers.push(payer.clone());
        }
        Ok(Self { tx, size, signers, payer, verified })
    }

    pub fn gas_limit(&self) -> u64 {
        self.tx.auth_info.fee.as_ref().map_or(0, |fee| fee.gas_limit)
    }
}

pub fn unknown_message(type_url: &str) -> Error {
    Error::UnknownRequest(format!(
        "no module handles the message {type_url}; check its name, or that the node runs a release that knows it"
    ))
}

pub(crate) fn nested_too_deeply() -> CodedError {
    Error::InvalidRequest(format!("messages nest deeper than {MAX_NESTING}")).into()
}

/// One step of admission.
pub struct Step {
    pub name: &'static str,
    pub run: fn(&mut Context<'_>, &Candidate<'_>) -> Result<(), CodedError>,
}

type Digests = BTreeSet<[u8; 32]>;

/// Digests of (key, sign bytes, signature) that verified. A signature's validity is a pure function of these, so
/// remembering it changes no result; it lets block execution reuse the mempool's work.
pub struct VerifiedSignatures {
    /// The current and the previous generation.
    known: Mutex<(Digests, Digests)>,
    capacity: usize,
}

impl VerifiedSignatures {
    /// Remembers between `capacity` and 2 × `capacity` digests: two generations, the older one is dropped whole.
    pub fn new(capacity: usize) -> Self {
        Self { known: Mutex::default(), capacity }
    }

    pub fn contains(&self, digest: &[u8; 32]) -> bool {
        let known = self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.0.contains(digest) || known.1.contains(digest)
    }

    pub fn insert(&self, digest: [u8; 32]) {
        let mut known = self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if known.0.len() >= self.capacity {
            known.1 = std::mem::take(&mut known.0);
        }
        known.0.insert(digest);
    }
}

pub const EXTENSION_OPTIONS: Step = Step { name: "extension options", run: refuse_extension_options };
pub const STATELESS_CHECKS: Step = Step { name: "stateless checks", run: check_messages };
pub const LIMITS: Step = Step { name: "timeout, memo, signatures", run: check_limits };
pub const TX_SIZE_GAS: Step = Step { name: "gas for size", run: charge_size };
pub const MESSAGE_GATES: Step = Step { name: "gates", run: ask_gates };

fn refuse_extension_options(_ctx: &mut Context<'_>, candidate: &Candidate<'_>) -> Result<(), CodedError> {
    match candidate.tx.body.extension_options.first() {
        None => Ok(()),
        Some(option) => Err(Error::UnknownExtensionOptions(format!(
            "this chain knows no critical extension option {}; remove it",
            option.type_url
        ))
        .into()),
    }
}

fn check_messages(ctx: &mut Context<'_>, candidate: &Candidate<'_>) -> Result<(), CodedError> {
    let mut left = MAX_MESSAGES;
    for message in &candidate.tx.body.messages {
        check_message(ctx.registry(), message, 0, &mut left)?;
    }
    Ok(())
}

/// Nested messages are asked about when they are executed, because earlier ones may change the answer.
fn ask_gates(ctx: &mut Context<'_>, candidate: &Candidate<'_>) -> Result<(), CodedError> {
    let registry = ctx.registry();
    if ctx.hooks().all::<dyn crate::gate::MessageGate>().is_empty() {
        return Ok(());
    }
    for message in &candidate.tx.body.messages {
        let entry = registry.message(&message.type_url).ok_or_else(|| unknown_message(&message.type_url))?;
        let signers = entry.signers.read(&message.value)?;
        crate::gate::ask(ctx, message, &signers)?;
    }
    Ok(())
}

fn check_message(registry: &Registry, message: &Any, depth: usize, left: &mut usize) -> Result<(), CodedError> {
    if depth > MAX_NESTING {
        return Err(nested_too_deeply());
    }
    *left = left
        .checked_sub(1)
        .ok_or_else(|| Error::InvalidRequest(format!("more than {MAX_MESSAGES} messages in one transaction")))?;
    let entry = registry.message(&message.type_url).ok_or_else(|| unknown_message(&message.type_url))?;
    entry.check(&message.value)?;
    for inner in entry.inner(&message.value)? {
        check_message(registry, &inner, depth.saturating_add(1), left)?;
    }
    Ok(())
}

fn check_limits(ctx: &mut Context<'_>, candidate: &Candidate<'_>) -> Result<(), CodedError> {
    let body = &candidate.tx.body;
    if body.timeout_height != 0 && ctx.height() > body.timeout_height {
        return Err(Error::TxTimeoutHeight(format!(
            "block height {} is past the timeout height {}; sign it again with a later one",
            ctx.height(),
            body.timeout_height
        ))
        .into());
    }
    if let Some(given) = &body.timeout_timestamp {
        let timeout = BlockTime::from_proto(given)
            .ok_or_else(|| Error::InvalidRequest("timeout_timestamp has malformed nanoseconds".into()))?;
        if ctx.time() > timeout {
            return Err(Error::TxTimeoutHeight(format!(
                "block time {} is past the timeout timestamp {timeout}; sign it again with a later one",
                ctx.time()
            ))
            .into());
        }
    }
    if body.memo.len() > MAX_MEMO_BYTES {
        return Err(
            Error::MemoTooLarge(format!("the memo has {} bytes, at most {MAX_MEMO_BYTES}", body.memo.len())).into()
        );
    }
    let given = candidate.tx.signatures.len();
    if given == 0 && ctx.mode() != Mode::Simulate {
        return Err(Error::NoSignatures("the transaction carries no signature".into()).into());
    }
    if given > MAX_SIGNATURES {
        return Err(Error::TooManySignatures(format!("{given} signatures, at most {MAX_SIGNATURES}")).into());
    }
    Ok(())
}

fn charge_size(ctx: &mut Context<'_>, candidate: &Candidate<'_>) -> Result<(), CodedError> {
    let mut size = candidate.size as u64;
    if ctx.mode() == Mode::Simulate {
        // Clients simulate without signatures and fee: what they send later is longer by these.
        let signed: usize = candidate.tx.signatures.iter().map(Vec::len).sum();
        let missing = candidate.signers.len().saturating_mul(SIGNATURE_BYTES).saturating_sub(signed);
        size = size.saturating_add(missing as u64).saturating_add(FEE_BYTES);
    }
    let cost = GAS_PER_TX_BYTE.saturating_mul(size);
    Ok(ctx.gas().consume(cost, "transaction size")?)
}
