//! What was decided, and kept in the store's status before anything was done about it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A member of the set, by the ordinal of its pod.
pub type Member = u32;

/// A run of a member's server, from one start to the next. A replica that starts anew has lost what it had received and not yet applied
/// (it purges its relay log, MDEV-4698), so what its last run acknowledged is no longer certain to be there.
pub type Run = u64;

/// The sequence number of a transaction. There is one replication domain, and `gtid_strict_mode` makes its numbers rise.
pub type Position = u64;

/// What was decided about the set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Rises with every change of this record. Agents refuse orders of an older one, so that a late order undoes nothing.
    pub version: u64,
    /// Rises with every new primary.
    pub epoch: u64,
    /// The only member that may take writes in this epoch.
    pub primary: Member,
    /// What the primary held when the epoch began. Who holds less can't become primary.
    pub base: Position,
    /// The members that may have acknowledged a transaction of the primary, each with the runs that may have: written before a member may
    /// acknowledge, and taken back only when what it acknowledged is known to be elsewhere.
    #[serde(default, with = "as_list")]
    pub sync: BTreeMap<Member, BTreeSet<Run>>,
    /// Those of `sync` that shall acknowledge no more.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub leaving: BTreeSet<Member>,
    /// The primary may have acknowledged transactions that no other member holds.
    #[serde(default)]
    pub alone: bool,
    /// What is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
}

/// What is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// How far it is.
    pub phase: Phase,
    /// Since when.
    pub since: Timestamp,
}

/// How far a change is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "name")]
pub enum Phase {
    /// The primary is lost. Nobody is to acknowledge for it any more, and then how far each has received is compared.
    Gathering,
    /// The primary hands over on purpose: it is closed, and `to` is to receive everything.
    Closing {
        /// Who comes next.
        to: Member,
    },
    /// The primary of this epoch is made ready, and is opened once somebody can acknowledge.
    Opening,
}

/// The keys of a JSON object are text, which not every reader takes for numbers.
mod as_list {
    use super::{Member, Run};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::collections::{BTreeMap, BTreeSet};

    #[derive(Serialize, Deserialize)]
    struct Item {
        member: Member,
        runs: BTreeSet<Run>,
    }

    pub(super) fn serialize<S: Serializer>(
        sync: &BTreeMap<Member, BTreeSet<Run>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(sync.iter().map(|(member, runs)| Item {
            member: *member,
            runs: runs.clone(),
        }))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<Member, BTreeSet<Run>>, D::Error> {
        let items = Vec::<Item>::deserialize(deserializer)?;
        Ok(items
            .into_iter()
            .map(|item| (item.member, item.runs))
            .collect())
    }
}

impl Record {
    /// Of a set that has never been open: its first member begins, and everyone joins it.
    pub fn new(members: u32, now: Timestamp) -> Self {
        Self {
            version: 1,
            epoch: 1,
            alone: members <= 1,
            change: Some(Change {
                phase: Phase::Opening,
                since: now,
            }),
            ..Self::default()
        }
    }

    /// Who may acknowledge from now on.
    pub fn ackers(&self) -> BTreeSet<Member> {
        self.sync
            .keys()
            .filter(|member| !self.leaving.contains(member))
            .copied()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::v1alpha1::AmazoffStore;
    use kube::core::DeserializeGuard;
    use serde_json::json;

    /// As it comes back from the API server, read by what also reads stores that make no sense.
    #[test]
    fn a_record_is_read_as_it_was_written() {
        let mut record = Record::new(3, Timestamp::UNIX_EPOCH);
        record.sync = BTreeMap::from([(1, [7, u64::MAX >> 1].into()), (2, [9].into())]);
        record.leaving.insert(2);
        let change = record.change.as_mut().expect("it opens");
        change.phase = Phase::Closing { to: 1 };
        let store = json!({
            "apiVersion": "amazoff.io/v1alpha1", "kind": "AmazoffStore", "metadata": {"name": "corner"}, "spec": {},
            "status": {"mariadb": {"record": record}},
        });
        let read: DeserializeGuard<AmazoffStore> =
            serde_json::from_value(store).expect("an object");
        let status = read.0.expect("a store").status.expect("a status");
        assert_eq!(status.mariadb.expect("a record").record, record);
    }
}
