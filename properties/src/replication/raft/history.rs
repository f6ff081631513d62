//! S6 and S8: the answers to clients, including reads by ReadIndex and under a lease, are linearizable with respect to
//! one sequential map (paper §8; Herlihy and Wing 1990).

use seedbed_models::replication::raft::client::Ask;
use seedbed_models::replication::raft::kv::{Command, Key, Output, Value};
use seedbed_sim::{Model, Process};
use serde_json::json;

use crate::checkers::linearizability::specs::kv::{Answer, Kv, Request};
use crate::checkers::linearizability::{Linearizable, linearizable};
use crate::formats::world::Seen;

/// The property `raft/linearizable`, of every model with Raft's operations.
pub fn commands_linearizable<M>() -> Linearizable<M, Kv<Key, Value>>
where
    M: Model<Process: Process<Op = Ask, Ret = Output>>,
{
    linearizable("raft/linearizable", Kv::new(), |ask, output| match ask {
        Ask::Command(command) => Some((request(command), output.map(answer))),
        // Changes of membership and leadership transfers do not concern the map.
        Ask::Reconfigure(_) | Ask::Transfer { .. } => None,
    })
}

/// A command of the model, for the specification.
pub fn request(command: &Command) -> Request<Key, Value> {
    match *command {
        Command::Get { key } => Request::Get(key),
        Command::Put { key, item } => Request::Put(key, vec![item]),
        Command::Append { key, item } => Request::Append(key, vec![item]),
        Command::Cas { key, expect, new } => Request::Cas(key, expect.map(|item| vec![item]), vec![new]),
    }
}

/// An answer of the model, for the specification.
pub fn answer(output: &Output) -> Answer<Value> {
    match output {
        Output::Got(value) => Answer::Value(value.clone()),
        Output::Done => Answer::Done,
        Output::GivenUp => panic!("no command of the map is given up"),
        Output::Swapped(swapped) => Answer::Swapped(*swapped),
    }
}

/// A command and its output in a recorded history, for `seedbed check`.
pub fn recorded(ask: &Ask, output: Option<&Output>) -> Option<Seen> {
    let Ask::Command(command) = ask else { return None };
    let (function, asked) = match *command {
        Command::Get { key } => ("get", json!([key, null])),
        Command::Put { key, item } => ("put", json!([key, [item]])),
        Command::Append { key, item } => ("append", json!([key, [item]])),
        Command::Cas { key, expect, new } => ("cas", json!([key, [expect.map(|item| [item]), [new]]])),
    };
    let answered = output.map(|output| match output {
        Output::Got(value) => Ok(json!([command.key(), value])),
        Output::Done | Output::Swapped(true) => Ok(asked.clone()),
        Output::Swapped(false) | Output::GivenUp => Err(()),
    });
    Some(Seen { function, asked, answered })
}
