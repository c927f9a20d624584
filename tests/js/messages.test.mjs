// Every message of the standard modules, as unmodified CosmJS encodes and signs it: the node reads the same message out of
// the bytes, and both sign modes verify.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Secp256k1HdWallet } from '@cosmjs/amino';
import { fromBase64, fromBech32, fromHex, toBase64, toBech32, toHex } from '@cosmjs/encoding';
import { DirectSecp256k1HdWallet, Registry } from '@cosmjs/proto-signing';
import {
  AminoTypes, SigningStargateClient, coins, createDefaultAminoConverters, defaultRegistryTypes,
} from '@cosmjs/stargate';
import { GenericAuthorization } from 'cosmjs-types/cosmos/authz/v1beta1/authz';
import { MsgExec, MsgGrant, MsgRevoke } from 'cosmjs-types/cosmos/authz/v1beta1/tx';
import { MsgSend, MsgSetSendEnabled, MsgUpdateParams as BankParams } from 'cosmjs-types/cosmos/bank/v1beta1/tx';
import { PubKey } from 'cosmjs-types/cosmos/crypto/ed25519/keys';
import { MsgCommunityPoolSpend } from 'cosmjs-types/cosmos/distribution/v1beta1/tx';
import { MsgSubmitEvidence } from 'cosmjs-types/cosmos/evidence/v1beta1/tx';
import { BasicAllowance, PeriodicAllowance } from 'cosmjs-types/cosmos/feegrant/v1beta1/feegrant';
import { MsgGrantAllowance, MsgRevokeAllowance } from 'cosmjs-types/cosmos/feegrant/v1beta1/tx';
import * as govTx from 'cosmjs-types/cosmos/gov/v1/tx';
import { TextProposal } from 'cosmjs-types/cosmos/gov/v1beta1/gov';
import { MsgUnjail } from 'cosmjs-types/cosmos/slashing/v1beta1/tx';
import { MsgUpdateParams as StakingParams } from 'cosmjs-types/cosmos/staking/v1beta1/tx';
import { TxRaw } from 'cosmjs-types/cosmos/tx/v1beta1/tx';
import { MsgCreatePeriodicVestingAccount, MsgCreatePermanentLockedAccount } from 'cosmjs-types/cosmos/vesting/v1beta1/tx';

import { descriptor, restAddress, rpcAddress, startNetwork, stopNetwork, untilBlocks } from './lib/network.mjs';

const PREFIX = 've';
const FEE = { amount: coins(50_000, 'uve'), gas: '2000000' };

/** Those that CosmJS does not know by itself. */
const MORE = [
  ['/cosmos.authz.v1beta1.MsgExec', MsgExec], ['/cosmos.authz.v1beta1.MsgGrant', MsgGrant],
  ['/cosmos.authz.v1beta1.MsgRevoke', MsgRevoke],
  ['/cosmos.bank.v1beta1.MsgSetSendEnabled', MsgSetSendEnabled], ['/cosmos.bank.v1beta1.MsgUpdateParams', BankParams],
  ['/cosmos.distribution.v1beta1.MsgCommunityPoolSpend', MsgCommunityPoolSpend],
  ['/cosmos.evidence.v1beta1.MsgSubmitEvidence', MsgSubmitEvidence],
  ['/cosmos.feegrant.v1beta1.MsgGrantAllowance', MsgGrantAllowance],
  ['/cosmos.feegrant.v1beta1.MsgRevokeAllowance', MsgRevokeAllowance],
  ...['MsgSubmitProposal', 'MsgVote', 'MsgVoteWeighted', 'MsgDeposit', 'MsgCancelProposal']
    .map((name) => [`/cosmos.gov.v1.${name}`, govTx[name]]),
  ['/cosmos.slashing.v1beta1.MsgUnjail', MsgUnjail],
  ['/cosmos.staking.v1beta1.MsgUpdateParams', StakingParams],
  ['/cosmos.vesting.v1beta1.MsgCreatePeriodicVestingAccount', MsgCreatePeriodicVestingAccount],
  ['/cosmos.vesting.v1beta1.MsgCreatePermanentLockedAccount', MsgCreatePermanentLockedAccount],
].filter(([, type]) => type !== undefined);

/** As the Cosmos SDK writes them for hardware wallets; CosmJS leaves most of these out. */
const AMINO = {
  // CosmJS writes a longer name, which no Cosmos chain knows.
  '/cosmos.distribution.v1beta1.MsgWithdrawValidatorCommission': {
    aminoType: 'cosmos-sdk/MsgWithdrawValCommission',
    toAmino: ({ validatorAddress }) => ({ validator_address: validatorAddress }),
    fromAmino: ({ validator_address: validatorAddress }) => ({ validatorAddress }),
  },
  '/cosmos.slashing.v1beta1.MsgUnjail': {
    aminoType: 'cosmos-sdk/MsgUnjail',
    toAmino: ({ validatorAddr }) => ({ address: validatorAddr }),
    fromAmino: ({ address }) => ({ validatorAddr: address }),
  },
  '/cosmos.feegrant.v1beta1.MsgRevokeAllowance': {
    aminoType: 'cosmos-sdk/MsgRevokeAllowance',
    toAmino: ({ granter, grantee }) => ({ granter, grantee }),
    fromAmino: ({ granter, grantee }) => ({ granter, grantee }),
  },
  '/cosmos.authz.v1beta1.MsgRevoke': {
    aminoType: 'cosmos-sdk/MsgRevoke',
    toAmino: ({ granter, grantee, msgTypeUrl }) => ({ granter, grantee, msg_type_url: msgTypeUrl }),
    fromAmino: ({ granter, grantee, msg_type_url: msgTypeUrl }) => ({ granter, grantee, msgTypeUrl }),
  },
  '/cosmos.gov.v1.MsgVote': {
    aminoType: 'cosmos-sdk/v1/MsgVote',
    toAmino: ({ proposalId, voter, option }) => ({ option, proposal_id: proposalId.toString(), voter }),
    fromAmino: ({ option, proposal_id: id, voter }) => ({ proposalId: BigInt(id), voter, option, metadata: '' }),
  },
};

let network;
let found;
let direct;
let amino;
let me;
let other;
let validator;

before(async () => {
  network = await startNetwork(['localnet']);
  found = await descriptor(network, (file) => file.nodes.length > 0);
  await untilBlocks(found);
  const { mnemonic } = found.accounts.find((entry) => entry.name === 'customer');
  other = found.accounts.find((entry) => entry.name === 'faucet').address;
  const registry = new Registry([...defaultRegistryTypes, ...MORE]);
  const aminoTypes = new AminoTypes({ ...createDefaultAminoConverters(), ...AMINO });
  const connect = (wallet) => SigningStargateClient.connectWithSigner(rpcAddress(found, 'http'), wallet, { registry, aminoTypes });
  const wallet = await DirectSecp256k1HdWallet.fromMnemonic(mnemonic, { prefix: PREFIX });
  me = (await wallet.getAccounts())[0].address;
  direct = await connect(wallet);
  amino = await connect(await Secp256k1HdWallet.fromMnemonic(mnemonic, { prefix: PREFIX }));
  const answer = await fetch(`${restAddress(found)}/cosmos/staking/v1beta1/validators`);
  validator = (await answer.json()).validators[0].operator_address;
}, { timeout: 180_000 });

after(async () => {
  direct?.disconnect();
  amino?.disconnect();
  if (network) await stopNetwork(network);
});

const uve = (amount) => ({ denom: 'uve', amount: String(amount) });
const any = (typeUrl, type, value) => ({ typeUrl, value: type.encode(type.fromPartial(value)).finish() });

/** One of each, by type URL. Those of governance are signed by an account that may not, which is checked later. */
function messages() {
  const own = operatorOf(me);
  // CosmJS writes empty texts, which the Cosmos SDK leaves out.
  const description = { moniker: 'm', identity: 'i', website: 'w', securityContact: 's', details: 'd' };
  const end = BigInt(Math.floor(Date.now() / 1000) + 1_000);
  return {
    '/cosmos.bank.v1beta1.MsgSend': { fromAddress: me, toAddress: other, amount: [uve(1)] },
    '/cosmos.bank.v1beta1.MsgMultiSend': {
      inputs: [{ address: me, coins: [uve(2)] }], outputs: [{ address: other, coins: [uve(2)] }],
    },
    '/cosmos.staking.v1beta1.MsgCreateValidator': {
      description, commission: { rate: '50000000000000000', maxRate: '200000000000000000', maxChangeRate: '10000000000000000' }, minSelfDelegation: '1000000000',
      delegatorAddress: me, validatorAddress: own,
      pubkey: { typeUrl: '/cosmos.crypto.ed25519.PubKey', value: PubKey.encode({ key: fromHex('6cd3651a5b39476e700b749df3bdb417fdfeec8641857703db630d16d3e4fefd') }).finish() },
      value: uve(1_000_000_000),
    },
    '/cosmos.staking.v1beta1.MsgEditValidator': {
      description, validatorAddress: own, commissionRate: '60000000000000000', minSelfDelegation: '2000000000',
    },
    '/cosmos.staking.v1beta1.MsgDelegate': { delegatorAddress: me, validatorAddress: validator, amount: uve(1_000_000) },
    '/cosmos.staking.v1beta1.MsgUndelegate': { delegatorAddress: me, validatorAddress: validator, amount: uve(1_000_000) },
    '/cosmos.staking.v1beta1.MsgBeginRedelegate': {
      delegatorAddress: me, validatorSrcAddress: validator, validatorDstAddress: own, amount: uve(1_000_000),
    },
    '/cosmos.staking.v1beta1.MsgCancelUnbondingDelegation': {
      delegatorAddress: me, validatorAddress: validator, amount: uve(1_000_000), creationHeight: 3n,
    },
    '/cosmos.distribution.v1beta1.MsgSetWithdrawAddress': { delegatorAddress: me, withdrawAddress: other },
    '/cosmos.distribution.v1beta1.MsgWithdrawDelegatorReward': { delegatorAddress: me, validatorAddress: validator },
    '/cosmos.distribution.v1beta1.MsgWithdrawValidatorCommission': { validatorAddress: own },
    '/cosmos.distribution.v1beta1.MsgFundCommunityPool': { depositor: me, amount: [uve(1)] },
    '/cosmos.slashing.v1beta1.MsgUnjail': { validatorAddr: own },
    '/cosmos.gov.v1beta1.MsgSubmitProposal': {
      content: any('/cosmos.gov.v1beta1.TextProposal', TextProposal, { title: 't', description: 'd' }),
      initialDeposit: [uve(250_000_000)], proposer: me,
    },
    '/cosmos.gov.v1beta1.MsgVote': { proposalId: 1n, voter: me, option: 1 },
    '/cosmos.gov.v1beta1.MsgVoteWeighted': {
      proposalId: 1n, voter: me, options: [{ option: 1, weight: '500000000000000000' }, { option: 3, weight: '500000000000000000' }],
    },
    '/cosmos.gov.v1beta1.MsgDeposit': { proposalId: 1n, depositor: me, amount: [uve(25_000_000)] },
    '/cosmos.gov.v1.MsgSubmitProposal': {
      messages: [], initialDeposit: [uve(250_000_000)], proposer: me, metadata: 'm', title: 't', summary: 's', expedited: false,
    },
    '/cosmos.gov.v1.MsgVote': { proposalId: 1n, voter: me, option: 1, metadata: '' },
    '/cosmos.gov.v1.MsgVoteWeighted': { proposalId: 1n, voter: me, options: [{ option: 1, weight: '1.0' }], metadata: '' },
    '/cosmos.gov.v1.MsgDeposit': { proposalId: 1n, depositor: me, amount: [uve(25_000_000)] },
    '/cosmos.gov.v1.MsgCancelProposal': { proposalId: 1n, proposer: me },
    '/cosmos.authz.v1beta1.MsgGrant': {
      granter: me, grantee: other,
      grant: { authorization: any('/cosmos.authz.v1beta1.GenericAuthorization', GenericAuthorization, { msg: '/cosmos.bank.v1beta1.MsgSend' }) },
    },
    '/cosmos.authz.v1beta1.MsgExec': {
      grantee: me, msgs: [any('/cosmos.bank.v1beta1.MsgSend', MsgSend, { fromAddress: me, toAddress: other, amount: [uve(1)] })],
    },
    '/cosmos.authz.v1beta1.MsgRevoke': { granter: me, grantee: other, msgTypeUrl: '/cosmos.bank.v1beta1.MsgSend' },
    '/cosmos.feegrant.v1beta1.MsgGrantAllowance': {
      granter: me, grantee: other,
      allowance: any('/cosmos.feegrant.v1beta1.PeriodicAllowance', PeriodicAllowance, {
        basic: BasicAllowance.fromPartial({ spendLimit: [uve(1_000)] }), period: { seconds: 3_600n, nanos: 0 },
        periodSpendLimit: [uve(10)], periodCanSpend: [uve(10)], periodReset: { seconds: end, nanos: 0 },
      }),
    },
    '/cosmos.feegrant.v1beta1.MsgRevokeAllowance': { granter: me, grantee: other },
    '/cosmos.vesting.v1beta1.MsgCreateVestingAccount': {
      fromAddress: me, toAddress: other, amount: [uve(5)], endTime: end, delayed: true,
    },
    '/cosmos.vesting.v1beta1.MsgCreatePeriodicVestingAccount': {
      fromAddress: me, toAddress: other, startTime: end, vestingPeriods: [{ length: 60n, amount: [uve(5)] }],
    },
    '/cosmos.vesting.v1beta1.MsgCreatePermanentLockedAccount': { fromAddress: me, toAddress: other, amount: [uve(5)] },
    '/cosmos.evidence.v1beta1.MsgSubmitEvidence': {
      submitter: me, evidence: { typeUrl: '/tendermint.types.DuplicateVoteEvidence', value: new Uint8Array() },
    },
    '/cosmos.bank.v1beta1.MsgSetSendEnabled': { authority: me, sendEnabled: [{ denom: 'abc', enabled: false }], useDefaultFor: [] },
    '/cosmos.bank.v1beta1.MsgUpdateParams': { authority: me, params: { sendEnabled: [], defaultSendEnabled: true } },
    '/cosmos.distribution.v1beta1.MsgCommunityPoolSpend': { authority: me, recipient: other, amount: [uve(1)] },
  };
}

/** The same account as an operator. */
function operatorOf(address) {
  return toBech32(`${PREFIX}valoper`, fromBech32(address).data);
}

async function signed(client, typeUrl, value) {
  return TxRaw.encode(await client.sign(me, [{ typeUrl, value }], FEE, 'round <&> trip')).finish();
}

async function rpc(method, params) {
  const response = await fetch(rpcAddress(found, 'http'), {
    method: 'POST', headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  });
  return (await response.json()).result;
}

/**
 * The code with which the chain executed the message, or `module code` when a module refuses to look at it. A signature
 * over other bytes, or bytes that do not decode, never get so far.
 */
async function executed(client, typeUrl, value) {
  try {
    return (await client.broadcastTx(await signed(client, typeUrl, value), 60_000, 200)).code;
  } catch (error) {
    assert.ok(error.codespace, `${typeUrl}: ${error}`);
    const inSdk = [7, 10, 18];
    assert.ok(error.codespace !== 'sdk' || inSdk.includes(error.code), `${typeUrl}: ${error.codespace} ${error.code} ${error.log}`);
    return `${error.codespace} ${error.code}`;
  }
}

async function roundTrip(bytes, name) {
  const post = async (path, body) => (await fetch(`${restAddress(found)}${path}`, { method: 'POST', body: JSON.stringify(body) })).json();
  const { tx } = await post('/cosmos/tx/v1beta1/decode', { tx_bytes: toBase64(bytes) });
  assert.equal(tx?.body.messages.length, 1, `${name}: ${JSON.stringify(tx)}`);
  assert.equal(tx.body.messages[0]['@type'], name);
  const encoded = await post('/cosmos/tx/v1beta1/encode', { tx });
  assert.ok(encoded.tx_bytes, `${name}: ${JSON.stringify(encoded)}`);
  assert.equal(toHex(fromBase64(encoded.tx_bytes)), toHex(bytes), name);
}

test('every message goes through the JSON of the node and comes back as the same bytes', { timeout: 120_000 }, async () => {
  for (const [name, value] of Object.entries(messages())) await roundTrip(await signed(direct, name, value), name);
});

test('the chain executes what CosmJS signs directly, for every message', { timeout: 240_000 }, async () => {
  const codes = {};
  for (const [name, value] of Object.entries(messages())) codes[name] = await executed(direct, name, value);
  for (const name of [
    'bank.v1beta1.MsgSend', 'bank.v1beta1.MsgMultiSend', 'staking.v1beta1.MsgCreateValidator', 'staking.v1beta1.MsgDelegate',
    'staking.v1beta1.MsgUndelegate', 'distribution.v1beta1.MsgSetWithdrawAddress', 'distribution.v1beta1.MsgFundCommunityPool',
    'gov.v1beta1.MsgSubmitProposal', 'gov.v1.MsgSubmitProposal', 'authz.v1beta1.MsgGrant', 'authz.v1beta1.MsgExec',
    'authz.v1beta1.MsgRevoke', 'feegrant.v1beta1.MsgGrantAllowance', 'feegrant.v1beta1.MsgRevokeAllowance',
  ]) assert.equal(codes[`/cosmos.${name}`], 0, JSON.stringify(codes, null, 1));
});

test('the chain executes what hardware wallets sign as amino JSON, for every message that CosmJS can write so', { timeout: 240_000 }, async () => {
  const known = new Set([...Object.keys(createDefaultAminoConverters()), ...Object.keys(AMINO)]);
  const all = Object.entries(messages()).filter(([name]) => known.has(name));
  assert.ok(all.length >= 20, `${all.length} messages`);
  for (const [name, value] of all) await executed(amino, name, value);
});

test('a signature over another message is refused in both modes', async () => {
  const data = { ...(await direct.getSequence(me)), chainId: found.chain_id };
  const transfer = (client, amount) => client.sign(me, [{
    typeUrl: '/cosmos.bank.v1beta1.MsgSend', value: { fromAddress: me, toAddress: other, amount: [uve(amount)] },
  }], FEE, '', data);
  for (const client of [direct, amino]) {
    const forged = { ...(await transfer(client, 1)), bodyBytes: (await transfer(client, 2)).bodyBytes };
    const { code, codespace, log } = await rpc('check_tx', { tx: toBase64(TxRaw.encode(forged).finish()) });
    assert.deepEqual([codespace, code], ['sdk', 4], log);
  }
});
