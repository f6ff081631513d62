//! In which order a server looks at the queues (`processor.queues`), and for how long it waits before it retries.

use seedbed_sim::{Context, Span};

use crate::communication::task_queue::bugs::Bug;
use crate::communication::task_queue::messages::TaskProcess;
use crate::communication::task_queue::settings::{Priority, ServerSettings};
use crate::communication::task_queue::task::QueueName;

/// The most doublings of a backoff.
const MOST_DOUBLINGS: u32 = 6;

/// The order of the queues: with strict priorities the highest first. With weights Asynq shuffles a list that names each queue as
/// often as its weight says, and takes each where it comes first: so a queue is the next with the probability of its weight among
/// those that are left. `turn` counts the orders of a server: what is drawn is added to it, so that the shares are right also where
/// draws have their defaults, which are always the same.
pub fn order<P: TaskProcess>(ctx: &mut Context<'_, P>, settings: &ServerSettings, turn: u64) -> Vec<QueueName> {
    let mut left: Vec<(QueueName, u64)> =
        settings.weights.iter().enumerate().map(|(n, weight)| (QueueName(n as u8), u64::from(*weight))).collect();
    if settings.priority == Priority::Strict {
        if ctx.planted(Bug::PriorityInversion) {
            left.reverse();
        }
        return left.into_iter().map(|(name, _)| name).collect();
    }
    if ctx.planted(Bug::WeightsIgnored) {
        left.iter_mut().for_each(|(_, weight)| *weight = 1);
    }
    let mut order = Vec::with_capacity(left.len());
    while left.len() > 1 {
        let total: u64 = left.iter().map(|(_, weight)| weight).sum();
        let mut ticket = (ctx.draw("queue", 0..=total - 1) + turn % total) % total;
        let drawn = left.iter().position(|(_, weight)| match ticket.checked_sub(*weight) {
            Some(rest) => {
                ticket = rest;
                false
            }
            None => true,
        });
        order.push(left.remove(drawn.expect("a ticket is less than the sum of the weights")).0);
    }
    order.extend(left.into_iter().map(|(name, _)| name));
    order
}

/// The least backoff before the next attempt of a task that was retried so often, and how much may be drawn in addition: doubled
/// with each retry, with a jitter that grows too, as that of Asynq's `DefaultRetryDelayFunc` does.
pub fn backoff(first: Span, retried: u32) -> (Span, Span) {
    let doublings = retried.min(MOST_DOUBLINGS);
    (first * (1 << doublings), first * u64::from(doublings + 1))
}

/// Draws a backoff.
pub fn draw_backoff<P: TaskProcess>(ctx: &mut Context<'_, P>, first: Span, retried: u32) -> Span {
    let (least, jitter) = backoff(first, retried);
    let after = least + ctx.draw_span("jitter", Span::ZERO..=jitter);
    if ctx.planted(Bug::RetriedAtOnce) { Span::ZERO } else { after }
}
