//! Access tokens for gateways (marketplace spec section 13.5): JWTs (RFC 7519) that an account signs with its own key, as
//! ES256K (RFC 8812). Nobody issues them, so nobody else has to be asked.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};
use ve_base::Address;
use ve_base::keys::{PublicKey, SecretKey};

/// Longest life of a token in seconds.
pub const MAX_LIFE: u64 = 900;
/// Longest life of a token that is narrowed to scopes and opens no shell: what a build server is given.
pub const MAX_DEPLOY_LIFE: u64 = 30 * 86_400;
/// Longest token in bytes.
pub const MAX_BYTES: usize = 8192;
/// Clocks may differ by this many seconds.
const SKEW: u64 = 30;
const HEADER: &str = r#"{"alg":"ES256K","typ":"JWT"}"#;
const VERSION: &str = "v1";

/// What a token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    SendManifest,
    GetManifest,
    Logs,
    Shell,
    Events,
    Status,
    Restart,
    HostnameMigrate,
    IpMigrate,
    Attestation,
    Metrics,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Everything that the account may.
    Full,
    /// What `scope` names.
    Scoped,
    /// What the entries name.
    Granular,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Address of the account that signs.
    pub iss: String,
    /// Address of the provider that it is for.
    pub aud: String,
    /// Seconds since 1970.
    pub iat: u64,
    pub nbf: u64,
    pub exp: u64,
    /// Names the token, for revoking it.
    pub jti: String,
    pub version: String,
    pub leases: Leases,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leases {
    pub access: Access,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scope: Vec<Scope>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<Permission>,
}

/// Of a granular token, for one provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permission {
    pub provider: String,
    pub access: Access,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scope: Vec<Scope>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deployments: Vec<DeploymentPermission>,
}

/// What is left out matches everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeploymentPermission {
    pub dseq: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gseq: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oseq: Option<u32>,
    pub scope: Vec<Scope>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
}

/// What a request is about.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub dseq: u64,
    /// `None` when the request names the whole deployment.
    pub gseq: Option<u32>,
    pub oseq: Option<u32>,
    /// `None` when the request is about all services.
    pub service: Option<&'a str>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token is refused: {0}; make a new one")]
pub struct TokenError(pub String);

fn refuse<T>(cause: impl Into<String>) -> Result<T, TokenError> {
    Err(TokenError(cause.into()))
}

impl Claims {
    /// Everything with one provider, from `now` (seconds since 1970) for `life` seconds.
    pub fn full(account: &Address, provider: &str, now: u64, life: u64, jti: &str) -> Self {
        Self {
            iss: account.to_string(),
            aud: provider.to_owned(),
            iat: now,
            nbf: now,
            exp: now.saturating_add(life),
            jti: jti.to_owned(),
            version: VERSION.to_owned(),
            leases: Leases { access: Access::Full, scope: Vec::new(), permissions: Vec::new() },
        }
    }

    /// The token's text.
    pub fn sign(&self, key: &SecretKey) -> String {
        let claims = serde_json::to_vec(self).expect("claims have text keys only");
        let signed = format!("{}.{}", BASE64.encode(HEADER), BASE64.encode(claims));
        let signature = BASE64.encode(key.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    /// Whether the token opens this to this provider's gateway. `provider` is its address.
    pub fn allows(&self, provider: &str, scope: Scope, subject: &Subject<'_>) -> bool {
        match self.leases.access {
            Access::Full => true,
            Access::Scoped => self.leases.scope.contains(&scope),
            Access::Granular => self.leases.permissions.iter().any(|permission| {
                permission.provider == provider
                    && match permission.access {
                        Access::Full => true,
                        Access::Scoped => permission.scope.contains(&scope),
                        Access::Granular => permission.deployments.iter().any(|entry| entry.allows(scope, subject)),
                    }
            }),
        }
    }

    fn opens_shells(&self) -> bool {
        let shell = |scope: &[Scope]| scope.contains(&Scope::Shell);
        let of = |permission: &Permission| match permission.access {
            Access::Full => true,
            Access::Scoped => shell(&permission.scope),
            Access::Granular => permission.deployments.iter().any(|entry| shell(&entry.scope)),
        };
        match self.leases.access {
            Access::Full => true,
            Access::Scoped => shell(&self.leases.scope),
            Access::Granular => self.leases.permissions.iter().any(of),
        }
    }

    /// Whether the token is in force at `now` for the gateway of `provider`.
    pub fn check(&self, provider: &str, now: u64) -> Result<(), TokenError> {
        if self.version != VERSION {
            return refuse(format!("version {:?} is not known", self.version));
        }
        if self.aud != provider {
            return refuse("it is for another provider");
        }
        if self.jti.is_empty() || self.jti.len() > 128 {
            return refuse("jti has 1 to 128 bytes");
        }
        let soon = now.saturating_add(SKEW);
        if self.iat > soon || self.nbf > soon {
            return refuse("it is not valid yet");
        }
        if self.exp <= now {
            return refuse("it has expired");
        }
        let most = if self.opens_shells() { MAX_LIFE } else { MAX_DEPLOY_LIFE };
        if self.exp.saturating_sub(self.iat.min(self.nbf)) > most {
            return refuse(format!("it lives longer than {most} s"));
        }
        Ok(())
    }
}

impl DeploymentPermission {
    fn allows(&self, scope: Scope, subject: &Subject<'_>) -> bool {
        // A narrower permission opens nothing wider: a request about everything needs an entry about everything.
        let within = |entry: Option<u32>, asked: Option<u32>| entry.is_none() || entry == asked;
        let service = self.services.is_empty()
            || subject.service.is_some_and(|asked| self.services.iter().any(|known| known == asked));
        self.dseq == subject.dseq
            && within(self.gseq, subject.gseq)
            && within(self.oseq, subject.oseq)
            && service
            && self.scope.contains(&scope)
    }
}

/// A token that was read and not yet believed.
#[derive(Clone, Debug)]
pub struct Unverified {
    pub claims: Claims,
    signed: String,
    signature: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: Option<String>,
}

impl Unverified {
    /// Reads the text of a token. Only ES256K is known: the token does not choose how it is verified.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        if text.len() > MAX_BYTES {
            return refuse(format!("it has more than {MAX_BYTES} bytes"));
        }
        let Some((signed, signature)) = text.rsplit_once('.') else { return refuse("it is no JWT") };
        let Some((header, claims)) = signed.split_once('.') else { return refuse("it is no JWT") };
        let bytes = |text: &str| BASE64.decode(text).map_err(|_| TokenError("a part is no base64url".into()));
        let header: Header = serde_json::from_slice(&bytes(header)?)
            .map_err(|cause| TokenError(format!("its header is not understood: {cause}")))?;
        if header.alg != "ES256K" || header.typ.is_some_and(|typ| typ != "JWT") {
            return refuse(format!("{:?} is not taken, only ES256K", header.alg));
        }
        let claims: Claims = serde_json::from_slice(&bytes(claims)?)
            .map_err(|cause| TokenError(format!("its claims are not understood: {cause}")))?;
        Ok(Self { claims, signed: signed.to_owned(), signature: bytes(signature)? })
    }

    /// The claims, if `key` is the key of the account that they name and has signed them.
    pub fn verify(self, key: &PublicKey) -> Result<Claims, TokenError> {
        if !matches!(key, PublicKey::Secp256k1(_)) || key.address().to_string() != self.claims.iss {
            return refuse("the account has no secp256k1 key that it could have signed with");
        }
        match key.verify(self.signed.as_bytes(), &self.signature) {
            Ok(()) => Ok(self.claims),
            Err(_) => refuse("the signature is not that of its account"),
        }
    }
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
