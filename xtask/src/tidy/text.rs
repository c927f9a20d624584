//! Rules over lines and file names.

use regex::Regex;

use super::{
    Violation,
    exceptions::Exceptions,
    tree::{File, Tree},
};

/// Longest file written by people, in lines.
const LINES: usize = 800;
/// Largest file of any kind, in bytes.
const BYTES: u64 = 1 << 20;

pub fn whitespace(tree: &Tree, _: &Exceptions) -> Vec<Violation> {
    let mut found = lines(tree, "whitespace", |file, line| {
        // Two trailing spaces are a line break in Markdown, but an invisible one.
        let ends = line.ends_with([' ', '\t', '\r']);
        let tab = line.contains('\t') && (file.path.ends_with(".rs") || file.path.ends_with(".toml"));
        (ends || tab).then(|| if ends { "trailing white space" } else { "tab; indent with spaces" }.to_owned())
    });
    for (file, text) in tree.written().filter(|(file, _)| !is_fixture(file)) {
        let message = match text {
            "" => continue,
            _ if !text.ends_with('\n') => "no newline at the end",
            _ if text.ends_with("\n\n") => "empty lines at the end",
            _ => continue,
        };
        found.push(Violation {
            path: file.path.clone(),
            line: text.lines().count(),
            rule: "whitespace",
            message: message.to_owned(),
        });
    }
    found
}

pub fn emoji(tree: &Tree, _: &Exceptions) -> Vec<Violation> {
    lines(tree, "emoji", |_, line| {
        let bad = line.chars().find(|c| {
            let c = u32::from(*c);
            (0x1F000..=0x1FAFF).contains(&c)
                || (0x2600..=0x27BF).contains(&c) && !(0x2713..=0x2718).contains(&c)
                || c == 0xFE0F
                || matches!(c, 0x2B1B | 0x2B1C | 0x2B50 | 0x2B55 | 0x231A | 0x231B)
        })?;
        Some(format!("U+{:04X}; say it in words", u32::from(bad)))
    })
}

/// Words by which unfinished or pretended code is known.
pub fn banned_words(tree: &Tree, _: &Exceptions) -> Vec<Violation> {
    let everywhere =
        pattern(r"\b(TODO|FIXME|XXX|HACK|WIP)\b|(?i:\bfor now\b|\bsimplified\b|\bstubs?\b|\bdumm(y|ies)\b)");
    let product = pattern(r"(?i)\b(mock(ed|s)?|fakes?|placeholder (code|value|implementation|until))\b");
    let ticket = pattern(r"(?i)\b(issue|ticket|PR|pull request) ?#\d+|\bfixes #\d+");
    lines(tree, "banned-words", |file, line| {
        if is_rule_source(file) {
            return None;
        }
        // The name under which libp2p has a handler that does nothing.
        let line = &line.replace("dummy::ConnectionHandler", "");
        let is_product = file.path.ends_with(".rs") && !file.is_test() && !line.contains("features = [");
        let hit = everywhere
            .find(line)
            .or_else(|| product.find(line).filter(|_| is_product))
            .or_else(|| ticket.find(line))?;
        Some(format!("`{}`; finish it, or say what the code does", hit.as_str()))
    })
}

/// Promises about code that does not exist. Docs and comments say what is.
pub fn promises(tree: &Tree, _: &Exceptions) -> Vec<Violation> {
    let promise = pattern(concat!(
        r"(?i)\b(will be (added|implemented|supported|replaced|done)|to be (implemented|done|added)|coming soon|",
        r"not (yet )?(implemented|supported yet|wired)|in a (real|future|later) (implementation|version|system|release)|",
        r"future work|once .{1,40} (lands|is implemented|exists)|left (for|to) later|as a first step)\b"
    ));
    lines(tree, "promises", |file, line| {
        if is_rule_source(file) || !(is_document(file) || is_comment(line)) {
            return None;
        }
        Some(format!("`{}`; say what is, or leave it out", promise.find(line)?.as_str()))
    })
}

/// Paths of one person's machine. Tests may name them, to show that a workload does not see them.
pub fn machine_paths(tree: &Tree, _: &Exceptions) -> Vec<Violation> {
    let path = pattern(r#"(^|[\s"'`(=:])(/work/[a-z.]|/root/\.|/home/[a-z0-9_-]+/|/Users/[A-Za-z]|[A-Z]:\\Users)"#);
    lines(tree, "machine-paths", |file, line| {
        if is_rule_source(file) || file.is_test() {
            return None;
        }
        Some(format!("`{}`; use a relative path or a setting", path.find(line)?.as_str().trim()))
    })
}

pub fn file_length(tree: &Tree, _: &Exceptions) -> Vec<Violation> {
    tree.written()
        .filter(|(file, _)| !is_fixture(file))
        .map(|(file, text)| (file, text.lines().count()))
        .filter(|(_, count)| *count > LINES)
        .map(|(file, count)| Violation {
            path: file.path.clone(),
            line: 0,
            rule: "file-length",
            message: format!("{count} lines, the limit is {LINES}; split it by concept"),
        })
        .collect()
}

pub fn file_size(tree: &Tree, exceptions: &Exceptions) -> Vec<Violation> {
    tree.files
        .iter()
        .filter(|file| file.size > BYTES && !exceptions.large_file(&file.path))
        .map(|file| Violation {
            path: file.path.clone(),
            line: 0,
            rule: "file-size",
            message: format!("{} bytes, the limit is {BYTES}; generate it or keep it elsewhere", file.size),
        })
        .collect()
}

/// Documents live in few places and describe what is, never how the work goes.
pub fn stray_documents(tree: &Tree, _: &Exceptions) -> Vec<Violation> {
    let allowed = pattern(concat!(
        r"^(README|ARCHITECTURE|CONTRIBUTING|CHANGELOG|SECURITY)\.md$",
        r"|^docs/(book|adr|runbooks)/[a-z0-9/_-]+\.md$|^docs/book/src/SUMMARY\.md$",
        r"|^(crates|examples|tests|sdk|web|ml|deploy|proto)/([A-Za-z0-9._-]+/)*README\.md$"
    ));
    let diary =
        pattern(r"(?i)(^|[/_-])(status|plan|progress|summary|completion|roadmap|notes|todo|report|handover)([/_.-]|$)");
    let mut found = Vec::new();
    for file in tree.files.iter().filter(|file| file.path.ends_with(".md") || file.path.ends_with(".txt")) {
        let is_text = file.path.ends_with(".txt");
        let is_diary = diary.is_match(&file.path) && file.path != "docs/book/src/SUMMARY.md" && !is_fixture(file);
        let message = if is_diary {
            "diaries and plans do not belong in the tree"
        } else if !is_text && !allowed.is_match(&file.path) && !is_fixture(file) {
            "documents live in docs/book, docs/adr, docs/runbooks or a README"
        } else {
            continue;
        };
        found.push(Violation {
            path: file.path.clone(),
            line: 0,
            rule: "stray-documents",
            message: message.to_owned(),
        });
    }
    found
}

fn lines(tree: &Tree, rule: &'static str, judge: impl Fn(&File, &str) -> Option<String>) -> Vec<Violation> {
    let mut found = Vec::new();
    for (file, text) in tree.written().filter(|(file, _)| !is_fixture(file)) {
        for (at, line) in text.split('\n').enumerate() {
            if let Some(message) = judge(file, line) {
                found.push(Violation { path: file.path.clone(), line: at + 1, rule, message });
            }
        }
    }
    found
}

/// Inputs of tests taken over from elsewhere, kept byte for byte.
fn is_fixture(file: &File) -> bool {
    let part = |name: &str| file.path.split('/').any(|part| part == name);
    part("vectors") || part("fixtures") || part("corpus") || file.path == "LICENSE"
}

/// These files must spell out what they look for.
fn is_rule_source(file: &File) -> bool {
    file.path.starts_with("xtask/src/tidy/") || file.path == "CONTRIBUTING.md"
}

fn is_document(file: &File) -> bool {
    file.path.ends_with(".md")
}

fn is_comment(line: &str) -> bool {
    line.contains("//") || line.trim_start().starts_with(['#', '*'])
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the rule's pattern is valid")
}
