//! Ordering (C08), one piece at a time: the clocks against the definition of what they promise, and single members on a bench
//! against the algorithms of the literature.

mod causal_1991;
mod clocks;
mod dissemination;
mod hybrid_2014;
mod say;
mod sequencer_2004;
