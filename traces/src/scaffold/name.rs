//! Names of new items.

use std::fmt;

use anyhow::bail;

/// A name in snake case that is valid for a file, a module and a test; and its form in camel case for the type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    snake: String,
    camel: String,
}

/// The greatest length with which no line of the templates needs another line break.
const LONGEST: usize = 32;

/// The keywords of Rust, including reserved ones: <https://doc.rust-lang.org/reference/keywords.html>.
const KEYWORDS: [&str; 51] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
    "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true",
    "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Names that are not possible for a test crate or a module.
const TAKEN: [&str; 8] = ["std", "core", "alloc", "proc_macro", "test", "lib", "main", "suite"];

impl Name {
    /// Checks a name.
    ///
    /// # Errors
    /// If it is not valid; the error says what a name looks like.
    pub fn new(text: &str) -> anyhow::Result<Self> {
        let part = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        let begins = text.starts_with(|c: char| c.is_ascii_lowercase());
        if !begins || !text.split('_').all(part) {
            bail!(
                "'{text}' is not a name in snake case: small letters and digits, joined by _, such as two_phase_commit"
            );
        }
        if text.len() > LONGEST {
            bail!("'{text}' is too long a name: {LONGEST} letters at most");
        }
        if KEYWORDS.contains(&text) {
            bail!("'{text}' is a keyword of Rust; choose another name");
        }
        if TAKEN.contains(&text) || text.starts_with("seedbed") {
            bail!("a module or a test cannot be called '{text}'; choose another name");
        }
        let capital = |part: &str| part[..1].to_uppercase() + &part[1..];
        Ok(Name { snake: text.to_string(), camel: text.split('_').map(capital).collect() })
    }

    /// In snake case, for modules and files.
    pub fn snake(&self) -> &str {
        &self.snake
    }

    /// In camel case, for types.
    pub fn camel(&self) -> &str {
        &self.camel
    }

    /// Checks that a template does not use the name for something else.
    ///
    /// # Errors
    /// If the template has the name.
    pub fn must_not_be_a_word_of(&self, template: &str) -> anyhow::Result<()> {
        let code = template.lines().filter(|line| !line.trim_start().starts_with("//"));
        let mut words = code.flat_map(|line| line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
        match words.find(|word| *word == self.camel) {
            Some(word) => {
                bail!(
                    "'{self}' would be the type {word}, and the files that the new ones are made from use that name \
                     already; choose another name"
                )
            }
            None => Ok(()),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.snake)
    }
}
