//! An unmodified Tendermint light client follows the live chain and believes nothing else.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tendermint_light_client_verifier::errors::VerificationErrorDetail as Refusal;
use tendermint_light_client_verifier::options::Options;
use tendermint_light_client_verifier::types::{LightBlock, PeerId, Time, TrustThreshold, Validator, ValidatorSet};
use tendermint_light_client_verifier::{ProdVerifier, Verdict, Verifier as _};
use ve_client::tx::any;
use ve_proto::cosmos::staking::v1beta1::{MsgDelegate, QueryValidatorsRequest, QueryValidatorsResponse};

use crate::chain::{coin, signer};
use crate::support::{Localnet, directory, free_base};

const LIMIT: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

pub fn commit(network: &Localnet, height: u64) -> Value {
    let answer = network.rpc(0, "commit", json!({"height": height.to_string()})).expect("the commit is there");
    answer["signed_header"].clone()
}

fn set(network: &Localnet, height: u64) -> ValidatorSet {
    let asked = json!({"height": height.to_string(), "per_page": "100"});
    let answer = network.rpc(0, "validators", asked).expect("the set is there");
    let validators: Vec<Validator> = serde_json::from_value(answer["validators"].clone()).expect("validators");
    ValidatorSet::without_proposer(validators)
}

pub fn light_block(network: &Localnet, height: u64, signed_header: Value) -> LightBlock {
    let signed_header = serde_json::from_value(signed_header).expect("as the published types read it");
    LightBlock::new(signed_header, set(network, height), set(network, height + 1), PeerId::new([0; 20]))
}

fn options(trust_threshold: TrustThreshold, trusting_period: Duration) -> Options {
    Options { trust_threshold, trusting_period, clock_drift: Duration::from_secs(5) }
}

pub fn usual() -> Options {
    options(TrustThreshold::ONE_THIRD, HOUR)
}

fn after(block: &LightBlock, time: Duration) -> Time {
    (block.time() + time).expect("a time")
}

/// What a client that trusts `trusted` says of `next` a second after it was made.
pub fn verdict(trusted: &LightBlock, next: &LightBlock, options: &Options) -> Verdict {
    let now = after(next, Duration::from_secs(1));
    ProdVerifier::default().verify_update_header(next.as_untrusted_state(), trusted.as_trusted_state(), options, now)
}

fn refusal(trusted: &LightBlock, next: &LightBlock) -> Refusal {
    match verdict(trusted, next, &usual()) {
        Verdict::Invalid(refusal) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

/// Gives the second validator so much stake that the set changes; returns the height that did it.
async fn change_power(network: &Localnet) -> u64 {
    let faucet = signer(network, "faucet").await;
    let path = "/cosmos.staking.v1beta1.Query/Validators";
    let known: QueryValidatorsResponse =
        faucet.rpc().query(path, &QueryValidatorsRequest::default()).await.expect("answered");
    let delegation = MsgDelegate {
        delegator_address: faucet.address().to_string(),
        validator_address: known.validators[1].operator_address.clone(),
        amount: Some(coin(1_500_000_000_000)),
    };
    faucet.send(vec![any(&delegation)]).await.expect("the delegation is accepted").height
}

#[tokio::test]
async fn a_light_client_follows_live_blocks_through_a_change_of_the_set_and_refuses_forgeries() {
    let (home, base) = (directory(), free_base());
    let network = Localnet::start(home.path(), base, &["--validators", "4"]);
    network.step("chain_running");
    let changed = change_power(&network).await;
    let tip = changed + 4;
    // The set of the height after the last one is asked for too.
    assert!(network.reach(0, tip + 1, LIMIT));
    let blocks: Vec<LightBlock> =
        (1..=tip).map(|height| light_block(&network, height, commit(&network, height))).collect();

    for pair in blocks.windows(2) {
        assert_eq!(verdict(&pair[0], &pair[1], &usual()), Verdict::Success, "to {}", pair[1].height());
    }
    let last = blocks.last().expect("blocks");
    for trusted in &blocks[..blocks.len() - 1] {
        for threshold in [TrustThreshold::ONE_THIRD, TrustThreshold::TWO_THIRDS] {
            let found = verdict(trusted, last, &options(threshold, HOUR));
            assert_eq!(found, Verdict::Success, "from {}", trusted.height());
        }
    }
    // Header `changed` names the set of `changed + 1`, so what it did decides two heights later.
    let at = |height: u64| &blocks[height as usize - 1];
    let sets = |height: u64| at(height).signed_header.header.validators_hash;
    assert_eq!(sets(changed), sets(changed + 1));
    assert_ne!(sets(changed + 1), sets(changed + 2), "the delegation changed the set");

    forged_headers_are_refused(at(2), at(3), at(4));
    forged_signatures_are_refused(&network, last.height().value());
    foreign_sets_are_refused(at(changed), at(changed + 1), at(changed + 2));
    stale_trust_and_future_headers_are_refused(at(2), at(4));
    assert!(network.stop());
}

fn forged_headers_are_refused(trusted: &LightBlock, next: &LightBlock, other: &LightBlock) {
    let mut forged = next.clone();
    forged.signed_header.header.last_block_id = other.signed_header.header.last_block_id;
    assert!(matches!(refusal(trusted, &forged), Refusal::InvalidCommitValue(_)), "a header that was not signed");
    // With the commit made to name it, the signatures are of something else.
    forged.signed_header.commit.block_id.hash = forged.signed_header.header.hash();
    assert!(matches!(refusal(trusted, &forged), Refusal::InvalidSignature(_)), "signatures of another header");
    let mut later = next.clone();
    later.signed_header.header.time = after(next, Duration::from_secs(1));
    later.signed_header.commit.block_id.hash = later.signed_header.header.hash();
    assert!(matches!(refusal(trusted, &later), Refusal::InvalidSignature(_)), "another time");
}

fn forged_signatures_are_refused(network: &Localnet, height: u64) {
    let trusted = light_block(network, height - 1, commit(network, height - 1));
    let honest = commit(network, height);
    // The strongest stands first; without it there are less than two thirds.
    let first = |change: &dyn Fn(&mut Value)| {
        let mut forged = honest.clone();
        change(&mut forged["commit"]["signatures"][0]);
        refusal(&trusted, &light_block(network, height, forged))
    };
    let flipped = first(&|entry| {
        let mut bytes = STANDARD.decode(entry["signature"].as_str().expect("signed")).expect("base64");
        bytes[10] ^= 1;
        entry["signature"] = STANDARD.encode(bytes).into();
    });
    assert!(matches!(flipped, Refusal::InvalidSignature(_)), "one bit of a signature");
    let moved = first(&|entry| entry["timestamp"] = "2026-01-01T00:00:00Z".into());
    assert!(matches!(moved, Refusal::InvalidSignature(_)), "the time of a vote");
    let missing = first(&|entry| {
        *entry = json!({
            "block_id_flag": 1, "validator_address": "", "timestamp": "0001-01-01T00:00:00Z", "signature": null,
        });
    });
    assert!(matches!(missing, Refusal::InsufficientSignersOverlap(_)), "less than two thirds");
}

/// `change` is decided by the old set and names the new one.
fn foreign_sets_are_refused(before: &LightBlock, change: &LightBlock, behind: &LightBlock) {
    let mut forged = change.clone();
    forged.next_validators = before.next_validators.clone();
    assert!(matches!(refusal(before, &forged), Refusal::InvalidNextValidatorSet(_)), "a wrong next set");
    let mut forged = change.clone();
    forged.validators = behind.validators.clone();
    assert!(matches!(refusal(before, &forged), Refusal::InvalidValidatorSet(_)), "a wrong set");
    // A client that believed another next set does not take the block that follows.
    let mut misled = change.clone();
    misled.signed_header.header.next_validators_hash = before.signed_header.header.next_validators_hash;
    assert!(matches!(refusal(&misled, behind), Refusal::InvalidNextValidatorSet(_)), "another set than trusted");
}

fn stale_trust_and_future_headers_are_refused(trusted: &LightBlock, next: &LightBlock) {
    let verify = |options: &Options, now: Time| {
        ProdVerifier::default().verify_update_header(
            next.as_untrusted_state(),
            trusted.as_trusted_state(),
            options,
            now,
        )
    };
    let short = options(TrustThreshold::ONE_THIRD, Duration::from_secs(60));
    let late = verify(&short, after(trusted, Duration::from_secs(61)));
    assert!(matches!(late, Verdict::Invalid(Refusal::NotWithinTrustPeriod(_))), "{late:?}");
    let early = verify(&usual(), (next.time() - Duration::from_secs(6)).expect("a time"));
    assert!(matches!(early, Verdict::Invalid(Refusal::HeaderFromTheFuture(_))), "{early:?}");
}
