// What wallets and explorers ask a node over REST before they show anything: every route answers with its status and its
// shape, unknown ones with 501.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { DirectSecp256k1HdWallet } from '@cosmjs/proto-signing';
import { SigningStargateClient, assertIsDeliverTxSuccess, coins } from '@cosmjs/stargate';
import { TxRaw } from 'cosmjs-types/cosmos/tx/v1beta1/tx';

import { descriptor, restAddress, rpcAddress, startNetwork, stopNetwork, untilBlocks } from './lib/network.mjs';

const PREFIX = 've';
const FEE = { amount: coins(5_000, 'uve'), gas: '200000' };

let network;
let rest;
let facts;

before(async () => {
  network = await startNetwork(['localnet']);
  const found = await descriptor(network, (file) => file.nodes.length > 0);
  await untilBlocks(found);
  rest = restAddress(found);
  const { mnemonic } = found.accounts.find((entry) => entry.name === 'customer');
  const wallet = await DirectSecp256k1HdWallet.fromMnemonic(mnemonic, { prefix: PREFIX });
  const [{ address }] = await wallet.getAccounts();
  const client = await SigningStargateClient.connectWithSigner(rpcAddress(found, 'http'), wallet);
  const { validators } = (await get('/cosmos/staking/v1beta1/validators?status=BOND_STATUS_BONDED')).body;
  const validator = validators[0].operator_address;
  const sent = await client.delegateTokens(address, validator, { denom: 'uve', amount: '2000000' }, { ...FEE, gas: '400000', amount: coins(20_000, 'uve') });
  assertIsDeliverTxSuccess(sent);
  const message = {
    typeUrl: '/cosmos.bank.v1beta1.MsgSend',
    value: { fromAddress: address, toAddress: address, amount: coins(1, 'uve') },
  };
  const raw = TxRaw.encode(await client.sign(address, [message], FEE, '')).finish();
  const nobody = (await (await DirectSecp256k1HdWallet.generate(12, { prefix: PREFIX })).getAccounts())[0].address;
  facts = { address, validator, nobody, hash: sent.transactionHash, height: sent.height, raw: Buffer.from(raw).toString('base64') };
  client.disconnect();
}, { timeout: 180_000 });

after(async () => {
  if (network) await stopNetwork(network);
});

async function get(path, options) {
  const response = await fetch(`${rest}${path}`, options);
  const text = await response.text();
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    body = text;
  }
  return { status: response.status, body };
}

/** The value at `a.b.0.c`. */
function at(body, path) {
  return path.split('.').reduce((value, key) => value?.[key], body);
}

const digits = (value) => typeof value === 'string' && /^-?\d+$/.test(value);
const decimal = (value) => typeof value === 'string' && /^-?\d+\.\d{18}$/.test(value);
const text = (value) => typeof value === 'string';
const list = Array.isArray;
const object = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
const yes = (value) => value === true;

/** [path, where in the answer, what must be there]. */
function answered({ address, validator, hash, height }) {
  return [
    ['/cosmos/auth/v1beta1/accounts?pagination.limit=1', 'accounts', list],
    [`/cosmos/auth/v1beta1/accounts/${address}`, 'account.sequence', digits],
    ['/cosmos/auth/v1beta1/params', 'params.max_memo_characters', digits],
    ['/cosmos/auth/v1beta1/module_accounts', 'accounts.0.@type', text],
    [`/cosmos/bank/v1beta1/balances/${address}`, 'balances.0.amount', digits],
    [`/cosmos/bank/v1beta1/spendable_balances/${address}`, 'balances.0.amount', digits],
    ['/cosmos/bank/v1beta1/supply', 'supply.0.amount', digits],
    ['/cosmos/bank/v1beta1/supply/by_denom?denom=uve', 'amount.amount', digits],
    ['/cosmos/bank/v1beta1/denoms_metadata', 'metadatas.0.base', text],
    ['/cosmos/bank/v1beta1/params', 'params', object],
    ['/cosmos/staking/v1beta1/params', 'params.unbonding_time', (value) => value === '1814400s'],
    ['/cosmos/staking/v1beta1/pool', 'pool.bonded_tokens', digits],
    ['/cosmos/staking/v1beta1/validators?status=BOND_STATUS_BONDED', 'validators.0.commission.commission_rates.rate', decimal],
    [`/cosmos/staking/v1beta1/validators/${validator}`, 'validator.tokens', digits],
    [`/cosmos/staking/v1beta1/validators/${validator}/delegations`, 'delegation_responses.0.balance.amount', digits],
    [`/cosmos/staking/v1beta1/validators/${validator}/delegations/${address}`, 'delegation_response.balance.amount', digits],
    [`/cosmos/staking/v1beta1/delegations/${address}`, 'delegation_responses.0.delegation.shares', decimal],
    [`/cosmos/staking/v1beta1/delegators/${address}/validators`, 'validators.0.operator_address', text],
    [`/cosmos/staking/v1beta1/delegators/${address}/redelegations`, 'redelegation_responses', list],
    [`/cosmos/staking/v1beta1/delegators/${address}/unbonding_delegations`, 'unbonding_responses', list],
    ['/cosmos/distribution/v1beta1/params', 'params.community_tax', decimal],
    ['/cosmos/distribution/v1beta1/community_pool', 'pool', list],
    [`/cosmos/distribution/v1beta1/delegators/${address}/rewards`, 'rewards.0.validator_address', text],
    [`/cosmos/distribution/v1beta1/validators/${validator}/commission`, 'commission.commission', list],
    [`/cosmos/distribution/v1beta1/validators/${validator}/outstanding_rewards`, 'rewards.rewards', list],
    [`/cosmos/distribution/v1beta1/validators/${validator}/slashes`, 'slashes', list],
    ...['v1', 'v1beta1'].flatMap((version) => [
      [`/cosmos/gov/${version}/proposals`, 'proposals', list],
      [`/cosmos/gov/${version}/params/deposit`, 'deposit_params.max_deposit_period', text],
      [`/cosmos/gov/${version}/params/voting`, 'voting_params.voting_period', text],
      [`/cosmos/gov/${version}/params/tallying`, 'tally_params.quorum', text],
    ]),
    ['/cosmos/slashing/v1beta1/params', 'params.signed_blocks_window', digits],
    ['/cosmos/slashing/v1beta1/signing_infos', 'info.0.missed_blocks_counter', digits],
    ['/cosmos/mint/v1beta1/params', 'params.inflation_max', decimal],
    ['/cosmos/mint/v1beta1/inflation', 'inflation', decimal],
    ['/cosmos/mint/v1beta1/annual_provisions', 'annual_provisions', decimal],
    ['/cosmos/upgrade/v1beta1/current_plan', 'plan', (value) => value === null],
    [`/cosmos/authz/v1beta1/grants/granter/${address}`, 'grants', list],
    [`/cosmos/feegrant/v1beta1/allowances/${address}`, 'allowances', list],
    [`/cosmos/tx/v1beta1/txs/${hash}`, 'tx_response.code', (value) => value === 0],
    [`/cosmos/tx/v1beta1/txs?query=${encodeURIComponent(`tx.height=${height}`)}&order_by=ORDER_BY_DESC`, 'tx_responses.0.txhash', text],
    [`/cosmos/tx/v1beta1/txs?events=${encodeURIComponent(`tx.height=${height}`)}`, 'total', digits],
    [`/cosmos/tx/v1beta1/txs/block/${height}`, 'txs', list],
    ['/cosmos/base/tendermint/v1beta1/node_info', 'application_version.cosmos_sdk_version', text],
    ['/cosmos/base/tendermint/v1beta1/syncing', 'syncing', (value) => value === false],
    ['/cosmos/base/tendermint/v1beta1/blocks/latest', 'sdk_block.header.height', digits],
    [`/cosmos/base/tendermint/v1beta1/blocks/${height}`, 'block_id.hash', text],
    ['/cosmos/base/tendermint/v1beta1/validatorsets/latest', 'validators.0.voting_power', digits],
    [`/cosmos/base/tendermint/v1beta1/validatorsets/${height}`, 'validators.0.proposer_priority', digits],
    ['/cosmos/base/node/v1beta1/config', 'minimum_gas_price', text],
    ['/cosmos/base/node/v1beta1/status', 'height', digits],
    ['/feemarket/v1/params', 'params.enabled', yes],
    ['/feemarket/v1/state', 'state.window', list],
    ['/feemarket/v1/gas_prices', 'prices.0.amount', decimal],
    ['/feemarket/v1/gas_price/uve', 'price.amount', decimal],
    ['/openapi.json', 'paths', object],
  ];
}

test('every route that wallets and explorers probe answers in its shape', { timeout: 60_000 }, async () => {
  const wrong = [];
  for (const [path, where, expected] of answered(facts)) {
    const { status, body } = await get(path);
    if (status !== 200 || !expected(at(body, where))) {
      wrong.push(`${path}: ${status}, ${where} = ${JSON.stringify(at(body, where))}: ${JSON.stringify(body).slice(0, 200)}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('mistakes and absences have the statuses that wallets tell apart', async () => {
  const { address, validator, nobody } = facts;
  for (const [path, expected] of [
    ['/cosmos/bank/v1beta1/spendable_balances/test', 400],
    [`/cosmos/auth/v1beta1/accounts/${nobody}`, 404],
    [`/cosmos/staking/v1beta1/validators/${validator}/delegations/${nobody}`, 404],
    [`/cosmos/staking/v1beta1/validators/${validator}/delegations/${address}/unbonding_delegation`, 404],
    [`/cosmos/tx/v1beta1/txs/${'0'.repeat(64)}`, 404],
    ['/cosmos/gov/v1/proposals/77', 404],
    ['/cosmos/gov/v1beta1/proposals/77', 404],
    ['/cosmos/bank/v1beta1/nothing', 501],
    ['/nothing', 501],
  ]) {
    const { status, body } = await get(path);
    assert.equal(status, expected, `${path}: ${JSON.stringify(body)}`);
    assert.deepEqual([typeof body.code, typeof body.message, list(body.details)], ['number', 'string', true], path);
  }
});

test('a transaction is simulated and sent over REST, and sending in the mode of blocks is refused', async () => {
  const post = (path, body) => get(path, { method: 'POST', body: JSON.stringify(body) });
  const simulated = await post('/cosmos/tx/v1beta1/simulate', { tx_bytes: facts.raw });
  assert.equal(simulated.status, 200, JSON.stringify(simulated.body));
  assert.ok(digits(simulated.body.gas_info.gas_used));
  const blocked = await post('/cosmos/tx/v1beta1/txs', { tx_bytes: facts.raw, mode: 'BROADCAST_MODE_BLOCK' });
  assert.equal(blocked.status, 400);
  const sent = await post('/cosmos/tx/v1beta1/txs', { tx_bytes: facts.raw, mode: 'BROADCAST_MODE_SYNC' });
  assert.deepEqual([sent.status, sent.body.tx_response.code], [200, 0], JSON.stringify(sent.body));
});

test('the OpenAPI document names every route that this suite asks for', async () => {
  const { body } = await get('/openapi.json');
  assert.match(body.openapi, /^3\./);
  const patterns = Object.keys(body.paths).map((path) => new RegExp(`^${path.replace(/[.$]/g, '\\$&').replace(/\{[^}]+\}/g, '[^/]+')}$`));
  for (const [path] of answered(facts)) {
    const bare = path.split('?')[0];
    if (bare === '/openapi.json') continue;
    assert.ok(patterns.some((pattern) => pattern.test(bare)), `${bare} is not described`);
  }
});
