// Starts `virtengine localnet` for a suite and knows where it listens.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const repository = fileURLToPath(new URL('../../..', import.meta.url));

const START_LIMIT_MS = 120_000;
const STOP_LIMIT_MS = 60_000;

/** Ports of the whole plan: nodes from the base, the gateway at +900, workloads at +1000 to +1999. */
const PLAN = [0, 1, 2, 3, 4, 5, 900, 901, 1000];

/** A base port from which the ports of the plan are free now. */
async function freeBasePort() {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const base = 20_000 + 2_000 * Math.floor(Math.random() * 6) + 10 * Math.floor(Math.random() * 80);
    const free = await Promise.all(PLAN.map((offset) => isFree(base + offset)));
    if (free.every(Boolean)) return base;
  }
  throw new Error('no free range of ports found on the loopback interface');
}

function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/**
 * Runs the binary named by VIRTENGINE_BIN with `args` and the options that keep it apart from other networks.
 * Every step that it prints is kept in `steps`.
 */
export async function startNetwork(args = ['localnet']) {
  const binary = process.env.VIRTENGINE_BIN;
  assert.ok(binary, 'VIRTENGINE_BIN names the binary to test; `cargo xtask test` sets it');
  const home = await mkdtemp(join(tmpdir(), 'virtengine-js-'));
  const base = await freeBasePort();
  const child = spawn(binary, [...args, '--home', home, '--base-port', String(base), '--output', 'json'], {
    cwd: repository,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const network = { home, child, steps: [], errors: '' };
  createInterface({ input: child.stdout }).on('line', (line) => network.steps.push(JSON.parse(line)));
  child.stderr.on('data', (chunk) => { network.errors = (network.errors + chunk).slice(-20_000); });
  network.ended = new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));
  process.once('exit', () => child.kill('SIGKILL'));
  return network;
}

/** `localnet.json` once it satisfies `ready`. */
export async function descriptor(network, ready = () => true) {
  const deadline = Date.now() + START_LIMIT_MS;
  let last = 'localnet.json does not exist';
  while (Date.now() < deadline && network.child.exitCode === null) {
    try {
      const found = JSON.parse(await readFile(join(network.home, 'localnet.json'), 'utf8'));
      if (ready(found)) return found;
      last = JSON.stringify(found);
    } catch (error) {
      if (error.code !== 'ENOENT') throw error;
    }
    await sleep(100);
  }
  throw new Error(`the network is not ready: ${last}\nexit code ${network.child.exitCode}\n${network.errors}`);
}

/** Address of the first node's RPC with the wanted scheme. */
export function rpcAddress(found, scheme) {
  return `${scheme}://${found.nodes[0].rpc.replace(/^[a-z]+:\/\//, '')}`;
}

/** Address of the first node's REST interface. */
export function restAddress(found) {
  return found.nodes[0].rest.replace(/^(?!http)/, 'http://');
}

/** Waits until the chain makes blocks. */
export async function untilBlocks(found) {
  const deadline = Date.now() + START_LIMIT_MS;
  while (Date.now() < deadline) {
    try {
      const response = await fetch(`${rpcAddress(found, 'http')}/status`);
      const height = Number((await response.json()).result.sync_info.latest_block_height);
      if (height >= 1) return;
    } catch {
      // Refused connections are what waiting is for.
    }
    await sleep(100);
  }
  throw new Error('the first node makes no blocks');
}

/** Ends the network as Ctrl-C does and removes its home. */
export async function stopNetwork(network) {
  network.child.kill('SIGINT');
  let ignored = false;
  const limit = setTimeout(() => {
    ignored = true;
    network.child.kill('SIGKILL');
  }, STOP_LIMIT_MS);
  const ended = await network.ended;
  clearTimeout(limit);
  await rm(network.home, { recursive: true, force: true });
  assert.ok(!ignored, `the network ignores SIGINT for ${STOP_LIMIT_MS} ms`);
  return ended;
}

export function sleep(ms) {
  return new Promise((resolve) => { setTimeout(resolve, ms); });
}
