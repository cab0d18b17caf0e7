//! An error with all its causes, on one line.

use std::error::Error;

/// `what failed: why: because of what`.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = said(error);
    let mut last = error;
    while let Some(cause) = last.source() {
        // What the API server says is a sentence; its own cause says it again.
        if is_answer(last) {
            break;
        }
        text.push_str(": ");
        text.push_str(&said(cause));
        last = cause;
    }
    text
}

fn said(error: &(dyn Error + 'static)) -> String {
    match error.downcast_ref::<kube::Error>() {
        Some(kube::Error::Api(status)) => status.message.clone(),
        _ => error.to_string(),
    }
}

fn is_answer(error: &(dyn Error + 'static)) -> bool {
    matches!(
        error.downcast_ref::<kube::Error>(),
        Some(kube::Error::Api(_))
    )
}

#[cfg(test)]
mod tests {
    use super::chain;
    use crate::controller::ReconcileError;
    use kube::core::Status;

    #[test]
    fn an_answer_of_the_api_server_is_said_once() {
        let status = Status::failure("no room", "Forbidden").with_code(403);
        let error = ReconcileError::Secret(kube::Error::Api(status.boxed()));
        assert_eq!(chain(&error), "a secret could not be written: no room");
    }
}
