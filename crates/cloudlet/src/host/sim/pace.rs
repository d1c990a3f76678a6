//! How long the simulator takes, and how it moves: durations that follow from the seed, in small
//! uneven steps.

use super::SimOptions;
use model::plan::Action;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::ops::RangeInclusive;

/// About how far apart two steps are, at most.
const STEP_MS: f64 = 100.0;
/// The fewest steps of an action, so that no step is larger than about 6 %.
const FEWEST_STEPS: u32 = 20;
/// How far a step may lie from where an even pace would have it, in steps.
const UNEVEN: RangeInclusive<f64> = -0.1..=0.1;

/// One step of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// When, in milliseconds since the action began.
    pub(super) after_ms: u64,
    /// How far it is then; all of it at the last step, just before the effect.
    pub(super) thousandths: u16,
}

/// How long an action takes at speed 1. A create takes 6 to 10 seconds in all.
fn range_ms(action: &Action) -> RangeInclusive<f64> {
    match action {
        Action::MakeDisk { .. } => 2_000.0..=3_500.0,
        Action::Launch { .. } => 1_200.0..=2_000.0,
        Action::AwaitReady { .. } => 2_800.0..=4_500.0,
        Action::Shutdown => 800.0..=2_000.0,
        Action::RemoveDisk | Action::ReleaseGpus | Action::RemoveVolume | Action::RemoveNetwork => {
            300.0..=800.0
        }
        Action::TakeGpus(_) | Action::ApplyNetwork(_) => 1_000.0..=2_000.0,
        Action::GrowDisk { .. } | Action::GrowVolume { .. } => 1_500.0..=3_000.0,
        Action::MakeVolume { .. } => 2_000.0..=4_000.0,
        Action::AttachVolume(_) | Action::DetachVolume(_) => 1_000.0..=2_500.0,
        Action::PlugNic(_) | Action::UnplugNic(_) | Action::SetAddress(_) => 500.0..=1_500.0,
    }
}

/// The steps of an action: the same for the same seed, resource (by its number in the world),
/// generation and kind of action. A slow one has very many: they are drawn as they come.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "milliseconds and thousandths are clamped; a cast of a float saturates"
)]
pub(super) fn steps(
    options: SimOptions,
    resource: u64,
    generation: u64,
    action: &Action,
) -> impl Iterator<Item = Step> + Send {
    let mut random = StdRng::seed_from_u64(seed(options.seed, resource, generation, action));
    let believable_ms: f64 = random.random_range(range_ms(action));
    let duration_ms = if options.speed > 0.0 {
        believable_ms / options.speed
    } else {
        0.0
    };
    let count = ((duration_ms / STEP_MS).ceil() as u32).max(FEWEST_STEPS);
    (1..=count).map(move |number| {
        let part = f64::from(number) / f64::from(count);
        let uneven = (f64::from(number) + random.random_range(UNEVEN)) / f64::from(count);
        Step {
            after_ms: (duration_ms * part).round() as u64,
            thousandths: if number < count {
                (uneven * 1000.0).clamp(0.0, 999.0) as u16
            } else {
                1000
            },
        }
    })
}

/// FNV-1a: the same on every machine and in every release, which a standard hasher does not promise.
fn seed(seed: u64, resource: u64, generation: u64, action: &Action) -> u64 {
    let kind: u8 = match action {
        Action::MakeDisk { .. } => 1,
        Action::Launch { .. } => 2,
        Action::AwaitReady { .. } => 3,
        Action::Shutdown => 4,
        Action::RemoveDisk => 5,
        Action::TakeGpus(_) => 6,
        Action::ReleaseGpus => 7,
        Action::GrowDisk { .. } => 8,
        Action::AttachVolume(_) => 9,
        Action::DetachVolume(_) => 10,
        Action::PlugNic(_) => 11,
        Action::UnplugNic(_) => 12,
        Action::SetAddress(_) => 13,
        Action::MakeVolume { .. } => 14,
        Action::GrowVolume { .. } => 15,
        Action::RemoveVolume => 16,
        Action::ApplyNetwork(_) => 17,
        Action::RemoveNetwork => 18,
    };
    let bytes = seed.to_le_bytes().into_iter();
    let bytes = bytes.chain(resource.to_le_bytes());
    let bytes = bytes.chain(generation.to_le_bytes()).chain([kind]);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
