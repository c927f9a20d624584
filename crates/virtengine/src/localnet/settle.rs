//! The end of a lease: closing it and accounting for every unit.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use ve_base::{Amount, BASE_DENOM, Dec};
use ve_client::tx::any;
use ve_client::{RpcClient, TxClient};
use ve_proto::cosmos::bank::v1beta1::{QueryBalanceRequest, QueryBalanceResponse};
use ve_proto::ve::escrow::v1::{AccountState, QueryAccountRequest, QueryAccountResponse, Scope};
use ve_proto::ve::market::v1::{MsgCloseDeployment, QueryDeploymentRequest, QueryDeploymentResponse};
use ve_proto::ve::mint::v1::{QueryIssuanceRequest, QueryIssuanceResponse};

/// The market's answer about a deployment that does not exist.
const MISSING: (&str, u32) = ("market", 3);

pub async fn balance(rpc: &RpcClient, address: &str) -> Result<Amount> {
    let request = QueryBalanceRequest { address: address.to_owned(), denom: BASE_DENOM.into() };
    let answer: QueryBalanceResponse = rpc.query("/cosmos.bank.v1beta1.Query/Balance", &request).await?;
    Ok(answer.balance.context("the node answers without a balance")?.amount.parse()?)
}

/// The supply without what inflation added and fees burned since genesis: blocks go on while a lease settles.
pub async fn supply(rpc: &RpcClient) -> Result<Amount> {
    let answer: QueryIssuanceResponse = rpc.query("/ve.mint.v1.Query/Issuance", &QueryIssuanceRequest {}).await?;
    let (supply, minted): (Amount, Amount) = (answer.supply.parse()?, answer.minted.parse()?);
    let before_burning = supply.checked_add(answer.burned.parse()?).context("overflow")?;
    before_burning.checked_sub(minted).context("more was minted than there is")
}

/// What became of a deployment's money, in `uve`.
#[derive(Clone, Debug, Default)]
pub struct Settlement {
    pub deposited: Dec,
    /// Per second, all leases.
    pub rate: Dec,
    /// Taken from the escrow for the provider, before commission, over the whole life.
    pub gross: Amount,
    pub provider: Amount,
    pub commission: Amount,
    pub refunded: Dec,
}

impl Settlement {
    /// Every unit that went in came out.
    pub fn exact(&self) -> bool {
        let out = Dec::from_amount(self.gross).and_then(|gross| gross.checked_add(self.refunded));
        let paid = self.provider.checked_add(self.commission);
        out == Ok(self.deposited) && paid == Some(self.gross)
    }

    pub fn to_json(&self) -> Value {
        json!({
            "deposited": format!("{:#}", self.deposited),
            "accrued_per_second": format!("{:#}", self.rate),
            "accrued": self.gross.to_string(),
            "paid_to_provider": self.provider.to_string(),
            "commission": self.commission.to_string(),
            "refunded": format!("{:#}", self.refunded),
            "exact": self.exact(),
        })
    }
}

/// Whether the chain has the deployment, open or closed.
pub async fn known(customer: &TxClient, dseq: u64) -> Result<bool> {
    let request = QueryDeploymentRequest { owner: customer.address().to_string(), dseq };
    match customer.rpc().query::<_, QueryDeploymentResponse>("/ve.market.v1.Query/Deployment", &request).await {
        Ok(_) => Ok(true),
        Err(error) if error.chain_code() == Some(MISSING) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Closes the deployment, unless it is closed already, and reads from the chain what was paid to whom.
pub async fn close(customer: &TxClient, dseq: u64) -> Result<Settlement> {
    let owner = customer.address().to_string();
    let xid = format!("{owner}/{dseq}");
    let request = QueryAccountRequest { scope: Scope::Deployment as i32, xid: xid.clone() };
    let path = "/ve.escrow.v1.Query/Account";
    let before: QueryAccountResponse = customer.rpc().query(path, &request).await?;
    if before.account.as_ref().is_some_and(|account| account.state != AccountState::Closed as i32) {
        customer.send(vec![any(&MsgCloseDeployment { owner, dseq })]).await?;
    }
    let after: QueryAccountResponse = customer.rpc().query(path, &request).await?;
    let account = after.account.context("the chain does not know the escrow account")?;
    let mut settlement = Settlement {
        deposited: Dec::from_mantissa(&account.deposited)?,
        refunded: Dec::from_mantissa(&account.refunded)?,
        ..Settlement::default()
    };
    for payment in &before.payments {
        settlement.rate = settlement.rate.checked_add(Dec::from_mantissa(&payment.rate)?)?;
    }
    for payment in &after.payments {
        settlement.gross = settlement.gross.checked_add(payment.withdrawn.parse()?).context("overflow")?;
    }
    settlement.provider = net(customer, &xid).await?;
    settlement.commission = settlement.gross.checked_sub(settlement.provider).context("more paid than taken")?;
    Ok(settlement)
}

/// What the provider received, summed over all withdrawals that the chain's events tell of.
async fn net(customer: &TxClient, xid: &str) -> Result<Amount> {
    let query = format!("payment_withdrawn.account='deployment:{xid}'");
    let parameters = json!({"query": query, "prove": false, "page": "1", "per_page": "100", "order_by": "asc"});
    let answer = customer.rpc().call("tx_search", parameters).await?;
    let mut sum = Amount::ZERO;
    for tx in answer["txs"].as_array().into_iter().flatten() {
        for event in tx["tx_result"]["events"].as_array().into_iter().flatten() {
            let attribute = |key: &str| {
                let attributes = event["attributes"].as_array()?;
                attributes.iter().find(|attribute| attribute["key"] == key)?["value"].as_str()
            };
            if event["type"] == "payment_withdrawn" && attribute("account").is_some_and(|id| id.ends_with(xid)) {
                let net = attribute("net").unwrap_or_default().trim_end_matches(BASE_DENOM);
                sum = sum.checked_add(net.parse()?).context("overflow")?;
            }
        }
    }
    Ok(sum)
}
