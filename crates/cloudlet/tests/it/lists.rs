//! Lists of machines, volumes, networks and GPU machines: sorted, searched, filtered, in pages; and only
//! one's own.

use crate::cloud::{Answer, JOBS, LAB_A, MACHINES, NOTHING, TestCloud, send};
use reqwest::Method;
use serde_json::{Value, json};

const LAB_B: &str = "6f1c0e5e-0000-4000-8000-000000000002";
const VOLUMES: &str = "/v1/resource/volumes";
const NETWORKS: &str = "/v1/resource/networks";
const GPUS: &str = "/v1/resource/gpu";
const TEAMS: &str = "/v1/teams";
const KINDS: [&str; 4] = [MACHINES, VOLUMES, NETWORKS, GPUS];

/// Makes something and waits for it; the ids of what was made.
pub(crate) async fn make(cloud: &TestCloud, path: &str, body: Value) -> Vec<String> {
    let accepted = cloud.post(path, body).await;
    assert_eq!(accepted.status, 202, "{}", accepted.json);
    ended(cloud, &accepted).await
}

/// Waits until the jobs of a 202 have completed; the ids of what they are about.
pub(crate) async fn ended(cloud: &TestCloud, accepted: &Answer) -> Vec<String> {
    let data = &accepted.json["data"];
    let jobs = data.as_array().cloned().unwrap_or(vec![data.clone()]);
    let of = |name: &str| -> Vec<String> {
        let ids = jobs
            .iter()
            .map(|job| job[name].as_str().unwrap().to_owned());
        ids.collect()
    };
    loop {
        let body = json!({"jobIds": of("id"), "waitSeconds": 10});
        let polled = cloud.post(JOBS, body).await.json;
        let jobs = polled["data"]["jobs"].as_array().unwrap();
        assert!(jobs.iter().all(|job| job["hasFailed"] == false), "{polled}");
        if jobs.iter().all(|job| job["isCompleted"] == true) {
            return of("targetId");
        }
    }
}

/// The names of a list that was asked for so.
async fn names(cloud: &TestCloud, path: &str, query: &str) -> Vec<String> {
    let answer = cloud.get(&format!("{path}?{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.json);
    let rows = answer.json["data"].as_array().unwrap();
    let names = rows
        .iter()
        .map(|row| row["name"].as_str().unwrap().to_owned());
    names.collect()
}

/// That each query finds these names, in any order where it asks for none.
async fn finds(cloud: &TestCloud, path: &str, queries: &[(&str, &[&str])]) {
    for (query, expected) in queries {
        let mut found = names(cloud, path, query).await;
        let mut expected = expected.to_vec();
        if !query.contains("sort=") {
            found.sort();
            expected.sort();
        }
        assert_eq!(found, expected, "{path}?{query}");
    }
}

/// Three machines in two data centres, the first of them off and with a public address.
async fn three_machines(cloud: &TestCloud) {
    let mut body = TestCloud::machine("web-1");
    body["allocatePublicIp"] = json!(true);
    let first = make(cloud, MACHINES, body).await.remove(0);
    let body =
        json!({"name": "Web_2", "datacenterId": LAB_B, "imageId": 11, "configurationId": 46});
    make(cloud, MACHINES, body).await;
    let body = json!({"name": "db%3", "datacenterId": LAB_A, "imageId": 12, "configurationId": 44});
    make(cloud, MACHINES, body).await;
    let stop = format!("{MACHINES}/{first}/stop");
    assert_eq!(cloud.post(&stop, json!({})).await.status, 200);
}

#[tokio::test]
async fn machines_sorted_searched_and_filtered() {
    let cloud = TestCloud::start().await;
    three_machines(&cloud).await;
    let row = cloud.get(&format!("{MACHINES}?search=web-1")).await.json["data"][0].clone();
    let (private, public) = (&row["primaryPrivateIp"], &row["primaryPublicIp"]);
    let (private, public) = (private.as_str().unwrap(), public.as_str().unwrap());
    let by_private = format!("search={private}");
    let by_public = format!("search={}", &public[..public.len() - 1]);
    let others = format!("datacenterId={LAB_B}&filter%5BdatacenterId%5D={NOTHING}");
    let (all, web) = (&["web-1", "Web_2", "db%3"][..], &["web-1", "Web_2"][..]);
    finds(
        &cloud,
        MACHINES,
        &[
            ("", all),
            ("sort=name:asc", &["db%3", "web-1", "Web_2"]),
            ("sort=createdAt:asc", all),
            ("sort=createdAt:desc", &["db%3", "Web_2", "web-1"]),
            ("sort=updatedAt:desc", &["web-1", "db%3", "Web_2"]),
            ("sort=configuration:desc", &["Web_2", "web-1", "db%3"]),
            ("sort=region:desc,name:desc", &["web-1", "db%3", "Web_2"]),
            (
                "sort=datacenter:asc,createdAt:desc",
                &["db%3", "web-1", "Web_2"],
            ),
            ("sort=name:desc&limit=1&page=2", &["web-1"]),
            ("search=WEB", web),
            ("search=b_", &["Web_2"]),
            ("search=%25", &["db%3"]),
            ("search=db&search=web-", &["web-1", "db%3"]),
            (&by_private, &["web-1"]),
            (&by_public, &["web-1"]),
            ("search=nothing", &[]),
            ("status=Running", &["Web_2", "db%3"]),
            ("filter[status]=shutoff", &["web-1"]),
            ("status=Running&status=Shutoff&sort=createdAt:asc", all),
            ("status=Stopping", &[]),
            ("regionId=3", &["web-1", "db%3"]),
            ("filter[regionId]=4", &["Web_2"]),
            ("regionId=99", &[]),
            (&others, &["Web_2"]),
            ("configurationId=44&configurationId=46", &["Web_2", "db%3"]),
            ("imageName=debian%2012.x", &["web-1", "db%3"]),
            ("filter[imageName]=Debian", &[]),
            ("imageName=Debian%2012.x&status=Running", &["db%3"]),
            ("status=&sort=&search=", &["db%3", "Web_2", "web-1"]),
            ("teamId=0", all),
            ("teamId=1", &[]),
            ("colour=red", all),
        ],
    )
    .await;
    let meta = cloud
        .get(&format!("{MACHINES}?search=web&limit=1"))
        .await
        .json["meta"]
        .clone();
    assert_eq!(
        (&meta["total"], &meta["totalPages"]),
        (&json!(2), &json!(2))
    );
}

#[tokio::test]
async fn volumes_searched_and_filtered() {
    let cloud = TestCloud::start().await;
    let machine = make(&cloud, MACHINES, TestCloud::machine("web"))
        .await
        .remove(0);
    let volume = |name: &str, data_center: &str, size: (u32, u32)| {
        json!({"name": name, "datacenterId": data_center, "volumeTypeId": 1,
            "volumeSizeId": size.0, "sizeGb": size.1})
    };
    let data = make(&cloud, VOLUMES, volume("data", LAB_A, (11, 100)))
        .await
        .remove(0);
    make(&cloud, VOLUMES, volume("Backup", LAB_A, (12, 256))).await;
    make(&cloud, VOLUMES, volume("far", LAB_B, (11, 100))).await;
    let body = json!({ "virtualMachineId": machine });
    let attached = cloud.put(&format!("{VOLUMES}/{data}/attach"), body).await;
    ended(&cloud, &attached).await;

    let on = format!("filter[virtualMachineId]={machine}");
    finds(
        &cloud,
        VOLUMES,
        &[
            ("", &["far", "Backup", "data"]),
            ("sort=name:asc", &["Backup", "data", "far"]),
            ("sort=sizeGb:desc,name:asc", &["Backup", "data", "far"]),
            ("sort=datacenter:desc,name:desc", &["far", "data", "Backup"]),
            ("search=A", &["data", "Backup", "far"]),
            ("search=back", &["Backup"]),
            (&on, &["data"]),
            (&format!("virtualMachineId={NOTHING}"), &[]),
            ("status=InUse", &["data"]),
            ("status=available", &["Backup", "far"]),
            ("regionId=4", &["far"]),
            (&format!("datacenterId={LAB_A}"), &["data", "Backup"]),
            ("volumeTypeId=1", &["data", "Backup", "far"]),
            ("volumeTypeId=2", &[]),
            ("volumeSizeId=12", &["Backup"]),
            ("sizeGb=100", &["data", "far"]),
            ("sizeGb=100&sizeGb=256&regionId=3", &["data", "Backup"]),
            ("sizeGb=10", &[]),
            ("teamId=0", &["data", "Backup", "far"]),
        ],
    )
    .await;
    let found = cloud.get(&format!("{VOLUMES}?search=data")).await.json;
    assert_eq!(
        found["data"][0]["virtualMachineName"], "web",
        "as without a search"
    );
}

#[tokio::test]
async fn networks_searched_and_filtered() {
    let cloud = TestCloud::start().await;
    let lan = json!({"name": "lan", "datacenterId": LAB_A, "networkType": "standard",
        "cidrBlock": "10.7.0.0/24"});
    let lan = make(&cloud, NETWORKS, lan).await.remove(0);
    let wire = json!({"name": "Wire", "datacenterId": LAB_B, "networkType": "custom"});
    make(&cloud, NETWORKS, wire).await;
    let mut body = TestCloud::machine("web");
    body["networkInterfaces"] = json!([{"networkId": lan, "primary": true}]);
    make(&cloud, MACHINES, body).await;
    finds(
        &cloud,
        NETWORKS,
        &[
            ("", &["lan", "Wire"]),
            ("sort=name:desc", &["Wire", "lan"]),
            ("search=10.7.", &["lan"]),
            ("search=WIRE", &["Wire"]),
            ("networkType=custom", &["Wire"]),
            ("filter[networkType]=standard&regionId=3", &["lan"]),
            ("regionId=4", &["Wire"]),
            (&format!("datacenterId={LAB_A}"), &["lan"]),
        ],
    )
    .await;
    let found = cloud.get(&format!("{NETWORKS}?search=lan")).await.json;
    assert_eq!(found["data"][0]["connectedVms"], "1", "as without a search");
}

#[tokio::test]
async fn gpu_machines_searched_and_filtered() {
    let cloud = TestCloud::start().await;
    for (name, count) in [("train", 2), ("Infer", 1)] {
        let body = json!({"name": name, "datacenterId": LAB_A, "seriesId": 1, "gpuCount": count});
        make(&cloud, GPUS, body).await;
    }
    finds(
        &cloud,
        GPUS,
        &[
            ("sort=name:asc", &["Infer", "train"]),
            ("sort=configuration:desc", &["train", "Infer"]),
            ("search=R", &["train", "Infer"]),
            ("search=TRAIN", &["train"]),
            ("status=Running&regionId=3", &["train", "Infer"]),
            (&format!("datacenterId={LAB_B}"), &[]),
            ("teamId=0", &["train", "Infer"]),
        ],
    )
    .await;
    assert_eq!(
        names(&cloud, MACHINES, "search=train").await,
        [""; 0],
        "no machine of that list"
    );
}

#[tokio::test]
async fn pages_put_together_are_the_list_with_and_without_an_order() {
    let cloud = TestCloud::start().await;
    let mut body = TestCloud::machine("same");
    body["numberOfInstances"] = json!(7);
    make(&cloud, MACHINES, body).await;
    for query in [
        "",
        "sort=createdAt:desc",
        "sort=configuration:asc",
        "sort=region:desc",
        "search=same",
        "regionId=3&sort=datacenter:asc",
    ] {
        let whole = names(&cloud, MACHINES, &format!("{query}&limit=100")).await;
        assert_eq!(whole.len(), 7, "{query}");
        let mut paged = Vec::new();
        for page in 1..=4 {
            let page = format!("{query}&limit=2&page={page}");
            paged.extend(names(&cloud, MACHINES, &page).await);
        }
        assert_eq!(paged, whole, "{query}");
    }
    let newest = names(&cloud, MACHINES, "").await;
    assert_eq!(newest, names(&cloud, MACHINES, "sort=createdAt:desc").await);
    assert_eq!(newest[0], "same-7");
}

#[tokio::test]
async fn what_no_list_could_have_is_refused_by_name() {
    let cloud = TestCloud::start().await;
    for path in KINDS {
        for (query, field) in [
            ("sort=colour:asc", "sort"),
            ("sort=name", "sort"),
            ("sort=name:asc&sort=name:desc", "sort"),
            ("page=0", "page"),
            ("limit=101", "limit"),
            ("regionId=east", "regionId"),
            ("filter[regionId]=3.0", "regionId"),
            ("datacenterId=LabA", "datacenterId"),
            ("datacenterId=3", "datacenterId"),
        ] {
            cloud.get(&format!("{path}?{query}")).await.names(field);
        }
    }
    for (path, query, field) in [
        (MACHINES, "teamId=x", "teamId"),
        (MACHINES, "status=Dreaming", "status"),
        (MACHINES, "status=Running&status=Run", "status"),
        (VOLUMES, "filter[status]=Running", "status"),
        (NETWORKS, "networkType=plain", "networkType"),
        (MACHINES, "configurationId=Small", "configurationId"),
        (VOLUMES, "filter[virtualMachineId]=web", "virtualMachineId"),
        (VOLUMES, "sizeGb=1e2", "sizeGb"),
        (VOLUMES, "volumeTypeId=SSD", "volumeTypeId"),
        (VOLUMES, "volumeSizeId=+1", "volumeSizeId"),
        (GPUS, "teamId=1&teamId=x", "teamId"),
    ] {
        let query = query.replace('+', "%2B");
        cloud.get(&format!("{path}?{query}")).await.names(field);
    }
}

#[tokio::test]
async fn nobody_finds_what_belongs_to_another() {
    let cloud = TestCloud::start().await;
    make(&cloud, MACHINES, TestCloud::machine("mine")).await;
    for query in ["", "search=mine", "sort=name:asc", "regionId=3", "status"] {
        for path in KINDS {
            let query = match (query, path) {
                ("status", VOLUMES) => "status=Available",
                ("status", NETWORKS) => "networkType=standard",
                ("status", _) => "status=Running",
                _ => query,
            };
            let request = cloud.anonymous(Method::GET, &format!("{path}?{query}"));
            let theirs = send(request.header("X-API-Key", &cloud.other_key)).await;
            assert_eq!(theirs.json["data"], json!([]), "{path}?{query}");
            assert_eq!(theirs.json["meta"]["total"], 0);
        }
    }
}

/// A new team of the default tenant.
async fn team(cloud: &TestCloud, name: &str) -> i64 {
    let made = cloud.post(TEAMS, json!({ "name": name })).await;
    made.json["data"]["teamId"].as_i64().expect("a number")
}

/// A machine, a GPU machine and a volume that are to be in a team.
fn in_team(name: &str, team: Value) -> [(&'static str, Value); 3] {
    let mut machine = TestCloud::machine(name);
    machine["teamId"] = team.clone();
    let gpu =
        json!({"name": name, "datacenterId": LAB_A, "seriesId": 1, "gpuCount": 1, "teamId": team});
    let volume = json!({"name": name, "datacenterId": LAB_A, "volumeTypeId": 1,
        "volumeSizeId": 11, "sizeGb": 100, "teamId": team});
    [(MACHINES, machine), (GPUS, gpu), (VOLUMES, volume)]
}

#[tokio::test]
async fn what_is_in_a_team_says_so_and_is_found_by_it() {
    let cloud = TestCloud::start().await;
    let (red, blue) = (team(&cloud, "red").await, team(&cloud, "blue").await);
    for (path, body) in in_team("red", json!(red)) {
        let id = make(&cloud, path, body).await.remove(0);
        let shown = cloud.get(&format!("{path}/{id}")).await;
        assert_eq!(shown.json["data"]["teamId"], json!(red), "{path}");
        let row = cloud.get(path).await.json["data"][0].clone();
        assert_eq!(row["teamId"], json!(red), "{path}");
    }
    for (index, none) in [json!(null), json!(0)].into_iter().enumerate() {
        for (path, body) in in_team(&format!("none-{index}"), none) {
            make(&cloud, path, body).await;
        }
    }
    for (path, _) in in_team("", json!(0)) {
        let of_red = format!("filter[teamId]={red}");
        finds(
            &cloud,
            path,
            &[
                (&of_red, &["red"]),
                ("teamId=0", &["none-0", "none-1"]),
                (
                    &format!("teamId={red}&teamId=0"),
                    &["red", "none-0", "none-1"],
                ),
                (&format!("teamId={blue}"), &[]),
            ],
        )
        .await;
        let row = cloud.get(&format!("{path}?search=none-0")).await.json["data"][0].clone();
        assert_eq!(row.get("teamId"), Some(&json!(null)), "{path}");
    }
    let meta = cloud.get(TEAMS).await.json["meta"].clone();
    assert_eq!(meta["unassignedVMs"], 2, "GPU machines are none of them");
}

/// One that never was, another tenant's, and one that is gone are refused alike.
#[tokio::test]
async fn only_ones_own_team_can_be_named() {
    let cloud = TestCloud::start().await;
    let request = cloud
        .anonymous(Method::POST, TEAMS)
        .json(&json!({"name": "theirs"}));
    let theirs = send(request.header("X-API-Key", &cloud.other_key)).await;
    let theirs = theirs.json["data"]["teamId"].clone();
    let gone = team(&cloud, "gone").await;
    assert_eq!(cloud.delete(&format!("{TEAMS}/{gone}")).await.status, 204);
    for (index, wrong) in [theirs, json!(gone), json!(999), json!(-1)]
        .iter()
        .enumerate()
    {
        for (path, body) in in_team("web", wrong.clone()) {
            let refused = cloud.post(path, body).await;
            refused.names("teamId");
            let text = refused.json["message"].as_str().unwrap();
            let expected = format!(
                "teamId: there is no team {wrong}; the id of a team, or 0 for none, is right"
            );
            assert_eq!(text, expected, "{index}");
        }
    }
    for path in KINDS {
        assert_eq!(cloud.get(path).await.json["meta"]["total"], 0, "{path}");
    }
}

#[tokio::test]
async fn a_team_stays_while_something_is_in_it() {
    let cloud = TestCloud::start().await;
    let (red, blue) = (team(&cloud, "red").await, team(&cloud, "blue").await);
    let mut made = Vec::new();
    for (path, mut body) in in_team("web", json!(red)) {
        if path == MACHINES {
            body["numberOfInstances"] = json!(2);
        }
        let ids = make(&cloud, path, body).await;
        made.extend(ids.into_iter().map(|id| format!("{path}/{id}")));
    }
    let bulk = json!({ "ids": [red, blue] });
    for refused in [
        cloud.delete(&format!("{TEAMS}/{red}")).await,
        cloud.post(&format!("{TEAMS}/bulk/delete"), bulk).await,
    ] {
        refused.is_error(409, "INVALID_STATE");
        let expected = format!(
            "In team red ({red}) there are still: 2 virtual machines, 1 GPU machine, 1 volume; \
             delete them first"
        );
        assert_eq!(refused.json["message"], expected);
    }
    assert_eq!(cloud.delete(&format!("{TEAMS}/{blue}")).await.status, 204);
    // A create that fails is not in it, nor is what was deleted.
    let mut body = TestCloud::machine("small");
    (body["imageId"], body["configurationId"]) = (json!(15), json!(44));
    body["teamId"] = json!(red);
    let failed = cloud.post(MACHINES, body).await;
    let poll = json!({"jobIds": [failed.json["data"][0]["id"]], "waitSeconds": 10});
    while cloud.post(JOBS, poll.clone()).await.json["data"]["jobs"][0]["hasFailed"] == false {}
    for path in &made {
        ended(&cloud, &cloud.delete(path).await).await;
    }
    assert_eq!(cloud.delete(&format!("{TEAMS}/{red}")).await.status, 204);
}

#[tokio::test]
async fn a_host_says_who_holds_how_much_of_it() {
    let cloud = TestCloud::start().await;
    let mut body = TestCloud::machine("web");
    (body["allocatePublicIp"], body["numberOfInstances"]) = (json!(true), json!(2));
    make(&cloud, MACHINES, body).await;
    for (path, body) in in_team("one", json!(0)) {
        make(&cloud, path, body).await;
    }
    let mut theirs = TestCloud::machine("theirs");
    theirs["allocatePublicIp"] = json!(true);
    let request = cloud.anonymous(Method::POST, MACHINES).json(&theirs);
    let accepted = send(request.header("X-API-Key", &cloud.other_key)).await;
    let poll = json!({"jobIds": [accepted.json["data"][0]["id"]], "waitSeconds": 10});
    loop {
        let request = cloud.anonymous(Method::POST, JOBS).json(&poll);
        let polled = send(request.header("X-API-Key", &cloud.other_key)).await;
        if polled.json["data"]["jobs"][0]["isCompleted"] == true {
            break;
        }
    }
    let hosts = cloud.admin(Method::GET, "/admin/v1/hosts", json!({})).await;
    let host = &hosts.json["data"][0];
    let tenant = cloud.tenant_id().await;
    let tenants = host["tenants"].as_array().unwrap();
    assert_eq!(tenants.len(), 2, "{host}");
    let (mine, theirs) = match &tenants[..] {
        [one, other] if one["tenantId"] == json!(tenant) => (one, other),
        [other, one] => (one, other),
        _ => unreachable!("there are two"),
    };
    // Small: 2 cores, 4 GB, 40 GB; one H100: 16 cores, 128 GB, 500 GB; a volume of 100 GB.
    for (name, of_mine, of_theirs) in [
        ("vcpus", 3 * 2 + 16, 2),
        ("memoryGb", 3 * 4 + 128, 4),
        ("diskGb", 3 * 40 + 500 + 100, 40),
        ("publicIps", 2, 1),
        ("gpus", 1, 0),
    ] {
        assert_eq!(
            (&mine[name], &theirs[name]),
            (&json!(of_mine), &json!(of_theirs)),
            "{name}"
        );
        assert_eq!(
            host["room"][name]["used"],
            json!(of_mine + of_theirs),
            "{name}"
        );
    }
    let ips = &host["room"]["publicIps"];
    assert_eq!(
        (&ips["limit"], &host["room"]["gpus"]["limit"]),
        (&json!(64), &json!(8))
    );
    let empty = &hosts.json["data"][1];
    assert_eq!(
        (&empty["tenants"], &empty["room"]["vcpus"]["used"]),
        (&json!([]), &json!(0))
    );
}
