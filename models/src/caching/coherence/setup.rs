//! What all nodes of a world have in common.

use seedbed_sim::{Context, NodeId};

use crate::caching::coherence::bugs::Bug;
use crate::caching::coherence::controller::{Controller, Homes};
use crate::caching::coherence::messages::Part;
use crate::caching::coherence::ports::{CoherenceProcess, Ports};
use crate::caching::coherence::protocol::{Interconnect, Protocol, tables};
use crate::caching::coherence::settings::{Channels, Delays};

/// How a world is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Setup {
    /// The protocol.
    pub protocol: Protocol,
    /// The interconnect that it runs on.
    pub interconnect: Interconnect,
    /// Where the homes of blocks are.
    pub homes: Homes,
    /// The number of blocks.
    pub blocks: u8,
    /// The virtual channels, if they are bounded.
    pub channels: Option<Channels>,
    /// The delays inside a node.
    pub delays: Delays,
}

impl Setup {
    /// The ports of a node.
    pub fn ports(&self) -> Ports {
        Ports::new(self.channels, self.delays)
    }

    /// The cache controller of a node.
    pub fn cache(&self, me: NodeId) -> Controller {
        let table = &tables(self.protocol, self.interconnect, None).cache;
        Controller::new(table, me, Part::Cache, self.homes, self.blocks)
    }

    /// The home controller of a node; `None` if the protocol has none.
    pub fn home(&self, me: NodeId) -> Option<Controller> {
        let table = tables(self.protocol, self.interconnect, None).home.as_ref()?;
        Some(Controller::new(table, me, Part::Home, self.homes, self.blocks))
    }

    /// Plants the bug of the scenario, if there is one, in the controllers of a node that starts. It may be one of another
    /// protocol: then their tables are as ever.
    pub(super) fn plant(
        &self,
        ctx: &Context<'_, impl CoherenceProcess>,
        cache: Option<&mut Controller>,
        home: Option<&mut Controller>,
    ) {
        let Some(bug) = ctx.bug().and_then(Bug::named) else { return };
        let tables = tables(self.protocol, self.interconnect, Some(bug));
        if let Some(cache) = cache {
            cache.plant(bug, &tables.cache);
        }
        if let (Some(home), Some(table)) = (home, &tables.home) {
            home.plant(bug, table);
        }
    }
}
