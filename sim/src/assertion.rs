//! The name of a failed assertion: where it stands, and the words of its message that do not change from one failure to
//! another. Shrinking and kept traces know a violation by its property's name alone, so two assertions must not share
//! one, and one assertion must keep its name when its values change, and when lines are added above it.
//!
//! A panic hands over formatted text, so a value is recognised by how it looks:
//!
//! | in the message | in the name |
//! |---|---|
//! | a word of lower-case letters; the first word of a sentence | itself |
//! | what has a digit, an underscore or a capital letter in it, `true`, `false` | `_` |
//! | what stands in quotes, backticks or brackets, to the bracket that closes | `_`, together with the value before it |
//! | values with nothing but spaces and punctuation between them | one `_` |
//! | what follows on the first line | nothing |
//!
//! A value that prints as plain lower-case words is therefore taken for words; `{:?}` puts quotes around a string.
//!
//! The standard library's own messages (`unwrap`, an index out of bounds, an overflow, `assert_eq!` without a message)
//! are the same at every place. These names contain the line as well, and change when it does.

use std::panic::Location;

/// Where a panic began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl From<&Location<'_>> for Place {
    fn from(at: &Location<'_>) -> Self {
        Place { file: at.file().into(), line: at.line(), column: at.column() }
    }
}

/// The name of the property that a panic violates.
pub(crate) fn name(place: Option<&Place>, message: &str) -> String {
    let (words, tell_apart) = match words(message) {
        Words::Custom(words) => (words, false),
        Words::Standard(words) => (words, true),
    };
    match place {
        None => format!("assertion: {words}"),
        Some(Place { file, line, .. }) if tell_apart => format!("assertion: {}:{line}: {words}", local(file)),
        Some(Place { file, .. }) => format!("assertion: {}: {words}", local(file)),
    }
}

/// The path of a source file as it is on every machine: from the folder below `src`, or from `tests`, `examples` or
/// `benches`. A dependency's path begins in some registry's folder, a workspace's in the workspace.
fn local(file: &str) -> String {
    let parts: Vec<&str> = file.split(['/', '\\']).collect();
    let folders = &parts[..parts.len() - 1];
    let from = match folders.iter().rposition(|part| ["src", "tests", "examples", "benches"].contains(part)) {
        Some(at) if parts[at] == "src" => at + 1,
        Some(at) => at,
        None => folders.len().saturating_sub(1),
    };
    parts[from..].join("/")
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Words {
    /// A message written for this assertion.
    Custom(String),
    /// The standard library's own message, the same in every such panic.
    Standard(String),
}

/// Beginnings of the standard library's own messages, up to the first value.
const STANDARD_MESSAGES: [&str; 22] = [
    "called `Option::unwrap()` on a `None` value",
    "called `Result::unwrap()` on an `Err` value",
    "called `Result::unwrap_err()` on an `Ok` value",
    "index out of bounds",
    "range start index",
    "range end index",
    "slice index starts at",
    "byte index",
    "start byte index",
    "end byte index",
    "begin <= end",
    "swap_remove index",
    "removal index",
    "insertion index",
    "already borrowed",
    "already mutably borrowed",
    "RefCell already",
    "mid > len",
    "capacity overflow",
    "no entry found for key",
    "explicit panic",
    "a panic without words",
];

/// What the assertion macros put before the message, with a colon in between; nothing follows if there is no message.
const MACROS: [&str; 6] = [
    "assertion `left == right` failed",
    "assertion `left != right` failed",
    "assertion `left matches right` failed",
    "internal error: entered unreachable code",
    "not implemented",
    "not yet implemented",
];

fn words(message: &str) -> Words {
    if let Some(expression) = message.strip_prefix("assertion failed: ") {
        // `assert!` without a message prints its condition, whose numbers are code; rustc breaks long ones into lines.
        return Words::Custom(shortened(expression.split_whitespace().collect::<Vec<_>>().join(" ")));
    }
    let arithmetic = message.starts_with("attempt to ")
        && ["with overflow", "by zero", "divisor of zero"].iter().any(|end| message.ends_with(end));
    if arithmetic {
        return Words::Standard(message.into());
    }
    if let Some(said) = STANDARD_MESSAGES.iter().find(|said| message.starts_with(**said)) {
        return Words::Standard(said.to_string());
    }
    for said in MACROS {
        let Some(rest) = message.strip_prefix(said) else { continue };
        let Some(rest) = rest.strip_prefix(": ") else { return Words::Standard(said.into()) };
        // `assert_eq!` prints both sides behind the message, each on a line of its own.
        let rest = rest.rsplit_once("\n  left: ").map_or(rest, |(words, _)| words);
        return custom(rest).unwrap_or(Words::Standard(said.into()));
    }
    custom(message).unwrap_or(Words::Standard("no words".into()))
}

/// The words of a message without its values; `None` if there are none.
fn custom(message: &str) -> Option<Words> {
    let pieces = pieces(message.trim_start());
    let words = pieces.iter().any(|piece| matches!(piece, Piece::Word(_)));
    words.then(|| Words::Custom(shortened(pieces.iter().map(Piece::text).collect::<String>().trim().to_string())))
}

/// Shortens a name: names are printed, and become parts of file names.
fn shortened(text: String) -> String {
    const MOST: usize = 120;
    if text.chars().count() <= MOST { text } else { text.chars().take(MOST).chain(['…']).collect() }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece<'a> {
    Word(&'a str),
    Value,
    Space,
    Mark(char),
}

impl Piece<'_> {
    fn text(&self) -> String {
        match self {
            Piece::Word(word) => (*word).into(),
            Piece::Value => "_".into(),
            Piece::Space => " ".into(),
            Piece::Mark(mark) => mark.to_string(),
        }
    }
}

/// The pieces of the first line; brackets and quotes that open in it may close in a later one.
fn pieces(message: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = message;
    while let Some(next) = rest.chars().next().filter(|c| *c != '\n') {
        let before = message[..message.len() - rest.len()].chars().next_back();
        let length = if is_of_word(next) {
            let length = rest.find(|c| !is_of_word(c)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(length);
            if is_value(word) && !begins_a_sentence(&pieces, word, after) {
                push_value(&mut pieces);
            } else {
                pieces.push(Piece::Word(word));
            }
            length
        } else if let Some(length) = enclosed(rest, before) {
            push_value(&mut pieces);
            length
        } else {
            let space = next.is_whitespace();
            if !space || pieces.last() != Some(&Piece::Space) {
                pieces.push(if space { Piece::Space } else { Piece::Mark(next) });
            }
            next.len_utf8()
        };
        rest = &rest[length..];
    }
    pieces
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_value(word: &str) -> bool {
    word.chars().any(|c| c.is_numeric() || c.is_uppercase() || c == '_') || matches!(word, "true" | "false")
}

/// `Term went back`: a capital letter, then small ones, then a word.
fn begins_a_sentence(before: &[Piece<'_>], word: &str, after: &str) -> bool {
    let rest_is_small = word.chars().skip(1).all(|c| c.is_lowercase());
    let mut after = after.chars();
    before.is_empty() && rest_is_small && after.next() == Some(' ') && after.next().is_some_and(char::is_lowercase)
}

/// Appends a value, and merges it with the value before if there is no word between them.
fn push_value(pieces: &mut Vec<Piece<'_>>) {
    let between = pieces.iter().rev().take_while(|piece| matches!(piece, Piece::Space | Piece::Mark(_))).count();
    let before = pieces.len() - between;
    if before > 0 && pieces[before - 1] == Piece::Value {
        return pieces.truncate(before);
    }
    // A sign is a part of the number.
    if let [.., Piece::Space, Piece::Mark('-' | '+')] | [Piece::Mark('-' | '+')] = pieces[..] {
        pieces.pop();
    }
    pieces.push(Piece::Value);
}

/// The length of the quotation or bracketed text that begins here, if one does; it ends with the text if it never
/// closes.
fn enclosed(text: &str, before: Option<char>) -> Option<usize> {
    let open = text.chars().next()?;
    match open {
        '"' => Some(quoted(text)),
        '`' => text[1..].find(['`', '\n']).filter(|at| text[1 + at..].starts_with('`')).map(|at| at + 2),
        // An apostrophe follows a letter; an opening quote does not, and a closing quote is not followed by a letter.
        '\'' if !before.is_some_and(char::is_alphanumeric) => {
            let close = text[1..].find(['\'', '\n']).filter(|at| *at > 0 && text[1 + at..].starts_with('\''))?;
            let after = text[close + 2..].chars().next();
            (!after.is_some_and(char::is_alphanumeric)).then_some(close + 2)
        }
        '(' | '[' | '{' => Some(bracketed(text)),
        _ => None,
    }
}

/// The length of a string as `{:?}` writes it.
fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn bracketed(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        at += match c {
            '"' => quoted(&text[at..]),
            _ => c.len_utf8(),
        };
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests;
