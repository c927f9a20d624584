"""Synthetic bundles from one seed: genuine ones, and those of fourteen kinds of attack.

Distributions are integers from a counter-based generator: no function of a maths library is involved, so the bytes are
the same on every processor. No person's data is in them.
"""

import hashlib

import numpy as np

from .schema import BP, COUNT, FLAGS, ID

SAMPLES = 40_000
SHARD = 1_000
GENUINE = "none"
ATTACKS = (
    "print screen replay mask2d mask3d deepfake gan morph photo_swap text_edit mrz_edit barcode_mismatch "
    "stolen_document duplicate_identity"
).split()
KINDS = (GENUINE, *ATTACKS)

# Centre and half width of each feature of a genuine bundle.
BASE = {
    "doc_sharpness": (7600, 2200), "doc_exposure": (8200, 1600), "doc_contrast": (7800, 2000),
    "doc_noise_inv": (8000, 1800), "doc_glare_inv": (8900, 1200), "doc_resolution": (8300, 1700),
    "doc_corner_conf": (8900, 1200), "doc_template_match": (9000, 1100), "tamper_ela_inv": (8700, 1400),
    "copymove_inv": (9100, 1000), "photo_seam_inv": (8800, 1300), "recapture_inv": (8800, 1400),
    "anomaly_inv": (8300, 1700), "security_features": (8100, 1900), "ocr_conf_id": (8900, 1200),
    "ocr_conf_first": (8800, 1300), "ocr_conf_last": (8800, 1300), "ocr_conf_birth": (8900, 1200),
    "ocr_conf_expiry": (8800, 1300), "xcheck_id": (9800, 500), "xcheck_names": (9400, 800),
    "xcheck_dates": (9900, 300), "face_doc_conf": (9200, 900), "face_selfie_conf": (9700, 400),
    "face_doc_quality": (7200, 2000), "face_selfie_quality": (8300, 1600), "face_similarity": (9450, 500),
    "face_video_consistency": (9500, 500), "face_frontal": (8900, 1100), "live_passive": (8700, 1300),
    "live_pad": (9000, 1100), "gan_real": (9100, 1000), "deepfake_real": (9100, 1000), "morph_real": (8900, 1200),
    "device_integrity": (8600, 1600), "device_reputation": (8300, 1800), "ip_reputation": (8600, 1800),
    "geo_consistency": (8700, 1700), "velocity": (9300, 1200), "email_proof": (8500, 1800), "sms_proof": (8500, 1800),
    "sso_proof": (7600, 2400), "social_proof": (6000, 3500), "domain_proof": (6500, 3500), "account_age": (3500, 3500),
    "prior_success": (8300, 1800), "gov_data_match": (9000, 1200), "behaviour_cluster": (8000, 2000),
}
# How often a feature is measured at all; what is not named always is.
PRESENT = {
    "sso_proof": 55, "social_proof": 35, "domain_proof": 15, "email_proof": 92, "sms_proof": 85, "prior_success": 40,
    "gov_data_match": 20, "behaviour_cluster": 60, "account_age": 97, "geo_consistency": 80,
}
# What an attack of no skill does to features; one of full skill leaves them as they are in a genuine bundle.
SIGNS = {
    "print": {"recapture_inv": 1500, "live_pad": 900, "live_passive": 1800, "doc_noise_inv": 5000},
    "screen": {"recapture_inv": 1200, "live_pad": 1000, "live_passive": 1500, "doc_glare_inv": 5000},
    "replay": {"live_pad": 1500, "live_passive": 2000, "live_active": 0, "face_video_consistency": 7500},
    "mask2d": {"live_pad": 1500, "live_passive": 1800, "face_similarity": 7400, "face_selfie_quality": 4500},
    "mask3d": {"live_pad": 2800, "live_passive": 3500, "face_similarity": 7200, "anomaly_inv": 5000},
    "deepfake": {"deepfake_real": 1500, "live_passive": 4500, "face_video_consistency": 7000, "device_integrity": 2500},
    "gan": {"gan_real": 1200, "live_passive": 4000, "anomaly_inv": 3500, "device_integrity": 3000},
    "morph": {"morph_real": 1500, "face_similarity": 8200, "anomaly_inv": 4500, "photo_seam_inv": 5000},
    "photo_swap": {"photo_seam_inv": 1500, "tamper_ela_inv": 3000, "anomaly_inv": 2000, "security_features": 3500},
    "text_edit": {"tamper_ela_inv": 1800, "copymove_inv": 4000, "xcheck_names": 3500, "xcheck_id": 5000},
    "mrz_edit": {"xcheck_dates": 1500, "xcheck_id": 4000, "tamper_ela_inv": 3500, "doc_template_match": 6000},
    "barcode_mismatch": {"xcheck_id": 1500, "xcheck_names": 4000, "doc_template_match": 5500, "barcode_valid": 0},
    "stolen_document": {"face_similarity": 2500, "device_reputation": 4500, "geo_consistency": 4500, "live_pad": 7000},
    "duplicate_identity": {"device_reputation": 1000, "velocity": 2000, "behaviour_cluster": 2000, "xcheck_id": 6500},
}
# Circumstances of attackers are worse on the whole, whatever the attack.
CARELESS = {"device_integrity": 5000, "ip_reputation": 5000, "geo_consistency": 6000, "velocity": 6000,
            "email_proof": 6000, "sms_proof": 5500, "device_reputation": 5500}


def bell(rng, centre, width):
    """Integers around `centre`, at most `width` away: the mean of three even draws."""
    draws = rng.integers(-width, width + 1, size=(3, *np.shape(centre)))
    return centre + draws.sum(axis=0) // 3


def chance(rng, percent, count):
    return rng.integers(0, 100, size=count) < percent


class Dataset:
    """`features` n x 64, `presence` n, `kind` index into KINDS, `subject` 16 bytes each, `document` key each."""

    def __init__(self, features, presence, kind, subject, document):
        self.features, self.presence, self.kind = features, presence, kind
        self.subject, self.document = subject, document

    def __len__(self):
        return len(self.kind)

    @property
    def genuine(self):
        return (self.kind == 0).astype(np.int64)

    def shards(self):
        """Canonical bytes of each thousand: subject, document, kind, presence and values of every sample."""
        for start in range(0, len(self), SHARD):
            rows = range(start, min(start + SHARD, len(self)))
            yield b"".join(
                self.subject[i] + self.document[i] + bytes([self.kind[i]])
                + int(self.presence[i]).to_bytes(8, "big") + self.features[i].astype(">u2").tobytes()
                for i in rows
            )


def generate(seed):
    """All samples of a seed."""
    rng = np.random.Generator(np.random.PCG64(seed))
    # 55 of 100 bundles are genuine; attacks are equally frequent.
    kind = np.where(chance(rng, 55, SAMPLES), 0, rng.integers(1, len(KINDS), size=SAMPLES))
    values = np.zeros((SAMPLES, COUNT), dtype=np.int64)
    for name, (centre, width) in BASE.items():
        values[:, ID[name]] = bell(rng, np.full(SAMPLES, centre), width)
    # One capture is good or bad as a whole.
    quality = bell(rng, np.zeros(SAMPLES, dtype=np.int64), 900)
    for name in ("doc_sharpness", "doc_contrast", "doc_noise_inv", "ocr_conf_id", "ocr_conf_first", "ocr_conf_last",
                 "ocr_conf_birth", "ocr_conf_expiry", "face_doc_quality", "face_selfie_quality", "live_passive"):
        values[:, ID[name]] += quality
    flags(rng, values)
    attack(rng, values, kind)
    presence = measured(rng, values)
    values = np.clip(values, 0, BP)
    for index in range(COUNT):
        values[presence >> np.uint64(index) & np.uint64(1) == 0, index] = 0
    subject, document = people(rng, kind)
    return Dataset(values, presence, kind, subject, document)


def flags(rng, values):
    def raised(name, percent):
        values[:, ID[name]] = np.where(chance(rng, percent, SAMPLES), BP, 0)

    raised("doc_present", 100)
    raised("doc_back_present", 80)
    for field in ("id", "first", "last", "birth", "expiry"):
        raised(f"field_valid_{field}", 99)
    raised("mrz_present", 65)
    raised("barcode_present", 45)
    raised("not_expired", 99)
    raised("face_single", 99)
    raised("live_challenge_bound", 99)
    passed = rng.integers(0, 100, size=SAMPLES)
    values[:, ID["live_active"]] = np.where(passed < 96, BP, np.where(passed < 99, 6666, 3333))
    values[:, ID["mrz_check_digits"]] = np.where(chance(rng, 99, SAMPLES), BP, 8000)
    values[:, ID["barcode_valid"]] = np.where(chance(rng, 98, SAMPLES), BP, 5000)
    values[:, ID["capture_binding"]] = np.where(chance(rng, 99, SAMPLES), BP, 6667)


def attack(rng, values, kind):
    # Skill in percent; the mean of two draws, so that few attacks leave no trace.
    skill = (rng.integers(0, 101, size=SAMPLES) + rng.integers(0, 101, size=SAMPLES)) // 2
    for number, name in enumerate(KINDS):
        if name == GENUINE:
            continue
        rows = np.flatnonzero(kind == number)
        for feature, worst in SIGNS[name].items():
            index = ID[feature]
            before = values[rows, index]
            spoiled = before + (np.minimum(before, worst) - before) * (130 - skill[rows]) // 130
            values[rows, index] = np.minimum(before, bell(rng, spoiled, 500))
        careless = rows[chance(rng, 45, len(rows))]
        for feature, centre in CARELESS.items():
            index = ID[feature]
            values[careless, index] = np.minimum(values[careless, index], bell(rng, np.full(len(careless), centre), 3000))
        unbound = rows[chance(rng, 20, len(rows))]
        values[unbound, ID["capture_binding"]] = 3333
        if name in ("mrz_edit", "text_edit"):
            clumsy = rows[chance(rng, 50, len(rows))]
            values[clumsy, ID["mrz_check_digits"]] = 6000


def measured(rng, values):
    presence = np.zeros(SAMPLES, dtype=np.uint64)
    for index in range(COUNT):
        name = next(n for n, i in ID.items() if i == index)
        there = chance(rng, PRESENT.get(name, 100), SAMPLES)
        if name == "mrz_check_digits":
            there = values[:, ID["mrz_present"]] == BP
        if name == "barcode_valid":
            there = values[:, ID["barcode_present"]] == BP
        presence |= there.astype(np.uint64) << np.uint64(index)
    # One bundle in twelve has no video: nothing is measured that needs one.
    still = chance(rng, 8, SAMPLES)
    for name in ("live_active", "live_challenge_bound", "face_video_consistency", "deepfake_real"):
        presence[still] &= ~(np.uint64(1) << np.uint64(ID[name]))
    return presence


def people(rng, kind):
    """Subjects with one to several bundles each; stolen and duplicated documents are those of somebody else."""
    owners = SAMPLES * 2 // 3
    owner = rng.integers(0, owners, size=SAMPLES)
    victim = rng.integers(0, owners, size=SAMPLES)
    borrowed = np.isin(kind, [KINDS.index("stolen_document"), KINDS.index("duplicate_identity")])
    ids = rng.bytes(16 * owners)
    name = [ids[16 * at:16 * at + 16] for at in range(owners)]
    subject = [name[at] for at in owner]
    document = [hashlib.sha256(b"document" + name[at]).digest()[:16] for at in np.where(borrowed, victim, owner)]
    return subject, document


assert FLAGS.isdisjoint(ID[name] for name in BASE)
