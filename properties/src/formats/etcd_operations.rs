//! The `operations.json` of etcd's robustness tests: an operation a line, with its times in nanoseconds.
//!
//! ```json
//! {"ClientId": 1, "Input": {"Type": "range", "Range": {"Start": "a", "End": ""}}, "Call": 30,
//!  "Output": {"Range": {"KVs": [{"Key": "a", "Value": {"Value": "1"}}]}, "Error": ""}, "Return": 40}
//! ```
//!
//! (In the file, that is one line.) Gets, puts and deletes of one key are read, as those of a key-value store that is
//! initially empty; ranges, conditions, leases and old revisions are refused by name. An operation with an error, or
//! without an output, may have had an effect or not. Revisions are not compared.

use serde::Deserialize;
use serde_json::{Value, json};

use super::lines::{self, LineError, whole_numbers};
use super::object::Model;
use super::recorded::{Call, Contents, Ended, FailedCas, Kind, NullRead, Operations, Place, Recorded};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Line {
    client_id: u64,
    input: Input,
    call: u64,
    #[serde(default)]
    output: Option<Output>,
    #[serde(rename = "Return")]
    returned: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    r#type: String,
    #[serde(default)]
    range: Option<Range>,
    #[serde(default)]
    txn: Option<Txn>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Range {
    start: String,
    #[serde(default)]
    end: String,
    #[serde(default)]
    limit: i64,
    #[serde(default)]
    revision: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Txn {
    #[serde(default)]
    conditions: Option<Vec<Value>>,
    #[serde(default)]
    operations_on_success: Option<Vec<Operation>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Operation {
    r#type: String,
    #[serde(default)]
    put: Option<Put>,
    #[serde(default)]
    delete: Option<Delete>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Put {
    key: String,
    value: ValueOrHash,
    #[serde(default, rename = "LeaseID")]
    lease: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Delete {
    key: String,
}

/// A value, or its hash if it is long.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ValueOrHash {
    #[serde(default)]
    value: String,
    #[serde(default)]
    hash: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Output {
    #[serde(default)]
    range: Option<Found>,
    #[serde(default)]
    txn: Option<Done>,
    #[serde(default)]
    error: String,
}

#[derive(Deserialize)]
struct Found {
    #[serde(rename = "KVs", default)]
    pairs: Option<Vec<Pair>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Pair {
    key: String,
    value: ValueOrHash,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Done {
    #[serde(default)]
    failure: bool,
}

/// Whether a JSON object is such an operation, as far as its fields tell.
pub fn is_operation(text: &str) -> bool {
    text.starts_with('{') && text.contains("\"ClientId\"") && text.contains("\"Input\"")
}

/// The history of a file.
///
/// # Errors
/// If a line is no operation, or one that is not read.
pub fn read(text: &str) -> Result<Recorded, LineError> {
    let mut calls = Vec::new();
    for (line, words) in (1..).zip(text.lines()).filter(|(_, words)| !words.trim().is_empty()) {
        let place = Place { line, event: None };
        let read: Line = lines::parse(line, words)?;
        whole_numbers(words).map_err(|what| place.wrong(what))?;
        calls.push(call(place, read).map_err(|what| place.wrong(what))?);
    }
    calls.sort_by_key(|call| call.invoked);
    let operations = Operations {
        model: Some(Model::Kv),
        init: None,
        failed_cas: Some(FailedCas::Definite),
        null_read: Some(NullRead::Absent),
        unit: "ns",
        completions_only: false,
        calls,
    };
    Ok(Recorded { id: None, line: 1, contents: Contents::Operations(operations), expect: None })
}

fn call(place: Place, line: Line) -> Result<Call, String> {
    let Line { client_id, input, call: invoked, output, returned } = line;
    if returned < invoked {
        return Err(format!("it returned at {returned}, before it was invoked at {invoked}"));
    }
    let (function, asked) = asked(&input)?;
    let answer = match output {
        Some(output) if output.error.is_empty() => answer(function, &asked, &output)?,
        _ => None,
    };
    let kind = if answer.is_some() { Kind::Ok } else { Kind::Info };
    let ended = Ended { at: returned, kind, value: answer.unwrap_or(Value::Null), place };
    let function = function.to_string();
    Ok(Call { process: client_id, function, asked, invoked, place, ended: Some(ended), is_final: false })
}

/// The function of the store and its argument.
fn asked(input: &Input) -> Result<(&'static str, Value), String> {
    let only = "only gets, puts and deletes of one key are read";
    match (input.r#type.as_str(), &input.range, &input.txn) {
        ("range", Some(range), _) => {
            let Range { start, end, limit, revision } = range;
            if !end.is_empty() || *limit != 0 || *revision != 0 {
                return Err(format!("this is a range, a limit or an old revision; {only}"));
            }
            Ok(("get", json!([start, null])))
        }
        ("txn", _, Some(txn)) => {
            if txn.conditions.as_ref().is_some_and(|conditions| !conditions.is_empty()) {
                return Err(format!("this transaction has conditions; {only}"));
            }
            match txn.operations_on_success.as_deref() {
                Some([Operation { r#type, put: Some(put), .. }]) if r#type == "put-operation" => {
                    if put.lease != 0 {
                        return Err(format!("this put has a lease; {only}"));
                    }
                    Ok(("put", json!([put.key, text(&put.value)])))
                }
                Some([Operation { r#type, delete: Some(delete), .. }]) if r#type == "delete-operation" => {
                    Ok(("delete", json!([delete.key, null])))
                }
                _ => Err(format!("this transaction is no single put or delete; {only}")),
            }
        }
        (other, ..) => Err(format!("this is of the type {other:?}; {only}")),
    }
}

fn text(value: &ValueOrHash) -> String {
    if value.value.is_empty() && value.hash != 0 { format!("#{}", value.hash) } else { value.value.clone() }
}

/// The answer; `None` if the output has none, so that it is unknown what happened.
fn answer(function: &str, asked: &Value, output: &Output) -> Result<Option<Value>, String> {
    if function != "get" {
        return match &output.txn {
            Some(Done { failure: true }) => Err("a transaction without conditions failed".into()),
            Some(Done { failure: false }) => Ok(Some(asked.clone())),
            None => Ok(None),
        };
    }
    let Some(found) = &output.range else { return Ok(None) };
    match found.pairs.as_deref().unwrap_or_default() {
        [] => Ok(Some(json!([asked[0], null]))),
        [pair] => Ok(Some(json!([pair.key, text(&pair.value)]))),
        _ => Err("a get of one key found several".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUT: &str = r#"{"ClientId":1,"Input":{"Type":"txn","Range":null,"Txn":{"Conditions":null,"OperationsOnSuccess":[{"Type":"put-operation","Put":{"Key":"a","Value":{"Value":"1","Hash":0},"LeaseID":0}}],"OperationsOnFailure":null}},"Call":10,"Output":{"Txn":{"Failure":false,"Results":[{"KVs":null,"Count":0,"Deleted":0}]},"Revision":2,"Error":""},"Return":20}"#;
    const GET: &str = r#"{"ClientId":1,"Input":{"Type":"range","Range":{"Start":"a","End":"","Limit":0,"Revision":0},"Txn":null},"Call":30,"Output":{"Range":{"KVs":[{"Key":"a","Value":{"Value":"1","Hash":0},"ModRevision":2}],"Count":1},"Revision":2,"Error":""},"Return":40}"#;

    #[test]
    fn puts_and_gets_are_read() {
        let lost = GET.replace("\"Error\":\"\"", "\"Error\":\"timeout\"");
        let Contents::Operations(operations) = read(&format!("{GET}\n{PUT}\n{lost}")).expect("a history").contents
        else {
            panic!("operations")
        };
        let calls: Vec<_> = operations.calls.iter().map(|call| (call.function.as_str(), call.ok().cloned())).collect();
        let expected = [("put", Some(json!(["a", "1"]))), ("get", Some(json!(["a", "1"]))), ("get", None)];
        assert_eq!(calls, expected);
    }

    #[test]
    fn what_is_not_read_is_refused_with_the_line() {
        let cases = [
            (GET[..GET.len() - 9].to_string(), "line 2: the line ends in the middle"),
            (GET.replace("\"End\":\"\"", "\"End\":\"b\""), "line 2: this is a range"),
            (GET.replace("\"range\"", "\"compact\""), "line 2: this is of the type \"compact\""),
            (GET.replace("\"Return\":40", "\"Return\":4"), "line 2: it returned at 4, before"),
            (PUT.replace("\"Conditions\":null", "\"Conditions\":[{\"Key\":\"a\"}]"), "line 2: this transaction has"),
            (PUT.replace("\"LeaseID\":0", "\"LeaseID\":3"), "line 2: this put has a lease"),
            (PUT.replace("\"Failure\":false", "\"Failure\":true"), "line 2: a transaction without conditions failed"),
        ];
        for (bad, expected) in cases {
            let error = read(&format!("{PUT}\n{bad}")).expect_err(expected).to_string();
            assert!(error.starts_with(expected), "expected: {expected}\n   found: {error}");
        }
    }
}
