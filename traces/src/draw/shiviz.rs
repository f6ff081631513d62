//! A log for ShiViz (Beschastnikh, Wang, Brun and Ernst, "Debugging distributed systems", 2016), which draws
//! happens-before. Its first line is the pattern of events, and the empty second line means one execution.

use std::fmt::Write as _;

use crate::draw::Picture;
use crate::draw::causality::Causality;
use crate::draw::words::words;

/// Writes the whole timeline as a log with vector clocks.
pub fn draw(picture: &Picture<'_>) -> String {
    let mut log = String::from("(?<time>\\d+ns) (?<event>.*)\\n(?<host>\\S*) (?<clock>{.*})\n\n");
    let causality = Causality::of(picture.nodes, picture.timeline);
    for (n, event) in causality.events.iter().enumerate() {
        let known = picture.nodes.iter().zip(causality.clock(n)).filter(|(_, count)| **count > 0);
        let clock: Vec<String> = known.map(|(node, count)| format!("\"{node}\":{count}")).collect();
        let words = words(event.what).replace('\n', " ");
        let (at, host, clock) = (event.at.0, picture.nodes[event.node], clock.join(","));
        writeln!(log, "{at}ns {words}\n{host} {{{clock}}}").expect("writing to a string");
    }
    log
}
