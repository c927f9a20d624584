//! What a network of four validators lives through, with a wall clock that runs ten times as fast.

use std::path::Path;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use ve_base::OPERATOR_PREFIX;
use ve_client::TxClient;
use ve_client::tx::any;
use ve_proto::Any;
use ve_proto::cosmos::gov::v1 as gov;
use ve_proto::cosmos::slashing::v1beta1::{self as slashing, MsgUnjail};
use ve_proto::cosmos::staking::v1beta1::{QueryValidatorRequest, QueryValidatorResponse, Validator};
use ve_proto::cosmos::upgrade::v1beta1::{
    MsgSoftwareUpgrade, Plan as Upgrade, QueryAppliedPlanRequest, QueryAppliedPlanResponse,
};

use crate::chain::{code, coin, eventually};
use crate::clocks::shim;
use crate::cluster::{Cluster, Plan, Program, SELF_BOND, address};
use crate::next_release;
use crate::support::directory;

const RATE: u64 = 10;
const VALIDATORS: usize = 4;
/// The node with the key of validator 1.
const TWIN: usize = 4;
const LIMIT: Duration = Duration::from_secs(120);

fn change(state: &mut Value) {
    // Ten real seconds, and the least of everything else.
    state["gov"]["params"]["voting_period"] = "100s".into();
    state["gov"]["params"]["expedited_voting_period"] = "30s".into();
    state["slashing"]["params"]["signed_blocks_window"] = "20".into();
    // Nobody who is away for a moment, which is ten here, loses a seat.
    state["slashing"]["params"]["min_signed_per_window"] = STANDARD.encode("50000000000000000").into();
    state["slashing"]["params"]["downtime_jail_duration"] = "60s".into();
}

fn operator(node: usize) -> String {
    address(node).to_bech32(OPERATOR_PREFIX)
}

/// What `node` knows of a validator.
async fn validator(cluster: &Cluster, node: usize, which: usize) -> Option<Validator> {
    let request = QueryValidatorRequest { validator_addr: operator(which) };
    let answer: QueryValidatorResponse =
        cluster.client(node).query("/cosmos.staking.v1beta1.Query/Validator", &request).await.ok()?;
    answer.validator
}

#[tokio::test(flavor = "multi_thread")]
async fn four_validators_live_through_absence_votes_an_upgrade_with_crashes_and_an_equivocation() {
    let folder = directory();
    let Some(library) = shim(folder.path()) else { return };
    let started = SystemTime::now();
    let since = started.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs();
    let environment = vec![
        ("LD_PRELOAD".to_owned(), library.to_str().expect("UTF-8").to_owned()),
        ("CLOCK_RATE".to_owned(), format!("{RATE}@{since}")),
    ];
    let plan = Plan {
        twin_of: Some(1),
        program: Program::Supervised,
        environment,
        genesis_time: started,
        ..Plan::new(VALIDATORS)
    };
    let mut cluster = Cluster::new(plan, change);
    // The next release is not there yet.
    (0..=TWIN).for_each(|node| cluster.put_releases(node));
    (0..VALIDATORS).for_each(|node| cluster.start(node));
    cluster.reach(0..VALIDATORS, 2);

    let height = votes(&cluster).await;
    absence(&mut cluster).await;
    changed_by_governance(&cluster).await;
    upgrade(&mut cluster, height).await;
    equivocation(&mut cluster).await;
}

async fn propose(from: &TxClient, message: Any) -> u64 {
    let submit = gov::MsgSubmitProposal {
        messages: vec![message],
        initial_deposit: vec![coin(2_500_000_000)],
        proposer: from.address().to_string(),
        title: "a change".into(),
        summary: "for the better".into(),
        ..gov::MsgSubmitProposal::default()
    };
    let done = from.send(vec![any(&submit)]).await.expect("executed");
    let mut events = done.result.events.iter().filter(|event| event.kind == "submit_proposal");
    events.find_map(|event| event.attribute("proposal_id")).expect("the id").parse().expect("a number")
}

async fn params(cluster: &Cluster, node: usize) -> gov::Params {
    let answer: gov::QueryParamsResponse = cluster
        .client(node)
        .query("/cosmos.gov.v1.Query/Params", &gov::QueryParamsRequest::default())
        .await
        .expect("answered");
    answer.params.expect("parameters")
}

/// Everybody votes for another parameter and for an upgrade; its height.
async fn votes(cluster: &Cluster) -> u64 {
    let authority = ve_base::module_address("gov").to_string();
    let rich = cluster.signer(0, VALIDATORS).await;
    let other = gov::Params { burn_vote_quorum: true, ..params(cluster, 0).await };
    let update = gov::MsgUpdateParams { authority: authority.clone(), params: Some(other) };
    let height = cluster.height(0) + 70;
    let plan = Upgrade { name: ve_testkit::release::NAME.into(), height: height as i64, ..Upgrade::default() };
    let ids = [
        propose(&rich, any(&update)).await,
        propose(&rich, any(&MsgSoftwareUpgrade { authority, plan: Some(plan) })).await,
    ];
    for node in 0..VALIDATORS {
        let voter = cluster.signer(node, node).await;
        let vote = |proposal_id| {
            any(&gov::MsgVote {
                proposal_id,
                voter: voter.address().to_string(),
                option: gov::VoteOption::Yes as i32,
                metadata: String::new(),
            })
        };
        voter.send(ids.map(vote).to_vec()).await.expect("executed");
    }
    height
}

/// Validator 3 is away for longer than the window allows: it loses a thousandth and its seat, and takes it again.
async fn absence(cluster: &mut Cluster) {
    cluster.kill(3);
    for node in 0..3 {
        eventually("the absent validator is jailed", LIMIT, async || {
            validator(cluster, node, 3).await.filter(|validator| validator.jailed)
        })
        .await;
    }
    let jailed = validator(cluster, 0, 3).await.expect("it exists");
    assert_eq!(jailed.tokens, (SELF_BOND - SELF_BOND / 1_000).to_string());
    let operated = cluster.signer(0, 3).await;
    let unjail = || vec![any(&MsgUnjail { validator_addr: operator(3) })];
    assert_eq!(code(operated.send(unjail()).await), ("slashing".into(), 4), "a minute has to pass");
    cluster.start(3);
    cluster.reach([3], cluster.height(0));
    eventually("it may come back", LIMIT, async || operated.send(unjail()).await.ok()).await;
    for node in 0..VALIDATORS {
        eventually("it has its seat again", LIMIT, async || {
            validator(cluster, node, 3).await.filter(|validator| !validator.jailed && validator.status == 3)
        })
        .await;
    }
}

async fn changed_by_governance(cluster: &Cluster) {
    for node in 0..VALIDATORS {
        eventually("the parameter is changed", LIMIT, async || {
            params(cluster, node).await.burn_vote_quorum.then_some(())
        })
        .await;
    }
}

/// The supervisors stop exactly at the height, refuse to go on without the next release, and change over to it although
/// it dies before each step of the migration on every node.
async fn upgrade(cluster: &mut Cluster, height: u64) {
    let nodes: Vec<usize> = (0..VALIDATORS).collect();
    for again in [false, true] {
        for node in &nodes {
            if again {
                cluster.start(*node);
            }
            assert!(!cluster.ended(*node), "without the next release nothing goes on");
            let log = cluster.log(*node);
            assert!(log.contains(&format!("UPGRADE \"v2\" NEEDED at height: {height}")), "{log}");
            assert!(log.contains("upgrades/v2/bin/virtengine"), "{log}");
            assert!(log.contains(&format!("committed height={} ", height - 1)), "{log}");
            assert!(!log.contains(&format!("committed height={height} ")), "{log}");
            let info = std::fs::read(cluster.home(*node).data().join("upgrade-info.json")).expect("it is written");
            let info: Value = serde_json::from_slice(&info).expect("JSON");
            assert_eq!((&info["name"], &info["height"]), (&json!("v2"), &json!(height)));
        }
    }
    for node in 0..=TWIN {
        next_release::script(&cluster.home(node).0.join("cosmovisor/upgrades/v2/bin/virtengine"));
    }
    for step in 1..=next_release::STEPS {
        for node in &nodes {
            next_release::dies_before(&cluster.home(*node).0, Some(step));
            cluster.start(*node);
        }
        nodes.iter().for_each(|node| assert!(!cluster.ended(*node), "it dies before step {step}"));
    }
    nodes.iter().for_each(|node| next_release::dies_before(&cluster.home(*node).0, None));
    let deaths = |node| cluster.log(node).matches("dies before the step").count();
    assert!(nodes.iter().all(|node| deaths(*node) == next_release::STEPS as usize), "every step was deadly once");
    nodes.iter().for_each(|node| cluster.start(*node));
    cluster.reach(nodes.clone(), height + 3);
    cluster.agree(&nodes, height + 3);
    for node in &nodes {
        let link = std::fs::read_link(cluster.home(*node).0.join("cosmovisor/current")).expect("a link");
        assert_eq!(link, Path::new("upgrades/v2"));
        let request = QueryAppliedPlanRequest { name: "v2".into() };
        let applied: QueryAppliedPlanResponse =
            cluster.client(*node).query("/cosmos.upgrade.v1beta1.Query/AppliedPlan", &request).await.expect("answered");
        assert_eq!(applied.height, height as i64);
    }
}

/// Two nodes with one key: the validator loses a twentieth and never comes back.
async fn equivocation(cluster: &mut Cluster) {
    let before: u128 = validator(cluster, 0, 1).await.expect("it exists").tokens.parse().expect("a number");
    cluster.start(TWIN);
    let mut next = cluster.height(0);
    let mut convicted = None;
    cluster.until("a block carries evidence", || {
        while convicted.is_none() && next <= cluster.height(0) {
            let block = cluster.call(0, "block", json!({"height": next.to_string()})).expect("the block is there");
            let list = block["block"]["evidence"]["evidence"].as_array().map_or(0, Vec::len);
            convicted = (list > 0).then_some(next);
            next += 1;
        }
        convicted.is_some()
    });
    let height = convicted.expect("found") + 2;
    let others = [0, 2, 3];
    cluster.reach(others, height);
    for node in others {
        let request = slashing::QuerySigningInfosRequest::default();
        let bytes = cluster
            .client(node)
            .abci_query("/cosmos.slashing.v1beta1.Query/SigningInfos", &prost::Message::encode_to_vec(&request), height)
            .await
            .expect("answered");
        let infos: slashing::QuerySigningInfosResponse = prost::Message::decode(bytes.as_slice()).expect("infos");
        assert_eq!(infos.info.iter().filter(|info| info.tombstoned).count(), 1, "node {node} at height {height}");
        let punished = validator(cluster, node, 1).await.expect("it exists");
        assert!(punished.jailed);
        assert_eq!(punished.tokens.parse::<u128>().expect("a number"), before - before / 20);
    }
    let operated = cluster.signer(0, 1).await;
    let unjail = vec![any(&MsgUnjail { validator_addr: operator(1) })];
    assert_eq!(code(operated.send(unjail).await).0, "slashing");
    cluster.reach(others, height + 3);
    cluster.agree(&others, height + 3);
}
