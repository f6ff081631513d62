//! S1: identifiers increase.

use std::collections::BTreeMap;

use seedbed_models::communication::stream::messages::Ret;
use seedbed_models::communication::stream::settings::STREAM;
use seedbed_models::communication::stream::{Command, Id, Reply, Stream};
use seedbed_models::parts::redis::Key;
use seedbed_sim::{Broken, NodeId, Property, Verdict, World};

use crate::communication::stream::watched::Watched;

/// S1: the identifier of a new entry is greater than all that the server has ever given in its stream, also if their entries are
/// gone; where durability is promised, than all that producers know of, too.
#[derive(Clone, Default)]
pub struct IdsIncrease {
    watched: Watched,
    /// The greatest of each server and stream.
    greatest: BTreeMap<(NodeId, Key), Id>,
}

impl Property<Stream> for IdsIncrease {
    fn name(&self) -> String {
        "stream/ids_increase".into()
    }

    fn after_event(&mut self, world: &World<Stream>) -> Verdict {
        for &node in world.changed() {
            let Some(news) = self.watched.of(world, node) else { continue };
            if news.begins {
                self.greatest.retain(|(of, _), _| *of != node);
                let streams = news.server.engine().keys().streams();
                self.greatest.extend(streams.map(|(key, stream)| ((node, key), stream.last_id())));
            }
            for executed in news.executed {
                let (Command::XAdd { key, .. }, Reply::Id(id)) = (&executed.command, &executed.reply) else { continue };
                let greatest = self.greatest.entry((node, *key)).or_default();
                let known = if *key == STREAM { acknowledged(world) } else { Id::ZERO };
                if id <= greatest || *id <= known {
                    let words = format!("{node} gives a new entry {id}, and has given {} before", known.max(*greatest));
                    return Err(Broken::new([node], words));
                }
                *greatest = *id;
            }
        }
        Ok(())
    }
}

/// The greatest identifier that a producer knows of, where it must not be given again.
fn acknowledged(world: &World<Stream>) -> Id {
    let id = |ret: &Ret| if let Ret::Added(id) = *ret { Some(id) } else { None };
    let known = world.history().returned().filter_map(id).max().filter(|_| world.config().promises_durability());
    known.unwrap_or_default()
}
