//! Members of a test chain's committee, each with a worker. Their chain is shared by all workers of a test.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use prost::Message;
use ve_base::keys::ConsensusSecret;
use ve_inference::Model;
use ve_inference::features::id;
use ve_proto::Any;
use ve_proto::ve::encryption::v1::Envelope;
use ve_proto::ve::veid::v1::*;
use ve_testkit::chain::{FEE, GAS, TestChain, sign_changed};
use ve_testkit::committee::{EPOCH, sealing_key, signing_key};
use ve_verifier::worker::{Chain, ChainError, Extractors, Keys, Round, Worker, WorkerError};
use ve_verifier::{Circumstances, Extract, ExtractError, Extraction};

use ve_testkit::veid::{self as kit, Upload, accept, name, open_wallet, rest};

pub use ve_testkit::veid::members::OWNER;

pub type Chained = Rc<RefCell<TestChain>>;

/// A chain that a worker shares with others.
#[derive(Clone)]
pub struct Shared {
    pub chain: Chained,
    pub account: usize,
    /// Sends nothing, as a node that is gone, but shows what it was to send.
    pub cut: bool,
    pub sent: Rc<RefCell<Vec<Any>>>,
}

impl Chain for Shared {
    fn chain_id(&self) -> &str {
        ve_testkit::chain::CHAIN_ID
    }

    async fn query<Q: Message, A: Message + Default>(&self, path: &str, request: &Q) -> Result<A, ChainError> {
        let refused = |log| ChainError::Refused { codespace: "test".into(), code: 1, log };
        self.chain.borrow().query(path, request).map_err(refused)
    }

    async fn send(&self, messages: Vec<Any>) -> Result<(), ChainError> {
        self.sent.borrow_mut().extend(messages.clone());
        if self.cut {
            return Err(ChainError::Unreachable("the node is gone".into()));
        }
        let mut chain = self.chain.borrow_mut();
        // The run with the answers of all its seats is written each time.
        let times = 2 * messages.len() as u64;
        let signer = &chain.accounts[self.account];
        let account = chain.account(&signer.address);
        let tx = sign_changed(signer, account.account_number, account.sequence, messages, |_, auth_info| {
            let fee = auth_info.fee.get_or_insert_default();
            fee.gas_limit = times * GAS;
            fee.amount[0].amount = (times * FEE).to_string();
        });
        let result = chain.run(vec![tx]).tx_results.remove(0);
        match result.code {
            0 => Ok(()),
            code => Err(ChainError::Refused { codespace: result.codespace, code, log: result.log }),
        }
    }
}

/// Evidence that is features already: a pair of index and value for every two numbers. What members other than those of
/// these tests read from pictures.
pub struct Measured {
    /// A member that sees something else.
    pub lies: bool,
}

impl Extract for Measured {
    fn limit(&self) -> usize {
        4096
    }

    fn read(&self, input: &[u8], _: &Circumstances) -> Result<Extraction, ExtractError> {
        let number = |bytes: &[u8]| u16::from_be_bytes([bytes[0], bytes[1]]);
        let mut out = Extraction::default();
        for pair in input.chunks_exact(4) {
            out.features.insert(usize::from(number(pair)), number(&pair[2..]));
        }
        if self.lies {
            out.features.insert(id::TAMPER_ELA_INV, 1);
        }
        Ok(out)
    }
}

pub fn flawless() -> Vec<u8> {
    let own = (0..64u16).filter(|index| !(49..=62).contains(index));
    own.flat_map(|index| [index.to_be_bytes(), 10_000u16.to_be_bytes()].concat()).collect()
}

/// A chain whose committees have four members, on which verification of this evidence was asked for.
pub fn asked(evidence: Vec<u8>, kind: &str) -> Chained {
    asked_with(evidence, kind, true, |_, _| {})
}

/// As [`asked`], after the envelope and its ciphertext were given to `change`.
pub fn asked_with(evidence: Vec<u8>, kind: &str, inline: bool, change: impl FnOnce(&mut Envelope, &[u8])) -> Chained {
    let mut chain = kit::chain_with(|state| state["veid"]["params"]["committee_size"] = 4.into());
    open_wallet(&mut chain, OWNER);
    let mut upload = Upload::new(&chain, OWNER, "scope-of-a-person", ScopeType::Email);
    let part = EvidencePart { kind: kind.into(), content: evidence };
    upload.inline = inline;
    upload.plaintext = EvidenceBundle { salt: upload.salt.clone(), parts: vec![part] }.encode_to_vec();
    let (mut envelope, ciphertext) = upload.seal(&chain, OWNER);
    change(&mut envelope, &ciphertext);
    let message = upload.sign_sealed(&chain, OWNER, (envelope, ciphertext), |_| {});
    accept(&mut chain, OWNER, &message);
    rest(&mut chain);
    let ask = MsgRequestVerification { owner: name(&chain, OWNER), scope_ids: vec!["scope-of-a-person".into()] };
    accept(&mut chain, OWNER, &ask);
    Rc::new(RefCell::new(chain))
}

pub fn request(chain: &Chained) -> VerificationRequest {
    ve_testkit::veid::members::request(&chain.borrow())
}

/// Accounts with a seat in the present run.
pub fn seated(chain: &Chained) -> Vec<usize> {
    ve_testkit::veid::members::seated(&chain.borrow())
}

pub fn record_of(chain: &Chained, member: usize) -> MemberRecord {
    ve_testkit::veid::members::record_of(&chain.borrow(), member)
}

pub fn link(chain: &Chained, account: usize) -> Shared {
    Shared { chain: chain.clone(), account, cut: false, sent: Rc::default() }
}

/// A link to a node that is gone.
pub fn cut(chain: &Chained, account: usize) -> Shared {
    Shared { cut: true, ..link(chain, account) }
}

fn number(link: &Shared) -> u32 {
    u32::try_from(link.account).expect("few")
}

/// Keys of a member whose enclave replaced another.
pub fn keys(number: u32) -> Keys {
    let signing = vec![ConsensusSecret::from_seed([99; 32]), signing_key(number)];
    Keys::new(signing, vec![sealing_key(number, EPOCH - 1), sealing_key(number, EPOCH)], [4; 32]).expect("good keys")
}

pub fn folder_of(link: &Shared, folder: &Path) -> PathBuf {
    folder.join(link.account.to_string())
}

pub fn worker_with(link: Shared, folder: &Path, keys: Keys) -> Result<Worker<Shared>, WorkerError> {
    let member = name(&link.chain.borrow(), link.account);
    let folder = folder_of(&link, folder);
    Worker::new(link, member, keys, vec![Model::genesis()], folder)
}

pub fn worker(link: Shared, folder: &Path, lies: bool) -> Worker<Shared> {
    let keys = keys(number(&link));
    let mut extractors: Extractors = ve_verifier::Evidence::extractors();
    extractors.insert("measured".into(), Box::new(Measured { lies }));
    worker_with(link, folder, keys).expect("the folder opens").with_extractors(extractors)
}

/// An honest worker of each of these members.
pub fn workers(chain: &Chained, members: &[usize], folder: &Path) -> Vec<Worker<Shared>> {
    members.iter().map(|account| worker(link(chain, *account), folder, false)).collect()
}

pub fn round(worker: &mut Worker<Shared>) -> Result<Round, WorkerError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(worker.round())
}

/// So many rounds of these workers; blocks go on meanwhile.
pub fn work(chain: &Chained, workers: &mut [Worker<Shared>], rounds: usize) {
    for _ in 0..rounds {
        for worker in workers.iter_mut() {
            let done = round(worker).expect("the chain answers");
            assert_eq!((done.refused, done.left_out), (0, 0), "{done:?}");
        }
        chain.borrow_mut().wait(20);
    }
}

pub fn wallet(chain: &Chained) -> Wallet {
    kit::wallet(&chain.borrow(), OWNER)
}
