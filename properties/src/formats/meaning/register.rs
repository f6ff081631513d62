//! Registers.

use crate::checkers::linearizability::specs::cas_register::{Access, Answer};
use crate::formats::datum::Datum;
use crate::formats::object::{Meaning, Reading, two, unknown};
use crate::formats::recorded::Call;

pub fn access(call: &Call, reading: &Reading) -> Meaning<Access<Datum>, Answer<Datum>> {
    let op = match call.function.as_str() {
        "read" => Access::Read,
        "write" => Access::Write((&call.asked).into()),
        "cas" => {
            let (expected, new) = two(&call.asked, "[expected, new]")?;
            Access::Cas(expected.into(), new.into())
        }
        _ => return unknown(call, "read, write, cas"),
    };
    if call.failed() {
        let saw = reading.definite() && call.function == "cas";
        return Ok(saw.then_some((op, Some(Answer::Swapped(false)))));
    }
    let ret = call.ok().and_then(|value| match op {
        Access::Read if value.is_null() && reading.null_says_nothing() => None,
        Access::Read => Some(Answer::Value(value.into())),
        Access::Write(_) => Some(Answer::Written),
        Access::Cas(..) => Some(Answer::Swapped(true)),
    });
    Ok(Some((op, ret)))
}
