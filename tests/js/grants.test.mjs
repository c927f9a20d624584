// Fees that another account pays and transfers that another account makes, with unmodified @cosmjs/stargate.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { DirectSecp256k1HdWallet } from '@cosmjs/proto-signing';
import {
  GasPrice, SigningStargateClient, StargateClient, assertIsDeliverTxSuccess, calculateFee, coins,
} from '@cosmjs/stargate';
import { GenericAuthorization } from 'cosmjs-types/cosmos/authz/v1beta1/authz';
import { SendAuthorization } from 'cosmjs-types/cosmos/bank/v1beta1/authz';
import { MsgSend } from 'cosmjs-types/cosmos/bank/v1beta1/tx';
import { AllowedMsgAllowance, BasicAllowance } from 'cosmjs-types/cosmos/feegrant/v1beta1/feegrant';
import { TxRaw } from 'cosmjs-types/cosmos/tx/v1beta1/tx';

import { descriptor, rpcAddress, startNetwork, stopNetwork, untilBlocks } from './lib/network.mjs';

const PREFIX = 've';
const GAS_PRICE = GasPrice.fromString('0.025uve');
const FEE = calculateFee(300_000, GAS_PRICE);
const PAID = BigInt(FEE.amount[0].amount);

let network;
let found;
let reader;

before(async () => {
  network = await startNetwork(['localnet']);
  found = await descriptor(network, (file) => file.nodes.length > 0);
  await untilBlocks(found);
  reader = await StargateClient.connect(rpcAddress(found, 'http'));
}, { timeout: 180_000 });

after(async () => {
  reader?.disconnect();
  if (network) await stopNetwork(network);
});

async function signer(wallet) {
  const [{ address }] = await wallet.getAccounts();
  const client = await SigningStargateClient.connectWithSigner(rpcAddress(found, 'http'), wallet, { gasPrice: GAS_PRICE });
  return { address, client };
}

async function known(name) {
  const { mnemonic } = found.accounts.find((entry) => entry.name === name);
  return signer(await DirectSecp256k1HdWallet.fromMnemonic(mnemonic, { prefix: PREFIX }));
}

/** An account that the chain knows and that has `amount`. */
async function fresh(from, amount) {
  const made = await signer(await DirectSecp256k1HdWallet.generate(12, { prefix: PREFIX }));
  assertIsDeliverTxSuccess(await from.client.sendTokens(from.address, made.address, coins(amount, 'uve'), FEE));
  return made;
}

async function balance(address) {
  return BigInt((await reader.getBalance(address, 'uve')).amount);
}

const send = (from, to, amount) => ({
  typeUrl: '/cosmos.bank.v1beta1.MsgSend',
  value: MsgSend.fromPartial({ fromAddress: from, toAddress: to, amount: coins(amount, 'uve') }),
});

/** The code with which the chain refuses, 0 when it does not. */
async function codeOf(account, messages, fee) {
  const bytes = TxRaw.encode(await account.client.sign(account.address, messages, fee, '')).finish();
  try {
    await account.client.broadcastTxSync(bytes);
    return 0;
  } catch (error) {
    return error.code;
  }
}

test('an allowance pays the fees of a transfer until it is used up or revoked', { timeout: 120_000 }, async () => {
  const [granter, target] = [await known('customer'), (await known('faucet')).address];
  const grantee = await fresh(granter, 100);
  const allowance = {
    typeUrl: '/cosmos.feegrant.v1beta1.AllowedMsgAllowance',
    value: AllowedMsgAllowance.encode({
      allowance: {
        typeUrl: '/cosmos.feegrant.v1beta1.BasicAllowance',
        value: BasicAllowance.encode({ spendLimit: coins((PAID * 2n).toString(), 'uve') }).finish(),
      },
      allowedMessages: ['/cosmos.bank.v1beta1.MsgSend'],
    }).finish(),
  };
  const grant = {
    typeUrl: '/cosmos.feegrant.v1beta1.MsgGrantAllowance',
    value: { granter: granter.address, grantee: grantee.address, allowance },
  };
  assertIsDeliverTxSuccess(await granter.client.signAndBroadcast(granter.address, [grant], FEE));
  const paid = { ...FEE, granter: granter.address };
  const [before, own] = [await balance(granter.address), await balance(grantee.address)];
  const sent = await grantee.client.signAndBroadcast(grantee.address, [send(grantee.address, target, 7)], paid);
  assertIsDeliverTxSuccess(sent);
  assert.equal(await balance(granter.address), before - PAID, 'the granter paid the fee');
  assert.equal(await balance(grantee.address), own - 7n, 'the grantee paid what it sent');

  const other = {
    typeUrl: '/cosmos.distribution.v1beta1.MsgFundCommunityPool',
    value: { depositor: grantee.address, amount: coins(1, 'uve') },
  };
  assert.notEqual(await codeOf(grantee, [other], paid), 0, 'the allowance is for transfers only');
  const revoke = {
    typeUrl: '/cosmos.feegrant.v1beta1.MsgRevokeAllowance',
    value: { granter: granter.address, grantee: grantee.address },
  };
  assertIsDeliverTxSuccess(await granter.client.signAndBroadcast(granter.address, [revoke], FEE));
  assert.notEqual(await codeOf(grantee, [send(grantee.address, target, 1)], paid), 0, 'nothing pays any more');
  for (const account of [granter, grantee]) account.client.disconnect();
});

test('a grantee makes transfers of the granter up to the limit and nothing else', { timeout: 120_000 }, async () => {
  const [granter, target] = [await known('customer'), (await known('faucet')).address];
  const grantee = await fresh(granter, 1_000_000);
  const grant = (authorization) => ({
    typeUrl: '/cosmos.authz.v1beta1.MsgGrant',
    value: { granter: granter.address, grantee: grantee.address, grant: { authorization } },
  });
  const limited = {
    typeUrl: '/cosmos.bank.v1beta1.SendAuthorization',
    value: SendAuthorization.encode({ spendLimit: coins(50, 'uve'), allowList: [] }).finish(),
  };
  assertIsDeliverTxSuccess(await granter.client.signAndBroadcast(granter.address, [grant(limited)], FEE));
  const exec = (inner) => ({
    typeUrl: '/cosmos.authz.v1beta1.MsgExec',
    value: {
      grantee: grantee.address,
      msgs: [{ typeUrl: inner.typeUrl, value: MsgSend.encode(inner.value).finish() }],
    },
  });
  const run = async (message) => grantee.client.signAndBroadcast(grantee.address, [message], FEE);
  const [before, received] = [await balance(granter.address), await balance(target)];
  assertIsDeliverTxSuccess(await run(exec(send(granter.address, target, 30))));
  assert.equal(await balance(granter.address), before - 30n);
  assert.equal(await balance(target), received + 30n);
  const tooMuch = await run(exec(send(granter.address, target, 21)));
  assert.notEqual(tooMuch.code, 0, 'only 20 are left of the limit');
  const stranger = await run(exec(send(target, grantee.address, 1)));
  assert.equal(stranger.code, 2, 'nobody else gave a grant: authorization not found');
  assert.equal(await balance(target), received + 30n);

  const generic = {
    typeUrl: '/cosmos.authz.v1beta1.GenericAuthorization',
    value: GenericAuthorization.encode({ msg: '/cosmos.bank.v1beta1.MsgSend' }).finish(),
  };
  assertIsDeliverTxSuccess(await granter.client.signAndBroadcast(granter.address, [grant(generic)], FEE));
  assertIsDeliverTxSuccess(await run(exec(send(granter.address, target, 21))));
  const revoke = {
    typeUrl: '/cosmos.authz.v1beta1.MsgRevoke',
    value: { granter: granter.address, grantee: grantee.address, msgTypeUrl: '/cosmos.bank.v1beta1.MsgSend' },
  };
  assertIsDeliverTxSuccess(await granter.client.signAndBroadcast(granter.address, [revoke], FEE));
  assert.notEqual((await run(exec(send(granter.address, target, 1)))).code, 0, 'the grant is gone');
  for (const account of [granter, grantee]) account.client.disconnect();
});
