//! `PUT /v1/users/{id}/roles` and `GET /v1/roles`.

use axum::{extract::State, response::Response};
use http::StatusCode;
use kit::{
    Problem,
    auth::Identity,
    extract::{Json, Path},
    mariadb,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::{
    App,
    db::{
        DbError,
        accounts::{self, Account},
        roles, sessions,
    },
    issue_session::{caller, gone},
    list_people::{no_such_user, shown},
    note_audit::note_with,
    role::{Refusal, Role, Roles, may_assign},
    routes::{BodyProblems, Problems},
};

/// The permission to give and take roles.
pub const WRITE: &str = "roles:write";

/// The roles that somebody shall have.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RolesInput {
    /// All of them; `customer` goes without saying.
    roles: Vec<Role>,
}

/// What there is to give.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RoleList {
    /// The least first.
    pub items: Vec<RoleItem>,
}

/// A role.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RoleItem {
    /// Its name.
    pub role: Role,
    /// What it allows.
    pub permissions: Vec<&'static str>,
}

#[derive(Debug, thiserror::Error)]
enum AssignError {
    #[error("no such person")]
    NoSuchPerson,
    #[error("the caller is gone")]
    Gone,
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for AssignError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<AssignError> for Problem {
    fn from(error: AssignError) -> Self {
        match error {
            AssignError::NoSuchPerson => no_such_user(),
            AssignError::Gone => gone(),
            AssignError::Refused(Refusal::LastAdmin) => Self::new(
                StatusCode::CONFLICT,
                "last-admin",
                "The last admin can't be taken away.",
            )
            .field("roles", Refusal::LastAdmin.to_string()),
            AssignError::Refused(refusal @ Refusal::Exceeds(role)) => Self::new(
                StatusCode::FORBIDDEN,
                "exceeds-own-permissions",
                "Nobody gives or takes more than they have.",
            )
            .field("roles", format!("{} {refusal}", role.as_str())),
            AssignError::Db(error) => error.into(),
        }
    }
}

/// Lists the roles and what they allow.
#[utoipa::path(
    get, path = "/v1/roles", tag = "staff", security(("token" = [])),
    responses((status = 200, body = RoleList), Problems)
)]
pub async fn list_roles(identity: Identity) -> Result<Json<RoleList>, Problem> {
    identity.require(crate::list_people::READ)?;
    let item = |role: Role| RoleItem {
        role,
        permissions: role.permissions().to_vec(),
    };
    Ok(Json(RoleList {
        items: Role::ALL.into_iter().map(item).collect(),
    }))
}

/// Gives a person these roles and no others. It acts on the person's next request.
#[utoipa::path(
    put, path = "/v1/users/{id}/roles", tag = "staff", request_body = RolesInput, params(("id" = Uuid, Path)), security(("token" = [])),
    responses((status = 200, body = crate::list_people::UserAnswer), Problems, BodyProblems)
)]
pub async fn put_roles(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    identity: Identity,
    Json(input): Json<RolesInput>,
) -> Result<Response, Problem> {
    identity.require(WRITE)?;
    let actor = caller(&identity)?;
    let roles = Roles::new(input.roles);
    let account = mariadb::retrying(3, || assign(&app, actor, id, &roles)).await?;
    app.follow_own_revocations().await;
    Ok(shown(&account))
}

async fn assign(app: &App, actor: Uuid, id: Uuid, roles: &Roles) -> Result<Account, AssignError> {
    let mut transaction = app.pool.begin().await?;
    let others = roles::others_with(&mut transaction, Role::Admin, id).await?;
    if !accounts::lock(&mut transaction, id).await? {
        return Err(AssignError::NoSuchPerson);
    }
    let before = accounts::find(&mut transaction, &app.sealer, id)
        .await?
        .filter(|account| !account.is_leaving)
        .ok_or(AssignError::NoSuchPerson)?;
    // What the actor may do now, not when the token was issued.
    let actor_now = accounts::find(&mut transaction, &app.sealer, actor)
        .await?
        .filter(|account| !account.is_leaving)
        .ok_or(AssignError::Gone)?;
    may_assign(&actor_now.roles.permissions(), &before.roles, roles, others)?;
    if before.roles == *roles {
        return Ok(before);
    }
    let now = app.clock.now();
    roles::put(&mut transaction, id, roles).await?;
    // Tokens say what their bearer could do. Sessions of who becomes staff are not made for so much.
    accounts::revoke_tokens(&mut transaction, id, now).await?;
    if roles.is_staff() && !before.roles.is_staff() {
        sessions::shorten_all_of(&mut transaction, id, crate::session::ends_at(now, true)).await?;
    }
    let names = |roles: &Roles| roles.given().map(Role::as_str).collect::<Vec<_>>();
    let details = json!({"before": names(&before.roles), "after": names(roles)});
    note_with(
        &mut transaction,
        app,
        &actor.to_string(),
        "roles.changed",
        id,
        details,
    )
    .await?;
    let after = accounts::find(&mut transaction, &app.sealer, id)
        .await?
        .ok_or(AssignError::NoSuchPerson)?;
    transaction.commit().await?;
    Ok(after)
}
