// Unmodified @cosmjs/stargate against a network of one validator.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Secp256k1HdWallet, createMultisigThresholdPubkey, pubkeyToAddress } from '@cosmjs/amino';
import { fromBase64, toHex } from '@cosmjs/encoding';
import { DirectSecp256k1HdWallet } from '@cosmjs/proto-signing';
import {
  GasPrice, QueryClient, SigningStargateClient, StargateClient, assertIsDeliverTxSuccess, calculateFee, coins,
  makeMultisignedTxBytes, setupAuthExtension, setupStakingExtension,
} from '@cosmjs/stargate';
import { Comet38Client, WebsocketClient, connectComet, isComet38Client } from '@cosmjs/tendermint-rpc';
import { TxRaw } from 'cosmjs-types/cosmos/tx/v1beta1/tx';

import { descriptor, restAddress, rpcAddress, startNetwork, stopNetwork, untilBlocks } from './lib/network.mjs';

const PREFIX = 've';
const GAS_PRICE = GasPrice.fromString('0.025uve');
const FEE = calculateFee(200_000, GAS_PRICE);

let network;
let found;
let sender;
let receiver;

before(async () => {
  // Two validators, so that stake can move from one to the other.
  network = await startNetwork(['localnet', '--validators', '2']);
  found = await descriptor(network, (file) => file.nodes.length > 0 && file.provider !== null);
  await untilBlocks(found);
  sender = await account('customer');
  receiver = await account('faucet');
}, { timeout: 180_000 });

after(async () => {
  if (network) await stopNetwork(network);
});

async function account(name) {
  const { address, mnemonic } = found.accounts.find((entry) => entry.name === name);
  const wallet = await DirectSecp256k1HdWallet.fromMnemonic(mnemonic, { prefix: PREFIX });
  const client = await SigningStargateClient.connectWithSigner(rpcAddress(found, 'http'), wallet, { gasPrice: GAS_PRICE });
  return { name, address, mnemonic, wallet, client };
}

async function balance(address) {
  return BigInt((await sender.client.getBalance(address, 'uve')).amount);
}

function feeOf(fee) {
  return BigInt(fee.amount[0].amount);
}

/**
 * CosmJS takes its own `disconnect` for a lost connection and connects again and again, which keeps the process alive
 * for ever: the timer of that has to be ended too.
 */
function closeForGood(socket, comet) {
  comet.disconnect();
  assert.ok('reconnectTimeout' in socket.socket, 'CosmJS keeps its timer elsewhere now');
  clearTimeout(socket.socket.reconnectTimeout);
}

test('the version probe picks the 0.38 client', async () => {
  const comet = await connectComet(rpcAddress(found, 'http'));
  assert.ok(isComet38Client(comet));
  comet.disconnect();
});

test('the mnemonics of localnet.json give its addresses', async () => {
  for (const entry of found.accounts) {
    const wallet = await DirectSecp256k1HdWallet.fromMnemonic(entry.mnemonic, { prefix: PREFIX });
    assert.equal((await wallet.getAccounts())[0].address, entry.address, entry.name);
  }
});

test('a client connects, follows the chain and reads balances', async () => {
  const client = await StargateClient.connect(rpcAddress(found, 'http'));
  assert.equal(await client.getChainId(), found.chain_id);
  const height = await client.getHeight();
  assert.ok(height >= 1);
  assert.equal((await client.getBlock(height)).header.height, height);
  const listed = await client.getAllBalances(sender.address);
  assert.deepEqual(listed.find((entry) => entry.denom === 'uve'), await client.getBalance(sender.address, 'uve'));
  assert.equal(await client.getAccount(`${PREFIX}1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqxrm8se`).catch(() => null), null);
  client.disconnect();
});

test('a transfer moves exactly the amount and the fee', async () => {
  const [from, to] = [await balance(sender.address), await balance(receiver.address)];
  const result = await sender.client.sendTokens(sender.address, receiver.address, coins(1_234, 'uve'), FEE, 'direct');
  assertIsDeliverTxSuccess(result);
  assert.equal(await balance(sender.address), from - 1_234n - feeOf(FEE));
  assert.equal(await balance(receiver.address), to + 1_234n);
  assert.ok(result.gasUsed > 0n && result.gasUsed <= result.gasWanted);
});

test('a simulation estimates gas that suffices', async () => {
  const message = {
    typeUrl: '/cosmos.bank.v1beta1.MsgSend',
    value: { fromAddress: sender.address, toAddress: receiver.address, amount: coins(7, 'uve') },
  };
  const gas = await sender.client.simulate(sender.address, [message], 'estimate');
  assert.ok(gas > 0);
  const fee = calculateFee(Math.ceil(gas * 1.3), GAS_PRICE);
  assertIsDeliverTxSuccess(await sender.client.signAndBroadcast(sender.address, [message], fee, 'estimate'));
  assertIsDeliverTxSuccess(await sender.client.signAndBroadcast(sender.address, [message], 'auto'));
});

test('more than the balance is refused with the code of the bank and changes only the fee', async () => {
  const from = await balance(sender.address);
  const result = await sender.client
    .sendTokens(sender.address, receiver.address, coins((from * 2n).toString(), 'uve'), FEE)
    .catch((error) => error);
  assert.notEqual(result.code, 0);
  assert.match(result.rawLog ?? result.log, /insufficient|balance/i);
  const left = await balance(sender.address);
  assert.ok(left === from || left === from - feeOf(FEE));
});

test('stake is delegated and shows up in the delegation', async () => {
  const status = await fetch(`${restAddress(found)}/cosmos/staking/v1beta1/validators`);
  const { validators } = await status.json();
  const validator = validators[0].operator_address;
  const earlier = BigInt((await sender.client.getDelegation(sender.address, validator))?.amount ?? '0');
  const fee = calculateFee(400_000, GAS_PRICE);
  const stake = { denom: 'uve', amount: '2000000' };
  assertIsDeliverTxSuccess(await sender.client.delegateTokens(sender.address, validator, stake, fee));
  const delegated = await sender.client.getDelegation(sender.address, validator);
  assert.deepEqual(delegated, { denom: 'uve', amount: (earlier + 2_000_000n).toString() });
});

test('stake moves to another validator and is undelegated, and more than there is cannot be', { timeout: 90_000 }, async () => {
  const queries = QueryClient.withExtensions(await connectComet(rpcAddress(found, 'http')), setupStakingExtension);
  const { validators } = await queries.staking.validators('BOND_STATUS_BONDED');
  const [from, to] = validators.map((validator) => validator.operatorAddress);
  const delegated = async (validator) => BigInt((await sender.client.getDelegation(sender.address, validator))?.amount ?? '0');
  const fee = calculateFee(600_000, GAS_PRICE);
  const coin = (amount) => ({ denom: 'uve', amount: amount.toString() });
  assertIsDeliverTxSuccess(await sender.client.delegateTokens(sender.address, from, coin(3_000_000n), fee));
  const [left, arrived] = [await delegated(from), await delegated(to)];

  const redelegate = (amount) => sender.client.signAndBroadcast(sender.address, [{
    typeUrl: '/cosmos.staking.v1beta1.MsgBeginRedelegate',
    value: { delegatorAddress: sender.address, validatorSrcAddress: from, validatorDstAddress: to, amount: coin(amount) },
  }], fee);
  assertIsDeliverTxSuccess(await redelegate(1_000_000n));
  assert.equal(await delegated(from), left - 1_000_000n);
  assert.equal(await delegated(to), arrived + 1_000_000n);

  assertIsDeliverTxSuccess(await sender.client.undelegateTokens(sender.address, from, coin(500_000n), fee));
  assert.equal(await delegated(from), left - 1_500_000n);
  const { unbond } = await queries.staking.unbondingDelegation(sender.address, from);
  assert.equal(unbond.entries.at(-1).balance, '500000');

  const refused = await redelegate(left * 2n);
  assert.notEqual(refused.code, 0);
  const tooMuch = await sender.client.undelegateTokens(sender.address, from, coin(left * 2n), fee);
  assert.notEqual(tooMuch.code, 0);
  assert.equal(await delegated(from), left - 1_500_000n, 'what was refused changed nothing');
});

test('errors have the texts that wallets and relayers look for', async () => {
  const nobody = (await (await DirectSecp256k1HdWallet.generate(12, { prefix: PREFIX })).getAccounts())[0].address;
  const queries = QueryClient.withExtensions(
    await connectComet(rpcAddress(found, 'http')), setupAuthExtension, setupStakingExtension,
  );
  await assert.rejects(
    queries.auth.account(nobody),
    new RegExp(`rpc error: code = NotFound desc = account ${nobody} not found: key not found`),
  );
  const { validators } = await queries.staking.validators('BOND_STATUS_BONDED');
  await assert.rejects(queries.staking.delegation(nobody, validators[0].operatorAddress), /key not found/);

  const message = {
    typeUrl: '/cosmos.bank.v1beta1.MsgSend',
    value: { fromAddress: sender.address, toAddress: receiver.address, amount: coins(1, 'uve') },
  };
  const { accountNumber, sequence } = await sender.client.getSequence(sender.address);
  const sent = async (changed, fee = FEE, memo = '') => {
    const data = { accountNumber, sequence, chainId: found.chain_id, ...changed };
    const bytes = TxRaw.encode(await sender.client.sign(sender.address, [message], fee, memo, data)).finish();
    return sender.client.broadcastTxSync(bytes).then(() => ({ code: 0 }), (error) => error);
  };
  const wrongSequence = await sent({ sequence: sequence + 5 });
  assert.equal(wrongSequence.code, 32);
  assert.ok(wrongSequence.log.includes(
    `account sequence mismatch, expected ${sequence}, got ${sequence + 5}: incorrect account sequence`,
  ), wrongSequence.log);
  assert.equal((await sent({ chainId: 've-other-1' })).code, 4);
  assert.equal((await sent({}, { amount: coins(1, 'uve'), gas: '200000' })).code, 13);
  assert.equal((await sent({}, calculateFee(1, GAS_PRICE))).code, 11);
  assert.equal((await sent({}, FEE, 'x'.repeat(257))).code, 12);
  const empty = await fetch(`${restAddress(found)}/cosmos/tx/v1beta1/txs`, {
    method: 'POST', body: JSON.stringify({ tx_bytes: '', mode: 'BROADCAST_MODE_SYNC' }),
  });
  assert.equal(empty.status, 400);
  assert.match((await empty.json()).message, /invalid empty tx/);
});

test('a transaction is found by its hash and by its events', async () => {
  const memo = `find me ${Date.now()}`;
  const sent = await sender.client.sendTokens(sender.address, receiver.address, coins(11, 'uve'), FEE, memo);
  const byHash = await sender.client.getTx(sent.transactionHash);
  assert.equal(byHash.height, sent.height);
  const byEvents = await sender.client.searchTx([
    { key: 'transfer.recipient', value: receiver.address },
    { key: 'tx.height', value: sent.height },
  ]);
  assert.deepEqual(byEvents.map((tx) => tx.hash), [sent.transactionHash]);
  assert.deepEqual(await sender.client.searchTx(`message.sender='${sender.address}' AND tx.height=${sent.height + 1_000_000}`), []);
});

test('a transaction arrives over a WebSocket subscription', { timeout: 60_000 }, async () => {
  const socket = new WebsocketClient(rpcAddress(found, 'ws'));
  const comet = Comet38Client.create(socket);
  const arrived = new Promise((resolve, reject) => {
    comet.subscribeTx(`transfer.recipient='${receiver.address}'`).take(1).subscribe({ next: resolve, error: reject });
  });
  const blocks = new Promise((resolve, reject) => {
    comet.subscribeNewBlock().take(1).subscribe({ next: resolve, error: reject });
  });
  // An answer on the same socket shows that the subscriptions before it are in place.
  await comet.status();
  const sent = await sender.client.sendTokens(sender.address, receiver.address, coins(13, 'uve'), FEE);
  const event = await arrived;
  assert.equal(toHex(event.hash).toUpperCase(), sent.transactionHash);
  assert.equal(event.height, sent.height);
  assert.ok((await blocks).header.height >= 1);
  closeForGood(socket, comet);
});

test('an amino JSON signature, as hardware wallets make it, is accepted', async () => {
  const wallet = await Secp256k1HdWallet.fromMnemonic(sender.mnemonic, { prefix: PREFIX });
  const client = await SigningStargateClient.connectWithSigner(rpcAddress(found, 'http'), wallet, { gasPrice: GAS_PRICE });
  assertIsDeliverTxSuccess(await client.sendTokens(sender.address, receiver.address, coins(17, 'uve'), FEE, 'amino <&>'));
  client.disconnect();
});

test('two of three signers spend from a multisig account and one cannot', { timeout: 60_000 }, async () => {
  const endpoint = rpcAddress(found, 'http');
  const wallets = await Promise.all([1, 2, 3].map(() => Secp256k1HdWallet.generate(12, { prefix: PREFIX })));
  const members = await Promise.all(wallets.map(async (wallet) => (await wallet.getAccounts())[0]));
  const keys = members.map((member) => ({ type: 'tendermint/PubKeySecp256k1', value: Buffer.from(member.pubkey).toString('base64') }));
  const multisig = createMultisigThresholdPubkey(keys, 2);
  const address = pubkeyToAddress(multisig, PREFIX);
  assertIsDeliverTxSuccess(await sender.client.sendTokens(sender.address, address, coins(1_000_000, 'uve'), FEE));

  const { accountNumber, sequence } = await sender.client.getSequence(address);
  const signerData = { accountNumber, sequence, chainId: found.chain_id };
  const message = {
    typeUrl: '/cosmos.bank.v1beta1.MsgSend',
    value: { fromAddress: address, toAddress: receiver.address, amount: coins(19, 'uve') },
  };
  const sign = async (wallet, member) => {
    const client = await SigningStargateClient.offline(wallet);
    const signed = await client.sign(member.address, [message], FEE, 'multisig', signerData);
    return [member.address, signed];
  };
  const signed = [await sign(wallets[0], members[0]), await sign(wallets[2], members[2])];
  const bodyBytes = signed[0][1].bodyBytes;
  const assemble = (some) => makeMultisignedTxBytes(
    multisig, sequence, FEE, bodyBytes, new Map(some.map(([member, tx]) => [member, tx.signatures[0]])),
  );

  const client = await StargateClient.connect(endpoint);
  await assert.rejects(client.broadcastTxSync(assemble(signed.slice(0, 1))), /signature|threshold|unauthorized/i);
  assertIsDeliverTxSuccess(await client.broadcastTx(assemble(signed)));
  assert.equal(await balance(address), 1_000_000n - 19n - feeOf(FEE));
  client.disconnect();
});

test('a transaction that was executed is refused when it is sent again', async () => {
  const message = {
    typeUrl: '/cosmos.bank.v1beta1.MsgSend',
    value: { fromAddress: sender.address, toAddress: receiver.address, amount: coins(23, 'uve') },
  };
  const bytes = TxRaw.encode(await sender.client.sign(sender.address, [message], FEE, 'once')).finish();
  assertIsDeliverTxSuccess(await sender.client.broadcastTx(bytes));
  // `broadcastTx` would keep its timer for a minute when the node refuses.
  await assert.rejects(sender.client.broadcastTxSync(bytes), /sequence|cache|already/i);
});

test('the key of an account is published after its first transaction', async () => {
  const known = await sender.client.getAccount(sender.address);
  const [own] = await sender.wallet.getAccounts();
  assert.deepEqual(fromBase64(known.pubkey.value), own.pubkey);
});
