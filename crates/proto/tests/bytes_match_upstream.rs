//! Our messages against the bindings published for Cosmos SDK (`cosmos-sdk-proto`) and CometBFT 0.38
//! (`tendermint-proto`) and ICS-23: a message with every field filled must survive upstream's decoder and encoder byte for byte,
//! and the field names must agree.

use std::collections::BTreeSet;

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};
use ve_proto::{Message, Name, descriptors};

/// Fields of Cosmos SDK 0.50 and later that the bindings, generated from an older version, do not have.
const NEWER_THAN_THE_BINDINGS: &[(&str, &[&str])] =
    &[("cosmos.tx.v1beta1.TxBody", &["unordered", "timeout_timestamp"])];

fn is_newer(message: &MessageDescriptor, field: &str) -> bool {
    NEWER_THAN_THE_BINDINGS.iter().any(|(m, fields)| *m == message.full_name() && fields.contains(&field))
}

/// `variant` picks the member of each oneof; messages nested deeper than 4 stay empty.
fn fill(desc: &MessageDescriptor, variant: usize, depth: usize) -> DynamicMessage {
    let mut message = DynamicMessage::new(desc.clone());
    let chosen: BTreeSet<u32> =
        desc.oneofs().filter_map(|o| o.fields().nth(variant % o.fields().len()).map(|f| f.number())).collect();
    for field in desc.fields() {
        let left_out = field.containing_oneof().is_some() && !chosen.contains(&field.number());
        if left_out || is_newer(desc, field.name()) {
            continue;
        }
        let value = if field.is_map() {
            Value::Map([(MapKey::String("k".into()), fill_one(&field, variant, depth))].into())
        } else if field.is_list() {
            Value::List(vec![fill_one(&field, variant, depth), fill_one(&field, variant, depth)])
        } else {
            fill_one(&field, variant, depth)
        };
        message.set_field(&field, value);
    }
    message
}

fn fill_one(field: &FieldDescriptor, variant: usize, depth: usize) -> Value {
    let n = field.number() as u8;
    match field.kind() {
        Kind::Bool => Value::Bool(true),
        Kind::String => Value::String(format!("s{n}")),
        // Not UTF-8, so that a string field on the other side refuses it.
        Kind::Bytes => Value::Bytes(vec![0xff, n, 0xfe].into()),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(-1 - i32::from(n)),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(-1_000_000_007 - i64::from(n)),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(70_000 + u32::from(n)),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(u64::MAX - u64::from(n)),
        Kind::Float => Value::F32(1.5),
        Kind::Double => Value::F64(1.5),
        Kind::Enum(e) => Value::EnumNumber(e.values().last().expect("an enum has values").number()),
        Kind::Message(m) if depth < 4 => Value::Message(fill(&m, variant, depth + 1)),
        Kind::Message(m) => Value::Message(DynamicMessage::new(m)),
    }
}

/// Field names in the `Debug` text of a default value: `Name { a: "", b: None }`.
fn names(debug: &str) -> BTreeSet<String> {
    let Some((_, fields)) = debug.split_once('{') else { return BTreeSet::new() };
    fields
        .trim_end_matches('}')
        .split(',')
        .filter_map(|part| part.split_once(':'))
        .map(|(name, _)| name.trim().trim_start_matches("r#").to_string())
        .collect()
}

fn schema_names(desc: &MessageDescriptor) -> BTreeSet<String> {
    desc.fields()
        .filter(|f| !is_newer(desc, f.name()))
        .map(|f| match f.containing_oneof() {
            Some(oneof) if !oneof.is_synthetic() => oneof.name().to_string(),
            _ => f.name().to_string(),
        })
        .collect()
}

fn check(name: &str, default_debug: &str, upstream: impl Fn(&[u8]) -> Vec<u8>, ours: impl Fn(&[u8]) -> Vec<u8>) {
    let desc = descriptors().get_message_by_name(name).unwrap_or_else(|| panic!("{name} is in the pool"));
    assert_eq!(schema_names(&desc), names(default_debug), "fields of {name}");
    for variant in 0..5 {
        let bytes = fill(&desc, variant, 0).encode_to_vec();
        assert_eq!(ours(&bytes), bytes, "{name}, variant {variant}, our own encoder");
        assert_eq!(upstream(&bytes), bytes, "{name}, variant {variant}, upstream's encoder");
    }
}

macro_rules! cosmos {
    ($($package:ident)::+ : $($message:ident)*) => {{
        use cosmos_sdk_proto::$($package)::+ as theirs;
        use prost_13::Message as _;
        use ve_proto::$($package)::+ as ours;
        cosmos!(@ theirs ours $($message)*);
    }};
    (@ $theirs:ident $ours:ident $($message:ident)*) => {$(
        check(
            &$ours::$message::full_name(),
            &format!("{:?}", $theirs::$message::default()),
            |bytes| $theirs::$message::decode(bytes).expect("upstream decodes").encode_to_vec(),
            |bytes| <$ours::$message as Message>::decode(bytes).map(|m| Message::encode_to_vec(&m)).expect("we decode"),
        );
    )*};
}

macro_rules! comet {
    ($package:ident : $($message:ident)*) => {$({
        use tendermint_proto::v0_38::$package::$message as Theirs;
        use ve_proto::tendermint::$package::$message as Ours;
        check(
            &Ours::full_name(),
            &format!("{:?}", Theirs::default()),
            |bytes| Theirs::decode(bytes).expect("upstream decodes").encode_to_vec(),
            |bytes| Ours::decode(bytes).expect("we decode").encode_to_vec(),
        );
    })*};
}

#[test]
fn transactions_keys_and_coins_have_upstreams_bytes() {
    cosmos!(cosmos::base::v1beta1: Coin DecCoin IntProto DecProto);
    cosmos!(cosmos::base::query::v1beta1: PageRequest PageResponse);
    cosmos!(cosmos::tx::v1beta1: Tx TxRaw SignDoc SignDocDirectAux TxBody AuthInfo SignerInfo ModeInfo Fee Tip AuxSignerData
        GetTxsEventRequest GetTxsEventResponse BroadcastTxRequest BroadcastTxResponse SimulateRequest SimulateResponse
        GetTxRequest GetTxResponse GetBlockWithTxsRequest GetBlockWithTxsResponse);
    cosmos!(cosmos::tx::signing::v1beta1: SignatureDescriptors SignatureDescriptor);
    cosmos!(cosmos::crypto::secp256k1: PubKey PrivKey);
    cosmos!(cosmos::crypto::ed25519: PubKey PrivKey);
    cosmos!(cosmos::crypto::secp256r1: PubKey PrivKey);
    cosmos!(cosmos::crypto::multisig: LegacyAminoPubKey);
    cosmos!(cosmos::crypto::multisig::v1beta1: MultiSignature CompactBitArray);
    cosmos!(cosmos::base::abci::v1beta1: TxResponse AbciMessageLog StringEvent Attribute GasInfo Result SimulationResponse
        MsgData TxMsgData SearchTxsResult);
}

#[test]
fn auth_and_bank_have_upstreams_bytes() {
    cosmos!(cosmos::auth::v1beta1: BaseAccount ModuleAccount Params GenesisState MsgUpdateParams MsgUpdateParamsResponse
        QueryAccountsRequest QueryAccountsResponse QueryAccountRequest QueryAccountResponse QueryParamsRequest
        QueryParamsResponse QueryModuleAccountsRequest QueryModuleAccountsResponse QueryModuleAccountByNameRequest
        QueryModuleAccountByNameResponse Bech32PrefixRequest Bech32PrefixResponse AddressBytesToStringRequest
        AddressBytesToStringResponse AddressStringToBytesRequest AddressStringToBytesResponse
        QueryAccountAddressByIdRequest QueryAccountAddressByIdResponse QueryAccountInfoRequest QueryAccountInfoResponse);
    cosmos!(cosmos::bank::v1beta1: Params SendEnabled Input Output Supply DenomUnit Metadata GenesisState Balance MsgSend
        MsgSendResponse MsgMultiSend MsgMultiSendResponse MsgUpdateParams MsgUpdateParamsResponse MsgSetSendEnabled
        MsgSetSendEnabledResponse QueryBalanceRequest QueryBalanceResponse QueryAllBalancesRequest
        QueryAllBalancesResponse QuerySpendableBalancesRequest QuerySpendableBalancesResponse
        QuerySpendableBalanceByDenomRequest QuerySpendableBalanceByDenomResponse QueryTotalSupplyRequest
        QueryTotalSupplyResponse QuerySupplyOfRequest QuerySupplyOfResponse QueryParamsRequest QueryParamsResponse
        QueryDenomsMetadataRequest QueryDenomsMetadataResponse QueryDenomMetadataRequest QueryDenomMetadataResponse
        QueryDenomOwnersRequest DenomOwner QueryDenomOwnersResponse QuerySendEnabledRequest QuerySendEnabledResponse);
}

#[test]
fn authorizations_and_fee_allowances_have_upstreams_bytes() {
    cosmos!(cosmos::authz::v1beta1: GenericAuthorization Grant GrantAuthorization GenesisState MsgGrant MsgGrantResponse
        MsgExec MsgExecResponse MsgRevoke MsgRevokeResponse QueryGrantsRequest QueryGrantsResponse
        QueryGranterGrantsRequest QueryGranterGrantsResponse QueryGranteeGrantsRequest QueryGranteeGrantsResponse);
    cosmos!(cosmos::bank::v1beta1: SendAuthorization);
    cosmos!(cosmos::staking::v1beta1: StakeAuthorization);
    cosmos!(cosmos::feegrant::v1beta1: BasicAllowance PeriodicAllowance AllowedMsgAllowance Grant GenesisState
        MsgGrantAllowance MsgGrantAllowanceResponse MsgRevokeAllowance MsgRevokeAllowanceResponse MsgPruneAllowances
        MsgPruneAllowancesResponse QueryAllowanceRequest QueryAllowanceResponse QueryAllowancesRequest
        QueryAllowancesResponse QueryAllowancesByGranterRequest QueryAllowancesByGranterResponse);
}

#[test]
fn governance_has_upstreams_bytes() {
    cosmos!(cosmos::gov::v1: WeightedVoteOption Deposit Proposal TallyResult Vote DepositParams VotingParams TallyParams
        Params GenesisState MsgSubmitProposal MsgSubmitProposalResponse MsgVote MsgVoteResponse MsgVoteWeighted
        MsgVoteWeightedResponse MsgDeposit MsgDepositResponse MsgUpdateParams MsgUpdateParamsResponse MsgCancelProposal
        MsgCancelProposalResponse QueryConstitutionRequest QueryConstitutionResponse QueryProposalRequest
        QueryProposalResponse QueryProposalsRequest QueryProposalsResponse QueryVoteRequest QueryVoteResponse
        QueryVotesRequest QueryVotesResponse QueryParamsRequest QueryParamsResponse QueryDepositRequest
        QueryDepositResponse QueryDepositsRequest QueryDepositsResponse QueryTallyResultRequest
        QueryTallyResultResponse);
    cosmos!(cosmos::gov::v1beta1: WeightedVoteOption TextProposal Deposit Proposal TallyResult Vote DepositParams
        VotingParams TallyParams MsgVote MsgVoteResponse MsgVoteWeighted MsgVoteWeightedResponse MsgDeposit
        MsgDepositResponse QueryProposalRequest QueryProposalResponse QueryProposalsRequest QueryProposalsResponse
        QueryVoteRequest QueryVoteResponse QueryVotesRequest QueryVotesResponse QueryParamsRequest QueryParamsResponse
        QueryDepositRequest QueryDepositResponse QueryDepositsRequest QueryDepositsResponse QueryTallyResultRequest
        QueryTallyResultResponse);
}

#[test]
fn upgrades_and_vesting_have_upstreams_bytes() {
    cosmos!(cosmos::upgrade::v1beta1: Plan ModuleVersion MsgSoftwareUpgrade MsgSoftwareUpgradeResponse MsgCancelUpgrade
        MsgCancelUpgradeResponse QueryCurrentPlanRequest QueryCurrentPlanResponse QueryAppliedPlanRequest
        QueryAppliedPlanResponse QueryModuleVersionsRequest QueryModuleVersionsResponse QueryAuthorityRequest
        QueryAuthorityResponse);
    cosmos!(cosmos::vesting::v1beta1: BaseVestingAccount ContinuousVestingAccount DelayedVestingAccount Period
        PeriodicVestingAccount PermanentLockedAccount MsgCreateVestingAccount MsgCreateVestingAccountResponse
        MsgCreatePermanentLockedAccount MsgCreatePermanentLockedAccountResponse MsgCreatePeriodicVestingAccount
        MsgCreatePeriodicVestingAccountResponse);
}

#[test]
fn staking_has_upstreams_bytes() {
    cosmos!(cosmos::staking::v1beta1: HistoricalInfo CommissionRates Commission Description Validator ValAddresses DvPair
        DvPairs DvvTriplet DvvTriplets Delegation UnbondingDelegation UnbondingDelegationEntry RedelegationEntry
        Redelegation Params DelegationResponse RedelegationEntryResponse RedelegationResponse Pool ValidatorUpdates
        GenesisState LastValidatorPower MsgCreateValidator MsgCreateValidatorResponse MsgEditValidator
        MsgEditValidatorResponse MsgDelegate MsgDelegateResponse MsgBeginRedelegate MsgBeginRedelegateResponse
        MsgUndelegate MsgUndelegateResponse MsgCancelUnbondingDelegation MsgCancelUnbondingDelegationResponse
        MsgUpdateParams MsgUpdateParamsResponse QueryValidatorsRequest QueryValidatorsResponse QueryValidatorRequest
        QueryValidatorResponse QueryValidatorDelegationsRequest QueryValidatorDelegationsResponse
        QueryValidatorUnbondingDelegationsRequest QueryValidatorUnbondingDelegationsResponse QueryDelegationRequest
        QueryDelegationResponse QueryUnbondingDelegationRequest QueryUnbondingDelegationResponse
        QueryDelegatorDelegationsRequest QueryDelegatorDelegationsResponse QueryDelegatorUnbondingDelegationsRequest
        QueryDelegatorUnbondingDelegationsResponse QueryRedelegationsRequest QueryRedelegationsResponse
        QueryDelegatorValidatorsRequest QueryDelegatorValidatorsResponse QueryDelegatorValidatorRequest
        QueryDelegatorValidatorResponse QueryHistoricalInfoRequest QueryHistoricalInfoResponse QueryPoolRequest
        QueryPoolResponse QueryParamsRequest QueryParamsResponse);
}

#[test]
fn distribution_has_upstreams_bytes() {
    cosmos!(cosmos::distribution::v1beta1: Params ValidatorHistoricalRewards ValidatorCurrentRewards
        ValidatorAccumulatedCommission ValidatorOutstandingRewards ValidatorSlashEvent FeePool DelegatorStartingInfo
        DelegationDelegatorReward DelegatorWithdrawInfo ValidatorOutstandingRewardsRecord
        ValidatorAccumulatedCommissionRecord ValidatorHistoricalRewardsRecord ValidatorCurrentRewardsRecord
        DelegatorStartingInfoRecord ValidatorSlashEventRecord GenesisState MsgSetWithdrawAddress
        MsgSetWithdrawAddressResponse MsgWithdrawDelegatorReward MsgWithdrawDelegatorRewardResponse
        MsgWithdrawValidatorCommission MsgWithdrawValidatorCommissionResponse MsgFundCommunityPool
        MsgFundCommunityPoolResponse MsgUpdateParams MsgUpdateParamsResponse MsgCommunityPoolSpend
        MsgCommunityPoolSpendResponse QueryParamsRequest QueryParamsResponse QueryValidatorDistributionInfoRequest
        QueryValidatorDistributionInfoResponse QueryValidatorOutstandingRewardsRequest
        QueryValidatorOutstandingRewardsResponse QueryValidatorCommissionRequest QueryValidatorCommissionResponse
        QueryValidatorSlashesRequest QueryValidatorSlashesResponse QueryDelegationRewardsRequest
        QueryDelegationRewardsResponse QueryDelegationTotalRewardsRequest QueryDelegationTotalRewardsResponse
        QueryDelegatorValidatorsRequest QueryDelegatorValidatorsResponse QueryDelegatorWithdrawAddressRequest
        QueryDelegatorWithdrawAddressResponse QueryCommunityPoolRequest QueryCommunityPoolResponse);
}

#[test]
fn mint_slashing_and_evidence_have_upstreams_bytes() {
    cosmos!(cosmos::mint::v1beta1: Minter Params MsgUpdateParams MsgUpdateParamsResponse QueryParamsRequest
        QueryParamsResponse QueryInflationRequest QueryInflationResponse QueryAnnualProvisionsRequest
        QueryAnnualProvisionsResponse);
    cosmos!(cosmos::slashing::v1beta1: ValidatorSigningInfo Params MsgUnjail MsgUnjailResponse MsgUpdateParams
        MsgUpdateParamsResponse QueryParamsRequest QueryParamsResponse QuerySigningInfoRequest
        QuerySigningInfoResponse QuerySigningInfosRequest QuerySigningInfosResponse);
    cosmos!(cosmos::evidence::v1beta1: Equivocation GenesisState MsgSubmitEvidence MsgSubmitEvidenceResponse
        QueryEvidenceRequest QueryEvidenceResponse QueryAllEvidenceRequest QueryAllEvidenceResponse);
}

#[test]
fn node_services_have_upstreams_bytes() {
    cosmos!(cosmos::base::node::v1beta1: ConfigRequest ConfigResponse);
    cosmos!(cosmos::base::tendermint::v1beta1: Block Header GetValidatorSetByHeightRequest GetValidatorSetByHeightResponse
        GetLatestValidatorSetRequest GetLatestValidatorSetResponse Validator GetBlockByHeightRequest
        GetBlockByHeightResponse GetLatestBlockRequest GetLatestBlockResponse GetSyncingRequest GetSyncingResponse
        GetNodeInfoRequest GetNodeInfoResponse VersionInfo Module AbciQueryRequest AbciQueryResponse ProofOp ProofOps);
}

#[test]
fn blocks_votes_and_results_have_cometbfts_bytes() {
    comet!(version: App Consensus);
    comet!(crypto: PublicKey Proof ValueOp DominoOp ProofOp ProofOps);
    comet!(types: PartSetHeader Part BlockId Header Data Vote Commit CommitSig ExtendedCommit ExtendedCommitSig Proposal
        SignedHeader LightBlock BlockMeta TxProof ValidatorSet Validator SimpleValidator CanonicalBlockId
        CanonicalPartSetHeader CanonicalProposal CanonicalVote CanonicalVoteExtension Evidence DuplicateVoteEvidence
        LightClientAttackEvidence EvidenceList Block ConsensusParams BlockParams EvidenceParams ValidatorParams
        VersionParams HashedParams AbciParams);
    comet!(abci: Event EventAttribute ExecTxResult TxResult Validator ValidatorUpdate Misbehavior);
    comet!(p2p: NetAddress ProtocolVersion DefaultNodeInfo DefaultNodeInfoOther);
}

#[test]
fn commitment_proofs_have_the_bytes_of_ics23() {
    use prost_13::Message as _;
    use ve_proto::cosmos::ics23::v1 as ours;
    cosmos!(@ ics23 ours ExistenceProof NonExistenceProof CommitmentProof LeafOp InnerOp ProofSpec InnerSpec BatchProof
        BatchEntry CompressedBatchProof CompressedBatchEntry CompressedExistenceProof CompressedNonExistenceProof);
}
