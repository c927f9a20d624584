"""One command: generate, split, train, evaluate, export. `python -m trust_score --out DIR --vectors DIR`."""

import argparse
import json
import pathlib
import sys

from . import bundle, data, evaluate, network, split, vectors

NAME, VERSION = "trust-score", "1.0.0"
SEED = 20_261_121
SALT = b"synthetic-bundles-1"


def code_hash():
    """Hash of everything that decides what comes out."""
    here = pathlib.Path(__file__).parent
    files = {f"trust_score/{path.name}": path.read_bytes() for path in here.glob("*.py")}
    files["requirements.txt"] = (here.parent / "requirements.txt").read_bytes()
    return bundle.bundle_hash(files)


def card(report):
    return {
        "name": NAME,
        "version": VERSION,
        "use": "chance that a bundle of identity evidence is genuine, from feature schema VF2.0",
        "not_for": "any score above 69 while evidence is synthetic only",
        "architecture": "monotone integer network " + "-".join(str(width) for width in network.SHAPE),
        "training": {"seed": SEED, "batch": network.BATCH, "optimiser": "Adam", "epochs_at_most": network.EPOCHS,
                     "early_stop_after": network.PATIENCE, "target": "genuine or not"},
        "evidence": report["evidence"],
        "gates_met": all(report["gates"].values()),
    }


def pretty(value):
    return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode()


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--out", type=pathlib.Path, required=True, help="folder for the model and its manifest")
    arguments.add_argument("--vectors", type=pathlib.Path, required=True, help="folder for the test vectors")
    chosen = arguments.parse_args()

    def log(line):
        print(line, file=sys.stderr, flush=True)

    log("generating bundles")
    dataset = data.generate(SEED)
    rows = split.split(dataset, SALT)
    code = code_hash()
    provenance = split.manifest(dataset, SEED, SALT, rows, code)
    model = network.train(dataset, rows, SEED, log)
    report = evaluate.report(dataset, rows, model)
    log(json.dumps({"metrics": report["metrics"], "gates": report["gates"]}, indent=1))
    files = {"model.tsm": model.file(), "dataset.json": pretty(provenance), "evaluation.json": pretty(report),
             "card.json": pretty(card(report))}
    folder = chosen.out / NAME
    folder.mkdir(parents=True, exist_ok=True)
    chosen.vectors.mkdir(parents=True, exist_ok=True)
    for path, content in files.items():
        (folder / path).write_bytes(content)
    text = bundle.manifest(NAME, VERSION, files, provenance["merkle_root"], code)
    (chosen.out / f"{NAME}.manifest").write_text(text)
    (chosen.vectors / f"{NAME}.vectors").write_text(vectors.text(dataset, rows, model, SEED))
    return 0 if all(report["gates"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
