//! State read with ICS-23 proofs against a verified header, as wallets and bridges without trust in the node do.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ics23::commitment_proof::Proof;
use ics23::{CommitmentProof, HostFunctionsManager};
use prost_ics23::Message as _;
use serde_json::{Value, json};
use tendermint_light_client_verifier::Verdict;
use ve_base::value::Value as _;
use ve_base::{Address, Amount, BASE_DENOM};
use ve_client::RpcClient;
use ve_store::proof::{STORE_NAME, proof_specs};

use crate::chain::{client, signer, supply_at};
use crate::light::{commit, light_block, usual, verdict};
use crate::support::{Localnet, directory, free_base};

/// The key of a balance, written down here as a client in another language has to: module, table, address, denom.
fn balance_key(address: &Address) -> Vec<u8> {
    let bytes = address.as_bytes();
    [&[4], &b"bank"[..], &[2, bytes.len() as u8], bytes, BASE_DENOM.as_bytes(), &[0, 1]].concat()
}

fn supply_key() -> Vec<u8> {
    [&[4], &b"bank"[..], &[1], BASE_DENOM.as_bytes(), &[0, 1]].concat()
}

struct Proven {
    key: Vec<u8>,
    value: Vec<u8>,
    tree: CommitmentProof,
    stores: CommitmentProof,
}

async fn proven(rpc: &RpcClient, height: u64, key: Vec<u8>) -> Proven {
    let path = "/store/main/key";
    let asked = json!({"path": path, "data": hex::encode(&key), "height": height.to_string(), "prove": true});
    let answer = rpc.call("abci_query", asked).await.expect("answered");
    let response = &answer["response"];
    assert_eq!((&response["code"], &response["height"]), (&json!(0), &json!(height.to_string())), "{response}");
    let bytes = |value: &Value| STANDARD.decode(value.as_str().unwrap_or_default()).expect("base64");
    let proof = |index: usize| {
        let data = bytes(&response["proofOps"]["ops"][index]["data"]);
        CommitmentProof::decode(data.as_slice()).expect("a proof")
    };
    Proven { key, value: bytes(&response["value"]), tree: proof(0), stores: proof(1) }
}

impl Proven {
    /// The store's root, if the second proof leads from it to `root`.
    fn store_root(&self, root: &[u8]) -> Option<Vec<u8>> {
        let Some(Proof::Exist(store)) = &self.stores.proof else { return None };
        let [_, stores] = proof_specs();
        let (name, value) = (STORE_NAME.as_bytes(), store.value.clone());
        ics23::verify_membership::<HostFunctionsManager>(&self.stores, &stores, &root.to_vec(), name, &value)
            .then_some(value)
    }

    fn shows(&self, root: &[u8], value: &[u8]) -> bool {
        let [tree, _] = proof_specs();
        self.store_root(root).is_some_and(|root| {
            ics23::verify_membership::<HostFunctionsManager>(&self.tree, &tree, &root, &self.key, value)
        })
    }

    fn shows_absence(&self, root: &[u8]) -> bool {
        let [tree, _] = proof_specs();
        self.store_root(root).is_some_and(|root| {
            ics23::verify_non_membership::<HostFunctionsManager>(&self.tree, &tree, &root, &self.key)
        })
    }

    fn amount(&self) -> Amount {
        Amount::from_state(&self.value).expect("an amount")
    }
}

#[tokio::test]
async fn a_balance_is_proven_by_the_next_header_and_a_tampered_one_is_not() {
    let (home, base) = (directory(), free_base());
    let network = Localnet::start(home.path(), base, &[]);
    network.step("provider_started");
    let height = network.height(0);
    assert!(network.reach(0, height + 2, Duration::from_secs(30)));
    let block = |height: u64| light_block(&network, height, commit(&network, height));
    let header = block(height + 1);
    assert_eq!(verdict(&block(height), &header, &usual()), Verdict::Success);
    let root = header.signed_header.header.app_hash.as_bytes().to_vec();
    let rpc = client(&network);

    let customer = signer(&network, "customer").await;
    let held = proven(&rpc, height, balance_key(customer.address())).await;
    assert!(held.shows(&root, &held.value));
    assert_eq!(held.amount(), Amount::from(100_000_000_000u64), "the customer has spent nothing yet");
    let mut more = held.value.clone();
    *more.last_mut().expect("a value") ^= 1;
    assert!(!held.shows(&root, &more), "a tampered value");
    let previous = block(height).signed_header.header.app_hash.as_bytes().to_vec();
    assert!(!held.shows(&previous, &held.value), "the hash in the block's own header is of the state before it");
    assert!(!held.shows_absence(&root));

    let total = proven(&rpc, height, supply_key()).await;
    assert!(total.shows(&root, &total.value));
    assert_eq!(total.amount().to_string(), supply_at(&rpc, height).await.to_string());

    let stranger = Address::try_from(&[9u8; 20][..]).expect("an address");
    let absent = proven(&rpc, height, balance_key(&stranger)).await;
    assert!(absent.shows_absence(&root), "an account without money");
    assert!(!absent.shows(&root, &[1]), "money from nowhere");
    let hidden = Proven { tree: absent.tree, ..held };
    assert!(!hidden.shows_absence(&root), "another key's absence hides no balance");
    assert!(network.stop());
}
