//! Of long texts that resemble each other, what is new in each.

use std::collections::BTreeMap;

use seedbed_sim::NodeId;

/// A text of so many characters is told whole.
const SHORT: usize = 80;
/// Of what is new, so many characters are told.
const MOST: usize = 240;

/// The last text of each node and sort.
#[derive(Debug, Default)]
pub(super) struct News<'a> {
    last: BTreeMap<(NodeId, &'static str), &'a str>,
}

impl<'a> News<'a> {
    /// What a text has that the one before it, of the same node and sort, had not: both are the same before and after it. A
    /// short text is told whole, and so is the beginning of the first one.
    pub(super) fn of(&mut self, whose: (NodeId, &'static str), text: &'a str) -> String {
        let last = self.last.insert(whose, text).unwrap_or_default();
        if text.chars().nth(SHORT).is_none() {
            return text.to_string();
        }
        let before = common(text.chars(), last.chars());
        let after = common(text[before..].chars().rev(), last[before..].chars().rev());
        let ellipsis = |cut: usize| if cut > 0 { "…" } else { "" };
        let new = &text[before..text.len() - after];
        if new.is_empty() {
            return "…".into();
        }
        let most = new.char_indices().nth(MOST).map_or(new.len(), |(end, _)| end);
        let cut = new.len() - most + after;
        format!("{}{}{}", ellipsis(before), &new[..most], ellipsis(cut))
    }
}

/// How many bytes of a text both begin with.
fn common(text: impl Iterator<Item = char>, other: impl Iterator<Item = char>) -> usize {
    text.zip(other).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_text_the_news_is_told() {
        let mut news = News::default();
        let whose = (NodeId(0), "gets");
        let text: String = (0..60).map(|n| format!("é{n} ")).collect();
        assert_eq!(news.of(whose, "short"), "short");
        assert_eq!(news.of(whose, &text), text, "nothing of it was there before");
        let with_one_more = text.replace("é30 ", "é30 new ");
        assert_eq!(news.of(whose, &with_one_more), "…new …");
        assert_eq!(news.of(whose, &with_one_more), "…", "nothing is new");
        assert_eq!(news.of(whose, &text), "…", "something is gone");
        assert_eq!(news.of((NodeId(1), "gets"), &text), text, "of another node");
        let long = "x".repeat(1000);
        assert_eq!(news.of(whose, &long).chars().count(), MOST + 1);
        assert_eq!(news.of(whose, "short"), "short");
    }
}
