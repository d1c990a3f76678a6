//! What a fault may be asked to be: which fields go with which kind, and which operations it can name.

use crate::http::{
    error::ApiError,
    json,
    limits::{FAULT_DELAY_LIMIT, FAULT_FACTOR_LIMIT},
    operations::Operations,
    strikes,
};
use api::{
    ErrorCode,
    admin::{FaultCreate, FaultKind},
};
use model::{Operation, render};
use std::collections::BTreeSet;

/// What stands for every operation.
const ANY: &str = "*";
/// The progress of a job that is all but done.
const MOST_PERCENT: u8 = 99;
/// What a field of faults of jobs says where the fault strikes requests.
const FOR_JOBS: &str = "fail, stall, and slow without delaySeconds, which strike jobs";

/// Whether such a fault can be placed.
pub(super) fn check(fault: &FaultCreate, requests: &Operations) -> Result<(), ApiError> {
    let strikes_requests = fault.strikes_requests();
    let operations = match strikes_requests {
        true => {
            check_request(&fault.operation, requests)?;
            Vec::new()
        }
        false => jobs(&fault.operation, requests)?,
    };
    check_fields(fault)?;
    if let Some(phase) = &fault.at_phase {
        check_phase(phase, &operations)?;
    }
    if fault
        .at_percent
        .is_some_and(|percent| percent > MOST_PERCENT)
    {
        let text = format!(
            "must be a whole number from 0 to {MOST_PERCENT}; {MOST_PERCENT} is the most that a job \
             under way shows"
        );
        return Err(ApiError::field("atPercent", &text));
    }
    if let Some(error) = &fault.error
        && render::line(error).is_empty()
    {
        let text = "says nothing; what fails says why. Leave it out for a text of ours";
        return Err(ApiError::field("error", text));
    }
    if fault.times == Some(0) {
        let text = "must be at least 1; leave it out for once";
        return Err(ApiError::field("times", text));
    }
    let chance = fault.probability.unwrap_or(1.0);
    if !(0.0..=1.0).contains(&chance) {
        let text = "must be a number from 0 to 1";
        return Err(ApiError::field("probability", text));
    }
    check_numbers(fault)
}

/// That each field goes with the kind, so that none is passed over in silence.
fn check_fields(fault: &FaultCreate) -> Result<(), ApiError> {
    use FaultKind::{Drop, Fail, Http, Slow, Stall};
    let strikes_jobs = !fault.strikes_requests();
    let kind = fault.kind;
    let ends = matches!(kind, Fail | Stall);
    for (field, is_given, goes, with) in [
        ("atPhase", fault.at_phase.is_some(), strikes_jobs, FOR_JOBS),
        (
            "atPercent",
            fault.at_percent.is_some(),
            strikes_jobs,
            FOR_JOBS,
        ),
        (
            "factor",
            fault.factor.is_some(),
            strikes_jobs && kind == Slow,
            "slow without delaySeconds, which strikes jobs",
        ),
        ("status", fault.status.is_some(), kind == Http, "http"),
        (
            "delaySeconds",
            fault.delay_seconds.is_some(),
            kind == Slow,
            "slow",
        ),
        (
            "error",
            fault.error.is_some(),
            ends || kind == Http,
            "fail and http",
        ),
        ("errorCode", fault.error_code.is_some(), ends, "fail"),
        ("permanent", fault.permanent.is_some(), ends, "fail"),
    ] {
        if is_given && !goes {
            let given = match (kind, strikes_jobs) {
                (Slow, false) => "slow with delaySeconds, which strikes requests".to_owned(),
                (Http | Drop, _) => format!("{}, which strikes requests", kind.as_str()),
                (Fail | Stall | Slow, _) => kind.as_str().to_owned(),
            };
            let text = format!("does not go with {given}; it is for {with}");
            return Err(ApiError::field(field, &text));
        }
    }
    Ok(())
}

fn check_numbers(fault: &FaultCreate) -> Result<(), ApiError> {
    if let Some(status) = fault.status
        && strikes::code_of(status).is_none()
    {
        let all: BTreeSet<_> = ErrorCode::ALL.iter().map(|code| code.status()).collect();
        let all: Vec<_> = all.iter().map(u16::to_string).collect();
        let text = format!(
            "is {status}; errors of this API have one of: {}",
            all.join(", ")
        );
        return Err(ApiError::field("status", &text));
    }
    let longest = FAULT_DELAY_LIMIT.as_secs_f64();
    if let Some(seconds) = fault.delay_seconds
        && !(seconds > 0.0 && seconds <= longest)
    {
        let text = format!("must be a number above 0, {longest} at most");
        return Err(ApiError::field("delaySeconds", &text));
    }
    if let Some(factor) = fault.factor
        && !(1.0..=FAULT_FACTOR_LIMIT).contains(&factor)
    {
        let text = format!("must be a number from 1 to {FAULT_FACTOR_LIMIT}");
        return Err(ApiError::field("factor", &text));
    }
    Ok(())
}

/// That a fault of requests names an operation of the API.
fn check_request(name: &str, requests: &Operations) -> Result<(), ApiError> {
    if name == ANY || requests.knows(name) {
        return Ok(());
    }
    let text = format!(
        "there is no operation {}. There are the values of operationId in /openapi.json, e.g. \
         job.poll (/docs shows them), and {ANY} for any",
        json::shown(name)
    );
    Err(ApiError::field("operation", &text))
}

/// The operations of jobs that a fault of jobs names.
fn jobs(name: &str, requests: &Operations) -> Result<Vec<Operation>, ApiError> {
    if name == ANY {
        return Ok(Operation::ALL.to_vec());
    }
    if let Some(found) = Operation::from_name(name) {
        return Ok(vec![found]);
    }
    let all = Operation::ALL.iter().map(|it| it.name());
    let all: Vec<_> = all.chain([ANY]).collect();
    let what = match requests.knows(name) {
        true => {
            "has no job that could be struck; its requests can, by the kinds http and drop, and by \
             slow with delaySeconds. Jobs have"
        }
        false => "is no operation. There are",
    };
    let text = format!("{} {what}: {}", json::shown(name), all.join(", "));
    Err(ApiError::field("operation", &text))
}

fn check_phase(phase: &str, operations: &[Operation]) -> Result<(), ApiError> {
    let mut all: Vec<&str> = Vec::new();
    for known in operations.iter().flat_map(|it| it.definition().phases) {
        if !all.contains(known) {
            all.push(known);
        }
    }
    if all.contains(&phase) {
        return Ok(());
    }
    let text = format!(
        "there is no phase {} here. There are: {}",
        json::shown(phase),
        all.join(", ")
    );
    Err(ApiError::field("atPhase", &text))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The field at fault of each; empty where there is none.
    fn fields(cases: &[(&str, &str, &str)]) {
        let requests = Operations::of_document();
        for (operation, rest, field) in cases {
            let body = format!(r#"{{"operation":"{operation}",{rest}}}"#);
            let fault = json::parse(body.as_bytes()).unwrap();
            let refused = check(&fault, &requests).err();
            let refused = refused.and_then(|error| error.details.field);
            assert_eq!(refused.as_deref().unwrap_or_default(), *field, "{body}");
        }
    }

    #[test]
    fn what_a_fault_may_be() {
        fields(&[
            ("*", r#""kind":"fail""#, ""),
            (
                "vm.create",
                r#""kind":"stall","atPhase":"boot","atPercent":99"#,
                "",
            ),
            (
                "vm.create",
                r#""kind":"fail","errorCode":"STALLED","permanent":false"#,
                "",
            ),
            ("vm.create", r#""kind":"slow","probability":0.5"#, ""),
            (
                "vm.create",
                r#""kind":"slow","factor":2.5,"atPercent":50"#,
                "",
            ),
            ("vm.create", r#""kind":"http""#, ""),
            (
                "job.poll",
                r#""kind":"http","status":429,"error":"Slower!","times":3"#,
                "",
            ),
            ("health", r#""kind":"drop""#, ""),
            ("*", r#""kind":"slow","delaySeconds":0.25"#, ""),
            ("vm.list", r#""kind":"slow","delaySeconds":300"#, ""),
        ]);
    }

    #[test]
    fn what_it_may_not_be() {
        fields(&[
            ("vm.creat", r#""kind":"fail""#, "operation"),
            ("job.poll", r#""kind":"fail""#, "operation"),
            ("vm.list", r#""kind":"slow""#, "operation"),
            ("vm.creat", r#""kind":"http""#, "operation"),
            ("", r#""kind":"slow","delaySeconds":1"#, "operation"),
            (
                "vm.create",
                r#""kind":"fail","atPhase":"shutdown""#,
                "atPhase",
            ),
            ("*", r#""kind":"fail","atPhase":"lunch""#, "atPhase"),
            ("*", r#""kind":"http","atPhase":"boot""#, "atPhase"),
            ("*", r#""kind":"fail","atPercent":100"#, "atPercent"),
            ("*", r#""kind":"drop","atPercent":5"#, "atPercent"),
            (
                "*",
                r#""kind":"slow","delaySeconds":1,"atPercent":5"#,
                "atPercent",
            ),
            ("*", r#""kind":"fail","error":" ""#, "error"),
            ("*", r#""kind":"http","error":" ""#, "error"),
            ("*", r#""kind":"drop","error":"x""#, "error"),
            ("*", r#""kind":"http","errorCode":"STALLED""#, "errorCode"),
            ("*", r#""kind":"slow","permanent":true"#, "permanent"),
            ("*", r#""kind":"drop","times":0"#, "times"),
            ("*", r#""kind":"fail","probability":1.5"#, "probability"),
            ("*", r#""kind":"drop","probability":-1"#, "probability"),
            (
                "*",
                r#""kind":"slow","delaySeconds":1,"factor":5"#,
                "factor",
            ),
            ("*", r#""kind":"fail","factor":5"#, "factor"),
            ("*", r#""kind":"slow","factor":0.5"#, "factor"),
            ("*", r#""kind":"slow","factor":1001"#, "factor"),
            ("*", r#""kind":"fail","status":500"#, "status"),
            ("*", r#""kind":"drop","status":500"#, "status"),
            ("*", r#""kind":"http","status":418"#, "status"),
            ("*", r#""kind":"http","status":200"#, "status"),
            ("*", r#""kind":"http","delaySeconds":1"#, "delaySeconds"),
            ("*", r#""kind":"slow","delaySeconds":0"#, "delaySeconds"),
            ("*", r#""kind":"slow","delaySeconds":300.5"#, "delaySeconds"),
        ]);
    }

    #[test]
    fn a_name_that_is_not_known_is_told_where_names_are() {
        let requests = Operations::of_document();
        let message = |body: &str| {
            let fault = json::parse(body.as_bytes()).unwrap();
            check(&fault, &requests).expect_err("refused").message
        };
        let unknown = message(r#"{"operation":"job.pol","kind":"drop"}"#);
        assert!(
            unknown.contains("operationId in /openapi.json"),
            "{unknown}"
        );
        let no_job = message(r#"{"operation":"job.poll","kind":"fail"}"#);
        assert!(no_job.contains("slow with delaySeconds"), "{no_job}");
    }
}
