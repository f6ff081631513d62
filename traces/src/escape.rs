//! Text from files, made safe for terminals: control characters could move the cursor, hide what was printed, or forge
//! lines of it.

use serde_json::Value;

/// A text on one line: all control characters are replaced by their escapes, such as `\u{1b}`.
pub fn line(text: &str) -> String {
    escaped(text, |c| is_unsafe(c) || matches!(c, '\n' | '\t'))
}

/// A text of several lines: line breaks and tabs stay.
pub fn lines(text: &str) -> String {
    escaped(text, is_unsafe)
}

/// A JSON value on one line. It is the same value to whoever reads it.
pub fn json(value: &Value) -> String {
    let mut out = String::new();
    for c in value.to_string().chars() {
        // They occur in texts only, where JSON has escapes for them.
        if is_unsafe(c) { out.push_str(&format!("\\u{:04x}", u32::from(c))) } else { out.push(c) }
    }
    out
}

/// All texts in a value, as of [`line`].
pub fn in_value(value: &mut Value) {
    match value {
        Value::String(text) => *text = line(text),
        Value::Array(items) => items.iter_mut().for_each(in_value),
        Value::Object(fields) => {
            *fields = std::mem::take(fields)
                .into_iter()
                .map(|(name, mut value)| {
                    in_value(&mut value);
                    (line(&name), value)
                })
                .collect();
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn escaped(text: &str, is_unsafe: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unsafe(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    out
}

/// Whether a character is a control character, or changes the direction or the line of the text around it.
fn is_unsafe(c: char) -> bool {
    let is_of_layout = matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    is_of_layout || (c.is_control() && !matches!(c, '\n' | '\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_become_visible() {
        assert_eq!(line("a\u{1b}[8m\nb\u{9b}\u{202e}é"), "a\\u{1b}[8m\\u{a}b\\u{9b}\\u{202e}é");
        assert_eq!(lines("a\u{7f}\nb\tc"), "a\\u{7f}\nb\tc");
        let value = serde_json::json!({"id": "a\u{9b}\u{1b}\n"});
        assert_eq!(json(&value), r#"{"id":"a\u009b\u001b\n"}"#);
        assert_eq!(serde_json::from_str::<Value>(&json(&value)).expect("JSON"), value);
        let mut value = serde_json::json!([{"\u{1b}": ["\r", 1]}]);
        in_value(&mut value);
        assert_eq!(value, serde_json::json!([{"\\u{1b}": ["\\u{d}", 1]}]));
    }
}
