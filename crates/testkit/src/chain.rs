//! One application with its own directory, clock and accounts.

use std::path::Path;

use prost::{Message, Name};
use serde_json::{Value, json};
use tempfile::TempDir;
use ve_app::{App, Options};
use ve_base::keys::{PublicKey, SecretKey, hd};
use ve_base::tx::direct_bytes;
use ve_base::{Address, Amount, BlockTime};
use ve_proto::cosmos::auth::v1beta1::{BaseAccount, QueryAccountRequest, QueryAccountResponse};
use ve_proto::cosmos::bank::v1beta1::{QueryBalanceRequest, QueryBalanceResponse};
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::cosmos::tx::signing::v1beta1::SignMode;
use ve_proto::cosmos::tx::v1beta1::mode_info::{Single, Sum};
use ve_proto::cosmos::tx::v1beta1::{AuthInfo, Fee, ModeInfo, SignerInfo, TxBody, TxRaw};
use ve_sdk::application::{
    Application, BlockInput, CheckKind, CheckTxResult, ConsensusParams, FinalizeBlockResponse, InitChain, LastCommit,
    Query,
};

pub const CHAIN_ID: &str = "ve-test-1";
/// Balance of every account at genesis: 10 million VE.
pub const ENDOWMENT: u128 = 10_000_000_000_000;
pub(crate) const GENESIS_SECONDS: i64 = 1_750_000_000;
const PHRASE: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

/// A key with its address.
pub struct Account {
    pub key: SecretKey,
    pub address: Address,
}

impl Account {
    /// The same accounts in every run.
    pub fn number(index: u32) -> Self {
        let key = hd::derive(PHRASE, 0, index).expect("the phrase is valid");
        let address = key.public_key().address();
        Self { key, address }
    }
}

pub struct TestChain {
    pub app: App,
    pub accounts: Vec<Account>,
    pub height: u64,
    pub time: BlockTime,
    directory: TempDir,
    options: Options,
}

fn open(path: &Path, options: Options) -> App {
    App::open_release(path, options, crate::committee::release()).expect("the directory opens")
}

/// Invariants are checked after every block.
pub fn checked_options() -> Options {
    Options { check_invariants: true, ..Options::default() }
}

impl TestChain {
    /// A chain at genesis with `accounts` funded accounts; invariants are checked after every block.
    pub fn new(accounts: u32) -> Self {
        Self::with_genesis(accounts, |_| {})
    }

    /// As [`TestChain::new`] after `change` edited the `app_state`.
    pub fn with_genesis(accounts: u32, change: impl FnOnce(&mut Value)) -> Self {
        let accounts: Vec<Account> = (0..accounts).map(Account::number).collect();
        let mut app_state = app_state(&accounts);
        change(&mut app_state);
        let time = BlockTime { seconds: GENESIS_SECONDS, nanos: 0 };
        Self::from_state(accounts, app_state, checked_options(), 0, time)
    }

    /// A chain in a directory of its own whose first block follows `height`, at genesis with `app_state`.
    pub fn from_state(
        accounts: Vec<Account>,
        app_state: Value,
        options: Options,
        height: u64,
        time: BlockTime,
    ) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let app = open(directory.path(), options.clone());
        app.init_chain(InitChain {
            chain_id: CHAIN_ID.into(),
            genesis_time: time,
            initial_height: height + 1,
            consensus_params: ConsensusParams::default(),
            app_state: app_state.into(),
        })
        .expect("the genesis is valid");
        Self { app, accounts, height, time, directory, options }
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Closes the application without any goodbye and opens it again on the same directory.
    pub fn restart(self) -> Self {
        let options = self.options.clone();
        self.restart_with(|path| open(path, options))
    }

    /// As [`TestChain::restart`] with another way to open the directory.
    pub fn restart_with(mut self, open: impl FnOnce(&Path) -> App) -> Self {
        drop(self.app);
        self.app = open(self.directory.path());
        self
    }

    /// The next block without executing it, five seconds after the last.
    pub fn block(&self, txs: Vec<Vec<u8>>) -> BlockInput {
        BlockInput {
            height: self.height + 1,
            time: self.time.plus_seconds(5),
            hash: vec![1; 32],
            proposer_address: [7; 20],
            next_validators_hash: vec![2; 32],
            proposer_order: [3; 32],
            last_commit: LastCommit::default(),
            misbehavior: Vec::new(),
            txs: txs.into_iter().map(Into::into).collect(),
        }
    }

    /// Executes and commits the next block.
    pub fn run(&mut self, txs: Vec<Vec<u8>>) -> FinalizeBlockResponse {
        let block = self.block(txs);
        self.run_block(&block)
    }

    pub fn run_block(&mut self, block: &BlockInput) -> FinalizeBlockResponse {
        let response = self.app.finalize_block(block).expect("the block executes");
        self.app.commit().expect("the block commits");
        self.app.advance_checks();
        (self.height, self.time) = (block.height, block.time);
        response
    }

    /// Runs empty blocks until `seconds` have passed.
    pub fn wait(&mut self, seconds: u64) {
        let until = self.time.plus_seconds(seconds);
        while self.time < until {
            self.run(Vec::new());
        }
    }

    pub fn check(&self, tx: &[u8]) -> CheckTxResult {
        self.app.check_tx(&tx.to_vec().into(), CheckKind::New)
    }

    /// A transaction of one account with its current sequence.
    pub fn tx<M: Message + Name>(&self, from: usize, message: &M) -> Vec<u8> {
        let sequence = self.account(&self.accounts[from].address).sequence;
        self.tx_with(from, sequence, vec![any(message)])
    }

    /// A transaction of one account with a chosen sequence and messages.
    pub fn tx_with(&self, from: usize, sequence: u64, messages: Vec<prost_types::Any>) -> Vec<u8> {
        let signer = &self.accounts[from];
        let number = self.account(&signer.address).account_number;
        sign(signer, number, sequence, messages)
    }

    /// A transaction of one account with its current sequence, whose fee `granter` pays.
    pub fn tx_paid_by<M: Message + Name>(&self, from: usize, granter: &Address, message: &M) -> Vec<u8> {
        let signer = &self.accounts[from];
        let account = self.account(&signer.address);
        sign_changed(signer, account.account_number, account.sequence, vec![any(message)], |_, auth_info| {
            auth_info.fee.get_or_insert_default().granter = granter.to_string();
        })
    }

    /// Runs a block with one transaction and returns its result.
    pub fn deliver<M: Message + Name>(&mut self, from: usize, message: &M) -> ve_sdk::application::TxResult {
        let tx = self.tx(from, message);
        self.run(vec![tx]).tx_results.remove(0)
    }

    pub fn query<Q: Message, R: Message + Default>(&self, path: &str, request: &Q) -> Result<R, String> {
        let query = Query { path: path.into(), data: request.encode_to_vec().into(), height: 0, prove: false };
        let result = self.app.query(&query);
        if result.code != 0 {
            return Err(result.log);
        }
        R::decode(result.value).map_err(|error| error.to_string())
    }

    pub fn account(&self, address: &Address) -> BaseAccount {
        let request = QueryAccountRequest { address: address.to_string() };
        let response: QueryAccountResponse =
            self.query("/cosmos.auth.v1beta1.Query/Account", &request).expect("the account exists");
        let any = response.account.expect("the response has the account");
        BaseAccount::decode(any.value.as_slice()).expect("a base account")
    }

    pub fn balance(&self, address: &Address) -> Amount {
        let request = QueryBalanceRequest { address: address.to_string(), denom: "uve".into() };
        let response: QueryBalanceResponse =
            self.query("/cosmos.bank.v1beta1.Query/Balance", &request).expect("balances are served");
        response.balance.expect("the response has the balance").amount.parse().expect("an amount")
    }
}

/// A consensus key that nobody has the secret of, different for each of a few validators.
pub fn consensus_key(index: u32) -> [u8; 32] {
    let candidate = |first| {
        let mut bytes = [u8::try_from(index).expect("few validators") + 1; 32];
        bytes[0] = first;
        bytes
    };
    let point = |bytes: &[u8; 32]| PublicKey::Ed25519(*bytes).check().is_ok();
    (0..=255u8).map(candidate).find(point).expect("every second encoding is a point")
}

pub fn any<M: Message + Name>(message: &M) -> prost_types::Any {
    prost_types::Any { type_url: M::type_url(), value: message.encode_to_vec() }
}

/// Gas limit and fee of transactions that tests make.
pub const GAS: u64 = 500_000;
pub const FEE: u64 = 5_000;

pub fn sign(signer: &Account, number: u64, sequence: u64, messages: Vec<prost_types::Any>) -> Vec<u8> {
    sign_changed(signer, number, sequence, messages, |_, _| {})
}

/// As [`sign`] after `change` edited what is signed.
pub fn sign_changed(
    signer: &Account,
    number: u64,
    sequence: u64,
    messages: Vec<prost_types::Any>,
    change: impl FnOnce(&mut TxBody, &mut AuthInfo),
) -> Vec<u8> {
    let mut body = TxBody { messages, ..TxBody::default() };
    let mut auth_info = AuthInfo {
        signer_infos: vec![SignerInfo {
            public_key: Some(signer.key.public_key().to_any()),
            mode_info: Some(ModeInfo { sum: Some(Sum::Single(Single { mode: SignMode::Direct as i32 })) }),
            sequence,
        }],
        fee: Some(Fee {
            amount: vec![Coin { denom: "uve".into(), amount: FEE.to_string() }],
            gas_limit: GAS,
            ..Fee::default()
        }),
        ..AuthInfo::default()
    };
    change(&mut body, &mut auth_info);
    let (body_bytes, auth_info_bytes) = (body.encode_to_vec(), auth_info.encode_to_vec());
    let signature = signer.key.sign(&direct_bytes(&body_bytes, &auth_info_bytes, CHAIN_ID, number)).to_vec();
    TxRaw { body_bytes, auth_info_bytes, signatures: vec![signature] }.encode_to_vec()
}

pub(crate) fn app_state(accounts: &[Account]) -> Value {
    let mut state = serde_json::Map::new();
    for module in ve_app::modules() {
        state.insert(module.name().to_owned(), module.default_genesis());
    }
    let mut state = Value::Object(state);
    state["auth"]["accounts"] = accounts
        .iter()
        .enumerate()
        .map(|(index, account)| {
            json!({
                "@type": "/cosmos.auth.v1beta1.BaseAccount",
                "address": account.address.to_string(),
                "account_number": index.to_string(),
            })
        })
        .collect();
    state["bank"]["balances"] = accounts
        .iter()
        .map(|account| {
            json!({
                "address": account.address.to_string(),
                "coins": [{"denom": "uve", "amount": ENDOWMENT.to_string()}],
            })
        })
        .collect();
    state
}

/// Gives roles to the first accounts (0 leads; 0, 1 and 2 administer; 3 moderates; 4 sells) and terminates the last of
/// twelve or more, long ago.
pub fn seat(state: &mut Value, accounts: &[Account]) {
    let role = |at: usize, role: &str| json!({"account": accounts[at].address.to_string(), "role": role, "assigned_at": "0", "cause": "genesis"});
    state["roles"]["assignments"] = json!([
        role(0, "ROLE_GENESIS_ACCOUNT"),
        role(0, "ROLE_ADMINISTRATOR"),
        role(1, "ROLE_ADMINISTRATOR"),
        role(2, "ROLE_ADMINISTRATOR"),
        role(3, "ROLE_MODERATOR"),
        role(4, "ROLE_SERVICE_PROVIDER"),
    ]);
    if let Some(last) = accounts.get(11..).and_then(<[Account]>::last) {
        state["roles"]["accounts"] = json!([{
            "account": last.address.to_string(),
            "state": "ACCOUNT_STATE_TERMINATED",
            "since": "1000000000",
            "cause": "action/0",
            "outflow": "0",
        }]);
    }
}
