// The README's first command is read out of the README and run.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import { descriptor, repository, startNetwork, stopNetwork } from './lib/network.mjs';

const PREFIX = 'cargo run --release -- ';

async function readmeCommand() {
  const readme = await readFile(join(repository, 'README.md'), 'utf8');
  const lines = readme.split('\n').filter((line) => line.startsWith(PREFIX));
  assert.equal(lines.length, 1, 'the README shows one command that starts the product');
  return lines[0].slice(PREFIX.length).trim().split(/\s+/);
}

test('the first command of the README sells a real workload and settles it', { timeout: 240_000 }, async () => {
  const network = await startNetwork(await readmeCommand());
  try {
    const hasUrl = (file) => file.leases.some((lease) => lease.urls.length > 0);
    const found = await descriptor(network, hasUrl);
    const [url] = found.leases.find((lease) => lease.urls.length > 0).urls;
    const response = await fetch(url);
    assert.equal(response.status, 200);
    assert.notEqual((await response.text()).length, 0);
  } finally {
    const ended = await stopNetwork(network);
    assert.equal(ended.code, 0, network.errors);
  }
  const last = JSON.stringify(network.steps.slice(-3));
  assert.match(last, /settle|refund/i, 'the last steps tell the settlement');
});
