//! Topic patterns (AMQP 0-9-1, §3.1.3.3; RabbitMQ, *Exchanges*, "Topic").

/// Whether a key matches a pattern: `*` stands for one word, `#` for any number of them, none included. With `hash_needs_a_word`,
/// which is a planted bug, for one at least.
pub fn matches(pattern: &str, key: &str, hash_needs_a_word: bool) -> bool {
    let (pattern, key) = (words(pattern), words(key));
    // Whether each beginning of the key matches the pattern so far.
    let mut matched = vec![false; key.len() + 1];
    matched[0] = true;
    for part in pattern {
        matched = match part {
            "#" => after_hash(&matched, hash_needs_a_word),
            part => after_word(&matched, |word| part == "*" || part == key[word]),
        };
    }
    matched[key.len()]
}

fn after_hash(matched: &[bool], needs_a_word: bool) -> Vec<bool> {
    let mut any = false;
    let reached = |is: &bool| {
        let before = any;
        any |= *is;
        if needs_a_word { before } else { any }
    };
    matched.iter().map(reached).collect()
}

fn after_word(matched: &[bool], is_matched: impl Fn(usize) -> bool) -> Vec<bool> {
    let next = (0..matched.len() - 1).map(|word| matched[word] && is_matched(word));
    std::iter::once(false).chain(next).collect()
}

/// The empty key has no words.
fn words(text: &str) -> Vec<&str> {
    if text.is_empty() { Vec::new() } else { text.split('.').collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(pattern: &str, keys: &[&str]) -> bool {
        keys.iter().all(|key| matches(pattern, key, false))
    }

    fn none(pattern: &str, keys: &[&str]) -> bool {
        !keys.iter().any(|key| matches(pattern, key, false))
    }

    // The examples of RabbitMQ, *Exchanges*, "Topic".
    #[test]
    fn the_examples_of_the_documentation_match() {
        assert!(all("regions.na.cities.*", &["regions.na.cities.toronto", "regions.na.cities.newyork"]));
        assert!(none("regions.na.cities.*", &["regions.na.cities", "regions.na.cities.a.b"]));
        assert!(all("audit.events.#", &["audit.events", "audit.events.users.signup", "audit.events.orders.placed"]));
        assert!(none("audit.events.#", &["audit.users", "audit"]));
        assert!(all("#", &["", "a", "a.b.c"]));
    }

    #[test]
    fn wildcards_stand_at_any_place() {
        assert!(all("#.b", &["b", "a.b", "a.b.b", "x.y.b"]));
        assert!(none("#.b", &["b.a", ""]));
        assert!(all("a.#.c", &["a.c", "a.b.c", "a.b.b.c", "a.c.c"]));
        assert!(all("*.*", &["a.b", "."]));
        assert!(none("*.*", &["a", "a.b.c", ""]));
        assert!(all("#.#", &["", "a", "a.b"]));
        assert!(all("", &[""]));
        assert!(none("*", &["", "a.b"]));
        assert!(none("a*", &["ab"]), "a wildcard is a word");
    }

    #[test]
    fn with_the_bug_a_hash_needs_a_word() {
        assert!(!matches("a.#", "a", true) && matches("a.#", "a.b", true) && matches("a.#", "a.b.c", true));
    }
}
