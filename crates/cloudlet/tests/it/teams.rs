//! Teams: made, moved, listed and deleted; never another tenant's.

use crate::cloud::{Answer, NOTHING, TestCloud, send};
use reqwest::Method;
use serde_json::{Value, json};

const TEAMS: &str = "/v1/teams";

async fn make(cloud: &TestCloud, body: Value) -> i64 {
    let made = cloud.post(TEAMS, body).await;
    assert_eq!(made.status, 201, "{}", made.json);
    made.json["data"]["teamId"].as_i64().expect("a number")
}

fn names(list: &Answer) -> Vec<&str> {
    let rows = list.json["data"].as_array().expect("rows");
    let names = rows.iter().map(|row| row["name"].as_str().unwrap());
    names.collect()
}

/// A request of the other tenant.
async fn other(cloud: &TestCloud, method: Method, path: &str, body: Value) -> Answer {
    let request = cloud.anonymous(method, path).json(&body);
    send(request.header("X-API-Key", &cloud.other_key)).await
}

#[tokio::test]
async fn a_team_from_its_making_to_its_end() {
    let cloud = TestCloud::start().await;
    let top = make(&cloud, json!({"name": "top"})).await;
    let below = make(&cloud, json!({"name": "below", "parentTeamId": top})).await;
    assert!(0 < top && top < below, "{top} {below}");
    let (top_path, below_path) = (format!("{TEAMS}/{top}"), format!("{TEAMS}/{below}"));
    let shown = cloud.get(&below_path).await;
    let data = &shown.json["data"];
    for (field, value) in [
        ("id", json!(below)),
        ("name", json!("below")),
        ("parentTeamId", json!(top)),
        ("entityId", json!(cloud.tenant_id().await)),
        ("members", json!([])),
        ("updatedAt", data["createdAt"].clone()),
    ] {
        assert_eq!(data[field], value, "{field}");
    }
    assert_eq!(shown.json["meta"]["total"], 0, "of the members");
    let root = cloud.get(&top_path).await.json["data"].clone();
    assert_eq!(root.get("parentTeamId"), Some(&Value::Null));

    let renamed = cloud
        .put(&below_path, json!({"name": "low", "parentTeamId": null}))
        .await;
    let data = &renamed.json["data"];
    assert_eq!(
        (renamed.status, &data["name"], &data["parentTeamId"]),
        (200, &json!("low"), &json!(top))
    );
    cloud
        .put(&top_path, json!({"parentTeamId": below}))
        .await
        .names("parentTeamId");
    cloud
        .put(&top_path, json!({"parentTeamId": top}))
        .await
        .names("parentTeamId");
    let refused = cloud.delete(&top_path).await;
    refused.is_error(409, "INVALID_STATE");
    let message = refused.json["message"].as_str().unwrap();
    assert!(message.contains(&format!("low ({below})")), "{message}");
    let moved = cloud.put(&below_path, json!({"parentTeamId": 0})).await;
    assert_eq!(moved.json["data"]["parentTeamId"], Value::Null);
    assert_eq!(moved.json["data"]["name"], "low");

    let gone = cloud.delete(&top_path).await;
    assert_eq!((gone.status, &gone.json), (204, &Value::Null));
    for answer in [
        cloud.get(&top_path).await,
        cloud.delete(&top_path).await,
        cloud.put(&top_path, json!({"name": "x"})).await,
    ] {
        answer.is_error(404, "NOT_FOUND");
    }
    assert_eq!(cloud.delete(&below_path).await.status, 204);
    assert!(
        make(&cloud, json!({"name": "new"})).await > below,
        "no id is given twice"
    );
}

#[tokio::test]
async fn several_are_deleted_together_or_not_at_all() {
    let cloud = TestCloud::start().await;
    let bulk = format!("{TEAMS}/bulk/delete");
    let top = make(&cloud, json!({"name": "top"})).await;
    let mid = make(&cloud, json!({"name": "mid", "parentTeamId": top})).await;
    let low = make(&cloud, json!({"name": "low", "parentTeamId": mid})).await;
    let delete = |ids: Value| cloud.post(&bulk, json!({ "ids": ids }));
    delete(json!([top, mid]))
        .await
        .is_error(409, "INVALID_STATE");
    delete(json!([low, 999_999]))
        .await
        .is_error(404, "NOT_FOUND");
    delete(json!([low, -1])).await.is_error(404, "NOT_FOUND");
    let theirs = other(&cloud, Method::POST, TEAMS, json!({"name": "theirs"})).await;
    let theirs = &theirs.json["data"]["teamId"];
    delete(json!([low, theirs]))
        .await
        .is_error(404, "NOT_FOUND");
    assert_eq!(
        cloud.get(TEAMS).await.json["meta"]["total"],
        3,
        "all are there"
    );
    for (ids, field) in [
        (json!(null), "ids"),
        (json!([]), "ids"),
        (json!((1..=51).collect::<Vec<_>>()), "ids"),
        (json!(7), "ids"),
        (json!(["1"]), "ids[0]"),
        (json!([1, 1.5]), "ids[1]"),
        (json!([null]), "ids[0]"),
    ] {
        let answer = delete(ids.clone()).await;
        answer.is_error(400, "VALIDATION_ERROR");
        assert_eq!(answer.field(), field, "{ids} {}", answer.json);
    }
    cloud.post(&bulk, json!({})).await.names("ids");
    let gone = delete(json!([top, low, mid, low])).await;
    assert_eq!((gone.status, &gone.json), (204, &Value::Null));
    assert_eq!(cloud.get(TEAMS).await.json["meta"]["total"], 0);
    let left = other(&cloud, Method::GET, TEAMS, json!({})).await;
    assert_eq!(names(&left), ["theirs"]);
}

#[tokio::test]
async fn another_tenants_team_is_like_one_that_never_was() {
    let cloud = TestCloud::start().await;
    let mine = make(&cloud, json!({"name": "mine"})).await;
    for (method, body) in [
        (Method::GET, json!({})),
        (Method::PUT, json!({"name": "stolen"})),
        (Method::DELETE, json!({})),
    ] {
        let mut answers = Vec::new();
        for id in [
            mine.to_string(),
            "999999".into(),
            NOTHING.into(),
            "+1".into(),
            "x".into(),
        ] {
            let path = format!("{TEAMS}/{id}");
            let answer = other(&cloud, method.clone(), &path, body.clone()).await;
            answer.is_error(404, "NOT_FOUND");
            answers.push(answer.json);
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:?}");
    }
    // Nor is it a parent.
    for parent in [mine, 999_999, -1] {
        let body = json!({"name": "x", "parentTeamId": parent});
        let answer = other(&cloud, Method::POST, TEAMS, body).await;
        answer.names("parentTeamId");
        let message = answer.json["message"].as_str().unwrap();
        assert!(message.contains(&format!("no team {parent};")), "{message}");
    }
    assert_eq!(names(&cloud.get(TEAMS).await), ["mine"]);
}

#[tokio::test]
async fn bodies_that_are_wrong_name_their_field() {
    let cloud = TestCloud::start().await;
    let id = make(&cloud, json!({"name": "🦀"})).await;
    let one = format!("{TEAMS}/{id}");
    let long = "x".repeat(64);
    for name in [
        json!(7),
        json!([]),
        json!(""),
        json!(long),
        json!("x "),
        json!("a\nb"),
        json!("\u{2029}"),
    ] {
        cloud.post(TEAMS, json!({"name": name})).await.names("name");
        cloud.put(&one, json!({"name": name})).await.names("name");
    }
    cloud.post(TEAMS, json!({})).await.names("name");
    cloud.post(TEAMS, json!({"name": null})).await.names("name");
    for parent in [
        json!("1"),
        json!(1.5),
        json!({}),
        json!(true),
        json!(u64::MAX),
        json!("🦀"),
    ] {
        let body = json!({"name": "x", "parentTeamId": parent});
        cloud.post(TEAMS, body.clone()).await.names("parentTeamId");
        cloud.put(&one, body).await.names("parentTeamId");
    }
    assert_eq!(
        names(&cloud.get(TEAMS).await),
        ["🦀"],
        "nothing was written"
    );
    let unchanged = cloud.put(&one, json!({})).await;
    assert_eq!(
        (unchanged.status, &unchanged.json["data"]["name"]),
        (200, &json!("🦀"))
    );
}

#[tokio::test]
async fn lists_are_sorted_searched_and_paged() {
    let cloud = TestCloud::start().await;
    for name in ["b_1", "a", "B%1", "c", "a"] {
        make(&cloud, json!({"name": name})).await;
    }
    let tenant = cloud.tenant_id().await;
    let (own, foreign) = (
        format!("?filter[entityId]={tenant}&search=c"),
        format!("?entityId={NOTHING}"),
    );
    for (query, expected) in [
        ("", vec!["a", "a", "B%1", "b_1", "c"]),
        ("?sort=name:desc", vec!["c", "b_1", "B%1", "a", "a"]),
        ("?sort=createdAt:asc", vec!["b_1", "a", "B%1", "c", "a"]),
        ("?sort=updatedAt:desc,name:asc&limit=1", vec!["a"]),
        ("?search=_", vec!["b_1"]),
        ("?search=B", vec!["B%1", "b_1"]),
        ("?page=3&limit=2", vec!["c"]),
        (&own, vec!["c"]),
        (&foreign, vec![]),
    ] {
        let list = cloud.get(&format!("{TEAMS}{query}")).await;
        assert_eq!(names(&list), expected, "{query} {}", list.json);
    }
    for (query, field) in [
        ("sort=entityId:asc", "sort"),
        ("sort=name:up", "sort"),
        ("page=0", "page"),
        ("entityId=x", "entityId"),
        ("filter[entityId]=1", "entityId"),
    ] {
        cloud.get(&format!("{TEAMS}?{query}")).await.names(field);
    }
    let body = TestCloud::machine("web");
    assert_eq!(
        cloud
            .post("/v1/resource/virtual-machines", body)
            .await
            .status,
        202
    );
    let meta = cloud.get(&format!("{TEAMS}?limit=2")).await.json["meta"].clone();
    let expected = json!({"total": 5, "page": 1, "pageSize": 2, "totalPages": 3, "hasNextPage": true,
        "hasPreviousPage": false, "unassignedUsers": 0, "unassignedVMs": 1});
    assert_eq!(meta, expected);
}
