//! Bodies as clients get them wrong, and what they are told.

use super::*;
use api::{
    ErrorCode,
    admin::{FaultCreate, QuotaChange},
    job::JobPoll,
    machine::MachineCreate,
};

const DC: &str = "6f1c0e5e-0000-4000-8000-000000000001";

fn refused<T: DeserializeOwned + std::fmt::Debug>(body: &str) -> (String, String) {
    let error = parse::<T>(body.as_bytes()).expect_err(body);
    assert_eq!(error.code, ErrorCode::Validation, "{body}");
    for word in ["struct", "i64", "u64", "u8", "Option", "variant", "serde"] {
        assert!(!error.message.contains(word), "{}", error.message);
    }
    (error.details.field.unwrap_or_default(), error.message)
}

fn create(changed: &str) -> String {
    format!(r#"{{"name":"w","datacenterId":"{DC}","imageId":12,"configurationId":45{changed}}}"#)
}

#[test]
fn wrong_types_name_the_field_and_what_is_right() {
    let cases = [
        (r#","name":5"#, "name", "name: must be a string, not 5"),
        (
            r#","name":null"#,
            "name",
            "name: is missing; a string is right",
        ),
        (
            r#","name":["a"]"#,
            "name",
            "name: must be a string, not a list",
        ),
        (
            r#","imageId":"12""#,
            "imageId",
            "imageId: must be a whole number, not '12'",
        ),
        (
            r#","imageId":1.5"#,
            "imageId",
            "imageId: must be a whole number, not 1.5",
        ),
        (
            r#","imageId":true"#,
            "imageId",
            "imageId: must be a whole number, not true",
        ),
        (
            r#","imageId":99999999999999999999"#,
            "imageId",
            "imageId: must be a whole number, not 1e+20",
        ),
        (
            r#","imageId":9223372036854775808"#,
            "imageId",
            "imageId: 9223372036854775808 is out of range; a whole number is right",
        ),
        (
            r#","allocatePublicIp":"no""#,
            "allocatePublicIp",
            "allocatePublicIp: must be true or false, not 'no'",
        ),
        (
            r#","networkInterfaces":{}"#,
            "networkInterfaces",
            "networkInterfaces: must be a list, not an object",
        ),
    ];
    for (changed, field, message) in cases {
        let found = refused::<MachineCreate>(&create(changed));
        assert_eq!(found, (field.to_owned(), message.to_owned()));
    }
}

#[test]
fn a_missing_field_is_named() {
    let cases = [
        ("{}", "name", "a string"),
        (r#"{"name":"w"}"#, "datacenterId", "a string"),
        (
            r#"{"name":"w","datacenterId":"x"}"#,
            "imageId",
            "a whole number",
        ),
        (
            r#"{"name":"w","datacenterId":"x","imageId":12}"#,
            "configurationId",
            "a whole number",
        ),
    ];
    for (body, field, right) in cases {
        let found = refused::<MachineCreate>(body);
        let message = format!("{field}: is missing; {right} is right");
        assert_eq!(found, (field.to_owned(), message));
    }
}

#[test]
fn a_poll_names_job_ids_whatever_is_wrong() {
    let cases = [
        (
            "",
            "jobIds",
            "The body must be a JSON object with jobIds, not nothing",
        ),
        (
            "[]",
            "jobIds",
            "The body must be a JSON object with jobIds, not a list",
        ),
        (
            r#""x""#,
            "jobIds",
            "The body must be a JSON object with jobIds, not 'x'",
        ),
        (
            "null",
            "jobIds",
            "The body must be a JSON object with jobIds, not null",
        ),
        ("{}", "jobIds", "jobIds: is missing; a list is right"),
        (
            r#"{"jobIds":"x"}"#,
            "jobIds",
            "jobIds: must be a list, not 'x'",
        ),
        (
            r#"{"jobIds":null}"#,
            "jobIds",
            "jobIds: is missing; a list is right",
        ),
        (
            r#"{"jobIds":["a","b","c",4]}"#,
            "jobIds[3]",
            "jobIds[3]: must be a string, not 4",
        ),
        (
            r#"{"jobIds":[null]}"#,
            "jobIds[0]",
            "jobIds[0]: is missing; a string is right",
        ),
    ];
    for (body, field, message) in cases {
        let found = refused::<JobPoll>(body);
        assert_eq!(found, (field.to_owned(), message.to_owned()), "{body}");
    }
}

#[test]
fn what_is_no_json() {
    for (body, says) in [
        ("{", "not JSON: EOF while parsing an object at line 1"),
        (r#"{"a":1} x"#, "not JSON: trailing characters"),
        (r#"{"a":"\ud8"}"#, "not JSON"),
        (r#""\ud800""#, "half of a surrogate pair"),
        (r#"{'a':1}"#, "not JSON: key must be a string"),
        (r#"{"a":1e999}"#, "not JSON: number out of range"),
    ] {
        let (field, message) = refused::<MachineCreate>(body);
        assert_eq!(field, "");
        assert!(message.contains(says), "{message}");
    }
    let error = parse::<MachineCreate>(b"{\"name\":\"\xff\"}").expect_err("not UTF-8");
    assert!(
        error.message.contains("not UTF-8 at byte 9"),
        "{}",
        error.message
    );
}

#[test]
fn half_of_a_surrogate_pair_names_its_field() {
    let found = refused::<MachineCreate>(&create(r#","name":"a\udc00""#));
    let says = "name: holds half of a surrogate pair, which no text can";
    assert_eq!(found.0, "name");
    assert!(found.1.starts_with(says), "{}", found.1);
    let found = refused::<JobPoll>(r#"{"jobIds":["a","\ud800"]}"#);
    assert_eq!(found.0, "jobIds[1]");
}

#[test]
fn depth_counts_lists_and_objects_and_respects_strings() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(!is_deeper_than(nested(32).as_bytes(), 32));
    assert!(is_deeper_than(nested(33).as_bytes(), 32));
    assert!(!is_deeper_than(
        format!("[{}]", "[],".repeat(99)).as_bytes(),
        32
    ));
    let brackets = "[".repeat(99);
    assert!(!is_deeper_than(
        format!(r#"{{"a":"{brackets}"}}"#).as_bytes(),
        32
    ));
    assert!(!is_deeper_than(
        format!(r#"{{"a":"\"{brackets}"}}"#).as_bytes(),
        32
    ));
    assert!(is_deeper_than(
        format!(r#"{{"a":"\\",{brackets}"#).as_bytes(),
        32
    ));
    let million = "[".repeat(1_000_000);
    assert!(refused::<MachineCreate>(&million).1.contains("32 levels"));
}

#[test]
fn unknown_fields_are_ignored_and_the_last_of_two_counts() {
    let body = create(r#","other":{"a":[1]},"name":"second","numberOfInstances":null"#);
    let read: MachineCreate = parse(body.as_bytes()).unwrap();
    assert_eq!(read.name, "second");
    assert_eq!(read.number_of_instances, None);
}

#[test]
fn names_of_a_closed_set_are_listed() {
    let found = refused::<FaultCreate>(r#"{"operation":"*","kind":"fall"}"#);
    let message = "kind: there is no 'fall'; right is: fail, stall, slow, http, drop";
    assert_eq!(found, ("kind".to_owned(), message.to_owned()));
    let found = refused::<FaultCreate>(r#"{"operation":"*","kind":3}"#);
    assert_eq!(found.0, "kind");
    let found = refused::<FaultCreate>(r#"{"operation":"*","kind":"fail","tenantId":"abc"}"#);
    let message = "tenantId: must be a UUID, not 'abc'";
    assert_eq!(found, ("tenantId".to_owned(), message.to_owned()));
}

#[test]
fn a_quota_may_be_null_and_never_negative() {
    let change: QuotaChange = parse(br#"{"vcpus":null,"memoryGb":0}"#).unwrap();
    assert_eq!(
        (change.vcpus, change.memory_gb),
        (Some(None), Some(Some(0)))
    );
    assert_eq!(change.volumes, None);
    let found = refused::<QuotaChange>(r#"{"vcpus":-1}"#);
    let message = "vcpus: -1 is out of range; a whole number of at least 0 is right";
    assert_eq!(found, ("vcpus".to_owned(), message.to_owned()));
    let (field, message) = refused::<QuotaChange>("[]");
    assert_eq!(
        (field.as_str(), message.as_str()),
        ("", "The body must be a JSON object, not a list")
    );
}
