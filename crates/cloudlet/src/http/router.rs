//! Every route on one page.

use super::{
    App, admin, console, data_centers, document, front, gpu, interfaces, jobs, networks, own_keys,
    pages, ssh_keys, teams, virtual_machines, volumes,
};
use axum::{Router, middleware, routing::get};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The documented routes, with their entries of the OpenAPI document.
pub(super) fn routes() -> OpenApiRouter<App> {
    let routes = OpenApiRouter::with_openapi(document::base());
    operators(tenants(routes))
        // without a key
        .routes(routes!(pages::healthz))
        .routes(routes!(pages::readyz))
        .routes(routes!(pages::metrics))
        .routes(routes!(pages::openapi_json))
}

fn tenants(routes: OpenApiRouter<App>) -> OpenApiRouter<App> {
    routes
        // /v1/resource/virtual-machines
        .routes(routes!(virtual_machines::create, virtual_machines::list))
        .routes(routes!(
            virtual_machines::show,
            virtual_machines::rename,
            virtual_machines::delete
        ))
        .routes(routes!(console::read))
        .routes(routes!(virtual_machines::start))
        .routes(routes!(virtual_machines::stop))
        .routes(routes!(virtual_machines::reset))
        .routes(routes!(virtual_machines::resize))
        .routes(routes!(interfaces::list, interfaces::add))
        .routes(routes!(interfaces::set_primary, interfaces::remove))
        .routes(routes!(interfaces::allocate, interfaces::release))
        // /v1/resource/gpu
        .routes(routes!(gpu::create, gpu::list))
        .routes(routes!(gpu::inventory))
        .routes(routes!(gpu::show, gpu::rename, gpu::delete))
        // /v1/resource/volumes
        .routes(routes!(volumes::create, volumes::list))
        .routes(routes!(volumes::show, volumes::delete))
        .routes(routes!(volumes::attach))
        .routes(routes!(volumes::detach))
        .routes(routes!(volumes::resize))
        // /v1/resource/networks
        .routes(routes!(networks::create, networks::list))
        .routes(routes!(networks::show, networks::update, networks::delete))
        .routes(routes!(networks::machines))
        // /v1/resource/jobs
        .routes(routes!(jobs::poll, jobs::list))
        .routes(routes!(jobs::show))
        .routes(routes!(jobs::cancel))
        // /v1/resource/data-centers
        .routes(routes!(data_centers::list))
        .routes(routes!(data_centers::regions))
        .routes(routes!(data_centers::countries))
        .routes(routes!(data_centers::images))
        .routes(routes!(data_centers::sizes))
        .routes(routes!(data_centers::volume_sizes))
        // /v1/resource/ssh-keys
        .routes(routes!(ssh_keys::create, ssh_keys::list))
        .routes(routes!(ssh_keys::algorithms))
        .routes(routes!(ssh_keys::show, ssh_keys::rename, ssh_keys::delete))
        // /v1/teams
        .routes(routes!(teams::create, teams::list))
        .routes(routes!(teams::show, teams::update, teams::delete))
        .routes(routes!(teams::delete_several))
        // /v1/auth
        .routes(routes!(own_keys::check))
        .routes(routes!(own_keys::create, own_keys::list))
        .routes(routes!(own_keys::show, own_keys::delete))
        .routes(routes!(own_keys::rotate))
        .routes(routes!(own_keys::suspend))
        .routes(routes!(own_keys::reactivate))
}

fn operators(routes: OpenApiRouter<App>) -> OpenApiRouter<App> {
    routes
        // /admin/v1
        .routes(routes!(admin::tenants::create, admin::tenants::list))
        .routes(routes!(admin::tenants::show))
        .routes(routes!(admin::tenants::set_quotas))
        .routes(routes!(admin::tenants::suspend))
        .routes(routes!(admin::tenants::resume))
        .routes(routes!(admin::keys::create, admin::keys::list))
        .routes(routes!(admin::keys::revoke))
        .routes(routes!(admin::keys::rotate))
        .routes(routes!(admin::keys::suspend))
        .routes(routes!(admin::keys::resume))
        .routes(routes!(
            admin::faults::create,
            admin::faults::list,
            admin::faults::clear
        ))
        .routes(routes!(admin::faults::delete))
        .routes(routes!(admin::clock::show, admin::clock::advance))
        .routes(routes!(admin::verify::show))
        .routes(routes!(admin::hosts::list))
        .routes(routes!(admin::hosts::drain))
        .routes(routes!(admin::hosts::undrain))
        .routes(routes!(admin::images::import, admin::images::list))
        .routes(routes!(admin::images::show, admin::images::remove))
        .routes(routes!(admin::leftovers::list))
        .routes(routes!(admin::leftovers::retry))
        .routes(routes!(admin::leftovers::settle))
}

/// The whole server. The front door stands before the routes, so that it sees the path first.
pub fn router(app: App) -> Router {
    let (routes, _) = routes().split_for_parts();
    let inside = routes
        .route("/", get(pages::index))
        .route("/docs", get(pages::docs))
        .fallback(pages::no_path)
        .method_not_allowed_fallback(pages::no_method)
        .with_state(app.clone());
    Router::new()
        .fallback_service(inside)
        .layer(middleware::from_fn_with_state(app, front::door))
}
