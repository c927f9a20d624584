//! A new network: accounts with play money, validators with stake, one genesis file for all nodes.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use ve_base::keys::hd;
use ve_base::{Address, Amount};
use ve_chain_core::staking::{GenesisValidator, add_validator};
use ve_node::config::{Home, NodeConfig};
use ve_node::genesis::Genesis;
use ve_node::node::{create_keys, init_home};

use super::layout::{AccountEntry, CHAIN_ID, Descriptor, Layout, PortPlan};
use crate::provider::new_phrase;

/// The whole supply: 10^9 VE in `uve`.
const SUPPLY: u128 = 1_000_000_000_000_000;
const VALIDATOR: u128 = 10_000_000_000_000;
const SELF_BOND: u128 = 1_000_000_000_000;
const PROVIDER: u128 = 100_000_000_000;
const CUSTOMER: u128 = 100_000_000_000;

struct Account {
    entry: AccountEntry,
    address: Address,
    balance: u128,
}

fn account(name: String, balance: u128) -> Result<Account> {
    let phrase = new_phrase()?;
    let address = hd::derive(&phrase, 0, 0)?.public_key().address();
    let entry =
        AccountEntry { name, address: address.to_string(), mnemonic: phrase.to_string(), balance: balance.to_string() };
    Ok(Account { entry, address, balance })
}

/// Writes node homes, genesis and descriptor of a network that does not exist yet.
pub fn create(layout: &Layout, ports: PortPlan, validators: u16) -> Result<Descriptor> {
    let mut accounts = Vec::new();
    let validator_total = VALIDATOR * u128::from(validators);
    accounts.push(account("faucet".into(), SUPPLY - validator_total - PROVIDER - CUSTOMER)?);
    for index in 0..validators {
        let name = if index == 0 { "validator".to_owned() } else { format!("validator{index}") };
        accounts.push(account(name, VALIDATOR)?);
    }
    accounts.push(account("provider".into(), PROVIDER)?);
    accounts.push(account("customer".into(), CUSTOMER)?);

    let mut app_state = app_state(&accounts);
    app_state["roles"]["assignments"] = roles(&accounts);
    for index in 0..validators {
        let identity = create_keys(&Home(layout.node(index)))?;
        let operator = accounts.get(usize::from(index) + 1).context("every validator has an account")?;
        add_validator(
            &mut app_state,
            &GenesisValidator {
                account: operator.address.clone(),
                consensus_key: identity.validator_key,
                moniker: format!("node{index}"),
                self_bond: Amount::from(SELF_BOND),
            },
        )?;
    }
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let genesis = Genesis::new(CHAIN_ID, i64::try_from(seconds)?, app_state, Vec::new());
    for index in 0..validators {
        init_home(&Home(layout.node(index)), &genesis, &node_config(ports, index, validators)?)?;
    }
    let descriptor = Descriptor {
        chain_id: CHAIN_ID.into(),
        accounts: accounts.into_iter().map(|account| account.entry).collect(),
        ..Descriptor::default()
    };
    descriptor.save(&layout.descriptor())?;
    Ok(descriptor)
}

/// The faucet leads; it and the first validator administer the network.
fn roles(accounts: &[Account]) -> Value {
    let assigned = [
        ("faucet", "ROLE_GENESIS_ACCOUNT"),
        ("faucet", "ROLE_ADMINISTRATOR"),
        ("validator", "ROLE_ADMINISTRATOR"),
        ("validator", "ROLE_VALIDATOR"),
        ("validator", "ROLE_MODERATOR"),
        ("provider", "ROLE_SERVICE_PROVIDER"),
        ("customer", "ROLE_CUSTOMER"),
    ];
    let address = |name: &str| accounts.iter().find(|account| account.entry.name == name);
    let assignment = |(name, role): (&str, &str)| {
        let account = &address(name)?.entry.address;
        Some(json!({"account": account, "role": role, "assigned_at": "0", "cause": "genesis"}))
    };
    assigned.into_iter().filter_map(assignment).collect()
}

/// The settings of one node, with all other nodes as peers.
pub fn node_config(ports: PortPlan, index: u16, nodes: u16) -> Result<NodeConfig> {
    let others = || (0..nodes).filter(move |other| *other != index).map(move |other| ports.node(other));
    let mut config = NodeConfig { moniker: format!("node{index}"), ..NodeConfig::default() };
    ports.node(index).apply(&mut config);
    config.p2p.max_per_ip = 64;
    config.p2p.persistent_peers = others().map(|peer| format!("/ip4/127.0.0.1/tcp/{}", peer.p2p)).collect();
    config.p2p.tx_peers = others().map(|peer| format!("/ip4/127.0.0.1/tcp/{}", peer.gossip)).collect();
    config.app.check_invariants = true;
    // So that starting from a snapshot can be tried soon.
    config.snapshots.interval = 20;
    Ok(config)
}

fn app_state(accounts: &[Account]) -> Value {
    let mut state = serde_json::Map::new();
    for module in ve_app::modules() {
        state.insert(module.name().to_owned(), module.default_genesis());
    }
    let mut state = Value::Object(state);
    state["auth"]["accounts"] = accounts
        .iter()
        .enumerate()
        .map(|(number, account)| {
            json!({
                "@type": "/cosmos.auth.v1beta1.BaseAccount",
                "address": account.entry.address,
                "account_number": number.to_string(),
            })
        })
        .collect();
    state["bank"]["balances"] = accounts
        .iter()
        .map(|account| {
            json!({
                "address": account.entry.address,
                "coins": [{"denom": ve_base::BASE_DENOM, "amount": account.balance.to_string()}],
            })
        })
        .collect();
    state
}
