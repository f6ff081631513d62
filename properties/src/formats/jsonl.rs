//! Files of one JSON value a line, and errors that name the line.

use serde::de::DeserializeOwned;

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct LineError {
    /// The first line is 1.
    pub line: usize,
    /// What is wrong, and where it helps, what to do.
    pub what: String,
}

/// The values of a file, each with the number of its line. Empty lines are skipped. An error concerns its line alone:
/// the lines that follow can still be read.
pub fn lines<T: DeserializeOwned>(text: &str) -> impl Iterator<Item = (usize, Result<T, LineError>)> {
    let numbered = (1..).zip(text.lines());
    numbered.filter(|(_, line)| !line.trim().is_empty()).map(|(number, line)| (number, parse(number, line)))
}

fn parse<T: DeserializeOwned>(number: usize, line: &str) -> Result<T, LineError> {
    serde_json::from_str(line).map_err(|error| {
        let what = match error.is_eof() {
            true => format!("the line ends in the middle (after {} characters): was the file cut off?", line.len()),
            // serde_json counts lines too, and there is only one.
            false => error.to_string().replace(" at line 1 column ", " at character "),
        };
        LineError { line: number, what }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_line() {
        let text = "[1]\n\n[2\n{\"a\": 1}\n[3]";
        let read: Vec<(usize, Result<Vec<u8>, LineError>)> = lines(text).collect();
        assert_eq!(read[0], (1, Ok(vec![1])));
        let cut = read[1].1.as_ref().unwrap_err();
        assert_eq!(cut.to_string(), "line 3: the line ends in the middle (after 2 characters): was the file cut off?");
        let wrong = read[2].1.as_ref().unwrap_err();
        assert_eq!(wrong.to_string(), "line 4: invalid type: map, expected a sequence at character 0");
        assert_eq!(read[3], (5, Ok(vec![3])));
    }
}
