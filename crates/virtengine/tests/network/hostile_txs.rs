//! Hostile transactions at a live node: each is refused with its code, and everybody else is served.

use std::time::{Duration, Instant};

use serde_json::json;
use ve_base::keys::{SecretKey, hd};
use ve_client::tx::sign_direct;
use ve_client::{ClientError, RpcClient, TxClient};
use ve_proto::Any;
use ve_proto::cosmos::tx::signing::v1beta1::SignMode;
use ve_proto::cosmos::tx::v1beta1::mode_info::{Single, Sum};
use ve_proto::cosmos::tx::v1beta1::{AuthInfo, Fee, ModeInfo, SignerInfo, TxBody};

use crate::chain::{account, client, coin, eventually, phrase, signer, supply_adds_up, transfer};
use crate::support::{Localnet, directory, free_base, signal};

const LIMIT: Duration = Duration::from_secs(30);
const CHAIN: &str = "ve-local-1";
/// Longest wait of an honest account while another one floods the node.
const FAIR: Duration = Duration::from_secs(20);
/// A flooded node may grow by so many KiB: the mempool's own bound and what the allocator keeps.
const MAX_GROWTH_KIB: u64 = 192 << 10;

/// A key that signs whatever it is told to.
struct Forger {
    key: SecretKey,
    number: u64,
}

impl Forger {
    async fn of(network: &Localnet, name: &str) -> Self {
        let key = hd::derive(&phrase(network, name), 0, 0).expect("a phrase");
        let address = key.public_key().address().to_string();
        Self { number: account(&client(network), &address).await.0, key }
    }

    fn sign(&self, message: Any, sequence: u64, chain: &str) -> Vec<u8> {
        let mode = ModeInfo { sum: Some(Sum::Single(Single { mode: SignMode::Direct as i32 })) };
        let signer = SignerInfo { public_key: Some(self.key.public_key().to_any()), mode_info: Some(mode), sequence };
        let fee = Fee { amount: vec![coin(20_000)], gas_limit: 200_000, ..Fee::default() };
        let auth = AuthInfo { signer_infos: vec![signer], fee: Some(fee), ..AuthInfo::default() };
        let body = TxBody { messages: vec![message], ..TxBody::default() };
        sign_direct(&self.key, &body, &auth, chain, self.number)
    }
}

async fn refused(rpc: &RpcClient, raw: &[u8]) -> (String, u32) {
    let checked = rpc.broadcast_sync(raw).await.expect("the node answers");
    (checked.codespace, checked.code)
}

/// The text with which the node itself refuses, before the chain is asked.
async fn unwanted(rpc: &RpcClient, raw: &[u8]) -> String {
    match rpc.broadcast_sync(raw).await {
        Err(ClientError::Rpc { code: -32603, message, .. }) => message,
        other => panic!("not refused by the node: {other:?}"),
    }
}

#[tokio::test]
async fn garbage_forgeries_and_replays_are_refused_with_their_codes() {
    let (home, base) = (directory(), free_base());
    let network = Localnet::start(home.path(), base, &[]);
    network.step("provider_started");
    let rpc = client(&network);
    let faucet = signer(&network, "faucet").await;
    let forger = Forger::of(&network, "customer").await;
    let customer = signer(&network, "customer").await;
    let send = || transfer(&customer, &faucet.address().to_string(), 1);
    let sdk = |code: u32| ("sdk".to_owned(), code);

    for length in [1usize, 33, 1_000, 700_000] {
        let garbage: Vec<u8> = (0..length).map(|index| (index * 7 + length) as u8).collect();
        assert_eq!(refused(&rpc, &garbage).await, sdk(2), "{length} bytes");
    }
    let empty = rpc.broadcast_sync(&[]).await;
    assert!(matches!(empty, Err(ClientError::Rpc { code: -32602, .. })), "{empty:?}");
    let large = rpc.broadcast_sync(&vec![10u8; (1 << 20) + 1]).await.expect_err("too large").to_string();
    assert!(large.contains("tx too large: 1048577 bytes, the limit is 1048576"), "{large}");
    // More than a request may hold: HTTP's own code, before a byte of it is understood.
    let huge = rpc.broadcast_sync(&vec![10u8; 16 << 20]).await.expect_err("too large").to_string();
    assert!(huge.contains("413") || huge.contains("no node answers"), "{huge}");

    let elsewhere = forger.sign(send(), 0, "ve-mainnet-1");
    assert_eq!(refused(&rpc, &elsewhere).await, sdk(4), "a signature for another chain");
    let honest = forger.sign(send(), 0, CHAIN);
    let mut bent = honest.clone();
    *bent.last_mut().expect("bytes") ^= 1;
    assert_eq!(refused(&rpc, &bent).await, sdk(4), "a bent signature");
    let malleable = [&honest[..], &[0x4a, 0]].concat();
    assert_eq!(refused(&rpc, &malleable).await, sdk(2), "the same in other bytes");
    let stolen = forger.sign(transfer(&faucet, &customer.address().to_string(), 1_000_000), 0, CHAIN);
    assert_eq!(refused(&rpc, &stolen).await, sdk(8), "somebody else's money");
    assert_eq!(refused(&rpc, &forger.sign(send(), 5, CHAIN)).await, sdk(32), "a sequence from the future");

    let first = rpc.broadcast_sync(&honest).await.expect("answered");
    assert_eq!(first.code, 0, "{}", first.log);
    assert!(unwanted(&rpc, &honest).await.contains("already exists"), "sent twice");
    let executed = async || (account(&rpc, &customer.address().to_string()).await.1 == 1).then_some(());
    eventually("the honest transfer is executed", LIMIT, executed).await;
    assert!(unwanted(&rpc, &honest).await.contains("already exists"), "a replay while it is remembered");
    // A node that was killed remembers nothing but the chain.
    signal(network.node_pid(0), "-KILL");
    let replayed = eventually("the node is back", LIMIT, async || rpc.broadcast_sync(&honest).await.ok()).await;
    assert_eq!((replayed.codespace, replayed.code), sdk(32), "a replay after a restart");

    assert!(network.reach(0, network.height(0) + 2, LIMIT), "blocks go on");
    supply_adds_up(&rpc).await;
    assert!(network.stop());
}

/// Resident memory of a process.
fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a running process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// Sends what it is given; returns how many were kept, refused for their sequence, and refused for want of room.
async fn flood(rpc: RpcClient, txs: Vec<Vec<u8>>) -> [usize; 3] {
    let mut outcomes = [0; 3];
    for raw in txs {
        let outcome = match rpc.broadcast_sync(&raw).await {
            Ok(checked) if checked.code == 0 => 0,
            Ok(checked) if checked.codespace == "sdk" && checked.code == 32 => 1,
            Err(ClientError::Rpc { message, .. }) if message.contains("mempool is full") => 2,
            other => panic!("neither kept nor refused as expected: {other:?}"),
        };
        outcomes[outcome] += 1;
    }
    outcomes
}

/// The slowest of an honest account's transfers while `flooding` runs.
async fn served(honest: &TxClient, to: &str, flooding: &tokio::task::JoinHandle<[usize; 3]>) -> Duration {
    let mut slowest = Duration::ZERO;
    loop {
        let asked = Instant::now();
        honest.send(vec![transfer(honest, to, 1)]).await.expect("an honest transfer is executed");
        slowest = slowest.max(asked.elapsed());
        if flooding.is_finished() {
            return slowest;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_transactions_of_one_account_neither_fill_the_node_nor_stop_the_others() {
    let (home, base) = (directory(), free_base());
    let network = Localnet::start(home.path(), base, &[]);
    network.step("provider_started");
    let rpc = client(&network);
    let honest = signer(&network, "faucet").await;
    let customer = signer(&network, "customer").await;
    let forger = Forger::of(&network, "customer").await;
    let to = honest.address().to_string();
    let message = transfer(&customer, &to, 1);
    let next: Vec<Vec<u8>> = (0..5_000).map(|sequence| forger.sign(message.clone(), sequence, CHAIN)).collect();
    let future: Vec<Vec<u8>> =
        (5_000..10_000).rev().map(|sequence| forger.sign(message.clone(), sequence, CHAIN)).collect();

    let before = resident_kib(network.node_pid(0));
    let started = Instant::now();
    let distant = tokio::spawn(flood(rpc.clone(), future));
    let flooding = tokio::spawn(flood(client(&network), next));
    let slowest = served(&honest, &to, &flooding).await;
    let [kept, gaps, full] = flooding.await.expect("the flood");
    assert_eq!(distant.await.expect("the flood"), [0, 5_000, 0], "nothing is kept beyond a gap");
    let grown = resident_kib(network.node_pid(0)).saturating_sub(before);
    println!(
        "10,000 in {:.1} s: {kept} kept, {gaps} after a gap, {full} without room; the slowest honest transfer took {:.1} s; \
         the node grew by {grown} KiB",
        started.elapsed().as_secs_f64(),
        slowest.as_secs_f64(),
    );
    assert!(kept >= 64 && kept + gaps + full == 5_000);
    assert!(slowest < FAIR, "{slowest:?}");
    assert!(grown < MAX_GROWTH_KIB, "{grown} KiB");
    let waiting = network.rpc(0, "num_unconfirmed_txs", json!({})).expect("answered");
    let waiting: usize = waiting["total"].as_str().expect("a count").parse().expect("a number");
    assert!(waiting <= 64 + 1, "one account waits with {waiting}");

    // What was kept is executed in order, and the account goes on.
    let address = customer.address().to_string();
    eventually("the kept ones are executed", Duration::from_secs(60), async || {
        (account(&rpc, &address).await.1 >= kept as u64).then_some(())
    })
    .await;
    customer.send(vec![message]).await.expect("the account can send again");
    supply_adds_up(&rpc).await;
    assert!(network.stop());
}
