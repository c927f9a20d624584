//! `MsgSubmitProposal`: messages for the governance authority to send, if enough stake agrees.

use prost_types::Any;
use ve_base::{BASE_DENOM, CodedError, Coins};
use ve_proto::cosmos::gov::v1::{MsgSubmitProposal, MsgSubmitProposalResponse, Proposal};
use ve_sdk::{Context, Event};

use crate::gov::error::Error;
use crate::gov::votes::MAX_METADATA;
use crate::gov::{account, authority, critical, deposits, params, proposals, tally};

const MAX_MESSAGES: usize = 16;
const MAX_TITLE: usize = 255;
const MAX_SUMMARY: usize = 10_200;

pub fn check(msg: &MsgSubmitProposal) -> Result<(), CodedError> {
    check_parts(msg)?;
    if msg.messages.is_empty() && msg.metadata.is_empty() {
        return Err(Error::NoMessages.into());
    }
    Ok(())
}

/// What holds for proposals of the older form too, which have no messages.
pub(super) fn check_parts(msg: &MsgSubmitProposal) -> Result<(), CodedError> {
    account("proposer", &msg.proposer)?;
    deposits::parse(&msg.initial_deposit)?;
    let text = |name: &str, text: &str, most: usize| {
        if text.is_empty() || text.len() > most {
            return Err(Error::Proposal(format!("the {name} has {} bytes, 1 to {most} are needed", text.len())));
        }
        Ok(())
    };
    text("title", &msg.title, MAX_TITLE)?;
    text("summary", &msg.summary, MAX_SUMMARY)?;
    if msg.metadata.len() > MAX_METADATA {
        return Err(Error::MetadataTooLong(msg.metadata.len(), MAX_METADATA).into());
    }
    if msg.messages.len() > MAX_MESSAGES {
        return Err(Error::TooManyMessages(MAX_MESSAGES).into());
    }
    Ok(())
}

pub fn inner(msg: &MsgSubmitProposal) -> Vec<Any> {
    msg.messages.clone()
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgSubmitProposal) -> Result<MsgSubmitProposalResponse, CodedError> {
    let proposer = account("proposer", &msg.proposer)?;
    let deposit = deposits::parse(&msg.initial_deposit)?;
    let params = params::load(ctx)?;
    let needed = params::min_initial_deposit(&params, msg.expedited)?;
    if deposit.amount_of(BASE_DENOM) < needed {
        return Err(Error::DepositTooSmall(deposit.to_string(), Coins::native(needed).to_string()).into());
    }
    for message in &msg.messages {
        check_message(ctx, message)?;
    }
    critical::check(ctx, &msg.messages, &msg.metadata, msg.expedited)?;
    let proposal = Proposal {
        messages: msg.messages.clone(),
        final_tally_result: Some(tally::none()),
        metadata: msg.metadata.clone(),
        title: msg.title.clone(),
        summary: msg.summary.clone(),
        proposer: msg.proposer.clone(),
        expedited: msg.expedited,
        ..Proposal::default()
    };
    let mut proposal = proposals::open(ctx, &params, proposal)?;
    let urls: String = msg.messages.iter().map(|message| format!(",{}", message.type_url)).collect();
    ctx.emit(
        Event::new("submit_proposal")
            .with("proposal_id", proposal.id)
            .with("proposal_proposer", &proposer)
            .with("proposal_messages", urls),
    );
    if !deposit.is_empty() {
        deposits::add(ctx, &params, &mut proposal, &proposer, &deposit)?;
    }
    Ok(MsgSubmitProposalResponse { proposal_id: proposal.id })
}

/// What governance could never execute is refused at once: it would only cost the voters time.
fn check_message(ctx: &Context<'_>, message: &Any) -> Result<(), CodedError> {
    let entry = ctx
        .registry()
        .message(&message.type_url)
        .ok_or_else(|| ve_sdk::admission::unknown_message(&message.type_url))?;
    if entry.signers.read(&message.value)? != [authority()] {
        return Err(Error::Signer(message.type_url.clone(), authority().to_string()).into());
    }
    entry.check(&message.value)
}
