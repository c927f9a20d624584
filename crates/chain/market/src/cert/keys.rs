//! Store keys of the module.

use ve_base::Address;
use ve_proto::ve::cert::v1::Certificate;
use ve_store::Map;

/// By owner and serial.
pub static CERTIFICATES: Map<(Address, String), Certificate> = Map::new("cert", 1);
