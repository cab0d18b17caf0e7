//! What notifications hears: everything that people are written to about ([`crate::occasion`] says what that is).

use axum::extract::State;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::StatusCode;
use kit::{Problem, inbox::Events};

use crate::{
    App,
    queue_mail::{Heard, QueueError, queue_mail},
};

/// How many events of a batch are queued at the same time.
const AT_ONCE: usize = 8;

impl From<QueueError> for Problem {
    fn from(error: QueueError) -> Self {
        match error {
            QueueError::Db(error) => error.into(),
            QueueError::Seal(error) => error.into(),
        }
    }
}

/// `POST /internal/v1/events`. A mail is kept under the id of its event: that is the inbox.
pub async fn hear(State(app): State<App>, Events(events): Events) -> Result<StatusCode, Problem> {
    let mails = events.into_iter().map(|event| {
        let app = app.clone();
        async move {
            let heard = Heard {
                id: event.id,
                kind: &event.kind,
                subject: &event.subject,
                data: &event.data,
            };
            queue_mail(&app, heard).await
        }
    });
    stream::iter(mails)
        .buffer_unordered(AT_ONCE)
        .try_for_each(|()| std::future::ready(Ok(())))
        .await
        .map_err(|error: QueueError| Problem::from(error))?;
    Ok(StatusCode::NO_CONTENT)
}
