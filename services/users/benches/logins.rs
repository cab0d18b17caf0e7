//! What a password hash costs on this machine, and how many logins a second that leaves room for.
//!
//! `cargo bench -p amazoff-users` prints both; hashing is all that a login costs but for a millisecond.

use std::time::{Duration, Instant};

use amazoff_users::{hash::Cost, hash_password::Hasher, password::Password};
use futures::future::join_all;

const HASHES: u32 = 40;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let password = Password::from("four small tea pots");
    for at_once in [1_u32, 2, 4] {
        let hasher = Hasher::new(Cost::OWASP, usize::try_from(at_once)?)?;
        let kept = hasher.hash(&password).await?;
        let began = Instant::now();
        let compared = join_all((0..HASHES).map(|_| hasher.matches(&password, Some(&kept)))).await;
        for matches in compared {
            assert!(matches?, "the password is right");
        }
        report(at_once, began.elapsed());
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a benchmark reports")]
fn report(at_once: u32, elapsed: Duration) {
    let each = elapsed * at_once / HASHES;
    let per_second = u128::from(HASHES) * 1_000_000 / elapsed.as_micros().max(1);
    println!("{at_once} at once: {each:?} a hash, {per_second} logins/s");
}
