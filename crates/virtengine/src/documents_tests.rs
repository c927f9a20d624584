//! What the documents and the error messages tell people to write is what the program takes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use ve_node::config::NodeConfig;
use ve_provider::config::ProviderConfig;

use crate::command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Files with an ending below a folder, by path; build output has no place in them.
fn files(folder: &Path, ending: &str, found: &mut Vec<(PathBuf, String)>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() && !path.ends_with("target") && !path.ends_with("node_modules") {
            files(&path, ending, found);
        } else if path.to_str().unwrap().ends_with(ending) {
            found.push((path.clone(), std::fs::read_to_string(&path).unwrap()));
        }
    }
}

fn documents() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    files(&root().join("docs/book"), ".md", &mut found);
    files(&root().join("examples"), ".md", &mut found);
    for name in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"] {
        found.push((root().join(name), std::fs::read_to_string(root().join(name)).unwrap()));
    }
    found
}

/// Content of the fences of one language.
fn fences(text: &str, language: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut inside: Option<bool> = None;
    for line in text.lines() {
        match (line.trim().strip_prefix("```"), inside) {
            (Some(opened), None) => {
                inside = Some(opened == language);
                found.extend((opened == language).then(String::new));
            }
            (Some(_), Some(_)) => inside = None,
            (None, Some(true)) => found.last_mut().unwrap().push_str(&format!("{line}\n")),
            _ => {}
        }
    }
    found
}

/// Text between single backticks on one line.
fn spans(text: &str) -> Vec<&str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn every_configuration_in_the_documents_is_taken_and_shows_the_defaults() {
    let mut seen = 0;
    for (path, text) in documents() {
        for example in fences(&text, "toml") {
            seen += 1;
            let node = NodeConfig::parse(&example);
            if let Ok(node) = node {
                assert_eq!(node, NodeConfig::default(), "{}: these are not the defaults", path.display());
                continue;
            }
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), &example).unwrap();
            let provider = ProviderConfig::load(file.path())
                .unwrap_or_else(|error| panic!("{}: {error}\nas a node: {node:?}", path.display()));
            let defaults = ProviderConfig::new(&provider.chain_id, provider.nodes.clone());
            let shown = |config: &ProviderConfig| serde_json::to_value(config).unwrap();
            assert_eq!(shown(&provider), shown(&defaults), "{}: these are not the defaults", path.display());
        }
    }
    assert!(seen >= 2, "the node's and the provider's configuration are documented");
}

#[test]
fn a_setting_that_does_not_exist_is_refused() {
    assert!(NodeConfig::parse("[rpc]\nport = 1\n").is_err());
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "chain_id = \"ve-1\"\nnodes = [\"http://127.0.0.1:1\"]\nport = 1\n").unwrap();
    assert!(ProviderConfig::load(file.path()).is_err());
}

#[test]
fn every_deployment_file_in_the_documents_and_examples_can_be_deployed() {
    let mut examples = Vec::new();
    for (path, text) in documents() {
        examples.extend(fences(&text, "yaml").into_iter().map(|example| (path.clone(), example)));
    }
    files(&root().join("examples"), ".yaml", &mut examples);
    assert!(examples.len() >= 2);
    for (path, example) in examples {
        ve_client::sdl::parse(&example).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

/// A word that stands for another one: `NAME`, `{name}`.
fn is_placeholder(word: &str) -> bool {
    word.starts_with('{') || word.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_')
}

/// Nothing is wrong but what a reader still has to fill in.
fn accepted(words: &[&str]) -> Result<(), String> {
    let Err(error) = command().try_get_matches_from(words) else { return Ok(()) };
    let fine = match error.kind() {
        ErrorKind::MissingRequiredArgument
        | ErrorKind::MissingSubcommand
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        | ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion => true,
        ErrorKind::InvalidSubcommand => match error.get(ContextKind::InvalidSubcommand) {
            Some(ContextValue::String(word)) => is_placeholder(word),
            _ => false,
        },
        // An option that is named without a value.
        ErrorKind::InvalidValue => {
            matches!(error.get(ContextKind::InvalidValue), Some(ContextValue::String(value)) if value.is_empty())
        }
        ErrorKind::ValueValidation => words.iter().any(|word| is_placeholder(word)),
        _ => false,
    };
    if fine { Ok(()) } else { Err(error.to_string()) }
}

#[test]
fn every_command_that_documents_and_messages_name_exists() {
    let mut texts = documents();
    files(&root().join("crates"), ".rs", &mut texts);
    let mut seen = 0;
    for (path, text) in &texts {
        let shell = fences(text, "sh").join("\n").replace("\\\n", " ");
        let shown = shell.lines().map(|line| line.split(" #").next().unwrap_or_default());
        for line in spans(text).into_iter().chain(shown) {
            let words = match (line.strip_prefix("virtengine "), line.strip_prefix("cargo run --release -- ")) {
                (Some(words), _) | (None, Some(words)) => words,
                (None, None) => continue,
            };
            // `tx …` leaves the rest to the reader, `--node {node}` to the program.
            let words: Vec<&str> = words.split_whitespace().take_while(|word| *word != "…").collect();
            seen += 1;
            let result = accepted(&[&["virtengine"], words.as_slice()].concat());
            assert_eq!(result, Ok(()), "{}: {line}", path.display());
        }
    }
    assert!(seen >= 20, "only {seen} commands were found");
    assert!(accepted(&["virtengine", "kyes", "list"]).is_err());
    assert!(accepted(&["virtengine", "keys", "list", "--unknown"]).is_err());
}

fn options(command: &clap::Command, found: &mut BTreeSet<String>) {
    found.extend(command.get_arguments().filter_map(|argument| Some(format!("--{}", argument.get_long()?))));
    command.get_subcommands().for_each(|child| options(child, found));
}

#[test]
fn every_option_that_the_book_names_exists() {
    // Two dashes alone end the options.
    let mut known = BTreeSet::from(["--".to_owned(), "--help".to_owned(), "--version".to_owned()]);
    options(&command(), &mut known);
    let mut book = Vec::new();
    files(&root().join("docs/book"), ".md", &mut book);
    let mut seen = 0;
    for (path, text) in &book {
        for option in spans(text).into_iter().filter(|span| span.starts_with("--")) {
            let name = option.split([' ', '=']).next().unwrap();
            assert!(known.contains(name), "{}: {option}", path.display());
            seen += 1;
        }
    }
    assert!(seen >= 4, "only {seen} options were found");
}
