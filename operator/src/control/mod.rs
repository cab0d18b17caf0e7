//! How the operator and the agents talk: HTTP over TLS, and each side shows a certificate that their set's own authority has signed.

pub mod caller;
pub mod certificates;
pub mod listener;

#[cfg(test)]
mod tests {
    use super::caller::{CallError, Caller};
    use super::certificates::{Identity, make};
    use super::listener::TlsListener;
    use axum::Router;
    use axum::routing::get;
    use jiff::Timestamp;
    use std::time::Duration;
    use tokio::net::TcpListener;

    const WITHIN: Duration = Duration::from_secs(5);

    fn identities(name: &str) -> (Identity, Identity) {
        let now = Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(24 * 365 * 56);
        make(&[name.to_owned()], now).expect("certificates")
    }

    async fn ask(url: &str, identity: &Identity) -> Result<String, CallError> {
        Caller::new(identity)
            .expect("a caller")
            .get(url, WITHIN)
            .await
    }

    #[tokio::test]
    async fn only_those_whom_the_sets_own_authority_signed_are_answered() {
        let (member, operator) = identities("127.0.0.1");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("https://{}/", listener.local_addr().expect("bound"));
        // It never says a word, and keeps nobody waiting.
        let _mute = tokio::net::TcpStream::connect(listener.local_addr().expect("bound")).await;
        let listener = TlsListener::new(listener, &member).expect("listens");
        let router = Router::new().route("/", get(async || axum::Json("here")));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await });

        assert_eq!(ask(&url, &operator).await.expect("answered"), "here");
        assert_eq!(ask(&url, &member).await.expect("answered"), "here");
        let (_, of_another_set) = identities("127.0.0.1");
        assert!(matches!(
            ask(&url, &of_another_set).await,
            Err(CallError::Silent(_))
        ));
        // It trusts nobody else's authority, and has no certificate of this one.
        let stranger = Identity {
            authority: operator.authority.clone(),
            ..of_another_set
        };
        assert!(ask(&url, &stranger).await.is_err());
        serving.abort();
    }

    #[tokio::test]
    async fn whoever_listens_under_another_name_is_not_believed() {
        let (member, operator) = identities("somebody.else");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("https://{}/", listener.local_addr().expect("bound"));
        let listener = TlsListener::new(listener, &member).expect("listens");
        let serving = tokio::spawn(async move { axum::serve(listener, Router::new()).await });
        assert!(matches!(
            ask(&url, &operator).await,
            Err(CallError::Silent(_))
        ));
        serving.abort();
    }
}
