//! Queries of `ve.admission.v1`.

use ve_base::CodedError;
use ve_proto::ve::admission::v1::{QueryParamsRequest, QueryParamsResponse};
use ve_sdk::{QueryContext, Registrar};

use super::params;

pub fn register(registrar: &mut Registrar) {
    registrar.query("/ve.admission.v1.Query/Params", parameters);
}

fn parameters(ctx: &QueryContext<'_>, _: &QueryParamsRequest) -> Result<QueryParamsResponse, CodedError> {
    Ok(QueryParamsResponse { params: Some(params::load(ctx)?) })
}
