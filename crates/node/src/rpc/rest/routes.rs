//! The route table, read from the `google.api.http` options of all services.

use std::collections::BTreeMap;

use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    Get,
    Post,
    Put,
    Delete,
    Patch,
}

impl Verb {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Get, "get"),
        (Self::Post, "post"),
        (Self::Put, "put"),
        (Self::Delete, "delete"),
        (Self::Patch, "patch"),
    ];

    /// Lower case.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(verb, _)| *verb == self).map_or("get", |(_, name)| name)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Segment {
    // The order is the preference when several routes fit.
    Literal(String),
    /// One path segment, bound to a field path.
    One(String),
    /// The rest of the path, bound to a field path.
    Rest(String),
}

#[derive(Clone, Debug)]
pub struct Route {
    pub verb: Verb,
    pub template: String,
    pub segments: Vec<Segment>,
    /// Request field that the body fills; `*` for the whole message, empty for no body.
    pub body: String,
    pub method: MethodDescriptor,
}

impl Route {
    /// `/{package.Service}/{Method}`.
    pub fn path(&self) -> String {
        format!("/{}/{}", self.method.parent_service().full_name(), self.method.name())
    }
}

/// Why the schema does not give a route table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    #[error("the schema does not declare google.api.http")]
    NoHttpOption,
    #[error("route template {0} is malformed; segments are text, {{field}} or {{field=**}} at the end")]
    Template(String),
}

/// Routes in order of preference: literal segments first.
#[derive(Clone, Debug)]
pub struct RouteTable(Vec<Route>);

impl RouteTable {
    pub fn new(pool: &DescriptorPool) -> Result<Self, RouteError> {
        let http = pool.get_extension_by_name("google.api.http").ok_or(RouteError::NoHttpOption)?;
        let mut routes = Vec::new();
        for method in pool.services().flat_map(|s| s.methods().collect::<Vec<_>>()) {
            let options = method.options();
            if !options.has_extension(&http) {
                continue;
            }
            if let Value::Message(rule) = options.get_extension(&http).as_ref() {
                add(&mut routes, &method, rule)?;
            }
        }
        routes.sort_by(|a, b| a.segments.cmp(&b.segments).then_with(|| a.template.cmp(&b.template)));
        Ok(Self(routes))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Route> {
        self.0.iter()
    }

    /// The route of a request and the decoded values of its path, by field path.
    pub fn find(&self, verb: Verb, path: &str) -> Option<(&Route, BTreeMap<String, String>)> {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        self.0.iter().filter(|r| r.verb == verb).find_map(|route| Some((route, bind(&route.segments, &parts)?)))
    }
}

fn add(routes: &mut Vec<Route>, method: &MethodDescriptor, rule: &DynamicMessage) -> Result<(), RouteError> {
    let text = |name: &str| -> String {
        rule.get_field_by_name(name).and_then(|v| v.as_str().map(ToString::to_string)).unwrap_or_default()
    };
    for (verb, name) in Verb::ALL {
        if rule.has_field_by_name(name) {
            let template = text(name);
            let segments = parse(&template)?;
            routes.push(Route { verb, template, segments, body: text("body"), method: method.clone() });
        }
    }
    if let Some(Value::List(more)) = rule.get_field_by_name("additional_bindings").as_deref() {
        for binding in more.iter().filter_map(Value::as_message) {
            add(routes, method, binding)?;
        }
    }
    Ok(())
}

fn parse(template: &str) -> Result<Vec<Segment>, RouteError> {
    let malformed = || RouteError::Template(template.to_string());
    let parts: Vec<&str> = template.strip_prefix('/').ok_or_else(malformed)?.split('/').collect();
    let last = parts.len() - 1;
    parts
        .iter()
        .enumerate()
        .map(|(i, part)| {
            let Some(inner) = part.strip_prefix('{') else { return Ok(Segment::Literal((*part).to_string())) };
            let inner = inner.strip_suffix('}').ok_or_else(malformed)?;
            match inner.split_once('=') {
                None | Some((_, "*")) => Ok(Segment::One(inner.trim_end_matches("=*").to_string())),
                Some((field, "**")) if i == last => Ok(Segment::Rest(field.to_string())),
                Some(_) => Err(malformed()),
            }
        })
        .collect()
}

fn bind(segments: &[Segment], parts: &[&str]) -> Option<BTreeMap<String, String>> {
    let mut bound = BTreeMap::new();
    let mut rest = parts;
    for segment in segments {
        match segment {
            Segment::Literal(text) => {
                let (first, tail) = rest.split_first()?;
                if first != text {
                    return None;
                }
                rest = tail;
            }
            Segment::One(field) => {
                let (first, tail) = rest.split_first()?;
                if first.is_empty() {
                    return None;
                }
                bound.insert(field.clone(), percent_decode(first)?);
                rest = tail;
            }
            Segment::Rest(field) => {
                if rest.is_empty() || rest == [""] {
                    return None;
                }
                bound.insert(field.clone(), percent_decode(&rest.join("/"))?);
                rest = &[];
            }
        }
    }
    rest.is_empty().then_some(bound)
}

/// `None` when the escapes are malformed or not UTF-8.
pub fn percent_decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digits = [bytes.next()?, bytes.next()?];
            out.extend(hex::decode(digits).ok()?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}
