//! The logs of a broker on its disk: a file each, with what was appended and truncated.

use seedbed_sim::{Context, File};

use crate::communication::log_broker::broker::replica::Replica;
use crate::communication::log_broker::broker::server::Broker;
use crate::communication::log_broker::log::Log;
use crate::communication::log_broker::messages::{FIRST_LOG, LogRecord, REGISTRATION, Record};
use crate::communication::log_broker::names::TopicPartition;
use crate::communication::log_broker::settings::Flush;
use crate::parts::wal;

impl Broker {
    /// Reads the disk. `false` if something durable is damaged: then the node has halted.
    pub(super) fn recover(&mut self, ctx: &mut Context<'_, Self>) -> bool {
        let Some(registrations) = wal::recover(ctx, REGISTRATION) else { return false };
        for record in registrations {
            let Record::Registered(incarnation, epoch) = record else {
                panic!("no record of a registration: {record:?}")
            };
            self.registration.incarnation = incarnation;
            self.registration.previous = epoch.or(self.registration.previous);
        }
        let id = ctx.id();
        let mine = self.config.partitions.iter().filter(|(_, replicas)| replicas.contains(&id));
        let mine: Vec<TopicPartition> = mine.map(|(partition, _)| *partition).collect();
        for partition in mine {
            let Some(records) = wal::recover(ctx, self.file(partition)) else { return false };
            let mut log = Log::default();
            for record in records {
                let Record::Log(record) = record else { panic!("no record of a log: {record:?}") };
                match record {
                    LogRecord::Append(batch) => log.append(batch),
                    LogRecord::Truncate(end) => log.truncate_to(end),
                }
            }
            self.replicas.insert(partition, Replica::new(log));
        }
        true
    }

    fn file(&self, partition: TopicPartition) -> File {
        let place = self.config.partitions.iter().position(|(other, _)| *other == partition);
        File(FIRST_LOG + place.expect("a broker writes logs of partitions that there are") as u16)
    }

    /// Writes what was done to a log. Kafka leaves it to the operating system when that reaches the disk, unless
    /// `log.flush.interval.messages` says otherwise.
    pub(super) fn write(&self, ctx: &mut Context<'_, Self>, partition: TopicPartition, record: LogRecord) {
        let (file, record) = (self.file(partition), Record::Log(record));
        match self.config.settings.flush {
            Flush::Later => ctx.append_lazily(file, record),
            Flush::Always => ctx.append(file, record),
        };
    }
}
