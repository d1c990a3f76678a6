//! What goes wrong, where, and how often it really did.

use crate::rng::Rng;
use std::collections::BTreeMap;

/// Every kind of fault, and the turns of events that only a fault or a race can bring about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Transient,
    Permanent,
    TransientAfterEffect,
    PermanentAfterEffect,
    Stall,
    Slow,
    CrashInAction,
    ActorPanics,
    CrashBeforeCommit,
    CrashAfterCommit,
    CrashBeforeSave,
    CrashAfterSave,
    CrashAnywhere,
    CrashWhileBooting,
    HostReboots,
    MachineDies,
    DiesWhileLookedAt,
    DiesAtWork,
    SlowLook,
    LookFails,
    GoesDark,
    GaveUpUnseen,
    SaveFails,
    ReportLost,
    ReportDoubled,
    ReportLate,
    AnswerLost,
    RulePanics,
    ReportPanics,
    ClockJumps,
    CallWithdrawn,
    CallWithdrawnAtBoot,
    CancelledPending,
    CancelledRunning,
    CancelledPendingOnRequest,
    CancelledRunningOnRequest,
    CancelTooLate,
    WentBack,
    WentForward,
    Died,
    LeftOver,
    QuotaExceeded,
    CapacityExceeded,
    Repeated,
    LineFull,
    Poisoned,
    WaitedForNetwork,
    NetworkNotReady,
    Healed,
    NameTaken,
    NetworkInUse,
    VolumeAttached,
    SoldOut,
    AddressesUsedUp,
    Trespassed,
    LeftoverRetried,
    LeftoverSettled,
    SettledTooEarly,
    InATeam,
    CompletedOnTheWayBack,
    GoneMeanwhile,
    RefusedByLeftover,
}

impl Kind {
    pub const ALL: &[Kind] = &[
        Self::Transient,
        Self::Permanent,
        Self::TransientAfterEffect,
        Self::PermanentAfterEffect,
        Self::Stall,
        Self::Slow,
        Self::CrashInAction,
        Self::ActorPanics,
        Self::CrashBeforeCommit,
        Self::CrashAfterCommit,
        Self::CrashBeforeSave,
        Self::CrashAfterSave,
        Self::CrashAnywhere,
        Self::CrashWhileBooting,
        Self::HostReboots,
        Self::MachineDies,
        Self::DiesWhileLookedAt,
        Self::DiesAtWork,
        Self::SlowLook,
        Self::LookFails,
        Self::GoesDark,
        Self::GaveUpUnseen,
        Self::SaveFails,
        Self::ReportLost,
        Self::ReportDoubled,
        Self::ReportLate,
        Self::AnswerLost,
        Self::RulePanics,
        Self::ReportPanics,
        Self::ClockJumps,
        Self::CallWithdrawn,
        Self::CallWithdrawnAtBoot,
        Self::CancelledPending,
        Self::CancelledRunning,
        Self::CancelledPendingOnRequest,
        Self::CancelledRunningOnRequest,
        Self::CancelTooLate,
        Self::WentBack,
        Self::WentForward,
        Self::Died,
        Self::LeftOver,
        Self::QuotaExceeded,
        Self::CapacityExceeded,
        Self::Repeated,
        Self::LineFull,
        Self::Poisoned,
        Self::WaitedForNetwork,
        Self::NetworkNotReady,
        Self::Healed,
        Self::NameTaken,
        Self::NetworkInUse,
        Self::VolumeAttached,
        Self::SoldOut,
        Self::AddressesUsedUp,
        Self::Trespassed,
        Self::LeftoverRetried,
        Self::LeftoverSettled,
        Self::SettledTooEarly,
        Self::InATeam,
        Self::CompletedOnTheWayBack,
        Self::GoneMeanwhile,
        Self::RefusedByLeftover,
    ];

    /// Whether so much must come together for it that only the kit sees to it.
    pub fn is_rare(self) -> bool {
        self == Self::CompletedOnTheWayBack
    }

    /// Whether a generation that it struck may fail by it.
    pub fn is_blow(self) -> bool {
        matches!(
            self,
            Self::Permanent
                | Self::PermanentAfterEffect
                | Self::Stall
                | Self::GoesDark
                | Self::ActorPanics
                | Self::NetworkNotReady
        )
    }
}

/// Where a fault can strike. Each place is passed many times; passes are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    BeforeCommit,
    AfterCommit,
    BeforeSave,
    AfterSave,
    Save,
    Action,
    Look,
    Report,
    Start,
    Client,
}

/// How faults are placed.
#[derive(Clone, Debug)]
pub enum Plan {
    /// By chance, this often in a thousand passes of a place.
    Random(Vec<(Place, Kind, u64)>),
    /// At these passes of these places.
    Script(Vec<(Place, u64, Kind)>),
}

#[derive(Clone, Debug)]
pub struct Faults {
    pub plan: Plan,
    /// Whether passes count and faults strike.
    pub on: bool,
    /// Crashes that may still happen.
    pub crashes_left: u32,
    /// How often each place was passed.
    pub passes: BTreeMap<Place, u64>,
    /// How often each kind really struck.
    pub hits: BTreeMap<Kind, u64>,
}

impl Faults {
    pub fn new(plan: Plan) -> Self {
        Self {
            plan,
            on: false,
            crashes_left: u32::MAX,
            passes: BTreeMap::new(),
            hits: BTreeMap::new(),
        }
    }

    /// A history's own mixture: of each kind none, some or much.
    pub fn random(rng: &mut Rng) -> Self {
        let mut rates = Vec::new();
        let usual = [
            (Place::Action, Kind::Transient, 60),
            (Place::Action, Kind::Permanent, 40),
            (Place::Action, Kind::TransientAfterEffect, 20),
            (Place::Action, Kind::PermanentAfterEffect, 20),
            (Place::Action, Kind::Stall, 30),
            (Place::Action, Kind::Slow, 30),
            (Place::Action, Kind::CrashInAction, 30),
            (Place::Action, Kind::ActorPanics, 15),
            (Place::BeforeCommit, Kind::CrashBeforeCommit, 6),
            (Place::AfterCommit, Kind::CrashAfterCommit, 6),
            (Place::BeforeSave, Kind::CrashBeforeSave, 8),
            (Place::AfterSave, Kind::CrashAfterSave, 8),
            (Place::Action, Kind::DiesAtWork, 30),
            (Place::Look, Kind::DiesWhileLookedAt, 50),
            (Place::Look, Kind::LookFails, 40),
            (Place::Look, Kind::GoesDark, 5),
            (Place::Look, Kind::SlowLook, 50),
            (Place::Save, Kind::SaveFails, 40),
            (Place::Report, Kind::ReportLost, 60),
            (Place::Report, Kind::ReportDoubled, 60),
            (Place::Report, Kind::ReportLate, 40),
            (Place::Report, Kind::ReportPanics, 8),
            (Place::Start, Kind::RulePanics, 10),
            (Place::Client, Kind::AnswerLost, 100),
        ];
        let fury = rng.chance(100);
        // Nothing that is begun ends well: what is tried again and again is given up one day.
        let hopeless = rng.chance(30);
        for (place, kind, rate) in usual {
            if hopeless && kind == Kind::Transient {
                rates.push((place, kind, 940));
                continue;
            }
            let factor = match rng.below(4) {
                0 | 1 => 0,
                2 => 1,
                _ if fury => 12,
                _ => 3,
            };
            rates.push((place, kind, factor * rate));
        }
        let mut faults = Self::new(Plan::Random(rates));
        let crashes = if fury { 60 } else { 7 };
        faults.crashes_left = u32::try_from(rng.below(crashes)).expect("small");
        faults
    }

    /// Passes a place: what strikes here, if anything. It counts as a hit only when it has struck
    /// ([`Self::struck`]).
    pub fn pass(&mut self, place: Place, rng: &mut Rng) -> Option<Kind> {
        if !self.on {
            return None;
        }
        let passes = self.passes.entry(place).or_default();
        *passes += 1;
        match &self.plan {
            Plan::Random(rates) => {
                let drawn = rng.below(1000);
                let mut sum = 0;
                for &(at, kind, rate) in rates.iter().filter(|rate| rate.0 == place) {
                    debug_assert_eq!(at, place);
                    sum += rate;
                    if drawn < sum {
                        return Some(kind);
                    }
                }
                None
            }
            Plan::Script(script) => script
                .iter()
                .find(|(at, pass, _)| *at == place && *pass == *passes)
                .map(|&(_, _, kind)| kind),
        }
    }

    pub fn struck(&mut self, kind: Kind) {
        *self.hits.entry(kind).or_default() += 1;
    }

    /// Passes a place where the server may crash.
    pub fn crashes(&mut self, place: Place, rng: &mut Rng) -> bool {
        let kind = self.pass(place, rng);
        match kind {
            Some(kind) if self.reserve_crash() => {
                self.struck(kind);
                true
            }
            _ => false,
        }
    }

    /// Takes one of the crashes that may still happen.
    pub fn reserve_crash(&mut self) -> bool {
        let left = self.crashes_left > 0;
        self.crashes_left -= u32::from(left);
        left
    }

    pub fn hit(&self, kind: Kind) -> u64 {
        self.hits.get(&kind).copied().unwrap_or(0)
    }
}
