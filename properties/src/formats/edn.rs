//! Jepsen's histories: operation maps in EDN.
//!
//! ```edn
//! {:type :invoke, :f :write, :value 3, :process 0, :time 12, :index 0}
//! #jepsen.history.Op{:index 1, :time 15, :type :ok, :process 0, :f :write, :value 3}
//! ```
//!
//! The maps are in sequence, or in a vector or list. Operations of processes that are no clients (`:process :nemesis`)
//! are left out. Porcupine's key-value text is the same with a `:key` beside the `:value`. For a value `[k v]` of
//! `jepsen.independent`, a `read` of `[k nil]` shows that it is a store of registers. Transactions have the function
//! `:txn` (or none) and lists of `[:r k v]`, `[:w k v]` and `[:append k v]`.

use clojure_reader::edn::{self, Edn};
use clojure_reader::error::Code;
use serde_json::{Map, Value};

use super::lines::LineError;
use super::object::Model;
use super::recorded::{Contents, Event, FailedCas, Kind, NullRead, Operations, Place, Recorded, calls};

/// The greatest nesting depth of values.
const DEPTH: usize = 64;

/// The history of a file.
///
/// # Errors
/// If the text is no EDN, a form is no operation, or the operations form no history.
pub fn read(text: &str) -> Result<Recorded, LineError> {
    let mut forms = Forms::new(text)?;
    let mut events = Vec::new();
    let mut keyed = false;
    let mut last_index = None;
    let (mut begins, mut forms_read) = (1, 0);
    while let Some((line, form)) = forms.next()? {
        let place = Place { line, event: None };
        forms_read += 1;
        let Some(operation) = operation(place, &form)? else { continue };
        if let (Some(last), Some(index)) = (last_index, operation.index)
            && index <= last
        {
            let what = format!("the :index {index} comes after {last}: the operations are out of order");
            return Err(place.wrong(what));
        }
        last_index = operation.index.or(last_index);
        if events.is_empty() {
            begins = line;
        }
        keyed |= operation.keyed;
        events.push(operation.event);
    }
    // A history with operations of the nemesis only is valid.
    if forms_read == 0 {
        return Err(LineError::new(1, "there is no operation in it"));
    }
    let (calls, completions_only) = calls(events)?;
    // Porcupine is the recorder that writes the key beside the value, and all its answers are definite.
    let operations = Operations {
        model: keyed.then_some(Model::Kv),
        init: keyed.then(|| Value::String(String::new())),
        failed_cas: keyed.then_some(FailedCas::Definite),
        null_read: keyed.then_some(NullRead::Absent),
        unit: "events",
        completions_only,
        calls,
    };
    Ok(Recorded { id: None, line: begins, contents: Contents::Operations(operations), expect: None })
}

/// The forms of a text, with their lines.
struct Forms<'t> {
    rest: &'t str,
    line: usize,
    /// The closing bracket, if the forms are in a vector or a list.
    close: Option<char>,
    closed: bool,
}

impl<'t> Forms<'t> {
    fn new(text: &'t str) -> Result<Self, LineError> {
        let mut forms = Forms { rest: text, line: 1, close: None, closed: false };
        forms.skip_space();
        let close = match forms.rest.chars().next() {
            Some('[') => Some(']'),
            Some('(') => Some(')'),
            _ => None,
        };
        if close.is_some() {
            forms.close = close;
            forms.rest = &forms.rest[1..];
        }
        Ok(forms)
    }

    /// The next form and its line.
    fn next(&mut self) -> Result<Option<(usize, Edn<'t>)>, LineError> {
        self.skip_space();
        if self.closed {
            return if self.rest.is_empty() {
                Ok(None)
            } else {
                Err(LineError::new(self.line, "there is something after the end of the history"))
            };
        }
        match (self.rest.chars().next(), self.close) {
            (None, None) => return Ok(None),
            (None, Some(close)) => {
                let what = format!("the file ends, and the '{close}' at its end is missing: was it cut off?");
                return Err(LineError::new(self.line, what));
            }
            (Some(first), Some(close)) if first == close => {
                self.rest = &self.rest[1..];
                self.closed = true;
                return self.next();
            }
            _ => {}
        }
        let (text, line) = (self.rest, self.line);
        let (form, rest) = edn::read(text).map_err(|error| {
            let eof = matches!(error.code, Code::UnexpectedEOF);
            // For a truncated form, the line of its beginning is more useful than that of the end.
            let inside = if eof { 0 } else { error.line.unwrap_or(1).saturating_sub(1) };
            LineError::new(line + inside, problem(&error.code))
        })?;
        self.advance(text.len() - rest.len());
        Ok(Some((line, form)))
    }

    fn advance(&mut self, bytes: usize) {
        let (read, rest) = self.rest.split_at(bytes);
        self.line += read.bytes().filter(|&byte| byte == b'\n').count();
        self.rest = rest;
    }

    /// White space, commas and comments.
    fn skip_space(&mut self) {
        loop {
            let space = self.rest.find(|c: char| !(c.is_whitespace() || c == ',')).unwrap_or(self.rest.len());
            self.advance(space);
            if !self.rest.starts_with(';') {
                return;
            }
            let comment = self.rest.find('\n').unwrap_or(self.rest.len());
            self.advance(comment);
        }
    }
}

fn problem(code: &Code) -> String {
    match code {
        Code::UnexpectedEOF => "the file ends in the middle of this: was it cut off?".into(),
        Code::UnmatchedDelimiter(c) => format!("there is a '{c}' too many, or one of another sort is missing"),
        Code::HashMapDuplicateKey => "a map has one key twice".into(),
        Code::SetDuplicateKey => "a set has one item twice".into(),
        Code::InvalidNumber | Code::InvalidRadix(_) => "there is a number that is none".into(),
        Code::InvalidKeyword => "there is a ':' without a name".into(),
        Code::InvalidEscape => "a text has an escape that is none; there are \\t \\r \\n \\\\ and \\\"".into(),
        other => format!("this is no EDN ({other:?})"),
    }
}

struct Operation {
    event: Event,
    index: Option<i64>,
    keyed: bool,
}

/// Reads an operation map; `None` for a process that is no client.
fn operation(place: Place, form: &Edn<'_>) -> Result<Option<Operation>, LineError> {
    let map = match form {
        Edn::Tagged(_, inner) => inner,
        other => other,
    };
    let Edn::Map(fields) = map else {
        let what = format!("expected an operation map, {{:type …, :f …, :value …, :process …}}, found {}", short(form));
        return Err(place.wrong(what));
    };
    let field = |name: &'static str| fields.get(&Edn::key(name));
    let missing = |name: &str| place.wrong(format_args!("the operation has no :{name}"));
    let process = match field("process").ok_or_else(|| missing("process"))? {
        Edn::Int(process) => u64::try_from(*process)
            .map_err(|_| place.wrong(format_args!(":process is {process}; clients are numbered from 0")))?,
        Edn::Key(_) => return Ok(None),
        other => {
            let what = format!(":process is {}, and neither a number nor a name such as :nemesis", short(other));
            return Err(place.wrong(what));
        }
    };
    let kind = match field("type").ok_or_else(|| missing("type"))? {
        Edn::Key(name) if name == "invoke" => Kind::Invoke,
        Edn::Key(name) if name == "ok" => Kind::Ok,
        Edn::Key(name) if name == "fail" => Kind::Fail,
        Edn::Key(name) if name == "info" => Kind::Info,
        other => {
            let what = format!(":type is {}, and not :invoke, :ok, :fail or :info", short(other));
            return Err(place.wrong(what));
        }
    };
    let value = field("value").map_or(Ok(Value::Null), |value| json(value, 0)).map_err(|what| place.wrong(what))?;
    let function = match field("f") {
        Some(Edn::Key(name) | Edn::Str(name) | Edn::Symbol(name)) => name.to_string(),
        // Elle's own histories omit the function.
        None | Some(Edn::Nil) if value.is_array() => "txn".into(),
        None | Some(Edn::Nil) => return Err(missing("f")),
        Some(other) => return Err(place.wrong(format_args!(":f is {}, and no name", short(other)))),
    };
    let index = match field("index") {
        Some(Edn::Int(index)) => Some(*index),
        _ => None,
    };
    let key = field("key").map(|key| json(key, 0)).transpose().map_err(|what| place.wrong(what))?;
    let keyed = key.is_some();
    let value = match key {
        Some(key) => Value::Array(vec![key, value]),
        None => value,
    };
    let is_final = matches!(field("final?"), Some(Edn::Bool(true)));
    Ok(Some(Operation { event: Event { place, process, kind, function, value, is_final }, index, keyed }))
}

/// The value of a text, which is one form.
pub(super) fn value(text: &str) -> Result<Value, String> {
    let (form, rest) = edn::read(text).map_err(|error| problem(&error.code))?;
    if !rest.trim().is_empty() {
        return Err(format!("there is something after the value: {}", rest.trim()));
    }
    json(&form, 0)
}

/// A form in a few words.
fn short(form: &Edn<'_>) -> String {
    let text = form.to_string();
    match text.chars().count() {
        0..60 => text,
        _ => text.chars().take(58).chain(['…']).collect(),
    }
}

/// A value as JSON. Keywords and symbols become texts, sets become lists.
fn json(form: &Edn<'_>, depth: usize) -> Result<Value, String> {
    if depth > DEPTH {
        return Err(format!("a value is nested more than {DEPTH} deep"));
    }
    let list = |items: &mut dyn Iterator<Item = &Edn<'_>>| {
        items.map(|item| json(item, depth + 1)).collect::<Result<_, _>>().map(Value::Array)
    };
    match form {
        Edn::Nil => Ok(Value::Null),
        Edn::Bool(b) => Ok(Value::Bool(*b)),
        Edn::Int(n) => Ok((*n).into()),
        Edn::Double(number) => Ok(number.0.into()),
        Edn::Key(text) | Edn::Symbol(text) | Edn::Str(text) => Ok(Value::String(text.to_string())),
        Edn::Vector(items) | Edn::List(items) => list(&mut items.iter()),
        Edn::Set(items) => list(&mut items.iter()),
        Edn::Tagged(_, inner) => json(inner, depth + 1),
        Edn::Map(fields) => {
            let mut object = Map::new();
            for (key, value) in fields {
                let key = match json(key, depth + 1)? {
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                if object.contains_key(&key) {
                    return Err(format!("a map has the key {key} as a number and as a text"));
                }
                object.insert(key, json(value, depth + 1)?);
            }
            Ok(Value::Object(object))
        }
        other => Ok(Value::String(other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_calls(text: &str) -> Vec<(usize, u64, String, Value, Option<Value>)> {
        let Contents::Operations(operations) = read(text).expect("a history").contents else { panic!("operations") };
        let calls = operations.calls.into_iter();
        calls.map(|c| (c.place.line, c.process, c.function, c.asked, c.ended.map(|ended| ended.value))).collect()
    }

    #[test]
    fn maps_in_a_row_in_a_vector_or_tagged_are_the_same() {
        let one = "{:type :invoke, :f :write, :value 3, :process 0, :time 12, :index 0}";
        let two = "{:process :nemesis, :type :info, :f :start, :value nil}";
        let three = "{:type :ok, :f :write, :value 3, :process 0, :time 15, :index 1}";
        let expected = vec![(2, 0, "write".to_string(), Value::from(3), Some(Value::from(3)))];
        assert_eq!(read_calls(&format!("; a comment\n{one}\n{two}\n{three}\n")), expected);
        assert_eq!(read_calls(&format!("; a comment\n[{one}\n{two},\n{three}]")), expected);
        let op = "#jepsen.history.Op";
        assert_eq!(read_calls(&format!("\n{op}{one}\n\n{op} {two} {op}{three}")), expected);
    }

    #[test]
    fn what_is_no_history_is_refused_with_the_line() {
        let invoke = "{:type :invoke, :f :read, :value nil, :process 0}";
        let cases = [
            (format!("{invoke}\n{{:type :ok, :f :read"), "line 2: the file ends in the middle"),
            (format!("[{invoke}\n\n"), "line 3: the file ends, and the ']'"),
            (format!("[{invoke}]\n 3"), "line 2: there is something after"),
            (format!("{invoke}\n{invoke}"), "line 2: process 0 invokes read, but its read of line 1 is still open"),
            (
                format!("{invoke}\n{{:type :ok, :f :read, :process 1}}"),
                "line 2: process 1 has a response to read, but no invocation",
            ),
            ("{:type :maybe, :f :read, :process 1}".into(), "line 1: :type is :maybe"),
            ("{:type :ok, :f :read, :process 1.5}".into(), "line 1: :process is 1.5"),
            ("{:type :ok, :f :read}".into(), "line 1: the operation has no :process"),
            ("{:type :ok, :process 1}".into(), "line 1: the operation has no :f"),
            ("\n\n[1 2]".into(), "line 3: expected an operation map"),
            ("{:type :ok, :f 5, :process 1}".into(), "line 1: :f is 5"),
            (format!("{invoke}\n}}"), "line 2: there is a '}' too many"),
            ("[".repeat(100_000), "line 1: the file ends"),
            (
                format!("{{:type :ok, :f :read, :process 1, :value {}{}}}", "[".repeat(90), "]".repeat(90)),
                "line 1: a value is nested",
            ),
            (
                "{:index 4, :type :invoke, :f :read, :process 1}\n{:index 2, :type :invoke, :f :read, :process 2}"
                    .into(),
                "line 2: the :index 2 comes after 4",
            ),
            (String::new(), "line 1: there is no operation"),
        ];
        for (text, expected) in cases {
            let error = read(&text).expect_err(expected).to_string();
            assert!(error.starts_with(expected), "expected: {expected}\n   found: {error}");
        }
    }
}
