"""Split rules and provenance of data (identity-ml.md section 10)."""

import hashlib

import numpy as np

PARTS = ("train", "validation", "test")


def merged(dataset):
    """For each sample the lowest id among all subjects that share a document, directly or through others."""
    parent = {}

    def root(node):
        while parent.setdefault(node, node) != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for subject, document in zip(dataset.subject, dataset.document, strict=True):
        one, other = sorted((root(b"s" + subject), root(b"d" + document)), reverse=True)
        parent[other] = one
    lowest = {}
    for subject in dataset.subject:
        group = root(b"s" + subject)
        lowest[group] = min(lowest.get(group, subject), subject)
    return [lowest[root(b"s" + subject)] for subject in dataset.subject]


def part(salt, subject):
    """0 train, 1 validation, 2 test: depends on the subject alone, so new data never moves a sample."""
    digest = hashlib.sha256(b"split-v1" + salt + subject).digest()
    place = int.from_bytes(digest[:8], "big") % 10_000
    return 0 if place < 7_000 else 1 if place < 8_500 else 2


def split(dataset, salt):
    """Rows of train, validation and test. No subject and no document is in two of them."""
    places = np.array([part(salt, subject) for subject in merged(dataset)])
    rows = [np.flatnonzero(places == number) for number in range(len(PARTS))]
    for keys in (dataset.subject, dataset.document):
        seen = [{keys[row] for row in chosen} for chosen in rows]
        if any(seen[a] & seen[b] for a in range(3) for b in range(a)):
            raise AssertionError("a subject or document is in two parts")
    return rows


def merkle_root(leaves):
    """Leaves and inner nodes are told apart by their first byte; an odd node is carried up."""
    level = [hashlib.sha256(b"\0" + leaf).digest() for leaf in leaves]
    while len(level) > 1:
        pairs = [level[at:at + 2] for at in range(0, len(level), 2)]
        level = [hashlib.sha256(b"\1" + b"".join(pair)).digest() if len(pair) == 2 else pair[0] for pair in pairs]
    return level[0]


def manifest(dataset, seed, salt, rows, code_hash):
    """What the data is and where it comes from; its root commits to every byte."""
    entries = [
        {"id": f"shard-{at:03}", "kind": "synthetic-features", "sha256": hashlib.sha256(shard).hexdigest(),
         "size": len(shard)}
        for at, shard in enumerate(dataset.shards())
    ]
    leaves = [f"{e['id']}\0{e['kind']}\0{e['sha256']}\0{e['size']}".encode() for e in entries]
    return {
        "name": "synthetic-bundles",
        "version": "1.0.0",
        "entries": entries,
        "counts": {name: len(chosen) for name, chosen in zip(PARTS, rows, strict=True)},
        "schema": "VF2.0",
        "sources": [{"licence": "Apache-2.0", "consent_basis": "none needed: no data of any person", "seed": seed}],
        "split": {"rule": "split-v1", "salt": salt.hex()},
        "build": {"generator_hash": code_hash.hex(), "dirty": False},
        "merkle_root": merkle_root(leaves).hex(),
    }
