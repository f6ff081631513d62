//! What a master executes, as it is executed.

use seedbed_models::communication::stream::Stream;
use seedbed_models::communication::stream::engine::Executed;
use seedbed_models::communication::stream::messages::RunId;
use seedbed_models::communication::stream::server::{Role, Server};
use seedbed_sim::{NodeId, PerLife, World};

use crate::communication::stream::server;

/// How far a property has read the journal of each server, in which life of it as a master.
#[derive(Clone, Debug, Default)]
pub struct Watched(PerLife<(Option<RunId>, usize)>);

/// What is new at a server.
pub struct News<'w> {
    /// The server.
    pub server: &'w Server,
    /// Whether it has become a master since the last look, so that what is known of its keys has to be read anew. Its journal
    /// is then read from here on.
    pub begins: bool,
    /// What it has executed.
    pub executed: &'w [Executed],
}

impl Watched {
    /// The news of a node, if it is a master.
    pub fn of<'w>(&mut self, world: &'w World<Stream>, node: NodeId) -> Option<News<'w>> {
        let server = server(world, node)?;
        let (run, read) = self.0.of(world, node);
        if server.role() != Role::Master {
            (*run, *read) = (None, server.journal().len());
            return None;
        }
        let own = server.position().map(|(_, run, _)| run);
        let begins = *run != own;
        let executed = if begins { &[] } else { &server.journal()[*read..] };
        (*run, *read) = (own, server.journal().len());
        Some(News { server, begins, executed })
    }
}
