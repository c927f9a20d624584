//! A small chain held in memory: three heights, one validator, an application that answers one query.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use prost::Message;
use prost_types::{Duration, Timestamp};
use tokio::sync::broadcast;
use ve_base::BlockTime;
use ve_proto::{
    any::pack,
    cosmos::{
        auth::v1beta1::{BaseAccount, QueryAccountRequest, QueryAccountResponse},
        bank::v1beta1::MsgSend,
        base::{abci::v1beta1::TxMsgData, v1beta1::Coin},
        staking::v1beta1::{Params as StakingParams, QueryParamsResponse},
        tx::v1beta1::{AuthInfo, Fee, TxBody, TxRaw},
    },
    tendermint::{
        abci::{Event, EventAttribute, ExecTxResult, ResponseFinalizeBlock, ValidatorUpdate},
        crypto::{PublicKey, public_key::Sum},
        p2p::{DefaultNodeInfo, DefaultNodeInfoOther, ProtocolVersion},
        types::{
            AbciParams, Block, BlockId, BlockIdFlag, BlockParams, Commit, CommitSig, ConsensusParams, Data, Evidence,
            EvidenceParams, Header, PartSetHeader, Validator, ValidatorParams, VersionParams,
        },
        version::Consensus,
    },
};
use ve_sdk::application::{
    AppInfo, Application, BlockInput, CheckKind, CheckTxResult, Fatal, FinalizeBlockResponse, InitChain,
    InitChainResponse, Query, QueryResult, TxResult, Verdict,
};

use super::{
    Backend,
    backend::{
        CommittedBlock, Found, MempoolView, NodeSettings, NodeView, Peer, RoundState, SignedCommit, StoredBlock,
        SubmitError, Submitted, ViewError,
    },
    services::Services,
};
use crate::evidence::EvidenceError;
use crate::index::Index;

pub const KEY: [u8; 32] = [7; 32];
pub const SENDER: &str = "ve19rl4cm2hmr8afy4kldpxz3fka4jguq0aqakfsa";

pub fn raw_tx(memo: &str) -> Bytes {
    let send = MsgSend {
        from_address: SENDER.into(),
        to_address: SENDER.into(),
        amount: vec![Coin { denom: "uve".into(), amount: "5".into() }],
    };
    let body = TxBody { messages: vec![pack(&send)], memo: memo.into(), ..Default::default() };
    let fee = Fee { gas_limit: 200_000, ..Default::default() };
    let auth = AuthInfo { fee: Some(fee), ..Default::default() };
    let raw = TxRaw {
        body_bytes: body.encode_to_vec(),
        auth_info_bytes: auth.encode_to_vec(),
        signatures: vec![vec![1; 64]],
    };
    raw.encode_to_vec().into()
}

pub fn address() -> Vec<u8> {
    use sha2::{Digest, Sha256};
    Sha256::digest(KEY)[..20].to_vec()
}

fn id(height: u64) -> BlockId {
    BlockId {
        hash: vec![height as u8; 32],
        part_set_header: Some(PartSetHeader { total: 1, hash: vec![height as u8 + 100; 32] }),
    }
}

fn commit(height: u64) -> Commit {
    if height == 0 {
        return Commit::default();
    }
    let signature = CommitSig {
        block_id_flag: BlockIdFlag::Commit as i32,
        validator_address: address(),
        timestamp: Some(time(height)),
        signature: vec![3; 64],
    };
    let absent = CommitSig { block_id_flag: BlockIdFlag::Absent as i32, ..Default::default() };
    Commit { height: height as i64, round: 0, block_id: Some(id(height)), signatures: vec![signature, absent] }
}

fn time(height: u64) -> Timestamp {
    Timestamp { seconds: 1_767_225_600 + height as i64, nanos: 120_000_000 }
}

pub fn event(kind: &str, attributes: &[(&str, &str)]) -> Event {
    let attributes =
        attributes.iter().map(|(k, v)| EventAttribute { key: (*k).into(), value: (*v).into(), index: true }).collect();
    Event { r#type: kind.into(), attributes }
}

/// Heights above 1 have one transaction.
pub fn block(height: u64) -> CommittedBlock {
    let txs = if height == 1 { vec![] } else { vec![raw_tx(&format!("memo {height}"))] };
    let header = Header {
        version: Some(Consensus { block: 11, app: 1 }),
        chain_id: "ve-local-1".into(),
        height: height as i64,
        time: Some(time(height)),
        last_block_id: (height > 1).then(|| id(height - 1)),
        app_hash: vec![9; 32],
        validators_hash: vec![4; 32],
        proposer_address: address(),
        ..Default::default()
    };
    let sender = event("transfer", &[("sender", SENDER), ("amount", "5uve")]);
    let result = ExecTxResult {
        data: Bytes::from_static(b"data"),
        gas_wanted: 200_000,
        gas_used: 70_000,
        events: vec![sender, event("message", &[("module", "bank")])],
        ..Default::default()
    };
    let update = ValidatorUpdate { pub_key: Some(PublicKey { sum: Some(Sum::Ed25519(KEY.to_vec())) }), power: 10 };
    let results = ResponseFinalizeBlock {
        events: vec![event("mint", &[("amount", "12"), ("mode", "BeginBlock")])],
        tx_results: txs.iter().map(|_| result.clone()).collect(),
        validator_updates: if height == 2 { vec![update] } else { vec![] },
        consensus_param_updates: None,
        app_hash: vec![9; 32],
    };
    let block =
        Block { header: Some(header), data: Some(Data { txs }), evidence: None, last_commit: Some(commit(height - 1)) };
    CommittedBlock { stored: StoredBlock { id: id(height), size: block.encoded_len() as u64, block }, results }
}

pub struct TestNode {
    app: Arc<dyn Application>,
    pub blocks: Mutex<Vec<CommittedBlock>>,
    sender: broadcast::Sender<Arc<CommittedBlock>>,
    pub submitted: Mutex<Vec<Bytes>>,
}

/// A node at height 3, its index, and everything the interfaces need.
pub fn start() -> (tempfile::TempDir, Arc<TestNode>, Backend, Arc<Services>) {
    let dir = tempfile::tempdir().expect("temporary folder");
    let index = Arc::new(Index::open(dir.path()).expect("index opens"));
    let node = Arc::new(TestNode {
        app: Arc::new(TestApp),
        blocks: Mutex::new((1..=3).map(block).collect()),
        sender: broadcast::channel(16).0,
        submitted: Mutex::default(),
    });
    index.catch_up(node.as_ref()).expect("index catches up");
    let backend = Backend { view: node.clone(), index };
    let services = Arc::new(Services::new(backend.clone()));
    (dir, node, backend, services)
}

impl TestNode {
    /// Commits and publishes the next height.
    pub fn advance(&self, index: &Index) {
        let mut blocks = self.blocks.lock().expect("lock");
        let next = block(blocks.len() as u64 + 1);
        index.apply(&next).expect("indexes");
        blocks.push(next.clone());
        drop(blocks);
        // Nobody may be listening.
        let _ = self.sender.send(Arc::new(next));
    }

    fn at(&self, height: u64) -> Option<CommittedBlock> {
        self.blocks.lock().expect("lock").get(height.checked_sub(1)? as usize).cloned()
    }
}

const GENESIS: &str = r#"{"chain_id": "ve-local-1", "app_state": {}}"#;

#[async_trait]
impl NodeView for TestNode {
    fn node_info(&self) -> DefaultNodeInfo {
        DefaultNodeInfo {
            protocol_version: Some(ProtocolVersion { p2p: 8, block: 11, app: 1 }),
            default_node_id: "ab".repeat(20),
            listen_addr: "tcp://127.0.0.1:26656".into(),
            network: "ve-local-1".into(),
            version: "0.38.17".into(),
            channels: vec![0x40, 0x20],
            moniker: "test".into(),
            other: Some(DefaultNodeInfoOther { tx_index: "on".into(), rpc_address: "tcp://127.0.0.1:26657".into() }),
        }
    }

    fn settings(&self) -> NodeSettings {
        NodeSettings { minimum_gas_price: "0.01uve".into(), ..Default::default() }
    }

    fn app(&self) -> &Arc<dyn Application> {
        &self.app
    }

    fn earliest_height(&self) -> u64 {
        1
    }

    fn latest_height(&self) -> u64 {
        self.blocks.lock().expect("lock").len() as u64
    }

    fn catching_up(&self) -> bool {
        false
    }

    fn validator_key(&self) -> [u8; 32] {
        KEY
    }

    fn block(&self, height: u64) -> Found<StoredBlock> {
        Ok(self.at(height).map(|b| b.stored))
    }

    fn height_of(&self, block_hash: &[u8]) -> Found<u64> {
        Ok((1..=self.latest_height()).find(|h| id(*h).hash == block_hash))
    }

    fn commit(&self, height: u64) -> Found<SignedCommit> {
        Ok(Some(SignedCommit { commit: commit(height), canonical: height < self.latest_height() }))
    }

    fn validators(&self, height: u64) -> Found<Vec<Validator>> {
        let validator = Validator {
            address: address(),
            pub_key: Some(PublicKey { sum: Some(Sum::Ed25519(KEY.to_vec())) }),
            voting_power: 10,
            proposer_priority: -3,
        };
        Ok((height <= self.latest_height() + 1).then(|| vec![validator]))
    }

    fn block_results(&self, height: u64) -> Found<ResponseFinalizeBlock> {
        Ok(self.at(height).map(|b| b.results))
    }

    fn consensus_params(&self, _: u64) -> Found<ConsensusParams> {
        Ok(Some(ConsensusParams {
            block: Some(BlockParams { max_bytes: 4_194_304, max_gas: 60_000_000 }),
            evidence: Some(EvidenceParams {
                max_age_num_blocks: 100,
                max_age_duration: Some(Duration { seconds: 172_800, nanos: 5 }),
                max_bytes: 65_536,
            }),
            validator: Some(ValidatorParams { pub_key_types: vec!["ed25519".into()] }),
            version: Some(VersionParams { app: 1 }),
            abci: Some(AbciParams { vote_extensions_enable_height: 0 }),
        }))
    }

    fn genesis_len(&self) -> Result<u64, ViewError> {
        Ok(GENESIS.len() as u64)
    }

    fn genesis_part(&self, start: u64, len: usize) -> Result<Vec<u8>, ViewError> {
        Ok(GENESIS.as_bytes().iter().skip(start as usize).take(len).copied().collect())
    }

    async fn submit_txs(&self, txs: Vec<Bytes>) -> Vec<Submitted> {
        let mut submitted = self.submitted.lock().expect("lock");
        let mut submit = |tx| {
            if submitted.contains(&tx) {
                return Err(SubmitError::AlreadyKnown);
            }
            let result = self.app.check_tx(&tx, CheckKind::New);
            if result.result.code == 0 {
                submitted.push(tx);
            }
            Ok(result)
        };
        txs.into_iter().map(&mut submit).collect()
    }

    fn mempool(&self, limit: usize) -> MempoolView {
        let waiting = self.submitted.lock().expect("lock");
        let total_bytes = waiting.iter().map(|tx| tx.len() as u64).sum();
        MempoolView { total: waiting.len() as u64, total_bytes, txs: waiting.iter().take(limit).cloned().collect() }
    }

    fn peers(&self) -> Vec<Peer> {
        vec![Peer { info: self.node_info(), outbound: true, remote_ip: "10.0.0.1".into() }]
    }

    fn listeners(&self) -> Vec<String> {
        vec!["/ip4/127.0.0.1/tcp/26656".into()]
    }

    fn round_state(&self) -> RoundState {
        RoundState { height: 4, round: 0, step: 1 }
    }

    fn round_proposer(&self) -> Option<[u8; 20]> {
        address().try_into().ok()
    }

    fn submit_evidence(&self, _: &Evidence) -> Result<(), EvidenceError> {
        Err(EvidenceError::NoConflict("they are for the same block"))
    }

    fn subscribe(&self) -> broadcast::Receiver<Arc<CommittedBlock>> {
        self.sender.subscribe()
    }
}

struct TestApp;

fn refused(code: u32, log: String) -> QueryResult {
    QueryResult { code, codespace: "sdk".into(), log, ..Default::default() }
}

impl TestApp {
    fn account(query: &Query) -> QueryResult {
        let request = QueryAccountRequest::decode(query.data.clone()).expect("request decodes");
        match request.address.as_str() {
            SENDER => {
                let account = BaseAccount { address: SENDER.into(), account_number: 1, sequence: 7, pub_key: None };
                let response = QueryAccountResponse { account: Some(pack(&account)) };
                let height = if query.height == 0 { 3 } else { query.height };
                QueryResult { value: response.encode_to_vec().into(), height, ..Default::default() }
            }
            "malformed" => refused(7, "decoding bech32 failed: invalid address".into()),
            other => refused(22, format!("account {other} not found: key not found")),
        }
    }
}

impl Application for TestApp {
    fn info(&self) -> AppInfo {
        AppInfo {
            name: "virtengine".into(),
            version: "0.1.0".into(),
            app_version: 1,
            last_height: 3,
            last_app_hash: vec![9; 32],
            ..AppInfo::default()
        }
    }

    fn init_chain(&self, _: InitChain) -> Result<InitChainResponse, Fatal> {
        Err(Fatal("not part of these tests".into()))
    }

    fn check_tx(&self, tx: &Bytes, _: CheckKind) -> CheckTxResult {
        let mut result = CheckTxResult::default();
        if tx.starts_with(b"bad") {
            result.result =
                TxResult { code: 2, codespace: "sdk".into(), log: "tx parse error".into(), ..Default::default() };
        }
        result
    }

    fn simulate(&self, tx: &Bytes) -> TxResult {
        if tx.starts_with(b"bad") {
            let log = "account sequence mismatch, expected 8, got 7: incorrect account sequence".into();
            return TxResult { code: 32, codespace: "sdk".into(), log, ..Default::default() };
        }
        let data = TxMsgData { msg_responses: vec![pack(&Coin::default())], ..Default::default() };
        TxResult { gas_wanted: 100, gas_used: 90, data: data.encode_to_vec().into(), ..Default::default() }
    }

    fn prepare_proposal(&self, _: &BlockInput, _: u64) -> Vec<Bytes> {
        Vec::new()
    }

    fn process_proposal(&self, _: &BlockInput) -> Verdict {
        Verdict::Accept
    }

    fn extend_vote(&self, _: u64, _: &[u8]) -> Bytes {
        Bytes::new()
    }

    fn verify_vote_extension(&self, _: u64, _: &[u8; 20], _: &[u8]) -> Verdict {
        Verdict::Accept
    }

    fn finalize_block(&self, _: &BlockInput) -> Result<FinalizeBlockResponse, Fatal> {
        Err(Fatal("not part of these tests".into()))
    }

    fn commit(&self) -> Result<u64, Fatal> {
        Err(Fatal("not part of these tests".into()))
    }

    fn query(&self, query: &Query) -> QueryResult {
        match query.path.as_str() {
            "/cosmos.auth.v1beta1.Query/Account" => Self::account(query),
            "/cosmos.staking.v1beta1.Query/Params" => {
                let params = StakingParams {
                    unbonding_time: Some(Duration { seconds: 1_814_400, nanos: 0 }),
                    min_commission_rate: "50000000000000000".into(),
                    historical_entries: 10_000,
                    ..Default::default()
                };
                let response = QueryParamsResponse { params: Some(params) };
                QueryResult { value: response.encode_to_vec().into(), height: 3, ..Default::default() }
            }
            "store/main/key" if query.prove => QueryResult {
                key: query.data.clone(),
                value: Bytes::from_static(b"v"),
                proof_ops: vec![("ics23:iavl".into(), b"k".to_vec(), b"proof".to_vec())],
                height: 2,
                ..Default::default()
            },
            other => refused(6, format!("unknown query path {other}")),
        }
    }

    fn export(&self) -> Result<serde_json::Value, Fatal> {
        Err(Fatal(format!("not part of these tests at {:?}", BlockTime::default())))
    }
}
