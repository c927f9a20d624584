//! Changing parameters by proposal.

use prost::Message;
use prost_reflect::{DynamicMessage, ReflectMessage as _, Value};
use ve_chain_core::gov::TIMELOCK_SECONDS;
use ve_proto::cosmos::consensus::v1 as consensus;
use ve_proto::cosmos::gov::v1::*;
use ve_proto::ve::take::v1 as take;
use ve_sdk::application::Query;
use ve_testkit::chain::{TestChain, any};

use crate::support::{
    DEPOSIT, REPORT, VOTING, chain, code, coins, found, gov, params, proposal, status, stop, submit, vote,
};

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
