//! Gossip: rumours that spread like epidemics, and membership by SWIM. Demers, Greene, Hauser, Irish, Larson, Shenker, Sturgis,
//! Swinehart & Terry, *Epidemic Algorithms for Replicated Database Maintenance*, PODC 1987; Das, Gupta & Motivala, *SWIM:
//! Scalable Weakly-consistent Infection-style Process Group Membership Protocol*, DSN 2002; Dadgar, Phillips & Currey,
//! *Lifeguard: Local Health Awareness for More Accurate Failure Detection*, 2018.
//!
//! - **Rumours** ([`rumours`]). In each round a member chooses another at random, and sends what it has (push), asks for what it
//!   lacks (pull), or does both (Demers §1.3, anti-entropy).
//! - **Failure detection** ([`swim::probe`]). In each protocol period a member pings the next of the others, in an order that it
//!   shuffles again after each turn (SWIM §4.3). Without an answer it asks helpers to ping for it (§3.1).
//! - **Claims** ([`swim::claim`]). Who is alive, suspect or dead is claimed with the incarnation of the member in question, and
//!   travels on pings and answers, the least sent first, each a number of times that is logarithmic in the size (§4.1).
//! - **Suspicion** (§4.2, [`swim::suspicion`]). Who does not answer is suspected first, and has time to refute: it alone raises its
//!   incarnation.
//! - **Lifeguard** ([`swim::health`]). A member that has reason to doubt itself is slower to accuse; a suspicion that others share
//!   takes less time; who is suspected hears so from whoever it speaks to.
//!
//! **Guaranteed**: incarnations only grow; a claim is overridden by newer ones alone; what is alive and reachable and refutes is
//! held alive again in the end; who has stopped is held dead by all; a rumour that one who stays alive has heard reaches all.
//! **Not guaranteed**: that nobody is declared dead who is alive; that a rumour survives the only one who has heard it.
//!
//! **Different from SWIM**: whoever is declared dead can come back with a greater incarnation, as in Serf, where the paper removes
//! a member for good; a member's incarnation is on its disk, so that it comes back from a crash with a greater one; now and then
//! two members exchange all that they hold (the push–pull of Serf), also with those held dead in turn, so that a partition heals. All members
//! know of each other from the start: nobody joins. A helper forgets for whom it pings when it would say that it had no answer.
//!
//! **Not in here**: rumour mongering, in which members lose interest in what others know already (Demers §1.4), and the counters by
//! which push–pull stops after O(n log log n) messages (Karp, Schindelhauer, Shenker & Vöcking, *Randomized Rumor Spreading*, FOCS
//! 2000). Rumours spread by anti-entropy alone, which goes on.

pub mod bugs;
pub mod marks;
pub mod member;
pub mod messages;
pub mod model;
pub mod rumours;
pub mod settings;
pub mod swim;

pub use bugs::Bug;
pub use member::Member;
pub use model::Gossip;
pub use settings::{Detector, Spread};
