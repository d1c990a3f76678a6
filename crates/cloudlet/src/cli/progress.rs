//! The progress of a wait on stderr: one moving bar for each job, or plain lines, or nothing.
//!
//! What a bar shows is what was last polled; only the spinner and the clock move by themselves.

use crate::cli::{
    plain::PlainLog,
    screen::{ProgressForm, Screen},
    words,
};
use api::{Job, JobId};
use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use std::{
    collections::HashMap,
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// How often a spinner moves.
const TICK: Duration = Duration::from_millis(100);
/// Width of the phase's column.
const PHASE_WIDTH: usize = 16;
/// Width of the bar where there is room for it, and where there is not.
const BAR_WIDTH: usize = 15;
const SHORT_BAR_WIDTH: usize = 10;
/// On a narrow terminal; there the clock does not say what is left either.
const NARROW_BAR_WIDTH: usize = 5;
/// Everything in a line but name, phase and bar: spinner, gaps, percent, clock.
const REST_WIDTH: usize = 36;
const NARROW_REST_WIDTH: usize = 20;
/// The end of a job's last line: the mark, how it ended and how long it took.
const LAST_WIDTH: usize = 28;
/// The name's column is no narrower and no wider than this.
const NAME_WIDTHS: (usize, usize) = (8, 32);

/// How wide the columns of name and bar are, and whether there is room to say what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layout {
    name: usize,
    bar: usize,
    left: bool,
}

impl Layout {
    /// For a longest name on a terminal this wide, so that a line never wraps.
    fn new(longest: usize, terminal: usize) -> Self {
        let (least, most) = NAME_WIDTHS;
        let wanted = longest.clamp(least, most);
        let room = |rest: usize| terminal.saturating_sub(rest + PHASE_WIDTH);
        let left = room(REST_WIDTH) >= least + SHORT_BAR_WIDTH;
        let (room, bar) = match room(REST_WIDTH) {
            room if wanted + BAR_WIDTH <= room => (room, BAR_WIDTH),
            room if left => (room, SHORT_BAR_WIDTH),
            _ => (room(NARROW_REST_WIDTH), NARROW_BAR_WIDTH),
        };
        let name = wanted.min(room.saturating_sub(bar)).max(least).min(longest);
        Self { name, bar, left }
    }
}

/// Shows jobs as they change.
pub(crate) enum Progress {
    Bars(Bars),
    Lines {
        log: PlainLog,
        begun: Instant,
        screen: Screen,
        troubled: bool,
    },
    Silent,
}

impl Progress {
    /// For these jobs, in this order.
    pub(crate) fn new(screen: &Screen, jobs: &[Job]) -> Self {
        match screen.progress_form() {
            ProgressForm::Bars => Self::Bars(Bars::new(screen, jobs)),
            ProgressForm::Lines => Self::Lines {
                log: PlainLog::default(),
                begun: Instant::now(),
                screen: *screen,
                troubled: false,
            },
            ProgressForm::Silent => Self::Silent,
        }
    }

    /// A job as it is now.
    pub(crate) fn show(&mut self, job: &Job) {
        match self {
            Self::Bars(bars) => bars.show(job),
            Self::Lines {
                log,
                begun,
                screen,
                troubled,
            } => {
                *troubled = false;
                if let Some(line) = log.line(job, begun.elapsed()) {
                    screen.complain(line);
                }
            }
            Self::Silent => {}
        }
    }

    /// Polling fails for now: said once until it works again.
    pub(crate) fn trouble(&mut self, error: &client::Error, go_on: &str) {
        let troubled = match self {
            Self::Bars(bars) => &mut bars.troubled,
            Self::Lines { troubled, .. } => troubled,
            Self::Silent => return,
        };
        if !std::mem::replace(troubled, true) {
            self.say(&error.to_string());
            self.say(&format!(
                "Trying again until the timeout; go on later with: {go_on}"
            ));
        }
    }

    /// A line for people, above the bars.
    pub(crate) fn say(&self, line: &str) {
        match self {
            Self::Bars(bars) => {
                let _ = bars.all.println(line);
            }
            Self::Lines { screen, .. } => screen.complain(line),
            Self::Silent => {}
        }
    }

    /// No more will come; bars of jobs that still run stay as they are.
    pub(crate) fn end(&mut self) {
        if let Self::Bars(bars) = self {
            for bar in bars.each.values().filter(|bar| !bar.line.is_finished()) {
                bar.line.abandon();
            }
        }
    }
}

/// One line for each job.
pub(crate) struct Bars {
    all: MultiProgress,
    each: HashMap<JobId, Bar>,
    screen: Screen,
    terminal: usize,
    troubled: bool,
}

struct Bar {
    line: ProgressBar,
    /// When it will probably be done, in ms since the bar appeared; 0: nobody knows.
    done_at: Arc<AtomicU64>,
}

impl Bars {
    /// Where more can be drawn, below.
    pub(crate) fn all(&self) -> &MultiProgress {
        &self.all
    }

    fn new(screen: &Screen, jobs: &[Job]) -> Self {
        let names = jobs.iter().map(|job| job.resource_name.chars().count());
        let terminal = usize::from(console::Term::stderr().size().1);
        let layout = Layout::new(names.max().unwrap_or(0), terminal);
        let all = MultiProgress::new();
        let each = jobs
            .iter()
            .map(|job| (job.id, Bar::new(&all, job, layout)))
            .collect();
        Self {
            all,
            each,
            screen: *screen,
            terminal,
            troubled: false,
        }
    }

    fn show(&mut self, job: &Job) {
        self.troubled = false;
        let Some(bar) = self.each.get(&job.id) else {
            return;
        };
        let left = job.time_remaining.filter(|_| !job.status.is_final());
        let elapsed = u64::try_from(bar.line.elapsed().as_millis()).unwrap_or(u64::MAX);
        let done_at = left.map_or(0, |left| elapsed.saturating_add(left.saturating_mul(1000)));
        bar.done_at.store(done_at, Ordering::Relaxed);
        bar.line.set_position(u64::from(job.progress));
        if job.status.is_final() {
            bar.line.disable_steady_tick();
            bar.line.set_style(style("{msg}"));
            bar.line.finish_with_message(self.last_line(job));
        } else {
            bar.line.set_message(fit(words::doing(job), PHASE_WIDTH));
        }
    }

    /// What a bar collapses to.
    fn last_line(&self, job: &Job) -> String {
        let room = self.terminal.saturating_sub(LAST_WIDTH).max(NAME_WIDTHS.0);
        let (name, took) = (words::short(&job.resource_name, room), words::took(job));
        if job.has_failed {
            format!(
                "{} {name}  failed after {took}",
                self.screen.paint("31", "✗")
            )
        } else {
            format!("{} {name}  {took}", self.screen.paint("32", "✓"))
        }
    }
}

impl Bar {
    fn new(all: &MultiProgress, job: &Job, layout: Layout) -> Self {
        let done_at = Arc::new(AtomicU64::new(0));
        let shared = Arc::clone(&done_at);
        let bar = layout.bar;
        let template =
            format!("{{spinner}} {{prefix}}  {{msg}} {{bar:{bar}}} {{pos:>3}} %  {{clock}}");
        let style = style(&template)
            .with_key(
                "clock",
                move |state: &ProgressState, out: &mut dyn Write| {
                    let done_at = shared.load(Ordering::Relaxed);
                    let done_at = if layout.left { done_at } else { 0 };
                    let _ = out.write_str(&clock(state.elapsed(), done_at));
                },
            )
            .progress_chars("█░");
        let line = ProgressBar::new(100)
            .with_style(style)
            .with_prefix(fit(
                &words::short(&job.resource_name, layout.name),
                layout.name,
            ))
            .with_message(fit(words::doing(job), PHASE_WIDTH));
        let line = all.add(line);
        line.enable_steady_tick(TICK);
        Self { line, done_at }
    }
}

/// After Ctrl-C, before anything is drawn again. The cursor stood at the right end of the last bar, so
/// the terminal's `^C` began a new line: it goes, or a stale bar would stay above the last picture.
pub(crate) fn take_back_echo(screen: &Screen) {
    if screen.progress_form() == ProgressForm::Bars {
        let terminal = console::Term::stderr();
        let _ = terminal.clear_line();
        let _ = terminal.move_cursor_up(1);
    }
}

/// A spinner for a call that answers when it is done; lines or nothing off a terminal.
pub(crate) fn spin(screen: &Screen, text: &str) -> Option<ProgressBar> {
    match screen.progress_form() {
        ProgressForm::Bars => {
            let line = ProgressBar::new_spinner();
            let style = style("{spinner} {msg}  {clock}").with_key(
                "clock",
                |state: &ProgressState, out: &mut dyn Write| {
                    let _ = out.write_str(&words::clock(state.elapsed()));
                },
            );
            line.set_style(style);
            line.set_message(text.to_owned());
            line.enable_steady_tick(TICK);
            Some(line)
        }
        ProgressForm::Lines => {
            screen.complain(text);
            None
        }
        ProgressForm::Silent => None,
    }
}

/// The running time and, where known, what is left: `0:06, about 0:03 left`.
fn clock(elapsed: Duration, done_at_ms: u64) -> String {
    let mut text = words::clock(elapsed);
    let left = Duration::from_millis(done_at_ms).saturating_sub(elapsed);
    if left >= Duration::from_secs(1) {
        let _ = write!(text, ", about {} left", words::clock(left));
    }
    text
}

/// Text in exactly this many columns.
fn fit(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return format!("{text:width$}");
    }
    let mut cut: String = text.chars().take(width.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// What a line looks like.
pub(crate) fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates are constants that parse")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_shown_where_known() {
        let elapsed = Duration::from_millis(6200);
        for (done_at, text) in [(0, "0:06"), (9300, "0:06, about 0:03 left"), (5000, "0:06")] {
            assert_eq!(clock(elapsed, done_at), text);
        }
    }

    #[test]
    fn lines_fit_the_terminal() {
        for (longest, terminal, name, bar, left) in [
            (5, 80, 5, 15, true),
            (13, 80, 13, 15, true),
            (18, 80, 18, 10, true),
            (40, 80, 18, 10, true),
            (40, 200, 32, 15, true),
            (40, 70, 8, 10, true),
            (40, 69, 28, 5, false),
            (5, 69, 5, 5, false),
            (40, 50, 9, 5, false),
        ] {
            let layout = Layout::new(longest, terminal);
            let expected = Layout { name, bar, left };
            assert_eq!(layout, expected, "{longest} on {terminal}");
        }
        for terminal in 50..200 {
            for longest in 1..70 {
                let Layout { name, bar, left } = Layout::new(longest, terminal);
                let rest = if left { REST_WIDTH } else { NARROW_REST_WIDTH };
                let width = rest + PHASE_WIDTH + name + bar;
                assert!(width <= terminal, "{longest} on {terminal}: {width}");
            }
        }
    }

    #[test]
    fn columns_stay_aligned() {
        assert_eq!(fit("boot", 6), "boot  ");
        assert_eq!(fit("booting", 6), "booti…");
        assert_eq!(fit("é", 2), "é ");
    }
}
