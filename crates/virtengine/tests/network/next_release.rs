//! A node of the next release, for networks that change over to it. It is this test binary again: the product has no way
//! to run another release than its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use ve_app::{App, Options};
use ve_base::CodedError;
use ve_node::config::{Home, NodeConfig};
use ve_node::node::Node;
use ve_sdk::Context;
use ve_sdk::application::*;
use ve_testkit::release;

const HOME: &str = "VE_NEXT_RELEASE_HOME";
/// Steps of the upgrade before each of which [`script`]'s process can be made to die: two migrations of `cert`, one of
/// `bank`, the upgrade's own part, and the commit from both sides.
pub const STEPS: u32 = 6;
/// File in a node's home: before which step its process dies, counted from one.
const DEADLY: &str = "dies-before-step";

/// A program that runs the next release on `home`, as a supervisor finds one.
pub fn script(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let binary = std::env::current_exe().expect("this binary");
    // Called as the product is: `node start --home HOME`.
    let text = format!(
        "#!/bin/sh\nwhile [ $# -gt 1 ] && [ \"$1\" != --home ]; do shift; done\n{HOME}=\"$2\" exec {} --exact \
         next_release::a_node_of_the_next_release --nocapture --test-threads=1\n",
        binary.display()
    );
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a writable folder");
    std::fs::write(path, text).expect("a writable folder");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("own file");
}

/// Lets the next release die before a step of its upgrade, as kill -9 does, or live for `None`.
pub fn dies_before(home: &Path, step: Option<u32>) {
    let path = home.join(DEADLY);
    match step {
        Some(step) => std::fs::write(path, step.to_string()).expect("a writable home"),
        None => std::fs::remove_file(path).unwrap_or_default(),
    }
}

pub fn is_deadly(home: &Path) -> bool {
    home.join(DEADLY).exists()
}

fn step(name: &str) {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let deadly = std::env::var_os(HOME).map(|home| PathBuf::from(home).join(DEADLY));
    let deadly = deadly.and_then(|path| std::fs::read_to_string(path).ok()?.parse().ok());
    if deadly == Some(MADE.fetch_add(1, Ordering::SeqCst) + 1) {
        eprintln!("dies before the step {name}");
        let _ = end_at_once();
    }
}

/// SIGKILL to this process: nothing is flushed and nobody is told.
fn end_at_once() -> rustix::io::Result<()> {
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL)
}

fn own_part(_: &mut Context<'_>) -> Result<(), CodedError> {
    step("own part");
    Ok(())
}

/// The application, with steps at its commits.
struct Rehearsed(App);

impl Application for Rehearsed {
    fn info(&self) -> AppInfo {
        self.0.info()
    }

    fn upgrade_needed(&self) -> Option<UpgradeNeeded> {
        self.0.upgrade_needed()
    }

    fn init_chain(&self, request: InitChain) -> Result<InitChainResponse, Fatal> {
        self.0.init_chain(request)
    }

    fn check_tx(&self, tx: &Bytes, kind: CheckKind) -> CheckTxResult {
        self.0.check_tx(tx, kind)
    }

    fn keeps_checks(&self) -> bool {
        self.0.keeps_checks()
    }

    fn sender(&self, tx: &Bytes) -> Option<Vec<u8>> {
        self.0.sender(tx)
    }

    fn advance_checks(&self) {
        self.0.advance_checks();
    }

    fn restart_checks(&self) {
        self.0.restart_checks();
    }

    fn simulate(&self, tx: &Bytes) -> TxResult {
        self.0.simulate(tx)
    }

    fn prepare_proposal(&self, block: &BlockInput, max_bytes: u64) -> Vec<Bytes> {
        self.0.prepare_proposal(block, max_bytes)
    }

    fn process_proposal(&self, block: &BlockInput) -> Verdict {
        self.0.process_proposal(block)
    }

    fn extend_vote(&self, height: u64, block_hash: &[u8]) -> Bytes {
        self.0.extend_vote(height, block_hash)
    }

    fn verify_vote_extension(&self, height: u64, address: &[u8; 20], extension: &[u8]) -> Verdict {
        self.0.verify_vote_extension(height, address, extension)
    }

    fn finalize_block(&self, block: &BlockInput) -> Result<FinalizeBlockResponse, Fatal> {
        self.0.finalize_block(block)
    }

    fn commit(&self) -> Result<u64, Fatal> {
        step("commit");
        let kept = self.0.commit();
        step("what follows the commit");
        kept
    }

    fn query(&self, query: &Query) -> QueryResult {
        self.0.query(query)
    }

    fn list_snapshots(&self) -> Result<Vec<StateSnapshot>, Fatal> {
        self.0.list_snapshots()
    }

    fn load_snapshot_chunk(&self, height: u64, format: u32, chunk: u32) -> Result<Option<Bytes>, Fatal> {
        self.0.load_snapshot_chunk(height, format, chunk)
    }

    fn export(&self) -> Result<serde_json::Value, Fatal> {
        self.0.export()
    }
}

/// Not a test of its own: the process of one node of the next release.
#[test]
#[expect(clippy::disallowed_methods, reason = "a test function cannot return an exit code; the node has ended by then")]
fn a_node_of_the_next_release() {
    let Some(home) = std::env::var_os(HOME) else { return };
    tracing_subscriber::fmt().with_ansi(false).with_writer(std::io::stderr).with_env_filter("info,libp2p=error").init();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let ended = runtime.block_on(run(&Home::new(PathBuf::from(home))));
    if let Err(error) = &ended {
        eprintln!("error: {error:#}");
    }
    // The harness would turn every end into a success.
    std::process::exit(i32::from(ended.is_err()));
}

async fn run(home: &Home) -> anyhow::Result<()> {
    let config = NodeConfig::load(&home.config())?;
    let options = Options { check_invariants: true, ..Options::default() };
    let app = App::open_release(&home.state(), options, release::next(own_part, step))?;
    let node = Node::start(home, config, Arc::new(Rehearsed(app))).await?;
    let stopper = node.stopper();
    tokio::spawn(async move {
        let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
        terminate.expect("signals").recv().await;
        stopper.stop();
    });
    Ok(node.wait().await?)
}
