//! What a running server is told. Each of these has, done twice, the effect of once.

use std::collections::BTreeSet;

use sqlx::{AssertSqlSafe, Executor as _, MySqlConnection};

use super::look::last;
use super::peers::Peers;
use crate::databases::mariadb::record::{Member, Position};

/// How long, in seconds, closing waits for transactions under way. Commits that nobody acknowledges would keep it waiting for ever.
const CLOSE_SECONDS: u32 = 2;

/// The user that a member fetches with. It is one of its own, so that the primary can lock out a single member.
fn replication_user(member: Member) -> String {
    format!("replica_{member}")
}

/// Receives no more. What was received is still applied.
pub(super) async fn stop_receiving(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    connection.execute("STOP SLAVE IO_THREAD").await?;
    Ok(())
}

/// Follows `source`, from where this server is.
pub(super) async fn follow(
    connection: &mut MySqlConnection,
    me: Member,
    source: Member,
    peers: &Peers,
    password: &str,
    follows: Option<Member>,
) -> Result<(), sqlx::Error> {
    let Some((host, port)) = peers.address(source) else {
        return Ok(());
    };
    connection.execute("SET GLOBAL read_only = ON").await?;
    if follows != Some(source) {
        connection.execute("STOP SLAVE").await?;
        connection
            .execute("SET GLOBAL rpl_semi_sync_master_enabled = OFF")
            .await?;
        connection
            .execute("SET GLOBAL rpl_semi_sync_slave_enabled = ON")
            .await?;
        let user = replication_user(me);
        // What it wrote as a primary counts as received, once it is one no longer.
        let demote = if follows.is_none() {
            ", MASTER_DEMOTE_TO_SLAVE = 1"
        } else {
            ""
        };
        let statement = format!(
            "CHANGE MASTER TO MASTER_HOST = '{host}', MASTER_PORT = {port}, MASTER_USER = '{user}', MASTER_PASSWORD = '{password}', \
             MASTER_CONNECT_RETRY = 1, MASTER_HEARTBEAT_PERIOD = 1, MASTER_USE_GTID = slave_pos{demote}"
        );
        connection.execute(AssertSqlSafe(statement)).await?;
    }
    connection.execute("START SLAVE").await?;
    Ok(())
}

/// Becomes a primary that takes no writes yet: follows nobody, and lets only `ackers` fetch.
pub(super) async fn lead(
    connection: &mut MySqlConnection,
    me: Member,
    peers: &Peers,
    password: &str,
    ackers: &BTreeSet<Member>,
    required: bool,
) -> Result<(), sqlx::Error> {
    connection.execute("STOP SLAVE").await?;
    connection.execute("RESET SLAVE ALL").await?;
    // Before anybody is let in or locked out: from here on no client hears of a commit that none of them has.
    let enabled = if required { "ON" } else { "OFF" };
    if required {
        set_semi_sync(connection, enabled).await?;
    }
    // These accounts are this server's own business: in its binary log they would be a transaction that no other server has.
    connection.execute("SET SESSION sql_log_bin = 0").await?;
    let locked = lock_out_all_but(connection, me, peers, password, ackers).await;
    connection.execute("SET SESSION sql_log_bin = 1").await?;
    locked?;
    if !required {
        set_semi_sync(connection, enabled).await?;
    }
    Ok(())
}

async fn set_semi_sync(connection: &mut MySqlConnection, enabled: &str) -> Result<(), sqlx::Error> {
    let statement = format!("SET GLOBAL rpl_semi_sync_master_enabled = {enabled}");
    connection.execute(AssertSqlSafe(statement)).await?;
    Ok(())
}

async fn lock_out_all_but(
    connection: &mut MySqlConnection,
    me: Member,
    peers: &Peers,
    password: &str,
    ackers: &BTreeSet<Member>,
) -> Result<(), sqlx::Error> {
    for member in (0..peers.count()).filter(|member| *member != me) {
        let user = replication_user(member);
        let lock = if ackers.contains(&member) {
            "UNLOCK"
        } else {
            "LOCK"
        };
        for statement in [
            format!("CREATE USER IF NOT EXISTS {user}@'%' IDENTIFIED BY '{password}' ACCOUNT LOCK"),
            format!("GRANT REPLICATION SLAVE ON *.* TO {user}@'%'"),
            format!("ALTER USER {user}@'%' IDENTIFIED BY '{password}' ACCOUNT {lock}"),
        ] {
            connection.execute(AssertSqlSafe(statement)).await?;
        }
        if !ackers.contains(&member) {
            // Who is logged in stays so without this.
            let statement = format!("KILL USER {user}");
            connection.execute(AssertSqlSafe(statement)).await?;
        }
    }
    Ok(())
}

/// Takes writes.
pub(super) async fn open(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    connection.execute("SET GLOBAL read_only = OFF").await?;
    Ok(())
}

/// Takes no more writes, unless transactions under way last too long.
pub(super) async fn close(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    let statement = format!("SET SESSION lock_wait_timeout = {CLOSE_SECONDS}");
    connection.execute(AssertSqlSafe(statement)).await?;
    connection.execute("SET GLOBAL read_only = ON").await?;
    Ok(())
}

/// Lets the oldest commit go on that waits for an acknowledgement, if `held` says that a member holds it. The others follow by themselves.
pub(super) async fn cure_wedge(
    connection: &mut MySqlConnection,
    held: Position,
) -> Result<(), sqlx::Error> {
    let waiting: Option<i64> = sqlx::query_scalar(
        "SELECT CAST(ID AS SIGNED) FROM information_schema.PROCESSLIST WHERE STATE LIKE 'Waiting for semi-sync ACK%' \
         ORDER BY TIME_MS DESC LIMIT 1",
    )
    .fetch_optional(&mut *connection)
    .await?;
    // In this order: what was waiting then is in the binary log by now, and so no later than this.
    let written: String = sqlx::query_scalar("SELECT @@GLOBAL.gtid_binlog_pos")
        .fetch_one(&mut *connection)
        .await?;
    if let Some(id) = waiting
        && last(&written) <= held
    {
        let statement = format!("KILL QUERY {id}");
        connection.execute(AssertSqlSafe(statement)).await?;
    }
    Ok(())
}
