//! Random operation of all modules: three fixed seeds in every mode.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use ve_testkit::simulation::{Scale, Simulation, Tally, Trace, crash_restart, export_import, full, lean};

const SEEDS: [u64; 3] = [42, 1_971, 0x5eed_cafe];
/// In every run of the tests.
const SHORT: Scale = Scale { blocks: 40, txs: 8 };
/// In the slow tier.
const LONG: Scale = Scale { blocks: 500, txs: 16 };

/// Message types without a generator. The list may only shrink.
const WITHOUT_GENERATOR: &[&str] = &[];

/// Message types that long runs always refuse, or never do: most need proofs of factors, which random play does not
/// bring, or a whole committee at work. Tests of their modules drive both sides. The list may only shrink.
const ONE_SIDED: &[&str] = &[
    "/ve.attester.v1.MsgExitAttester",
    "/ve.attester.v1.MsgReportEquivocation",
    "/ve.mfa.v1.MsgAddTrustedBrowser",
    "/ve.mfa.v1.MsgCancelChange",
    "/ve.mfa.v1.MsgCompleteRecovery",
    "/ve.mfa.v1.MsgConfirmEnrollment",
    "/ve.mfa.v1.MsgCreateChallenge",
    "/ve.mfa.v1.MsgInitiateRecovery",
    "/ve.mfa.v1.MsgIssueSession",
    "/ve.mfa.v1.MsgRemoveTrustedBrowser",
    "/ve.mfa.v1.MsgRevokeFactor",
    "/ve.mfa.v1.MsgRevokeSession",
    "/ve.mfa.v1.MsgRotateKey",
    "/ve.mfa.v1.MsgSetPolicy",
    "/ve.mfa.v1.MsgSubmitFactorProof",
    "/ve.mfa.v1.MsgVetoRecovery",
    "/ve.veid.v1.MsgAttestScore",
    "/ve.veid.v1.MsgChallengeScore",
    "/ve.veid.v1.MsgClaimAppeal",
    "/ve.veid.v1.MsgCompleteSecondary",
    "/ve.veid.v1.MsgRebindWallet",
    "/ve.veid.v1.MsgResolveAppeal",
    "/ve.veid.v1.MsgSubmitAppeal",
    "/ve.veid.v1.MsgWithdrawAppeal",
];

#[test]
fn every_message_has_a_generator() {
    let missing: Vec<String> = Simulation::without_generator().into_iter().collect();
    assert_eq!(missing, WITHOUT_GENERATOR, "add operations() to the modules of these messages");
}

/// Whatever the seed, what happened was foreseen and every kind of transaction was tried.
fn assert_plausible(seed: u64, trace: &Trace) {
    assert_eq!(trace.surprises, Vec::<String>::new(), "seed {seed}");
    let hostile = trace.tally.iter().filter(|(name, _)| name.starts_with("hostile"));
    for (name, tally) in hostile {
        assert!(tally.refused > 0, "seed {seed}: {name} was never tried");
    }
}

/// What an undisturbed run does, made once for all tests that compare with it.
fn undisturbed(seed: u64, scale: Scale) -> Arc<Trace> {
    type Slot = Arc<OnceLock<Arc<Trace>>>;
    static RUNS: Mutex<BTreeMap<(u64, u64), Slot>> = Mutex::new(BTreeMap::new());
    let slot = RUNS.lock().expect("no test panics with the lock").entry((seed, scale.blocks)).or_default().clone();
    slot.get_or_init(|| Arc::new(full(seed, scale))).clone()
}

/// Sums over all seeds.
fn run_full(scale: Scale) -> BTreeMap<String, Tally> {
    let mut sums: BTreeMap<String, Tally> = BTreeMap::new();
    for seed in SEEDS {
        let trace = undisturbed(seed, scale);
        assert_plausible(seed, &trace);
        for (name, tally) in &trace.tally {
            println!("seed {seed}: {name}: {} accepted, {} refused", tally.accepted, tally.refused);
            let sum = sums.entry(name.clone()).or_default();
            sum.accepted += tally.accepted;
            sum.refused += tally.refused;
        }
    }
    sums
}

fn run_determinism(scale: Scale) {
    for seed in SEEDS {
        let (first, second) = (undisturbed(seed, scale), lean(seed, scale));
        for (at, (ours, theirs)) in first.app_hashes.iter().zip(&second.app_hashes).enumerate() {
            assert_eq!(ours, theirs, "seed {seed}: app hashes differ after block {}", at + 1);
        }
        assert_eq!(*first, second, "seed {seed}");
    }
}

fn run_crash_restart(scale: Scale) {
    for seed in SEEDS {
        assert_eq!(crash_restart(seed, scale), *undisturbed(seed, scale), "seed {seed}: a restart changed the run");
    }
}

#[test]
fn random_blocks_keep_all_invariants() {
    run_full(SHORT);
}

#[test]
fn the_same_seed_gives_the_same_app_hashes_whatever_is_pruned_cached_or_threaded() {
    run_determinism(SHORT);
}

#[test]
fn an_exported_state_imports_to_the_same_chain() {
    SEEDS.into_iter().for_each(|seed| export_import(seed, SHORT));
}

#[test]
fn a_chain_that_crashes_and_restarts_equals_one_that_never_did() {
    run_crash_restart(SHORT);
}

#[test]
#[ignore = "slow: 500 blocks of each seed"]
fn random_blocks_keep_all_invariants_for_long() {
    let sums = run_full(LONG);
    let registry = ve_app::registry().expect("the modules register without a clash");
    // Messages to governance are refused by design.
    let types = registry
        .message_types()
        .filter(|name| !Simulation::only_governance_may_send(name) && !ONE_SIDED.contains(name));
    let tallies = types.map(|name| (name, sums.get(name).copied().unwrap_or_default()));
    let one_sided: Vec<_> = tallies.filter(|(_, tally)| tally.accepted == 0 || tally.refused == 0).collect();
    assert!(one_sided.is_empty(), "both should happen: {one_sided:#?}");
}

#[test]
#[ignore = "slow: 500 blocks of each seed, twice"]
fn the_same_seed_gives_the_same_app_hashes_for_long() {
    run_determinism(LONG);
}

#[test]
#[ignore = "slow: 500 blocks of each seed, then 100 on two chains"]
fn an_exported_state_imports_to_the_same_chain_after_long() {
    SEEDS.into_iter().for_each(|seed| export_import(seed, LONG));
}

#[test]
#[ignore = "slow: 500 blocks of each seed, twice"]
fn a_chain_that_crashes_and_restarts_equals_one_that_never_did_for_long() {
    run_crash_restart(LONG);
}
