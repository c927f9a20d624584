//! Access tokens that their accounts took back, until no token of that age is in force anywhere.

use std::time::Duration;

use ve_client::gateway::token::MAX_DEPLOY_LIFE;

use crate::db::{Db, DbError, Records};

const REVOKED: Records<u64> = Records::new("revoked_tokens");
/// A token made a moment after it was taken back lives this long.
pub const KEEP: Duration = Duration::from_secs(MAX_DEPLOY_LIFE + 3600);
/// Most of one account.
const MAX_PER_ACCOUNT: usize = 1000;

/// An address has no slash.
fn key(owner: &str, jti: &str) -> String {
    format!("{owner}/{jti}")
}

pub fn contains(db: &Db, owner: &str, jti: &str) -> Result<bool, DbError> {
    Ok(db.get(&REVOKED, &key(owner, jti))?.is_some())
}

/// Remembers the token; `false` when the account has used up its places.
pub fn insert(db: &Db, owner: &str, jti: &str, now: u64) -> Result<bool, DbError> {
    db.write(|writer| {
        let mut own = 0;
        for (other, since) in writer.all(&REVOKED)? {
            if since.saturating_add(KEEP.as_secs()) < now {
                writer.remove(&REVOKED, &other)?;
            } else if other.split_once('/').is_some_and(|(account, _)| account == owner) {
                own += 1;
            }
        }
        if own >= MAX_PER_ACCOUNT {
            return Ok(false);
        }
        writer.put(&REVOKED, &key(owner, jti), &now)?;
        Ok(true)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_stays_taken_back_longer_than_it_could_live_and_only_for_its_account() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let db = Db::open(&directory.path().join("provider.redb")).expect("a store");
        assert!(insert(&db, "ve1a", "t/1", 1000).expect("written"));
        assert!(contains(&db, "ve1a", "t/1").expect("read"));
        assert!(!contains(&db, "ve1b", "t/1").expect("read"));
        insert(&db, "ve1b", "t2", 1000 + MAX_DEPLOY_LIFE).expect("written");
        assert!(contains(&db, "ve1a", "t/1").expect("read"));
        insert(&db, "ve1b", "t3", 1001 + KEEP.as_secs()).expect("written");
        assert!(!contains(&db, "ve1a", "t/1").expect("read"), "forgotten");
    }

    #[test]
    fn one_account_cannot_fill_the_store() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let db = Db::open(&directory.path().join("provider.redb")).expect("a store");
        db.write(|writer| {
            (0..MAX_PER_ACCOUNT).try_for_each(|n| writer.put(&REVOKED, &key("ve1a", &n.to_string()), &0u64))
        })
        .expect("written");
        assert!(!insert(&db, "ve1a", "one more", 1).expect("answered"));
        assert!(insert(&db, "ve1b", "first", 1).expect("answered"));
    }
}
