//! `/v1/resource/virtual-machines/{id}/console`: what a machine wrote on its serial console.

use super::{
    App,
    answer::Answer,
    auth::Caller,
    error::ApiError,
    limits::{CONSOLE_LINES_DEFAULT, CONSOLE_LINES_LIMIT},
    params::{Params, PathId},
};
use crate::engine::console::{Part, Text};
use api::{Envelope, ErrorCode, ResourceId, console::Console};
use axum::extract::State;
use model::{Kind, Refusal};

/// Read the last lines that a machine wrote on its serial console since its last launch, or what it
/// wrote after an earlier answer.
#[utoipa::path(
    get, path = "/v1/resource/virtual-machines/{id}/console", tag = "Virtual machines",
    operation_id = "vm.console",
    params(
        ("id" = ResourceId, Path),
        ("tail" = Option<u32>, Query, description = "Lines, 1 to 10000; default 100"),
        ("after" = Option<String>, Query, description = "An earlier answer's `cursor`: only what was \
            written since; all, if the machine was launched anew"),
    ),
    responses((status = 200, description = "The text", body = Envelope<Console>)),
)]
pub(super) async fn read(
    State(app): State<App>,
    Caller(tenant): Caller,
    PathId(id): PathId<ResourceId>,
    params: Params,
) -> Result<Answer<Console>, ApiError> {
    let machine = app.store().resource(tenant, id).await?;
    let machine = machine.filter(|machine| machine.kind() == Kind::Vm);
    let machine = machine.ok_or_else(|| Refusal::not_found(Kind::Vm))?;
    let part = part(&params)?;
    let read = app.engine.console(machine.id, part).await;
    let read = read.map_err(|error| ApiError::internal(format!("a console: {error:#}")))?;
    let Text { bytes, end } = read.ok_or_else(|| no_console(&app))?;
    Ok(Answer::ok(Console {
        text: String::from_utf8_lossy(&bytes).into_owned(),
        cursor: end.to_string(),
    }))
}

fn part(params: &Params) -> Result<Part, ApiError> {
    // Empty is absent.
    if let Some(text) = params.one("after")?.filter(|text| !text.is_empty()) {
        let cursor = text.parse().map_err(|()| {
            Refusal::field(
                "after",
                "an earlier answer's cursor is right, such as 1-2048",
            )
        })?;
        return Ok(Part::After(cursor));
    }
    let lines = params.integer("tail")?;
    let lines = lines.unwrap_or(CONSOLE_LINES_DEFAULT.into());
    if !(1..=CONSOLE_LINES_LIMIT.into()).contains(&lines) {
        let text = format!("is {lines}; 1 to {CONSOLE_LINES_LIMIT} are right");
        return Err(Refusal::field("tail", text).into());
    }
    Ok(Part::Tail(usize::try_from(lines).unwrap_or(usize::MAX)))
}

fn no_console(app: &App) -> ApiError {
    let driver = app.supply.driver().name;
    let text = format!("Machines of the driver {driver} have no console; those of qemu have");
    let mut refusal = Refusal::new(ErrorCode::NotSupported, text);
    refusal.details.driver = Some(driver.to_owned());
    refusal.into()
}
