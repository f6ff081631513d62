//! How a strategy configures a swarm.

use crate::choice::Source;
use crate::scenario::CaseOf;
use crate::strategy::pct::Order;
use crate::time::Span;

/// How a swarm draws the case of a seed and the source of its choices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Drawn {
    #[default]
    Swarm,
    Uniform,
    /// By priorities: `steps` is the most messages of a world, `bound` the greatest latency.
    Ordered {
        steps: u32,
        bound: Span,
    },
}

impl Drawn {
    /// The source of choices for the case of a seed; `delay` is the bound on delays that its variant relies on, if any.
    pub(crate) fn source<C, O>(self, case: &CaseOf<C, O>, seed: u64, delay: impl FnOnce() -> Option<Span>) -> Source {
        match self {
            Drawn::Swarm | Drawn::Uniform => Source::Seed(seed),
            Drawn::Ordered { steps, bound } => {
                let least = case.scenario.network.latency.base();
                let bound = delay().map_or(bound, |own| own.min(bound));
                Source::Ordered { seed, order: Order::drawn(seed, steps, least, bound) }
            }
        }
    }
}
