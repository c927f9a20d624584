//! A YAML 1.2 document as a tree in which every value knows its line and column. Limits stand before meaning: size,
//! depth, and how much text aliases may expand to.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};

use super::error::{Position, SdlError};

/// Longest document in bytes (marketplace spec section 12).
pub const MAX_BYTES: usize = 256 * 1024;
/// Most text that aliases may add, in bytes.
const MAX_EXPANDED: usize = 1024 * 1024;
const MAX_DEPTH: usize = 32;

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub at: Position,
    pub value: Value,
    /// Bytes of text inside, plus one per value: what an alias to it costs.
    weight: usize,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

#[derive(Clone, Debug)]
pub(super) struct Key {
    pub text: String,
    pub at: Position,
}

/// Reads exactly one document.
pub(super) fn read(text: &str) -> Result<Node, SdlError> {
    if text.len() > MAX_BYTES {
        let cause = format!("the file has {} bytes, at most {MAX_BYTES} are read", text.len());
        return Err(SdlError::new(Position::START, "", cause, "split the deployment into several files"));
    }
    let mut reader =
        Reader { parser: Parser::new_from_str(text), anchors: HashMap::new(), expanded: 0, last: Position::START };
    reader.document()
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    expanded: usize,
    last: Position,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Result<Node, SdlError> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
                Event::DocumentStart(_) if root.is_some() => {
                    let remedy = "keep one document: remove `---` and what follows";
                    return Err(SdlError::new(position(&span), "", "a second YAML document".into(), remedy));
                }
                Event::DocumentStart(_) => {
                    let (event, span) = self.next()?;
                    root = Some(self.node(event, span, 0)?);
                }
                Event::StreamEnd => break,
                _ => return Err(self.malformed("unexpected content")),
            }
        }
        root.ok_or_else(|| {
            SdlError::new(Position::START, "", "the file is empty".into(), "start with `version: \"2.0\"`")
        })
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), SdlError> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => {
                self.last = position(&span);
                Ok((event, span))
            }
            Some(Err(cause)) => Err(scan_error(&cause)),
            None => Err(self.malformed("the document ends too early")),
        }
    }

    fn malformed(&self, cause: &str) -> SdlError {
        SdlError::new(self.last, "", cause.to_owned(), "check indentation, quotes and brackets here")
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, SdlError> {
        let at = position(&span);
        if depth > MAX_DEPTH {
            let cause = format!("nested deeper than {MAX_DEPTH} levels");
            return Err(SdlError::new(at, "", cause, "no field of a deployment file is that deep; check indentation"));
        }
        let (node, anchor) = match event {
            Event::Alias(id) => return self.alias(id, at),
            Event::Scalar(text, style, anchor, tag) => {
                refuse_tag(tag.is_some(), at)?;
                let null = style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                let weight = text.len() + 1;
                let value = if null { Value::Null } else { Value::Text(text.into_owned()) };
                (Node { at, value, weight }, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                refuse_tag(tag.is_some(), at)?;
                (self.list(at, depth)?, anchor)
            }
            Event::MappingStart(anchor, tag) => {
                refuse_tag(tag.is_some(), at)?;
                (self.map(at, depth)?, anchor)
            }
            _ => return Err(self.malformed("a value is missing")),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn alias(&mut self, id: usize, at: Position) -> Result<Node, SdlError> {
        let node = self.anchors.get(&id).cloned().ok_or_else(|| {
            SdlError::new(at, "", "an alias inside its own anchor".into(), "write the value out instead of the alias")
        })?;
        self.expanded = self.expanded.saturating_add(node.weight);
        if self.expanded > MAX_EXPANDED {
            let cause = format!("aliases expand to more than {MAX_EXPANDED} bytes");
            return Err(SdlError::new(at, "", cause, "write the values out, or use fewer aliases"));
        }
        Ok(Node { at, ..node })
    }

    fn list(&mut self, at: Position, depth: usize) -> Result<Node, SdlError> {
        let mut items = Vec::new();
        let mut weight = 1usize;
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Node { at, value: Value::List(items), weight }),
                (event, span) => {
                    let item = self.node(event, span, depth + 1)?;
                    weight = weight.saturating_add(item.weight);
                    items.push(item);
                }
            }
        }
    }

    fn map(&mut self, at: Position, depth: usize) -> Result<Node, SdlError> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let mut seen = HashMap::new();
        let mut weight = 1usize;
        loop {
            let key = match self.next()? {
                (Event::MappingEnd, _) => return Ok(Node { at, value: Value::Map(entries), weight }),
                (Event::Scalar(text, ..), span) => Key { text: text.into_owned(), at: position(&span) },
                (_, span) => {
                    let cause = "a field name that is a list, a map or an alias".to_owned();
                    return Err(SdlError::new(position(&span), "", cause, "write the name as plain text"));
                }
            };
            if let Some(first) = seen.insert(key.text.clone(), key.at) {
                let cause = format!("`{}` stands twice; first on line {}", key.text, first.line);
                return Err(SdlError::new(key.at, "", cause, "keep one of the two"));
            }
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1)?;
            weight = weight.saturating_add(value.weight).saturating_add(key.text.len());
            entries.push((key, value));
        }
    }
}

fn refuse_tag(tagged: bool, at: Position) -> Result<(), SdlError> {
    if tagged {
        let cause = "a YAML tag".to_owned();
        return Err(SdlError::new(at, "", cause, "remove the word that starts with `!`; types follow from the fields"));
    }
    Ok(())
}

fn position(span: &Span) -> Position {
    Position { line: span.start.line(), column: span.start.col() + 1 }
}

fn scan_error(cause: &ScanError) -> SdlError {
    let at = Position { line: cause.marker().line(), column: cause.marker().col() + 1 };
    let remedy = "check indentation (spaces, no tabs), quotes and brackets at this place";
    SdlError::new(at, "", format!("not valid YAML: {}", cause.info()), remedy)
}
