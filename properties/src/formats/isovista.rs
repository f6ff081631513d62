//! The text of PolySI and IsoVista, into which histories of Cobra and DBCop are converted too: an operation a line, of
//! registers that first hold 0.
//!
//! ```text
//! w(1, 5, 0, 3)      a write: key, value, session, transaction
//! r(1, 5, 1, 4)      a read
//! w(1, 6, 1, -1)     a write of a transaction that aborted
//! ```
//!
//! Transactions of a session are in its order, and nothing is known about real time.

use std::collections::BTreeMap;

use super::lines::LineError;
use super::recorded::{Contents, Recorded};
use crate::checkers::isolation::{History, Kind, Mop, Name, Seen, Status, Transaction};

/// Whether a line is an operation, as far as its beginning tells.
pub fn is_operation(line: &str) -> bool {
    line.trim_start().strip_prefix(['r', 'w']).is_some_and(|rest| rest.trim_start().starts_with('('))
}

/// The history of a file.
///
/// # Errors
/// If a line is no operation, or the operations of a transaction are not together in one session.
pub fn read(text: &str) -> Result<Recorded, LineError> {
    let mut transactions: Vec<Transaction> = Vec::new();
    // By transaction: its index, and the line of its first operation.
    let mut known: BTreeMap<i64, (usize, usize)> = BTreeMap::new();
    // By session: its last transaction.
    let mut last: BTreeMap<u64, i64> = BTreeMap::new();
    for (line, words) in (1..).zip(text.lines()).filter(|(_, words)| !words.trim().is_empty()) {
        let wrong = |what: String| LineError { line, what };
        let Operation { mop, session, transaction } = operation(words).map_err(wrong)?;
        if transaction == -1 {
            let aborted = (Status::Fail, vec![mop]);
            transactions.push(of_session(session, aborted));
            continue;
        }
        match known.get(&transaction) {
            Some(&(index, first)) if transactions[index].process != session => {
                let other = transactions[index].process;
                return Err(wrong(format!(
                    "transaction {transaction} is of session {other} (line {first}), not {session}"
                )));
            }
            Some(_) if last[&session] != transaction => {
                let what =
                    format!("transaction {transaction} goes on after transaction {} of its session", last[&session]);
                return Err(wrong(format!("{what} has begun: are the lines out of order?")));
            }
            Some(&(index, _)) => transactions[index].mops.push(mop),
            None => {
                known.insert(transaction, (transactions.len(), line));
                last.insert(session, transaction);
                transactions.push(of_session(session, (Status::Ok, vec![mop])));
            }
        }
    }
    let history = History { kind: Kind::RwRegister, transactions };
    Ok(Recorded { id: None, line: 1, contents: Contents::Transactions { history, sessions: None }, expect: None })
}

fn of_session(process: u64, (status, mops): (Status, Vec<Mop>)) -> Transaction {
    Transaction { process, status, mops, invoked: None, returned: None }
}

struct Operation {
    mop: Mop,
    session: u64,
    transaction: i64,
}

fn operation(words: &str) -> Result<Operation, String> {
    let expected = || format!("expected r(key, value, session, transaction) or w(…), found {words:?}: was it cut off?");
    let words = words.trim();
    let is_write = words.starts_with('w');
    let inner = words.strip_prefix(['r', 'w']).map(str::trim_start);
    let inner = inner.and_then(|rest| rest.strip_prefix('(')?.strip_suffix(')')).ok_or_else(expected)?;
    let fields: Vec<&str> = inner.split(',').map(str::trim).collect();
    let [key, value, session, transaction] = fields[..] else { return Err(expected()) };
    let number = |text: &str| text.parse::<i64>().map_err(|_| format!("{text:?} is no whole number, or too large"));
    let (key, value) = (Name::Integer(number(key)?), Name::Integer(number(value)?));
    let session = u64::try_from(number(session)?).map_err(|_| format!("{session} is no session"))?;
    let transaction = number(transaction)?;
    if transaction < -1 {
        return Err(format!("{transaction} is no transaction"));
    }
    let mop = if is_write { Mop::Write(key, value) } else { Mop::Read(key, Seen::Value(value)) };
    Ok(Operation { mop, session, transaction })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_put_into_their_transactions() {
        let text = "w(1,5,0,3)\nr( 2, 0, 0, 3 )\n\nw(1,6,1,-1)\nr(1,5,1,4)\n";
        let Contents::Transactions { history, .. } = read(text).expect("a history").contents else { panic!() };
        let shapes: Vec<_> = history.transactions.iter().map(|t| (t.process, t.status, t.mops.len())).collect();
        assert_eq!(shapes, [(0, Status::Ok, 2), (1, Status::Fail, 1), (1, Status::Ok, 1)]);
    }

    #[test]
    fn damaged_lines_are_refused() {
        let cases = [
            ("w(1,5,0", "line 2: expected r(key"),
            ("x(1,5,0,3)", "line 2: expected r(key"),
            ("w(1,5,0,3,4)", "line 2: expected r(key"),
            ("w(a,5,0,3)", "line 2: \"a\" is no whole number"),
            ("w(1,5,-1,3)", "line 2: -1 is no session"),
            ("w(1,5,0,-2)", "line 2: -2 is no transaction"),
            ("w(1,18446744073709551616,0,2)", "line 2: \"18446744073709551616\" is no whole number, or too large"),
            ("w(1,5,2,3)", "line 2: transaction 3 is of session 1 (line 1), not 2"),
            ("w(1,5,1,4)\nw(1,6,1,3)", "line 3: transaction 3 goes on after transaction 4"),
        ];
        for (bad, expected) in cases {
            let error = read(&format!("r(1,0,1,3)\n{bad}")).expect_err(expected).to_string();
            assert!(error.starts_with(expected), "expected: {expected}\n   found: {error}");
        }
    }
}
