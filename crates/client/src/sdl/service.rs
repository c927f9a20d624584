//! `services`: image, process, environment, registry credentials and storage mounts.

use std::collections::BTreeMap;

use super::cursor::Cursor;
use super::error::SdlError;
use super::model::{Credentials, Mount, Service};
use super::{expose, is_name};

const NAME_REMEDY: &str = "use lower-case letters, digits and `-`, starting with a letter, at most 63 characters";
const PERMISSIONS: [&str; 3] = ["deployment", "logs", "events"];
const TEE: [&str; 2] = ["cpu", "cpu-gpu"];

pub(super) fn services(at: &Cursor<'_>) -> Result<BTreeMap<String, Service>, SdlError> {
    let mut services = BTreeMap::new();
    for (name, value) in at.entries()? {
        if !is_name(&name.text) {
            return Err(SdlError::new(
                name.at,
                &value.path,
                format!("`{}` is no service name", name.text),
                NAME_REMEDY,
            ));
        }
        services.insert(name.text.clone(), service(&value)?);
    }
    if services.is_empty() {
        return Err(at.fail("no service", "describe at least one service"));
    }
    Ok(services)
}

fn service(at: &Cursor<'_>) -> Result<Service, SdlError> {
    let fields = at.fields(&["image", "command", "args", "env", "credentials", "dependencies", "expose", "params"])?;
    let image = fields.require("image", "add for example `image: nginx:1.27`")?;
    if image.text()?.is_empty() || image.text()?.contains(char::is_whitespace) {
        return Err(image.fail("not an image reference", "write it as `registry/name:tag` without spaces"));
    }
    let mut service = Service {
        image: image.text()?.to_owned(),
        command: fields.texts("command")?,
        args: fields.texts("args")?,
        env: environment(&fields.list("env")?)?,
        credentials: fields.get("credentials").map(credentials).transpose()?,
        dependencies: dependencies(&fields.list("dependencies")?)?,
        expose: fields.list("expose")?.iter().map(expose::expose).collect::<Result<_, _>>()?,
        mounts: BTreeMap::new(),
        read_permissions: Vec::new(),
        tee: None,
    };
    if let Some(block) = fields.get("params") {
        params(block, &mut service)?;
    }
    Ok(service)
}

fn environment(items: &[Cursor<'_>]) -> Result<Vec<String>, SdlError> {
    let mut env = Vec::with_capacity(items.len());
    for item in items {
        let text = item.text().map_err(|cause| item.fail(cause.cause, "write each variable as `- NAME=value`"))?;
        let name = text.split_once('=').map_or(text, |(name, _)| name);
        let first = name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
        if !first || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)) {
            return Err(item.fail(
                format!("`{name}` is no variable name"),
                "use letters, digits, `_`, `-` and `.`, not starting with a digit, then `=`",
            ));
        }
        env.push(text.to_owned());
    }
    Ok(env)
}

fn credentials(at: &Cursor<'_>) -> Result<Credentials, SdlError> {
    let fields = at.fields(&["host", "username", "password", "email"])?;
    let text = |name: &str| -> Result<String, SdlError> {
        let value = fields.require(name, "credentials need host, username and password")?;
        match value.text()?.trim() {
            "" => Err(value.fail("empty", "credentials need host, username and password")),
            text => Ok(text.to_owned()),
        }
    };
    let (host, username, password) = (text("host")?, text("username")?, text("password")?);
    if password.chars().count() < 6 {
        let at = fields.get("password").unwrap_or(at);
        return Err(at.fail("the password is too short", "registries need at least 6 characters"));
    }
    let email = fields.get("email").map_or(Ok(""), Cursor::text)?.to_owned();
    Ok(Credentials { host, email, username, password })
}

fn dependencies(items: &[Cursor<'_>]) -> Result<Vec<String>, SdlError> {
    let mut names = Vec::with_capacity(items.len());
    for item in items {
        let fields = item.fields(&["service"])?;
        names.push(fields.require("service", "name the service that must run first")?.text()?.to_owned());
    }
    Ok(names)
}

fn params(at: &Cursor<'_>, service: &mut Service) -> Result<(), SdlError> {
    let fields = at.fields(&["storage", "permissions", "tee"])?;
    for (name, value) in fields.entries("storage")? {
        service.mounts.insert(name.text.clone(), mount(&value)?);
    }
    if let Some(block) = fields.get("permissions") {
        for item in block.fields(&["read"])?.list("read")? {
            let permission = item.text()?;
            if !PERMISSIONS.contains(&permission) {
                return Err(item.fail(format!("no permission `{permission}`"), "write deployment, logs or events"));
            }
            service.read_permissions.push(permission.to_owned());
        }
    }
    if let Some(tee) = fields.get("tee") {
        if !TEE.contains(&tee.text()?) {
            return Err(tee.fail(format!("no enclave type `{}`", tee.text()?), "write cpu or cpu-gpu"));
        }
        service.tee = Some(tee.text()?.to_owned());
    }
    Ok(())
}

fn mount(at: &Cursor<'_>) -> Result<Mount, SdlError> {
    let fields = at.fields(&["mount", "readOnly"])?;
    let mut path = String::new();
    if let Some(mount) = fields.get("mount") {
        path = mount.text()?.to_owned();
        let climbs = path.split('/').any(|part| part == "..");
        if !path.starts_with('/') || climbs || path.contains('\0') {
            return Err(mount.fail(format!("`{path}` is not absolute"), "start the path with `/`, without `..`"));
        }
    }
    Ok(Mount { path, read_only: fields.boolean("readOnly")? })
}
