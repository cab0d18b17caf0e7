//! Whether the primary is lost.

use super::super::record::Record;
use super::super::seen::{Receiving, Seen, Server, Sight};
use std::time::Duration;

/// For how long an agent may be silent before its server is suspected.
const SILENT: Duration = Duration::from_secs(2);
/// For how long a server may hang: above the deadline of the agent's own write probe, below what shoppers bear.
const HUNG: Duration = Duration::from_secs(3);

/// What is to be thought of the primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It takes writes.
    Open,
    /// It answers, and is closed.
    Closed,
    /// Its agent answers, its server has ended.
    Down,
    /// Something is on its way.
    Changing,
    /// Its agent says that it does nothing any more.
    Hung,
    /// It can't be asked, and nothing shows that it lives.
    Lost,
    /// It can't be asked; others may know more.
    Unsure,
}

/// Judges the primary. A primary that only can't be reached from here is not lost: while a member still receives from it, shoppers may reach it too.
pub(super) fn of_primary(record: &Record, seen: &Seen) -> Verdict {
    let Some(sight) = seen.members.get(&record.primary) else {
        return Verdict::Unsure;
    };
    match sight {
        Sight::Answers(report) => match &report.server {
            Server::Up(state) if state.open => Verdict::Open,
            Server::Up(_) => Verdict::Closed,
            Server::Down => Verdict::Down,
            Server::Hung(since) if *since >= HUNG => Verdict::Hung,
            Server::Hung(_) | Server::Changing => Verdict::Changing,
        },
        Sight::Silent { ended: true, .. } => Verdict::Lost,
        Sight::Silent { since, .. } if *since >= SILENT && !anyone_receives(record, seen) => {
            Verdict::Lost
        }
        Sight::Silent { .. } => Verdict::Unsure,
    }
}

fn anyone_receives(record: &Record, seen: &Seen) -> bool {
    seen.members
        .iter()
        .filter(|(member, _)| **member != record.primary)
        .filter_map(|(_, sight)| sight.state())
        .any(|state| state.follows == Some(record.primary) && state.receiving == Receiving::Running)
}

/// Whether a member has been silent for long enough to go on without it.
pub(super) fn is_missing(sight: &Sight) -> bool {
    match sight {
        Sight::Silent { since, ended } => *ended || *since >= SILENT,
        Sight::Answers(_) => false,
    }
}
