//! Changing parameters by proposal.

use prost::Message;
use prost_reflect::{DynamicMessage, ReflectMessage as _, Value};
use ve_chain_core::gov::TIMELOCK_SECONDS;
use ve_proto::cosmos::consensus::v1 as consensus;
use ve_proto::cosmos::gov::v1::*;
use ve_proto::cosmos::staking::v1beta1 as staking;
use ve_proto::ve::gov::v1 as effective;
use ve_proto::ve::take::v1 as take;
use ve_sdk::application::{Application as _, Query};
use ve_testkit::chain::{TestChain, any};

use super::support::{DEPOSIT, REPORT, VOTING, chain, code, coins, found, gov, proposal, status, stop, submit, vote};

fn commission(chain: &TestChain) -> take::Params {
    let response: take::QueryParamsResponse =
        chain.query("/ve.take.v1.Query/Params", &take::QueryParamsRequest {}).expect("params are served");
    response.params.expect("they are there")
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

fn in_force(chain: &TestChain, height: u64, package: &str) -> Result<effective::QueryEffectiveParamsResponse, String> {
    let request = effective::QueryEffectiveParamsRequest { height, package: package.into() };
    chain.query("/ve.gov.v1.Query/EffectiveParams", &request)
}

/// Commission in force at a height, and since when.
fn commission_at(chain: &TestChain, height: u64) -> (u32, u64) {
    let found = in_force(chain, height, "ve.take.v1").expect("it is kept").params.remove(0);
    let answer = found.answer.expect("an answer");
    assert_eq!(answer.type_url, "/ve.take.v1.QueryParamsResponse");
    let answer = take::QueryParamsResponse::decode(answer.value.as_slice()).expect("it is one");
    (answer.params.expect("they are there").platform_bps, found.since_height)
}

#[test]
fn the_parameters_of_any_height_are_known_after_they_have_changed() {
    let mut chain = chain();
    chain.run(Vec::new());
    let now = commission(&chain);
    assert_eq!(commission_at(&chain, 1), (now.platform_bps, 0));
    let mut changes = vec![(0, now.platform_bps)];
    for _ in 0..2 {
        let platform_bps = commission(&chain).platform_bps + 1;
        let message =
            take::MsgUpdateParams { authority: gov(), params: Some(take::Params { platform_bps, ..now.clone() }) };
        let message = proposal(&chain, &message, DEPOSIT);
        let id = submit(&mut chain, &MsgSubmitProposal { metadata: REPORT.into(), ..message });
        vote(&mut chain, 0, id, VoteOption::Yes);
        chain.wait(VOTING);
        chain.time = chain.time.plus_seconds(TIMELOCK_SECONDS);
        chain.run(Vec::new());
        assert_eq!(commission(&chain).platform_bps, platform_bps);
        assert_eq!(commission_at(&chain, chain.height).0, platform_bps - 1, "this block was under the former ones");
        changes.push((chain.height + 1, platform_bps));
        chain.run(Vec::new());
    }
    for (since, platform_bps) in &changes {
        assert_eq!(commission_at(&chain, (*since).max(1)), (*platform_bps, *since));
        if *since > 0 {
            assert_eq!(commission_at(&chain, since - 1).0, platform_bps - 1);
        }
    }
    assert_eq!(commission_at(&chain, 0).0, now.platform_bps + 2, "0 stands for the newest");
    assert!(in_force(&chain, chain.height + 1, "").expect_err("nobody knows").contains("newest block"));
    assert!(in_force(&chain, 1, "ve.nothing.v1").expect_err("no such package").contains("key not found"));
    let all = in_force(&chain, 1, "").expect("all packages");
    let registry = ve_app::registry().expect("the modules register without a clash");
    assert_eq!(all.params.len(), registry.message_types().filter(|name| name.ends_with(".MsgUpdateParams")).count());
}

#[test]
fn stake_never_leaves_before_what_it_did_can_be_proven() {
    let mut chain = chain();
    chain.run(Vec::new());
    let mut shorter = staking::MsgUpdateParams::decode(
        same_params(&chain, "/cosmos.staking.v1beta1.MsgUpdateParams").value.as_slice(),
    )
    .expect("it is one");
    let day = |days: i64| Some(prost_types::Duration { seconds: days * 86_400, nanos: 0 });
    shorter.params.as_mut().expect("all of them").unbonding_time = day(20);
    let mut longer = consensus::MsgUpdateParams::decode(
        same_params(&chain, "/cosmos.consensus.v1.MsgUpdateParams").value.as_slice(),
    )
    .expect("it is one");
    longer.evidence.as_mut().expect("all of them").max_age_duration = day(22);
    let mut both = shorter.clone();
    both.params.as_mut().expect("all of them").unbonding_time = day(22);
    for (messages, expected) in [
        (vec![any(&shorter)], ProposalStatus::Failed),
        (vec![any(&longer)], ProposalStatus::Failed),
        (vec![any(&longer), any(&both)], ProposalStatus::Failed),
        (vec![any(&both), any(&longer)], ProposalStatus::Passed),
        (vec![any(&shorter)], ProposalStatus::Failed),
    ] {
        let message = MsgSubmitProposal { messages, ..proposal(&chain, &stop("one"), DEPOSIT) };
        let id = submit(&mut chain, &message);
        vote(&mut chain, 0, id, VoteOption::Yes);
        chain.wait(VOTING);
        assert_eq!(status(&chain, id), expected, "proposal {id}");
    }
}
