pub mod add_key;
pub mod attest_domain;
pub mod bond;
pub mod create;
pub mod deny_list;
pub mod exit;
pub mod heartbeat;
pub mod request_domain;
pub mod revoke_domain;
pub mod revoke_key;
pub mod update;
pub mod update_params;

use ve_proto::ve::provider::v1::ProviderInfo;

use super::error::Error;
use crate::text::shown;

/// `https://host[:port]`, without user, path, query or fragment.
fn check_host_uri(uri: &str) -> Result<(), Error> {
    let refused = || Error::HostUri(shown(uri));
    let authority = uri.strip_prefix("https://").filter(|_| uri.len() <= 256).ok_or_else(refused)?;
    let authority = authority.strip_suffix('/').unwrap_or(authority);
    let (host, port) = authority.split_once(':').unwrap_or((authority, "443"));
    let host_ok = !host.is_empty()
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
        && !host.starts_with(['-', '.']);
    let port_ok = port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
    if host_ok && port_ok { Ok(()) } else { Err(refused()) }
}

fn check_info(info: Option<&ProviderInfo>) -> Result<(), Error> {
    let fits = info.is_none_or(|info| info.name.len() <= 128 && info.email.len() <= 256 && info.website.len() <= 256);
    if fits { Ok(()) } else { Err(Error::Info) }
}
