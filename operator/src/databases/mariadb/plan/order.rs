//! What a plan consists of.

use super::super::record::{Member, Position};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

/// An agent ends a server that takes writes when nobody has asked for so long how it is, and no other member receives from it.
pub const ISOLATED: Duration = Duration::from_secs(4);
/// A server is opened only within this time after the report that it was found ready with.
pub const OPENS_WITHIN: Duration = Duration::from_secs(2);

/// Something an agent is to do. Done twice it has the effect of once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Of the record it follows from.
    pub version: u64,
    /// Of that record.
    pub epoch: u64,
    /// Whose agent.
    pub member: Member,
    /// What.
    pub task: Task,
    /// For people.
    pub why: Cow<'static, str>,
}

/// What an agent can be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Task {
    /// Start the server as a replica: what it wrote as a primary and nobody acknowledged is cut off (`init_rpl_role=SLAVE`).
    StartAsReplica,
    /// Start the server as the primary it was: nothing is cut off (`init_rpl_role=MASTER`). It stays closed.
    StartAsPrimary,
    /// End the server at once, and do not start it again.
    Kill,
    /// Receive no more. What was received is still applied.
    StopReceiving,
    /// Follow a primary, and acknowledge what comes. A primary becomes a replica by it.
    Follow {
        /// Whom.
        source: Member,
    },
    /// Become a primary, closed: follow nobody, and let only these connect, who acknowledge.
    Lead {
        /// Who.
        ackers: BTreeSet<Member>,
        /// Acknowledge nothing to a client before one of them has.
        required: bool,
    },
    /// Take writes. Refused when the report that it follows from is not fresh any more by the agent's own clock: what was sent to a primary that
    /// was frozen or cut off opens nobody once another has been chosen.
    Open {
        /// [`Report::at`](super::super::seen::Report::at) of that report.
        seen_at: u64,
    },
    /// Take no more writes.
    Close,
    /// Fetch a whole copy from another member, and become its replica.
    Copy {
        /// From whom.
        from: Member,
    },
    /// Let a commit go on that waits for an acknowledgement which was lost: a member that acknowledges holds everything up to here.
    CureWedge {
        /// The last transaction that it holds.
        held: Position,
    },
}

/// How it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Say {
    /// Any one member may be lost.
    Safe,
    /// Writes work, but not every member is in step.
    Degraded(Trouble),
    /// Nothing can be written for now.
    Closed(Trouble),
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The primary does not answer; it is given a little time.
    PrimaryUnsure,
    /// Another primary is being chosen.
    FailingOver,
    /// What these members may have acknowledged can't be known, and the old primary is not there either.
    Blocked(BTreeSet<Member>),
    /// The best member that can be asked lacks what earlier primaries acknowledged.
    Behind {
        /// How far it is.
        best: Position,
        /// How far it must be.
        base: Position,
    },
    /// The primary is ready, and no other member acknowledges.
    NobodyAcknowledges,
    /// The primary is on its way.
    Opening,
    /// The primary hands over.
    SwitchingOver(Member),
    /// This member does not answer.
    Missing(Member),
    /// This member is catching up.
    CatchingUp(Member),
    /// This member is being copied anew: it holds what no other does, or lacks what no other still has.
    Copying(Member),
    /// This member is to be handed over to, and has not yet applied enough, or does not acknowledge.
    NotInStep(Member),
    /// The best member can't apply what it has received.
    Stuck(Member),
    /// There is one member, as the store wants it.
    Alone,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PrimaryUnsure => {
                f.write_str("the primary does not answer; it is given a little time")
            }
            Self::FailingOver => f.write_str("another primary is being chosen"),
            Self::Blocked(members) => {
                let names: Vec<String> = members.iter().map(ToString::to_string).collect();
                write!(
                    f,
                    "member {} may hold acknowledged transactions and can't be asked, and the last primary is not there either; bring one of them back, \
                     or set the annotation amazoff.io/promote to the ordinal of a member, knowing that the last transactions may be lost",
                    names.join(", ")
                )
            }
            Self::Behind { best, base } => write!(
                f,
                "the best member is at transaction {best}, and {base} were acknowledged; bring the last primary back"
            ),
            Self::NobodyAcknowledges => {
                f.write_str("no other member can acknowledge; bring one back")
            }
            Self::Opening => f.write_str("the primary is on its way"),
            Self::SwitchingOver(to) => write!(f, "handing over to member {to}"),
            Self::Missing(member) => write!(f, "member {member} does not answer"),
            Self::CatchingUp(member) => write!(f, "member {member} is catching up"),
            Self::Copying(member) => write!(f, "member {member} is being copied anew"),
            Self::NotInStep(member) => write!(
                f,
                "handing over to member {member} waits until it is in step"
            ),
            Self::Stuck(member) => write!(
                f,
                "member {member} holds everything and can't apply it; bring the last primary back"
            ),
            Self::Alone => f.write_str("there is one member: its loss is the loss of its data"),
        }
    }
}
