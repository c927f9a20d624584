//! The way of a proposal, votes and deposits.

use ve_base::OPERATOR_PREFIX;
use ve_proto::cosmos::bank::v1beta1 as bank;
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::cosmos::gov::v1::*;
use ve_proto::cosmos::gov::v1beta1 as old;
use ve_proto::cosmos::staking::v1beta1::{MsgDelegate, MsgUndelegate};
use ve_sdk::application::Application as _;
use ve_testkit::chain::{ENDOWMENT, TestChain, any};

use super::support::{
    DEPOSIT, EXPEDITED, VE, VOTING, balance, chain, code, coins, found, gov, in_ve, params, proposal, status, stop,
    stopped, submit, supply, tally, text, vote,
};

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

#[test]
fn older_wallets_propose_texts_and_nothing_that_acts() {
    let mut chain = chain();
    let text_of = |title: &str| old::TextProposal { title: title.into(), description: "we should".into() };
    let good = old::MsgSubmitProposal {
        content: Some(any(&text_of("an opinion"))),
        initial_deposit: coins(DEPOSIT),
        proposer: text(&chain, 4),
    };
    for (content, expected) in [
        (None, ("gov", 11)),
        (Some(any(&text_of(""))), ("gov", 21)),
        (Some(any(&stop("one"))), ("gov", 9)),
        (Some(prost_types::Any { value: vec![0xff], ..any(&text_of("broken")) }), ("sdk", 2)),
    ] {
        let bad = old::MsgSubmitProposal { content, ..good.clone() };
        let result = chain.deliver(4, &bad);
        assert_eq!(code(&result), expected, "{}", result.log);
    }
    assert_eq!(chain.deliver(4, &good).log, "");
    let id = 1;
    assert_eq!(status(&chain, id), ProposalStatus::VotingPeriod);
    vote(&mut chain, 0, id, VoteOption::Yes);
    chain.wait(VOTING);
    let passed = found(&chain, id).expect("it exists");
    assert_eq!((passed.status(), passed.title.as_str()), (ProposalStatus::Passed, "an opinion"));
}
