//! From sealed scopes to features: opening, checking that the plaintext belongs to what the chain validated, extracting.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use prost::Message as _;
use sha2::{Digest as _, Sha256};
use ve_base::envelope::{self, Subject};
use ve_base::preimage::preimage;
use ve_inference::Features;
use ve_inference::features::{Class, class, id};
use ve_proto::cosmos::base::query::v1beta1::PageRequest;
use ve_proto::ve::encryption::v1::Envelope;
use ve_proto::ve::veid::v1::{
    EvidenceBundle, EvidencePart, QueryEnvelopeRequest, QueryEnvelopeResponse, QueryScopesRequest, QueryScopesResponse,
    Run, Scope, VerificationRequest,
};
use zeroize::{Zeroize as _, Zeroizing};

use super::{Chain, ChainError, Keys, PAGE, Worker, WorkerError, cross};
use crate::{Circumstances, Evidence, Extract, Extraction, Field};

/// Longest ciphertext that is kept off the chain, the most that its parameters can allow.
const MAX_ARTIFACT: u64 = 100 << 20;
/// Pieces of evidence in one envelope.
const MAX_PARTS: usize = 16;
/// What a piece has besides its content: its kind and lengths.
const MAX_PART_HEAD: usize = 96;
/// Longest salt of a capture, and what else a bundle has.
const MAX_BUNDLE_HEAD: usize = 256;
/// The chain's code for a scope that it does not have.
const SCOPE_NOT_FOUND: u32 = 13;
/// Evidence that is kept off the chain and is not here (yet).
pub(super) const MISSING: &str = "EVIDENCE_MISSING";

/// What reads evidence, by its kind.
pub type Extractors = BTreeMap<String, Box<dyn Extract>>;

impl Evidence {
    /// Extractors of everything that a committee reads itself. Attestations are not among it: the chain verifies them
    /// and knows their features.
    pub fn extractors() -> Extractors {
        let read = [Self::Mrz, Self::Aamva, Self::Device];
        let named = Self::ALL.iter().filter(|(_, kind)| read.contains(kind));
        named.map(|(name, kind)| ((*name).to_owned(), Box::new(Kind(*kind)) as Box<dyn Extract>)).collect()
    }
}

/// The built-in extractor of a kind.
struct Kind(Evidence);

impl Extract for Kind {
    fn limit(&self) -> usize {
        self.0.extractor().limit()
    }

    fn read(&self, input: &[u8], at: &Circumstances) -> Result<Extraction, crate::ExtractError> {
        self.0.extractor().read(input, at)
    }
}

/// What a member finds in the evidence of a request.
pub struct Findings {
    /// Those that members measure themselves.
    pub features: Features,
    /// Scopes whose evidence has no fault, sorted.
    pub accepted: Vec<String>,
    /// Keyed digest of the document; empty without one.
    pub document: Vec<u8>,
}

impl<C: Chain> Worker<C> {
    /// Reads all evidence of a request; the code of what is wrong where it cannot be read.
    pub(super) async fn extract(
        &self,
        request: &VerificationRequest,
        run: &Run,
    ) -> Result<Result<Findings, &'static str>, WorkerError> {
        let at = Circumstances {
            now: run.started_at,
            chain_id: self.chain.chain_id().to_owned(),
            subject: request.owner.clone(),
            ..Circumstances::default()
        };
        let (mut all, mut accepted) = (Vec::new(), Vec::new());
        for scope_id in &request.scope_ids {
            let Some((scope, envelope)) = self.scope(&request.owner, scope_id).await? else {
                return Ok(Err("EVIDENCE_GONE"));
            };
            let read = self.open(&scope, &envelope).and_then(|bundle| self.read(bundle, &at));
            let found = match read {
                Ok(found) => found,
                Err(code) => return Ok(Err(code)),
            };
            if found.iter().all(|(_, extraction)| extraction.problems.is_empty()) {
                accepted.push(scope_id.clone());
            }
            all.extend(found);
        }
        let document = document(&all, &at.chain_id, &self.keys);
        Ok(features(&all).map(|features| Findings { features, accepted, document }))
    }

    /// A scope with its envelope; `None` once it was revoked.
    async fn scope(&self, owner: &str, scope_id: &str) -> Result<Option<(Scope, Envelope)>, WorkerError> {
        let request = QueryEnvelopeRequest { owner: owner.to_owned(), scope_id: scope_id.to_owned() };
        let envelope: Result<QueryEnvelopeResponse, ChainError> =
            self.chain.query("/ve.veid.v1.Query/Envelope", &request).await;
        let envelope = match envelope {
            Ok(found) => found.envelope.unwrap_or_default(),
            Err(ChainError::Refused { codespace, code: SCOPE_NOT_FOUND, .. }) if codespace == "veid" => {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let mut key = Vec::new();
        loop {
            let pagination = Some(PageRequest { key, limit: PAGE, ..PageRequest::default() });
            let request = QueryScopesRequest { owner: owner.to_owned(), pagination, ..QueryScopesRequest::default() };
            let page: QueryScopesResponse = self.chain.query("/ve.veid.v1.Query/Scopes", &request).await?;
            if let Some(scope) = page.scopes.into_iter().find(|scope| scope.scope_id == scope_id) {
                return Ok(Some((scope, envelope)));
            }
            key = page.pagination.unwrap_or_default().next_key;
            if key.is_empty() {
                return Ok(None);
            }
        }
    }

    /// The plaintext, which is tied to its capture by the salt in it.
    fn open(&self, scope: &Scope, envelope: &Envelope) -> Result<EvidenceBundle, &'static str> {
        let object_id = format!("scope/{}", scope.scope_id);
        let subject =
            Subject { chain_id: self.chain.chain_id(), module: "veid", object_id: &object_id, owner: &scope.owner };
        let own = envelope.recipients.iter().find_map(|entry| Some((&entry.key_id, self.keys.sealing(&entry.key_id)?)));
        let (key_id, key) = own.ok_or("NOT_A_RECIPIENT")?;
        let opened = if envelope.cid.is_empty() {
            envelope::open(envelope, &subject, key_id, key)
        } else {
            let ciphertext = self.artifact(&envelope.cid).ok_or(MISSING)?;
            envelope::open_detached(envelope, &ciphertext, &subject, key_id, key)
        };
        let plaintext: Zeroizing<Vec<u8>> = opened.map_err(|_| "ENVELOPE_INVALID")?;
        // More than all extractors take together is not even decoded.
        if plaintext.len() > self.longest_bundle() {
            return Err("BUNDLE_INVALID");
        }
        let bundle = EvidenceBundle::decode(plaintext.as_slice()).map_err(|_| "BUNDLE_INVALID")?;
        if Sha256::digest(&bundle.salt)[..] != scope.salt_hash[..] {
            return Err("INVALID_SALT_BINDING");
        }
        if bundle.parts.is_empty() || bundle.parts.len() > MAX_PARTS { Err("BUNDLE_INVALID") } else { Ok(bundle) }
    }

    fn longest_bundle(&self) -> usize {
        let part = self.extractors.values().map(|extractor| extractor.limit()).max().unwrap_or_default();
        part.saturating_add(MAX_PART_HEAD).saturating_mul(MAX_PARTS).saturating_add(MAX_BUNDLE_HEAD)
    }

    fn artifact(&self, cid: &str) -> Option<Vec<u8>> {
        // A content id is one plain word, so that it names no other file.
        let plain = cid.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let path = self.artifacts.as_deref().filter(|_| plain)?.join(cid);
        // Until it is there as a whole it is missing.
        read_limited(&path).filter(|ciphertext| envelope::cid(ciphertext) == cid)
    }

    fn read(&self, mut bundle: EvidenceBundle, at: &Circumstances) -> Result<Vec<(String, Extraction)>, &'static str> {
        let read = |part: &EvidencePart| {
            let extractor = self.extractors.get(&part.kind).ok_or("UNKNOWN_EVIDENCE")?;
            let extraction = extractor.extract(&part.content, at).map_err(|_| "UNREADABLE_EVIDENCE")?;
            Ok((part.kind.clone(), extraction))
        };
        let found = bundle.parts.iter().map(read).collect();
        bundle.parts.iter_mut().for_each(|part| part.content.zeroize());
        found
    }
}

fn read_limited(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = File::open(path).ok()?.take(MAX_ARTIFACT + 1).read_to_end(&mut bytes).ok()?;
    (read as u64 <= MAX_ARTIFACT).then_some(bytes)
}

/// One vector of all that was read. Where two pieces speak of the same feature the lower value counts.
fn features(all: &[(String, Extraction)]) -> Result<Features, &'static str> {
    let mut merged: BTreeMap<usize, u16> = BTreeMap::new();
    for (index, value) in all.iter().flat_map(|(_, extraction)| &extraction.features) {
        // What attesters and the chain know better is not taken from evidence.
        if matches!(class(*index), Some(Class::Exact | Class::Tolerant)) {
            merged.entry(*index).and_modify(|kept| *kept = (*kept).min(*value)).or_insert(*value);
        }
    }
    let sources: Vec<(&str, &Extraction)> = all.iter().map(|(kind, extraction)| (kind.as_str(), extraction)).collect();
    if sources.iter().any(|(_, source)| source.fields.contains_key(&Field::Number)) {
        merged.insert(id::DOC_PRESENT, 10_000);
        merged.extend(cross::check(&sources));
    }
    let pairs: Vec<(usize, u16)> = merged.into_iter().collect();
    Features::from_pairs(&pairs).map_err(|_| "SCHEMA")
}

/// HMAC-SHA-256(network's key, P("doc", issuer, number)): the same at every member, and nothing that anybody without
/// the key can find by trial. Of several documents the one with the least digest counts, whatever their order.
fn document(all: &[(String, Extraction)], chain_id: &str, keys: &Keys) -> Vec<u8> {
    let digests = all.iter().filter_map(|(_, extraction)| {
        let number = extraction.fields.get(&Field::Number)?;
        let issuer = extraction.fields.get(&Field::Issuer).map_or("", |issuer| issuer.reveal());
        keys.document_digest(&preimage("doc", chain_id, &[issuer.as_bytes(), number.reveal().as_bytes()]))
    });
    digests.min().unwrap_or_default()
}
