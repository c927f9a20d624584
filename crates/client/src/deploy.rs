//! From a deployment file to a running workload: certificate, order, bids, lease, manifest, status. Every step looks at
//! the chain first, so that an interrupted run is continued by starting it again.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use ve_base::{Amount, Coin, Dec, Denom, Rounding};
use ve_proto::cosmos::base::v1beta1::DecCoin;
use ve_proto::ve::cert::v1::{CertificateState, MsgCreateCertificate};
use ve_proto::ve::market::v1::{
    Bid, BidId, BidState, Deployment, DeploymentState, Lease, LeaseState, MsgAcceptBid, MsgCreateDeployment,
    QueryBidsRequest, QueryBidsResponse, QueryDeploymentRequest, QueryDeploymentResponse, QueryLeasesRequest,
    QueryLeasesResponse, QueryResourceRequest, QueryResourceResponse, Resource, ResourceState,
};
use ve_proto::ve::provider::v1::{QueryProviderRequest, QueryProviderResponse};

use crate::cert::{self, CertError, Identity, Role};
use crate::error::ClientError;
use crate::gateway::{GatewayClient, GatewayError};
use crate::keystore::{KeyStoreError, read_private, replace_private};
use crate::manifest::{self, GroupSpec, Manifest};
use crate::sdl::{self, Sdl, SdlError};
use crate::text::counted;
use crate::tx::{TxClient, any};

const POLL: Duration = Duration::from_millis(500);
/// Blocks of 5 s in an hour.
const HOUR_BLOCKS: u64 = 720;
/// Least deposit: 0.5 units of the deployment's money (marketplace spec section 4).
const MIN_DEPOSIT: u64 = 500_000;

#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    #[error("{0}")]
    File(#[from] SdlError),
    #[error(transparent)]
    Chain(#[from] ClientError),
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    #[error(transparent)]
    Certificate(#[from] CertError),
    #[error(transparent)]
    Store(#[from] KeyStoreError),
    #[error("no bid for group {group} after {seconds} s; raise the price or ask for less, or close the deployment")]
    NoBid { group: String, seconds: u64 },
    #[error("no bid was chosen for group {0}; run the same command again to choose")]
    NotChosen(String),
    #[error("the workload of {lease} is not running after {seconds} s; see `virtengine lease logs {lease}`")]
    NotRunning { lease: String, seconds: u64 },
    #[error("the workload of {lease} failed: {phase}; see `virtengine lease logs {lease}`")]
    Failed { lease: String, phase: String },
    #[error("the groups of this file use different money; use one denom in the whole file")]
    MixedDenoms,
    #[error("the price overflows; lower it")]
    Overflow,
}

impl DeployError {
    /// The same call may succeed later and goes on where this one stopped.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Chain(error) | Self::Gateway(GatewayError::Chain(error)) => error.is_transient(),
            Self::Gateway(error) => matches!(error, GatewayError::Unreachable { .. }),
            _ => false,
        }
    }
}

/// What the flow needs to know; times are upper bounds.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where client certificate and unfinished deployments are kept.
    pub home: PathBuf,
    /// Protects the client certificate's key.
    pub passphrase: String,
    /// Put into escrow; two hours at the highest price, at least 5 units, when absent.
    pub deposit: Option<Coin>,
    /// How long to collect bids after the first.
    pub bid_window: Duration,
    pub bid_timeout: Duration,
    pub run_timeout: Duration,
}

/// A step that ended: a stable name, a text for people, fields for scripts.
pub struct Step {
    pub name: &'static str,
    pub text: String,
    pub data: Value,
}

/// Chooses among open bids, cheapest first; `None` stops the flow.
pub type Choose<'a> = &'a mut (dyn FnMut(&str, &[Bid]) -> Option<usize> + Send);
pub type Progress<'a> = &'a mut (dyn FnMut(Step) + Send);

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deployed {
    pub dseq: u64,
    pub leases: Vec<DeployedLease>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeployedLease {
    /// `<owner>/<dseq>/<gseq>/<oseq>/<provider>/<bseq>`.
    pub id: String,
    pub provider: String,
    /// Per block of 5 s, all replicas.
    pub price: String,
    pub denom: String,
    pub urls: Vec<String>,
}

/// The text form of a lease's id.
pub fn lease_id(id: &BidId) -> String {
    format!("{}/{}/{}/{}/{}/{}", id.owner, id.dseq, id.gseq, id.oseq, id.provider, id.bseq)
}

/// Remembers which deployment a file became, until it runs.
#[derive(Serialize, Deserialize)]
struct Unfinished {
    chain_id: String,
    owner: String,
    dseq: u64,
}

struct Flow<'a> {
    tx: &'a TxClient,
    options: &'a Options,
    progress: Progress<'a>,
    owner: String,
}

/// Deploys the text of a file; see the module.
pub async fn deploy(
    tx: &TxClient,
    text: &str,
    options: &Options,
    choose: Choose<'_>,
    progress: Progress<'_>,
) -> Result<Deployed, DeployError> {
    let file = sdl::parse(text)?;
    let groups = manifest::group_specs(&file);
    let manifest = manifest::manifest(&file);
    let mut flow = Flow { tx, options, progress, owner: tx.address().to_string() };
    let text = format!("{}, {}", counted(groups.len(), "group"), counted(file.services.len(), "service"));
    flow.say("file_checked", text, json!({}));
    let identity = flow.identity().await?;
    let memory = options.home.join("unfinished").join(format!("{}.json", hex::encode(manifest.hash())));
    let dseq = flow.deployment(&file, &groups, &manifest, &memory).await?;
    let mut leases = Vec::new();
    for (group, gseq) in groups.iter().zip(1u32..) {
        leases.push(flow.lease(dseq, gseq, &group.name, choose).await?);
    }
    for lease in &leases {
        flow.manifest(lease, &manifest, &identity).await?;
    }
    let mut running = Vec::new();
    for lease in &leases {
        running.push(flow.running(lease).await?);
    }
    let _ = std::fs::remove_file(&memory);
    Ok(Deployed { dseq, leases: running })
}

/// The customer's certificate: loaded, or made and published. The chain must hold it as valid.
pub async fn ensure_identity(tx: &TxClient, home: &Path, passphrase: &str) -> Result<(Identity, bool), DeployError> {
    let path = home.join(format!("{}.identity", tx.address()));
    let owner = tx.address().to_string();
    let mut identity = None;
    if let Some(known) = Identity::load(&path, passphrase)? {
        let facts = known.facts()?;
        if cert::verify_on_chain(tx.rpc(), &known.certificate).await?.is_some() {
            return Ok((known, false));
        }
        // Never published, or on its way since an interrupted run: the same again. Revoked or expired: a new one.
        let seen = cert::find(tx.rpc(), &owner, &facts.serial, CertificateState::Unspecified).await?;
        identity = (seen.is_empty() && facts.not_after > cert::unix_now()).then_some(known);
    }
    let identity = match identity {
        Some(identity) => identity,
        None => {
            let identity = Identity::generate(tx.address(), &Role::Client, cert::MAX_VALIDITY)?;
            // Saved first: a certificate on chain whose key is lost would only use up one of ten places.
            identity.save(&path, passphrase)?;
            identity
        }
    };
    let message = MsgCreateCertificate { owner, certificate: identity.certificate.clone() };
    match tx.send(vec![any(&message)]).await {
        Err(ClientError::Rejected { .. })
            if cert::verify_on_chain(tx.rpc(), &identity.certificate).await?.is_some() => {}
        outcome => drop(outcome?),
    }
    Ok((identity, true))
}

impl Flow<'_> {
    fn say(&mut self, name: &'static str, text: String, data: Value) {
        (self.progress)(Step { name, text, data });
    }

    async fn identity(&mut self) -> Result<Identity, DeployError> {
        let (identity, new) = ensure_identity(self.tx, &self.options.home, &self.options.passphrase).await?;
        let serial = identity.facts()?.serial;
        let text = if new { "client certificate created" } else { "client certificate found" };
        self.say("certificate_ready", text.to_owned(), json!({"serial": serial}));
        Ok(identity)
    }

    async fn deployment(
        &mut self,
        file: &Sdl,
        groups: &[GroupSpec],
        manifest: &Manifest,
        memory: &Path,
    ) -> Result<u64, DeployError> {
        let noted = self.unfinished(memory)?;
        if let Some(dseq) = noted {
            match self.state(dseq).await? {
                Some(DeploymentState::Active) => return Ok(self.found(dseq)),
                // Its transaction may still be on its way: the same number again, so that there can never be two.
                None => {}
                Some(_) => return self.order(new_dseq(), file, groups, manifest, memory).await,
            }
        }
        self.order(noted.unwrap_or_else(new_dseq), file, groups, manifest, memory).await
    }

    fn found(&mut self, dseq: u64) -> u64 {
        self.say("deployment_found", format!("continuing deployment {dseq}"), json!({"dseq": dseq}));
        dseq
    }

    async fn order(
        &mut self,
        dseq: u64,
        file: &Sdl,
        groups: &[GroupSpec],
        manifest: &Manifest,
        memory: &Path,
    ) -> Result<u64, DeployError> {
        let deposit = match &self.options.deposit {
            Some(deposit) => deposit.clone(),
            None => default_deposit(groups)?,
        };
        let note = Unfinished { chain_id: self.tx.chain_id().to_owned(), owner: self.owner.clone(), dseq };
        if let Some(parent) = memory.parent() {
            crate::keystore::private_dir(parent)?;
        }
        let note = serde_json::to_vec(&note).expect("the note has text keys only");
        replace_private(memory, &note)?;
        let window = file.reclamation_min_window.unwrap_or(0);
        let message = MsgCreateDeployment {
            owner: self.owner.clone(),
            dseq,
            groups: groups.iter().map(|group| group.to_proto(window)).collect(),
            hash: manifest.hash().to_vec(),
            deposit: Some(deposit.to_proto()),
            auto_reorder: false,
            ..MsgCreateDeployment::default()
        };
        let committed = self.tx.send(vec![any(&message)]).await?;
        let data =
            json!({"dseq": dseq, "tx": committed.hash, "height": committed.height, "deposit": deposit.to_string()});
        self.say("deployment_created", format!("deployment {dseq} ordered, {deposit} in escrow"), data);
        Ok(dseq)
    }

    /// The number under which an earlier run began to deploy this very file on this chain.
    fn unfinished(&self, memory: &Path) -> Result<Option<u64>, DeployError> {
        if !memory.exists() {
            return Ok(None);
        }
        let note = serde_json::from_slice::<Unfinished>(&read_private(memory)?).ok();
        let ours = |note: &Unfinished| note.chain_id == self.tx.chain_id() && note.owner == self.owner;
        Ok(note.filter(ours).map(|note| note.dseq))
    }

    async fn state(&self, dseq: u64) -> Result<Option<DeploymentState>, DeployError> {
        let deployment = deployment(self.tx, &self.owner, dseq).await?;
        Ok(deployment.map(|deployment| DeploymentState::try_from(deployment.state).unwrap_or_default()))
    }

    async fn lease(&mut self, dseq: u64, gseq: u32, group: &str, choose: Choose<'_>) -> Result<Lease, DeployError> {
        if let Some(lease) = self.live_lease(dseq, gseq).await? {
            let id = lease_id(lease.id.as_ref().unwrap_or(&BidId::default()));
            self.say("lease_found", format!("group {group} has a lease"), json!({"lease": id}));
            return Ok(lease);
        }
        let bids = self.bids(dseq, gseq, group).await?;
        let data = json!({"group": group, "bids": bids.len()});
        self.say("bids_received", format!("{} for group {group}", counted(bids.len(), "bid")), data);
        let chosen = choose(group, &bids).and_then(|index| bids.get(index));
        let Some(Bid { id: Some(id), price: Some(price), .. }) = chosen else {
            return Err(DeployError::NotChosen(group.to_owned()));
        };
        let message = MsgAcceptBid { owner: self.owner.clone(), bid: Some(id.clone()), price: Some(price.clone()) };
        if let Err(error) = self.tx.send(vec![any(&message)]).await {
            // An interrupted run's acceptance may have come first.
            return match (self.live_lease(dseq, gseq).await?, error) {
                (Some(lease), ClientError::Rejected { .. }) => Ok(lease),
                (_, error) => Err(error.into()),
            };
        }
        let shown = Dec::from_mantissa(&price.amount).map(|price| format!("{price:#}")).unwrap_or_default();
        let text = format!("lease with {} at {shown} {} per block", id.provider, price.denom);
        let data = json!({"lease": lease_id(id), "provider": id.provider, "price": shown, "denom": price.denom});
        self.say("lease_created", text, data);
        let lease = self.live_lease(dseq, gseq).await?;
        lease.ok_or_else(|| DeployError::NotChosen(group.to_owned()))
    }

    async fn live_lease(&self, dseq: u64, gseq: u32) -> Result<Option<Lease>, DeployError> {
        let request = QueryLeasesRequest { owner: self.owner.clone(), dseq, gseq, ..QueryLeasesRequest::default() };
        let answer: QueryLeasesResponse = self.tx.rpc().query("/ve.market.v1.Query/Leases", &request).await?;
        Ok(answer.leases.into_iter().find(|lease| lease.id.is_some() && lease.state != LeaseState::Closed as i32))
    }

    /// Open bids, cheapest first, after the window that follows the first one.
    async fn bids(&self, dseq: u64, gseq: u32, group: &str) -> Result<Vec<Bid>, DeployError> {
        let started = Instant::now();
        let mut first = None;
        loop {
            let request = QueryBidsRequest {
                owner: self.owner.clone(),
                dseq,
                gseq,
                state: BidState::Open as i32,
                ..QueryBidsRequest::default()
            };
            let answer: QueryBidsResponse = self.tx.rpc().query("/ve.market.v1.Query/Bids", &request).await?;
            let mut bids = answer.bids;
            if !bids.is_empty() {
                let since = *first.get_or_insert_with(Instant::now);
                if since.elapsed() >= self.options.bid_window {
                    bids.sort_by_key(|bid| bid.price.as_ref().and_then(|price| Dec::from_mantissa(&price.amount).ok()));
                    return Ok(bids);
                }
            } else if started.elapsed() >= self.options.bid_timeout {
                let seconds = self.options.bid_timeout.as_secs();
                return Err(DeployError::NoBid { group: group.to_owned(), seconds });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    async fn manifest(&mut self, lease: &Lease, manifest: &Manifest, identity: &Identity) -> Result<(), DeployError> {
        let Some(id) = &lease.id else { return Ok(()) };
        let started = Instant::now();
        loop {
            // The provider may not have seen the lease yet, or may be restarting.
            match self.put_manifest(id, manifest, identity).await {
                Ok(()) => break,
                // The gateway understood and will say the same again.
                Err(error @ DeployError::Gateway(GatewayError::Refused { status: 400 | 413 | 422, .. })) => {
                    return Err(error);
                }
                Err(error) if started.elapsed() >= self.options.run_timeout => return Err(error),
                Err(error) => tracing::debug!(%error, "sending the manifest again"),
            }
            tokio::time::sleep(POLL).await;
        }
        let text = format!("manifest delivered to {}", id.provider);
        self.say("manifest_delivered", text, json!({"lease": lease_id(id)}));
        Ok(())
    }

    async fn put_manifest(&self, id: &BidId, manifest: &Manifest, identity: &Identity) -> Result<(), DeployError> {
        let gateway = connect_gateway(self.tx.rpc(), &id.provider, identity).await?;
        Ok(gateway.put_manifest(id.dseq, manifest).await?)
    }

    async fn running(&mut self, lease: &Lease) -> Result<DeployedLease, DeployError> {
        let id = lease.id.clone().unwrap_or_default();
        let name = lease_id(&id);
        let started = Instant::now();
        let resource = loop {
            let resource = resource(self.tx, &id).await?;
            match ResourceState::try_from(resource.state).unwrap_or_default() {
                ResourceState::Active => break resource,
                ResourceState::Failed | ResourceState::Terminating | ResourceState::Terminated => {
                    return Err(DeployError::Failed { lease: name, phase: resource.phase });
                }
                _ if started.elapsed() >= self.options.run_timeout => {
                    let seconds = self.options.run_timeout.as_secs();
                    return Err(DeployError::NotRunning { lease: name, seconds });
                }
                _ => tokio::time::sleep(POLL).await,
            }
        };
        let urls: Vec<String> = resource.endpoints.into_iter().map(|endpoint| endpoint.url).collect();
        let text = if urls.is_empty() { "running".to_owned() } else { format!("running at {}", urls.join(", ")) };
        self.say("workload_running", text, json!({"lease": name, "urls": urls}));
        let DecCoin { denom, amount } = lease.price.clone().unwrap_or_default();
        let price = Dec::from_mantissa(&amount).map_err(|_| DeployError::Overflow)?;
        Ok(DeployedLease { id: name, provider: id.provider, price: format!("{price:#}"), denom, urls })
    }
}

/// Milliseconds since 1970: unique among one customer's deployments.
fn new_dseq() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(1, |elapsed| u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}

/// The gateway of a provider, by what the chain says of it.
pub async fn connect_gateway(
    rpc: &crate::RpcClient,
    provider: &str,
    identity: &Identity,
) -> Result<GatewayClient, GatewayError> {
    let request = QueryProviderRequest { owner: provider.to_owned() };
    let answer: QueryProviderResponse = rpc.query("/ve.provider.v1.Query/Provider", &request).await?;
    let host = answer.provider.map(|provider| provider.host_uri).unwrap_or_default();
    GatewayClient::connect(rpc, provider, &host, identity).await
}

async fn deployment(tx: &TxClient, owner: &str, dseq: u64) -> Result<Option<Deployment>, DeployError> {
    let request = QueryDeploymentRequest { owner: owner.to_owned(), dseq };
    let path = "/ve.market.v1.Query/Deployment";
    match tx.rpc().query::<_, QueryDeploymentResponse>(path, &request).await {
        Ok(answer) => Ok(answer.deployment),
        Err(ClientError::Query { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn resource(tx: &TxClient, id: &BidId) -> Result<Resource, DeployError> {
    let BidId { owner, dseq, gseq, oseq, provider, bseq } = id.clone();
    let request = QueryResourceRequest { owner, dseq, gseq, oseq, provider, bseq };
    let answer: QueryResourceResponse = tx.rpc().query("/ve.market.v1.Query/Resource", &request).await?;
    Ok(answer.resource.unwrap_or_default())
}

/// Two hours at the highest price, at least ten times the least deposit.
fn default_deposit(groups: &[GroupSpec]) -> Result<Coin, DeployError> {
    let mut total = Dec::zero();
    let mut denom = None;
    for unit in groups.iter().flat_map(|group| &group.units) {
        if *denom.get_or_insert(&unit.denom) != &unit.denom {
            return Err(DeployError::MixedDenoms);
        }
        let price = unit.price.mul_int(Amount::from(u64::from(unit.count)));
        total = price.and_then(|price| total.checked_add(price)).map_err(|_| DeployError::Overflow)?;
    }
    let hours = total.mul_int(Amount::from(2 * HOUR_BLOCKS)).and_then(|total| total.to_amount(Rounding::Ceil));
    let amount = hours.map_err(|_| DeployError::Overflow)?.max(Amount::from(10 * MIN_DEPOSIT));
    let denom: Denom = denom.map_or(Ok(Denom::native()), |denom| denom.parse()).map_err(|_| DeployError::Overflow)?;
    Ok(Coin::new(denom, amount))
}
