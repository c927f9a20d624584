//! Homes of a new network whose genesis file has many accounts. The file is written as a stream: with a million accounts
//! it is too large for a tree in memory.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use serde_json::{Value, json};
use ve_base::{Address, Amount, BlockTime};
use ve_chain_core::staking::{GenesisValidator, add_validator};
use ve_sdk::application::ConsensusParams;

use crate::node::{Node, Usage};
use crate::plan::{Doing, Failure, Plan};
use crate::transfers::{bystander, key};

pub const CHAIN_ID: &str = "ve-bench-1";
/// In uve, of every account.
const BALANCE: u64 = 1_000_000_000;
const OPERATOR: u64 = 10_000_000_000_000;
const SELF_BOND: u64 = 1_000_000_000_000;

/// How one node took in the genesis file.
pub struct Loaded {
    pub seconds: f64,
    pub peak_kib: u64,
}

/// Makes homes with keys, configuration and one genesis file; nothing runs yet.
pub fn homes(plan: &Plan, directory: &Path, validators: u16) -> Result<Vec<Node>, Failure> {
    let mut nodes = Vec::new();
    let mut state = Value::Object(
        ve_app::modules().iter().map(|module| (module.name().to_owned(), module.default_genesis())).collect(),
    );
    state["admission"]["params"]["max_txs_per_block"] = plan.block_txs.to_string().into();
    // Full blocks would raise the price of gas beyond what the load pays.
    state["feemarket"]["params"]["rate_bps"] = 0.into();
    state["feemarket"]["params"]["congestion_boost_bps"] = 0.into();
    state["auth"]["accounts"] = (0..validators).map(|index| account(&operator(index), usize::from(index))).collect();
    state["bank"]["balances"] = (0..validators).map(|index| balance(&operator(index), OPERATOR)).collect();
    for index in 0..validators {
        let node = Node::create(plan, directory.join(format!("node{index}")), index, validators)?;
        add_validator(
            &mut state,
            &GenesisValidator {
                account: operator(index),
                consensus_key: consensus_key(node.home())?,
                moniker: format!("node{index}"),
                self_bond: Amount::from(SELF_BOND),
            },
        )
        .map_err(|error| Failure(error.log))?;
        nodes.push(node);
    }
    let path = directory.join("genesis.json");
    write(plan, &path, state, usize::from(validators)).doing(|| format!("write {}", path.display()))?;
    for node in &nodes {
        let own = node.home().join("config/genesis.json");
        std::fs::hard_link(&path, &own).doing(|| format!("link {}", own.display()))?;
    }
    Ok(nodes)
}

/// Lets the first node take in the genesis file, then gives what it made of it to the others: they would make the same.
pub fn load(nodes: &mut [Node]) -> Result<Loaded, Failure> {
    let (first, others) = nodes.split_first_mut().ok_or_else(|| Failure("a network without nodes".into()))?;
    let started = Instant::now();
    first.start()?;
    let seconds = started.elapsed().as_secs_f64();
    let peak_kib = Usage::of(first.pid()).peak_kib;
    first.stop();
    for other in others {
        for part in ["data/state", "data/blocks"] {
            copy(&first.home().join(part), &other.home().join(part))?;
        }
    }
    Ok(Loaded { seconds, peak_kib })
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(to).doing(|| format!("create {}", to.display()))?;
    for entry in std::fs::read_dir(from).doing(|| format!("read {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), &target).doing(|| format!("copy to {}", target.display()))?;
        }
    }
    Ok(())
}

fn operator(index: u16) -> Address {
    // Beyond all senders.
    key(usize::MAX / 4 + usize::from(index)).public_key().address()
}

fn consensus_key(home: &Path) -> Result<[u8; 32], Failure> {
    let path = home.join("config/priv_validator_key.json");
    let text = std::fs::read(&path).doing(|| format!("read {}", path.display()))?;
    let file: Value = serde_json::from_slice(&text).doing(|| path.display().to_string())?;
    let key = file["pub_key"]["value"].as_str().unwrap_or_default();
    let bytes = base64::engine::general_purpose::STANDARD.decode(key).doing(|| path.display().to_string())?;
    bytes.try_into().map_err(|_| Failure(format!("{} holds no ed25519 key", path.display())))
}

fn account(address: &Address, number: usize) -> Value {
    json!({
        "@type": "/cosmos.auth.v1beta1.BaseAccount",
        "address": address.to_string(),
        "account_number": number.to_string(),
    })
}

fn balance(address: &Address, amount: u64) -> Value {
    json!({"address": address.to_string(), "coins": [{"denom": "uve", "amount": amount.to_string()}]})
}

fn head(plan: &Plan) -> Value {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let time = BlockTime { seconds: seconds.try_into().unwrap_or(0), nanos: 0 };
    let params = ConsensusParams::default();
    let nanos = params.evidence_max_age_secs * 1_000_000_000;
    json!({
        "genesis_time": time.to_string(),
        "chain_id": CHAIN_ID,
        "initial_height": "1",
        "consensus_params": {
            "block": {"max_bytes": params.block_max_bytes.to_string(), "max_gas": plan.block_gas.to_string()},
            "evidence": {
                "max_age_num_blocks": params.evidence_max_age_blocks.to_string(),
                "max_age_duration": nanos.to_string(),
                "max_bytes": params.evidence_max_bytes.to_string(),
            },
            "validator": {"pub_key_types": ["ed25519"]},
            "version": {"app": params.app_version.to_string()},
            "abci": {"vote_extensions_enable_height": "0"},
        },
        "validators": [],
        "app_hash": "",
    })
}

/// Writes a JSON object up to where more members can follow.
fn open_object(out: &mut impl Write, object: &Value) -> std::io::Result<()> {
    let text = object.to_string();
    out.write_all(&text.as_bytes()[..text.len() - 1])
}

fn write(plan: &Plan, path: &Path, mut state: Value, first_number: usize) -> std::io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    open_object(&mut out, &head(plan))?;
    write!(out, ",\"app_state\":{{")?;
    for (index, (name, part)) in state.as_object_mut().into_iter().flatten().enumerate() {
        write!(out, "{}{}:", if index == 0 { "" } else { "," }, json!(name))?;
        let list = match name.as_str() {
            "auth" => "accounts",
            "bank" => "balances",
            _ => {
                write!(out, "{part}")?;
                continue;
            }
        };
        let given = part.as_object_mut().and_then(|object| object.remove(list)).unwrap_or_default();
        open_object(&mut out, part)?;
        write!(out, ",\"{list}\":[")?;
        for (index, entry) in given.as_array().into_iter().flatten().enumerate() {
            write!(out, "{}{entry}", if index == 0 { "" } else { "," })?;
        }
        for index in 0..plan.accounts {
            let address = if index < plan.senders() { key(index).public_key().address() } else { bystander(index) };
            let entry =
                if list == "accounts" { account(&address, first_number + index) } else { balance(&address, BALANCE) };
            write!(out, ",{entry}")?;
        }
        write!(out, "]}}")?;
    }
    write!(out, "}}}}")?;
    out.flush()
}
