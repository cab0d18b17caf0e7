//! How the server of a member is started.

use crate::databases::mariadb::record::Member;

/// What a server is started as. It decides what recovery does with transactions that nobody acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Cuts them off: the set went on without them.
    Replica,
    /// Keeps them: the set waits for this server.
    Primary,
}

/// What holds for every member. Whoever starts takes no writes and follows nobody before it is told to.
const COMMON: [&str; 17] = [
    "--read-only=ON",
    "--skip-slave-start",
    "--log-bin=binlog",
    "--log-slave-updates=ON",
    "--relay-log=relay",
    "--binlog-format=ROW",
    "--sync-binlog=1",
    // Three days. Whoever was away for longer is copied anew.
    "--binlog-expire-logs-seconds=259200",
    "--gtid-domain-id=0",
    "--gtid-strict-mode=ON",
    // A commit is acknowledged to the client after a replica has it, before anybody else sees it; and waits for that for ever.
    "--rpl-semi-sync-master-wait-point=AFTER_SYNC",
    "--rpl-semi-sync-master-timeout=4294967295",
    "--rpl-semi-sync-master-wait-no-slave=ON",
    // Without it recovery keeps what nobody acknowledged, and the server can't come back (measured).
    "--rpl-semi-sync-slave-enabled=ON",
    "--slave-net-timeout=4",
    // As many as usually commit at once: each commit is synced, and who syncs fewer at a time than the primary falls behind under load.
    "--slave-parallel-threads=16",
    // A replica that can't go on says so, instead of skipping what it can't apply.
    "--slave-exec-mode=STRICT",
];

/// The arguments of a member's server.
pub(super) fn arguments(member: Member, role: Role) -> Vec<String> {
    let mut arguments: Vec<String> = COMMON.map(str::to_owned).to_vec();
    arguments.push(format!("--server-id={}", member + 1));
    arguments.push(format!(
        "--init-rpl-role={}",
        match role {
            Role::Replica => "SLAVE",
            Role::Primary => "MASTER",
        }
    ));
    arguments
}
