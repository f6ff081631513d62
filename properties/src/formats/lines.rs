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
