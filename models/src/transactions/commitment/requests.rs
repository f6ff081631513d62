//! What clients and coordinators say to each other. A client is [`crate::parts::client::Client`]; its session is the
//! coordinator's incarnation.

use seedbed_sim::{Mark, OpId};

use crate::parts::client::Requests;
use crate::transactions::TxId;
use crate::transactions::commitment::protocol::Protocol;
use crate::transactions::commitment::work::{Op, Ret};

/// How many times a coordinator has started, itself included: the incarnation number of transaction identifiers in real
/// systems. The first is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Incarnation(pub u64);

impl Default for Incarnation {
    fn default() -> Self {
        Incarnation(1)
    }
}

/// A client asks a coordinator for a transaction. It is the same each time it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// The transaction.
    pub tx: TxId,
    /// The coordinator's incarnation, as far as the client knew. In any later one the transaction is not begun; see
    /// [`crate::transactions::commitment::request_log`].
    pub incarnation: Incarnation,
    /// What the transaction does.
    pub op: Op,
}

/// A coordinator tells a client how a transaction ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reply {
    /// The transaction.
    pub tx: TxId,
    /// How it ended.
    pub ret: Ret,
    /// The coordinator's incarnation, for the client's next request.
    pub incarnation: Incarnation,
}

impl<P: Protocol> Requests for P {
    type Message = P::Message;
    type Timer = P::Timer;
    type Record = P::Record;
    type Op = Op;
    type Ret = Ret;
    type Session = Incarnation;

    const RETRY: P::Timer = <P as Protocol>::RETRY;
    const RETRIED: Mark = <P as Protocol>::RETRIED;

    fn request(incarnation: &Incarnation, id: OpId, op: &Op) -> P::Message {
        P::REQUEST(Request { tx: id.into(), incarnation: *incarnation, op: op.clone() })
    }

    fn reply(incarnation: &mut Incarnation, message: P::Message) -> Result<(OpId, Ret), P::Message> {
        let reply = <P as Protocol>::reply(message)?;
        *incarnation = reply.incarnation.max(*incarnation);
        Ok((reply.tx.into(), reply.ret))
    }
}
