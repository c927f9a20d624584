//! Which capability a message needs (identity spec section 2.4). A message type that no row names is refused, so that a
//! new one is not free by accident; a test compares the table with the registry.

use ve_base::{Amount, CodedError, errors};
use ve_proto::Message;
use ve_proto::cosmos::bank::v1beta1::{MsgMultiSend, MsgSend};
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::cosmos::staking::v1beta1::MsgDelegate;
use ve_proto::cosmos::vesting::v1beta1::{
    MsgCreatePeriodicVestingAccount, MsgCreatePermanentLockedAccount, MsgCreateVestingAccount,
};
use ve_proto::ve::escrow::v1::MsgAccountDeposit;
use ve_proto::ve::market::v1::MsgCreateDeployment;
use ve_proto::ve::veid::v1::Capability;

use Capability::{Account, Basic, Order, Propose, RegisterProvider, Sell, Stake, Transfer, Validate, Vote};

/// Message types of one package, without its name, and the capability that they need.
struct Rows {
    package: &'static str,
    rows: &'static [(Capability, &'static [&'static str])],
}

const TABLE: &[Rows] = &[
    // What an authorization runs is asked about for itself.
    Rows { package: "cosmos.authz.v1beta1", rows: &[(Basic, &["MsgExec", "MsgGrant", "MsgRevoke"])] },
    Rows {
        package: "cosmos.bank.v1beta1",
        rows: &[(Basic, &["MsgSetSendEnabled"]), (Transfer, &["MsgSend", "MsgMultiSend"])],
    },
    Rows {
        package: "cosmos.distribution.v1beta1",
        rows: &[
            (Basic, &["MsgCommunityPoolSpend", "MsgFundCommunityPool", "MsgSetWithdrawAddress"]),
            // What one earned is one's own; taking it out is no withdrawal to elsewhere.
            (Basic, &["MsgWithdrawDelegatorReward", "MsgWithdrawValidatorCommission"]),
        ],
    },
    Rows { package: "cosmos.evidence.v1beta1", rows: &[(Basic, &["MsgSubmitEvidence"])] },
    Rows {
        package: "cosmos.feegrant.v1beta1",
        rows: &[(Basic, &["MsgGrantAllowance", "MsgPruneAllowances", "MsgRevokeAllowance"])],
    },
    Rows {
        package: "cosmos.gov.v1",
        rows: &[
            (Vote, &["MsgVote", "MsgVoteWeighted", "MsgDeposit"]),
            (Propose, &["MsgSubmitProposal"]),
            (Basic, &["MsgCancelProposal"]),
        ],
    },
    Rows {
        package: "cosmos.gov.v1beta1",
        rows: &[(Vote, &["MsgVote", "MsgVoteWeighted", "MsgDeposit"]), (Propose, &["MsgSubmitProposal"])],
    },
    Rows { package: "cosmos.slashing.v1beta1", rows: &[(Validate, &["MsgUnjail"])] },
    Rows {
        package: "cosmos.staking.v1beta1",
        rows: &[
            (Stake, &["MsgDelegate", "MsgBeginRedelegate", "MsgCancelUnbondingDelegation"]),
            // Taking stake back is free for everybody.
            (Basic, &["MsgUndelegate"]),
            (Validate, &["MsgCreateValidator", "MsgEditValidator"]),
        ],
    },
    Rows { package: "cosmos.upgrade.v1beta1", rows: &[(Basic, &["MsgCancelUpgrade", "MsgSoftwareUpgrade"])] },
    Rows {
        package: "cosmos.vesting.v1beta1",
        rows: &[(
            Transfer,
            &["MsgCreatePeriodicVestingAccount", "MsgCreatePermanentLockedAccount", "MsgCreateVestingAccount"],
        )],
    },
    Rows {
        package: "ve.attester.v1",
        rows: &[(
            Basic,
            &[
                "MsgAddSignerKey",
                "MsgApproveAttester",
                "MsgBondAttester",
                "MsgExitAttester",
                "MsgRegisterAttester",
                "MsgReportEquivocation",
                "MsgRevokeAttester",
                "MsgRevokeSignerKey",
                "MsgSlashAttester",
                "MsgSubmitAttestation",
                "MsgWithdrawAttestation",
            ],
        )],
    },
    Rows { package: "ve.cert.v1", rows: &[(Basic, &["MsgCreateCertificate", "MsgRevokeCertificate"])] },
    // Enclaves belong to bonded validators, whose score is asked for when committees are drawn.
    Rows {
        package: "ve.enclave.v1",
        rows: &[(
            Basic,
            &[
                "MsgEnclaveHeartbeat",
                "MsgRegisterEnclave",
                "MsgRetireEnclave",
                "MsgRevokeMeasurement",
                "MsgSetMeasurement",
                "MsgSetTcbFloor",
            ],
        )],
    },
    Rows {
        package: "ve.encryption.v1",
        rows: &[(Basic, &["MsgRegisterKey", "MsgRevokeKey", "MsgRotateKey", "MsgUpdateLabel"])],
    },
    Rows {
        package: "ve.escrow.v1",
        rows: &[
            (Order, &["MsgAccountDeposit"]),
            (
                Basic,
                &["MsgApproveRelease", "MsgDisputeEscrow", "MsgRefundEscrow", "MsgReleaseEscrow", "MsgResolveDispute"],
            ),
            (Sell, &["MsgWithdrawPayment"]),
        ],
    },
    Rows {
        package: "ve.market.v1",
        rows: &[
            (Order, &["MsgCreateDeployment", "MsgAcceptBid", "MsgUpdateDeployment", "MsgStartGroup"]),
            // Ending what one pays for is free for everybody.
            (
                Basic,
                &[
                    "MsgCloseDeployment",
                    "MsgCloseGroup",
                    "MsgCloseLease",
                    "MsgCloseBid",
                    "MsgPauseGroup",
                    "MsgRequestOperation",
                    "MsgReportResource",
                    "MsgStartReclaim",
                ],
            ),
            (Sell, &["MsgCreateBid"]),
        ],
    },
    Rows {
        package: "ve.mfa.v1",
        rows: &[
            // Protecting an account, and saving it, needs no identity; the factors of a recovery are its own proof.
            (
                Basic,
                &[
                    "MsgAddTrustedBrowser",
                    "MsgCancelChange",
                    "MsgCompleteRecovery",
                    "MsgConfirmEnrollment",
                    "MsgCreateChallenge",
                    "MsgEnrollFactor",
                    "MsgInitiateRecovery",
                    "MsgIssueSession",
                    "MsgRemoveTrustedBrowser",
                    "MsgRevokeFactor",
                    "MsgRevokeSession",
                    "MsgSetPolicy",
                    "MsgSubmitFactorProof",
                    "MsgUpdateActionConfig",
                    "MsgVetoRecovery",
                ],
            ),
            (Account, &["MsgRotateKey"]),
        ],
    },
    Rows {
        package: "ve.mfa.v1",
        rows: &[
            // Factors and recovery have rules of their own; everybody may protect his account.
            (
                Basic,
                &[
                    "MsgAddTrustedBrowser",
                    "MsgCancelChange",
                    "MsgCompleteRecovery",
                    "MsgConfirmEnrollment",
                    "MsgCreateChallenge",
                    "MsgEnrollFactor",
                    "MsgInitiateRecovery",
                    "MsgIssueSession",
                    "MsgRemoveTrustedBrowser",
                    "MsgRevokeFactor",
                    "MsgRevokeSession",
                    "MsgSetPolicy",
                    "MsgSubmitFactorProof",
                    "MsgUpdateActionConfig",
                    "MsgVetoRecovery",
                ],
            ),
            (Account, &["MsgRotateKey"]),
        ],
    },
    Rows {
        package: "ve.provider.v1",
        rows: &[
            (RegisterProvider, &["MsgCreateProvider"]),
            (
                Sell,
                &[
                    "MsgAddProviderKey",
                    "MsgBondProvider",
                    "MsgHeartbeat",
                    "MsgRequestDomainVerification",
                    "MsgSetDenyList",
                    "MsgUpdateProvider",
                ],
            ),
            (Basic, &["MsgGiveExitNotice", "MsgRevokeDomain", "MsgRevokeProviderKey", "MsgSubmitDomainAttestation"]),
        ],
    },
    // Roles and states have floors and gates of their own.
    Rows {
        package: "ve.roles.v1",
        rows: &[(
            Basic,
            &[
                "MsgAppealState",
                "MsgApproveAction",
                "MsgClaimResidual",
                "MsgExecuteAction",
                "MsgGrantDelegation",
                "MsgProposeAction",
                "MsgRatifyEmergency",
                "MsgRevokeDelegation",
                "MsgSetRoles",
                "MsgVetoAction",
            ],
        )],
    },
    // Roles and states of accounts have rules of their own.
    Rows {
        package: "ve.roles.v1",
        rows: &[(
            Basic,
            &[
                "MsgAppealState",
                "MsgApproveAction",
                "MsgClaimResidual",
                "MsgExecuteAction",
                "MsgGrantDelegation",
                "MsgProposeAction",
                "MsgRatifyEmergency",
                "MsgRevokeDelegation",
                "MsgSetRoles",
                "MsgVetoAction",
            ],
        )],
    },
    Rows {
        package: "ve.veid.v1",
        rows: &[
            (
                Basic,
                &[
                    "MsgCreateWallet",
                    "MsgRevokeWallet",
                    "MsgUpdateConsent",
                    "MsgUploadScope",
                    "MsgRevokeScope",
                    "MsgRequestVerification",
                    "MsgCommitFeatures",
                    "MsgRevealFeatures",
                    "MsgAttestScore",
                    "MsgReportRunFailure",
                    "MsgChallengeScore",
                    "MsgCompleteSecondary",
                    "MsgSubmitAppeal",
                    "MsgClaimAppeal",
                    "MsgResolveAppeal",
                    "MsgWithdrawAppeal",
                    "MsgRegisterClient",
                    "MsgUpdateClient",
                    "MsgRevokeClient",
                ],
            ),
            (Account, &["MsgRebindWallet"]),
        ],
    },
];

/// The capability that a message type needs; `None` when no row names it.
pub fn of(type_url: &str) -> Option<Capability> {
    let (package, name) = type_url.strip_prefix('/')?.rsplit_once('.')?;
    // Parameters change by the authority alone, which the handler of every module asks for.
    if name == "MsgUpdateParams" {
        return Some(Basic);
    }
    let rows = TABLE.binary_search_by(|rows| rows.package.cmp(package)).ok().and_then(|at| TABLE.get(at))?;
    rows.rows.iter().find(|(_, names)| names.contains(&name)).map(|(capability, _)| *capability)
}

/// Every message type that has a row; those that replace parameters need none.
pub fn all() -> impl Iterator<Item = String> {
    TABLE.iter().flat_map(|rows| {
        let names = rows.rows.iter().flat_map(|(_, names)| names.iter());
        names.map(|name| format!("/{}.{name}", rows.package))
    })
}

/// What a message moves, in `uve`; `None` when it moves coins whose worth the chain does not know.
pub fn amount(type_url: &str, bytes: &[u8]) -> Result<Option<u64>, CodedError> {
    let coins: Vec<Coin> = match type_url {
        "/cosmos.bank.v1beta1.MsgSend" => read::<MsgSend>(bytes)?.amount,
        "/cosmos.bank.v1beta1.MsgMultiSend" => {
            read::<MsgMultiSend>(bytes)?.inputs.into_iter().flat_map(|input| input.coins).collect()
        }
        "/cosmos.vesting.v1beta1.MsgCreateVestingAccount" => read::<MsgCreateVestingAccount>(bytes)?.amount,
        "/cosmos.vesting.v1beta1.MsgCreatePermanentLockedAccount" => {
            read::<MsgCreatePermanentLockedAccount>(bytes)?.amount
        }
        "/cosmos.vesting.v1beta1.MsgCreatePeriodicVestingAccount" => {
            let periods = read::<MsgCreatePeriodicVestingAccount>(bytes)?.vesting_periods;
            periods.into_iter().flat_map(|period| period.amount).collect()
        }
        "/cosmos.staking.v1beta1.MsgDelegate" => read::<MsgDelegate>(bytes)?.amount.into_iter().collect(),
        "/ve.market.v1.MsgCreateDeployment" => read::<MsgCreateDeployment>(bytes)?.deposit.into_iter().collect(),
        "/ve.escrow.v1.MsgAccountDeposit" => read::<MsgAccountDeposit>(bytes)?.amount.into_iter().collect(),
        _ => Vec::new(),
    };
    let mut sum = 0u64;
    for coin in coins {
        if coin.denom != ve_base::BASE_DENOM {
            return Ok(None);
        }
        // Text that is no amount is refused by the message's own check, and what exceeds 64 bits exceeds every limit.
        let amount = coin.amount.parse::<Amount>().ok().and_then(Amount::to_u64).unwrap_or(u64::MAX);
        sum = sum.saturating_add(amount);
    }
    Ok(Some(sum))
}

/// Whether a message of this type is one use of its capability, or goes on with an earlier one.
pub fn counts(type_url: &str) -> bool {
    !matches!(
        type_url,
        "/ve.escrow.v1.MsgAccountDeposit" | "/ve.market.v1.MsgAcceptBid" | "/ve.market.v1.MsgStartGroup"
    )
}

fn read<M: Message + Default>(bytes: &[u8]) -> Result<M, CodedError> {
    M::decode(bytes).map_err(|_| errors::sdk::Error::TxDecode("message bytes are malformed".into()).into())
}
