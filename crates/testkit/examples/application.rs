//! Times signed transfers through the application alone, without consensus or network, beside bare verification of
//! their signatures on the same core, and prints the rates as JSON:
//! `cargo run --release -p ve-testkit --example application -- ACCOUNTS TRANSFERS`.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use ve_app::Options;
use ve_base::keys::SecretKey;
use ve_proto::cosmos::bank::v1beta1::MsgSend;
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_sdk::application::{Application, CheckKind};
use ve_testkit::chain::{Account, TestChain, any, sign};

/// Transfers in one block.
const BLOCK: usize = 1_000;

fn account(index: u64) -> Account {
    let mut bytes = [1; 32];
    bytes[..8].copy_from_slice(&index.to_be_bytes());
    let key = SecretKey::from_bytes(bytes).expect("a number below the curve's order");
    let address = key.public_key().address();
    Account { key, address }
}

fn transfer(from: &Account, to: &Account, number: u64) -> Vec<u8> {
    let message = MsgSend {
        from_address: from.address.to_string(),
        to_address: to.address.to_string(),
        amount: vec![Coin { denom: "uve".into(), amount: "1".into() }],
    };
    sign(from, number, 0, vec![any(&message)])
}

fn genesis(senders: &[Account], others: u64) -> Value {
    let mut state =
        Value::Object(ve_app::modules().iter().map(|m| (m.name().to_owned(), m.default_genesis())).collect());
    let known = |(number, account): (usize, &Account)| {
        json!({
            "@type": "/cosmos.auth.v1beta1.BaseAccount",
            "address": account.address.to_string(),
            "account_number": number.to_string(),
        })
    };
    let funded = |address: String| json!({"address": address, "coins": [{"denom": "uve", "amount": "1000000000"}]});
    let bystander = |index: u64| {
        let mut bytes = [9u8; 20];
        bytes[..8].copy_from_slice(&index.to_be_bytes());
        ve_base::Address::from(bytes).to_string()
    };
    state["auth"]["accounts"] = senders.iter().enumerate().map(known).collect();
    let balances = senders.iter().map(|account| account.address.to_string()).chain((0..others).map(bystander));
    state["bank"]["balances"] = balances.map(funded).collect();
    state
}

/// Verifications per second of one core.
fn verification_rate(signers: &[Account]) -> f64 {
    let message = [7; 200];
    let signed: Vec<_> = signers.iter().take(2_000).map(|a| (a.key.public_key(), a.key.sign(&message))).collect();
    let started = Instant::now();
    for (key, signature) in &signed {
        key.verify(&message, signature).expect("the signature is valid");
    }
    per_second(signed.len(), started.elapsed())
}

fn per_second(count: usize, elapsed: Duration) -> f64 {
    count as f64 / elapsed.as_secs_f64()
}

fn main() {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<u64>().expect("a number"));
    let accounts = numbers.next().unwrap_or(1_000_000);
    let transfers = numbers.next().unwrap_or(10_000);

    let senders: Vec<Account> = (1..=transfers).map(account).collect();
    let raw: Vec<Vec<u8>> =
        (0..senders.len()).map(|at| transfer(&senders[at], &senders[(at + 1) % senders.len()], at as u64)).collect();
    let bare = verification_rate(&senders);
    let state = genesis(&senders, accounts.saturating_sub(transfers));
    let time = ve_base::BlockTime { seconds: 1_750_000_000, nanos: 0 };
    let mut chain = TestChain::from_state(senders, state, Options::default(), 0, time);

    let (mut checking, mut executing, mut committing) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    for block in raw.chunks(BLOCK) {
        let started = Instant::now();
        for tx in block {
            let result = chain.app.check_tx(&tx.clone().into(), CheckKind::New).result;
            assert_eq!(result.code, 0, "{}", result.log);
        }
        checking += started.elapsed();

        let input = chain.block(block.to_vec());
        let started = Instant::now();
        let response = chain.app.finalize_block(&input).expect("the block executes");
        executing += started.elapsed();
        assert!(response.tx_results.iter().all(|result| result.code == 0));

        let started = Instant::now();
        chain.app.commit().expect("the block commits");
        chain.app.advance_checks();
        committing += started.elapsed();
        (chain.height, chain.time) = (input.height, input.time);
    }
    let blocks = raw.len().div_ceil(BLOCK).max(1);
    let report = json!({
        "accounts": accounts,
        "transfers": transfers,
        "verifications_per_second": bare.round(),
        "check": per_second(raw.len(), checking).round(),
        "execute": per_second(raw.len(), executing).round(),
        "commit_ms": (committing.as_secs_f64() * 10_000.0 / blocks as f64).round() / 10.0,
        "all": per_second(raw.len(), checking + executing + committing).round(),
    });
    println!("{report}");
}
