//! Proposals from deposit to execution, through the whole application. Invariants are checked after every block.

use prost::{Message, Name};
use prost_reflect::{DynamicMessage, ReflectMessage as _, Value};
use ve_base::keys::PublicKey;
use ve_base::{Amount, OPERATOR_PREFIX};
use ve_chain_core::gov::TIMELOCK_SECONDS;
use ve_chain_core::staking::setup::{GenesisValidator, add_validator};
use ve_proto::cosmos::bank::v1beta1 as bank;
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::cosmos::consensus::v1 as consensus;
use ve_proto::cosmos::gov::v1::*;
use ve_proto::cosmos::gov::v1beta1 as old;
use ve_proto::cosmos::staking::v1beta1::{MsgDelegate, MsgUndelegate};
use ve_proto::ve::take::v1 as take;
use ve_sdk::application::{Application, Query, TxResult};
use ve_testkit::chain::{Account, ENDOWMENT, TestChain, any};

/// 1 VE.
const VE: u128 = 1_000_000;
const DEPOSIT: u128 = 2_500 * VE;
/// Voting periods of these chains in seconds.
const VOTING: u64 = 100;
const EXPEDITED: u64 = 50;
const REPORT: &str = "simulation-report:sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn consensus_key(index: u8) -> [u8; 32] {
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
fn chain() -> TestChain {
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

fn text(chain: &TestChain, index: usize) -> String {
    chain.accounts[index].address.to_string()
}

fn gov() -> String {
    ve_base::module_address("gov").to_string()
}

fn coins(amount: u128) -> Vec<Coin> {
    vec![Coin { denom: "uve".into(), amount: amount.to_string() }]
}

fn code(result: &TxResult) -> (&str, u32) {
    (result.codespace.as_str(), result.code)
}

/// Stops transfers of a coin: visible when it was executed.
fn stop(denom: &str) -> bank::MsgSetSendEnabled {
    bank::MsgSetSendEnabled {
        authority: gov(),
        send_enabled: vec![bank::SendEnabled { denom: denom.into(), enabled: false }],
        use_default_for: Vec::new(),
    }
}

fn stopped(chain: &TestChain, denom: &str) -> bool {
    let request = bank::QuerySendEnabledRequest { denoms: vec![denom.into()], pagination: None };
    let response: bank::QuerySendEnabledResponse =
        chain.query("/cosmos.bank.v1beta1.Query/SendEnabled", &request).expect("switches are served");
    !response.send_enabled.is_empty()
}

/// Account 4 proposes.
fn proposal<M: Message + Name>(chain: &TestChain, message: &M, deposit: u128) -> MsgSubmitProposal {
    MsgSubmitProposal {
        messages: vec![any(message)],
        initial_deposit: coins(deposit),
        proposer: text(chain, 4),
        title: "a change".into(),
        summary: "for the better".into(),
        ..MsgSubmitProposal::default()
    }
}

fn submit(chain: &mut TestChain, message: &MsgSubmitProposal) -> u64 {
    let result = chain.deliver(4, message);
    assert_eq!(result.log, "");
    let event = result.events.iter().find(|event| event.kind == "submit_proposal").expect("an event");
    event.attributes.iter().find(|(key, _)| key == "proposal_id").expect("the id").1.parse().expect("a number")
}

fn vote(chain: &mut TestChain, voter: usize, proposal_id: u64, option: VoteOption) -> TxResult {
    let message = MsgVote { proposal_id, voter: text(chain, voter), option: option as i32, metadata: String::new() };
    chain.deliver(voter, &message)
}

fn found(chain: &TestChain, proposal_id: u64) -> Result<Proposal, String> {
    let response: Result<QueryProposalResponse, String> =
        chain.query("/cosmos.gov.v1.Query/Proposal", &QueryProposalRequest { proposal_id });
    response.map(|response| response.proposal.expect("it is there"))
}

fn status(chain: &TestChain, id: u64) -> ProposalStatus {
    found(chain, id).expect("it exists").status()
}

fn tally(chain: &TestChain, proposal_id: u64) -> (String, String) {
    let response: QueryTallyResultResponse =
        chain.query("/cosmos.gov.v1.Query/TallyResult", &QueryTallyResultRequest { proposal_id }).expect("it exists");
    let tally = response.tally.expect("it is there");
    (tally.yes_count, tally.no_count)
}

fn in_ve(ve: u128) -> String {
    (ve * VE).to_string()
}

fn balance(chain: &TestChain, index: usize) -> u128 {
    chain.balance(&chain.accounts[index].address).to_u128().expect("it fits")
}

fn supply(chain: &TestChain) -> u128 {
    let request = bank::QuerySupplyOfRequest { denom: "uve".into() };
    let response: bank::QuerySupplyOfResponse =
        chain.query("/cosmos.bank.v1beta1.Query/SupplyOf", &request).expect("it is served");
    response.amount.expect("it is there").amount.parse().expect("a number")
}

#[test]
fn a_proposal_is_funded_voted_on_executed_and_its_deposit_returned() {
    let mut chain = chain();
    let message = proposal(&chain, &stop("one"), DEPOSIT / 2);
    let id = submit(&mut chain, &message);
    assert_eq!(status(&chain, id), ProposalStatus::DepositPeriod);
    assert_eq!(code(&vote(&mut chain, 0, id, VoteOption::Yes)), ("gov", 3), "no vote before the deposit");
    let deposit = MsgDeposit { proposal_id: id, depositor: text(&chain, 3), amount: coins(DEPOSIT / 2) };
    let before = balance(&chain, 3);
    assert_eq!(chain.deliver(3, &deposit).log, "");
    assert_eq!(status(&chain, id), ProposalStatus::VotingPeriod);
    assert_eq!(vote(&mut chain, 0, id, VoteOption::Yes).log, "");
    assert_eq!(vote(&mut chain, 1, id, VoteOption::No).log, "");
    assert_eq!(tally(&chain, id), (in_ve(3_000), in_ve(1_000)));
    assert!(!stopped(&chain, "one"));
    chain.wait(VOTING);
    assert_eq!(status(&chain, id), ProposalStatus::Passed);
    assert!(stopped(&chain, "one"));
    assert_eq!(tally(&chain, id), (in_ve(3_000), in_ve(1_000)), "the final result stays");
    assert_eq!(before - balance(&chain, 3), 5_000, "only the fee is gone");
    assert_eq!(code(&vote(&mut chain, 0, id, VoteOption::No)), ("gov", 3));
}

#[test]
fn delegators_who_vote_take_their_stake_out_of_their_validators_vote() {
    let mut chain = chain();
    let validator = chain.accounts[0].address.to_bech32(OPERATOR_PREFIX);
    let delegate = |chain: &TestChain, ve: u128| MsgDelegate {
        delegator_address: text(chain, 2),
        validator_address: validator.clone(),
        amount: coins(ve * VE).pop(),
    };
    let message = delegate(&chain, 500);
    assert_eq!(chain.deliver(2, &message).log, "");
    let message = proposal(&chain, &stop("one"), DEPOSIT);
    let id = submit(&mut chain, &message);
    vote(&mut chain, 0, id, VoteOption::Yes);
    assert_eq!(tally(&chain, id), (in_ve(3_500), in_ve(0)), "the validator speaks for its delegators");
    vote(&mut chain, 2, id, VoteOption::No);
    assert_eq!(tally(&chain, id), (in_ve(3_000), in_ve(500)), "who can vote otherwise");
    let message = delegate(&chain, 700);
    assert_eq!(chain.deliver(2, &message).log, "");
    assert_eq!(tally(&chain, id), (in_ve(3_000), in_ve(1_200)), "stake that is added later counts");
    let message = MsgUndelegate {
        delegator_address: text(&chain, 2),
        validator_address: validator.clone(),
        amount: coins(1_000 * VE).pop(),
    };
    assert_eq!(chain.deliver(2, &message).log, "");
    assert_eq!(tally(&chain, id), (in_ve(3_000), in_ve(200)), "stake that is gone does not");
    vote(&mut chain, 2, id, VoteOption::Yes);
    assert_eq!(tally(&chain, id), (in_ve(3_200), in_ve(0)), "a vote can change");
    let halves = |option: VoteOption| WeightedVoteOption { option: option as i32, weight: "0.5".into() };
    let split = MsgVoteWeighted {
        proposal_id: id,
        voter: text(&chain, 2),
        options: vec![halves(VoteOption::Yes), halves(VoteOption::No)],
        metadata: String::new(),
    };
    assert_eq!(chain.deliver(2, &split).log, "");
    assert_eq!(tally(&chain, id), (in_ve(3_100), in_ve(100)));
    for options in [
        vec![halves(VoteOption::Yes)],
        vec![halves(VoteOption::Yes), halves(VoteOption::Yes)],
        vec![halves(VoteOption::Yes), halves(VoteOption::No), halves(VoteOption::Abstain)],
        vec![halves(VoteOption::Unspecified), halves(VoteOption::No)],
        vec![],
    ] {
        let bad = MsgVoteWeighted { options, ..split.clone() };
        assert_eq!(code(&chain.deliver(2, &bad)), ("gov", 7));
    }
}

#[test]
fn too_few_votes_reject_and_a_veto_burns_the_deposit() {
    let mut chain = chain();
    let message = proposal(&chain, &stop("one"), DEPOSIT);
    let quiet = submit(&mut chain, &message);
    vote(&mut chain, 1, quiet, VoteOption::Yes);
    chain.wait(VOTING);
    assert_eq!(status(&chain, quiet), ProposalStatus::Rejected, "a quarter of the stake is no quorum");
    let (before, supplied) = (balance(&chain, 4), supply(&chain));
    let vetoed = submit(&mut chain, &message);
    vote(&mut chain, 0, vetoed, VoteOption::NoWithVeto);
    vote(&mut chain, 1, vetoed, VoteOption::Yes);
    chain.wait(VOTING);
    assert_eq!(status(&chain, vetoed), ProposalStatus::Rejected);
    assert_eq!(before - balance(&chain, 4), DEPOSIT + 5_000);
    assert!(supplied + DEPOSIT >= supply(&chain) && !stopped(&chain, "one"));
    let deposits: QueryDepositsResponse = chain
        .query("/cosmos.gov.v1.Query/Deposits", &QueryDepositsRequest { proposal_id: vetoed, pagination: None })
        .expect("deposits are served");
    assert!(deposits.deposits.is_empty());
}

#[test]
fn messages_that_fail_undo_all_others_and_leave_a_coded_reason() {
    let mut chain = chain();
    let mut message = proposal(&chain, &stop("one"), DEPOSIT);
    // The module has no coins beside deposits, which are given back before.
    let spend = bank::MsgSend { from_address: gov(), to_address: text(&chain, 4), amount: coins(ENDOWMENT) };
    message.messages.push(any(&spend));
    let id = submit(&mut chain, &message);
    vote(&mut chain, 0, id, VoteOption::Yes);
    chain.wait(VOTING);
    let failed = found(&chain, id).expect("it exists");
    assert_eq!(failed.status(), ProposalStatus::Failed);
    assert_eq!(failed.failed_reason, "message 1 failed with sdk error 5");
    assert!(!stopped(&chain, "one"), "the first message is undone");
}

#[test]
fn proposals_that_nobody_funds_disappear_and_cancelled_ones_lose_half() {
    let mut chain = chain();
    let message = proposal(&chain, &stop("one"), DEPOSIT / 10);
    let before = balance(&chain, 4);
    let id = submit(&mut chain, &message);
    chain.time = chain.time.plus_seconds(14 * 86_400);
    chain.run(Vec::new());
    assert!(found(&chain, id).expect_err("it is gone").contains("code = NotFound"));
    assert_eq!(before - balance(&chain, 4), 5_000, "the deposit came back");

    let id = submit(&mut chain, &MsgSubmitProposal { initial_deposit: coins(DEPOSIT), ..message });
    vote(&mut chain, 0, id, VoteOption::Yes);
    let cancel = MsgCancelProposal { proposal_id: id, proposer: text(&chain, 3) };
    assert_eq!(code(&chain.deliver(3, &cancel)), ("gov", 18));
    let cancel = MsgCancelProposal { proposal_id: id, proposer: text(&chain, 4) };
    assert_eq!(chain.deliver(4, &cancel).log, "");
    assert_eq!(before - balance(&chain, 4), DEPOSIT / 2 + 3 * 5_000);
    assert_eq!(code(&chain.deliver(4, &cancel)), ("gov", 2));
    chain.wait(VOTING);
    assert!(!stopped(&chain, "one"));
}

#[test]
fn an_expedited_proposal_needs_more_and_goes_on_as_a_regular_one_without_it() {
    let mut chain = chain();
    let expedited = |chain: &TestChain, denom: &str, deposit| MsgSubmitProposal {
        expedited: true,
        ..proposal(chain, &stop(denom), deposit)
    };
    let message = expedited(&chain, "one", DEPOSIT / 10);
    assert_eq!(code(&chain.deliver(4, &message)), ("gov", 16), "a tenth of the larger deposit");
    let message = expedited(&chain, "one", 5 * DEPOSIT);
    let fast = submit(&mut chain, &message);
    vote(&mut chain, 0, fast, VoteOption::Yes);
    chain.wait(EXPEDITED);
    assert_eq!(status(&chain, fast), ProposalStatus::Passed);
    assert!(stopped(&chain, "one"));

    let validator = chain.accounts[1].address.to_bech32(OPERATOR_PREFIX);
    let amount = coins(1_000 * VE).pop();
    let delegate = MsgDelegate { delegator_address: text(&chain, 2), validator_address: validator, amount };
    assert_eq!(chain.deliver(2, &delegate).log, "");
    let message = expedited(&chain, "two", 5 * DEPOSIT);
    let slow = submit(&mut chain, &message);
    vote(&mut chain, 0, slow, VoteOption::Yes);
    vote(&mut chain, 1, slow, VoteOption::No);
    chain.wait(EXPEDITED);
    let regular = found(&chain, slow).expect("it exists");
    assert_eq!((regular.status(), regular.expedited), (ProposalStatus::VotingPeriod, false), "60 % of 66.7 %");
    chain.wait(VOTING - EXPEDITED);
    assert_eq!(status(&chain, slow), ProposalStatus::Passed, "its votes stayed");
    assert!(stopped(&chain, "two"));
}

#[test]
fn proposals_with_strangers_signatures_bad_values_or_nothing_are_refused_at_once() {
    let mut chain = chain();
    let theft = bank::MsgSend { from_address: text(&chain, 0), to_address: text(&chain, 4), amount: coins(1) };
    let message = proposal(&chain, &theft, DEPOSIT);
    assert_eq!(code(&chain.deliver(4, &message)), ("gov", 13), "a message that account 0 would have to sign");
    let params = Params { quorum: "0.01".into(), ..params(&chain) };
    let message = proposal(&chain, &MsgUpdateParams { authority: gov(), params: Some(params) }, DEPOSIT);
    assert_eq!(code(&chain.deliver(4, &message)), ("sdk", 18), "outside the hard range");
    let good = proposal(&chain, &stop("one"), DEPOSIT);
    for (bad, expected) in [
        (MsgSubmitProposal { messages: Vec::new(), ..good.clone() }, ("gov", 11)),
        (MsgSubmitProposal { title: String::new(), ..good.clone() }, ("gov", 21)),
        (MsgSubmitProposal { summary: "x".repeat(10_201), ..good.clone() }, ("gov", 21)),
        (MsgSubmitProposal { metadata: "x".repeat(256), ..good.clone() }, ("gov", 15)),
        (MsgSubmitProposal { messages: vec![good.messages[0].clone(); 17], ..good.clone() }, ("gov", 12)),
        (MsgSubmitProposal { initial_deposit: coins(DEPOSIT / 10 - 1), ..good.clone() }, ("gov", 16)),
        (
            MsgSubmitProposal {
                initial_deposit: vec![Coin { denom: "abc".into(), amount: "1".into() }],
                ..good.clone()
            },
            ("gov", 23),
        ),
    ] {
        let result = chain.deliver(4, &bad);
        assert_eq!(code(&result), expected, "{}", result.log);
    }
    let id = submit(&mut chain, &MsgSubmitProposal { initial_deposit: coins(DEPOSIT / 2), ..good });
    let dust = MsgDeposit { proposal_id: id, depositor: text(&chain, 3), amount: coins(DEPOSIT / 100 - 1) };
    assert_eq!(code(&chain.deliver(3, &dust)), ("gov", 16));
    let unknown = MsgDeposit { proposal_id: 99, ..dust };
    assert_eq!(code(&chain.deliver(3, &unknown)), ("gov", 2));
}

fn params(chain: &TestChain) -> Params {
    let response: QueryParamsResponse =
        chain.query("/cosmos.gov.v1.Query/Params", &QueryParamsRequest::default()).expect("params are served");
    response.params.expect("they are there")
}

fn commission(chain: &TestChain) -> take::Params {
    let response: take::QueryParamsResponse =
        chain.query("/ve.take.v1.Query/Params", &take::QueryParamsRequest {}).expect("params are served");
    response.params.expect("they are there")
}

#[test]
fn money_critical_changes_need_a_report_small_steps_and_two_days() {
    let mut chain = chain();
    let now = commission(&chain);
    let change = |platform_bps: u32| take::MsgUpdateParams {
        authority: gov(),
        params: Some(take::Params { platform_bps, ..now.clone() }),
    };
    let quarter = now.platform_bps + now.platform_bps / 4;
    let bare = proposal(&chain, &change(quarter), DEPOSIT);
    assert_eq!(code(&chain.deliver(4, &bare)), ("gov", 42), "no report");
    let good = MsgSubmitProposal { metadata: REPORT.into(), ..bare };
    let short = MsgSubmitProposal { metadata: REPORT[..REPORT.len() - 1].into(), ..good.clone() };
    assert_eq!(code(&chain.deliver(4, &short)), ("gov", 42), "63 digits");
    let fast = MsgSubmitProposal { expedited: true, initial_deposit: coins(5 * DEPOSIT), ..good.clone() };
    assert_eq!(code(&chain.deliver(4, &fast)), ("gov", 41));
    let big = MsgSubmitProposal { messages: vec![any(&change(quarter + 1))], ..good.clone() };
    let result = chain.deliver(4, &big);
    assert_eq!(code(&result), ("sdk", 18), "more than a quarter");
    assert!(result.log.contains("platform_bps"), "{}", result.log);
    let twice = MsgSubmitProposal { messages: vec![any(&change(quarter)); 2], ..good.clone() };
    assert_eq!(code(&chain.deliver(4, &twice)), ("gov", 21));

    let (first, second) = (submit(&mut chain, &good), submit(&mut chain, &good));
    for id in [first, second] {
        vote(&mut chain, 0, id, VoteOption::Yes);
    }
    chain.wait(VOTING);
    assert_eq!(status(&chain, first), ProposalStatus::Passed);
    assert_eq!(commission(&chain).platform_bps, now.platform_bps, "it waits");
    let exported = chain.app.export().expect("a committed state");
    assert_eq!(exported["gov"]["timelocked"].as_array().expect("a list").len(), 2);
    let copy = exported.clone();
    let imported = TestChain::with_genesis(0, move |state| *state = copy);
    assert_eq!(imported.app.export().expect("the imported state"), exported);
    chain.time = chain.time.plus_seconds(TIMELOCK_SECONDS);
    chain.run(Vec::new());
    assert_eq!(commission(&chain).platform_bps, quarter);
    assert_eq!(status(&chain, second), ProposalStatus::Passed, "the same values again are no step");
}

#[test]
fn older_wallets_vote_deposit_and_read_in_their_own_form() {
    let mut chain = chain();
    let message = proposal(&chain, &stop("one"), DEPOSIT / 2);
    let id = submit(&mut chain, &message);
    let deposit = old::MsgDeposit { proposal_id: id, depositor: text(&chain, 3), amount: coins(DEPOSIT / 2) };
    assert_eq!(chain.deliver(3, &deposit).log, "");
    let vote = old::MsgVote { proposal_id: id, voter: text(&chain, 0), option: old::VoteOption::Yes as i32 };
    assert_eq!(chain.deliver(0, &vote).log, "");
    let bad = old::MsgVote { option: 7, ..vote };
    assert_eq!(code(&chain.deliver(0, &bad)), ("gov", 7));
    let part = |option: old::VoteOption, weight: &str| old::WeightedVoteOption {
        option: option as i32,
        weight: weight.into(),
    };
    let split = old::MsgVoteWeighted {
        proposal_id: id,
        voter: text(&chain, 1),
        options: vec![
            part(old::VoteOption::Yes, "250000000000000000"),
            part(old::VoteOption::No, "750000000000000000"),
        ],
    };
    assert_eq!(chain.deliver(1, &split).log, "");
    assert_eq!(tally(&chain, id), (in_ve(3_250), in_ve(750)));
    let read: old::QueryProposalResponse = chain
        .query("/cosmos.gov.v1beta1.Query/Proposal", &old::QueryProposalRequest { proposal_id: id })
        .expect("it exists");
    let content = read.proposal.expect("it is there").content.expect("a text");
    assert_eq!(content.type_url, "/cosmos.gov.v1beta1.TextProposal");
    let votes: old::QueryVotesResponse = chain
        .query("/cosmos.gov.v1beta1.Query/Votes", &old::QueryVotesRequest { proposal_id: id, pagination: None })
        .expect("votes are served");
    assert_eq!(votes.votes.len(), 2);
    let params: old::QueryParamsResponse = chain
        .query("/cosmos.gov.v1beta1.Query/Params", &old::QueryParamsRequest { params_type: "tallying".into() })
        .expect("params are served");
    assert_eq!(params.tally_params.expect("they are there").quorum, b"334000000000000000");
}

#[test]
fn open_proposals_with_their_votes_survive_export_and_import() {
    let mut chain = chain();
    let message = proposal(&chain, &stop("one"), DEPOSIT);
    let open = submit(&mut chain, &message);
    submit(&mut chain, &MsgSubmitProposal { initial_deposit: coins(DEPOSIT / 10), ..message });
    vote(&mut chain, 0, open, VoteOption::Yes);
    vote(&mut chain, 1, open, VoteOption::Abstain);
    let exported = chain.app.export().expect("a committed state");
    let copy = exported.clone();
    let imported = TestChain::with_genesis(0, move |state| *state = copy);
    assert_eq!(imported.app.export().expect("the imported state"), exported);
    assert_eq!(tally(&imported, open), tally(&chain, open));
}

/// An update of a module's parameters to what they are.
fn same_params(chain: &TestChain, type_url: &str) -> prost_types::Any {
    let pool = ve_proto::descriptors();
    let schema = pool.get_message_by_name(type_url.trim_start_matches('/')).expect("it is declared");
    let service = pool.get_service_by_name(&format!("{}.Query", schema.package_name())).expect("it has queries");
    let output = service.methods().find(|method| method.name() == "Params").expect("a query Params").output();
    let path = format!("/{}.Query/Params", schema.package_name());
    let answer = chain.app.query(&Query { path, data: Default::default(), height: 0, prove: false });
    let answer = DynamicMessage::decode(output, answer.value).expect("it answers its type");
    let mut message = DynamicMessage::new(schema);
    message.set_field_by_name("authority", Value::String(gov()));
    let params = answer.get_field_by_name("params").expect("params").into_owned();
    match (message.descriptor().get_field_by_name("params"), &params) {
        (Some(field), _) => message.set_field(&field, params),
        // Parameters of consensus stand in the message itself.
        (None, Value::Message(parts)) => {
            for field in message.descriptor().fields().filter(|field| field.name() != "authority") {
                message.set_field(&field, parts.get_field_by_name(field.name()).expect("the same parts").into_owned());
            }
        }
        (None, _) => panic!("{type_url} has no parameters"),
    }
    prost_types::Any { type_url: type_url.into(), value: message.encode_to_vec() }
}

#[test]
fn the_parameters_of_every_module_change_by_proposal() {
    let mut chain = chain();
    chain.run(Vec::new());
    let registry = ve_app::registry().expect("the modules register without a clash");
    let names: Vec<&str> = registry.message_types().filter(|name| name.ends_with(".MsgUpdateParams")).collect();
    let mut submitted = Vec::new();
    for name in names {
        let message = MsgSubmitProposal {
            messages: vec![same_params(&chain, name)],
            metadata: REPORT.into(),
            ..proposal(&chain, &stop("one"), DEPOSIT)
        };
        let id = submit(&mut chain, &message);
        vote(&mut chain, 0, id, VoteOption::Yes);
        submitted.push((name, id));
    }
    chain.wait(VOTING + 20);
    chain.time = chain.time.plus_seconds(TIMELOCK_SECONDS);
    for _ in 0..5 {
        chain.run(Vec::new());
    }
    for (name, id) in submitted {
        let ended = found(&chain, id).expect("it exists");
        assert_eq!((ended.status(), ended.failed_reason.as_str()), (ProposalStatus::Passed, ""), "{name}");
    }
}

#[test]
fn parameters_of_consensus_change_in_the_next_block_and_stay_in_their_ranges() {
    let mut chain = chain();
    chain.run(Vec::new());
    let name = "/cosmos.consensus.v1.MsgUpdateParams";
    let same = same_params(&chain, name);
    let changed = |change: fn(&mut consensus::MsgUpdateParams)| {
        let mut message = consensus::MsgUpdateParams::decode(same.value.as_slice()).expect("it is one");
        change(&mut message);
        any(&message)
    };
    let bad: [fn(&mut consensus::MsgUpdateParams); 4] = [
        |message| message.block.get_or_insert_default().max_gas = -1,
        |message| message.block.get_or_insert_default().max_bytes = 1_000,
        |message| message.evidence = None,
        |message| message.validator.get_or_insert_default().pub_key_types = vec!["secp256k1".into()],
    ];
    for change in bad {
        let mut message = proposal(&chain, &stop("one"), DEPOSIT);
        message.messages = vec![changed(change)];
        assert_eq!(code(&chain.deliver(4, &message)), ("sdk", 18));
    }
    let mut message = proposal(&chain, &stop("one"), DEPOSIT);
    message.messages = vec![changed(|message| message.block.get_or_insert_default().max_gas = 30_000_000)];
    let id = submit(&mut chain, &message);
    vote(&mut chain, 0, id, VoteOption::Yes);
    let mut told = None;
    while told.is_none() && status(&chain, id) != ProposalStatus::Failed {
        told = chain.run(Vec::new()).consensus_params;
    }
    assert_eq!(told.expect("consensus is told").block_max_gas, 30_000_000);
    assert_eq!(chain.run(Vec::new()).consensus_params, None, "once");
    let response: consensus::QueryParamsResponse =
        chain.query("/cosmos.consensus.v1.Query/Params", &consensus::QueryParamsRequest {}).expect("params are served");
    assert_eq!(response.params.expect("they are there").block.expect("a block").max_gas, 30_000_000);
}
