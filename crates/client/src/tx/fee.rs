//! What a node asks for gas.

use ve_base::{Amount, Coin, Coins, Dec, Denom, Rounding};
use ve_proto::cosmos::base::node::v1beta1::{ConfigRequest, ConfigResponse};
use ve_proto::feemarket::feemarket::v1::{GasPriceRequest, GasPriceResponse};

use crate::error::ClientError;
use crate::rpc::RpcClient;

/// Price of one unit of gas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GasPrice {
    pub amount: Dec,
    pub denom: Denom,
}

impl GasPrice {
    /// The lowest price at which the node relays and the chain accepts, in the native coin. Above the node's own minimum
    /// it is a tenth more than the chain's price, which may rise until the transaction is in a block.
    pub async fn of_node(rpc: &RpcClient) -> Result<Self, ClientError> {
        let config: ConfigResponse =
            rpc.query("/cosmos.base.node.v1beta1.Service/Config", &ConfigRequest::default()).await?;
        let prices = config.minimum_gas_price;
        let malformed = || ClientError::Malformed {
            method: "cosmos.base.node.v1beta1.Service/Config".into(),
            cause: format!("gas price {prices:?}"),
        };
        let native = Denom::native();
        let found = prices.split(',').find_map(|price| price.trim().strip_suffix(native.as_str()));
        let amount = match found {
            Some(text) => text.parse::<Dec>().ok().filter(|amount| !amount.is_negative()).ok_or_else(malformed)?,
            None if prices.trim().is_empty() => Dec::zero(),
            None => return Err(malformed()),
        };
        let of_chain = Self::of_chain(rpc, &native).await.filter(|price| *price > amount);
        Ok(Self { amount: raised(of_chain).unwrap_or(amount), denom: native })
    }

    /// What the chain itself demands; `None` from a node that does not answer that.
    async fn of_chain(rpc: &RpcClient, denom: &Denom) -> Option<Dec> {
        let request = GasPriceRequest { denom: denom.as_str().to_owned() };
        let answer: GasPriceResponse = rpc.query("/feemarket.feemarket.v1.Query/GasPrice", &request).await.ok()?;
        Dec::from_mantissa(&answer.price?.amount).ok()
    }

    /// ⌈price × gas⌉.
    pub fn fee(&self, gas: u64) -> Result<Coins, ClientError> {
        let amount = self.amount.mul_ceil_amount(Amount::from(gas));
        let amount = amount.map_err(|_| ClientError::Usage("the fee overflows; set --fees".into()))?;
        Ok(Coins::one(Coin::new(self.denom.clone(), amount)))
    }
}

fn raised(price: Option<Dec>) -> Option<Dec> {
    price?.mul(Dec::from_parts(11, 1).ok()?, Rounding::Ceil).ok()
}
