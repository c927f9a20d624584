//! Store keys of the module.

use ve_base::Address;
use ve_proto::ve::encryption::v1::Envelope;
use ve_proto::ve::veid::v1::{
    Appeal, Client, Consent, HistoryEntry, KnownBlock, MemberRecord, Nullifier, Params, RequestStatus, Scope,
    ScopeStatus, ScoreRecord, Sentence, Usage, UsedDigest, VerificationRequest, Wallet,
};
use ve_store::index::UniqueIndex;
use ve_store::{Index, IndexedMap, Item, Map};

use super::timers;

pub static PARAMS: Item<Params> = Item::new("veid", 0);

/// When time next changes a wallet: a scope ends, the score decays, a second chance runs out.
pub static WALLET_DUE: Index<u64, Address, Wallet> =
    Index::new("veid", 2, |_, wallet| timers::next(wallet).into_iter().collect());

pub static WALLETS: IndexedMap<Address, Wallet> = IndexedMap::new("veid", 1, &[&WALLET_DUE]);

/// Scopes by the client that captured them.
pub static SCOPE_CLIENT: Index<String, (Address, String), Scope> =
    Index::new("veid", 4, |_, scope| vec![scope.client_id.clone()]);

/// Scopes that are not revoked, by owner.
pub static LIVE_SCOPES: Index<Address, (Address, String), Scope> =
    Index::new(
        "veid",
        13,
        |(owner, _), scope| {
            if scope.status() == ScopeStatus::Revoked { Vec::new() } else { vec![owner.clone()] }
        },
    );

/// Scopes that wait or count, by owner and number of the type.
pub static CURRENT_SCOPES: Index<(Address, u32), (Address, String), Scope> =
    Index::new("veid", 14, |(owner, _), scope| match scope.status() {
        ScopeStatus::Pending | ScopeStatus::InProgress | ScopeStatus::Verified => {
            vec![(owner.clone(), scope.r#type.unsigned_abs())]
        }
        _ => Vec::new(),
    });

/// By owner and scope id.
pub static SCOPES: IndexedMap<(Address, String), Scope> =
    IndexedMap::new("veid", 3, &[&SCOPE_CLIENT, &LIVE_SCOPES, &CURRENT_SCOPES]);

pub static ENVELOPES: Map<(Address, String), Envelope> = Map::new("veid", 5);

pub static CLIENTS: Map<String, Client> = Map::new("veid", 6);

pub static USED_UNTIL: Index<u64, Vec<u8>, UsedDigest> = Index::new("veid", 8, |_, used| vec![used.until]);

/// Salts and client signatures that were taken, by SHA-256.
pub static USED: IndexedMap<Vec<u8>, UsedDigest> = IndexedMap::new("veid", 7, &[&USED_UNTIL]);

/// Recent blocks, whose hashes may enter a nonce.
pub static BLOCKS: Map<u64, KnownBlock> = Map::new("veid", 9);

/// By owner and number.
pub static HISTORY: Map<(Address, u32), HistoryEntry> = Map::new("veid", 10);

/// By owner and id.
pub static CONSENTS: Map<(Address, u32), Consent> = Map::new("veid", 11);

/// Bits of the capabilities that are enforced, a digest of the parameters for the gate.
pub static ENFORCED: Item<u32> = Item::new("veid", 15);

/// By account and capability.
pub static USAGE: IndexedMap<(Address, u32), Usage> = IndexedMap::new("veid", 16, &[&USAGE_SINCE]);

pub static USAGE_SINCE: Index<u64, (Address, u32), Usage> = Index::new("veid", 17, |_, usage| vec![usage.since]);

/// When something next happens to a request.
pub static REQUEST_DUE: Index<u64, Address, VerificationRequest> =
    Index::new("veid", 19, |_, request| if request.due_at > 0 { vec![request.due_at] } else { Vec::new() });

/// Requests that a committee works on.
pub static ASSIGNED: Index<u64, Address, VerificationRequest> =
    Index::new("veid", 30, |_, request| if request.status() == RequestStatus::Assigned { vec![0] } else { Vec::new() });

/// Requests with a run, by its id.
pub static RUNS: UniqueIndex<Vec<u8>, Address, VerificationRequest> =
    UniqueIndex::new("veid", 20, |_, request| request.run.iter().map(|run| run.run_id.clone()).collect());

/// The last request of each owner.
pub static REQUESTS: IndexedMap<Address, VerificationRequest> =
    IndexedMap::new("veid", 18, &[&REQUEST_DUE, &RUNS, &ASSIGNED]);

/// Sealed features by run and member.
pub static REVEALS: Map<(Vec<u8>, Address), Envelope> = Map::new("veid", 21);

/// The last result of each owner.
pub static RECORDS: Map<Address, ScoreRecord> = Map::new("veid", 22);

pub static NULLIFIERS: Map<Vec<u8>, Nullifier> = Map::new("veid", 23);

/// When something next happens to an appeal.
pub static APPEAL_DUE: Index<u64, u64, Appeal> =
    Index::new("veid", 26, |_, appeal| if appeal.due_at > 0 { vec![appeal.due_at] } else { Vec::new() });

/// The open appeal of each owner.
pub static OPEN_APPEALS: UniqueIndex<Address, u64, Appeal> = UniqueIndex::new("veid", 27, |_, appeal| {
    let owner = ve_base::parse_account("owner", &appeal.owner).ok();
    owner.filter(|_| super::appeals::is_open(appeal)).into_iter().collect()
});

pub static APPEALS: IndexedMap<u64, Appeal> = IndexedMap::new("veid", 25, &[&APPEAL_DUE, &OPEN_APPEALS]);

pub static LAST_APPEAL: Item<u64> = Item::new("veid", 28);

/// What members of committees did.
pub static MEMBERS: Map<Address, MemberRecord> = Map::new("veid", 24);

/// Punishments that wait, by the time they are due and a digest of what they are for.
pub static SENTENCES: Map<(u64, Vec<u8>), Sentence> = Map::new("veid", 29);

/// Clients that were compromised, until all their evidence is withdrawn: the last scope that was looked at.
pub static SWEEPS: Map<String, Vec<u8>> = Map::new("veid", 12);
