//! Reading a TSM1 file.

use super::{Layer, MAX_KNOTS, MAX_LAYERS, MAX_WIDTH, TOP, TsmError};
use crate::BP;

/// Bytes that are left.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], TsmError> {
        let (head, rest) = self.0.split_at_checked(length).ok_or(TsmError::Format)?;
        self.0 = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], TsmError> {
        self.take(N)?.try_into().map_err(|_| TsmError::Format)
    }

    fn u8(&mut self) -> Result<u8, TsmError> {
        self.array().map(u8::from_be_bytes)
    }

    fn u16(&mut self) -> Result<u16, TsmError> {
        self.array().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Result<u32, TsmError> {
        self.array().map(u32::from_be_bytes)
    }

    fn i32(&mut self) -> Result<i32, TsmError> {
        self.array().map(i32::from_be_bytes)
    }
}

/// All layers; each takes what the one before gives, and the last gives one number.
pub(super) fn layers(reader: &mut Reader<'_>) -> Result<Vec<Layer>, TsmError> {
    let count = usize::from(reader.u8()?);
    if !(1..=MAX_LAYERS).contains(&count) {
        return Err(TsmError::Shape(0));
    }
    let mut layers: Vec<Layer> = Vec::with_capacity(count);
    for at in 0..count {
        let last = at + 1 == count;
        let (rows, cols) = (usize::from(reader.u16()?), usize::from(reader.u16()?));
        let fits = layers.last().is_none_or(|before| before.bias.len() == cols) && (!last || rows == 1);
        if !fits || !(1..=MAX_WIDTH).contains(&rows) || !(1..=MAX_WIDTH).contains(&cols) {
            return Err(TsmError::Shape(at));
        }
        let weights: Vec<i8> = reader.take(rows * cols)?.iter().map(|byte| i8::from_be_bytes([*byte])).collect();
        if weights.iter().any(|weight| *weight < 0) {
            return Err(TsmError::Negative(at));
        }
        let bias = (0..rows).map(|_| reader.i32()).collect::<Result<_, _>>()?;
        let (mult, shift) = (reader.u32()?, reader.u8()?);
        let scaled = if last { mult == 0 && shift == 0 } else { (1..=62).contains(&shift) };
        if !scaled {
            return Err(TsmError::Shape(at));
        }
        layers.push(Layer { cols, weights, bias, mult, shift });
    }
    Ok(layers)
}

/// The calibration: x rises, y does not fall and stays within one whole.
pub(super) fn knots(reader: &mut Reader<'_>) -> Result<Vec<(i64, i64)>, TsmError> {
    let count = usize::from(reader.u8()?);
    if !(2..=MAX_KNOTS).contains(&count) {
        return Err(TsmError::Knots);
    }
    let mut knots = Vec::with_capacity(count);
    for _ in 0..count {
        knots.push((i64::from(reader.i32()?), i64::from(reader.u16()?)));
    }
    let rises = knots.windows(2).all(|pair| match pair {
        [(x0, y0), (x1, y1)] => x0 < x1 && y0 <= y1,
        _ => false,
    });
    let within = knots.last().is_some_and(|(_, y)| *y <= BP as i64);
    if rises && within { Ok(knots) } else { Err(TsmError::Knots) }
}

/// Every accumulator fits 32 bits and every scaled one 64, whatever the input.
pub(super) fn bounds(layers: &[Layer]) -> Result<(), TsmError> {
    for (at, layer) in layers.iter().enumerate() {
        let half = 1i128 << layer.shift.saturating_sub(1);
        for (row, bias) in layer.weights.chunks_exact(layer.cols).zip(&layer.bias) {
            let low = i64::from(*bias);
            let high = row.iter().fold(low, |sum, weight| sum + i64::from(*weight) * TOP);
            let scaled = |sum: i64| i128::from(sum) * i128::from(layer.mult) + half;
            let fits = i32::try_from(high).is_ok()
                && i64::try_from(scaled(low)).is_ok()
                && i64::try_from(scaled(high)).is_ok();
            if !fits {
                return Err(TsmError::Bound(at));
            }
        }
    }
    Ok(())
}
