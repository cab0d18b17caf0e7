//! What was found out about the members, as data.

use super::record::{Member, Position, Run};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Who has applied less than this of what it has received is not read from.
const FRESH: Position = 1000;

/// What was found out, and what is wanted.
#[derive(Clone, Debug)]
pub struct Seen {
    /// When.
    pub now: Timestamp,
    /// Every member that is wanted or still there.
    pub members: BTreeMap<Member, Sight>,
    /// How many members the store wants; those with lower ordinals.
    pub wanted: u32,
    /// A member that is to become primary, since somebody asked for it or the primary has to leave its node.
    pub switch_to: Option<Member>,
    /// A member that is to become primary although it can't be proven that nothing is lost: a person took that upon them.
    pub force: Option<Member>,
}

/// One member, as seen from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Its agent does not answer.
    Silent {
        /// For how long.
        since: Duration,
        /// The kubelet says that its container has ended, or there is none.
        ended: bool,
    },
    /// Its agent answers.
    Answers(Report),
}

/// What an agent says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The newest record that an order it took came from.
    pub version: u64,
    /// When it says so, in milliseconds since the agent was started.
    #[serde(default)]
    pub at: u64,
    /// Its pod is to go: whatever it is, it soon won't be.
    #[serde(default)]
    pub leaving: bool,
    /// Its server.
    pub server: Server,
}

/// A member's server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Server {
    /// Not running. What was a primary is not started before it is known as what.
    Down,
    /// On its way up or down.
    Changing,
    /// It runs, and has not taken or answered anything for so long.
    Hung(Duration),
    /// It answers.
    Up(State),
}

/// What a server says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own that a server states"
)]
pub struct State {
    /// Which run.
    pub run: Run,
    /// It takes writes.
    pub open: bool,
    /// It is a primary, open or not: it follows nobody and waits for acknowledgements.
    pub leads: bool,
    /// The last transaction in its binary log: written by a primary, applied by a replica.
    pub written: Position,
    /// The last transaction it has received. For a primary the same as `written`.
    pub received: Position,
    /// The last transaction of each server that ever wrote here: `gtid_binlog_state`.
    pub history: BTreeMap<Member, Position>,
    /// Whom it follows.
    pub follows: Option<Member>,
    /// Whether it receives.
    pub receiving: Receiving,
    /// Of a replica: it can't apply what it has received. It is not what the primary was when that was written.
    #[serde(default)]
    pub stuck: bool,
    /// Of a primary: who may connect to it, and so acknowledge. Others are locked out.
    pub ackers: BTreeSet<Member>,
    /// Of a primary: it acknowledges nothing to a client before somebody has acknowledged it to the primary.
    pub requires: bool,
    /// Of a primary: how many members that acknowledge are connected.
    pub connected: u32,
    /// Of a primary: a commit has been waiting for longer than an acknowledgement takes.
    pub waits: bool,
}

/// Whether a replica receives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Receiving {
    /// Not told to, or told to stop.
    #[default]
    Stopped,
    /// It tries to connect.
    Connecting,
    /// Connected.
    Running,
    /// The source no longer has, or never had, what comes next here (error 1236): only a copy helps.
    Impossible,
}

impl State {
    /// Whether what is read here is not old: it takes writes, or has nearly all that its primary wrote.
    pub fn is_fresh(&self) -> bool {
        let applies = self.receiving == Receiving::Running && !self.stuck;
        self.open || (applies && self.written + FRESH >= self.received)
    }

    /// Whether everything that was ever written here is at the primary too, under the same numbers. What it wrote itself is, however old its
    /// report: whoever else had it was asked before it could be cut off.
    pub fn is_contained_in(&self, primary: Member, theirs: &Self) -> bool {
        let mut others = self
            .history
            .iter()
            .filter(|(writer, _)| **writer != primary);
        others.all(|(writer, last)| {
            theirs
                .history
                .get(writer)
                .is_some_and(|there| there >= last)
        })
    }
}

impl Sight {
    /// The server's state, if it answers.
    pub fn state(&self) -> Option<&State> {
        match self {
            Self::Answers(Report {
                server: Server::Up(state),
                ..
            }) => Some(state),
            _ => None,
        }
    }

    /// The server's state, if the agent has also heard of this record.
    pub fn state_since(&self, version: u64) -> Option<&State> {
        match self {
            Self::Answers(report) if report.version >= version => self.state(),
            _ => None,
        }
    }
}
