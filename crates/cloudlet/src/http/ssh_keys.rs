//! `/v1/resource/ssh-keys`: public halves that are kept, and pairs that are made.
//!
//! A private key stands in one answer. It is never stored and never logged.

use super::{
    App,
    answer::Answer,
    auth::{Caller, Open},
    body::Body,
    error::ApiError,
    limits::{CALL_PATIENCE, PASSPHRASE_LIMIT, SSH_KEY_LIMIT},
    listing::{Key, Listing},
    params::{Params, PathId},
    repeat::{IdempotencyKey, Repeat},
};
use crate::{
    ssh_keys::{self, Pair},
    store::NewSshKey,
};
use api::{
    Envelope, ErrorCode, SshKeyId, TenantId,
    ssh_key::{
        SshAlgorithm, SshAlgorithmRow, SshKey, SshKeyCreate, SshKeyCreated, SshKeyRename,
        SshKeySource,
    },
};
use axum::{extract::State, http::StatusCode};
use model::{accept::Once, name};
use std::sync::Arc;
use tokio::sync::oneshot;

const KEYS: Listing<SshKey> = Listing {
    fields: &[
        ("name", |key| Key::text(&key.name)),
        ("createdAt", |key| key.created_at.into()),
    ],
    id: |key| Key::Id(key.id.0),
    default: "createdAt:desc",
    searched: |key| vec![(&key.name).into()],
    filters: &[],
};

/// The kinds of keys that can be made here, the recommended one first.
#[utoipa::path(
    get, path = "/v1/resource/ssh-keys/algorithms", tag = "SSH keys",
    operation_id = "ssh_key.algorithms",
    responses((status = 200, description = "All of them", body = Envelope<Vec<SshAlgorithmRow>>)),
)]
pub(super) async fn algorithms(_: Caller) -> Answer<Vec<SshAlgorithmRow>> {
    let rows = SshAlgorithm::ALL.iter().map(|&code| {
        let (name, description) = match code {
            SshAlgorithm::Ed25519 => ("Ed25519", "Short, fast and strong: take this one"),
            SshAlgorithm::Rsa4096 => ("RSA, 4096 bits", "For old servers; takes seconds to make"),
            SshAlgorithm::Rsa2048 => ("RSA, 2048 bits", "For servers older still"),
            SshAlgorithm::EcdsaP256 => ("ECDSA, P-256", "Where a rule asks for a NIST curve"),
        };
        SshAlgorithmRow {
            code,
            display_name: name.to_owned(),
            description: description.to_owned(),
        }
    });
    Answer::ok(rows.collect())
}

/// Keep a public key, or have a pair made.
///
/// With `generate` the private key is in this answer and nowhere else, ever. A long RSA key takes
/// seconds; only a few are made at once, and one whose turn does not come within 50 s is answered with
/// 409 `RESOURCE_BUSY`. A repeat with the same `Idempotency-Key` is answered with 409 `CONFLICT` that
/// names the key: its private half cannot be shown again.
#[utoipa::path(
    post, path = "/v1/resource/ssh-keys", tag = "SSH keys", operation_id = "ssh_key.create",
    request_body = SshKeyCreate,
    params(IdempotencyKey),
    responses((status = 201, description = "The key", body = Envelope<SshKeyCreated>)),
)]
pub(super) async fn create(
    State(app): State<App>,
    Caller(tenant): Caller,
    _: Open,
    repeat: Repeat,
    Body(body): Body<SshKeyCreate>,
) -> Result<Answer<SshKeyCreated>, ApiError> {
    name::check("name", &body.name)?;
    let repeat = repeat.of(tenant);
    let (key, private_key) = match body.source {
        SshKeySource::Upload => (uploaded(&body)?, None),
        SshKeySource::Generate => {
            let (algorithm, passphrase) = wish(&body)?;
            if let Some(id) = app.before(repeat).await? {
                return Err(shown_before(id));
            }
            has_room(&app, tenant).await?;
            let pair = generated(&app, body.name, algorithm, passphrase).await?;
            (pair.kept, Some(pair.private))
        }
    };
    let store = app.store();
    let kept = store.create_ssh_key(tenant, key, SSH_KEY_LIMIT, repeat);
    let id = match kept.await??.ok_or_else(full)? {
        Once::Now(key) => key.id,
        Once::Before(id) if private_key.is_some() => return Err(shown_before(id)),
        Once::Before(id) => id,
    };
    Ok(Answer::created(SshKeyCreated { id, private_key }))
}

/// List SSH keys, newest first.
#[utoipa::path(
    get, path = "/v1/resource/ssh-keys", tag = "SSH keys", operation_id = "ssh_key.list",
    params(
        ("page" = Option<u64>, Query, description = "From 1, the default"),
        ("limit" = Option<u64>, Query, description = "Rows on a page, 1 to 100; default 10"),
        ("sort" = Option<String>, Query, description = "`field:asc` or `field:desc`, several separated by commas; name, createdAt; default `createdAt:desc`"),
        ("search" = Option<String>, Query, description = "Only with this in the name, without case"),
    ),
    responses((status = 200, description = "A page", body = Envelope<Vec<SshKey>>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    Caller(tenant): Caller,
    params: Params,
) -> Result<Answer<Vec<SshKey>>, ApiError> {
    let order = KEYS.order(&params)?;
    let (rows, meta) = order.page(app.store().ssh_keys(tenant).await?);
    Ok(Answer::page(rows, meta))
}

/// One SSH key: its public half.
#[utoipa::path(
    get, path = "/v1/resource/ssh-keys/{id}", tag = "SSH keys", operation_id = "ssh_key.show",
    params(("id" = SshKeyId, Path)),
    responses((status = 200, description = "The key", body = Envelope<SshKey>)),
)]
pub(super) async fn show(
    State(app): State<App>,
    Caller(tenant): Caller,
    PathId(id): PathId<SshKeyId>,
) -> Result<Answer<SshKey>, ApiError> {
    let key = app.store().ssh_key(tenant, id).await?;
    key.map(Answer::ok).ok_or_else(unknown)
}

/// Rename an SSH key.
#[utoipa::path(
    put, path = "/v1/resource/ssh-keys/{id}", tag = "SSH keys", operation_id = "ssh_key.rename",
    params(("id" = SshKeyId, Path), IdempotencyKey), request_body = SshKeyRename,
    responses((status = 200, description = "The key", body = Envelope<SshKey>)),
)]
pub(super) async fn rename(
    State(app): State<App>,
    Caller(tenant): Caller,
    _: Open,
    PathId(id): PathId<SshKeyId>,
    repeat: Repeat,
    Body(body): Body<SshKeyRename>,
) -> Result<Answer<SshKey>, ApiError> {
    name::check("name", &body.name)?;
    let store = app.store();
    let renamed = store.rename_ssh_key(tenant, id, body.name, repeat.of(tenant));
    renamed.await??.ok_or_else(unknown)?;
    let key = store.ssh_key(tenant, id).await?;
    key.map(Answer::ok).ok_or_else(unknown)
}

/// Delete an SSH key. Machines that were made with it keep it.
#[utoipa::path(
    delete, path = "/v1/resource/ssh-keys/{id}", tag = "SSH keys", operation_id = "ssh_key.delete",
    params(("id" = SshKeyId, Path), IdempotencyKey),
    responses((status = 204, description = "It is gone")),
)]
pub(super) async fn delete(
    State(app): State<App>,
    Caller(tenant): Caller,
    _: Open,
    PathId(id): PathId<SshKeyId>,
    repeat: Repeat,
) -> Result<StatusCode, ApiError> {
    let deleted = app.store().delete_ssh_key(tenant, id, repeat.of(tenant));
    deleted.await??.ok_or_else(unknown)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The key of an upload.
fn uploaded(body: &SshKeyCreate) -> Result<NewSshKey, ApiError> {
    let alien = |field| ApiError::field(field, "goes with the type 'generate'; leave it out");
    if body.algorithm.is_some() {
        return Err(alien("algorithm"));
    }
    if given(body.passphrase.as_ref()).is_some() {
        return Err(alien("passphrase"));
    }
    let Some(sent) = given(body.public_key.as_ref()) else {
        let text = "is missing; with the type 'upload' the line of a .pub file is right";
        return Err(ApiError::field("publicKey", text));
    };
    ssh_keys::read(&body.name, sent).map_err(|text| ApiError::field("publicKey", &text))
}

/// What kind of pair is to be made, and the passphrase it is to have.
fn wish(body: &SshKeyCreate) -> Result<(SshAlgorithm, Option<String>), ApiError> {
    if given(body.public_key.as_ref()).is_some() {
        let text = "goes with the type 'upload'; leave it out";
        return Err(ApiError::field("publicKey", text));
    }
    let Some(algorithm) = body.algorithm else {
        let codes: Vec<_> = SshAlgorithm::ALL.iter().map(|it| it.as_str()).collect();
        let text = format!(
            "is missing; with the type 'generate' one of {} is right",
            codes.join(", ")
        );
        return Err(ApiError::field("algorithm", &text));
    };
    let passphrase = given(body.passphrase.as_ref());
    if let Some(text) = passphrase {
        let count = text.chars().count();
        if count > PASSPHRASE_LIMIT {
            let text = format!("has {count} characters; at most {PASSPHRASE_LIMIT} are right");
            return Err(ApiError::field("passphrase", &text));
        }
        if text.contains(|character: char| character.is_control()) {
            let text = "has a control character, which nobody can type; take it away";
            return Err(ApiError::field("passphrase", text));
        }
    }
    Ok((algorithm, passphrase.cloned()))
}

/// An optional text; an empty one is absent.
fn given(text: Option<&String>) -> Option<&String> {
    text.filter(|text| !text.is_empty())
}

/// Refuses before anything is made in vain.
async fn has_room(app: &App, tenant: TenantId) -> Result<(), ApiError> {
    match app.store().count_ssh_keys(tenant).await? {
        count if count < SSH_KEY_LIMIT => Ok(()),
        _ => Err(full()),
    }
}

/// A new pair, made by a thread of its own: it ends with the process, whatever is left to do, and
/// neither requests nor the store wait for it.
async fn generated(
    app: &App,
    name: String,
    algorithm: SshAlgorithm,
    passphrase: Option<String>,
) -> Result<Pair, ApiError> {
    let place = Arc::clone(&app.key_makers).acquire_owned();
    let place = tokio::select! {
        place = tokio::time::timeout(CALL_PATIENCE, place) => place,
        () = app.engine.drained() => return Err(ApiError::shutting_down()),
    };
    let Ok(Ok(place)) = place else {
        let text = "Too many keys are being made now, and nothing was done; try again shortly, or \
                    make the key yourself and upload it";
        return Err(ApiError::new(ErrorCode::ResourceBusy, text));
    };
    let (sender, receiver) = oneshot::channel();
    let making = move || {
        let made = ssh_keys::make(&name, algorithm, passphrase.as_deref());
        drop(place);
        // Nobody listens: the client has left. The pair is forgotten.
        drop(sender.send(made));
    };
    std::thread::Builder::new()
        .name("ssh-key-maker".to_owned())
        .spawn(making)
        .map_err(|error| ApiError::internal(format!("no thread to make a key: {error}")))?;
    let made = tokio::select! {
        made = receiver => made,
        () = app.engine.drained() => return Err(ApiError::shutting_down()),
    };
    match made {
        Ok(Ok(pair)) => Ok(pair),
        Ok(Err(error)) => Err(ApiError::internal(format!("an SSH key: {error}"))),
        Err(_) => Err(ApiError::internal(
            "the thread that makes an SSH key panicked",
        )),
    }
}

fn full() -> ApiError {
    let text = format!("There are {SSH_KEY_LIMIT} SSH keys already; delete one first");
    let mut error = ApiError::new(ErrorCode::LimitExceeded, text);
    error.details.limit = Some(SSH_KEY_LIMIT);
    error
}

/// A repeat of what made a pair.
fn shown_before(id: SshKeyId) -> ApiError {
    let text = format!(
        "This request was carried out before and made SSH key {id}; its private half was in that answer \
         and is stored nowhere. Delete the key, and have another made with a new Idempotency-Key"
    );
    ApiError::new(ErrorCode::Conflict, text)
}

fn unknown() -> ApiError {
    ApiError::not_found("SSH key")
}
