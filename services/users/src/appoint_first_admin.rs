//! The first admin, who can make others: from the configuration, as long as there is none.

use std::{path::PathBuf, time::Duration};

use kit::{Problem, problem};
use serde_json::json;

use crate::{
    App,
    db::{DbError, accounts, roles, sealed},
    email::Email,
    hash_password::HasherError,
    note_audit::note_with,
    password::Password,
    person::Locale,
    role::{Role, Roles},
};

/// Who it shall be.
#[derive(Debug, Clone)]
pub struct FirstAdmin {
    /// The address.
    pub email: Email,
    /// Where the password is.
    pub password: Password,
}

/// Why the configuration names nobody who could be admin.
#[derive(Debug, thiserror::Error)]
pub enum FirstAdminError {
    /// No address.
    #[error("FIRST_ADMIN_EMAIL must be an e-mail address")]
    Email,
    /// One without the other.
    #[error("FIRST_ADMIN_EMAIL and FIRST_ADMIN_PASSWORD_FILE go together")]
    Half,
    /// No file.
    #[error("FIRST_ADMIN_PASSWORD_FILE can't be read")]
    Unreadable(#[source] std::io::Error),
    /// Not good enough for an admin.
    #[error("the password in FIRST_ADMIN_PASSWORD_FILE {0}")]
    Weak(#[from] crate::password::Weakness),
}

impl FirstAdmin {
    /// Reads who it shall be; nobody when nothing is configured.
    pub fn read(
        email: Option<&str>,
        password_file: Option<&PathBuf>,
    ) -> Result<Option<Self>, FirstAdminError> {
        let (email, file) = match (email, password_file) {
            (Some(email), Some(file)) => (email, file),
            (None, None) => return Ok(None),
            _ => return Err(FirstAdminError::Half),
        };
        let email = Email::parse(email).ok_or(FirstAdminError::Email)?;
        let text = std::fs::read_to_string(file).map_err(FirstAdminError::Unreadable)?;
        let password = Password::from(text.trim_end_matches(['\r', '\n']));
        crate::password::check(&password, &email, NAME)?;
        Ok(Some(Self { email, password }))
    }
}

const NAME: &str = "Admin";

#[derive(Debug, thiserror::Error)]
enum AppointError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(transparent)]
    Hasher(#[from] HasherError),
}

impl From<sqlx::Error> for AppointError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

/// Makes sure that there is an admin, trying until the database is there.
pub async fn run(app: App, first: FirstAdmin) {
    while let Err(error) = appoint(&app, &first).await {
        tracing::warn!(
            error = problem::chain(&error),
            "the first admin could not be made yet"
        );
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Makes the first admin, unless there is an admin.
pub async fn appoint_first_admin(app: &App, first: &FirstAdmin) -> Result<(), Problem> {
    appoint(app, first).await.map_err(|error| match error {
        AppointError::Db(error) => error.into(),
        AppointError::Hasher(error) => error.into(),
    })
}

async fn appoint(app: &App, first: &FirstAdmin) -> Result<(), AppointError> {
    let mut connection = app.pool.acquire().await?;
    if roles::has_anybody(&mut connection, Role::Admin).await? {
        return Ok(());
    }
    drop(connection);
    let hash = app.hasher.hash(&first.password).await?;
    let email_index = app.email_index(&first.email)?;
    let mut transaction = app.pool.begin().await?;
    let existing = accounts::find_by_email(&mut transaction, &app.sealer, &email_index).await?;
    let id = if let Some(account) = existing {
        // Registered before: keeps the password, becomes admin.
        account.id
    } else {
        let id = app.clock.uuid();
        let key = sealed::new_key(&mut transaction, &app.sealer, id).await?;
        let new = accounts::NewAccount {
            id,
            email: &first.email,
            email_index,
            name: NAME,
            locale: Locale::default(),
            password_hash: &hash,
            at: app.clock.now(),
        };
        match accounts::insert(&mut transaction, &key, &new).await {
            // Another replica was faster.
            Err(error) if error.constraint().is_some() => return Ok(()),
            inserted => inserted?,
        }
        id
    };
    accounts::lock(&mut transaction, id).await?;
    roles::put(&mut transaction, id, &Roles::new([Role::Admin])).await?;
    let details = json!({"after": ["admin"]});
    note_with(
        &mut transaction,
        app,
        "configuration",
        "roles.changed",
        id,
        details,
    )
    .await?;
    transaction.commit().await?;
    tracing::info!(person.id = %id, "the first admin was appointed");
    Ok(())
}
