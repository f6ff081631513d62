//! When to send again: exponential backoff with full jitter in the upper half, so that those who were cut off together do not
//! come back together (Karn & Partridge 1987; Brooker, *Exponential Backoff and Jitter*, 2015).

use seedbed_sim::{Context, Process, Span};

/// The most doublings.
const MOST: u32 = 4;

/// How long to wait for an answer after so many attempts.
pub fn backoff<P: Process>(ctx: &mut Context<'_, P>, first: Span, attempts: u32) -> Span {
    let longest = first * (1 << attempts.min(MOST));
    ctx.draw_span("backoff", Span(longest.0 / 2)..=longest)
}
