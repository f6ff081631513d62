//! The path to the value at which a JSON text has an error, from the position that the parser reports.
//!
//! Found from the text alone, after the error: a deserializer that tracks the path is one more layer that is compiled for
//! every type.

/// An object or array that contains the position.
enum Level {
    /// The key that was read last.
    Object(Option<String>),
    /// The number of elements before.
    Array(usize),
}

/// The path to what was being read after `column` bytes of this line, counted from 1: `faults[2].at`. Empty at the top.
pub fn path_at(text: &str, line: usize, column: usize) -> String {
    let mut levels: Vec<Level> = Vec::new();
    let mut rest = read_by(text, line, column).chars();
    // A string in an object is a key unless a colon has come since the last comma.
    let mut is_key = false;
    while let Some(c) = rest.next() {
        match c {
            '{' => {
                levels.push(Level::Object(None));
                is_key = true;
            }
            '[' => levels.push(Level::Array(0)),
            '}' | ']' => {
                levels.pop();
                is_key = false;
            }
            ':' => is_key = false,
            ',' => match levels.last_mut() {
                Some(Level::Array(before)) => *before += 1,
                Some(Level::Object(key)) => {
                    *key = None;
                    is_key = true;
                }
                None => {}
            },
            '"' => {
                let string = string(&mut rest);
                if let (true, Some(Level::Object(key))) = (is_key, levels.last_mut()) {
                    *key = Some(string);
                }
            }
            _ => {}
        }
    }
    written(&levels)
}

/// The text up to a position.
fn read_by(text: &str, line: usize, column: usize) -> &str {
    let begin: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let mut end = (begin + column).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The rest of a string up to its closing quote. Escapes are left as they stand.
fn string(rest: &mut std::str::Chars<'_>) -> String {
    let mut string = String::new();
    while let Some(c) = rest.next() {
        match c {
            '"' => break,
            '\\' => {
                string.push(c);
                string.extend(rest.next());
            }
            c => string.push(c),
        }
    }
    string
}

fn written(levels: &[Level]) -> String {
    let mut path = String::new();
    for level in levels {
        match level {
            Level::Object(Some(key)) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(key);
            }
            Level::Object(None) => {}
            Level::Array(before) => path.push_str(&format!("[{before}]")),
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Outer {
        inner: Vec<Inner>,
        text: String,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "snake_case")]
    #[allow(dead_code)]
    enum Inner {
        One { a: u8, b: (u8, u8) },
        Two(bool),
    }

    fn place(text: &str) -> String {
        let error = serde_json::from_str::<Outer>(text).expect_err("it is wrong");
        path_at(text, error.line(), error.column())
    }

    #[test]
    fn an_error_is_where_the_value_is() {
        assert_eq!(place(r#"{"text": 7, "inner": []}"#), "text");
        assert_eq!(place("{\"text\": \"a, {[\",\n \"inner\": [{\"two\": true}, {\"two\": 3}]}"), "inner[1].two");
        assert_eq!(place(r#"{"inner": [{"one": {"a": 1, "b": [1, 300]}}], "text": ""}"#), "inner[0].one.b[1]");
        assert_eq!(place(r#"{"inner": [{"one": {"a": -1, "b": [1, 3]}}], "text": ""}"#), "inner[0].one.a");
    }

    #[test]
    fn a_missing_field_is_missed_where_it_belongs_and_an_unknown_one_is_named() {
        assert_eq!(place(r#"{"inner": [{"one": {"a": 1}}], "text": ""}"#), "inner[0].one");
        assert_eq!(place(r#"{"inner": [], "text": "", "more": 1}"#), "more");
        assert_eq!(place(r#"{"inner": []}"#), "");
        assert_eq!(place(r#"{"inner": [{"three": 1}]}"#), "inner[0].three");
    }

    #[test]
    fn strings_hide_what_is_in_them() {
        assert_eq!(place("{\"inner\": [], \"text\": \"ü\\\"{\", \"\u{fc}\": 1}"), "ü");
    }
}
