//! Answers that take as long whatever they found, where what was found is nobody's business.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Answers leave at whole multiples of this after the request came. Much longer than the work, so that nearly all leave at the first.
const BEAT: Duration = Duration::from_millis(250);

/// Does some work, and answers at the next beat. Waiting costs nothing but time.
pub async fn answer_evenly<T>(work: impl Future<Output = T>) -> T {
    let began = Instant::now();
    let answer = work.await;
    let mut at = began + BEAT;
    while at < Instant::now() {
        at += BEAT;
    }
    sleep_until(at).await;
    answer
}
