//! The format of numbers in HTML and Markdown.

use seedbed_sim::Span;

use crate::atlas::measure::cell::Cell;
use crate::atlas::verdict::{Nothing, Verdict, fails_at_most, slowdown};
use crate::atlas::{Chapter, Declared, Entry, grid};

/// A share with two significant digits: `4.9 %`.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let digits = match percent {
        p if p >= 10.0 || p == 0.0 => 0,
        p if p >= 1.0 => 1,
        p if p >= 0.1 => 2,
        _ => 3,
    };
    format!("{percent:.digits$} %")
}

/// A share that is never rounded to 100 %: `99.7 %`.
pub fn answered(share: f64) -> String {
    match share {
        1.0 => "100 %".into(),
        s => format!("{:.1} %", (s * 1_000.0).floor() / 10.0),
    }
}

/// A length of time with about two digits: `840 ms`, `1.2 s`.
pub fn span(span: Span) -> String {
    match span.0 {
        0 => "0".into(),
        ns if ns < 1_000_000 => format!("{:.2} ms", ns as f64 / 1e6),
        ns if ns < 10_000_000 => format!("{:.1} ms", ns as f64 / 1e6),
        ns if ns < 1_000_000_000 => format!("{:.0} ms", ns as f64 / 1e6),
        ns => format!("{:.1} s", ns as f64 / 1e9),
    }
}

/// A factor: `×2.3`.
pub fn factor(factor: f64) -> String {
    match factor {
        f if f >= 10.0 => format!("×{f:.0}"),
        f => format!("×{f:.1}"),
    }
}

/// The most important number of a verdict.
pub fn figure(entry: &Entry) -> String {
    let Some(cell) = &entry.cell else { return String::new() };
    match entry.verdict {
        Verdict::Breaks => format!("{} of {}", cell.breaks(), cell.counted),
        Verdict::Blocks if cell.sticks() > 0 => format!("{} of {} stuck", cell.sticks(), cell.counted),
        Verdict::Blocks => {
            let share = cell.blocked.worlds as f64 / cell.counted as f64;
            format!("{} · {}", percent(share), span(cell.blocked.median))
        }
        Verdict::Slows => {
            let [p50, p99] = slowdown(cell).unwrap_or([1.0, 1.0]);
            format!("{} · {}", factor(p50), factor(p99))
        }
        Verdict::Holds => format!("≤ {}", percent(fails_at_most(cell))),
        Verdict::Means(_) => String::new(),
    }
}

/// The waits of clients for the end of faults, in words; empty without them.
pub fn blocked(cell: &Cell) -> String {
    let blocked = &cell.blocked;
    if blocked.worlds == 0 {
        return String::new();
    }
    let (median, longest) = (span(blocked.median), span(blocked.longest));
    let mut text = format!("{} of {}: {median}, at most {longest}", blocked.worlds, cell.counted);
    if blocked.worlds > blocked.never {
        text += &format!("; on again after {}", span(blocked.went_on));
    }
    if blocked.never > 0 {
        text += &format!("; {} never", blocked.never);
    }
    text
}

/// All violated properties, the worst first, with their frequencies.
pub fn violated(cell: &Cell) -> Vec<(String, String)> {
    let counted = cell.violated().into_iter().map(|(property, failures)| {
        let inside = match failures.inside {
            0 => String::new(),
            inside => format!(", {inside} inside the tolerance"),
        };
        (property.to_string(), format!("{} of {}{inside}", failures.worlds, cell.counted))
    });
    counted.collect()
}

/// The component's declaration in words.
pub fn declared(entry: &Entry) -> &'static str {
    match entry.declared {
        _ if entry.classes.is_empty() => "",
        Declared::Tolerated => "tolerated",
        Declared::InPart => "tolerated in part",
        Declared::Beyond => "beyond",
    }
}

/// The anchor of a chapter or of one of its cells.
pub fn anchor(row: &grid::Row, entry: &Entry) -> String {
    format!("{}.{}", row.file_name(), grid::name(&entry.classes))
}

/// The families with their chapters, in the order of the chapters.
pub fn families(chapters: &[Chapter]) -> Vec<(&'static str, Vec<&Chapter>)> {
    let mut families: Vec<(&'static str, Vec<&Chapter>)> = Vec::new();
    for chapter in chapters {
        match families.iter_mut().find(|(family, _)| *family == chapter.info.family) {
            Some((_, of_family)) => of_family.push(chapter),
            None => families.push((chapter.info.family, vec![chapter])),
        }
    }
    families
}

/// The meanings of the verdicts, for legends.
pub const MEANINGS: [(Verdict, &str); 5] = [
    (
        Verdict::Holds,
        "No property was violated, and clients noticed little. The figure bounds from above how often a seed fails.",
    ),
    (
        Verdict::Slows,
        "No property was violated; the same operations took longer than in the same worlds without faults, by these \
         factors at the median and at the 99th percentile.",
    ),
    (
        Verdict::Blocks,
        "No property of safety was violated, but liveness was lost: a property of liveness was violated (stuck), or \
         clients waited, and nobody was answered until the fault was over, in this share of the worlds, for so long in \
         the median of them.",
    ),
    (Verdict::Breaks, "A property of safety was violated, in so many worlds. The shortest story of it is linked."),
    (
        Verdict::Means(Nothing::NoDifference),
        "The class means nothing to the component, or the pair nothing new; the details say why.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_never_better_than_they_are() {
        assert_eq!([0.2589, 0.0488, 0.00994, 0.0001].map(percent), ["26 %", "4.9 %", "0.99 %", "0.010 %"]);
        assert_eq!([1.0, 0.9999, 0.5].map(answered), ["100 %", "99.9 %", "50.0 %"]);
        assert_eq!(
            [0, 1_500, 2_300_000, 842_454_110, 1_250_000_000].map(|ns| span(Span(ns))),
            ["0", "0.00 ms", "2.3 ms", "842 ms", "1.2 s"]
        );
        assert_eq!([1.04, 9.99, 12.4].map(factor), ["×1.0", "×10.0", "×12"]);
    }
}
