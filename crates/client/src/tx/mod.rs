//! Building, signing, sending and awaiting transactions: one stream per account (marketplace spec section 13.6).

mod fee;
pub mod file;
pub(crate) mod sequence;
mod wait;

use std::sync::Arc;
use std::time::Duration;

use prost::{Message, Name};
use ve_base::keys::SecretKey;
use ve_base::mfa::session_use;
use ve_base::{Address, Coins};
use ve_proto::Any;
use ve_proto::cosmos::tx::signing::v1beta1::SignMode;
use ve_proto::cosmos::tx::v1beta1::mode_info::{Single, Sum};
use ve_proto::cosmos::tx::v1beta1::{
    AuthInfo, Fee, ModeInfo, SignerInfo, SimulateRequest, SimulateResponse, TxBody, TxRaw,
};
use ve_proto::ve::mfa::v1::{SessionUse, UsedSession};

use crate::error::ClientError;
use crate::rpc::{RpcClient, TxResult};

pub use fee::GasPrice;
pub use wait::broadcast;

/// Attempts when another user of the same key took a sequence number first.
const SEQUENCE_ATTEMPTS: usize = 8;
/// While somebody else's transaction waits in the mempool, simulation (on committed state) and the mempool want different
/// numbers; only the next block makes them agree.
const SEQUENCE_PAUSE: Duration = Duration::from_millis(400);
/// Estimates of gas for one sending: what others do between simulation and block may make a transaction dearer.
const GAS_ATTEMPTS: usize = 4;
const OUT_OF_GAS: (&str, u32) = ("sdk", 11);
/// Gas limit ÷ simulated gas (platform spec section 1).
const GAS_NUMERATOR: u64 = 14;
const GAS_DENOMINATOR: u64 = 10;

/// Packs a message for a transaction.
pub fn any<M: Message + Name>(message: &M) -> Any {
    Any { type_url: M::type_url(), value: message.encode_to_vec() }
}

#[derive(Clone, Debug)]
pub struct TxOptions {
    pub memo: String,
    /// Gas limit; simulated when absent.
    pub gas: Option<u64>,
    /// Fee; gas limit × the node's lowest gas price when absent.
    pub fees: Option<Coins>,
    /// How long to wait for a block.
    pub timeout: Duration,
    /// Sessions of multi-factor authentication that the transaction uses.
    pub sessions: Vec<Session>,
}

/// A session with the client key that it is bound to.
#[derive(Clone, Debug)]
pub struct Session {
    pub id: u64,
    pub key: Arc<SecretKey>,
}

impl Default for TxOptions {
    fn default() -> Self {
        Self { memo: String::new(), gas: None, fees: None, timeout: Duration::from_secs(30), sessions: Vec::new() }
    }
}

/// A transaction in a block, executed without error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Upper-case hex.
    pub hash: String,
    pub height: u64,
    pub result: TxResult,
}

/// Signs and sends for one account. Clones share the account's sequence.
#[derive(Clone)]
pub struct TxClient {
    rpc: RpcClient,
    chain_id: String,
    key: Arc<SecretKey>,
    address: Address,
    account: Arc<tokio::sync::Mutex<sequence::Account>>,
}

impl TxClient {
    /// Asks the node for its chain id; with `expected`, another chain is refused.
    pub async fn connect(rpc: RpcClient, key: SecretKey, expected: Option<&str>) -> Result<Self, ClientError> {
        let got = rpc.status().await?.chain_id;
        if let Some(expected) = expected.filter(|expected| *expected != got) {
            return Err(ClientError::WrongChain { expected: expected.to_owned(), got });
        }
        let address = key.public_key().address();
        Ok(Self { rpc, chain_id: got, key: Arc::new(key), address, account: Arc::default() })
    }

    /// Signs for an account whose key was replaced by this one: its address is not that of the key.
    pub fn for_account(mut self, address: Address) -> Self {
        self.address = address;
        self
    }

    pub fn address(&self) -> &Address {
        &self.address
    }

    pub fn chain_id(&self) -> &str {
        &self.chain_id
    }

    pub fn rpc(&self) -> &RpcClient {
        &self.rpc
    }

    /// Sends and waits until the transaction is executed in a block. When an estimated gas limit proves too low there, so
    /// that nothing but the fee is gone, it is estimated anew.
    pub async fn send(&self, messages: Vec<Any>) -> Result<Committed, ClientError> {
        self.send_with(messages, &TxOptions::default()).await
    }

    pub async fn send_with(&self, messages: Vec<Any>, options: &TxOptions) -> Result<Committed, ClientError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let (hash, raw) = self.submit_raw(&messages, options).await?;
            match self.wait_sending(&hash, Some(&raw), options.timeout).await {
                Err(error) if dearer(&error, options) && attempt < GAS_ATTEMPTS => {
                    tracing::debug!(%error, "sending again with a new estimate of gas");
                }
                outcome => return outcome,
            }
        }
    }

    /// Sends and returns as soon as the mempool has it. The hash is that of the transaction.
    pub async fn submit(&self, messages: Vec<Any>, options: &TxOptions) -> Result<[u8; 32], ClientError> {
        self.submit_raw(&messages, options).await.map(|(hash, _)| hash)
    }

    async fn submit_raw(&self, messages: &[Any], options: &TxOptions) -> Result<([u8; 32], Vec<u8>), ClientError> {
        // Held until the mempool has answered, so that transactions of this account leave in the order of sequences.
        let mut account = self.account.lock().await;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let (number, sequence) = account.next(&self.rpc, &self.address).await?;
            let outcome = async {
                let fee = self.fee(messages, options, sequence).await?;
                let raw = self.sign(self.body(messages, options, sequence), fee, number, sequence);
                Ok((wait::hand_over(&self.rpc, &raw).await?, raw))
            };
            match outcome.await {
                Ok(sent) => {
                    account.used(sequence);
                    return Ok(sent);
                }
                Err(error) => match sequence::expected(&error) {
                    Some(expected) if attempt < SEQUENCE_ATTEMPTS => {
                        account.set(number, expected);
                        if attempt > 1 {
                            tokio::time::sleep(SEQUENCE_PAUSE).await;
                        }
                    }
                    _ => {
                        account.forget();
                        return Err(error);
                    }
                },
            }
        }
    }

    /// Waits for a submitted transaction.
    pub async fn wait(&self, hash: &[u8; 32], timeout: Duration) -> Result<Committed, ClientError> {
        self.wait_sending(hash, None, timeout).await
    }

    async fn wait_sending(
        &self,
        hash: &[u8; 32],
        raw: Option<&[u8]>,
        timeout: Duration,
    ) -> Result<Committed, ClientError> {
        let outcome = wait::wait(&self.rpc, hash, raw, timeout).await;
        if matches!(outcome, Err(ClientError::Timeout { .. })) {
            // It may have been dropped: the next transaction must not build on its sequence.
            self.account.lock().await.forget();
        }
        outcome
    }

    /// Gas that execution on the newest state uses.
    pub async fn simulate(&self, messages: &[Any], options: &TxOptions) -> Result<u64, ClientError> {
        let (_, sequence) = self.account.lock().await.next(&self.rpc, &self.address).await?;
        self.simulate_at(messages, options, sequence).await
    }

    /// The signed bytes, without sending them.
    pub async fn signed(&self, messages: &[Any], options: &TxOptions) -> Result<Vec<u8>, ClientError> {
        let (number, sequence) = self.account.lock().await.next(&self.rpc, &self.address).await?;
        let fee = self.fee(messages, options, sequence).await?;
        Ok(self.sign(self.body(messages, options, sequence), fee, number, sequence))
    }

    async fn fee(&self, messages: &[Any], options: &TxOptions, sequence: u64) -> Result<Fee, ClientError> {
        let gas_limit = match options.gas {
            Some(gas) => gas,
            None => gas_limit(self.simulate_at(messages, options, sequence).await?),
        };
        let amount = match &options.fees {
            Some(fees) => fees.to_proto(),
            None => GasPrice::of_node(&self.rpc).await?.fee(gas_limit)?.to_proto(),
        };
        Ok(Fee { amount, gas_limit, ..Fee::default() })
    }

    async fn simulate_at(&self, messages: &[Any], options: &TxOptions, sequence: u64) -> Result<u64, ClientError> {
        let auth = self.auth_info(Fee::default(), sequence);
        let raw = TxRaw {
            body_bytes: self.body(messages, options, sequence).encode_to_vec(),
            auth_info_bytes: auth.encode_to_vec(),
            signatures: vec![Vec::new()],
        };
        let request = SimulateRequest { tx_bytes: raw.encode_to_vec(), ..SimulateRequest::default() };
        let answer = self.rpc.query("/cosmos.tx.v1beta1.Service/Simulate", &request).await;
        let answer: SimulateResponse = answer.map_err(|error| match error {
            // What the simulation refuses, a block would refuse.
            ClientError::Query { codespace, code, log, .. } => {
                ClientError::Rejected { codespace, code, log, hash: String::new() }
            }
            other => other,
        })?;
        answer
            .gas_info
            .map(|gas| gas.gas_used)
            .ok_or_else(|| ClientError::Malformed { method: "Simulate".into(), cause: "no gas_info".into() })
    }

    fn auth_info(&self, fee: Fee, sequence: u64) -> AuthInfo {
        let mode = ModeInfo { sum: Some(Sum::Single(Single { mode: SignMode::Direct as i32 })) };
        let signer = SignerInfo { public_key: Some(self.key.public_key().to_any()), mode_info: Some(mode), sequence };
        AuthInfo { signer_infos: vec![signer], fee: Some(fee), ..AuthInfo::default() }
    }

    /// Client keys sign for these messages at this sequence only.
    fn body(&self, messages: &[Any], options: &TxOptions, sequence: u64) -> TxBody {
        let mut body = TxBody { messages: messages.to_vec(), memo: options.memo.clone(), ..TxBody::default() };
        if !options.sessions.is_empty() {
            let used = options.sessions.iter().map(|session| UsedSession {
                session_id: session.id,
                signature: session.key.sign(&session_use(&self.chain_id, session.id, messages, sequence)).to_vec(),
            });
            body.non_critical_extension_options.push(any(&SessionUse { sessions: used.collect() }));
        }
        body
    }

    fn sign(&self, body: TxBody, fee: Fee, number: u64, sequence: u64) -> Vec<u8> {
        sign_direct(&self.key, &body, &self.auth_info(fee, sequence), &self.chain_id, number)
    }
}

fn dearer(error: &ClientError, options: &TxOptions) -> bool {
    options.gas.is_none() && error.chain_code() == Some(OUT_OF_GAS)
}

/// The gas limit for a transaction whose simulation used `used`.
pub fn gas_limit(used: u64) -> u64 {
    used.saturating_mul(GAS_NUMERATOR).div_ceil(GAS_DENOMINATOR)
}

/// Account number and next sequence as committed.
pub async fn account(rpc: &RpcClient, address: &Address) -> Result<(u64, u64), ClientError> {
    let account = sequence::load(rpc, address).await?;
    Ok((account.account_number, account.sequence))
}

/// A `TxRaw` with one DIRECT signature.
pub fn sign_direct(key: &SecretKey, body: &TxBody, auth: &AuthInfo, chain_id: &str, account_number: u64) -> Vec<u8> {
    let (body, auth) = (body.encode_to_vec(), auth.encode_to_vec());
    let signature = key.sign(&ve_base::tx::direct_bytes(&body, &auth, chain_id, account_number));
    TxRaw { body_bytes: body, auth_info_bytes: auth, signatures: vec![signature.to_vec()] }.encode_to_vec()
}

fn sha2_hash(raw: &[u8]) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(raw).into()
}
