//! Text from files, made safe for terminals: control characters could move the cursor, hide what was printed, or forge lines
//! of it. All that the tool says goes through [`text`]; what is to stay on one line, through [`line`] before.

use std::borrow::Cow;
use std::fmt::Write as _;

/// A text without characters that control a terminal: they become the escapes of JSON, such as `\u001b`, which leaves JSON what
/// it is. Ends of lines and tabulators stay.
pub fn text(text: &str) -> Cow<'_, str> {
    escaped(text, controls)
}

/// A text on one line: ends of lines and tabulators are escaped, too.
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, |c| controls(c) || matches!(c, '\n' | '\t'))
}

fn escaped(text: &str, is_unsafe: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_unsafe(c) {
            write!(out, "\\u{:04x}", u32::from(c)).expect("a string takes all");
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Whether a character controls a terminal, breaks a line where a terminal does not, or changes the order of those that follow
/// (Boucher & Anderson, *Trojan Source*, 2021).
fn controls(c: char) -> bool {
    let of_layout = matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    of_layout || (c.is_control() && c != '\n' && c != '\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_become_escapes_that_json_reads_back() {
        assert_eq!(text("two\nlines\tand ü 汉 →"), "two\nlines\tand ü 汉 →");
        assert_eq!(text("a\u{1b}[2Jb\r\u{7f}\u{9b}\u{202e}"), "a\\u001b[2Jb\\u000d\\u007f\\u009b\\u202e");
        let said = "\u{7f}\u{9b}31m\u{202e}\u{2028}\u{1b}";
        let json = serde_json::to_string(said).expect("a text");
        assert_eq!(serde_json::from_str::<String>(&text(&json)).expect("still JSON"), said);
    }

    #[test]
    fn a_line_stays_one() {
        assert_eq!(line("a\u{1b}[8m\nok\té"), "a\\u001b[8m\\u000aok\\u0009é");
    }
}
