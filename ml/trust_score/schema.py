"""Feature schema v2 (identity-ml.md section 4), as ve_inference::features has it."""

import struct

COUNT = 64
BP = 10_000
NAMES = """doc_present doc_back_present doc_sharpness doc_exposure doc_contrast doc_noise_inv doc_glare_inv
doc_resolution doc_corner_conf doc_template_match tamper_ela_inv copymove_inv photo_seam_inv recapture_inv anomaly_inv
security_features ocr_conf_id ocr_conf_first ocr_conf_last ocr_conf_birth ocr_conf_expiry field_valid_id
field_valid_first field_valid_last field_valid_birth field_valid_expiry mrz_present mrz_check_digits barcode_present
barcode_valid xcheck_id xcheck_names xcheck_dates not_expired face_doc_conf face_selfie_conf face_doc_quality
face_selfie_quality face_similarity face_video_consistency face_single face_frontal live_active live_passive live_pad
live_challenge_bound gan_real deepfake_real morph_real capture_binding device_integrity device_reputation ip_reputation
geo_consistency velocity email_proof sms_proof sso_proof social_proof domain_proof account_age prior_success
gov_data_match behaviour_cluster""".split()
ID = {name: index for index, name in enumerate(NAMES)}
FLAGS = frozenset((0, 1, 21, 22, 23, 24, 25, 26, 28, 33, 40, 45))
ANNOUNCES = ((26, 27), (28, 29))


def encode(presence, values):
    """The 140 canonical bytes; refuses what the schema does not allow."""
    for index, value in enumerate(values):
        if not 0 <= value <= BP or (index in FLAGS and value not in (0, BP)):
            raise ValueError(f"{NAMES[index]} is out of range: {value}")
        if value and not presence >> index & 1:
            raise ValueError(f"{NAMES[index]} has a value and is absent")
    for flag, told in ANNOUNCES:
        if (values[flag] == BP) != bool(presence >> told & 1):
            raise ValueError(f"{NAMES[flag]} disagrees with the presence of {NAMES[told]}")
    return b"VF2\0" + struct.pack(">Q64H", presence, *values)
