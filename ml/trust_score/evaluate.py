"""The evaluation report of the trust score (identity-ml.md section 11). All figures are of the test part alone."""

from fractions import Fraction

import numpy as np

from .data import KINDS
from .scoring import score

BINS = 15


def wilson(good, count):
    """95 % interval of a share, in parts per million, rounded outwards; integer arithmetic."""
    if count == 0:
        return [0, 1_000_000]
    z2 = Fraction(384_146, 100_000)
    centre = Fraction(good, count) + z2 / (2 * count)
    inner = z2 * (Fraction(good * (count - good), count**3) + z2 / (4 * count * count))
    scale = 10**12
    root = Fraction(isqrt_up(inner * scale * scale), scale)
    low, high = ((centre - root) / (1 + z2 / count), (centre + root) / (1 + z2 / count))
    return [max(0, int(low * 1_000_000)), min(1_000_000, int(high * 1_000_000) + 1)]


def isqrt_up(value):
    from math import isqrt

    return isqrt(int(value)) + 1


def auc(bp, genuine):
    """Chance that a genuine bundle has more than an attack, ties half, in parts per million."""
    order = np.argsort(bp, kind="stable")
    ranked, labels = bp[order], genuine[order]
    twice, below, at = 0, 0, 0
    while at < len(ranked):
        end = int(np.searchsorted(ranked, ranked[at], side="right"))
        good = int(labels[at:end].sum())
        bad = end - at - good
        twice += good * (2 * below + bad)
        below += bad
        at = end
    good, bad = int(genuine.sum()), int(len(genuine) - genuine.sum())
    return twice * 1_000_000 // (2 * good * bad)


def calibration(bp, genuine):
    """Expected calibration error over bins of equal mass and Brier score, in parts per million."""
    order = np.lexsort((genuine, bp))
    gap = sum(
        abs(int(bp[part].sum()) - 10_000 * int(genuine[part].sum())) for part in np.array_split(order, BINS)
    )
    error = bp - 10_000 * genuine
    return gap * 100 // len(bp), int((error * error).sum()) // (100 * len(bp))


def share(chosen):
    good, count = int(np.sum(chosen)), len(chosen)
    return {"count": count, "hits": good, "ppm": good * 1_000_000 // max(count, 1), "wilson95_ppm": wilson(good, count)}


def report(dataset, rows, network):
    """Metrics, gates and the same per kind of attack. Final scores are those with the cap on evidence lifted."""
    test = rows[2]
    genuine = dataset.genuine[test]
    bp = network.evaluate(dataset.features[test])
    final, c1 = [], []
    for row in test:
        bundle = (dataset.presence[row], dataset.features[row])
        final.append(score(*bundle, network=network, evidence_cap=100)[1])
        c1.append(score(*bundle)[0])
    final, c1 = np.array(final), np.array(c1)
    attack = genuine == 0
    full = (genuine == 1) & (dataset.presence[test] >> np.uint64(42) & np.uint64(1) == 1)
    ece, brier = calibration(bp, genuine)
    metrics = {
        "auc_ppm": auc(bp, genuine),
        "auc_c1_ppm": auc(c1, genuine),
        "ece_ppm": ece,
        "brier_ppm": brier,
        "attacks_at_50": share(final[attack] >= 50),
        "attacks_at_85": share(final[attack] >= 85),
        "genuine_full_at_70": share(final[full] >= 70),
    }
    gates = {
        "auc at least 0.97": metrics["auc_ppm"] >= 970_000,
        "attacks at 50 at most 1 %": metrics["attacks_at_50"]["ppm"] <= 10_000,
        "attacks at 85 at most 0.1 %": metrics["attacks_at_85"]["ppm"] <= 1_000,
        "genuine full bundles at 70 at least 90 %": metrics["genuine_full_at_70"]["ppm"] >= 900_000,
        "expected calibration error at most 0.02": ece <= 20_000,
    }
    kinds = dataset.kind[test]
    species = {
        name: {"at_50": share(final[kinds == number] >= 50), "at_85": share(final[kinds == number] >= 85)}
        for number, name in enumerate(KINDS)
    }
    return {
        "evidence": "synthetic only: nothing here is known of real documents, faces or attackers",
        "samples": {"test": len(test), "genuine": int(genuine.sum()), "attacks": int(attack.sum())},
        "metrics": metrics,
        "gates": gates,
        "kinds": species,
        "groups": "insufficient: synthetic bundles have no sex, age, skin tone, region or device",
    }
