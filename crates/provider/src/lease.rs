//! What the daemon knows of each lease that it serves, durable.

use serde::{Deserialize, Serialize};

use crate::backend::Resources;
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
    /// The customer had it stopped: kept, not running.
    Stopped,
    Gone,
}

impl Desired {
    /// Stable name; also that of its JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::AwaitingManifest => "awaiting_manifest",
            Self::Running => "running",
            Self::Suspended => "suspended",
            Self::Stopped => "stopped",
            Self::Gone => "gone",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseRecord {
    pub id: LeaseId,
    pub group_name: String,
    /// Unix seconds of block time at which the lease began.
    pub created_at: u64,
    pub desired: Desired,
    /// What was leased; held back from other orders until a workload holds it.
    #[serde(default)]
    pub needs: Option<Resources>,
    /// The manifest, sealed, once the customer delivered it.
    pub manifest: Option<String>,
    /// SHA-256 of the manifest, as on the chain.
    pub manifest_hash: Option<[u8; 32]>,
    /// Raised by every new manifest and by every repair: commands of different generations are different commands.
    pub generation: u32,
    /// Raised by every suspension and resumption, for the same reason.
    pub toggles: u64,
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
            needs: None,
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

/// Forgets leases that ended before `time`.
pub fn forget_ended(db: &Db, time: u64) -> Result<(), DbError> {
    db.write(|writer| {
        for (key, record) in writer.all(&LEASES)? {
            if record.desired == Desired::Gone && record.closed_at.is_some_and(|at| at < time) {
                writer.remove(&LEASES, &key)?;
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_leases_that_ended_long_ago_are_forgotten() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let db = Db::open(&directory.path().join("provider.redb")).expect("a store");
        for (dseq, desired, closed_at) in
            [(1, Desired::Gone, Some(100)), (2, Desired::Gone, Some(200)), (3, Desired::Running, None)]
        {
            let id = format!("ve1owner/{dseq}/1/1/ve1provider/1").parse().expect("a well-formed id");
            let record = LeaseRecord { desired, closed_at, ..LeaseRecord::new(id, "dc".into(), 0) };
            assert!(insert_new(&db, &record).expect("written"));
            assert!(!insert_new(&db, &record).expect("answered"), "known already");
        }
        forget_ended(&db, 200).expect("written");
        let left: Vec<u64> = all(&db).expect("read").into_iter().map(|record| record.id.order.dseq).collect();
        assert_eq!(left, [2, 3]);
    }
}
