//! Which row of the table of actions a message falls under. A message that is not listed is refused for everybody: a
//! new message gets its row with its handler.

use prost::Message;
use ve_base::{Amount, BASE_DENOM, CodedError, errors::sdk};
use ve_proto::cosmos::bank::v1beta1::{MsgMultiSend, MsgSend};
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::cosmos::distribution::v1beta1::{MsgFundCommunityPool, MsgSetWithdrawAddress};
use ve_proto::cosmos::vesting::v1beta1::{
    MsgCreatePeriodicVestingAccount, MsgCreatePermanentLockedAccount, MsgCreateVestingAccount,
};
use ve_proto::ve::escrow::v1::MsgAccountDeposit;
use ve_proto::ve::market::v1::MsgCreateDeployment;
use ve_proto::ve::mfa::v1::Action;

/// What a message moves out of an account.
#[derive(Default)]
pub struct Outflow {
    pub recipients: Vec<String>,
    /// uve.
    pub amount: Amount,
}

#[derive(Clone, Copy)]
pub enum Rule {
    /// Demands nothing: tickets, profile, steps back, and what only governance or another module's own check lets pass.
    Free,
    /// This action, for accounts that have had a factor.
    Is(Action),
    /// This action, for everybody.
    Always(Action),
    /// By amount over 24 hours and by recipient.
    Pays(fn(&[u8]) -> Result<Outflow, CodedError>),
    /// By amount over 24 hours and by whether it is the first.
    Orders(fn(&[u8]) -> Result<Amount, CodedError>),
    /// By the stake that votes.
    Vote,
    /// By the factors that the account has.
    Enrollment,
    /// By whether the factor was ever proven.
    Revocation,
    /// By whether a rule is missing.
    Policy,
    /// For the account that is recovered, not for the one that pays.
    Recovery,
}

use Action::*;
use Rule::*;

/// Sorted by type URL.
#[rustfmt::skip]
pub static ROWS: &[(&str, Rule)] = &[
    ("/cosmos.auth.v1beta1.MsgUpdateParams", Free),
    // What it carries is asked about in the name of those that it acts for.
    ("/cosmos.authz.v1beta1.MsgExec", Free),
    ("/cosmos.authz.v1beta1.MsgGrant", Is(ApiKeyGeneration)),
    ("/cosmos.authz.v1beta1.MsgRevoke", Free),
    ("/cosmos.bank.v1beta1.MsgMultiSend", Pays(multi_send)),
    ("/cosmos.bank.v1beta1.MsgSend", Pays(send)),
    ("/cosmos.bank.v1beta1.MsgSetSendEnabled", Free),
    ("/cosmos.bank.v1beta1.MsgUpdateParams", Free),
    ("/cosmos.consensus.v1.MsgUpdateParams", Free),
    ("/cosmos.distribution.v1beta1.MsgCommunityPoolSpend", Free),
    ("/cosmos.distribution.v1beta1.MsgFundCommunityPool", Pays(fund_pool)),
    ("/cosmos.distribution.v1beta1.MsgSetWithdrawAddress", Pays(withdraw_address)),
    ("/cosmos.distribution.v1beta1.MsgUpdateParams", Free),
    ("/cosmos.distribution.v1beta1.MsgWithdrawDelegatorReward", Free),
    ("/cosmos.distribution.v1beta1.MsgWithdrawValidatorCommission", Free),
    ("/cosmos.evidence.v1beta1.MsgSubmitEvidence", Free),
    ("/cosmos.feegrant.v1beta1.MsgGrantAllowance", Is(ApiKeyGeneration)),
    ("/cosmos.feegrant.v1beta1.MsgPruneAllowances", Free),
    ("/cosmos.feegrant.v1beta1.MsgRevokeAllowance", Free),
    ("/cosmos.gov.v1.MsgCancelProposal", Free),
    ("/cosmos.gov.v1.MsgDeposit", Is(KnownTransfer)),
    ("/cosmos.gov.v1.MsgSubmitProposal", Is(GovernanceProposal)),
    ("/cosmos.gov.v1.MsgUpdateParams", Free),
    ("/cosmos.gov.v1.MsgVote", Vote),
    ("/cosmos.gov.v1.MsgVoteWeighted", Vote),
    ("/cosmos.gov.v1beta1.MsgDeposit", Is(KnownTransfer)),
    ("/cosmos.gov.v1beta1.MsgSubmitProposal", Is(GovernanceProposal)),
    ("/cosmos.gov.v1beta1.MsgVote", Vote),
    ("/cosmos.gov.v1beta1.MsgVoteWeighted", Vote),
    ("/cosmos.mint.v1beta1.MsgUpdateParams", Free),
    ("/cosmos.slashing.v1beta1.MsgUnjail", Free),
    ("/cosmos.slashing.v1beta1.MsgUpdateParams", Free),
    ("/cosmos.staking.v1beta1.MsgBeginRedelegate", Is(KnownTransfer)),
    ("/cosmos.staking.v1beta1.MsgCancelUnbondingDelegation", Is(KnownTransfer)),
    ("/cosmos.staking.v1beta1.MsgCreateValidator", Is(ValidatorRegistration)),
    ("/cosmos.staking.v1beta1.MsgDelegate", Is(KnownTransfer)),
    ("/cosmos.staking.v1beta1.MsgEditValidator", Is(OfferingUpdate)),
    ("/cosmos.staking.v1beta1.MsgUndelegate", Is(KnownTransfer)),
    ("/cosmos.staking.v1beta1.MsgUpdateParams", Free),
    ("/cosmos.upgrade.v1beta1.MsgCancelUpgrade", Free),
    ("/cosmos.upgrade.v1beta1.MsgSoftwareUpgrade", Free),
    ("/cosmos.vesting.v1beta1.MsgCreatePeriodicVestingAccount", Pays(periodic)),
    ("/cosmos.vesting.v1beta1.MsgCreatePermanentLockedAccount", Pays(permanent)),
    ("/cosmos.vesting.v1beta1.MsgCreateVestingAccount", Pays(vesting)),
    ("/ve.admission.v1.MsgUpdateParams", Free),
    ("/ve.attester.v1.MsgAddSignerKey", Is(ApiKeyGeneration)),
    ("/ve.attester.v1.MsgApproveAttester", Free),
    ("/ve.attester.v1.MsgBondAttester", Is(KnownTransfer)),
    ("/ve.attester.v1.MsgExitAttester", Is(OfferingUpdate)),
    ("/ve.attester.v1.MsgRegisterAttester", Is(ProviderRegistration)),
    ("/ve.attester.v1.MsgReportEquivocation", Free),
    ("/ve.attester.v1.MsgRevokeAttester", Free),
    ("/ve.attester.v1.MsgRevokeSignerKey", Free),
    ("/ve.attester.v1.MsgSlashAttester", Free),
    ("/ve.attester.v1.MsgSubmitAttestation", Free),
    ("/ve.attester.v1.MsgUpdateParams", Free),
    ("/ve.attester.v1.MsgWithdrawAttestation", Free),
    ("/ve.audit.v1.MsgUpdateParams", Free),
    ("/ve.cert.v1.MsgCreateCertificate", Is(ApiKeyGeneration)),
    ("/ve.cert.v1.MsgRevokeCertificate", Free),
    // Machines send these; what they register is proven by hardware.
    ("/ve.enclave.v1.MsgEnclaveHeartbeat", Free),
    ("/ve.enclave.v1.MsgRegisterEnclave", Free),
    ("/ve.enclave.v1.MsgRetireEnclave", Is(OfferingUpdate)),
    ("/ve.enclave.v1.MsgRevokeMeasurement", Free),
    ("/ve.enclave.v1.MsgSetMeasurement", Free),
    ("/ve.enclave.v1.MsgSetTcbFloor", Free),
    ("/ve.enclave.v1.MsgUpdateParams", Free),
    ("/ve.encryption.v1.MsgRegisterKey", Free),
    ("/ve.encryption.v1.MsgRevokeKey", Is(DataRights)),
    ("/ve.encryption.v1.MsgRotateKey", Is(DataRights)),
    ("/ve.encryption.v1.MsgUpdateLabel", Free),
    ("/ve.encryption.v1.MsgUpdateParams", Free),
    ("/ve.escrow.v1.MsgAccountDeposit", Orders(account_deposit)),
    ("/ve.escrow.v1.MsgApproveRelease", Is(Order)),
    ("/ve.escrow.v1.MsgDisputeEscrow", Is(Order)),
    ("/ve.escrow.v1.MsgRefundEscrow", Is(Order)),
    ("/ve.escrow.v1.MsgReleaseEscrow", Is(Order)),
    ("/ve.escrow.v1.MsgResolveDispute", Free),
    ("/ve.escrow.v1.MsgUpdateParams", Free),
    ("/ve.escrow.v1.MsgWithdrawPayment", Free),
    ("/ve.feemarket.v1.MsgUpdateParams", Free),
    ("/ve.market.v1.MsgAcceptBid", Is(Order)),
    ("/ve.market.v1.MsgCloseBid", Is(OfferingUpdate)),
    ("/ve.market.v1.MsgCloseDeployment", Is(Order)),
    ("/ve.market.v1.MsgCloseGroup", Is(Order)),
    ("/ve.market.v1.MsgCloseLease", Is(Order)),
    ("/ve.market.v1.MsgCreateBid", Is(OfferingUpdate)),
    ("/ve.market.v1.MsgCreateDeployment", Orders(deployment)),
    ("/ve.market.v1.MsgPauseGroup", Is(Order)),
    ("/ve.market.v1.MsgReportResource", Free),
    ("/ve.market.v1.MsgRequestOperation", Is(Order)),
    ("/ve.market.v1.MsgStartGroup", Is(Order)),
    ("/ve.market.v1.MsgStartReclaim", Is(OfferingUpdate)),
    ("/ve.market.v1.MsgUpdateDeployment", Is(Order)),
    ("/ve.market.v1.MsgUpdateParams", Free),
    ("/ve.mfa.v1.MsgAddTrustedBrowser", Enrollment),
    ("/ve.mfa.v1.MsgCancelChange", Free),
    ("/ve.mfa.v1.MsgCompleteRecovery", Free),
    ("/ve.mfa.v1.MsgConfirmEnrollment", Free),
    ("/ve.mfa.v1.MsgCreateChallenge", Free),
    ("/ve.mfa.v1.MsgEnrollFactor", Enrollment),
    ("/ve.mfa.v1.MsgInitiateRecovery", Recovery),
    ("/ve.mfa.v1.MsgIssueSession", Free),
    ("/ve.mfa.v1.MsgRemoveTrustedBrowser", Free),
    ("/ve.mfa.v1.MsgRevokeFactor", Revocation),
    ("/ve.mfa.v1.MsgRevokeSession", Free),
    ("/ve.mfa.v1.MsgRotateKey", Always(KeyRotation)),
    ("/ve.mfa.v1.MsgSetPolicy", Policy),
    ("/ve.mfa.v1.MsgSubmitFactorProof", Free),
    ("/ve.mfa.v1.MsgUpdateActionConfig", Free),
    ("/ve.mfa.v1.MsgUpdateParams", Free),
    ("/ve.mfa.v1.MsgVetoRecovery", Free),
    ("/ve.performance.v1.MsgUpdateParams", Free),
    ("/ve.provider.v1.MsgAddProviderKey", Is(ApiKeyGeneration)),
    ("/ve.provider.v1.MsgBondProvider", Is(KnownTransfer)),
    ("/ve.provider.v1.MsgCreateProvider", Is(ProviderRegistration)),
    ("/ve.provider.v1.MsgGiveExitNotice", Is(OfferingUpdate)),
    ("/ve.provider.v1.MsgHeartbeat", Free),
    ("/ve.provider.v1.MsgRequestDomainVerification", Free),
    ("/ve.provider.v1.MsgRevokeDomain", Is(OfferingUpdate)),
    ("/ve.provider.v1.MsgRevokeProviderKey", Free),
    ("/ve.provider.v1.MsgSetDenyList", Is(OfferingUpdate)),
    ("/ve.provider.v1.MsgSubmitDomainAttestation", Free),
    ("/ve.provider.v1.MsgUpdateParams", Free),
    ("/ve.provider.v1.MsgUpdateProvider", Is(OfferingUpdate)),
    ("/ve.roles.v1.MsgAppealState", Free),
    ("/ve.roles.v1.MsgApproveAction", Is(RoleAssignment)),
    ("/ve.roles.v1.MsgClaimResidual", Is(TransferNewAddress)),
    ("/ve.roles.v1.MsgExecuteAction", Is(RoleAssignment)),
    ("/ve.roles.v1.MsgGrantDelegation", Is(ApiKeyGeneration)),
    ("/ve.roles.v1.MsgProposeAction", Is(RoleAssignment)),
    ("/ve.roles.v1.MsgRatifyEmergency", Free),
    ("/ve.roles.v1.MsgRevokeDelegation", Free),
    ("/ve.roles.v1.MsgSetRoles", Free),
    ("/ve.roles.v1.MsgUpdateParams", Free),
    ("/ve.roles.v1.MsgVetoAction", Free),
    ("/ve.take.v1.MsgUpdateParams", Free),
    ("/ve.veid.v1.MsgAttestScore", Free),
    ("/ve.veid.v1.MsgChallengeScore", Free),
    ("/ve.veid.v1.MsgClaimAppeal", Free),
    ("/ve.veid.v1.MsgCommitFeatures", Free),
    ("/ve.veid.v1.MsgCompleteSecondary", Always(SecondaryVerification)),
    ("/ve.veid.v1.MsgCreateWallet", Free),
    ("/ve.veid.v1.MsgRebindWallet", Always(KeyRotation)),
    ("/ve.veid.v1.MsgRegisterClient", Free),
    ("/ve.veid.v1.MsgReportRunFailure", Free),
    ("/ve.veid.v1.MsgRequestVerification", Free),
    ("/ve.veid.v1.MsgResolveAppeal", Free),
    ("/ve.veid.v1.MsgRevealFeatures", Free),
    ("/ve.veid.v1.MsgRevokeClient", Free),
    ("/ve.veid.v1.MsgRevokeScope", Free),
    ("/ve.veid.v1.MsgRevokeWallet", Is(DataRights)),
    ("/ve.veid.v1.MsgSubmitAppeal", Free),
    ("/ve.veid.v1.MsgUpdateClient", Free),
    ("/ve.veid.v1.MsgUpdateConsent", Free),
    ("/ve.veid.v1.MsgUpdateParams", Free),
    ("/ve.veid.v1.MsgUploadScope", Free),
    ("/ve.veid.v1.MsgWithdrawAppeal", Free),
];

pub fn find(type_url: &str) -> Option<Rule> {
    let at = ROWS.binary_search_by(|(name, _)| (*name).cmp(type_url)).ok()?;
    ROWS.get(at).map(|(_, rule)| *rule)
}

fn decode<M: Message + Default>(bytes: &[u8]) -> Result<M, CodedError> {
    Ok(M::decode(bytes).map_err(|_| sdk::Error::TxDecode("message bytes are malformed".into()))?)
}

/// The uve among these coins; what does not parse is refused by the message itself.
fn native<'a>(coins: impl IntoIterator<Item = &'a Coin>) -> Amount {
    let mut sum = Amount::ZERO;
    for coin in coins {
        if coin.denom == BASE_DENOM {
            sum = sum.checked_add(coin.amount.parse().unwrap_or(Amount::MAX)).unwrap_or(Amount::MAX);
        }
    }
    sum
}

fn send(bytes: &[u8]) -> Result<Outflow, CodedError> {
    let msg: MsgSend = decode(bytes)?;
    Ok(Outflow { amount: native(&msg.amount), recipients: vec![msg.to_address] })
}

fn multi_send(bytes: &[u8]) -> Result<Outflow, CodedError> {
    let msg: MsgMultiSend = decode(bytes)?;
    let amount = native(msg.inputs.iter().flat_map(|input| &input.coins));
    Ok(Outflow { amount, recipients: msg.outputs.into_iter().map(|output| output.address).collect() })
}

fn fund_pool(bytes: &[u8]) -> Result<Outflow, CodedError> {
    let msg: MsgFundCommunityPool = decode(bytes)?;
    Ok(Outflow { amount: native(&msg.amount), recipients: Vec::new() })
}

/// Rewards go there from now on.
fn withdraw_address(bytes: &[u8]) -> Result<Outflow, CodedError> {
    let msg: MsgSetWithdrawAddress = decode(bytes)?;
    Ok(Outflow { amount: Amount::ZERO, recipients: vec![msg.withdraw_address] })
}

fn vesting(bytes: &[u8]) -> Result<Outflow, CodedError> {
    let msg: MsgCreateVestingAccount = decode(bytes)?;
    Ok(Outflow { amount: native(&msg.amount), recipients: vec![msg.to_address] })
}

fn permanent(bytes: &[u8]) -> Result<Outflow, CodedError> {
    let msg: MsgCreatePermanentLockedAccount = decode(bytes)?;
    Ok(Outflow { amount: native(&msg.amount), recipients: vec![msg.to_address] })
}

fn periodic(bytes: &[u8]) -> Result<Outflow, CodedError> {
    let msg: MsgCreatePeriodicVestingAccount = decode(bytes)?;
    let amount = native(msg.vesting_periods.iter().flat_map(|period| &period.amount));
    Ok(Outflow { amount, recipients: vec![msg.to_address] })
}

fn deployment(bytes: &[u8]) -> Result<Amount, CodedError> {
    Ok(native(&decode::<MsgCreateDeployment>(bytes)?.deposit))
}

fn account_deposit(bytes: &[u8]) -> Result<Amount, CodedError> {
    Ok(native(&decode::<MsgAccountDeposit>(bytes)?.amount))
}

#[cfg(test)]
#[path = "tests/rows.rs"]
mod tests;
