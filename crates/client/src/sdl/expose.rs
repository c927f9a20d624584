//! `expose`: ports, who reaches them, and how the HTTP proxy treats them.

use super::cursor::Cursor;
use super::error::SdlError;
use super::model::{Expose, ExposeTo, HttpOptions, Protocol};

const MAX_BODY: u32 = 100 << 20;
const MAX_TIMEOUT_MS: u32 = 60_000;
const NEXT_CASES: [&str; 9] = ["error", "timeout", "500", "502", "503", "504", "403", "404", "429"];

pub(super) fn expose(at: &Cursor<'_>) -> Result<Expose, SdlError> {
    let fields = at.fields(&["port", "as", "proto", "accept", "to", "http_options"])?;
    let port = fields.require("port", "add the port inside the container: `port: 80`")?.number(1, u16::MAX)?;
    let mut hosts = Vec::new();
    for item in fields.list("accept")? {
        hosts.push(host(&item)?);
    }
    Ok(Expose {
        port,
        external: fields.number("as", 0, 0, u16::MAX)?,
        protocol: fields.get("proto").map_or(Ok(Protocol::Tcp), protocol)?,
        hosts,
        to: fields.list("to")?.iter().map(target).collect::<Result<_, _>>()?,
        http: fields.get("http_options").map_or_else(|| Ok(HttpOptions::default()), http_options)?,
    })
}

fn protocol(at: &Cursor<'_>) -> Result<Protocol, SdlError> {
    match at.text()?.to_ascii_lowercase().as_str() {
        "tcp" => Ok(Protocol::Tcp),
        "udp" => Ok(Protocol::Udp),
        other => Err(at.fail(format!("no protocol `{other}`"), "write TCP or UDP")),
    }
}

fn host(at: &Cursor<'_>) -> Result<String, SdlError> {
    let text = at.text()?;
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    if text.len() <= 253 && text.split('.').all(label) {
        return Ok(text.to_owned());
    }
    Err(at.fail(format!("`{text}` is no host name"), "write lower-case labels joined by dots, without scheme or port"))
}

fn target(at: &Cursor<'_>) -> Result<ExposeTo, SdlError> {
    let fields = at.fields(&["service", "global", "ip"])?;
    let text = |name: &str| fields.get(name).map_or(Ok(""), Cursor::text).map(str::to_owned);
    let to = ExposeTo { service: text("service")?, global: fields.boolean("global")?, ip: text("ip")? };
    if to.service.is_empty() && !to.global {
        return Err(at.fail("reaches nobody", "write `global: true`, or `service: NAME`"));
    }
    if !to.ip.is_empty() && !to.global {
        return Err(at.fail("an IP endpoint that is not global", "add `global: true` beside `ip`"));
    }
    Ok(to)
}

fn http_options(at: &Cursor<'_>) -> Result<HttpOptions, SdlError> {
    let fields = at.fields(&[
        "max_body_size",
        "read_timeout",
        "send_timeout",
        "next_tries",
        "next_timeout",
        "next_cases",
        "proxy_buffer_size",
    ])?;
    let base = HttpOptions::default();
    let next_cases = match fields.get("next_cases") {
        Some(list) => next_cases(list)?,
        None => base.next_cases,
    };
    Ok(HttpOptions {
        max_body_size: fields.number("max_body_size", base.max_body_size, 0, MAX_BODY)?,
        read_timeout: fields.number("read_timeout", base.read_timeout, 0, MAX_TIMEOUT_MS)?,
        send_timeout: fields.number("send_timeout", base.send_timeout, 0, MAX_TIMEOUT_MS)?,
        next_tries: fields.number("next_tries", base.next_tries, 0, u32::MAX)?,
        next_timeout: fields.number("next_timeout", base.next_timeout, 0, u32::MAX)?,
        next_cases,
        proxy_buffer_size: fields.number("proxy_buffer_size", base.proxy_buffer_size, 0, 1 << 20)?,
    })
}

fn next_cases(at: &Cursor<'_>) -> Result<Vec<String>, SdlError> {
    let items = at.list()?;
    let mut cases = Vec::with_capacity(items.len());
    for item in &items {
        let case = item.text()?;
        if case == "off" && items.len() > 1 {
            return Err(item.fail("`off` beside other cases", "write `off` alone, or leave it out"));
        }
        if case != "off" && !NEXT_CASES.contains(&case) {
            return Err(item.fail(format!("no case `{case}`"), &format!("write off, {}", NEXT_CASES.join(", "))));
        }
        cases.push(case.to_owned());
    }
    Ok(cases)
}
