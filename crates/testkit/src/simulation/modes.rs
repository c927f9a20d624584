//! The four ways to run a seed (platform spec, section 3.5).

use ve_app::Options;
use ve_sdk::application::Application;
use ve_sdk::simulation::Draw;
use ve_store::Pruning;

use super::{Draws, Simulation, Trace};
use crate::chain::{Account, TestChain, checked_options};

/// How much to run.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    pub blocks: u64,
    /// Most transactions in a block.
    pub txs: u64,
}

/// Every block with all invariants.
pub fn full(seed: u64, scale: Scale) -> Trace {
    let mut simulation = Simulation::new(seed, checked_options());
    for _ in 0..scale.blocks {
        let block = simulation.plan(scale.txs);
        simulation.run(&block);
    }
    simulation.trace
}

/// The same seed on a node that keeps, caches, hashes and checks less (incident C13). Returns the trace, which must equal
/// that of [`full`].
pub fn lean(seed: u64, scale: Scale) -> Trace {
    let store = ve_store::Options {
        pruning: Pruning::Everything,
        prune_interval: 1,
        cache_bytes: 1 << 20,
        recent_bytes: 1 << 16,
        hash_threads: 1,
    };
    let mut simulation = Simulation::new(seed, Options { store, ..Options::default() });
    for _ in 0..scale.blocks {
        let block = simulation.plan(scale.txs);
        simulation.run(&block);
    }
    simulation.trace
}

/// Exports the state, starts a chain from it and runs both chains on with the same blocks.
///
/// # Panics
/// When the two ever differ in what they export or in the result of a transaction.
pub fn export_import(seed: u64, scale: Scale) {
    let mut original = Simulation::new(seed, Options::default());
    for _ in 0..scale.blocks {
        let block = original.plan(scale.txs);
        original.run(&block);
    }
    let exported = original.chain.app.export().expect("the state exports");
    let accounts = original.chain.accounts.iter().enumerate().map(|(index, _)| Account::number(index as u32)).collect();
    let (height, time) = (original.chain.height, original.chain.time);
    let mut copy = TestChain::from_state(accounts, exported.clone(), checked_options(), height, time);
    assert_eq!(copy.app.export().expect("the state exports"), exported, "seed {seed}: import changed the state");

    // Its nonce follows from the app hash, which tells how a state came about too.
    original.operations.retain(|operation| operation.message != "/ve.mfa.v1.MsgCreateChallenge");
    for _ in 0..scale.blocks / 5 {
        let block = original.plan(scale.txs);
        let theirs = copy.run_block(&block);
        let ours = original.chain.run_block(&block);
        assert_eq!(theirs.tx_results, ours.tx_results, "seed {seed}, height {}: results differ", block.height);
        assert_eq!(theirs.validator_updates, ours.validator_updates, "seed {seed}, height {}", block.height);
        original.record(&block, ours);
    }
    let (theirs, ours) = (copy.app.export(), original.chain.app.export());
    assert_eq!(theirs.expect("exports"), ours.expect("exports"), "seed {seed}: the chains went apart");
}

/// Stops at random blocks between execution and commit, or after commit, and starts again on the same directory.
/// Returns the trace, which must equal that of [`full`].
pub fn crash_restart(seed: u64, scale: Scale) -> Trace {
    let mut simulation = Simulation::new(seed, Options::default());
    // Of its own, so that crashes do not change the blocks.
    let mut crashes = Draws::new(!seed);
    for _ in 0..scale.blocks {
        let block = simulation.plan(scale.txs);
        if crashes.below(10) == 0 {
            let lost = simulation.chain.app.finalize_block(&block).expect("the block executes");
            simulation = simulation.restart();
            let again = simulation.chain.run_block(&block);
            assert_eq!(again.app_hash, lost.app_hash, "seed {seed}, height {}: executed twice", block.height);
            simulation.record(&block, again);
        } else {
            simulation.run(&block);
        }
        if crashes.below(10) == 0 {
            simulation = simulation.restart();
        }
        let info = simulation.chain.app.info();
        assert_eq!(info.last_height, block.height, "seed {seed}: a committed block is lost");
        assert_eq!(Some(&info.last_app_hash), simulation.trace.app_hashes.last(), "seed {seed}");
    }
    simulation.trace
}

impl Simulation {
    fn restart(self) -> Self {
        Self { chain: self.chain.restart(), ..self }
    }
}
