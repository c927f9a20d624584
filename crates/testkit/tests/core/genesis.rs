//! A node that died between the first write of its application and its own first record takes the same genesis again.

use serde_json::json;
use ve_app::App;
use ve_sdk::application::{Application, BlockInput, ConsensusParams, InitChain};
use ve_testkit::chain::{CHAIN_ID, TestChain, checked_options};

fn request(chain: &TestChain, initial_height: u64) -> InitChain {
    InitChain {
        chain_id: CHAIN_ID.into(),
        genesis_time: chain.time,
        initial_height,
        consensus_params: ConsensusParams::default(),
        app_state: chain.app.export().expect("the state of genesis").into(),
    }
}

#[test]
fn the_same_genesis_is_taken_again_at_any_first_height_and_another_one_or_a_later_one_is_refused() {
    let template = TestChain::new(2);
    for first in [1, 2, 1_000_000] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let open = || App::open(directory.path(), checked_options()).expect("the directory opens");
        let app = open();
        let begun = app.init_chain(request(&template, first)).expect("an empty directory");
        drop(app);
        let app = open();
        assert_eq!(app.init_chain(request(&template, first)).expect("the same genesis").app_hash, begun.app_hash);

        let mut other = template.app.export().expect("the state of genesis");
        other["gov"]["params"]["burn_vote_quorum"] = json!(true);
        let other = InitChain { app_state: other.into(), ..request(&template, first) };
        let refused = app.init_chain(other).err().expect("another state").to_string();
        assert!(refused.contains("another genesis"), "{refused}");

        let block = BlockInput { height: first, time: template.time.plus_seconds(5), ..template.block(Vec::new()) };
        app.finalize_block(&block).expect("the first block executes");
        app.commit().expect("it commits");
        let refused = app.init_chain(request(&template, first)).err().expect("too late").to_string();
        assert!(refused.contains(&format!("already at height {first}")), "{refused}");
    }
}
