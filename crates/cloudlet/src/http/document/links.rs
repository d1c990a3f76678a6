//! Where one goes from an answer: from a list, or from what was made, to all that can be done with it.
//!
//! Told from the paths alone: what stands at `X/{id}…` takes its id from an answer of `X`.

use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::openapi::{
    OpenApi as Document, RefOr, Response,
    link::{Link, LinkBuilder},
    path::{Operation, PathItem},
};

/// An operation of one thing.
struct Target {
    operation_id: String,
    /// The parameter that names the thing.
    id: String,
    /// The parameters before it, which are those of its collection.
    before: Vec<String>,
}

/// Links every answer of a collection to the operations of what it shows.
pub(super) fn add(document: &mut Document) {
    let targets = targets(document);
    for (path, item) in &mut document.paths.paths {
        let Some(targets) = targets.get(path) else {
            continue;
        };
        let answers = [
            (&mut item.get, &["200"][..]),
            (&mut item.post, &["201", "202"][..]),
        ];
        for (operation, statuses) in answers {
            for status in statuses {
                if let Some(answer) = answer(operation, status) {
                    link(answer, status, targets);
                }
            }
        }
    }
}

fn link(answer: &mut Response, status: &str, targets: &[Target]) {
    let Some(pointer) = pointer(answer, status) else {
        return;
    };
    let links = targets
        .iter()
        .map(|it| (name(&it.operation_id), it.from(pointer)));
    answer.links.extend(links);
}

/// The operations of one thing by the path of its collection.
fn targets(document: &Document) -> BTreeMap<String, Vec<Target>> {
    let mut all: BTreeMap<String, Vec<Target>> = BTreeMap::new();
    for (path, item) in &document.paths.paths {
        let Some((collection, rest)) = path.rsplit_once("/{") else {
            continue;
        };
        let id = rest.split('}').next().unwrap_or_default();
        let before = collection.split('{').skip(1);
        let before: Vec<_> = before.filter_map(|part| part.split('}').next()).collect();
        for operation in operations(item) {
            all.entry(collection.to_owned()).or_default().push(Target {
                operation_id: operation.operation_id.clone().unwrap_or_default(),
                id: id.to_owned(),
                before: before.iter().map(ToString::to_string).collect(),
            });
        }
    }
    all
}

fn operations(item: &PathItem) -> impl Iterator<Item = &Operation> {
    let all = [&item.get, &item.put, &item.post, &item.delete];
    all.into_iter().flatten()
}

fn answer<'a>(operation: &'a mut Option<Operation>, status: &str) -> Option<&'a mut Response> {
    match operation.as_mut()?.responses.responses.get_mut(status)? {
        RefOr::T(answer) => Some(answer),
        RefOr::Ref(_) => None,
    }
}

/// Where an answer has the id: its example shows it. A job, which is what 202 has, is not what it makes.
fn pointer(answer: &Response, status: &str) -> Option<&'static str> {
    let RefOr::T(content) = answer.content.get("application/json")? else {
        return None;
    };
    let example = content.example.as_ref()?;
    let places = match status {
        "202" => ["/data/targetId", "/data/0/targetId"],
        _ => ["/data/id", "/data/0/id"],
    };
    places
        .into_iter()
        .find(|it| example.pointer(it).is_some_and(Value::is_string))
}

fn name(operation_id: &str) -> String {
    format!("to.{operation_id}")
}

impl Target {
    /// The link from an answer that has the id there.
    fn from(&self, pointer: &str) -> RefOr<Link> {
        let id = format!("$response.body#{pointer}");
        let link = LinkBuilder::new()
            .operation_id(&self.operation_id)
            .parameter(&self.id, id);
        let link = self.before.iter().fold(link, |link, name| {
            link.parameter(name, format!("$request.path.{name}"))
        });
        RefOr::T(link.build())
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_made_leads_to_what_can_be_done_with_it() {
        let document = serde_json::to_value(crate::http::openapi()).unwrap();
        let machines = &document["paths"]["/v1/resource/virtual-machines"];
        let made = &machines["post"]["responses"]["202"]["links"]["to.vm.stop"];
        assert_eq!(made["parameters"]["id"], "$response.body#/data/0/targetId");
        let listed = &machines["get"]["responses"]["200"]["links"]["to.vm.show"];
        assert_eq!(listed["parameters"]["id"], "$response.body#/data/0/id");
        let job = &document["paths"]["/v1/resource/jobs"]["get"]["responses"]["200"]["links"];
        let id = &job["to.job.cancel"]["parameters"]["id"];
        assert_eq!(id, "$response.body#/data/0/id");
        let keys = &document["paths"]["/admin/v1/tenants/{id}/keys"]["post"];
        let rotate = &keys["responses"]["201"]["links"]["to.key.rotate"]["parameters"];
        assert_eq!(rotate["id"], "$request.path.id");
        assert_eq!(rotate["keyId"], "$response.body#/data/id");
    }
}
