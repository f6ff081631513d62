//! Which topics a filter matches, once more and otherwise than the broker does it (MQTT 5.0, §4.7, §4.8.2): filters and topics are lists
//! of levels, and the rules are applied from their ends.

use seedbed_models::communication::pub_sub::topic::{Filter, Topic};

/// The levels of the filter inside, if it is that of a shared subscription.
fn levels(filter: &str) -> Vec<&str> {
    let levels: Vec<&str> = filter.split('/').collect();
    match &levels[..] {
        ["$share", _, inside @ ..] => inside.to_vec(),
        _ => levels,
    }
}

/// Whether it is a filter of a shared subscription.
pub fn is_shared(filter: &Filter) -> bool {
    filter.as_str().split('/').next() == Some("$share")
}

/// Whether a filter can be subscribed to.
pub fn is_well_formed(filter: &Filter) -> bool {
    let all: Vec<&str> = filter.as_str().split('/').collect();
    let inside = levels(filter.as_str());
    let named = !is_shared(filter) || all.len() > 2 && !all[1].is_empty() && !all[1].contains(['+', '#']);
    let Some((last, before)) = inside.split_last() else { return false };
    let is_plain = |level: &str| !level.contains(['+', '#']);
    let is_empty = inside == [""];
    named
        && !is_empty
        && before.iter().all(|level| *level == "+" || is_plain(level))
        && (["+", "#"].contains(last) || is_plain(last))
}

/// Whether a topic matches a filter.
pub fn matches(filter: &Filter, topic: &Topic) -> bool {
    let filter = levels(filter.as_str());
    let topic: Vec<&str> = topic.as_str().split('/').collect();
    let is_of_the_server = topic[0].starts_with('$');
    if is_of_the_server && ["+", "#"].contains(&filter[0]) {
        return false;
    }
    let same = |(one, other): (&&str, &&str)| *one == "+" || one == other;
    match filter.split_last() {
        Some((&"#", before)) => before.len() <= topic.len() && before.iter().zip(&topic).all(same),
        _ => filter.len() == topic.len() && filter.iter().zip(&topic).all(same),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn both_matchers_agree(filter in "(\\$share/g/|\\$?)([ab+#](/[ab+#]?){0,3})", topic in "\\$?[ab]?(/[ab]?){0,3}") {
            let (filter, topic) = (Filter::from(&filter[..]), Topic::from(&topic[..]));
            prop_assert_eq!(filter.is_valid(), is_well_formed(&filter));
            if filter.is_valid() && topic.is_valid() {
                prop_assert_eq!(filter.matches(&topic, false), matches(&filter, &topic));
            }
        }
    }

    /// The examples of §4.7.1, §4.7.2 and §4.7.3.
    #[test]
    fn examples_of_the_specification() {
        let table = [
            ("sport/tennis/player1/#", "sport/tennis/player1", true),
            ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true),
            ("sport/#", "sport", true),
            ("#", "/finance", true),
            ("sport/tennis/+", "sport/tennis/player1/ranking", false),
            ("sport/+", "sport", false),
            ("sport/+", "sport/", true),
            ("+/+", "/finance", true),
            ("/+", "/finance", true),
            ("+", "/finance", false),
            ("#", "$SYS/x", false),
            ("+/monitor/Clients", "$SYS/monitor/Clients", false),
            ("$SYS/#", "$SYS/", true),
            ("$SYS/monitor/+", "$SYS/monitor/Clients", true),
            ("ACCOUNTS", "Accounts", false),
            ("$share/consumer1/sport/+", "sport/tennis", true),
        ];
        for (filter, topic, expected) in table {
            let (filter, topic) = (Filter::from(filter), Topic::from(topic));
            assert_eq!(matches(&filter, &topic), expected, "{filter} and {topic}");
            assert_eq!(filter.matches(&topic, false), expected, "{filter} and {topic}");
        }
        for bad in [
            "sport/tennis#",
            "sport/tennis/#/ranking",
            "sport+",
            "",
            "$share/",
            "$share//a",
            "$share/g",
            "$share/+/a",
            "$share/g/",
        ] {
            assert!(!Filter::from(bad).is_valid(), "{bad}");
        }
    }
}
