//! The operation that a request asks for, by the name that it has in the OpenAPI document.
//!
//! Made from the document, which the routes themselves are made from: a new route is in here by
//! being a route.

use super::{document, rates};
use axum::http::Method;
use std::collections::{BTreeSet, HashMap};
use utoipa::openapi::{OpenApi as Document, PathItem};

/// What a fault with `*` passes by, so that whoever placed it can take it away.
const FAULTS: &str = "/admin/v1/faults";

/// Every operation of the document, by method and path.
#[derive(Debug)]
pub(super) struct Operations {
    by_path: HashMap<String, Vec<(Method, Operation)>>,
}

/// An operation of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Operation {
    /// Its `operationId`.
    pub(super) name: String,
    /// Whether it is struck only where a fault names it: the faults themselves, so that they can be
    /// taken away, and what needs no key, so that a probe is answered.
    pub(super) by_name_only: bool,
}

impl Operations {
    /// Those that this server answers.
    pub(super) fn of_document() -> Self {
        Self::of(&document::openapi())
    }

    fn of(document: &Document) -> Self {
        let paths = document.paths.paths.iter();
        let by_path = paths.map(|(path, item)| (path.clone(), operations(path, item)));
        Self {
            by_path: by_path.collect(),
        }
    }

    /// The operation of a route: its path with `{}` where something is to be filled in.
    pub(super) fn find(&self, method: &Method, route: &str) -> Option<&Operation> {
        // A HEAD is answered by the route's GET.
        let method = match *method {
            Method::HEAD => &Method::GET,
            _ => method,
        };
        let here = self.by_path.get(route)?;
        here.iter().find(|it| it.0 == method).map(|it| &it.1)
    }

    /// Whether there is one of this name.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.names().contains(name)
    }

    /// All names.
    pub(super) fn names(&self) -> BTreeSet<&str> {
        let all = self.by_path.values().flatten();
        all.map(|(_, operation)| operation.name.as_str()).collect()
    }
}

fn operations(path: &str, item: &PathItem) -> Vec<(Method, Operation)> {
    let all = [
        (Method::GET, &item.get),
        (Method::PUT, &item.put),
        (Method::POST, &item.post),
        (Method::DELETE, &item.delete),
        (Method::PATCH, &item.patch),
    ];
    let named = all.into_iter().filter_map(|(method, operation)| {
        let name = operation.as_ref()?.operation_id.clone()?;
        let by_name_only = path.starts_with(FAULTS) || !rates::is_counted(path);
        Some((method, Operation { name, by_name_only }))
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_found_by_its_route() {
        let operations = Operations::of_document();
        let machine = "/v1/resource/virtual-machines/{id}";
        for (method, route, name, by_name_only) in [
            (Method::POST, "/v1/resource/jobs", "job.poll", false),
            (Method::GET, machine, "vm.show", false),
            (Method::HEAD, machine, "vm.show", false),
            (Method::POST, "/admin/v1/clock", "clock.advance", false),
            (
                Method::DELETE,
                "/admin/v1/faults/{id}",
                "fault.delete",
                true,
            ),
            (Method::GET, "/healthz", "health", true),
        ] {
            let found = operations.find(&method, route).unwrap();
            assert_eq!(
                (found.name.as_str(), found.by_name_only),
                (name, by_name_only)
            );
        }
        assert_eq!(operations.find(&Method::PATCH, machine), None);
        assert_eq!(
            operations.find(&Method::GET, "/v1/resource/virtual-machines/x"),
            None
        );
    }

    /// A fault names an operation of jobs and the request for it by one name.
    #[test]
    fn every_operation_has_a_name_of_its_own_that_its_jobs_share() {
        let document = document::openapi();
        let mut names = BTreeSet::new();
        for (path, item) in &document.paths.paths {
            for (method, operation) in operations(path, item) {
                assert!(
                    names.insert(operation.name.clone()),
                    "{method} {path}: {operation:?}"
                );
            }
        }
        let written = serde_json::to_value(&document.paths).unwrap();
        let items = written.as_object().unwrap().values();
        let written: usize = items.map(|item| item.as_object().unwrap().len()).sum();
        assert_eq!(names.len(), written, "a method is missing in `operations`");
        for operation in model::Operation::ALL {
            let name = operation.name();
            assert!(
                names.contains(name),
                "no request is called {name}, but jobs are"
            );
        }
    }
}
