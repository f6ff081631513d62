//! S5: lengths.

use seedbed_models::communication::stream::server::Server;
use seedbed_models::communication::stream::settings::{Retention, STREAM};
use seedbed_models::communication::stream::{Command, Exactness, Reply, Stream, Threshold, Trim};
use seedbed_models::parts::redis::Key;
use seedbed_sim::{Broken, NodeId, Property, Verdict, World};

use crate::communication::stream::server;
use crate::communication::stream::watched::Watched;

/// S5: after a command with an exact threshold nothing is left beyond it; and where all producers keep a length, no server's
/// stream is ever longer.
#[derive(Clone, Default)]
pub struct ExactLength(Watched);

impl ExactLength {
    fn look(&mut self, world: &World<Stream>, node: NodeId) -> Verdict {
        let Some(server) = server(world, node) else { return Ok(()) };
        if let (Retention::Exactly(most), Some(stream)) =
            (world.config().retention, server.engine().keys().stream(STREAM))
            && stream.len() > u64::from(most)
        {
            let words = format!("the stream of {node} has {} entries, and all producers keep {most}", stream.len());
            return Err(Broken::new([node], words));
        }
        let Some(news) = self.0.of(world, node) else { return Ok(()) };
        let trims = news.executed.iter().filter_map(|executed| match (&executed.command, &executed.reply) {
            (_, Reply::Error(_) | Reply::Nil) => None,
            (Command::XAdd { key, trim: Some(trim), .. } | Command::XTrim(key, trim), _) => Some((*key, *trim)),
            _ => None,
        });
        for (key, trim) in trims.filter(|(_, trim)| trim.how == Exactness::Exact) {
            if let Some(words) = beyond(server, key, trim) {
                return Err(Broken::new([node], format!("{node} has trimmed {key:?} to {:?}, and {words}", trim.to)));
            }
        }
        Ok(())
    }
}

/// What is left beyond a threshold.
fn beyond(server: &Server, key: Key, trim: Trim) -> Option<String> {
    let stream = server.engine().keys().stream(key)?;
    match trim.to {
        Threshold::MaxLen(most) => (stream.len() > most).then(|| format!("{} entries are left", stream.len())),
        Threshold::MinId(least) => {
            (!stream.is_empty() && stream.first_id() < least).then(|| format!("{} is left", stream.first_id()))
        }
    }
}

impl Property<Stream> for ExactLength {
    fn name(&self) -> String {
        "stream/exact_length".into()
    }

    fn after_event(&mut self, world: &World<Stream>) -> Verdict {
        world.changed().iter().try_for_each(|node| self.look(world, *node))
    }
}
