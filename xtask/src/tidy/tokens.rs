//! Rust sources as a flat list of tokens, with what the rules need to know about each place.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// One token; groups appear as their two delimiters.
#[derive(Clone, Debug)]
pub struct Token {
    pub text: String,
    pub line: usize,
    pub kind: Kind,
    /// Under `#[cfg(test)]` or `#[test]`.
    pub in_test: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Ident,
    Literal,
    Punct,
    Open,
    Close,
}

/// A function with a body.
#[derive(Clone, Debug)]
pub struct Function {
    pub name: String,
    pub line: usize,
    /// From the line of `fn` to the line of the closing brace.
    pub lines: usize,
}

pub struct Code {
    pub tokens: Vec<Token>,
    pub functions: Vec<Function>,
}

impl Code {
    pub fn parse(text: &str) -> Option<Self> {
        let stream: TokenStream = text.parse().ok()?;
        let mut code = Self { tokens: Vec::new(), functions: Vec::new() };
        code.walk(stream, false);
        proc_macro2::extra::invalidate_current_thread_spans();
        Some(code)
    }

    pub fn has_function(&self, name: &str) -> bool {
        self.functions.iter().any(|function| function.name == name)
    }

    fn walk(&mut self, stream: TokenStream, in_test: bool) {
        let trees: Vec<TokenTree> = stream.into_iter().collect();
        // Set by a test attribute; ends with the item that it stands before.
        let mut test_item = false;
        let mut pending: Option<(String, usize)> = None;
        for (at, tree) in trees.iter().enumerate() {
            let in_test_now = in_test || test_item;
            match tree {
                TokenTree::Group(group) => {
                    if group.delimiter() == Delimiter::Bracket && is_attribute(&trees, at) {
                        test_item |= is_test_attribute(&group.stream());
                        continue;
                    }
                    self.group(group, in_test || test_item);
                    if group.delimiter() == Delimiter::Brace {
                        if let Some((name, line)) = pending.take() {
                            let lines = group.span_close().end().line + 1 - line;
                            self.functions.push(Function { name, line, lines });
                        }
                        test_item = false;
                    }
                }
                TokenTree::Ident(ident) => {
                    if let (true, Some(TokenTree::Ident(name))) = (*ident == "fn", trees.get(at + 1)) {
                        pending = Some((name.to_string(), ident.span().start().line));
                    }
                    self.push(ident.to_string(), ident.span().start().line, Kind::Ident, in_test_now);
                }
                TokenTree::Punct(punct) => {
                    if punct.as_char() == ';' {
                        pending = None;
                        test_item = false;
                    }
                    self.push(punct.as_char().to_string(), punct.span().start().line, Kind::Punct, in_test_now);
                }
                TokenTree::Literal(literal) => {
                    self.push(literal.to_string(), literal.span().start().line, Kind::Literal, in_test_now);
                }
            }
        }
    }

    fn group(&mut self, group: &proc_macro2::Group, in_test: bool) {
        let (open, close) = match group.delimiter() {
            Delimiter::Brace => ("{", "}"),
            Delimiter::Bracket => ("[", "]"),
            Delimiter::Parenthesis | Delimiter::None => ("(", ")"),
        };
        self.push(open.to_owned(), group.span_open().start().line, Kind::Open, in_test);
        self.walk(group.stream(), in_test);
        self.push(close.to_owned(), group.span_close().start().line, Kind::Close, in_test);
    }

    fn push(&mut self, text: String, line: usize, kind: Kind, in_test: bool) {
        self.tokens.push(Token { text, line, kind, in_test });
    }
}

/// `#[…]` or `#![…]`.
fn is_attribute(trees: &[TokenTree], at: usize) -> bool {
    let punct = |back: usize, sign: char| {
        at.checked_sub(back)
            .and_then(|index| trees.get(index))
            .is_some_and(|tree| matches!(tree, TokenTree::Punct(punct) if punct.as_char() == sign))
    };
    punct(1, '#') || (punct(1, '!') && punct(2, '#'))
}

/// `cfg(test)`, also inside `all(…)`, or `test`; not `cfg(not(test))`.
fn is_test_attribute(attribute: &TokenStream) -> bool {
    let text: String = attribute.to_string().split_whitespace().collect();
    if text.contains("not(test)") {
        return false;
    }
    text == "test" || text == "cfg(test)" || (text.starts_with("cfg(all(") && text.contains("test"))
}
