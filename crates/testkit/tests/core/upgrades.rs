//! Changing from one release to the next at an agreed block. Invariants are checked after every block.

use serde_json::{Value, json};
use ve_app::{App, Release, Upgrade};
use ve_base::CodedError;
use ve_proto::cosmos::upgrade::v1beta1::*;
use ve_sdk::Context;
use ve_sdk::application::{Application, BlockInput, ConsensusParams, InitChain};
use ve_testkit::chain::{CHAIN_ID, TestChain, checked_options};
use ve_testkit::release::{self, MARK};

fn nothing(_: &mut Context<'_>) -> Result<(), CodedError> {
    Ok(())
}

fn failing(_: &mut Context<'_>) -> Result<(), CodedError> {
    Err(ve_base::errors::sdk::Error::InvalidRequest("the migration fails".into()).into())
}

fn next(run: fn(&mut Context<'_>) -> Result<(), CodedError>) -> Release {
    release::next(run, |_| ())
}

/// A release without a module that the present one has: what ran before it was written.
fn before(module: &str) -> Release {
    let present = Release::current();
    let modules = present.modules.into_iter().filter(|has| has.name() != module).collect();
    Release { modules, ..Release::current() }
}

fn planned(plan: Value) -> TestChain {
    TestChain::with_genesis(1, |state| state["upgrade"]["plan"] = plan)
}

fn at_height(height: u64) -> TestChain {
    planned(json!({"name": "v2", "height": height.to_string(), "info": "{}"}))
}

/// Closes the chain and opens its directory with another release.
fn change(chain: TestChain, release: Release) -> TestChain {
    chain.restart_with(|path| App::open_release(path, checked_options(), release).expect("the directory opens"))
}

fn stops(chain: &TestChain) -> String {
    chain.app.finalize_block(&chain.block(Vec::new())).expect_err("it must stop").to_string()
}

fn versions(chain: &TestChain, module_name: &str) -> Result<QueryModuleVersionsResponse, String> {
    let request = QueryModuleVersionsRequest { module_name: module_name.into() };
    chain.query("/cosmos.upgrade.v1beta1.Query/ModuleVersions", &request)
}

fn plan(chain: &TestChain) -> Option<Plan> {
    let response: QueryCurrentPlanResponse =
        chain.query("/cosmos.upgrade.v1beta1.Query/CurrentPlan", &QueryCurrentPlanRequest {}).expect("it is served");
    response.plan
}

#[test]
fn the_chain_stops_exactly_at_the_height_and_the_next_release_migrates_and_goes_on() {
    let mut chain = at_height(4);
    assert_eq!(plan(&chain).expect("a plan").height, 4);
    for _ in 0..3 {
        chain.run(Vec::new());
    }
    assert_eq!(chain.app.upgrade_needed(), None);
    assert!(stops(&chain).starts_with(r#"UPGRADE "v2" NEEDED at height: 4"#));
    let needed = chain.app.upgrade_needed().expect("the node learns why");
    assert_eq!((needed.name.as_str(), needed.height, needed.info.as_str()), ("v2", 4, "{}"));
    let chain = chain.restart();
    assert!(stops(&chain).contains("NEEDED"), "this release never goes on");

    let mut chain = change(chain, next(nothing));
    chain.run(Vec::new());
    assert_eq!(chain.app.info().last_height, 4);
    assert_eq!(plan(&chain), None);
    let applied: QueryAppliedPlanResponse = chain
        .query("/cosmos.upgrade.v1beta1.Query/AppliedPlan", &QueryAppliedPlanRequest { name: "v2".into() })
        .expect("it is served");
    assert_eq!(applied.height, 4);
    assert_eq!(versions(&chain, "cert").expect("it exists").module_versions[0].version, 3);
    assert!(versions(&chain, "feegrant").expect_err("it is gone").contains("code = NotFound"));
    assert_eq!(chain.app.read(|ctx| MARK.get(ctx)), Some(Ok(Some(12))), "from 1 to 2, then from 2 to 3");
    let mut chain = change(chain, next(nothing));
    chain.run(Vec::new());

    let chain = change(chain, Release::current());
    assert!(stops(&chain).contains("version"), "the earlier release cannot read what it does not know");
}

#[test]
fn the_chain_stops_at_the_first_block_that_reaches_the_time() {
    let mut chain = planned(json!({"name": "v2", "time": "2025-06-15T15:06:55Z", "info": ""}));
    assert_eq!(chain.time.to_string(), "2025-06-15T15:06:40Z");
    chain.run(Vec::new());
    chain.run(Vec::new());
    assert!(stops(&chain).contains("NEEDED at height: 3"));
    let mut chain = change(chain, next(nothing));
    chain.run(Vec::new());
    assert_eq!(chain.height, 3);
}

#[test]
fn the_next_release_refuses_to_run_before_its_time() {
    let chain = change(at_height(4), next(nothing));
    assert!(stops(&chain).starts_with("BINARY UPDATED BEFORE TRIGGER!"));
    let chain = change(TestChain::new(1), next(nothing));
    assert!(stops(&chain).contains("version"), "and without any plan");
}

#[test]
fn a_failed_migration_leaves_the_state_as_it_was() {
    let mut chain = at_height(2);
    chain.run(Vec::new());
    let hash = chain.app.info().last_app_hash;
    let chain = change(chain, next(failing));
    assert!(stops(&chain).contains("the migration fails"));
    let chain = chain.restart();
    assert_eq!((chain.app.info().last_height, chain.app.info().last_app_hash), (1, hash));
    let mut chain = change(chain, next(nothing));
    chain.run(Vec::new());
    assert_eq!(chain.height, 2, "a repaired release goes on");
}

#[test]
fn a_crash_after_the_migration_and_before_the_commit_makes_it_again_with_the_same_result() {
    let mut chain = at_height(2);
    chain.run(Vec::new());
    let chain = change(chain, next(nothing));
    let lost = chain.app.finalize_block(&chain.block(Vec::new())).expect("it migrates");
    let mut chain = change(chain, next(nothing));
    assert_eq!(chain.run(Vec::new()).app_hash, lost.app_hash);
}

#[test]
fn only_governance_plans_and_cancels() {
    let mut chain = TestChain::new(1);
    let authority = chain.accounts[0].address.to_string();
    let plan = Plan { name: "v2".into(), height: 100, ..Plan::default() };
    let message = MsgSoftwareUpgrade { authority: authority.clone(), plan: Some(plan.clone()) };
    assert_eq!(chain.deliver(0, &message).code, 4);
    assert_eq!(chain.deliver(0, &MsgCancelUpgrade { authority: authority.clone() }).code, 4);
    for bad in [
        Plan { name: String::new(), ..plan.clone() },
        Plan { name: "../v2".into(), ..plan.clone() },
        Plan { height: 0, ..plan.clone() },
        Plan { height: -5, ..plan.clone() },
        Plan { time: Some(chain.time.to_proto()), ..plan.clone() },
        Plan { info: "x".repeat(10_001), ..plan },
    ] {
        let message = MsgSoftwareUpgrade { authority: authority.clone(), plan: Some(bad) };
        let result = chain.deliver(0, &message);
        assert_eq!((result.codespace.as_str(), result.code), ("upgrade", 2), "{}", result.log);
    }
}

#[test]
fn a_plan_survives_export_and_import() {
    let chain = at_height(40);
    let exported = chain.app.export().expect("a committed state");
    assert_eq!(exported["upgrade"]["plan"]["height"], "40");
    let copy = exported.clone();
    let imported = TestChain::with_genesis(0, move |state| *state = copy);
    assert_eq!(imported.app.export().expect("the imported state"), exported);
}

#[test]
fn a_module_that_is_new_to_the_state_begins_with_its_genesis_in_the_block_of_the_upgrade() {
    let fresh = TestChain::new(1);
    let template = fresh.block(Vec::new());
    let directory = tempfile::tempdir().expect("a temporary directory");
    let open = |release| App::open_release(directory.path(), checked_options(), release).expect("the directory opens");
    let run = |app: &App, height: u64| {
        let time = template.time.plus_seconds(5 * height);
        app.finalize_block(&BlockInput { height, time, ..template.clone() })?;
        app.commit()
    };
    let mut state = fresh.app.export().expect("the state of genesis");
    state.as_object_mut().expect("an object").remove("cert");
    state["upgrade"]["plan"] = json!({"name": "v2", "height": "3", "info": ""});
    let app = open(before("cert"));
    app.init_chain(InitChain {
        chain_id: CHAIN_ID.into(),
        genesis_time: fresh.time,
        initial_height: 1,
        consensus_params: ConsensusParams::default(),
        app_state: state.into(),
    })
    .expect("the earlier release has no such module");
    for height in 1..3 {
        run(&app, height).expect("the block executes");
    }
    assert!(run(&app, 3).expect_err("it must stop").to_string().contains("NEEDED at height: 3"));
    assert!(app.export().expect("a committed state").get("cert").is_none());
    drop(app);
    let upgrades = vec![Upgrade { name: "v2", run: nothing }];
    let app = open(Release { upgrades, ..Release::current() });
    for height in 3..6 {
        run(&app, height).expect("the block executes");
    }
    let exported = app.export().expect("a committed state");
    assert_eq!(exported["cert"], fresh.app.export().expect("the state of genesis")["cert"]);
    assert!(!exported["cert"].is_null());
}
