//! Commands as a client sends them.

use seedbed_models::communication::stream::{
    After, AutoClaim, Bound, Claim, Command, ConsumerName, Delivered, Exactness, GroupAfter, GroupName, GroupStart,
    NewId, Threshold, Trim,
};
use seedbed_models::parts::redis::{self, Condition, Key, Script};

/// The words of a command.
#[derive(Default)]
struct Words(Vec<String>);

impl Words {
    fn new(name: &str) -> Self {
        Words::default().and(name)
    }

    fn and(mut self, word: impl ToString) -> Self {
        self.0.push(word.to_string());
        self
    }

    fn all<W: ToString>(self, words: impl IntoIterator<Item = W>) -> Self {
        words.into_iter().fold(self, Words::and)
    }

    /// A word that stands there or not.
    fn flag(self, is_set: bool, word: &str) -> Self {
        if is_set { self.and(word) } else { self }
    }

    /// A word with its value, if there is one.
    fn option(self, word: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.and(word).and(value),
            None => self,
        }
    }
}

pub fn key(key: Key) -> String {
    format!("k{}", key.0)
}

/// Names of equal length: a server has them in alphabetical order.
pub fn group(group: GroupName) -> String {
    format!("g{:05}", group.0)
}

pub fn consumer(consumer: ConsumerName) -> String {
    format!("c{:05}", consumer.0)
}

fn bound(bound: Bound) -> String {
    match bound {
        Bound::Including(id) => id.to_string(),
        Bound::Excluding(id) => format!("({id}"),
    }
}

fn trim(words: Words, trim: &Trim) -> Words {
    let (by, threshold) = match trim.to {
        Threshold::MaxLen(most) => ("MAXLEN", most.to_string()),
        Threshold::MinId(least) => ("MINID", least.to_string()),
    };
    match trim.how {
        Exactness::Exact => words.and(by).and("=").and(threshold),
        Exactness::Approximate { limit } => words.and(by).and("~").and(threshold).option("LIMIT", limit),
    }
}

fn start(start: GroupStart) -> String {
    match start {
        GroupStart::Id(id) => id.to_string(),
        GroupStart::Last => "$".into(),
    }
}

/// `STREAMS`, the keys, and from where on each is read.
fn streams<A: Copy>(words: Words, streams: &[(Key, A)], from: impl Fn(A) -> String) -> Words {
    let words = words.and("STREAMS").all(streams.iter().map(|(of, _)| key(*of)));
    words.all(streams.iter().map(|(_, after)| from(*after)))
}

pub fn of(command: &Command) -> Vec<String> {
    let words = match command {
        Command::XAdd { key: to, id, fields, no_make, trim: trimmed } => {
            let words = Words::new("XADD").and(key(*to)).flag(*no_make, "NOMKSTREAM");
            let words = trimmed.iter().fold(words, trim);
            let words = match id {
                NewId::Auto => words.and("*"),
                NewId::At(ms) => words.and(format!("{ms}-*")),
                NewId::Exactly(id) => words.and(id),
            };
            words.all(fields.iter().flat_map(|(field, value)| [field.to_string(), value.to_string()]))
        }
        Command::XTrim(of, how) => trim(Words::new("XTRIM").and(key(*of)), how),
        Command::XDel(of, ids) => Words::new("XDEL").and(key(*of)).all(ids),
        Command::XLen(of) => Words::new("XLEN").and(key(*of)),
        Command::XRange { key: of, start, end, count, reversed: false } => {
            Words::new("XRANGE").and(key(*of)).and(bound(*start)).and(bound(*end)).option("COUNT", *count)
        }
        Command::XRange { key: of, start, end, count, reversed: true } => {
            Words::new("XREVRANGE").and(key(*of)).and(bound(*end)).and(bound(*start)).option("COUNT", *count)
        }
        Command::XRead { streams: read, count, block } => {
            streams(Words::new("XREAD").option("COUNT", *count).option("BLOCK", *block), read, |after| match after {
                After::Id(id) => id.to_string(),
                After::Now => "$".into(),
            })
        }
        Command::XGroupCreate { key: of, group: name, start: from, make, entries_read } => {
            let words = Words::new("XGROUP").and("CREATE").and(key(*of)).and(group(*name)).and(start(*from));
            words.flag(*make, "MKSTREAM").option("ENTRIESREAD", *entries_read)
        }
        Command::XGroupSetId { key: of, group: name, start: from, entries_read } => {
            let words = Words::new("XGROUP").and("SETID").and(key(*of)).and(group(*name)).and(start(*from));
            words.option("ENTRIESREAD", *entries_read)
        }
        Command::XGroupDestroy(of, name) => Words::new("XGROUP").and("DESTROY").and(key(*of)).and(group(*name)),
        Command::XGroupCreateConsumer(of, name, who) => {
            Words::new("XGROUP").and("CREATECONSUMER").and(key(*of)).and(group(*name)).and(consumer(*who))
        }
        Command::XGroupDelConsumer(of, name, who) => {
            Words::new("XGROUP").and("DELCONSUMER").and(key(*of)).and(group(*name)).and(consumer(*who))
        }
        Command::XReadGroup { group: name, consumer: who, streams: read, count, block, no_ack } => {
            let words = Words::new("XREADGROUP").and("GROUP").and(group(*name)).and(consumer(*who));
            let words = words.option("COUNT", *count).option("BLOCK", *block).flag(*no_ack, "NOACK");
            streams(words, read, |after| match after {
                GroupAfter::Pending(id) => id.to_string(),
                GroupAfter::New => ">".into(),
            })
        }
        Command::XAck(of, name, ids) => Words::new("XACK").and(key(*of)).and(group(*name)).all(ids),
        Command::XPendingSummary(of, name) => Words::new("XPENDING").and(key(*of)).and(group(*name)),
        Command::XPending { key: of, group: name, min_idle, start, end, count, consumer: who } => {
            let words = Words::new("XPENDING").and(key(*of)).and(group(*name));
            let words = words.option("IDLE", Some(*min_idle).filter(|idle| *idle > 0));
            words.and(bound(*start)).and(bound(*end)).and(count).all(who.map(consumer))
        }
        Command::XClaim(claim) => claimed(claim),
        Command::XAutoClaim(AutoClaim { key: of, group: name, consumer: who, min_idle, start, count, just_id }) => {
            let words = Words::new("XAUTOCLAIM").and(key(*of)).and(group(*name)).and(consumer(*who));
            words.and(min_idle).and(start).option("COUNT", *count).flag(*just_id, "JUSTID")
        }
        Command::XInfoStream(of) => Words::new("XINFO").and("STREAM").and(key(*of)),
        Command::XInfoGroups(of) => Words::new("XINFO").and("GROUPS").and(key(*of)),
        Command::XInfoConsumers(of, name) => Words::new("XINFO").and("CONSUMERS").and(key(*of)).and(group(*name)),
        Command::Plain(redis::Command::Eval(script)) => evaluated(script),
        Command::Plain(command) => plain(command),
    };
    words.0
}

fn claimed(claim: &Claim) -> Words {
    let words = Words::new("XCLAIM").and(key(claim.key)).and(group(claim.group)).and(consumer(claim.consumer));
    let words = words.and(claim.min_idle).all(&claim.ids);
    let words = match claim.delivered {
        Delivered::Now => words,
        Delivered::Idle(ms) => words.and("IDLE").and(ms),
        Delivered::At(ms) => words.and("TIME").and(ms),
    };
    let words = words.option("RETRYCOUNT", claim.retry_count).flag(claim.force, "FORCE").flag(claim.just_id, "JUSTID");
    words.option("LASTID", claim.last_id)
}

fn plain(command: &redis::Command) -> Words {
    match command {
        redis::Command::Get(of) => Words::new("GET").and(key(*of)),
        redis::Command::Set { key: of, value, nx, px } => {
            Words::new("SET").and(key(*of)).and(value).flag(*nx, "NX").option("PX", px.map(|px| px.0 / 1_000_000))
        }
        redis::Command::Del(of) => Words::new("DEL").and(key(*of)),
        redis::Command::PExpire(of, px) => Words::new("PEXPIRE").and(key(*of)).and(px.0 / 1_000_000),
        redis::Command::Incr(of) => Words::new("INCR").and(key(*of)),
        redis::Command::Eval(script) => evaluated(script),
    }
}

/// A script in Lua: conditions, each of which ends it, and then commands.
fn evaluated(script: &Script) -> Words {
    let conditions = script.when.iter().map(|condition| match condition {
        Condition::Holds(of, value) => {
            format!("if redis.call('GET', '{}') ~= '{value}' then return false end", key(*of))
        }
        Condition::Absent(of) => format!("if redis.call('EXISTS', '{}') == 1 then return false end", key(*of)),
        Condition::Below(of, value) => {
            let of = key(*of);
            format!("local n = redis.call('GET', '{of}') if n and tonumber(n) >= {value} then return false end")
        }
    });
    let calls = script.then.iter().map(|command| {
        let quoted: Vec<String> = plain(command).0.iter().map(|word| format!("'{word}'")).collect();
        format!("last = redis.call({})", quoted.join(", "))
    });
    let lines: Vec<String> = conditions.chain(["local last".into()]).chain(calls).collect();
    Words::new("EVAL").and(format!("{}\nreturn last", lines.join("\n"))).and(0)
}
