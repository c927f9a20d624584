//! Random operation of the whole application from one seed.
//!
//! Every module contributes generators ([`ve_sdk::simulation::Operation`]); the driver adds hostile transactions of its
//! own: replays, wrong sequences, damaged bytes, and messages that only governance may send. The same seed makes the
//! same blocks on every machine, so a failing seed is a complete report.

mod consensus;
mod draws;
mod hostile;
mod modes;

pub use draws::Draws;
pub use modes::{Scale, crash_restart, export_import, full, lean};

use std::collections::{BTreeMap, BTreeSet};

use ve_app::Options;
use ve_base::{Address, BlockTime};
use ve_proto::ve::roles::v1::{QueryAccountsRequest, QueryAccountsResponse};
use ve_sdk::application::{BlockInput, FinalizeBlockResponse};
use ve_sdk::simulation::{Draw, Expect, Operation, Proposed};

use crate::chain::{self, Account, TestChain};
use hostile::Hostile;

/// Accounts that the simulation signs for.
const ACCOUNTS: u32 = 12;
/// Draws of an operation before a place in the block stays empty.
const ATTEMPTS: u32 = 6;

/// How often transactions of one type were accepted and refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub accepted: u64,
    pub refused: u64,
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// After each block.
    pub app_hashes: Vec<Vec<u8>>,
    /// By type URL, and by kind of attack for the driver's own transactions.
    pub tally: BTreeMap<String, Tally>,
    /// Results that contradict what the generator foresaw.
    pub surprises: Vec<String>,
}

/// A transaction of the block that is being built, and what should become of it.
struct Planned {
    raw: Vec<u8>,
    name: String,
    expect: Expect,
}

pub struct Simulation {
    pub chain: TestChain,
    draws: Draws,
    operations: Vec<Operation>,
    hostile: Hostile,
    planned: Vec<Planned>,
    pub trace: Trace,
}

impl Simulation {
    pub fn new(seed: u64, options: Options) -> Self {
        let accounts: Vec<Account> = (0..ACCOUNTS).map(Account::number).collect();
        let mut state = chain::app_state(&accounts);
        // Rare blocks come days after the one before. With the usual patience for silent daemons such a pause would end
        // the business of all providers at once.
        state["provider"]["params"]["silence_seconds"] = (3 * 86_400u64).to_string().into();
        let attesters: Vec<String> = accounts.iter().take(3).map(|account| account.address.to_string()).collect();
        bonded_attesters(&mut state, &attesters);
        let client = ve_chain_identity::veid::simulated_client().expect("its key is valid");
        let client = ve_sdk::json::to_json(&client).expect("it has a schema");
        // Members are drawn by chance like everybody else, so they need more time than enclaves.
        state["veid"]["params"]["phase_seconds"] = 3_600u64.to_string().into();
        state["veid"]["clients"] = vec![client].into();
        simulated_enclaves(&mut state);
        // Nobody is verified before the first block, so that what needs a tier would be refused to everybody.
        for row in state["veid"]["params"]["capabilities"].as_array_mut().expect("the matrix is a list") {
            row["enforced"] = false.into();
        }
        chain::seat(&mut state, &accounts);
        let time = BlockTime { seconds: chain::GENESIS_SECONDS, nanos: 0 };
        Self::on(TestChain::from_state(accounts, state, options, 0, time), Draws::new(seed))
    }

    /// Goes on with a chain that exists.
    pub fn on(chain: TestChain, draws: Draws) -> Self {
        let hostile = Hostile::new(&ve_app::registry().expect("the modules register without a clash"));
        let operations = ve_app::modules().iter().flat_map(|module| module.operations()).collect();
        Self { chain, draws, operations, hostile, planned: Vec::new(), trace: Trace::default() }
    }

    /// Builds the next block of at most `txs` transactions without running it.
    pub fn plan(&mut self, txs: u64) -> BlockInput {
        let addresses: Vec<Address> = self.chain.accounts.iter().map(|account| account.address.clone()).collect();
        let mut sequences = BTreeMap::new();
        self.planned.clear();
        for _ in 0..self.draws.below(txs + 1) {
            if self.draws.below(10) == 0 {
                self.planned.extend(self.hostile.transaction(&mut self.draws, &self.chain, &mut sequences));
            } else if let Some(proposed) = self.propose(&addresses) {
                let planned = self.sign(proposed, &mut sequences);
                self.planned.extend(planned);
            }
        }
        let mut block = self.chain.block(self.planned.iter().map(|planned| planned.raw.clone()).collect());
        let pause = self.pause();
        block.time = self.chain.time.plus_seconds(pause);
        consensus::decide(&mut self.draws, &self.chain, &mut block);
        block
    }

    /// Seconds to the next block: mostly few, rarely so many that unbondings and leases run out.
    fn pause(&mut self) -> u64 {
        match self.draws.below(100) {
            0 => 1 + self.draws.below(3 * 86_400),
            1..10 => 1 + self.draws.below(3_600),
            _ => 1 + self.draws.below(10),
        }
    }

    fn propose(&mut self, addresses: &[Address]) -> Option<Proposed> {
        let total: u64 = self.operations.iter().map(|operation| operation.weight).sum();
        for _ in 0..ATTEMPTS {
            let mut left = self.draws.below(total);
            let chosen = self.operations.iter().find(|operation| {
                let found = left < operation.weight;
                left = left.saturating_sub(operation.weight);
                found
            })?;
            let (generate, draws) = (chosen.generate, &mut self.draws);
            let proposed = self.chain.app.read(|ctx| generate(draws, ctx, addresses)).flatten();
            if proposed.is_some() {
                return proposed;
            }
        }
        None
    }

    /// `None` when the generator names a signer whose key the driver does not have.
    fn sign(&mut self, proposed: Proposed, sequences: &mut Sequences) -> Option<Planned> {
        let signer = self.chain.accounts.iter().find(|account| account.address == proposed.signer)?;
        let (number, sequence) = next_sequence(&self.chain, &signer.address, sequences);
        let name = proposed.message.type_url.clone();
        let expect = if self.restricted(&signer.address, &proposed.message) { Expect::Either } else { proposed.expect };
        let raw = chain::sign(signer, number, sequence, vec![proposed.message]);
        self.hostile.remember(&raw, &signer.address, sequence);
        Some(Planned { raw, name, expect })
    }

    /// Whether the message involves an account that is not active: most generators do not ask.
    fn restricted(&self, signer: &Address, message: &prost_types::Any) -> bool {
        let request = QueryAccountsRequest::default();
        let response: QueryAccountsResponse =
            self.chain.query("/ve.roles.v1.Query/Accounts", &request).expect("states are served");
        response.accounts.iter().any(|status| {
            let text = status.account.as_bytes();
            status.account == signer.to_string() || message.value.windows(text.len()).any(|part| part == text)
        })
    }

    /// Executes and commits what [`Simulation::plan`] made, and compares the results with what was foreseen.
    pub fn run(&mut self, block: &BlockInput) {
        let response = self.chain.run_block(block);
        self.record(block, response);
    }

    /// Takes over the results of a block that was run in another way.
    pub fn record(&mut self, block: &BlockInput, response: FinalizeBlockResponse) {
        for (at, (planned, result)) in self.planned.iter().zip(&response.tx_results).enumerate() {
            let tally = self.trace.tally.entry(planned.name.clone()).or_default();
            let accepted = result.code == 0;
            *(if accepted { &mut tally.accepted } else { &mut tally.refused }) += 1;
            // A later transaction can be overtaken by those before it; the first one cannot.
            let is_surprise = match planned.expect {
                // Accounts with factors are asked for proofs, which most generators do not bring.
                Expect::Accepted => !accepted && at == 0 && result.codespace != "mfa",
                Expect::Refused => accepted && (at == 0 || planned.name.starts_with("hostile")),
                Expect::Either => false,
            };
            if is_surprise {
                let Planned { name, expect, .. } = planned;
                self.trace.surprises.push(format!("height {}: {name}, {expect:?}: {}", block.height, result.log));
            }
        }
        self.trace.app_hashes.push(response.app_hash);
    }

    /// Messages that only the driver sends, and that are always refused.
    pub fn only_governance_may_send(type_url: &str) -> bool {
        hostile::only_governance_may_send(type_url)
    }

    /// Message types of the application that neither a module nor the driver generates.
    pub fn without_generator() -> BTreeSet<String> {
        let generated: BTreeSet<&str> = ve_app::modules()
            .iter()
            .flat_map(|module| module.operations())
            .map(|operation| operation.message)
            .collect();
        let registry = ve_app::registry().expect("the modules register without a clash");
        let known = |name: &&str| !generated.contains(*name) && !hostile::only_governance_may_send(name);
        registry.message_types().filter(known).map(str::to_owned).collect()
    }
}

/// Enclaves without hardware, of validators whom nobody verified, with the same patience.
fn simulated_enclaves(state: &mut serde_json::Value) {
    let enclave = &mut state["enclave"];
    enclave["allow_simulated"] = true.into();
    enclave["params"]["candidate_score"] = 0.into();
    enclave["params"]["cooldown_seconds"] = 5.to_string().into();
    enclave["params"]["heartbeat_seconds"] = 60.to_string().into();
    enclave["params"]["silence_seconds"] = 86_400.to_string().into();
    enclave["params"]["epoch_seconds"] = 600.to_string().into();
    enclave["measurements"] =
        serde_json::json!([{"hash": "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=", "tee": "TEE_SIMULATED"}]);
}

/// Attesters that governance approved before the first block, each with its bond.
fn bonded_attesters(state: &mut serde_json::Value, addresses: &[String]) {
    const BOND: u64 = 1_000_000_000;
    let attester = |address: &String| {
        serde_json::json!({
            "address": address, "name": "simulated", "organisation": address, "bond": BOND.to_string(), "slashed": "0",
            "kinds": ["KIND_EMAIL", "KIND_DOMAIN"], "state": "ATTESTER_STATE_ACTIVE",
        })
    };
    state["attester"]["attesters"] = addresses.iter().map(attester).collect();
    let sum = BOND * addresses.len() as u64;
    let held = serde_json::json!({
        "address": ve_base::module_address("attester_bond").to_string(),
        "coins": [{"denom": "uve", "amount": sum.to_string()}],
    });
    state["bank"]["balances"].as_array_mut().expect("balances are a list").push(held);
}

/// Number and next sequence of the accounts that signed in the block that is being built.
type Sequences = BTreeMap<Address, (u64, u64)>;

fn next_sequence(chain: &TestChain, address: &Address, sequences: &mut Sequences) -> (u64, u64) {
    let entry = sequences.entry(address.clone()).or_insert_with(|| {
        let account = chain.account(address);
        (account.account_number, account.sequence)
    });
    let now = *entry;
    entry.1 += 1;
    now
}
