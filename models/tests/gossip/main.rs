//! Gossip (C09): single members on a bench against SWIM, Lifeguard and the algorithms of Demers and others.

mod lifeguard;
mod rumours_1987;
mod say;
mod swim_3_1_probes;
mod swim_4_1_dissemination;
mod swim_4_2_suspicion;
mod swim_4_3_turns;
