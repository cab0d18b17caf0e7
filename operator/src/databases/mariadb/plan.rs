//! From what was decided and what is seen to what is decided next and what to do now.
//!
//! Two rules make this safe whoever dies in between. **A decision is written before anything is done about it**: a plan that changes the
//! record has no orders; the next look has them. **Every order bears the version of the record** it follows from, and agents refuse older ones.
//!
//! Why nothing acknowledged is lost: a transaction is acknowledged to a client only after a member of [`Record::sync`] has acknowledged it, and
//! members acknowledge in order, so who holds the last holds all. Before another primary is chosen, every member of `sync` has
//! said that it has stopped and how far it got, in the run in which it may have acknowledged. The one that has most is chosen. If one of
//! them can't be asked, nothing proves that it had not more: the set waits for it, or for the old primary, which holds everything.

mod change;
mod order;
mod steady;
mod verdict;

#[cfg(test)]
mod tests;

pub use order::{ISOLATED, OPENS_WITHIN, Order, Say, Task, Trouble};

use super::record::{Phase, Record};
use super::seen::Seen;
use std::time::Duration;

/// What is decided, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// To be written first when it differs from what was given.
    pub record: Record,
    /// To be sent, all of them at once. None of them waits for another; what must wait is not among them yet.
    pub orders: Vec<Order>,
    /// How it stands, for people.
    pub say: Say,
    /// When to look again if nothing happens before.
    pub again: Option<Duration>,
}

/// Decides.
pub fn plan(record: &Record, seen: &Seen) -> Plan {
    let mut draft = Draft::new(record, seen);
    match record.change.as_ref().map(|change| change.phase) {
        None => steady::tend(&mut draft),
        Some(Phase::Gathering) => change::gather(&mut draft),
        Some(Phase::Closing { to }) => change::close(&mut draft, to),
        Some(Phase::Opening) => change::open(&mut draft),
    }
    draft.finish()
}

/// A plan in the making.
struct Draft<'a> {
    record: &'a Record,
    seen: &'a Seen,
    next: Record,
    orders: Vec<Order>,
    say: Say,
    again: Option<Duration>,
}

impl<'a> Draft<'a> {
    fn new(record: &'a Record, seen: &'a Seen) -> Self {
        Self {
            record,
            seen,
            next: record.clone(),
            orders: Vec::new(),
            say: Say::Safe,
            again: None,
        }
    }

    fn order(&mut self, member: super::record::Member, task: Task, why: &'static str) {
        self.orders.push(Order {
            version: self.record.version,
            epoch: self.record.epoch,
            member,
            task,
            why: why.into(),
        });
    }

    fn say(&mut self, say: Say) {
        // The first thing that is wrong has to be cured first; but that nothing can be written is said before all that is merely out of step.
        if self.say == Say::Safe || matches!((&self.say, &say), (Say::Degraded(_), Say::Closed(_)))
        {
            self.say = say;
        }
    }

    /// Whether what the primary reports is of a time when it had heard of this record.
    fn is_heard(&self) -> bool {
        let sight = self.seen.members.get(&self.record.primary);
        sight.is_some_and(|sight| sight.state_since(self.record.version).is_some())
    }

    fn look_again(&mut self, after: Duration) {
        self.again = Some(self.again.map_or(after, |again| again.min(after)));
    }

    fn begin(&mut self, phase: Phase) {
        self.next.change = Some(super::record::Change {
            phase,
            since: self.seen.now,
        });
    }

    /// How long the change has been under way.
    fn age(&self) -> Duration {
        let since = self
            .record
            .change
            .as_ref()
            .map_or(self.seen.now, |change| change.since);
        Duration::try_from(self.seen.now.duration_since(since)).unwrap_or_default()
    }

    fn finish(mut self) -> Plan {
        if self.next != *self.record {
            self.next.version = self.record.version + 1;
            self.orders.clear();
            self.again = Some(Duration::ZERO);
        }
        Plan {
            record: self.next,
            orders: self.orders,
            say: self.say,
            again: self.again,
        }
    }
}
