//! Commands on strings, as [`crate::parts::redis`] has them, among keys that may hold streams.

use super::Execution;
use crate::communication::stream::effect::Effect;
use crate::communication::stream::reply::{Error, Reply};
use crate::parts::redis::{self, Command, Condition, Key};

impl Execution<'_> {
    pub(super) fn plain(&mut self, command: &Command) -> Result<Reply, Error> {
        let is_stream = |key: &Key| self.keys.stream(*key).is_some();
        match command {
            Command::Get(key) | Command::Incr(key) if is_stream(key) => Err(Error::WrongType),
            Command::Eval(_) if keys_of(command).iter().any(is_stream) => Err(Error::WrongType),
            Command::Set { key, nx: true, .. } if is_stream(key) => Ok(Reply::Nil),
            Command::Set { key, .. } if is_stream(key) => {
                self.change(Effect::Dropped(*key));
                Ok(self.on_strings(command))
            }
            Command::Del(key) if is_stream(key) => {
                self.change(Effect::Dropped(*key));
                Ok(Reply::Number(1))
            }
            Command::PExpire(key, span) if is_stream(key) => {
                self.change(Effect::Expires(*key, self.now + *span));
                Ok(Reply::Number(1))
            }
            _ => Ok(self.on_strings(command)),
        }
    }

    fn on_strings(&mut self, command: &Command) -> Reply {
        let mut effects = Vec::new();
        let reply = self.keys.strings_mut().execute(self.now, self.by, command, &mut effects);
        self.effects.extend(effects.into_iter().map(Effect::Plain));
        match reply {
            redis::Reply::Ok => Reply::Ok,
            redis::Reply::Nil => Reply::Nil,
            redis::Reply::Number(number) => Reply::Number(number),
        }
    }
}

/// The keys that a command names.
fn keys_of(command: &Command) -> Vec<Key> {
    match command {
        Command::Get(key) | Command::Del(key) | Command::PExpire(key, _) | Command::Incr(key) => vec![*key],
        Command::Set { key, .. } => vec![*key],
        Command::Eval(script) => {
            let conditions = script.when.iter().map(|condition| match condition {
                Condition::Holds(key, _) | Condition::Absent(key) | Condition::Below(key, _) => *key,
            });
            conditions.chain(script.then.iter().flat_map(keys_of)).collect()
        }
    }
}
