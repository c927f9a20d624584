//! A chain with two validators, and proposals to it.

use prost::{Message, Name};
use ve_base::Amount;
use ve_base::keys::PublicKey;
use ve_chain_core::staking::setup::{GenesisValidator, add_validator};
use ve_proto::cosmos::bank::v1beta1 as bank;
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::cosmos::gov::v1::*;
use ve_sdk::application::TxResult;
use ve_testkit::chain::{Account, TestChain, any};

/// 1 VE.
pub const VE: u128 = 1_000_000;
pub const DEPOSIT: u128 = 2_500 * VE;
/// Voting periods of these chains in seconds.
pub const VOTING: u64 = 100;
pub const EXPEDITED: u64 = 50;
pub const REPORT: &str = "simulation-report:sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

pub fn consensus_key(index: u8) -> [u8; 32] {
    (0..=255u8)
        .map(|first| {
            let mut bytes = [index + 1; 32];
            bytes[0] = first;
            bytes
        })
        .find(|bytes| PublicKey::Ed25519(*bytes).check().is_ok())
        .expect("every second encoding is a point")
}

/// Accounts 0 and 1 are validators with 3,000 and 1,000 VE.
pub fn chain() -> TestChain {
    TestChain::with_genesis(5, |state| {
        state["gov"]["params"]["voting_period"] = format!("{VOTING}s").into();
        state["gov"]["params"]["expedited_voting_period"] = format!("{EXPEDITED}s").into();
        for (index, bond) in [(0u8, 3_000 * VE), (1, 1_000 * VE)] {
            let new = GenesisValidator {
                account: Account::number(index.into()).address,
                consensus_key: consensus_key(index),
                moniker: format!("validator {index}"),
                self_bond: Amount::from(bond),
            };
            add_validator(state, &new).expect("the account can bond");
        }
    })
}

pub fn text(chain: &TestChain, index: usize) -> String {
    chain.accounts[index].address.to_string()
}

pub fn gov() -> String {
    ve_base::module_address("gov").to_string()
}

pub fn coins(amount: u128) -> Vec<Coin> {
    vec![Coin { denom: "uve".into(), amount: amount.to_string() }]
}

pub fn code(result: &TxResult) -> (&str, u32) {
    (result.codespace.as_str(), result.code)
}

/// Stops transfers of a coin: visible when it was executed.
pub fn stop(denom: &str) -> bank::MsgSetSendEnabled {
    bank::MsgSetSendEnabled {
        authority: gov(),
        send_enabled: vec![bank::SendEnabled { denom: denom.into(), enabled: false }],
        use_default_for: Vec::new(),
    }
}

pub fn stopped(chain: &TestChain, denom: &str) -> bool {
    let request = bank::QuerySendEnabledRequest { denoms: vec![denom.into()], pagination: None };
    let response: bank::QuerySendEnabledResponse =
        chain.query("/cosmos.bank.v1beta1.Query/SendEnabled", &request).expect("switches are served");
    !response.send_enabled.is_empty()
}

/// Account 4 proposes.
pub fn proposal<M: Message + Name>(chain: &TestChain, message: &M, deposit: u128) -> MsgSubmitProposal {
    MsgSubmitProposal {
        messages: vec![any(message)],
        initial_deposit: coins(deposit),
        proposer: text(chain, 4),
        title: "a change".into(),
        summary: "for the better".into(),
        ..MsgSubmitProposal::default()
    }
}

pub fn submit(chain: &mut TestChain, message: &MsgSubmitProposal) -> u64 {
    let result = chain.deliver(4, message);
    assert_eq!(result.log, "");
    let event = result.events.iter().find(|event| event.kind == "submit_proposal").expect("an event");
    event.attributes.iter().find(|(key, _)| key == "proposal_id").expect("the id").1.parse().expect("a number")
}

pub fn vote(chain: &mut TestChain, voter: usize, proposal_id: u64, option: VoteOption) -> TxResult {
    let message = MsgVote { proposal_id, voter: text(chain, voter), option: option as i32, metadata: String::new() };
    chain.deliver(voter, &message)
}

pub fn found(chain: &TestChain, proposal_id: u64) -> Result<Proposal, String> {
    let response: Result<QueryProposalResponse, String> =
        chain.query("/cosmos.gov.v1.Query/Proposal", &QueryProposalRequest { proposal_id });
    response.map(|response| response.proposal.expect("it is there"))
}

pub fn status(chain: &TestChain, id: u64) -> ProposalStatus {
    found(chain, id).expect("it exists").status()
}

pub fn tally(chain: &TestChain, proposal_id: u64) -> (String, String) {
    let response: QueryTallyResultResponse =
        chain.query("/cosmos.gov.v1.Query/TallyResult", &QueryTallyResultRequest { proposal_id }).expect("it exists");
    let tally = response.tally.expect("it is there");
    (tally.yes_count, tally.no_count)
}

pub fn in_ve(ve: u128) -> String {
    (ve * VE).to_string()
}

pub fn balance(chain: &TestChain, index: usize) -> u128 {
    chain.balance(&chain.accounts[index].address).to_u128().expect("it fits")
}

pub fn supply(chain: &TestChain) -> u128 {
    let request = bank::QuerySupplyOfRequest { denom: "uve".into() };
    let response: bank::QuerySupplyOfResponse =
        chain.query("/cosmos.bank.v1beta1.Query/SupplyOf", &request).expect("it is served");
    response.amount.expect("it is there").amount.parse().expect("a number")
}

pub fn params(chain: &TestChain) -> Params {
    let response: QueryParamsResponse =
        chain.query("/cosmos.gov.v1.Query/Params", &QueryParamsRequest::default()).expect("params are served");
    response.params.expect("they are there")
}
