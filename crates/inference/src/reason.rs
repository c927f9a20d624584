//! Why a score is not higher: codes that users see and that the chain stores.

#[cfg(test)]
#[path = "reason_tests.rs"]
mod tests;

macro_rules! reasons {
    ($($name:ident $number:literal $code:literal $meaning:literal,)*) => {
        /// A reason, ordered by the name of its code. Source: identity.md section 4.2, identity-ml.md section 5.3; the
        /// names of identity.md are used where both have one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $(#[doc = $meaning] $name,)*
        }

        impl Reason {
            /// Every reason, in order.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The code as messages and reports write it.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// Stable number in stored bytes; never reused.
            pub fn number(self) -> u8 {
                match self { $(Self::$name => $number,)* }
            }
        }
    };
}

reasons! {
    BelowPassThreshold 1 "BELOW_PASS_THRESHOLD" "The final score is below the one that verifies.",
    DataMismatch 2 "DATA_MISMATCH" "Two sources of the document name different numbers or dates.",
    DeepfakeDetected 3 "DEEPFAKE_DETECTED" "The face was swapped, beyond doubt.",
    DuplicateFace 4 "DUPLICATE_FACE" "The face belongs to another verified account.",
    DuplicateIdentity 5 "DUPLICATE_IDENTITY" "The document belongs to another verified account.",
    EvidenceCap 6 "EVIDENCE_CAP" "The model is not proven on enough data for higher scores.",
    Expired 7 "EXPIRED" "The document is expired, or its last day cannot be read.",
    FaceBorderline 8 "FACE_BORDERLINE" "The faces are alike, but a further factor must confirm it.",
    GanHighConfidence 9 "GAN_HIGH_CONFIDENCE" "The picture is generated, beyond doubt.",
    HighRisk 10 "HIGH_RISK" "Device, network or behaviour are risky.",
    InvalidSaltBinding 11 "INVALID_SALT_BINDING" "The capture is not bound to an approved client and the account.",
    LivenessCheckFailed 12 "LIVENESS_CHECK_FAILED" "The person before the camera did not pass as alive.",
    LivenessMissing 13 "LIVENESS_MISSING" "There is no result of a liveness check.",
    LowDataConsistency 14 "LOW_DATA_CONSISTENCY" "The sources of the document agree too little.",
    LowDocumentAuthenticity 15 "LOW_DOCUMENT_AUTHENTICITY" "The document looks altered or is not of a known kind.",
    LowFaceMatch 16 "LOW_FACE_MATCH" "The faces on document and selfie are not alike enough.",
    LowLiveness 17 "LOW_LIVENESS" "The liveness check is weak.",
    LowOcrConfidence 18 "LOW_OCR_CONFIDENCE" "The fields of the document are hard to read.",
    MissingDocument 19 "MISSING_DOCUMENT" "There is no document.",
    MissingSelfie 20 "MISSING_SELFIE" "There is no selfie to compare the document with.",
    Success 21 "SUCCESS" "The final score verifies.",
    SyntheticDetected 22 "SYNTHETIC_DETECTED" "Pictures are probably generated or swapped.",
}

/// Sorted by code, each once.
pub(crate) fn normalise(mut reasons: Vec<Reason>) -> Vec<Reason> {
    reasons.sort_unstable();
    reasons.dedup();
    reasons
}
