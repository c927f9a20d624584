//! The composite score of an account from a description of its evidence.

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use ve_verifier::inference::composite::{self as score, composite};
use ve_verifier::inference::proofs;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    tamper: u64,
    format: u64,
    template: u64,
    security: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Face {
    similarity: u64,
    confidence: u64,
    quality: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Liveness {
    liveness: u64,
    antispoof: u64,
    #[serde(default)]
    blink: bool,
    #[serde(default)]
    head_turn: bool,
    #[serde(default)]
    depth: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Consistency {
    name: u64,
    birth: u64,
    address: u64,
    cross: u64,
    age_check_failed: bool,
    document_expired: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum History {
    New { days: u64 },
    Known { prior: u64, age: u64, success: u64 },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Risk {
    fraud: u64,
    device_fingerprint: u64,
    device_integrity: u64,
    ip: u64,
    geo: u64,
    velocity_failed: bool,
    device_attested: bool,
}

/// A proof of the web with the digest of the account upstream, in hexadecimal.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Proof {
    upstream: String,
    #[serde(flatten)]
    kind: Kind,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Email { organisational: bool, years: u64 },
    Sms { mobile: bool, years: u64 },
    Domain { wildcard: bool, years: u64 },
    Login(Login),
    Social { network: Network, age_days: u64, verified: bool, name_matches: bool },
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Login {
    Google,
    Microsoft,
    Github,
    Openid,
    Edugain,
    EnterpriseOidc,
    EnterpriseSaml,
    EnterpriseLdap,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Network {
    Google,
    Facebook,
    Microsoft,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Government {
    confidence: u64,
    age_days: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Account {
    document: Option<Document>,
    face: Option<Face>,
    liveness: Option<Liveness>,
    #[serde(default)]
    consistency: Consistency,
    history: History,
    risk: Risk,
    trust_bp: u64,
    #[serde(default)]
    proofs: Vec<Proof>,
    #[serde(default)]
    government: Vec<Government>,
}

/// What the composite score of this description is.
pub fn run(bytes: &[u8]) -> Result<Value> {
    let account: Account =
        serde_json::from_slice(bytes).context("this does not describe the evidence of an account")?;
    let result = composite(&inputs(&account)?);
    Ok(json!({
        "score": result.score,
        "core": result.core,
        "components": result.components,
        "review": result.review,
        "reasons": result.reasons.iter().map(|reason| reason.code()).collect::<Vec<_>>(),
    }))
}

fn inputs(account: &Account) -> Result<score::Inputs> {
    let document = account.document.as_ref().map(|document| score::Document {
        tamper: document.tamper,
        format: document.format,
        template: document.template,
        security: document.security,
    });
    let face = account.face.as_ref().map(|face| score::Face {
        similarity: face.similarity,
        confidence: face.confidence,
        quality: face.quality,
    });
    let liveness = account.liveness.as_ref().map(|seen| score::Liveness {
        liveness: seen.liveness,
        blink: seen.blink,
        head_turn: seen.head_turn,
        depth: seen.depth,
        antispoof: seen.antispoof,
    });
    let (agreed, risk) = (&account.consistency, &account.risk);
    let matches: Vec<(u64, u64)> = account.government.iter().map(|one| (one.confidence, one.age_days)).collect();
    Ok(score::Inputs {
        document,
        face,
        liveness,
        consistency: score::Consistency {
            name: agreed.name,
            birth: agreed.birth,
            address: agreed.address,
            cross: agreed.cross,
            age_check_failed: agreed.age_check_failed,
            document_expired: agreed.document_expired,
        },
        history: match account.history {
            History::New { days } => score::History::New { days },
            History::Known { prior, age, success } => score::History::Known { prior, age, success },
        },
        risk: score::Risk {
            fraud: risk.fraud,
            device_fingerprint: risk.device_fingerprint,
            device_integrity: risk.device_integrity,
            ip: risk.ip,
            geo: risk.geo,
            velocity_failed: risk.velocity_failed,
            device_attested: risk.device_attested,
        },
        trust_bp: account.trust_bp,
        web: proofs::web(&account.proofs.iter().map(proof).collect::<Result<Vec<_>>>()?),
        government: proofs::government(&matches),
    })
}

fn proof(proof: &Proof) -> Result<(proofs::Proof, [u8; 32])> {
    let upstream = hex::decode(&proof.upstream).ok().and_then(|bytes| bytes.try_into().ok());
    let kind = match proof.kind {
        Kind::Email { organisational, years } => proofs::Proof::Email { organisational, years },
        Kind::Sms { mobile, years } => proofs::Proof::Sms { mobile, years },
        Kind::Domain { wildcard, years } => proofs::Proof::Domain { wildcard, years },
        Kind::Login(login) => proofs::Proof::Login(match login {
            Login::Google => proofs::Login::Google,
            Login::Microsoft => proofs::Login::Microsoft,
            Login::Github => proofs::Login::GitHub,
            Login::Openid => proofs::Login::OpenId,
            Login::Edugain => proofs::Login::EduGain,
            Login::EnterpriseOidc => proofs::Login::EnterpriseOidc,
            Login::EnterpriseSaml => proofs::Login::EnterpriseSaml,
            Login::EnterpriseLdap => proofs::Login::EnterpriseLdap,
        }),
        Kind::Social { network, age_days, verified, name_matches } => {
            let network = match network {
                Network::Google => proofs::Network::Google,
                Network::Facebook => proofs::Network::Facebook,
                Network::Microsoft => proofs::Network::Microsoft,
            };
            proofs::Proof::Social { network, age_days, verified, name_matches }
        }
    };
    Ok((kind, upstream.context("an upstream account is 64 hexadecimal digits")?))
}
