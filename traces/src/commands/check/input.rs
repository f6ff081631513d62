//! The input of `check`: files and their histories.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use seedbed_properties::formats::{
    Contents, LineError, Recorded, edn, etcd_log, etcd_operations, isovista, jepsen_json, jepsen_text, json,
};
use seedbed_sim::TraceError;

use crate::files;
use crate::registry;

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One history per line, as JSON.
    Jsonl,
    /// Jepsen's operation maps, old and new; also porcupine's key-value text.
    #[value(alias = "kv-text")]
    Edn,
    /// Jepsen's operation maps as JSON: an array (history.json), or one on each line.
    JepsenJson,
    /// Jepsen's history.txt, divided by tabs.
    JepsenText,
    /// Jepsen's log of etcd, in porcupine's form.
    EtcdLog,
    /// The operations.json of etcd's robustness tests.
    EtcdOperations,
    /// Transactions of PolySI, IsoVista and Cobra, as text: r(key, value, session, transaction).
    #[value(alias = "polysi", alias = "cobra")]
    Isovista,
    /// A trace of seedbed, which is replayed for its history.
    Trace,
}

/// Reads a file, or standard input for `-`.
///
/// # Errors
/// If it cannot be read, or is no UTF-8 text.
pub fn read(file: &Path) -> anyhow::Result<String> {
    let bytes = if file == Path::new("-") {
        files::HISTORIES.bytes_from(std::io::stdin()).context("cannot read standard input")?
    } else {
        files::HISTORIES.bytes_of(file)?
    };
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + good.iter().filter(|&&byte| byte == b'\n').count();
        anyhow::anyhow!("{}:{line}: this is no text (not UTF-8)", name(file))
    })
}

/// The name of a file in messages.
pub fn name(file: &Path) -> String {
    if file == Path::new("-") { "standard input".into() } else { file.display().to_string() }
}

/// Detects the format of a text; `None` if it is unknown.
pub fn detect(text: &str) -> Option<Format> {
    let head = text.trim_start_matches(|c: char| c.is_whitespace() || c == ',' || c == '\u{feff}');
    // EDN may begin with a comment.
    if head.starts_with(';') {
        return Some(Format::Edn);
    }
    let first = head.lines().next().unwrap_or_default();
    let after = |open: char| head.strip_prefix(open).map(str::trim_start).unwrap_or_default();
    match head.chars().next()? {
        '{' if after('{').starts_with(':') => Some(Format::Edn),
        '{' if after('{').starts_with("\"version\"") => Some(Format::Trace),
        '{' if !first.trim_end().ends_with('}') && text.contains("\"scenario\"") => Some(Format::Trace),
        '{' if etcd_operations::is_operation(first) => Some(Format::EtcdOperations),
        '{' if jepsen_json::is_operation(first) => Some(Format::JepsenJson),
        '{' => Some(Format::Jsonl),
        '[' if after('[').strip_prefix('{').is_some_and(|map| map.trim_start().starts_with('"')) => {
            Some(Format::JepsenJson)
        }
        '[' if after('[').starts_with(['{', '#', ';', ']']) || after('[').is_empty() => Some(Format::Edn),
        '(' | '#' => Some(Format::Edn),
        _ if text.contains(etcd_log::LOGGER) => Some(Format::EtcdLog),
        _ if jepsen_text::is_operation(first) => Some(Format::JepsenText),
        'r' | 'w' if isovista::is_operation(first) => Some(Format::Isovista),
        _ => None,
    }
}

/// The histories of a text, and the errors of lines without one.
pub fn histories(text: &str, format: Option<Format>) -> Vec<Result<Recorded, LineError>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let Some(format) = format.or_else(|| detect(text)) else {
        let what = if text.trim().is_empty() {
            "there is nothing in it"
        } else {
            "cannot tell what this is; say --format jsonl, edn, jepsen-json, jepsen-text, etcd-log, etcd-operations, \
             isovista or trace"
        };
        return vec![Err(LineError { line: 1, what: what.into() })];
    };
    match format {
        Format::Jsonl => {
            let histories: Vec<_> = json::read(text).collect();
            if histories.is_empty() {
                vec![Err(LineError { line: 1, what: "there is nothing in it".into() })]
            } else {
                histories
            }
        }
        Format::Edn => vec![edn::read(text)],
        Format::JepsenJson => vec![jepsen_json::read(text)],
        Format::JepsenText => vec![jepsen_text::read(text)],
        Format::EtcdLog => vec![etcd_log::read(text)],
        Format::EtcdOperations => vec![etcd_operations::read(text)],
        Format::Isovista => vec![isovista::read(text)],
        Format::Trace => vec![trace(text)],
    }
}

/// The history of a trace.
fn trace(text: &str) -> Result<Recorded, LineError> {
    let refused = |error: TraceError| {
        let line = match &error {
            TraceError::Damaged { line, .. } => (*line).max(1),
            _ => 1,
        };
        LineError { line, what: error.to_string() }
    };
    let head = seedbed_sim::trace::head(text).map_err(refused)?;
    let component = registry::find(&head.model).map_err(|error| LineError { line: 1, what: error.to_string() })?;
    let operations = component.history(text).map_err(refused)?.ok_or_else(|| {
        let what =
            format!("the operations of {} do not read as those on an object; the registry says which do", head.model);
        LineError { line: 1, what }
    })?;
    Ok(Recorded { id: None, line: 1, contents: Contents::Operations(operations), expect: None })
}

/// The file of the n-th drawing, if there are many: `out.dot`, `out-2.dot`, ….
pub fn numbered(out: &Path, n: usize) -> PathBuf {
    if n == 0 {
        return out.to_path_buf();
    }
    let stem = out.file_stem().unwrap_or_default().to_string_lossy();
    let extension = out.extension().map_or(String::new(), |extension| format!(".{}", extension.to_string_lossy()));
    out.with_file_name(format!("{stem}-{}{extension}", n + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_their_contents() {
        let cases = [
            ("{\"id\": 1}", Some(Format::Jsonl)),
            ("\n{\"events\": [", Some(Format::Jsonl)),
            ("{\n  \"version\": 1,\n", Some(Format::Trace)),
            ("{:type :invoke}", Some(Format::Edn)),
            ("{ :type :invoke}", Some(Format::Edn)),
            ("[{:type :invoke}]", Some(Format::Edn)),
            ("[\n #jepsen.history.Op{", Some(Format::Edn)),
            ("; words\n({:type :ok}", Some(Format::Edn)),
            ("#jepsen.history.Op{", Some(Format::Edn)),
            ("2015-05-21 INFO  jepsen.util - 0\t:invoke", Some(Format::EtcdLog)),
            ("INFO  jepsen.util - 0\t:invoke", Some(Format::EtcdLog)),
            ("[{\"type\":\"invoke\"", Some(Format::JepsenJson)),
            ("[\n {\"process\":0", Some(Format::JepsenJson)),
            ("{\"type\": \"invoke\", \"f\": \"txn\", \"process\": 0}\n", Some(Format::JepsenJson)),
            ("{\"ClientId\":1,\"Input\":{", Some(Format::EtcdOperations)),
            ("0\t:invoke\t:write\t3\n", Some(Format::JepsenText)),
            (":nemesis\t:info\t:start\tnil", Some(Format::JepsenText)),
            ("w(1,0,0,0)\n", Some(Format::Isovista)),
            ("r (1", Some(Format::Isovista)),
            ("write", None),
            ("hello", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(detect(text), expected, "{text}");
        }
    }

    #[test]
    fn drawings_are_numbered() {
        assert_eq!(numbered(Path::new("a/b.dot"), 0), Path::new("a/b.dot"));
        assert_eq!(numbered(Path::new("a/b.dot"), 1), Path::new("a/b-2.dot"));
        assert_eq!(numbered(Path::new("b"), 2), Path::new("b-3"));
    }
}
