//! The daemon's embedded store. Every external effect is written here before it is tried and after it is known, so a
//! crash at any point is continued, not repeated (marketplace spec section 13).

use std::path::Path;

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, TableError};
use serde::{Serialize, de::DeserializeOwned};

#[derive(Debug, thiserror::Error)]
pub enum DbError {
    #[error("the daemon's store failed: {0}; check the disk, then start the daemon again")]
    Storage(String),
    #[error(
        "the record {key} in the daemon's store is damaged: {cause}; restore it or remove it with the daemon stopped"
    )]
    Damaged { key: String, cause: String },
    #[error("another daemon uses this store; stop it first")]
    InUse,
}

fn storage(error: impl std::fmt::Display) -> DbError {
    DbError::Storage(error.to_string())
}

/// A table of JSON records by string key.
pub struct Records<V> {
    definition: TableDefinition<'static, &'static str, &'static [u8]>,
    record: std::marker::PhantomData<fn() -> V>,
}

impl<V> Records<V> {
    pub const fn new(name: &'static str) -> Self {
        Self { definition: TableDefinition::new(name), record: std::marker::PhantomData }
    }
}

pub struct Db {
    database: Database,
}

impl Db {
    pub fn open(path: &Path) -> Result<Self, DbError> {
        match Database::create(path) {
            Ok(database) => Ok(Self { database }),
            Err(redb::DatabaseError::DatabaseAlreadyOpen) => Err(DbError::InUse),
            Err(error) => Err(storage(error)),
        }
    }

    pub fn get<V: DeserializeOwned>(&self, records: &Records<V>, key: &str) -> Result<Option<V>, DbError> {
        let transaction = self.database.begin_read().map_err(storage)?;
        let table = match transaction.open_table(records.definition) {
            Ok(table) => table,
            Err(TableError::TableDoesNotExist(_)) => return Ok(None),
            Err(error) => return Err(storage(error)),
        };
        let value = table.get(key).map_err(storage)?;
        value.map(|bytes| decode(key, bytes.value())).transpose()
    }

    pub fn all<V: DeserializeOwned>(&self, records: &Records<V>) -> Result<Vec<(String, V)>, DbError> {
        let transaction = self.database.begin_read().map_err(storage)?;
        let table = match transaction.open_table(records.definition) {
            Ok(table) => table,
            Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            Err(error) => return Err(storage(error)),
        };
        let mut all = Vec::new();
        for entry in table.iter().map_err(storage)? {
            let (key, bytes) = entry.map_err(storage)?;
            all.push((key.value().to_owned(), decode(key.value(), bytes.value())?));
        }
        Ok(all)
    }

    /// Runs `body` in one durable transaction: all of its writes or none.
    pub fn write<T>(&self, body: impl FnOnce(&mut Writer<'_>) -> Result<T, DbError>) -> Result<T, DbError> {
        let transaction = self.database.begin_write().map_err(storage)?;
        let value = body(&mut Writer { transaction: &transaction })?;
        transaction.commit().map_err(storage)?;
        Ok(value)
    }

    pub fn put<V: Serialize>(&self, records: &Records<V>, key: &str, value: &V) -> Result<(), DbError> {
        self.write(|writer| writer.put(records, key, value))
    }
}

pub struct Writer<'a> {
    transaction: &'a redb::WriteTransaction,
}

impl Writer<'_> {
    pub fn get<V: DeserializeOwned>(&self, records: &Records<V>, key: &str) -> Result<Option<V>, DbError> {
        let table = self.transaction.open_table(records.definition).map_err(storage)?;
        let value = table.get(key).map_err(storage)?;
        value.map(|bytes| decode(key, bytes.value())).transpose()
    }

    pub fn put<V: Serialize>(&mut self, records: &Records<V>, key: &str, value: &V) -> Result<(), DbError> {
        let bytes = serde_json::to_vec(value).map_err(storage)?;
        let mut table = self.transaction.open_table(records.definition).map_err(storage)?;
        table.insert(key, bytes.as_slice()).map_err(storage)?;
        Ok(())
    }

    pub fn remove<V>(&mut self, records: &Records<V>, key: &str) -> Result<(), DbError> {
        let mut table = self.transaction.open_table(records.definition).map_err(storage)?;
        table.remove(key).map_err(storage)?;
        Ok(())
    }

    pub fn all<V: DeserializeOwned>(&self, records: &Records<V>) -> Result<Vec<(String, V)>, DbError> {
        let table = self.transaction.open_table(records.definition).map_err(storage)?;
        let mut all = Vec::new();
        for entry in table.iter().map_err(storage)? {
            let (key, bytes) = entry.map_err(storage)?;
            all.push((key.value().to_owned(), decode(key.value(), bytes.value())?));
        }
        Ok(all)
    }
}

fn decode<V: DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<V, DbError> {
    serde_json::from_slice(bytes).map_err(|cause| DbError::Damaged { key: key.to_owned(), cause: cause.to_string() })
}
