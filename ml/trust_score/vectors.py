"""Vectors for the Rust evaluator: inputs with what each stage must give.

A line per vector: features in hexadecimal, findings, digest of the network's activations, its basis points, then for C1
and for the network the outcome's hash. Lines that start with `#` say what follows.
"""

import hashlib
import struct

import numpy as np

from .data import KINDS
from .schema import ANNOUNCES, BP, COUNT, FLAGS, encode
from .scoring import outcome_hash

RANDOM = 60


def activations_digest(network, values):
    """SHA-256 over all outputs of all layers, i64 BE."""
    stages = [int(number) for stage in network.activations([values]) for number in stage[0]]
    return hashlib.sha256(struct.pack(f">{len(stages)}q", *stages)).digest()


def anything(rng):
    """Any valid vector."""
    presence = int.from_bytes(rng.bytes(8), "big") | (int.from_bytes(rng.bytes(8), "big") & ~(1 << 0))
    values = [int(v) for v in rng.integers(0, BP + 1, size=COUNT)]
    for index in FLAGS:
        values[index] = BP if values[index] > BP // 2 else 0
    for flag, told in ANNOUNCES:
        there = presence >> told & 1
        values[flag] = BP if there else 0
        presence |= there << flag
    return presence, [v if presence >> i & 1 else 0 for i, v in enumerate(values)]


def text(dataset, rows, network, seed):
    rng = np.random.Generator(np.random.PCG64(seed))
    lines = ["# features findings activations bp outcome-c1 outcome-network; cap on evidence 100"]
    chosen = [row for kind in range(len(KINDS)) for row in rows[2][dataset.kind[rows[2]] == kind][:4]]
    vectors = [(int(dataset.presence[row]), [int(v) for v in dataset.features[row]], 0) for row in chosen]
    vectors += [(*anything(rng), int(rng.integers(0, 32))) for _ in range(RANDOM)]
    vectors += [(0, [0] * COUNT, 0), ((1 << COUNT) - 1, [BP] * COUNT, 0)]
    for presence, values, findings in vectors:
        hashes = [outcome_hash(presence, values, findings, scorer, 100).hex() for scorer in (None, network)]
        bp = int(network.evaluate([values])[0])
        lines.append(" ".join([encode(presence, values).hex(), str(findings),
                               activations_digest(network, values).hex(), str(bp), *hashes]))
    return "".join(line + "\n" for line in lines)
