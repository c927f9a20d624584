//! TSM: a trained network of integers that is monotone because no weight is negative. Source: identity-ml.md section
//! 5.2.
//!
//! File `TSM1`, all numbers big-endian: `"TSM1"`, layers u8; per layer rows u16, cols u16, weights i8 row by row, bias
//! i32 per row, mult u32, shift u8; knots u8, per knot x i32 and y u16. The last layer has one row and keeps its
//! accumulator, so its mult and shift are 0. One model has one file: nothing may follow.

use sha2::{Digest, Sha256};

use crate::BP;

#[path = "tsm_read.rs"]
mod read;
#[cfg(test)]
#[path = "tsm_tests.rs"]
mod tests;

/// First bytes of every file.
pub const MAGIC: &[u8; 4] = b"TSM1";
/// Most layers.
pub const MAX_LAYERS: usize = 8;
/// Most rows or columns of a layer.
pub const MAX_WIDTH: usize = 256;
/// Most knots of the calibration.
pub const MAX_KNOTS: usize = 33;
/// Longest file that any model within the limits can have.
pub const MAX_FILE: usize = 4 + 1 + MAX_LAYERS * (4 + MAX_WIDTH * (MAX_WIDTH + 4) + 5) + 1 + MAX_KNOTS * 6;
/// Largest input and activation.
const TOP: i64 = 127;

/// Why a file is no model. All of it is checked when it is loaded, so evaluation cannot fail or overflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TsmError {
    /// Ends early, goes on after the end, or starts otherwise.
    #[error("the bytes are not one TSM1 file")]
    Format,
    /// Layers, rows, columns or knots are none, too many, or do not fit each other.
    #[error("layer {0} has a shape that does not fit")]
    Shape(usize),
    /// A negative weight: raising a feature could lower the score.
    #[error("layer {0} has a negative weight")]
    Negative(usize),
    /// Some input would leave the range of the arithmetic.
    #[error("layer {0} can overflow")]
    Bound(usize),
    /// Knots do not rise, or end above one whole.
    #[error("the calibration does not rise from 0 to 10000 at most")]
    Knots,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Layer {
    cols: usize,
    /// Row by row.
    weights: Vec<i8>,
    /// One per row.
    bias: Vec<i32>,
    mult: u32,
    shift: u8,
}

impl Layer {
    /// One accumulator per row; the loader has bounded them to 32 bits.
    fn accumulate<'a>(&'a self, input: &'a [i64]) -> impl Iterator<Item = i64> + 'a {
        self.weights.chunks_exact(self.cols).zip(&self.bias).map(move |(row, bias)| {
            row.iter().zip(input).fold(i64::from(*bias), |sum, (weight, x)| sum + i64::from(*weight) * x)
        })
    }

    fn requantise(&self, accumulator: i64) -> i64 {
        let half = 1i64 << self.shift.saturating_sub(1);
        ((accumulator * i64::from(self.mult) + half) >> self.shift).clamp(0, TOP)
    }
}

/// A loaded model, valid and bounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tsm {
    layers: Vec<Layer>,
    knots: Vec<(i64, i64)>,
    sha256: [u8; 32],
}

impl Tsm {
    /// Reads and bounds a file.
    pub fn load(file: &[u8]) -> Result<Self, TsmError> {
        let mut reader = read::Reader::new(file);
        if file.len() > MAX_FILE || reader.take(MAGIC.len())? != MAGIC {
            return Err(TsmError::Format);
        }
        let layers = read::layers(&mut reader)?;
        let knots = read::knots(&mut reader)?;
        if !reader.is_empty() {
            return Err(TsmError::Format);
        }
        read::bounds(&layers)?;
        Ok(Self { layers, knots, sha256: Sha256::digest(file).into() })
    }

    /// Number of features that the model takes.
    pub fn inputs(&self) -> usize {
        self.layers.first().map_or(0, |layer| layer.cols)
    }

    /// SHA-256 of the file.
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// Outputs of the hidden layers, each 0..=127, then the last accumulator: what shows where two machines part.
    /// Missing features count 0, surplus ones are not seen, more than 10000 is 10000.
    pub fn activations(&self, features: &[u16]) -> Vec<Vec<i64>> {
        let whole = BP as i64;
        let value = |index: usize| features.get(index).map_or(0, |value| i64::from(*value).min(whole));
        let input: Vec<i64> = (0..self.inputs()).map(|index| (TOP * value(index) + whole / 2) / whole).collect();
        let mut stages: Vec<Vec<i64>> = Vec::with_capacity(self.layers.len());
        for (at, layer) in self.layers.iter().enumerate() {
            let hidden = at + 1 < self.layers.len();
            let sums = layer.accumulate(stages.last().unwrap_or(&input));
            stages.push(sums.map(|sum| if hidden { layer.requantise(sum) } else { sum }).collect());
        }
        stages
    }

    /// Basis points for feature values, see [`Self::activations`].
    pub fn evaluate(&self, features: &[u16]) -> u64 {
        let stages = self.activations(features);
        stages.last().and_then(|last| last.first()).map_or(0, |accumulator| self.calibrate(*accumulator))
    }

    /// Linear between knots, flat beyond the ends.
    fn calibrate(&self, accumulator: i64) -> u64 {
        let y = self.knots.windows(2).find_map(|pair| match pair {
            [(x0, y0), _] if accumulator <= *x0 => Some(*y0),
            [(x0, y0), (x1, y1)] if accumulator < *x1 => Some(y0 + (y1 - y0) * (accumulator - x0) / (x1 - x0)),
            _ => None,
        });
        y.or_else(|| self.knots.last().map(|(_, y)| *y)).unwrap_or(0).unsigned_abs()
    }
}
