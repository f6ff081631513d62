//! Errors that name the line.

use seedbed_sim::json_path::path_at;
use serde::de::DeserializeOwned;

/// An error in a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct LineError {
    /// The number of the line, from 1.
    pub line: usize,
    /// What is wrong, and sometimes what to do.
    pub what: String,
}

impl LineError {
    pub(super) fn new(line: usize, what: impl Into<String>) -> Self {
        LineError { line, what: what.into() }
    }
}

/// Checks that all whole numbers of a JSON text keep their value: those from 2⁶⁴ on, or below −2⁶³, would be read as
/// fractions, of which different ones are equal.
///
/// # Errors
/// The first number that does not, and its place.
pub fn whole_numbers(text: &str) -> Result<(), String> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => at = end_of_text(bytes, at),
            b'-' | b'0'..=b'9' => {
                let length = bytes[at..].iter().take_while(|byte| is_of_number(**byte)).count();
                let number = &text[at..at + length];
                let is_whole = number.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit());
                if is_whole && number.parse::<i64>().is_err() && number.parse::<u64>().is_err() && number != "-" {
                    let range = "whole numbers are kept from -2^63 to 2^64-1; write it as text";
                    return Err(format!("the number {number} at character {} is too large: {range}", at + 1));
                }
                at += length;
            }
            _ => at += 1,
        }
    }
    Ok(())
}

fn is_of_number(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E')
}

/// The place after a text in quotes.
fn end_of_text(bytes: &[u8], begin: usize) -> usize {
    let mut at = begin + 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

/// Reads a line of JSON.
pub(super) fn parse<T: DeserializeOwned>(line: usize, text: &str) -> Result<T, LineError> {
    let mut from = serde_json::Deserializer::from_str(text);
    let value = T::deserialize(&mut from).map_err(|error| {
        let place = path_at(text, error.line(), error.column());
        let what = if error.is_eof() {
            format!("the line ends in the middle (after {} characters): was the file cut off?", text.len())
        } else {
            // serde_json reports a line too, which is always 1 here.
            error.to_string().replace(" at line 1 column ", " at character ")
        };
        let what = if place.is_empty() || error.is_eof() { what } else { format!("{place}: {what}") };
        LineError { line, what }
    })?;
    from.end()
        .map_err(|_| LineError::new(line, "there is something after the value: one history stands on one line"))?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_that_would_lose_their_value_are_refused() {
        let exact = [
            "[18446744073709551615, -9223372036854775808, 0.5, 1e300, -0]",
            r#"{"99999999999999999999": "-99999999999999999999 \" 99999999999999999999"}"#,
            r#""\\", "cut"#,
        ];
        for text in exact {
            assert_eq!(whole_numbers(text), Ok(()), "{text}");
        }
        let cases = [("[18446744073709551616]", 2), ("-9223372036854775809", 1), (r#"{"\\":99999999999999999999}"#, 7)];
        for (text, place) in cases {
            let error = whole_numbers(text).expect_err(text);
            assert!(error.contains(&format!("at character {place} is too large")), "{text}: {error}");
        }
    }

    #[test]
    fn errors_name_the_line_and_the_place() {
        let read = |text: &str| parse::<Vec<u8>>(7, text).map_err(|error| error.to_string());
        assert_eq!(read("[1]"), Ok(vec![1]));
        let cut = "line 7: the line ends in the middle (after 2 characters): was the file cut off?";
        assert_eq!(read("[2"), Err(cut.into()));
        assert_eq!(
            read(r#"[1, "b"]"#),
            Err(r#"line 7: [1]: invalid type: string "b", expected u8 at character 7"#.into())
        );
        assert_eq!(
            read("[1] [2]"),
            Err("line 7: there is something after the value: one history stands on one line".into())
        );
    }
}
