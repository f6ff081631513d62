//! Answers in one form, whoever gave them.

use redis::{RedisError, Value};
use seedbed_models::communication::stream::{Claimed, Command, Id, Item, Reply};
use seedbed_models::parts::redis as parts;

use crate::words::{consumer, group, key};

/// An answer, without the times that have passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Nil,
    Number(i64),
    Text(String),
    Error(String),
    List(Vec<Answer>),
}

/// In the place of how long something has been idle.
fn idle() -> Answer {
    Answer::Text("for some time".into())
}

/// How many words of an error are compared: some go on with what was asked for.
const WORDS_OF_ERRORS: usize = 6;

/// An error by its first words; one that names what is not there, by its code alone.
fn error(text: &str) -> Answer {
    let words = text.split_whitespace().take(if text.starts_with("NOGROUP") { 1 } else { WORDS_OF_ERRORS });
    Answer::Error(words.collect::<Vec<_>>().join(" ").trim_end_matches('.').into())
}

// ---------------------------------------------------------------------------------------------------------------------------
// A real server's

pub fn of_server(command: &Command, answer: Result<Value, RedisError>) -> Answer {
    let answer = match answer {
        Ok(value) => plain(value),
        Err(refused) => {
            let code = refused.code().unwrap_or("ERR");
            return error(&format!("{code} {}", refused.detail().unwrap_or_default()));
        }
    };
    match (command, answer) {
        (Command::XPending { .. }, Answer::List(pending)) => {
            Answer::List(pending.into_iter().map(without_idle).collect())
        }
        (Command::XInfoStream(_), Answer::List(pairs)) => {
            let values = values(pairs);
            // Without how its tree of nodes is made.
            Answer::List([0, 3, 4, 5, 6, 7, 8, 9].map(|place| values[place].clone()).to_vec())
        }
        (Command::XInfoGroups(_), Answer::List(groups)) => Answer::List(groups.into_iter().map(map).collect()),
        (Command::XInfoConsumers(..), Answer::List(consumers)) => {
            Answer::List(consumers.into_iter().map(map).map(without_idle).collect())
        }
        (_, answer) => answer,
    }
}

fn plain(value: Value) -> Answer {
    match value {
        Value::Nil => Answer::Nil,
        Value::Int(number) => Answer::Number(number),
        Value::BulkString(bytes) => Answer::Text(String::from_utf8(bytes).expect("all names are plain")),
        Value::SimpleString(text) => Answer::Text(text),
        Value::Okay => Answer::Text("OK".into()),
        Value::Array(values) => Answer::List(values.into_iter().map(plain).collect()),
        value => panic!("an answer of the first protocol: {value:?}"),
    }
}

/// The values of names and values in turn.
fn values(pairs: Vec<Answer>) -> Vec<Answer> {
    pairs.into_iter().skip(1).step_by(2).collect()
}

fn map(answer: Answer) -> Answer {
    match answer {
        Answer::List(pairs) => Answer::List(values(pairs)),
        other => panic!("names and values: {other:?}"),
    }
}

/// The third of what is said of something is how long it has been idle.
fn without_idle(answer: Answer) -> Answer {
    match answer {
        Answer::List(mut said) => {
            said[2] = idle();
            Answer::List(said)
        }
        other => other,
    }
}

// ---------------------------------------------------------------------------------------------------------------------------
// The model's

pub fn of_model(command: &Command, reply: &Reply) -> Answer {
    match reply {
        Reply::Ok => Answer::Text("OK".into()),
        Reply::Nil => Answer::Nil,
        // What is stored is text.
        Reply::Number(number) if matches!(command, Command::Plain(parts::Command::Get(_))) => text(number),
        Reply::Number(count) => number(*count),
        Reply::Id(id) => text(id),
        Reply::Entries(entries) => list(entries, item),
        Reply::Streams(streams) => {
            list(streams, |(of, entries)| Answer::List(vec![text(key(*of)), list(entries, item)]))
        }
        Reply::Claimed(claimed) => self::claimed(claimed),
        Reply::AutoClaimed { cursor, claimed, deleted } => {
            Answer::List(vec![text(cursor), self::claimed(claimed), list(deleted, text)])
        }
        Reply::Summary(summary) => {
            let end = |end: Option<Id>| end.map_or(Answer::Nil, text);
            let consumers =
                || list(&summary.consumers, |(who, count)| Answer::List(vec![text(consumer(*who)), text(count)]));
            Answer::List(vec![
                number(summary.count),
                end(summary.range.map(|(least, _)| least)),
                end(summary.range.map(|(_, greatest)| greatest)),
                if summary.count == 0 { Answer::Nil } else { consumers() },
            ])
        }
        Reply::Pending(pending) => list(pending, |pending| {
            Answer::List(vec![text(pending.id), text(consumer(pending.consumer)), idle(), number(pending.deliveries)])
        }),
        Reply::Stream(stream) => Answer::List(vec![
            number(stream.length),
            text(stream.last_generated_id),
            text(stream.max_deleted_entry_id),
            number(stream.entries_added),
            text(stream.recorded_first_entry_id),
            number(stream.groups),
            stream.first_entry.as_ref().map_or(Answer::Nil, item),
            stream.last_entry.as_ref().map_or(Answer::Nil, item),
        ]),
        Reply::Groups(groups) => list(groups, |known| {
            Answer::List(vec![
                text(group(known.name)),
                number(known.consumers),
                number(known.pending),
                text(known.last_delivered_id),
                known.entries_read.map_or(Answer::Nil, number),
                known.lag.map_or(Answer::Nil, Answer::Number),
            ])
        }),
        Reply::Consumers(consumers) => {
            list(consumers, |known| Answer::List(vec![text(consumer(known.name)), number(known.pending), idle()]))
        }
        Reply::Error(refused) => error(&refused.to_string()),
    }
}

fn list<'a, T: 'a>(items: impl IntoIterator<Item = &'a T>, answer: impl Fn(&'a T) -> Answer) -> Answer {
    Answer::List(items.into_iter().map(answer).collect())
}

fn text(text: impl ToString) -> Answer {
    Answer::Text(text.to_string())
}

fn number(count: u64) -> Answer {
    Answer::Number(count as i64)
}

fn item(item: &Item) -> Answer {
    let fields = |fields: &[(u32, u64)]| fields.iter().flat_map(|(field, value)| [text(field), text(value)]).collect();
    let fields = item.fields.as_ref().map_or(Answer::Nil, |known| Answer::List(fields(known)));
    Answer::List(vec![text(item.id), fields])
}

fn claimed(claimed: &Claimed) -> Answer {
    match claimed {
        Claimed::Entries(entries) => list(entries, item),
        Claimed::Ids(ids) => list(ids, text),
    }
}
