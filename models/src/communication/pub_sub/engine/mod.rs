//! The broker without a network: it takes what comes on connections, and says what to send.

pub mod connecting;
pub mod publishing;
pub mod routing;
pub mod session;
pub mod state;
pub mod subscribing;

pub use session::{Copied, Online, Session, Share, Subscription};
pub use state::{Engine, Input, Now, Output, Overlap, Published, Retained, Settings, Step};
