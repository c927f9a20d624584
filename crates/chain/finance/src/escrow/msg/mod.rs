pub mod deposit;
pub mod update_params;
pub mod withdraw;

use ve_base::{ACCOUNT_PREFIX, Address, CodedError, errors::sdk::Error};

fn parse(role: &str, address: &str) -> Result<Address, CodedError> {
    Ok(Address::from_bech32(address, ACCOUNT_PREFIX)
        .map_err(|cause| Error::InvalidAddress(format!("invalid {role} address {address:?}: {cause}")))?)
}
