//! A process that dies at any write of a commit restarts, and reaches the state that one reaches which never died.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use super::test_app::StoreApp;
use super::test_chain::{self, Chain};

const HOME: &str = "VE_NODE_CRASH_HOME";
const POINT: &str = "VE_NODE_CRASH_POINT";
/// The chain of these tests ends here.
const LAST: u64 = 4;

/// Write points until the process dies; never, when it starts below one.
static LEFT: AtomicI64 = AtomicI64::new(0);

/// Called before and after every durable write.
pub fn write_point() {
    if LEFT.fetch_sub(1, Ordering::SeqCst) == 1 {
        std::process::abort();
    }
}

fn open(home: &Path) -> (Chain, Arc<StoreApp>) {
    let app = Arc::new(StoreApp::open(&home.join("state")));
    // Evidence that can no longer be punished keeps no block: pruning is one of the writes.
    let params = ve_sdk::application::ConsensusParams {
        evidence_max_age_blocks: 1,
        evidence_max_age_secs: -1,
        ..ve_sdk::application::ConsensusParams::default()
    };
    let genesis = test_chain::genesis(2, params);
    (test_chain::open(home, app.clone(), &genesis, 0).expect("the chain opens after any crash"), app)
}

/// Goes on to the last height; each block has one transaction of its own.
fn go_on(chain: &Chain) {
    while chain.core.last_height() < LAST {
        let height = chain.core.last_height() + 1;
        // A block that was proposed before the crash has it already, and is proposed again.
        chain.advance(&[&format!("key{height}=value{height}")]);
    }
}

/// Not a test of its own: the child that dies where it was told to.
#[test]
fn child_that_dies_at_a_write() {
    let (Ok(home), Ok(point)) = (std::env::var(HOME), std::env::var(POINT)) else { return };
    LEFT.store(point.parse().expect("a number"), Ordering::SeqCst);
    let (chain, app) = open(Path::new(&home));
    go_on(&chain);
    println!("{}", summary(&chain, &app));
}

/// What must be the same however often the node died. Block hashes may differ: they contain times.
fn summary(chain: &Chain, app: &StoreApp) -> String {
    let values: Vec<_> = (1..=LAST).map(|height| app.get(&format!("key{height}")).unwrap_or_default()).collect();
    let indexed = chain.core.index.height().expect("reads");
    let state = chain.core.state();
    format!("reached {} {} {indexed} {}", state.last_height, hex::encode(state.app_hash), values.join(","))
}

/// Runs the child until it dies or ends; what it printed at its end.
fn run(home: &Path, point: i64) -> Option<String> {
    let output = Command::new(std::env::current_exe().expect("test binary"))
        .args(["--exact", "core::crash_tests::child_that_dies_at_a_write", "--nocapture", "--test-threads=1"])
        .env(HOME, home)
        .env(POINT, point.to_string())
        .stdin(Stdio::null())
        .output()
        .expect("starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.split_once("reached ").map(|(_, rest)| rest.to_owned()));
    assert!(
        output.status.success() == line.is_some() && (line.is_some() || point > 0),
        "{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    // Death by the write point, not by a failed assertion.
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(line.is_some() || !stderr.contains("panicked"), "{stderr}");
    line
}

#[test]
#[ignore = "slow: starts a process a hundred times"]
fn a_node_that_dies_at_any_write_of_a_commit_restarts_to_the_same_state() {
    let never = tempfile::tempdir().expect("a temporary directory");
    let expected = run(never.path(), 0).expect("a child that is not killed reaches the end");
    assert!(expected.ends_with("value1,value2,value3,value4"), "{expected}");
    let mut point = 0;
    loop {
        point += 1;
        let home = tempfile::tempdir().expect("a temporary directory");
        let ended = run(home.path(), point).is_some();
        // Dying again while it recovers must not hurt either.
        if !ended && point % 3 == 0 {
            run(home.path(), 2);
        }
        assert_eq!(run(home.path(), 0).as_ref(), Some(&expected), "after dying at write point {point}");
        if ended {
            break;
        }
    }
    // Genesis of both stores, and per block: proposal, decision, results, application.
    assert!(point > 4 + 8 * LAST as i64, "only {point} write points were met");
    println!("{point} write points");
}
