//! Draws operations as bars over time.

/// The operations drawn at most: the culprit's neighbours in time.
const ROWS: usize = 14;
/// Longer labels are cut.
const LABEL: usize = 44;

/// One operation.
pub(super) struct Bar {
    pub(super) label: String,
    /// The rank of its first event.
    pub(super) from: u64,
    /// The rank of its last, if it has returned by then.
    pub(super) to: Option<u64>,
    pub(super) culprit: bool,
}

/// Draws a line for each of the last operations; only the order of events is to scale.
///
/// ```text
///   p0 Write(1) → Written  |------------|
///   p1 Read → Value(1)       |--|
///   p2 Read → Value(0)            |--|     ← no order explains this
/// ```
pub(super) fn draw(mut bars: Vec<Bar>) -> String {
    // Those that ended last are those that matter.
    bars.sort_by_key(|bar| std::cmp::Reverse((bar.culprit, bar.to.unwrap_or(u64::MAX))));
    let left_out = bars.len().saturating_sub(ROWS);
    bars.truncate(ROWS);
    bars.sort_by_key(|bar| bar.from);

    let mut instants: Vec<u64> = bars.iter().flat_map(|bar| [Some(bar.from), bar.to]).flatten().collect();
    instants.sort_unstable();
    let column = |rank: u64| 2 * instants.partition_point(|&instant| instant < rank);
    let labels: Vec<String> = bars.iter().map(|bar| cut(&bar.label)).collect();
    let width = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);

    let mut lines = Vec::new();
    if left_out > 0 {
        lines.push(format!("  ({left_out} earlier operations are not drawn)"));
    }
    for (bar, label) in bars.iter().zip(labels) {
        let from = column(bar.from);
        let (to, end) = match bar.to {
            Some(to) => (column(to), "|"),
            None => (2 * instants.len(), "…"),
        };
        let (space, line) = (" ".repeat(from), "-".repeat(to - from - 1));
        let rest = " ".repeat(2 * instants.len() - to);
        let mark = if bar.culprit { format!("{rest}  ← no order explains this") } else { String::new() };
        lines.push(format!("  {label:width$}  {space}|{line}{end}{mark}"));
    }
    lines.join("\n")
}

fn cut(label: &str) -> String {
    match label.chars().count() {
        0..=LABEL => label.to_string(),
        _ => label.chars().take(LABEL - 1).chain(['…']).collect(),
    }
}
