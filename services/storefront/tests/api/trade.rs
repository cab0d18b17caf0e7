//! A shop that sells: the pages, the catalog and the four services behind them.

use crate::{
    browser::Browser,
    neighbors::Neighbors,
    world::{Mood, catalog, shop},
};
use axum::Router;
use std::sync::{Arc, Mutex};

pub(crate) struct Trade {
    pub(crate) router: Router,
    pub(crate) neighbors: Neighbors,
}

impl Trade {
    pub(crate) async fn new() -> Self {
        let neighbors = Neighbors::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        let catalog = catalog(Arc::new(Mutex::new(Mood::Well)));
        tokio::spawn(async move { axum::serve(listener, catalog).await });
        let mut more = Vec::new();
        for service in ["cart", "orders", "users", "payment"] {
            more.push(format!("--{service}-url"));
            more.push(neighbors.serve(service).await);
        }
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        Self {
            router: shop(&format!("http://{address}"), &more),
            neighbors,
        }
    }

    /// Somebody new, without a script and without a cookie.
    pub(crate) fn browser(&self) -> Browser {
        Browser::new(self.router.clone())
    }
}
