//! What the daemon knows of each lease that it serves, durable.

use serde::{Deserialize, Serialize};

use crate::db::{Db, DbError, Records};
use crate::model::LeaseId;

const LEASES: Records<LeaseRecord> = Records::new("leases");

/// What should be true of the workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Desired {
    /// The lease lives and its manifest has not come yet.
    AwaitingManifest,
    Running,
    /// The customer's escrow is overdrawn: kept, not running.
    Suspended,
    Gone,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseRecord {
    pub id: LeaseId,
    pub group_name: String,
    /// Unix seconds of block time at which the lease began.
    pub created_at: u64,
    pub desired: Desired,
    /// The manifest, sealed, once the customer delivered it.
    pub manifest: Option<String>,
    /// SHA-256 of the manifest, as on the chain.
    pub manifest_hash: Option<[u8; 32]>,
    /// Raised by every new manifest and by every repair: commands of different generations are different commands.
    pub generation: u32,
    /// Raised by every suspension and resumption, for the same reason.
    pub toggles: u32,
    /// Service and URL of each published port.
    pub endpoints: Vec<(String, String)>,
    /// Reason given on the chain when the lease ended.
    pub close_reason: Option<String>,
    pub closed_at: Option<u64>,
}

impl LeaseRecord {
    pub fn new(id: LeaseId, group_name: String, created_at: u64) -> Self {
        Self {
            id,
            group_name,
            created_at,
            desired: Desired::AwaitingManifest,
            manifest: None,
            manifest_hash: None,
            generation: 0,
            toggles: 0,
            endpoints: Vec::new(),
            close_reason: None,
            closed_at: None,
        }
    }
}

pub fn get(db: &Db, id: &LeaseId) -> Result<Option<LeaseRecord>, DbError> {
    db.get(&LEASES, &id.to_string())
}

pub fn all(db: &Db) -> Result<Vec<LeaseRecord>, DbError> {
    Ok(db.all(&LEASES)?.into_iter().map(|(_, record)| record).collect())
}

/// Reads, changes and writes one record in one transaction; `None` when the daemon does not know the lease.
pub fn update<T>(db: &Db, id: &LeaseId, change: impl FnOnce(&mut LeaseRecord) -> T) -> Result<Option<T>, DbError> {
    let key = id.to_string();
    db.write(|writer| {
        let Some(mut record) = writer.get(&LEASES, &key)? else { return Ok(None) };
        let value = change(&mut record);
        writer.put(&LEASES, &key, &record)?;
        Ok(Some(value))
    })
}

/// Adds the record unless the lease is known already: an event seen twice changes nothing.
pub fn insert_new(db: &Db, record: &LeaseRecord) -> Result<bool, DbError> {
    let key = record.id.to_string();
    db.write(|writer| {
        if writer.get(&LEASES, &key)?.is_some() {
            return Ok(false);
        }
        writer.put(&LEASES, &key, record)?;
        Ok(true)
    })
}
