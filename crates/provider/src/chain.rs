//! What the daemon asks of the chain and tells it.

pub mod report;

use std::time::Duration;

use prost_types::Any;
use ve_base::keys::{PublicKey, SecretKey};
use ve_base::{Amount, BASE_DENOM, Dec, preimage};
use ve_client::tx::any;
use ve_client::{ClientError, RpcClient, TxClient, TxOptions};
use ve_proto::cosmos::auth::v1beta1 as auth;
use ve_proto::cosmos::bank::v1beta1 as bank;
use ve_proto::cosmos::base::query::v1beta1::PageRequest;
use ve_proto::cosmos::base::v1beta1::{Coin, DecCoin};
use ve_proto::ve::cert::v1 as cert;
use ve_proto::ve::escrow::v1 as escrow;
use ve_proto::ve::market::v1 as market;
use ve_proto::ve::provider::v1 as provider;

use crate::model::{LeaseId, OrderId};

/// Name of the daemon's key for signed reports.
pub const REPORT_KEY_ID: &str = "daemon";
/// Objects read per query.
const PAGE: u64 = 200;

/// One account's view of the chain. All transactions of the daemon go through here: one stream per account.
pub struct Chain {
    pub tx: TxClient,
    pub address: String,
    /// Signs reports; registered on the chain under [`REPORT_KEY_ID`].
    report_key: SecretKey,
}

pub fn bid_id(lease: &LeaseId) -> market::BidId {
    market::BidId {
        owner: lease.order.owner.clone(),
        dseq: lease.order.dseq,
        gseq: lease.order.gseq,
        oseq: lease.order.oseq,
        provider: lease.provider.clone(),
        bseq: lease.bseq,
    }
}

pub fn lease_id(id: &market::BidId) -> LeaseId {
    LeaseId {
        order: OrderId { owner: id.owner.clone(), dseq: id.dseq, gseq: id.gseq, oseq: id.oseq },
        provider: id.provider.clone(),
        bseq: id.bseq,
    }
}

pub fn order_id(id: &market::OrderId) -> OrderId {
    OrderId { owner: id.owner.clone(), dseq: id.dseq, gseq: id.gseq, oseq: id.oseq }
}

/// Codes with which the modules that this daemon asks say that an object does not exist.
const MISSING: [(&str, u32); 3] = [("market", 3), ("provider", 3), ("cert", 5)];

/// The chain answered that there is no such object.
fn not_found(error: &ClientError) -> bool {
    matches!(error, ClientError::Query { codespace, code, .. } if MISSING.contains(&(codespace.as_str(), *code)))
}

impl Chain {
    pub fn new(tx: TxClient, report_key: SecretKey) -> Self {
        Self { address: tx.address().to_string(), tx, report_key }
    }

    pub fn rpc(&self) -> &RpcClient {
        self.tx.rpc()
    }

    pub async fn send(&self, messages: Vec<Any>) -> Result<(), ClientError> {
        let options = TxOptions { timeout: Duration::from_secs(30), ..TxOptions::default() };
        self.tx.send_with(messages, &options).await.map(|_| ())
    }

    pub async fn provider(&self) -> Result<Option<provider::Provider>, ClientError> {
        let request = provider::QueryProviderRequest { owner: self.address.clone() };
        match self.rpc().query("/ve.provider.v1.Query/Provider", &request).await {
            Ok(provider::QueryProviderResponse { provider, .. }) => Ok(provider),
            Err(error) if not_found(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Open orders that this provider's attributes satisfy.
    pub async fn open_orders(&self) -> Result<Vec<market::Order>, ClientError> {
        let mut orders = Vec::new();
        let mut key = Vec::new();
        loop {
            let request = market::QueryOrdersForProviderRequest {
                provider: self.address.clone(),
                pagination: Some(PageRequest { key, limit: PAGE, ..PageRequest::default() }),
            };
            let response: market::QueryOrdersForProviderResponse =
                self.rpc().query("/ve.market.v1.Query/OrdersForProvider", &request).await?;
            orders.extend(response.orders);
            key = response.pagination.map(|page| page.next_key).unwrap_or_default();
            if key.is_empty() {
                return Ok(orders);
            }
        }
    }

    /// Orders on which this provider has an open bid.
    pub async fn open_bids(&self) -> Result<Vec<OrderId>, ClientError> {
        let mut orders = Vec::new();
        let mut key = Vec::new();
        loop {
            let request = market::QueryBidsRequest {
                provider: self.address.clone(),
                state: market::BidState::Open as i32,
                pagination: Some(PageRequest { key, limit: PAGE, ..PageRequest::default() }),
                ..market::QueryBidsRequest::default()
            };
            let response: market::QueryBidsResponse = self.rpc().query("/ve.market.v1.Query/Bids", &request).await?;
            orders.extend(response.bids.iter().filter_map(|bid| Some(lease_id(bid.id.as_ref()?).order)));
            key = response.pagination.map(|page| page.next_key).unwrap_or_default();
            if key.is_empty() {
                return Ok(orders);
            }
        }
    }

    /// What the account has, in `uve`.
    pub async fn balance(&self) -> Result<Amount, ClientError> {
        let path = "/cosmos.bank.v1beta1.Query/Balance";
        let request = bank::QueryBalanceRequest { address: self.address.clone(), denom: BASE_DENOM.into() };
        let answer: bank::QueryBalanceResponse = self.rpc().query(path, &request).await?;
        let amount = answer.balance.map(|coin| coin.amount).unwrap_or_default();
        amount.parse().map_err(|cause: ve_base::AmountError| ClientError::Malformed {
            method: path.into(),
            cause: cause.to_string(),
        })
    }

    /// The key that the account's transactions are signed with; `None` before its first.
    pub async fn account_key(&self, owner: &str) -> Result<Option<PublicKey>, ClientError> {
        let request = auth::QueryAccountInfoRequest { address: owner.to_owned() };
        let path = "/cosmos.auth.v1beta1.Query/AccountInfo";
        match self.rpc().query::<_, auth::QueryAccountInfoResponse>(path, &request).await {
            Ok(answer) => {
                let key = answer.info.and_then(|account| account.pub_key);
                Ok(key.and_then(|key| PublicKey::from_any(&key).ok()))
            }
            Err(error) if error.chain_code().is_some() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Leases of this provider that are not closed.
    pub async fn live_leases(&self) -> Result<Vec<market::Lease>, ClientError> {
        let mut leases = Vec::new();
        for state in [market::LeaseState::Active, market::LeaseState::Grace, market::LeaseState::Reclaiming] {
            let mut key = Vec::new();
            loop {
                let request = market::QueryLeasesRequest {
                    provider: self.address.clone(),
                    state: state as i32,
                    pagination: Some(PageRequest { key, limit: PAGE, ..PageRequest::default() }),
                    ..market::QueryLeasesRequest::default()
                };
                let response: market::QueryLeasesResponse =
                    self.rpc().query("/ve.market.v1.Query/Leases", &request).await?;
                leases.extend(response.leases);
                key = response.pagination.map(|page| page.next_key).unwrap_or_default();
                if key.is_empty() {
                    break;
                }
            }
        }
        Ok(leases)
    }

    pub async fn lease(&self, lease: &LeaseId) -> Result<Option<market::Lease>, ClientError> {
        let id = bid_id(lease);
        let request = market::QueryLeaseRequest {
            owner: id.owner,
            dseq: id.dseq,
            gseq: id.gseq,
            oseq: id.oseq,
            provider: id.provider,
            bseq: id.bseq,
        };
        match self.rpc().query("/ve.market.v1.Query/Lease", &request).await {
            Ok(market::QueryLeaseResponse { lease, .. }) => Ok(lease),
            Err(error) if not_found(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Manifest hash and groups of a deployment.
    pub async fn deployment(
        &self,
        owner: &str,
        dseq: u64,
    ) -> Result<Option<(market::Deployment, Vec<market::Group>)>, ClientError> {
        let request = market::QueryDeploymentRequest { owner: owner.to_owned(), dseq };
        match self.rpc().query("/ve.market.v1.Query/Deployment", &request).await {
            Ok(market::QueryDeploymentResponse { deployment: Some(deployment), groups, .. }) => {
                Ok(Some((deployment, groups)))
            }
            Ok(_) => Ok(None),
            Err(error) if not_found(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub async fn certificate(&self, owner: &str, serial: &str) -> Result<Option<cert::Certificate>, ClientError> {
        let request = cert::QueryCertificatesRequest {
            owner: owner.to_owned(),
            serial: serial.to_owned(),
            ..cert::QueryCertificatesRequest::default()
        };
        let response: cert::QueryCertificatesResponse =
            self.rpc().query("/ve.cert.v1.Query/Certificates", &request).await?;
        Ok(response.certificates.into_iter().next())
    }

    /// Resources of this provider's leases in one state.
    pub async fn resources(&self, state: market::ResourceState) -> Result<Vec<market::Resource>, ClientError> {
        let mut resources = Vec::new();
        let mut key = Vec::new();
        loop {
            let request = market::QueryResourcesRequest {
                provider: self.address.clone(),
                state: state as i32,
                pagination: Some(PageRequest { key, limit: PAGE, ..PageRequest::default() }),
                ..market::QueryResourcesRequest::default()
            };
            let response: market::QueryResourcesResponse =
                self.rpc().query("/ve.market.v1.Query/Resources", &request).await?;
            resources.extend(response.resources);
            key = response.pagination.map(|page| page.next_key).unwrap_or_default();
            if key.is_empty() {
                return Ok(resources);
            }
        }
    }

    pub async fn resource(&self, lease: &LeaseId) -> Result<Option<market::Resource>, ClientError> {
        let id = bid_id(lease);
        let request = market::QueryResourceRequest {
            owner: id.owner,
            dseq: id.dseq,
            gseq: id.gseq,
            oseq: id.oseq,
            provider: id.provider,
            bseq: id.bseq,
        };
        match self.rpc().query("/ve.market.v1.Query/Resource", &request).await {
            Ok(market::QueryResourceResponse { resource, .. }) => Ok(resource),
            Err(error) if not_found(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub async fn bid(&self, order: &market::Order, price: &Dec, deposit: Coin) -> Result<(), ClientError> {
        let spec = order.spec.clone().unwrap_or_default();
        let message = market::MsgCreateBid {
            provider: self.address.clone(),
            order: order.id.clone(),
            price: Some(DecCoin { denom: BASE_DENOM.into(), amount: price.to_mantissa() }),
            resources_offer: spec
                .resources
                .into_iter()
                .map(|unit| market::ResourceOffer { resources: unit.resources, count: unit.count })
                .collect(),
            reclamation_window: spec.reclamation_min_window,
            deposit: Some(deposit),
        };
        self.send(vec![any(&message)]).await
    }

    pub async fn bid_deposit(&self) -> Result<Coin, ClientError> {
        let response: market::QueryParamsResponse =
            self.rpc().query("/ve.market.v1.Query/Params", &market::QueryParamsRequest {}).await?;
        Ok(response.params.and_then(|params| params.bid_deposit).unwrap_or_default())
    }

    pub async fn close_lease(&self, lease: &LeaseId, reason: market::Reason) -> Result<(), ClientError> {
        let message =
            market::MsgCloseLease { sender: self.address.clone(), lease: Some(bid_id(lease)), reason: reason as i32 };
        self.send(vec![any(&message)]).await
    }

    /// Withdraws what a lease has earned.
    pub async fn withdraw(&self, lease: &LeaseId) -> Result<(), ClientError> {
        let message = escrow::MsgWithdrawPayment {
            payee: self.address.clone(),
            account: Some(escrow::AccountId { scope: escrow::Scope::Deployment as i32, xid: lease.order.deployment() }),
            payment: lease.to_string(),
        };
        self.send(vec![any(&message)]).await
    }

    /// Shows that the daemon is alive: a provider with leases that stays silent loses them and pays for it. The time is
    /// the sequence, so that a daemon that forgot everything still counts on.
    pub async fn heartbeat(&self, now: u64) -> Result<(), ClientError> {
        let mut message = provider::MsgHeartbeat {
            relayer: self.address.clone(),
            provider: self.address.clone(),
            seq: now,
            observed_at: now,
            key_id: REPORT_KEY_ID.into(),
            signature: Vec::new(),
        };
        message.signature = self.report_key.sign(&preimage::heartbeat(self.tx.chain_id(), &message)).to_vec();
        self.send(vec![any(&message)]).await
    }
}

#[cfg(test)]
#[path = "chain_tests.rs"]
mod tests;
