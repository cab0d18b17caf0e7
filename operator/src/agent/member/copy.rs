//! A whole copy of another member's data: streamed by `mariadb-backup` out of its running server, made beside the data that is there, and put in its
//! place all at once.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::{fs, io};

use bytes::Bytes;
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use http_body_util::BodyExt as _;
use rustix::fs::RenameFlags;
use sqlx::{AssertSqlSafe, Executor as _, MySqlPool, Row as _};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};
use tokio_util::io::ReaderStream;
use tracing::info;

use crate::agent::accounts::AGENT;
use crate::agent::data;
use crate::agent::server::{as_root, socket, write_secret};
use crate::control::caller::{CallError, Caller};

/// Beside a copy on its way: whether it comes from a primary or from a replica.
pub(super) const FROM_HEADER: &str = "amazoff-copied-from";
/// In a copied data folder until its server has run once: from where it goes on.
const GOES_ON_FROM: &str = "amazoff-goes-on-from";
/// What `mariadb-backup` calls the position of a primary, before 11.1 and since.
const POSITIONS: [&str; 2] = ["xtrabackup_binlog_info", "mariadb_backup_binlog_info"];
/// How much of the stream is handed on at once.
const CHUNK: usize = 256 * 1024;
/// How much of what a program says is kept for people.
const SAID: usize = 600;

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// A program of the server's image can't be run.
    #[error("{0} can't be run")]
    Program(&'static str, #[source] io::Error),
    /// It failed.
    #[error("{0} failed ({1}): {2}")]
    Failed(&'static str, ExitStatus, String),
    /// The other member does not give it.
    #[error("the other member does not give its data")]
    Given(#[from] CallError),
    /// What it gives breaks off.
    #[error("what the other member gives breaks off")]
    BreaksOff(#[from] hyper::Error),
    /// A file or folder can't be used.
    #[error("{} can't be used", .0.display())]
    File(PathBuf, #[source] io::Error),
    /// The copy does not say where it stands.
    #[error("the copy does not say which transaction it ends with")]
    NoPosition,
    /// The server does not take its position.
    #[error("the server refused")]
    Refused(#[from] sqlx::Error),
    /// Another order came meanwhile.
    #[error("something else was ordered meanwhile")]
    Overtaken,
}

/// What the running server holds, as a stream for `mbstream`. It breaks off, instead of ending, when it is not the whole.
pub(super) fn give(
    run_folder: &Path,
    password: &str,
) -> io::Result<impl Stream<Item = io::Result<Bytes>> + use<>> {
    let (options, log) = (run_folder.join("backup.cnf"), run_folder.join("backup.log"));
    let socket = socket(run_folder);
    // Passwords: for nobody else's eyes, and so on no command line.
    let account = format!(
        "[mariadb-backup]\nuser={AGENT}\npassword={password}\nsocket={}\n",
        socket.display()
    );
    write_secret(&options, &account)?;
    let mut child = Command::new("mariadb-backup")
        .arg(format!("--defaults-file={}", options.display()))
        .args(["--backup", "--stream=mbstream"])
        .arg(format!("--tmpdir={}", run_folder.display()))
        .arg(format!(
            "--target-dir={}",
            run_folder.join("backup").display()
        ))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(fs::File::create(&log)?)
        .kill_on_drop(true)
        .spawn()?;
    let output = child
        .stdout
        .take()
        .ok_or_else(|| io::Error::other("no output"))?;
    let end = stream::once(async move {
        let status = child.wait().await?;
        if status.success() {
            return Ok(Bytes::new());
        }
        let said = last_words(&fs::read(&log).unwrap_or_default());
        tracing::warn!(%status, said, "mariadb-backup failed");
        Err(io::Error::other("mariadb-backup failed"))
    });
    Ok(ReaderStream::with_capacity(output, CHUNK).chain(end))
}

/// Fetches a copy from the agent at `url` and makes it ready. What is there stays as it is.
pub(super) async fn fetch(
    caller: &Caller,
    url: &str,
    volume: &Path,
    run_folder: &Path,
) -> Result<(), CopyError> {
    let copy = unfinished(volume);
    discard(volume)?;
    fs::create_dir(&copy).map_err(|error| CopyError::File(copy.clone(), error))?;
    let answer = caller.stream(url).await?;
    let is_of_primary = answer
        .headers()
        .get(FROM_HEADER)
        .is_some_and(|from| from == "primary");
    info!(url, "copying another member's data");
    let bytes = unpack(answer.into_body().into_data_stream(), &copy).await?;
    info!(bytes, "copied; making it ready");
    let prepared = Command::new("mariadb-backup")
        .args(["--no-defaults", "--prepare"])
        .arg(format!("--target-dir={}", copy.display()))
        .arg(format!("--tmpdir={}", run_folder.display()))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| CopyError::Program("mariadb-backup", error))?;
    ended("mariadb-backup", prepared.status, &prepared.stderr)?;
    settle(&copy, run_folder).await?;
    let position = if is_of_primary {
        position(&copy).ok_or(CopyError::NoPosition)?
    } else {
        String::new()
    };
    let note = copy.join(GOES_ON_FROM);
    fs::write(&note, position).map_err(|error| CopyError::File(note, error))
}

/// Rolls back what was about to be committed when the copy ended: without a binary log no server starts with that (measured, with replicas that apply
/// in parallel), and the copy's position does not count it.
async fn settle(copy: &Path, run_folder: &Path) -> Result<(), CopyError> {
    let settled = Command::new("mariadbd")
        .args(["--no-defaults", "--bootstrap", "--log-warnings=0"])
        .arg("--tc-heuristic-recover=ROLLBACK")
        .arg(format!("--datadir={}", copy.display()))
        .arg(format!("--tmpdir={}", run_folder.display()))
        .args(as_root(copy))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| CopyError::Program("mariadbd", error))?;
    ended("mariadbd", settled.status, &settled.stderr)
}

async fn unpack(
    stream: impl Stream<Item = hyper::Result<Bytes>>,
    copy: &Path,
) -> Result<u64, CopyError> {
    let no_program = |error| CopyError::Program("mbstream", error);
    let mut child: Child = Command::new("mbstream")
        .args(["--extract", "--directory"])
        .arg(copy)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(no_program)?;
    let mut bytes = 0;
    if let Some(mut input) = child.stdin.take() {
        let mut stream = std::pin::pin!(stream);
        while let Some(chunk) = stream.try_next().await? {
            bytes += u64::try_from(chunk.len()).unwrap_or_default();
            if input.write_all(&chunk).await.is_err() {
                // It says why when it ends.
                break;
            }
        }
    }
    let output = child.wait_with_output().await.map_err(no_program)?;
    ended("mbstream", output.status, &output.stderr)?;
    Ok(bytes)
}

fn ended(program: &'static str, status: ExitStatus, said: &[u8]) -> Result<(), CopyError> {
    if status.success() {
        Ok(())
    } else {
        Err(CopyError::Failed(program, status, last_words(said)))
    }
}

fn last_words(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(&said[said.len().saturating_sub(SAID)..]).into_owned();
    text.trim().to_owned()
}

/// The position that a copy of a primary ends with: file, offset and global transaction ids, each after a tabulator.
fn position(copy: &Path) -> Option<String> {
    let mut texts = POSITIONS.iter().map(|name| copy.join(name));
    let text = texts.find_map(|path| fs::read_to_string(path).ok())?;
    let position = text.split('\t').nth(2)?.trim();
    is_position(position).then(|| position.to_owned())
}

/// Puts the finished copy in the place of what is there. The server must not run.
pub(super) fn put_in_place(volume: &Path) -> Result<(), CopyError> {
    let (copy, data) = (unfinished(volume), data::folder(volume));
    let at = |error: rustix::io::Errno| CopyError::File(copy.clone(), error.into());
    // All of it is on the disk before it counts.
    let folder = fs::File::open(&copy).map_err(|error| CopyError::File(copy.clone(), error))?;
    rustix::fs::syncfs(&folder).map_err(at)?;
    let cwd = rustix::fs::CWD;
    if data.exists() {
        rustix::fs::renameat_with(cwd, &copy, cwd, &data, RenameFlags::EXCHANGE).map_err(at)?;
        // What was there.
        discard(volume)
    } else {
        rustix::fs::rename(&copy, &data).map_err(at)
    }
}

/// Tells the server of a copied data folder, before anybody may use it, where its binary log begins: where the copy ends. A copy of a replica holds
/// its position in a table, and what `mariadb-backup` notes besides may lie behind that (measured).
pub(super) async fn go_on(pool: &MySqlPool, volume: &Path) -> Result<(), CopyError> {
    let note = data::folder(volume).join(GOES_ON_FROM);
    let position = match fs::read_to_string(&note) {
        Ok(position) => position,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(CopyError::File(note, error)),
    };
    let mut connection = pool.acquire().await?;
    connection.execute("RESET MASTER").await?;
    if !position.is_empty() {
        let set = format!("SET GLOBAL gtid_slave_pos = '{position}'");
        connection.execute(AssertSqlSafe(set)).await?;
    }
    // In two steps: a statement that sets the one variable to the other waits for itself for ever, and everybody with it (measured).
    let known = sqlx::raw_sql("SELECT @@GLOBAL.gtid_slave_pos")
        .fetch_one(&mut *connection)
        .await?;
    let known: String = known.try_get_unchecked(0)?;
    if !is_position(&known) {
        return Err(CopyError::NoPosition);
    }
    let set = format!("SET GLOBAL gtid_binlog_state = '{known}'");
    connection.execute(AssertSqlSafe(set)).await?;
    info!(position = known, "the copy goes on from here");
    fs::remove_file(&note).map_err(|error| CopyError::File(note, error))
}

/// Positions become part of statements that take no parameters.
fn is_position(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'-' | b',');
    !text.is_empty() && text.bytes().all(is_part)
}

/// Removes what is left of a copy that was not finished, or of what one took the place of.
pub(super) fn discard(volume: &Path) -> Result<(), CopyError> {
    let copy = unfinished(volume);
    match fs::remove_dir_all(&copy) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(CopyError::File(copy, error)),
        _ => Ok(()),
    }
}

fn unfinished(volume: &Path) -> PathBuf {
    volume.join("copy.unfinished")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_goes_on_from_the_position_it_ends_with() {
        let volume = tempfile::tempdir().expect("a folder");
        let copy = unfinished(volume.path());
        fs::create_dir(&copy).expect("made");
        assert_eq!(position(&copy), None);
        for (text, there) in [
            ("binlog.000002\t345\t0-1-42\n", Some("0-1-42")),
            ("binlog.000002\t345\t0-1-42,1-2-3", Some("0-1-42,1-2-3")),
            ("binlog.000002\t345\t", None),
            ("binlog.000002\t345\t0-1-42'; DROP", None),
        ] {
            fs::write(copy.join(POSITIONS[0]), text).expect("written");
            assert_eq!(position(&copy).as_deref(), there, "{text}");
        }
    }

    #[test]
    fn a_copy_takes_the_place_of_what_is_there() {
        let volume = tempfile::tempdir().expect("a folder");
        let (copy, data) = (unfinished(volume.path()), data::folder(volume.path()));
        for there in [false, true] {
            fs::create_dir(&copy).expect("made");
            fs::write(copy.join("row"), format!("new {there}")).expect("written");
            put_in_place(volume.path()).expect("in place");
            let row = fs::read_to_string(data.join("row")).expect("read");
            assert_eq!((row, copy.exists()), (format!("new {there}"), false));
        }
    }
}
