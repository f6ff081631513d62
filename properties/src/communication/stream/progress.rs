//! L: everything is processed in the end, whoever had it.

use seedbed_models::communication::stream::Stream;
use seedbed_models::communication::stream::model::{MASTER, SENTINEL, SERVERS};
use seedbed_models::communication::stream::settings::{GROUP, STREAM};
use seedbed_sim::{AtEnd, Broken, NodeId, Property, World};

use crate::communication::stream::master;

/// L: when the world has been healed for a while, every entry of the stream was delivered, and nothing is pending: what dead consumers
/// had, others have claimed, and have processed or buried.
pub fn all_is_processed() -> impl Property<Stream> + Clone + Send + Sync {
    AtEnd::liveness("stream/all_is_processed", |world: &World<Stream>| {
        if !possible(world) {
            return Ok(());
        }
        let Some((node, server)) = master(world) else { return Err("no server is a master".into()) };
        let Some(stream) = server.engine().keys().stream(STREAM).filter(|stream| !stream.is_empty()) else {
            return Ok(());
        };
        let Some(group) = stream.groups.get(&GROUP) else {
            return Err(Broken::new([node], "there are entries, and no group"));
        };
        if let Some((id, nack)) = group.pending.iter().next() {
            return Err(Broken::new([node], format!("{id} is pending: {nack:?}")));
        }
        match stream.entries().find(|(id, _)| *id > group.last_delivered) {
            Some((id, _)) => Err(Broken::new([node], format!("{id} was never delivered"))),
            None => Ok(()),
        }
    })
}

/// Whether the nodes that it takes are there: a shrunk trace may lack some.
fn possible(world: &World<Stream>) -> bool {
    let up = |node: u16| world.process(NodeId(node)).is_some();
    let servers = if world.config().replicated { (0..SERVERS).all(up) && up(SENTINEL.0) } else { up(MASTER.0) };
    servers && world.config().consumer_ids().any(up)
}
