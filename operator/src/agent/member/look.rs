//! What a server says of itself.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{MySqlConnection, Row as _, mysql::MySqlRow};

use super::peers::Peers;
use crate::databases::mariadb::record::{Member, Position, Run};
use crate::databases::mariadb::seen::{Receiving, State};

const GLOBALS: &str = "SELECT CAST(@@GLOBAL.read_only AS SIGNED) AS read_only, @@GLOBAL.gtid_binlog_pos AS written, \
    @@GLOBAL.gtid_binlog_state AS history, CAST(@@GLOBAL.rpl_semi_sync_master_enabled AS SIGNED) AS requires, \
    (SELECT CAST(VARIABLE_VALUE AS SIGNED) FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'RPL_SEMI_SYNC_MASTER_CLIENTS') AS connected, \
    (SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE LIKE 'Waiting for semi-sync ACK%' AND TIME_MS > 250) AS waiting";

/// What only the agent knows: a server forgets it when it ends, and so does the agent.
#[derive(Clone, Debug, Default)]
pub(super) struct Leading {
    /// It was made a primary in this run.
    pub(super) leads: bool,
    /// It acknowledges nothing before somebody has acknowledged it.
    pub(super) required: bool,
    /// Who may connect to it.
    pub(super) ackers: BTreeSet<Member>,
}

/// Asks the server how it is.
pub(super) async fn look(
    connection: &mut MySqlConnection,
    run: Run,
    leading: &Leading,
    peers: &Peers,
) -> Result<State, sqlx::Error> {
    let globals = sqlx::raw_sql(GLOBALS).fetch_one(&mut *connection).await?;
    let number = |column: &str| -> Result<i64, sqlx::Error> {
        let text: String = globals.try_get_unchecked(column)?;
        text.parse().map_err(decode)
    };
    let slave = sqlx::raw_sql("SHOW SLAVE STATUS")
        .fetch_optional(connection)
        .await?;
    let written = last(&globals.try_get_unchecked::<String, _>("written")?);
    let history = history(&globals.try_get_unchecked::<String, _>("history")?);
    let following = match &slave {
        Some(row) => following(row, peers)?,
        None => Following::default(),
    };
    Ok(State {
        run,
        open: number("read_only")? == 0,
        leads: leading.leads && following.source.is_none(),
        written,
        received: written.max(following.received),
        history,
        follows: following.source,
        receiving: following.receiving,
        stuck: following.stuck,
        ackers: leading.ackers.clone(),
        requires: number("requires")? == 1,
        connected: u32::try_from(number("connected")?).unwrap_or(0),
        waits: number("waiting")? > 0,
    })
}

#[derive(Default)]
struct Following {
    source: Option<Member>,
    receiving: Receiving,
    received: Position,
    stuck: bool,
}

fn following(row: &MySqlRow, peers: &Peers) -> Result<Following, sqlx::Error> {
    let text = |column: &str| row.try_get_unchecked::<Option<String>, _>(column);
    let text = |column: &str| Ok::<_, sqlx::Error>(text(column)?.unwrap_or_default());
    let address = format!("{}:{}", text("Master_Host")?, text("Master_Port")?);
    let receiving = match (
        text("Slave_IO_Running")?.as_str(),
        text("Last_IO_Errno")?.as_str(),
    ) {
        ("Yes", _) => Receiving::Running,
        // The source no longer has, or never had, what comes next.
        (_, "1236") => Receiving::Impossible,
        ("No", _) => Receiving::Stopped,
        _ => Receiving::Connecting,
    };
    Ok(Following {
        source: peers.member_at(&address),
        receiving,
        received: last(&text("Gtid_IO_Pos")?),
        // One that was only stopped has no error.
        stuck: text("Slave_SQL_Running")? == "No" && text("Last_SQL_Errno")? != "0",
    })
}

/// The last transaction of a list of global transaction ids, `domain-server-sequence` each. There is one domain.
pub(super) fn last(list: &str) -> Position {
    parse(list).map(|(_, position)| position).max().unwrap_or(0)
}

/// The last transaction of each member that ever wrote.
fn history(list: &str) -> BTreeMap<Member, Position> {
    parse(list).collect()
}

fn parse(list: &str) -> impl Iterator<Item = (Member, Position)> + '_ {
    list.split(',').filter_map(|id| {
        let mut parts = id.trim().split('-').skip(1);
        let server: u32 = parts.next()?.parse().ok()?;
        Some((server.checked_sub(1)?, parts.next()?.parse().ok()?))
    })
}

fn decode(error: std::num::ParseIntError) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_read_out_of_lists() {
        assert_eq!(last(""), 0);
        assert_eq!(last("0-1-42"), 42);
        assert_eq!(last("0-1-42,0-3-57"), 57);
        assert_eq!(
            history("0-1-42, 0-3-57"),
            BTreeMap::from([(0, 42), (2, 57)])
        );
        assert_eq!(history("nonsense"), BTreeMap::new());
    }
}
