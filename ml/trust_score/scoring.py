"""Model C1, the caps and the outcome's hash (identity-ml.md sections 5.1 and 5.3), written from the specification a second
time: the Rust evaluator is tested against this, and the evaluation uses it."""

import hashlib
import struct

from .schema import BP, ID, encode

WEIGHTS = (2500, 2500, 2000, 1500, 1000, 500)
REASONS = """BELOW_PASS_THRESHOLD DATA_MISMATCH DEEPFAKE_DETECTED DUPLICATE_FACE DUPLICATE_IDENTITY EVIDENCE_CAP EXPIRED
FACE_BORDERLINE GAN_HIGH_CONFIDENCE HIGH_RISK INVALID_SALT_BINDING LIVENESS_CHECK_FAILED LIVENESS_MISSING
LOW_DATA_CONSISTENCY LOW_DOCUMENT_AUTHENTICITY LOW_FACE_MATCH LOW_LIVENESS LOW_OCR_CONFIDENCE MISSING_DOCUMENT
MISSING_SELFIE SUCCESS SYNTHETIC_DETECTED""".split()
HARD = ("DUPLICATE_FACE", "DUPLICATE_IDENTITY", "GAN_HIGH_CONFIDENCE", "DEEPFAKE_DETECTED")


def components(presence, values):
    """doc, face, live, cons, hist, risk, tamper, web."""

    def v(name):
        return int(values[ID[name]])

    def present(name):
        return bool(int(presence) >> ID[name] & 1)

    tamper = min(int(value) for value in values[10:15])
    parts = []
    if v("mrz_present"):
        parts.append(v("mrz_check_digits"))
    if v("barcode_present"):
        parts.append(v("barcode_valid"))
    if int(presence) >> 21 & 15:
        parts.append(sum(int(value) for value in values[21:25]) // 4)
    form = sum(parts) // len(parts) if parts else 0
    doc = (35 * tamper + 25 * form + 25 * v("doc_template_match") + 15 * v("security_features")) // 100
    found = min(v("face_doc_conf"), v("face_selfie_conf")) >= 7000
    seen = min(v("face_doc_quality"), v("face_selfie_quality")) >= 4000
    face = v("face_similarity") if found and seen else 0
    live = (40 * v("live_active") + 35 * v("live_passive") + 25 * v("live_pad")) // 100
    live = min([live] + [v(name) for name in ("gan_real", "deepfake_real", "morph_real") if present(name)])
    cons = (45 * v("xcheck_id") + 30 * v("xcheck_names") + 25 * v("xcheck_dates")) // 100
    hist = 5000
    if present("prior_success"):
        hist = (40 * v("prior_success") + 20 * v("account_age") + 40 * v("gov_data_match")) // 100
    device = (25 * v("velocity") + 20 * v("device_reputation") + 20 * v("device_integrity")
              + 15 * v("ip_reputation") + 20 * v("geo_consistency")) // 100
    web = (10 * v("email_proof") + 10 * v("sms_proof") + 12 * v("sso_proof") + 5 * v("social_proof")
           + 15 * v("domain_proof")) // 52
    return doc, face, live, cons, hist, (70 * device + 30 * web) // 100, tamper, web


def caps(presence, values, findings, parts, evidence_cap):
    """(cap, code) of every condition that holds."""
    face, live, risk, tamper = parts[1], parts[2], parts[5], parts[6]
    v = [int(value) for value in values]
    p = [bool(int(presence) >> index & 1) for index in range(64)]
    document, selfie = v[0] == BP, p[35]
    held = [(0, code) for bit, code in enumerate(HARD) if findings >> bit & 1]
    if findings >> 4 & 1:
        held.append((49, "SYNTHETIC_DETECTED"))
    if (document or selfie or p[49]) and v[49] != BP:
        held.append((0, "INVALID_SALT_BINDING"))
    if not document:
        held.append((30, "MISSING_DOCUMENT"))
    if document and not selfie:
        held.append((0, "MISSING_SELFIE"))
    if document and selfie and face < 9000:
        held.append((20, "LOW_FACE_MATCH") if face < 7000 else (49, "LOW_FACE_MATCH") if face < 8500
                    else (69, "FACE_BORDERLINE"))
    if document:
        if not any(p[42:45]):
            held.append((69, "LIVENESS_MISSING"))
        elif live < 7500 or v[45] == 0 or v[39] < 8500:
            held.append((49, "LIVENESS_CHECK_FAILED"))
        if tamper < 5000 or (v[26] and v[27] < BP):
            held.append((49, "LOW_DOCUMENT_AUTHENTICITY"))
        if v[30] == 0 or v[32] == 0:
            held.append((49, "DATA_MISMATCH"))
        if v[33] != BP:
            held.append((49, "EXPIRED"))
        if sum(v[16:21]) // 5 < 6000:
            held.append((59, "LOW_OCR_CONFIDENCE"))
        if evidence_cap < 100:
            held.append((evidence_cap, "EVIDENCE_CAP"))
    if risk < 2000:
        held.append((69, "HIGH_RISK"))
    return held


def score(presence, values, findings=0, network=None, evidence_cap=69):
    """bp, score, score after step-up (or None), margin, contributions, sorted reasons."""
    parts = components(presence, values)
    document = int(values[0]) == BP
    contributions = []
    if not document:
        bp = 30 * parts[7] // 100
    elif network is not None:
        bp = int(network.evaluate([values])[0])
    else:
        bp = sum(raw * weight for raw, weight in zip(parts[:6], WEIGHTS, strict=True)) // BP
        contributions = [(raw, weight, raw * weight // BP) for raw, weight in zip(parts[:6], WEIGHTS, strict=True)]
    held = caps(presence, values, findings, parts, evidence_cap)
    cap = min([100] + [cap for cap, _ in held])
    lifted = min([100] + [cap for cap, code in held if code != "FACE_BORDERLINE"])
    borderline = any(code == "FACE_BORDERLINE" for _, code in held)
    final = min(bp // 100, cap)
    codes = {code for _, code in held} | {"BELOW_PASS_THRESHOLD" if final < 50 else "SUCCESS"}
    if document:
        limits = (("LOW_DOCUMENT_AUTHENTICITY", parts[0], 5000), ("LOW_FACE_MATCH", parts[1], 9000),
                  ("LOW_LIVENESS", parts[2], 7500), ("LOW_DATA_CONSISTENCY", parts[3], 6000),
                  ("HIGH_RISK", parts[5], 5000))
        codes |= {code for code, raw, least in limits if raw < least}
    capped = min(bp, cap * 100)
    margin = next((tier - capped for tier in (5000, 7000, 8500) if tier > capped), 0)
    return bp, final, min(bp // 100, lifted) if borderline else None, margin, contributions, sorted(codes)


def model_digest(network, evidence_cap):
    """SHA-256 that commits to the scorer and its rules."""
    if network is None:
        head = b"VM1|C1|" + struct.pack(">6Q", *WEIGHTS)
    else:
        head = b"VM1|TSM1|" + network.sha256()
    gates = (7000, 20, 8500, 49, 9000, 69, 7500, 49, 5000, 49, 6000, 59, 2000, 69)
    rules = (*gates, 30, 69, 8500, evidence_cap, 50, 5000, 9000, 7500, 6000, 5000)
    return hashlib.sha256(head + struct.pack(f">{len(rules)}Q", *rules)).digest()


def outcome_hash(presence, values, findings, network, evidence_cap):
    """What independent members of a committee must agree on."""
    bp, final, after, margin, contributions, codes = score(presence, values, findings, network, evidence_cap)
    numbers = [final, int(after is not None), after or 0, bp, margin, len(contributions)]
    numbers += [number for part in contributions for number in part] + [len(codes)]
    given = hashlib.sha256(b"VI1" + encode(int(presence), [int(v) for v in values]) + bytes([findings])).digest()
    return hashlib.sha256(
        b"VO1" + struct.pack(f">{len(numbers)}Q", *numbers) + bytes(REASONS.index(code) + 1 for code in codes) + given
        + model_digest(network, evidence_cap)
    ).digest()
