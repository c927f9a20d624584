//! What every message is for an account that is not active. A message without a row is refused to such accounts.

use ve_proto::ve::roles::v1::AccountState;

/// What a message does, as far as account states care (identity spec section 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Needs full rights: of High or Critical sensitivity in the table of section 6, or for governance alone.
    Sensitive,
    /// Opens new business.
    Order,
    /// Gives coins away; a flagged account may give away so much in a day.
    Transfer,
    Ordinary,
    /// What a suspended account may still do: appeal and take its stake back.
    Leave,
    /// Claiming what is left after a termination.
    Claim,
}

impl Class {
    pub fn name(self) -> &'static str {
        match self {
            Self::Sensitive => "sensitive",
            Self::Order => "order",
            Self::Transfer => "transfer",
            Self::Ordinary => "ordinary",
            Self::Leave => "leave",
            Self::Claim => "claim",
        }
    }

    /// Whether an account in this state may send messages of this class.
    pub fn allowed(self, state: AccountState) -> bool {
        match state {
            AccountState::Active => true,
            AccountState::Flagged => !matches!(self, Self::Sensitive | Self::Order),
            AccountState::Suspended => self == Self::Leave,
            AccountState::Terminated => self == Self::Claim,
            AccountState::Unspecified => false,
        }
    }
}

/// By type URL, sorted.
pub const TABLE: &[(&str, Class)] = &[
    ("/cosmos.auth.v1beta1.MsgUpdateParams", Class::Sensitive),
    ("/cosmos.authz.v1beta1.MsgExec", Class::Ordinary),
    ("/cosmos.authz.v1beta1.MsgGrant", Class::Ordinary),
    ("/cosmos.authz.v1beta1.MsgRevoke", Class::Ordinary),
    ("/cosmos.bank.v1beta1.MsgMultiSend", Class::Transfer),
    ("/cosmos.bank.v1beta1.MsgSend", Class::Transfer),
    ("/cosmos.bank.v1beta1.MsgSetSendEnabled", Class::Sensitive),
    ("/cosmos.bank.v1beta1.MsgUpdateParams", Class::Sensitive),
    ("/cosmos.consensus.v1.MsgUpdateParams", Class::Sensitive),
    ("/cosmos.distribution.v1beta1.MsgCommunityPoolSpend", Class::Sensitive),
    ("/cosmos.distribution.v1beta1.MsgFundCommunityPool", Class::Transfer),
    ("/cosmos.distribution.v1beta1.MsgSetWithdrawAddress", Class::Ordinary),
    ("/cosmos.distribution.v1beta1.MsgUpdateParams", Class::Sensitive),
    ("/cosmos.distribution.v1beta1.MsgWithdrawDelegatorReward", Class::Ordinary),
    ("/cosmos.distribution.v1beta1.MsgWithdrawValidatorCommission", Class::Ordinary),
    ("/cosmos.evidence.v1beta1.MsgSubmitEvidence", Class::Ordinary),
    ("/cosmos.feegrant.v1beta1.MsgGrantAllowance", Class::Ordinary),
    ("/cosmos.feegrant.v1beta1.MsgPruneAllowances", Class::Ordinary),
    ("/cosmos.feegrant.v1beta1.MsgRevokeAllowance", Class::Ordinary),
    ("/cosmos.gov.v1.MsgCancelProposal", Class::Ordinary),
    ("/cosmos.gov.v1.MsgDeposit", Class::Ordinary),
    ("/cosmos.gov.v1.MsgSubmitProposal", Class::Sensitive),
    ("/cosmos.gov.v1.MsgUpdateParams", Class::Sensitive),
    ("/cosmos.gov.v1.MsgVote", Class::Ordinary),
    ("/cosmos.gov.v1.MsgVoteWeighted", Class::Ordinary),
    ("/cosmos.gov.v1beta1.MsgDeposit", Class::Ordinary),
    ("/cosmos.gov.v1beta1.MsgSubmitProposal", Class::Sensitive),
    ("/cosmos.gov.v1beta1.MsgVote", Class::Ordinary),
    ("/cosmos.gov.v1beta1.MsgVoteWeighted", Class::Ordinary),
    ("/cosmos.mint.v1beta1.MsgUpdateParams", Class::Sensitive),
    ("/cosmos.slashing.v1beta1.MsgUnjail", Class::Ordinary),
    ("/cosmos.slashing.v1beta1.MsgUpdateParams", Class::Sensitive),
    ("/cosmos.staking.v1beta1.MsgBeginRedelegate", Class::Ordinary),
    ("/cosmos.staking.v1beta1.MsgCancelUnbondingDelegation", Class::Ordinary),
    ("/cosmos.staking.v1beta1.MsgCreateValidator", Class::Sensitive),
    ("/cosmos.staking.v1beta1.MsgDelegate", Class::Ordinary),
    ("/cosmos.staking.v1beta1.MsgEditValidator", Class::Ordinary),
    ("/cosmos.staking.v1beta1.MsgUndelegate", Class::Leave),
    ("/cosmos.staking.v1beta1.MsgUpdateParams", Class::Sensitive),
    ("/cosmos.upgrade.v1beta1.MsgCancelUpgrade", Class::Sensitive),
    ("/cosmos.upgrade.v1beta1.MsgSoftwareUpgrade", Class::Sensitive),
    ("/cosmos.vesting.v1beta1.MsgCreatePeriodicVestingAccount", Class::Transfer),
    ("/cosmos.vesting.v1beta1.MsgCreatePermanentLockedAccount", Class::Transfer),
    ("/cosmos.vesting.v1beta1.MsgCreateVestingAccount", Class::Transfer),
    ("/ve.admission.v1.MsgUpdateParams", Class::Sensitive),
    ("/ve.attester.v1.MsgAddSignerKey", Class::Sensitive),
    ("/ve.attester.v1.MsgApproveAttester", Class::Sensitive),
    ("/ve.attester.v1.MsgBondAttester", Class::Ordinary),
    ("/ve.attester.v1.MsgExitAttester", Class::Ordinary),
    ("/ve.attester.v1.MsgRegisterAttester", Class::Sensitive),
    ("/ve.attester.v1.MsgReportEquivocation", Class::Ordinary),
    ("/ve.attester.v1.MsgRevokeAttester", Class::Sensitive),
    ("/ve.attester.v1.MsgRevokeSignerKey", Class::Ordinary),
    ("/ve.attester.v1.MsgSlashAttester", Class::Sensitive),
    ("/ve.attester.v1.MsgSubmitAttestation", Class::Ordinary),
    ("/ve.attester.v1.MsgUpdateParams", Class::Sensitive),
    ("/ve.attester.v1.MsgWithdrawAttestation", Class::Ordinary),
    ("/ve.audit.v1.MsgUpdateParams", Class::Sensitive),
    ("/ve.cert.v1.MsgCreateCertificate", Class::Ordinary),
    ("/ve.cert.v1.MsgRevokeCertificate", Class::Ordinary),
    ("/ve.enclave.v1.MsgEnclaveHeartbeat", Class::Ordinary),
    ("/ve.enclave.v1.MsgRegisterEnclave", Class::Sensitive),
    ("/ve.enclave.v1.MsgRetireEnclave", Class::Ordinary),
    ("/ve.enclave.v1.MsgRevokeMeasurement", Class::Sensitive),
    ("/ve.enclave.v1.MsgSetMeasurement", Class::Sensitive),
    ("/ve.enclave.v1.MsgSetTcbFloor", Class::Sensitive),
    ("/ve.enclave.v1.MsgUpdateParams", Class::Sensitive),
    ("/ve.encryption.v1.MsgRegisterKey", Class::Ordinary),
    ("/ve.encryption.v1.MsgRevokeKey", Class::Ordinary),
    ("/ve.encryption.v1.MsgRotateKey", Class::Ordinary),
    ("/ve.encryption.v1.MsgUpdateLabel", Class::Ordinary),
    ("/ve.encryption.v1.MsgUpdateParams", Class::Sensitive),
    ("/ve.escrow.v1.MsgAccountDeposit", Class::Ordinary),
    ("/ve.escrow.v1.MsgApproveRelease", Class::Ordinary),
    ("/ve.escrow.v1.MsgDisputeEscrow", Class::Ordinary),
    ("/ve.escrow.v1.MsgRefundEscrow", Class::Ordinary),
    ("/ve.escrow.v1.MsgReleaseEscrow", Class::Ordinary),
    ("/ve.escrow.v1.MsgResolveDispute", Class::Sensitive),
    ("/ve.escrow.v1.MsgUpdateParams", Class::Sensitive),
    ("/ve.escrow.v1.MsgWithdrawPayment", Class::Ordinary),
    ("/ve.feemarket.v1.MsgUpdateParams", Class::Sensitive),
    ("/ve.market.v1.MsgAcceptBid", Class::Order),
    ("/ve.market.v1.MsgCloseBid", Class::Ordinary),
    ("/ve.market.v1.MsgCloseDeployment", Class::Ordinary),
    ("/ve.market.v1.MsgCloseGroup", Class::Ordinary),
    ("/ve.market.v1.MsgCloseLease", Class::Ordinary),
    ("/ve.market.v1.MsgCreateBid", Class::Ordinary),
    ("/ve.market.v1.MsgCreateDeployment", Class::Order),
    ("/ve.market.v1.MsgPauseGroup", Class::Ordinary),
    ("/ve.market.v1.MsgReportResource", Class::Ordinary),
    ("/ve.market.v1.MsgRequestOperation", Class::Ordinary),
    ("/ve.market.v1.MsgStartGroup", Class::Order),
    ("/ve.market.v1.MsgStartReclaim", Class::Ordinary),
    ("/ve.market.v1.MsgUpdateDeployment", Class::Ordinary),
    ("/ve.market.v1.MsgUpdateParams", Class::Sensitive),
    ("/ve.mfa.v1.MsgAddTrustedBrowser", Class::Ordinary),
    ("/ve.mfa.v1.MsgCancelChange", Class::Ordinary),
    ("/ve.mfa.v1.MsgCompleteRecovery", Class::Sensitive),
    ("/ve.mfa.v1.MsgConfirmEnrollment", Class::Ordinary),
    ("/ve.mfa.v1.MsgCreateChallenge", Class::Ordinary),
    ("/ve.mfa.v1.MsgEnrollFactor", Class::Ordinary),
    ("/ve.mfa.v1.MsgInitiateRecovery", Class::Sensitive),
    ("/ve.mfa.v1.MsgIssueSession", Class::Ordinary),
    ("/ve.mfa.v1.MsgRemoveTrustedBrowser", Class::Ordinary),
    ("/ve.mfa.v1.MsgRevokeFactor", Class::Sensitive),
    ("/ve.mfa.v1.MsgRevokeSession", Class::Ordinary),
    ("/ve.mfa.v1.MsgRotateKey", Class::Sensitive),
    ("/ve.mfa.v1.MsgSetPolicy", Class::Sensitive),
    ("/ve.mfa.v1.MsgSubmitFactorProof", Class::Ordinary),
    ("/ve.mfa.v1.MsgUpdateActionConfig", Class::Sensitive),
    ("/ve.mfa.v1.MsgUpdateParams", Class::Sensitive),
    ("/ve.mfa.v1.MsgVetoRecovery", Class::Leave),
    ("/ve.performance.v1.MsgUpdateParams", Class::Sensitive),
    ("/ve.provider.v1.MsgAddProviderKey", Class::Sensitive),
    ("/ve.provider.v1.MsgBondProvider", Class::Ordinary),
    ("/ve.provider.v1.MsgCreateProvider", Class::Sensitive),
    ("/ve.provider.v1.MsgGiveExitNotice", Class::Ordinary),
    ("/ve.provider.v1.MsgHeartbeat", Class::Ordinary),
    ("/ve.provider.v1.MsgRequestDomainVerification", Class::Ordinary),
    ("/ve.provider.v1.MsgRevokeDomain", Class::Ordinary),
    ("/ve.provider.v1.MsgRevokeProviderKey", Class::Ordinary),
    ("/ve.provider.v1.MsgSetDenyList", Class::Ordinary),
    ("/ve.provider.v1.MsgSubmitDomainAttestation", Class::Ordinary),
    ("/ve.provider.v1.MsgUpdateParams", Class::Sensitive),
    ("/ve.provider.v1.MsgUpdateProvider", Class::Ordinary),
    ("/ve.roles.v1.MsgAppealState", Class::Leave),
    ("/ve.roles.v1.MsgApproveAction", Class::Sensitive),
    ("/ve.roles.v1.MsgClaimResidual", Class::Claim),
    ("/ve.roles.v1.MsgExecuteAction", Class::Sensitive),
    ("/ve.roles.v1.MsgGrantDelegation", Class::Sensitive),
    ("/ve.roles.v1.MsgProposeAction", Class::Sensitive),
    ("/ve.roles.v1.MsgRatifyEmergency", Class::Sensitive),
    ("/ve.roles.v1.MsgRevokeDelegation", Class::Ordinary),
    ("/ve.roles.v1.MsgSetRoles", Class::Sensitive),
    ("/ve.roles.v1.MsgUpdateParams", Class::Sensitive),
    ("/ve.roles.v1.MsgVetoAction", Class::Sensitive),
    ("/ve.take.v1.MsgUpdateParams", Class::Sensitive),
    ("/ve.veid.v1.MsgCreateWallet", Class::Ordinary),
    ("/ve.veid.v1.MsgRebindWallet", Class::Sensitive),
    ("/ve.veid.v1.MsgRegisterClient", Class::Sensitive),
    ("/ve.veid.v1.MsgRevokeClient", Class::Sensitive),
    ("/ve.veid.v1.MsgRevokeScope", Class::Ordinary),
    ("/ve.veid.v1.MsgRevokeWallet", Class::Ordinary),
    ("/ve.veid.v1.MsgUpdateClient", Class::Sensitive),
    ("/ve.veid.v1.MsgUpdateConsent", Class::Leave),
    ("/ve.veid.v1.MsgUpdateParams", Class::Sensitive),
    ("/ve.veid.v1.MsgUploadScope", Class::Ordinary),
];

/// `None` for a message without a row.
pub fn class(type_url: &str) -> Option<Class> {
    let at = TABLE.binary_search_by(|(known, _)| (*known).cmp(type_url)).ok()?;
    TABLE.get(at).map(|(_, class)| *class)
}

/// Whether an account in this state may send the message.
pub fn is_allowed(type_url: &str, state: AccountState) -> bool {
    state == AccountState::Active || class(type_url).is_some_and(|class| class.allowed(state))
}
