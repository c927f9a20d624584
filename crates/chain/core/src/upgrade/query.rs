//! Queries of `cosmos.upgrade.v1beta1`.

use ve_base::{CodedError, errors::sdk};
use ve_proto::cosmos::upgrade::v1beta1::*;
use ve_sdk::{QueryContext, Registrar};

use super::keys::{APPLIED, PLAN, VERSIONS};

pub fn register(registrar: &mut Registrar) {
    registrar.query("/cosmos.upgrade.v1beta1.Query/CurrentPlan", current_plan);
    registrar.query("/cosmos.upgrade.v1beta1.Query/AppliedPlan", applied_plan);
    registrar.query("/cosmos.upgrade.v1beta1.Query/ModuleVersions", module_versions);
    registrar.query("/cosmos.upgrade.v1beta1.Query/Authority", authority);
}

fn current_plan(ctx: &QueryContext<'_>, _: &QueryCurrentPlanRequest) -> Result<QueryCurrentPlanResponse, CodedError> {
    Ok(QueryCurrentPlanResponse { plan: PLAN.get(ctx)? })
}

fn applied_plan(
    ctx: &QueryContext<'_>,
    request: &QueryAppliedPlanRequest,
) -> Result<QueryAppliedPlanResponse, CodedError> {
    let height = APPLIED.get(ctx, request.name.as_str())?.unwrap_or(0);
    Ok(QueryAppliedPlanResponse { height: i64::try_from(height).unwrap_or(i64::MAX) })
}

fn module_versions(
    ctx: &QueryContext<'_>,
    request: &QueryModuleVersionsRequest,
) -> Result<QueryModuleVersionsResponse, CodedError> {
    let name = request.module_name.as_str();
    if name.is_empty() {
        let mut module_versions = Vec::new();
        for entry in VERSIONS.iter(ctx) {
            let (name, version) = entry?;
            module_versions.push(ModuleVersion { name, version });
        }
        return Ok(QueryModuleVersionsResponse { module_versions });
    }
    let version = VERSIONS.get(ctx, name)?.ok_or_else(|| {
        sdk::Error::KeyNotFound(format!("rpc error: code = NotFound desc = module {name:?} not found: key not found"))
    })?;
    Ok(QueryModuleVersionsResponse { module_versions: vec![ModuleVersion { name: name.to_owned(), version }] })
}

fn authority(_: &QueryContext<'_>, _: &QueryAuthorityRequest) -> Result<QueryAuthorityResponse, CodedError> {
    Ok(QueryAuthorityResponse { address: ve_base::module_address(ve_sdk::context::GOV_MODULE).to_string() })
}
