//! An OpenAPI 3.1 document generated from the route table, so that it cannot disagree with what is served.

use std::collections::BTreeMap;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

use super::routes::{Route, RouteTable, Segment};

/// Nesting of query parameters such as `pagination.limit`.
const MAX_PARAMETER_DEPTH: usize = 2;

pub fn document(routes: &RouteTable) -> Value {
    let mut schemas = BTreeMap::new();
    let mut paths: Map<String, Value> = Map::new();
    for route in routes.iter() {
        reach(&route.method.output(), &mut schemas);
        if !route.body.is_empty() {
            reach(&route.method.input(), &mut schemas);
        }
        let path = paths.entry(route.template.replace("=**", "")).or_insert_with(|| json!({}));
        path[route.verb.name()] = operation(route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {"title": "VirtEngine REST API", "version": env!("CARGO_PKG_VERSION")},
        "paths": paths,
        "components": {"schemas": schemas},
    })
}

fn reference(message: &MessageDescriptor) -> Value {
    json!({"$ref": format!("#/components/schemas/{}", message.full_name())})
}

fn operation(route: &Route) -> Value {
    let service = route.method.parent_service();
    let mut operation = json!({
        "operationId": format!("{}.{}", service.full_name(), route.method.name()),
        "tags": [service.package_name()],
        "parameters": parameters(route),
        "responses": {
            "200": {
                "description": "OK",
                "content": {"application/json": {"schema": reference(&route.method.output())}},
            },
            "default": {
                "description": "Refused: code, message and details",
                "content": {"application/json": {"schema": {"type": "object", "properties": {
                    "code": {"type": "integer"},
                    "message": {"type": "string"},
                    "details": {"type": "array"},
                }}}},
            },
        },
    });
    if !route.body.is_empty() {
        operation["requestBody"] = json!({
            "required": true,
            "content": {"application/json": {"schema": reference(&route.method.input())}},
        });
    }
    operation
}

fn parameters(route: &Route) -> Vec<Value> {
    let input = route.method.input();
    let mut bound = Vec::new();
    let mut found = Vec::new();
    for segment in &route.segments {
        if let Segment::One(name) | Segment::Rest(name) = segment {
            let shape = input.get_field_by_name(name).map_or_else(|| json!({"type": "string"}), |f| one(&f));
            found.push(json!({"name": name, "in": "path", "required": true, "schema": shape}));
            bound.push(name.clone());
        }
    }
    if route.body != "*" {
        query_parameters(&input, "", &bound, 0, &mut found);
    }
    found
}

fn query_parameters(message: &MessageDescriptor, prefix: &str, bound: &[String], depth: usize, found: &mut Vec<Value>) {
    for field in message.fields() {
        let name = format!("{prefix}{}", field.name());
        if bound.contains(&name) || field.is_map() {
            continue;
        }
        match field.kind() {
            Kind::Message(inner) => {
                if depth + 1 < MAX_PARAMETER_DEPTH && !field.is_list() {
                    query_parameters(&inner, &format!("{name}."), bound, depth + 1, found);
                }
            }
            _ => found.push(json!({"name": name, "in": "query", "required": false, "schema": shape(&field)})),
        }
    }
}

/// Adds a message and everything it refers to.
fn reach(message: &MessageDescriptor, schemas: &mut BTreeMap<String, Value>) {
    if schemas.contains_key(message.full_name()) {
        return;
    }
    // Entered before its fields, because messages refer to themselves.
    schemas.insert(message.full_name().to_string(), Value::Null);
    let mut properties = Map::new();
    for field in message.fields() {
        if let Kind::Message(inner) = field.kind()
            && well_known(&inner).is_none()
        {
            reach(&inner, schemas);
        }
        properties.insert(field.name().to_string(), shape(&field));
    }
    schemas.insert(message.full_name().to_string(), json!({"type": "object", "properties": properties}));
}

fn shape(field: &FieldDescriptor) -> Value {
    if field.is_map() {
        return json!({"type": "object"});
    }
    let single = one(field);
    if field.is_list() { json!({"type": "array", "items": single}) } else { single }
}

fn one(field: &FieldDescriptor) -> Value {
    match field.kind() {
        Kind::Bool => json!({"type": "boolean"}),
        Kind::String => json!({"type": "string"}),
        Kind::Bytes => json!({"type": "string", "format": "byte"}),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 | Kind::Uint32 | Kind::Fixed32 => json!({"type": "integer"}),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => json!({"type": "string", "format": "int64"}),
        Kind::Uint64 | Kind::Fixed64 => json!({"type": "string", "format": "uint64"}),
        Kind::Float | Kind::Double => json!({"type": "number"}),
        Kind::Enum(values) => {
            json!({"type": "string", "enum": values.values().map(|v| v.name().to_string()).collect::<Vec<_>>()})
        }
        Kind::Message(message) => well_known(&message).unwrap_or_else(|| reference(&message)),
    }
}

fn well_known(message: &MessageDescriptor) -> Option<Value> {
    match message.full_name() {
        "google.protobuf.Timestamp" => Some(json!({"type": "string", "format": "date-time"})),
        "google.protobuf.Duration" => Some(json!({"type": "string"})),
        "google.protobuf.Any" => {
            Some(json!({"type": "object", "properties": {"@type": {"type": "string"}}, "additionalProperties": true}))
        }
        _ => None,
    }
}
