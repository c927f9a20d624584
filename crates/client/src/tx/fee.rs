//! What a node asks for gas.

use ve_base::{Amount, Coin, Coins, Dec, Denom};
use ve_proto::cosmos::base::node::v1beta1::{ConfigRequest, ConfigResponse};

use crate::error::ClientError;
use crate::rpc::RpcClient;

/// Price of one unit of gas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GasPrice {
    pub amount: Dec,
    pub denom: Denom,
}

impl GasPrice {
    /// The lowest price at which the node relays, in the native coin.
    pub async fn of_node(rpc: &RpcClient) -> Result<Self, ClientError> {
        let config: ConfigResponse =
            rpc.query("/cosmos.base.node.v1beta1.Service/Config", &ConfigRequest::default()).await?;
        let prices = config.minimum_gas_price;
        let malformed = || ClientError::Malformed {
            method: "cosmos.base.node.v1beta1.Service/Config".into(),
            cause: format!("gas price {prices:?}"),
        };
        let native = Denom::native();
        let Some(amount) = prices.split(',').find_map(|price| price.trim().strip_suffix(native.as_str())) else {
            let nothing = prices.trim().is_empty();
            return if nothing { Ok(Self { amount: Dec::zero(), denom: native }) } else { Err(malformed()) };
        };
        let amount = amount.parse::<Dec>().ok().filter(|amount| !amount.is_negative()).ok_or_else(malformed)?;
        Ok(Self { amount, denom: native })
    }

    /// ⌈price × gas⌉.
    pub fn fee(&self, gas: u64) -> Result<Coins, ClientError> {
        let amount = self.amount.mul_ceil_amount(Amount::from(gas));
        let amount = amount.map_err(|_| ClientError::Usage("the fee overflows; set --fees".into()))?;
        Ok(Coins::one(Coin::new(self.denom.clone(), amount)))
    }
}
