//! Clients of a coordinator: [`crate::parts::client::Client`], whose session is the coordinator's incarnation.

use seedbed_sim::{Mark, OpId};

use crate::parts::client::Requests;
use crate::transactions::commitment::protocol::Protocol;
use crate::transactions::commitment::requests::{Incarnation, Request};
use crate::transactions::commitment::work::{Op, Ret};

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
