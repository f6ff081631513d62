//! Plots of a component: how many operations were answered under each class of faults, and how fast.
//!
//! Drawn without a plotting library, because the plots are a few rectangles and lines that need colours of the reader's
//! scheme, hatching for readers without colours, and a sentence for each mark.

use maud::{Markup, html};
use seedbed_sim::Span;

use crate::atlas::measure::cell::{Cell, Latency, Sums};
use crate::atlas::page::words::{answered, span};
use crate::atlas::verdict::Verdict;
use crate::atlas::{Entry, grid};

const LABELS: f64 = 128.0;
const WIDTH: f64 = 520.0;
const RIGHT: f64 = 56.0;
const ROW: f64 = 20.0;
const TOP: f64 = 22.0;
const INNER: f64 = WIDTH - LABELS - RIGHT;

/// The rows of a plot: the cells in which the class has an effect.
fn rows(entries: &[Entry]) -> Vec<(String, &Cell)> {
    let meaning = entries.iter().filter(|entry| !matches!(entry.verdict, Verdict::Means(_)));
    meaning.filter_map(|entry| Some((grid::name(&entry.classes), entry.cell.as_ref()?))).collect()
}

fn height(rows: usize) -> f64 {
    TOP + ROW * rows as f64 + 24.0
}

fn middle(row: usize) -> f64 {
    TOP + ROW * (row as f64 + 0.5)
}

/// A plot of availability: the outcomes of operations under each class. `None` without operations.
pub fn availability(entries: &[Entry], title: &str) -> Option<Markup> {
    let rows: Vec<_> = rows(entries).into_iter().filter(|(_, cell)| cell.served.asked > 0).collect();
    if rows.is_empty() {
        return None;
    }
    let height = height(rows.len());
    let x = |share: f64| LABELS + INNER * share;
    Some(html! {
        svg viewBox={"0 0 " (WIDTH) " " (height)} role="img" aria-label=(title) {
            title { (title) }
            @for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
                line.grid x1=(n(x(share))) x2=(n(x(share))) y1=(TOP) y2=(n(height - 24.0)) {}
                text.tick x=(n(x(share))) y=(n(height - 8.0)) text-anchor="middle" { (share * 100.0) " %" }
            }
            @for (row, (name, cell)) in rows.iter().enumerate() {
                text.label x=(LABELS - 8.0) y=(n(middle(row) + 4.0)) text-anchor="end" { (name) }
                @for (class, from, share, sentence) in parts(name, &cell.served) {
                    @let (y, width) = (middle(row) - 7.0, INNER * share);
                    rect class={"part " (class)} x=(n(x(from))) y=(n(y)) width=(n(width)) height="14" {
                        title { (sentence) }
                    }
                }
                @let share = cell.served.available().unwrap_or(1.0);
                text.value x=(WIDTH - RIGHT + 6.0) y=(n(middle(row) + 4.0)) { (answered(share)) }
            }
        }
    })
}

/// The parts of a bar: CSS class, start, length, and text.
fn parts(name: &str, sums: &Sums) -> Vec<(&'static str, f64, f64, String)> {
    let counts = [
        ("returned", sums.returned, "returned"),
        ("failed", sums.failed, "failed for certain"),
        ("open", sums.open, "never ended"),
        ("unasked", sums.never_invoked(), "were never invoked"),
    ];
    let mut from = 0.0;
    let parts = counts.into_iter().filter(|(_, count, _)| *count > 0).map(|(class, count, verb)| {
        let share = count as f64 / sums.asked as f64;
        let part = (class, from, share, format!("{name}: {count} of {} operations {verb}", sums.asked));
        from += share;
        part
    });
    parts.collect()
}

/// A plot of latency: from the median to the 99th percentile under each class, and of the same operations without it.
/// `None` without answers.
pub fn latency(entries: &[Entry], title: &str) -> Option<Markup> {
    let rows: Vec<_> = rows(entries).into_iter().filter(|(_, cell)| cell.latency[0].count > 0).collect();
    let all = rows.iter().flat_map(|(_, cell)| cell.latency).flat_map(|latency| [latency.p50, latency.p99]);
    let ends: Vec<u64> = all.collect();
    let (least, most) = (ends.iter().min()?, ends.iter().max()?);
    let axis = Axis::over(*least, *most);
    let height = height(rows.len());
    Some(html! {
        svg viewBox={"0 0 " (WIDTH) " " (height)} role="img" aria-label=(title) {
            title { (title) }
            @for decade in axis.ticks() {
                line.grid x1=(n(axis.x(decade))) x2=(n(axis.x(decade))) y1=(TOP) y2=(n(height - 24.0)) {}
                text.tick x=(n(axis.x(decade))) y=(n(height - 8.0)) text-anchor="middle" { (tick(decade)) }
            }
            @for (row, (name, cell)) in rows.iter().enumerate() {
                @let [faulty, calm] = cell.latency;
                text.label x=(LABELS - 8.0) y=(n(middle(row) + 4.0)) text-anchor="end" { (name) }
                (range(&axis, "calm", &calm, middle(row) + 4.0, &format!("{name}: the same operations without faults")))
                (range(&axis, "faulty", &faulty, middle(row) - 3.0, &format!("{name}: under the faults")))
                text.value x=(WIDTH - RIGHT + 6.0) y=(n(middle(row) + 4.0)) { (span(Span(faulty.p99))) }
            }
        }
    })
}

/// One line from the median, a dot, to the 99th percentile, a bar.
fn range(axis: &Axis, class: &str, latency: &Latency, y: f64, what: &str) -> Markup {
    let (p50, p99) = (axis.x(latency.p50), axis.x(latency.p99));
    html! {
        g class={"range " (class)} {
            title { (what) ": median " (span(Span(latency.p50))) ", 99th percentile " (span(Span(latency.p99))) }
            line x1=(n(p50)) x2=(n(p99)) y1=(n(y)) y2=(n(y)) {}
            line x1=(n(p99)) x2=(n(p99)) y1=(n(y - 3.0)) y2=(n(y + 3.0)) {}
            circle cx=(n(p50)) cy=(n(y)) r="3" {}
        }
    }
}

/// A logarithmic axis over whole decades of nanoseconds.
struct Axis {
    from: u32,
    to: u32,
}

impl Axis {
    fn over(least: u64, most: u64) -> Self {
        // The axis begins at a microsecond or above.
        let from = least.max(1_000).ilog10();
        let to = most.max(1_000).saturating_sub(1).ilog10() + 1;
        Axis { from, to: to.max(from + 1) }
    }

    fn x(&self, ns: u64) -> f64 {
        let place = libm::log10((ns as f64).max(1.0)).clamp(f64::from(self.from), f64::from(self.to));
        LABELS + INNER * (place - f64::from(self.from)) / f64::from(self.to - self.from)
    }

    fn ticks(&self) -> impl Iterator<Item = u64> {
        (self.from..=self.to).map(|power| 10_u64.pow(power))
    }
}

/// The label of a decade.
fn tick(ns: u64) -> String {
    match ns {
        ns if ns < 1_000_000 => format!("{} µs", ns / 1_000),
        ns if ns < 1_000_000_000 => format!("{} ms", ns / 1_000_000),
        ns => format!("{} s", ns / 1_000_000_000),
    }
}

/// A coordinate with one decimal digit, which is the same on every machine.
fn n(value: f64) -> String {
    format!("{value:.1}")
}

/// The hatching of bars, which distinguishes their parts without colours; once per page.
pub fn hatches() -> Markup {
    html! {
        svg width="0" height="0" aria-hidden="true" focusable="false" style="position:absolute" {
            defs {
                pattern
                    id="hatch-failed" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    rect.hatch-ground width="6" height="6" {}
                    line.hatch-line x1="0" y1="0" x2="0" y2="6" {}
                }
                pattern id="hatch-open" width="5" height="5" patternUnits="userSpaceOnUse" {
                    rect.hatch-ground width="5" height="5" {}
                    circle.hatch-dot cx="2.5" cy="2.5" r="1.2" {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_cover_what_is_on_them() {
        for (least, most) in [(0, 0), (1_000, 1_000), (999, 2_000_000), (3_000_000, 100_000_000), (5, u64::MAX / 2)] {
            let axis = Axis::over(least, most);
            assert!(axis.x(least) >= LABELS && axis.x(most) <= LABELS + INNER, "{least}..{most}");
            assert!(axis.ticks().count() >= 2 && axis.ticks().last() >= Some(most.min(1_000)), "{least}..{most}");
        }
    }

    #[test]
    fn the_parts_of_a_bar_are_the_whole() {
        let sums = Sums { asked: 10, returned: 5, failed: 2, open: 1 };
        let parts = parts("crash", &sums);
        assert!((parts.iter().map(|(_, _, share, _)| share).sum::<f64>() - 1.0).abs() < 1e-9);
        assert_eq!(parts.last().map(|part| &part.3[..]), Some("crash: 2 of 10 operations were never invoked"));
    }
}
