"""Bundle and manifest of a model, as ve_inference::manifest reads them."""

import hashlib


def bundle_hash(files):
    """SHA-256 over `len(path) u32 BE || path || len u64 BE || bytes` of all files in the order of their paths."""
    digest = hashlib.sha256()
    for path, data in sorted(files.items()):
        name = path.encode()
        digest.update(len(name).to_bytes(4, "big") + name + len(data).to_bytes(8, "big") + data)
    return digest.digest()


def manifest(name, version, files, dataset_root, code_hash):
    """The canonical text."""
    lines = [
        "VE-MODEL 1",
        f"name {name}",
        f"version {version}",
        "type trust_score",
        "licence Apache-2.0",
        f"bundle_hash {bundle_hash(files).hex()}",
        f"training_dataset_hash {dataset_root}",
        f"training_code_hash {code_hash.hex()}",
        f"eval_report_hash {hashlib.sha256(files['evaluation.json']).hexdigest()}",
        f"model_card_hash {hashlib.sha256(files['card.json']).hexdigest()}",
    ]
    lines += [f"file {hashlib.sha256(data).hexdigest()} {len(data)} {path}" for path, data in sorted(files.items())]
    return "".join(line + "\n" for line in lines)
