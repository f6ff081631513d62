//! Lays out the `{:?}` text of a value: on one line what fits there, the rest with one line per field. `{:#?}` gives
//! every number a line of its own; this leaves an entry of a log on one line, so that two states can be compared line
//! by line.

/// The width of a line that can be broken.
const WIDTH: usize = 64;
const INDENT: usize = 2;

/// The lines of a value, from its `{:?}` text.
pub(super) fn lines(text: &str) -> Vec<String> {
    let parsed = Reader { text, at: 0 }.items(None);
    let mut page = Lines { done: Vec::new(), line: String::new() };
    for (n, item) in parsed.iter().enumerate() {
        if n > 0 {
            page.end_line(0);
        }
        page.put(item, 0, n + 1 < parsed.len(), true);
    }
    page.done.push(page.line);
    page.done
}

/// A part of an item.
enum Piece<'a> {
    Text(&'a str),
    Group { open: &'a str, items: Vec<Vec<Piece<'a>>>, close: &'a str },
}

impl Piece<'_> {
    fn width(&self) -> usize {
        match self {
            Piece::Text(text) => text.chars().count(),
            Piece::Group { open, items, close } => {
                let inside: usize = items.iter().map(|item| width(item)).sum();
                open.len() + inside + items.len().saturating_sub(1) + close.len()
            }
        }
    }
}

fn width(item: &[Piece<'_>]) -> usize {
    item.iter().map(Piece::width).sum()
}

/// Whether an item is a name and a group, and nothing after it.
fn wraps(item: &[Piece<'_>]) -> bool {
    matches!(item, [Piece::Text(_), Piece::Group { .. }, Piece::Text(after)] if after.trim().is_empty())
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    /// Reads items separated by commas, up to a closing bracket or the end. Unbalanced brackets are text, because not
    /// every `{:?}` text is a Rust value.
    fn items(&mut self, closer: Option<char>) -> Vec<Vec<Piece<'a>>> {
        let mut items = Vec::new();
        let mut item = Vec::new();
        let mut begun = self.at;
        while let Some(c) = self.text[self.at..].chars().next().filter(|c| Some(*c) != closer) {
            let close = match c {
                '(' => Some(')'),
                '[' => Some(']'),
                '{' => Some('}'),
                _ => None,
            };
            if c == '"' {
                self.skip_string();
                continue;
            }
            if c != ',' && close.is_none() {
                self.at += c.len_utf8();
                continue;
            }
            item.push(Piece::Text(&self.text[begun..self.at]));
            self.at += 1;
            match close {
                None => items.push(std::mem::take(&mut item)),
                Some(close) => item.push(self.group(close)),
            }
            begun = self.at;
        }
        item.push(Piece::Text(&self.text[begun..self.at]));
        items.push(item);
        items
    }

    /// Reads a group after its opening bracket.
    fn group(&mut self, closer: char) -> Piece<'a> {
        let open = &self.text[self.at - 1..self.at];
        let items = self.items(Some(closer));
        let end = self.at + usize::from(self.text[self.at..].starts_with(closer));
        let close = &self.text[self.at..end];
        self.at = end;
        Piece::Group { open, items, close }
    }

    fn skip_string(&mut self) {
        let mut escaped = false;
        let length = self.text[self.at + 1..].find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        self.at = length.map_or(self.text.len(), |length| self.at + length + 2);
    }
}

struct Lines {
    done: Vec<String>,
    line: String,
}

impl Lines {
    fn end_line(&mut self, indent: usize) {
        let next = " ".repeat(indent);
        let done = std::mem::replace(&mut self.line, next);
        self.done.push(done.trim_end().to_string());
    }

    /// Prints an item; `comma` if another follows. The outermost groups are always broken.
    fn put(&mut self, item: &[Piece<'_>], indent: usize, comma: bool, outermost: bool) {
        let column = self.line.chars().count();
        let fits = column + width(item) + usize::from(comma) <= WIDTH;
        for (n, piece) in item.iter().enumerate() {
            match piece {
                Piece::Text(text) if n == 0 => self.line.push_str(text.trim_start()),
                Piece::Group { open, items, close } if outermost || !fits => {
                    self.line.push_str(open);
                    self.inside(items, indent, outermost, *open == "(");
                    self.line.push_str(close);
                }
                piece => self.flat(piece),
            }
        }
        if comma {
            self.line.truncate(self.line.trim_end().len());
            self.line.push(',');
        }
    }

    fn inside(&mut self, items: &[Vec<Piece<'_>>], indent: usize, outermost: bool, tuple: bool) {
        match items {
            [only] if only.iter().all(|piece| matches!(piece, Piece::Text(text) if text.trim().is_empty())) => {}
            // A newtype adds no lines.
            [only] if tuple && wraps(only) => self.put(only, indent, false, outermost),
            items => {
                for (n, item) in items.iter().enumerate() {
                    self.end_line(indent + INDENT);
                    self.put(item, indent + INDENT, n + 1 < items.len(), false);
                }
                self.end_line(indent);
            }
        }
    }

    fn flat(&mut self, piece: &Piece<'_>) {
        match piece {
            Piece::Text(text) => self.line.push_str(text),
            Piece::Group { open, items, close } => {
                self.line.push_str(open);
                for (n, item) in items.iter().enumerate() {
                    if n > 0 {
                        self.line.push(',');
                    }
                    item.iter().for_each(|piece| self.flat(piece));
                }
                self.line.push_str(close);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_stays_on_its_line() {
        let text = r#"Server(Server { term: 3, log: [Entry { term: 1, key: "a, (b" }, Entry { term: 2, key: "c" }, Entry { term: 2, key: "d" }], empty: {}, votes: {n0, n1} })"#;
        let expected = r#"Server(Server {
  term: 3,
  log: [
    Entry { term: 1, key: "a, (b" },
    Entry { term: 2, key: "c" },
    Entry { term: 2, key: "d" }
  ],
  empty: {},
  votes: {n0, n1}
})"#;
        assert_eq!(lines(text).join("\n"), expected);
    }

    #[test]
    fn nothing_of_a_text_is_lost() {
        for text in ["", "Idle", "a) b", "Odd { a: (1, b: 2 }", "f(x) => [1], g", "\"no end, {", "]]", "é{ü, ö}"] {
            let without_spaces = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            assert_eq!(without_spaces(&lines(text).concat()), without_spaces(text));
        }
    }
}
