//! What strikes a request: judged once, when it is known who asks for what. Knows no HTTP but a
//! status.

use super::{DEFAULT_TEXT, Faults, Placed, draws, is_spent};
use api::{
    TenantId,
    admin::{FaultCreate, FaultKind},
};
use std::time::Duration;

/// The status of a refusal where the fault does not say.
const DEFAULT_STATUS: u16 = 503;
/// What stands for every operation.
const ANY: &str = "*";

/// A request, as faults know it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Its operation, e.g. `job.poll`.
    pub operation: &'a str,
    /// Whether it is struck only where a fault names it: `*` passes it by.
    pub by_name_only: bool,
    /// Whose key it shows; `None`: the operator's, or none.
    pub tenant: Option<TenantId>,
}

/// What strikes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Strike {
    /// It is refused and has no effect.
    Refuse {
        /// The HTTP status.
        status: u16,
        /// The message.
        text: String,
    },
    /// It is carried out and never answered.
    Drop,
    /// It is carried out and answered so much later.
    Delay(Duration),
}

impl Faults {
    /// What strikes this request; a strike is counted.
    pub fn strike_request(&self, asked: Asked<'_>) -> Option<Strike> {
        let Placed { faults, random } = &mut *self.lock();
        for fault in faults {
            if !matches(&fault.fault, asked) || is_spent(fault) || !draws(fault, random) {
                continue;
            }
            fault.hits += 1;
            return Some(strike(&fault.fault));
        }
        None
    }
}

fn matches(fault: &FaultCreate, asked: Asked<'_>) -> bool {
    fault.strikes_requests()
        && match fault.operation.as_str() {
            ANY => !asked.by_name_only,
            named => named == asked.operation,
        }
        && fault.tenant_id.is_none_or(|it| asked.tenant == Some(it))
}

fn strike(fault: &FaultCreate) -> Strike {
    match (fault.kind, fault.delay_seconds) {
        (FaultKind::Drop, _) => Strike::Drop,
        // What is no time is none.
        (FaultKind::Slow, Some(seconds)) => {
            Strike::Delay(Duration::try_from_secs_f64(seconds).unwrap_or_default())
        }
        _ => Strike::Refuse {
            status: fault.status.unwrap_or(DEFAULT_STATUS),
            text: fault.error.as_deref().unwrap_or(DEFAULT_TEXT).to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn asked(operation: &str) -> Asked<'_> {
        Asked {
            operation,
            by_name_only: false,
            tenant: Some(TenantId(Uuid::from_u128(7))),
        }
    }

    #[test]
    fn every_condition_must_hold() {
        let drop = |operation: &str| FaultCreate::new(operation, FaultKind::Drop);
        let of = |tenant| FaultCreate {
            tenant_id: Some(TenantId(Uuid::from_u128(tenant))),
            ..drop("*")
        };
        let by_name = Asked {
            by_name_only: true,
            ..asked("fault.list")
        };
        let operator = Asked {
            tenant: None,
            ..asked("clock.show")
        };
        for (placed, asked, strikes) in [
            (drop("job.poll"), asked("job.poll"), true),
            (drop("job.list"), asked("job.poll"), false),
            (drop("*"), asked("job.poll"), true),
            (drop("*"), by_name, false),
            (drop("fault.list"), by_name, true),
            (of(7), asked("job.poll"), true),
            (of(8), asked("job.poll"), false),
            (of(7), operator, false),
            (
                FaultCreate::new("*", FaultKind::Fail),
                asked("vm.create"),
                false,
            ),
            (
                FaultCreate::new("*", FaultKind::Slow),
                asked("vm.create"),
                false,
            ),
        ] {
            let faults = Faults::default();
            faults.place(placed.clone());
            let struck = faults.strike_request(asked).is_some();
            assert_eq!(struck, strikes, "{placed:?} {asked:?}");
            assert_eq!(faults.list()[0].hits, u32::from(strikes));
        }
    }

    #[test]
    fn each_kind_and_how_often() {
        let faults = Faults::default();
        faults.place(FaultCreate {
            times: Some(2),
            ..FaultCreate::new("*", FaultKind::Http)
        });
        faults.place(FaultCreate {
            delay_seconds: Some(1.5),
            ..FaultCreate::new("*", FaultKind::Slow)
        });
        faults.place(FaultCreate {
            probability: Some(0.0),
            ..FaultCreate::new("*", FaultKind::Drop)
        });
        let refuse = Strike::Refuse {
            status: 503,
            text: "Fault placed by an operator.".to_owned(),
        };
        let delay = Strike::Delay(Duration::from_millis(1_500));
        for expected in [Some(refuse.clone()), Some(refuse), Some(delay), None] {
            assert_eq!(faults.strike_request(asked("vm.list")), expected);
        }
    }
}
