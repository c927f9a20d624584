//! Runs one transaction: admission, then its messages, each atomic. Failed admission leaves no trace; a failed message
//! leaves the fee paid and the sequence advanced, and nothing else (platform spec section 1, incident C6).

use bytes::Bytes;
use prost::Message;
use prost_types::Any;
use ve_base::{Address, CodedError, errors};
use ve_proto::cosmos::base::abci::v1beta1::TxMsgData;
use ve_store::KvError;

use crate::admission::{Candidate, Step, VerifiedSignatures};
use crate::application::{Event, TxResult};
use crate::context::{BlockInfo, Context, Mode, State};
use crate::gas::GasMeter;
use crate::registry::Registry;

/// What is the same for all transactions of a block.
pub struct Executor<'a> {
    pub registry: &'a Registry,
    pub steps: &'a [Step],
    pub verified: &'a VerifiedSignatures,
    pub block: &'a BlockInfo,
    pub max_tx_bytes: usize,
}

impl Executor<'_> {
    /// Decodes and runs `raw` on `state`. `Err` is a storage failure: the node must stop.
    pub fn run(&self, state: &mut State, raw: &[u8], mode: Mode) -> Result<TxResult, KvError> {
        let decoded = if raw.len() > self.max_tx_bytes {
            Err(errors::sdk::Error::TxTooLarge(format!(
                "the transaction has {} bytes, at most {}",
                raw.len(),
                self.max_tx_bytes
            ))
            .into())
        } else {
            ve_base::tx::decode_tx(raw).map_err(CodedError::from)
        };
        match decoded {
            Ok(tx) => match Candidate::new(&tx, raw.len(), self.registry, self.verified) {
                Ok(candidate) => self.run_candidate(state, &candidate, mode),
                Err(error) => Ok(failed(error, 0, 0, Vec::new())),
            },
            Err(error) => Ok(failed(error, 0, 0, Vec::new())),
        }
    }

    pub fn run_candidate(&self, state: &mut State, candidate: &Candidate<'_>, mode: Mode) -> Result<TxResult, KvError> {
        let wanted = candidate.gas_limit();
        let meter = if mode == Mode::Simulate { GasMeter::unlimited() } else { GasMeter::with_limit(wanted) };
        let mut ctx = Context::new(state, self.block, self.registry, meter, mode);

        let admitted = ctx.atomic(|ctx| self.admit(ctx, candidate));
        if let Some(error) = ctx.take_fatal() {
            return Err(error);
        }
        if let Err(error) = admitted {
            return Ok(failed(error, wanted, ctx.gas().used(), Vec::new()));
        }
        let mut events = ctx.take_events();
        if matches!(mode, Mode::Check | Mode::Recheck) {
            return Ok(succeeded(Vec::new(), wanted, ctx.gas().used(), events));
        }

        let outcome = ctx.atomic(|ctx| run_messages(ctx, &candidate.tx.body.messages));
        if let Some(error) = ctx.take_fatal() {
            return Err(error);
        }
        let used = ctx.gas().used();
        Ok(match outcome {
            Ok((responses, message_events)) => {
                events.extend(message_events);
                succeeded(responses, wanted, used, events)
            }
            Err((index, error)) => {
                let log = format!("failed to execute message; message index: {index}: {}", error.log);
                failed(CodedError { log, ..error }, wanted, used, events)
            }
        })
    }

    fn admit(&self, ctx: &mut Context<'_>, candidate: &Candidate<'_>) -> Result<(), CodedError> {
        for step in self.steps {
            (step.run)(ctx, candidate)?;
        }
        Ok(())
    }
}

type Executed = (Vec<Any>, Vec<Event>);

fn run_messages(ctx: &mut Context<'_>, messages: &[Any]) -> Result<Executed, (usize, CodedError)> {
    let mut responses = Vec::with_capacity(messages.len());
    let mut events = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let response = ctx.atomic(|ctx| run_message(ctx, message)).map_err(|error| (index, error))?;
        responses.push(response);
        for mut event in ctx.take_events() {
            event.attributes.push(("msg_index".to_owned(), index.to_string()));
            events.push(event);
        }
    }
    Ok((responses, events))
}

/// Executes a message that another one carries, in the name of `authority`: as if it stood alone, its signers, stateless
/// rules and gates are checked (incident C4), its gas counts, and its failure leaves no trace (incident C6).
pub fn run_inner(ctx: &mut Context<'_>, message: &Any, authority: &[Address]) -> Result<Any, CodedError> {
    let registry = ctx.registry();
    let entry =
        registry.message(&message.type_url).ok_or_else(|| crate::admission::unknown_message(&message.type_url))?;
    let signers = entry.signers.read(&message.value)?;
    if let Some(stranger) = signers.iter().find(|signer| !authority.contains(signer)) {
        return Err(errors::sdk::Error::Unauthorized(format!(
            "{} acts for {stranger}, who has not authorized it",
            message.type_url
        ))
        .into());
    }
    entry.check(&message.value)?;
    let outcome = ctx.deeper(|ctx| {
        crate::gate::ask(ctx, message, &signers)?;
        ctx.atomic(|ctx| run_message(ctx, message))
    });
    outcome.unwrap_or_else(|| Err(crate::admission::nested_too_deeply()))
}

/// Executes one message, with the `message` event that clients filter by. Modules that carry messages (authz,
/// governance) go through [`run_inner`].
pub fn run_message(ctx: &mut Context<'_>, message: &Any) -> Result<Any, CodedError> {
    let registry = ctx.registry();
    let entry =
        registry.message(&message.type_url).ok_or_else(|| crate::admission::unknown_message(&message.type_url))?;
    let sender = entry.signers.read(&message.value)?.first().map(ToString::to_string).unwrap_or_default();
    ctx.emit(
        Event::new("message").with("action", &message.type_url).with("sender", sender).with("module", entry.module),
    );
    entry.execute(ctx, &message.value)
}

fn succeeded(msg_responses: Vec<Any>, wanted: u64, used: u64, events: Vec<Event>) -> TxResult {
    let data = if msg_responses.is_empty() {
        Bytes::new()
    } else {
        TxMsgData { msg_responses, ..TxMsgData::default() }.encode_to_vec().into()
    };
    TxResult { data, events, gas_wanted: signed(wanted), gas_used: signed(used), ..TxResult::default() }
}

fn failed(error: CodedError, wanted: u64, used: u64, events: Vec<Event>) -> TxResult {
    TxResult {
        code: error.code,
        codespace: error.codespace.to_owned(),
        log: error.log,
        gas_wanted: signed(wanted),
        gas_used: signed(used),
        events,
        ..TxResult::default()
    }
}

fn signed(gas: u64) -> i64 {
    i64::try_from(gas).unwrap_or(i64::MAX)
}
