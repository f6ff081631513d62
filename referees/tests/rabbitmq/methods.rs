//! Commands as methods of the client.

use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicGetOptions, BasicNackOptions, BasicPublishOptions,
    BasicQosOptions, BasicRejectOptions, ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions,
    QueueDeclareOptions, QueueDeleteOptions, QueuePurgeOptions,
};
use lapin::types::FieldTable;
use lapin::{Channel, Confirmation, ExchangeKind, Result};
use seedbed_models::communication::message_queue::books::command::{AckMode, Command, Publish};
use seedbed_models::communication::message_queue::books::journal::Settlement;
use seedbed_models::communication::message_queue::names::DeliveryTag;

use crate::said::Answer;
use crate::theirs::{Open, passive};
use crate::words;

/// Calls the method of a command on an open channel.
pub async fn call(open: &mut Open, command: &Command) -> Result<Answer> {
    let Open { channel, consumers, .. } = open;
    let done = |()| Answer::Done;
    match command {
        Command::DeclareExchange(_, exchange, kind, durable) => {
            let options = ExchangeDeclareOptions { durable: durable.0, ..ExchangeDeclareOptions::default() };
            let declared =
                channel.exchange_declare(words::name(exchange), words::kind(*kind), options, FieldTable::default());
            declared.await.map(done)
        }
        Command::DeleteExchange(_, exchange, only_if) => {
            let options = ExchangeDeleteOptions { if_unused: only_if.unused, nowait: false };
            channel.exchange_delete(words::name(exchange), options).await.map(done)
        }
        Command::DeclareQueue(_, queue, settings) => {
            let options = QueueDeclareOptions { durable: settings.durable, ..QueueDeclareOptions::default() };
            let declared = channel.queue_declare(words::name(queue), options, words::arguments(settings)).await?;
            Ok(Answer::Ready(declared.message_count().into()))
        }
        Command::DeleteQueue(_, queue, only_if) => {
            let options = QueueDeleteOptions { if_unused: only_if.unused, if_empty: only_if.empty, nowait: false };
            channel.queue_delete(words::name(queue), options).await.map(|count| Answer::Ready(count.into()))
        }
        Command::Purge(_, queue) => {
            let purged = channel.queue_purge(words::name(queue), QueuePurgeOptions::default()).await;
            purged.map(|count| Answer::Ready(count.into()))
        }
        Command::Bind(_, exchange, queue, binding) => {
            let (exchange, queue, key) = (words::name(exchange), words::name(queue), words::name(&binding.key));
            let arguments = words::binding(binding);
            channel.queue_bind(queue, exchange, key, QueueBindOptions::default(), arguments).await.map(done)
        }
        Command::Unbind(_, exchange, queue, binding) => {
            let (exchange, queue, key) = (words::name(exchange), words::name(queue), words::name(&binding.key));
            channel.queue_unbind(queue, exchange, key, words::binding(binding)).await.map(done)
        }
        Command::Qos { prefetch, global, .. } => {
            channel.basic_qos(*prefetch, BasicQosOptions { global: *global }).await.map(done)
        }
        Command::Consume(_, queue, tag, mode) => {
            let options = BasicConsumeOptions { no_ack: *mode == AckMode::Auto, ..BasicConsumeOptions::default() };
            let name = words::tag(*tag);
            let consumer = channel.basic_consume(words::name(queue), name, options, FieldTable::default()).await?;
            consumers.insert(tag.0, consumer);
            Ok(Answer::Done)
        }
        Command::Cancel(_, tag) => {
            channel.basic_cancel(words::tag(*tag), BasicCancelOptions::default()).await?;
            consumers.remove(&tag.0);
            Ok(Answer::Done)
        }
        Command::Get(_, queue, mode) => {
            let options = BasicGetOptions { no_ack: *mode == AckMode::Auto };
            let got = channel.basic_get(words::name(queue), options).await?;
            let got = got.map(|got| (words::delivered(&got.delivery, None), u64::from(got.message_count)));
            Ok(Answer::Got(got))
        }
        Command::Publish(_, publish) => self::publish(channel, publish).await,
        Command::Settle { tag, multiple, how, .. } => settle(channel, *tag, *multiple, *how).await.map(done),
        command => panic!("no method of an open channel: {command:?}"),
    }
}

/// A publish, until it is confirmed or refused. What is returned comes before that.
async fn publish(channel: &Channel, publish: &Publish) -> Result<Answer> {
    let Publish { exchange, key, mandatory, properties, body } = publish;
    let options = BasicPublishOptions { mandatory: *mandatory, immediate: false };
    let (exchange, key, body) = (words::name(exchange), words::name(key), body.id.0.to_string());
    let sent = channel.basic_publish(exchange, key, options, body.as_bytes(), words::properties(properties)).await?;
    match sent.await? {
        Confirmation::Ack(returned) => Ok(Answer::Published { returned: returned.is_some(), accepted: true }),
        Confirmation::Nack(returned) => Ok(Answer::Published { returned: returned.is_some(), accepted: false }),
        Confirmation::NotRequested => panic!("all channels confirm publishes"),
    }
}

/// `basic.ack`, `basic.nack` and `basic.reject` are not answered: another method is, which comes behind them.
async fn settle(channel: &Channel, tag: DeliveryTag, multiple: bool, how: Settlement) -> Result<()> {
    match how {
        Settlement::Ack => channel.basic_ack(tag.0, BasicAckOptions { multiple }).await?,
        Settlement::Nack { requeue } => channel.basic_nack(tag.0, BasicNackOptions { multiple, requeue }).await?,
        Settlement::Reject { requeue } => channel.basic_reject(tag.0, BasicRejectOptions { requeue }).await?,
    }
    channel.exchange_declare("amq.direct".into(), ExchangeKind::Direct, passive(), FieldTable::default()).await
}
