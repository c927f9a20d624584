//! How far one proposal may move parameters that decide about money (finance spec section 14).

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, ReflectMessage, Value};
use prost_types::Any;
use ve_base::{Amount, CodedError, Dec, errors::sdk::Error};

use crate::context::QueryContext;

/// A number may change by at most one part in this many: 25 %.
const PARTS: u64 = 4;
/// What a whole number may rise to from zero, where no relative change exists; a decimal may rise to a hundredth.
const FROM_ZERO: u64 = 100;
const MAX_DEPTH: usize = 16;

fn refused(cause: impl Into<String>) -> CodedError {
    Error::InvalidRequest(cause.into()).into()
}

/// Compares the params of a `MsgUpdateParams` with those in force, which the query `Params` of the same package gives.
/// Every number in them may move by a quarter of its value; a whole number by one when a quarter is less.
pub fn check(ctx: &QueryContext<'_>, message: &Any) -> Result<(), CodedError> {
    let name = message.type_url.trim_start_matches('/');
    let pool = ve_proto::descriptors();
    let missing = || refused(format!("{name} has no parameters to compare with"));
    let descriptor = pool.get_message_by_name(name).ok_or_else(missing)?;
    let proposed = DynamicMessage::decode(descriptor.clone(), message.value.as_slice()).map_err(|_| missing())?;
    let service = format!("{}.Query", descriptor.package_name());
    let output = pool
        .get_service_by_name(&service)
        .and_then(|service| service.methods().find(|method| method.name() == "Params"))
        .map(|method| method.output())
        .ok_or_else(missing)?;
    let bytes = ctx.registry().query(&format!("/{service}/Params"), ctx, &[]).ok_or_else(missing)??;
    let current = DynamicMessage::decode(output, bytes.as_slice()).map_err(|_| missing())?;
    let params = |message: &DynamicMessage| message.get_field_by_name("params").map(|value| value.into_owned());
    match (params(&current), params(&proposed)) {
        (Some(Value::Message(current)), Some(Value::Message(proposed))) => compare(&current, &proposed, 0),
        _ => Err(missing()),
    }
}

fn compare(current: &DynamicMessage, proposed: &DynamicMessage, depth: usize) -> Result<(), CodedError> {
    if depth > MAX_DEPTH {
        return Err(refused("the parameters are nested too deeply"));
    }
    for field in current.descriptor().fields() {
        let (old, new) = (current.get_field(&field), proposed.get_field(&field));
        match (old.as_list(), new.as_list()) {
            (Some(old), Some(new)) => compare_lists(&field, old, new, depth)?,
            _ => compare_values(&field, &old, &new, depth)?,
        }
    }
    Ok(())
}

/// Lists of texts may change freely; those that hold numbers keep their length, because what stands where decides what
/// is compared with what.
fn compare_lists(field: &FieldDescriptor, old: &[Value], new: &[Value], depth: usize) -> Result<(), CodedError> {
    let texts = matches!(field.kind(), Kind::String | Kind::Bytes | Kind::Enum(_) | Kind::Bool) && !is_number(field);
    if texts {
        return Ok(());
    }
    if old.len() != new.len() {
        return Err(refused(format!("{} keeps its length in a change of money-critical parameters", field.name())));
    }
    old.iter().zip(new).try_for_each(|(old, new)| compare_values(field, old, new, depth))
}

fn compare_values(field: &FieldDescriptor, old: &Value, new: &Value, depth: usize) -> Result<(), CodedError> {
    if let (Value::Message(old), Value::Message(new)) = (old, new) {
        return compare(old, new, depth.saturating_add(1));
    }
    let (Some(old), Some(new)) = (number(field, old)?, number(field, new)?) else { return Ok(()) };
    let step = if new > old { new.checked_sub(old)? } else { old.checked_sub(new)? };
    let whole = scalar(field).as_deref() != Some("cosmos.Dec");
    let part = old.quo_int(Amount::from(PARTS), ve_base::Rounding::Truncate)?;
    let most = match (old.is_zero(), whole) {
        (true, true) => Dec::from_amount(Amount::from(FROM_ZERO))?,
        (true, false) => Dec::from_parts(1, 2)?,
        (false, true) => part.max(Dec::one()),
        (false, false) => part,
    };
    if step <= most {
        return Ok(());
    }
    Err(refused(format!(
        "{} would change from {old:#} to {new:#}; one proposal may change it by {most:#} at most",
        field.name()
    )))
}

fn scalar(field: &FieldDescriptor) -> Option<String> {
    let extension = ve_proto::descriptors().get_extension_by_name("cosmos_proto.scalar")?;
    field.options().get_extension(&extension).as_str().map(str::to_owned)
}

fn is_number(field: &FieldDescriptor) -> bool {
    matches!(scalar(field).as_deref(), Some("cosmos.Dec" | "cosmos.Int"))
}

/// `None` for what is not a number.
fn number(field: &FieldDescriptor, value: &Value) -> Result<Option<Dec>, CodedError> {
    let signed = |value: i64| -> Result<Dec, CodedError> {
        let magnitude = Dec::from_amount(Amount::from(value.unsigned_abs()))?;
        Ok(if value < 0 { magnitude.negated() } else { magnitude })
    };
    Ok(match value {
        Value::I32(value) => Some(signed(i64::from(*value))?),
        Value::I64(value) => Some(signed(*value)?),
        Value::U32(value) => Some(Dec::from_amount(Amount::from(u64::from(*value)))?),
        Value::U64(value) => Some(Dec::from_amount(Amount::from(*value))?),
        Value::String(text) if is_number(field) && text.is_empty() => Some(Dec::zero()),
        // Some parameters of the Cosmos SDK are the digits of a decimal as bytes.
        Value::Bytes(bytes) if is_number(field) && !bytes.is_empty() => {
            let digits = std::str::from_utf8(bytes).map_err(|_| refused(format!("{} is no number", field.name())))?;
            Some(Dec::from_mantissa(digits)?)
        }
        Value::Bytes(_) if is_number(field) => Some(Dec::zero()),
        Value::String(text) if scalar(field).as_deref() == Some("cosmos.Dec") => Some(Dec::from_mantissa(text)?),
        Value::String(text) if is_number(field) => Some(Dec::from_amount(text.parse::<Amount>()?)?),
        _ => None,
    })
}
