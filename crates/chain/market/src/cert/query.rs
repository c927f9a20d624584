//! Queries of `ve.cert.v1`.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::cert::v1::*;
use ve_sdk::{QueryContext, pagination};

use super::CERTIFICATES;

pub fn certificates(
    ctx: &QueryContext<'_>,
    request: &QueryCertificatesRequest,
) -> Result<QueryCertificatesResponse, CodedError> {
    let mut scan = CERTIFICATES.scan();
    if !request.owner.is_empty() {
        scan = scan.prefix(&parse_account("owner", &request.owner)?);
    }
    let page = scan.page_where(ctx, &pagination::request(request.pagination.as_ref()), |_, certificate| {
        (request.serial.is_empty() || request.serial == certificate.serial)
            && (request.state == 0 || request.state == certificate.state)
    })?;
    let pagination = pagination::response(&page);
    let certificates = page.entries.into_iter().map(|(_, certificate)| certificate).collect();
    Ok(QueryCertificatesResponse { certificates, pagination, height: ctx.height() })
}
