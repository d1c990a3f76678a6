//! A tenant's own keys under `/v1/auth`.

use crate::{KeyId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// `POST /v1/auth/api-keys/me`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct OwnKeyCreate {
    /// What it is for, 1 to 63 characters.
    pub name: String,
    /// What it may do, at most what the key that asks may do; absent or null: as much as that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_items = 1))]
    pub scopes: Option<Vec<crate::admin::Scope>>,
    /// 7, 30, 60, 90, 180 or 365; absent or null: it does not expire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(schema_with = days))]
    pub expires_in_days: Option<i64>,
    /// There are no roles here, so none may be assigned: absent or null.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_id: Option<uuid::Uuid>,
    /// Taken and not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub metadata: Option<Map<String, Value>>,
}

/// Days that a key may be good for; null: it does not expire.
#[cfg(feature = "openapi")]
pub(crate) fn days() -> utoipa::openapi::schema::Object {
    use utoipa::openapi::{ObjectBuilder, schema::Type};
    let days = [7, 30, 60, 90, 180, 365].map(Value::from);
    ObjectBuilder::new()
        .schema_type(
            [Type::Integer, Type::Null]
                .into_iter()
                .collect::<utoipa::openapi::schema::SchemaType>(),
        )
        .description(Some(
            "Days that it is good for; absent or null: it does not expire",
        ))
        .enum_values(Some(days.into_iter().chain([Value::Null])))
        .build()
}

/// A new key, or one with a new secret: the only answers that hold it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OwnKeyCreated {
    /// The secret, shown this once.
    pub key: String,
    /// Its id.
    pub id: KeyId,
    /// What every key begins with.
    pub prefix: String,
    /// Its first characters, prefix included.
    pub start: String,
    /// For people.
    pub message: String,
}

/// A key as its tenant sees it. There are no users and no roles here: what is of them is null or
/// empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyInfo {
    /// Its id.
    pub id: KeyId,
    /// What it is for.
    pub name: String,
    /// What every key begins with.
    pub prefix: String,
    /// Its first characters, prefix included.
    pub start: String,
    /// False while it is suspended.
    pub enabled: bool,
    /// Its tenant.
    pub entity_id: TenantId,
    /// Null.
    pub user_id: Option<String>,
    /// Null.
    pub user_name: Option<String>,
    /// Null.
    pub user_email: Option<String>,
    /// Null.
    pub role_id: Option<String>,
    /// False.
    pub is_inherited: bool,
    /// Empty.
    pub roles: Vec<ApiKeyRole>,
    /// What it may do.
    pub scopes: Vec<crate::admin::Scope>,
    /// Whether it has a rate limit of its own.
    pub rate_limit_enabled: bool,
    /// Requests in a window; null is the server's default.
    pub rate_limit_max: Option<u32>,
    /// Seconds of the window; null where it has no limit of its own.
    pub rate_limit_window: Option<u64>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is refused; null is never.
    pub expires_at: Option<Timestamp>,
    /// When it was last used; null is never.
    pub last_used_at: Option<Timestamp>,
}

/// A role of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyRole {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its name for people.
    pub display_name: String,
    /// Its place in lists.
    pub sort_order: i64,
}

/// `GET /v1/auth/check`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuthCheck {
    /// True: whoever is not gets 401.
    pub authenticated: bool,
    /// By what.
    pub credential: Option<Credential>,
    /// What it may do.
    pub grants: Grants,
}

/// What a caller is known by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Credential {
    /// `api_key`.
    pub kind: String,
    /// The key's id.
    pub id: KeyId,
    /// The key's name.
    pub name: Option<String>,
    /// Its first characters, prefix included.
    pub key_start: Option<String>,
    /// Its tenant.
    pub entity_id: Option<TenantId>,
    /// From when on it is refused; null is never.
    pub expires_at: Option<Timestamp>,
}

/// What a caller may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Grants {
    /// `api_key`.
    pub source: String,
    /// The tenant that they are for.
    pub entity_id: Option<TenantId>,
    /// The key's scopes.
    pub permissions: Vec<String>,
}
