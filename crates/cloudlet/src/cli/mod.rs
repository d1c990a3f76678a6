//! The command line: parses words, asks the server through the client crate, shows the answer.
//!
//! The result goes to stdout, everything else to stderr. Nothing here knows how the server works;
//! apart from `serve`, every command is a client like any other.
//!
//! Exit status: 0 done, 1 error, 2 usage, 3 a job failed, 4 still running (time up or Ctrl-C).
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod admin;
mod carried;
mod catalogue;
mod console_reader;
mod console_view;
mod delete;
mod doctor;
mod ending;
mod fault;
mod gpu;
mod host;
mod image;
mod ip;
mod job;
mod key;
mod leftover;
mod names;
mod network;
mod nic;
mod plain;
mod progress;
mod quota;
mod screen;
mod session;
mod ssh_key;
mod submissions;
mod table;
mod vm;
mod volume;
mod wait;
mod words;

use crate::config::ServeArgs;
use clap::{
    Arg, ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand,
    error::{ContextKind, ContextValue},
};
use ending::Ending;
use screen::Screen;
use session::Global;
use std::{ffi::OsString, process::ExitCode};

/// Cloudlet turns Linux machines into a cloud with an asynchronous API.
#[derive(Debug, Parser)]
#[command(
    name = "cloudlet",
    version,
    before_help = "\
Examples:
  cloudlet serve
  cloudlet vm create web-1"
)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the server on this machine and serve until SIGTERM or Ctrl-C.
    #[command(before_help = "\
Examples:
  cloudlet serve
  cloudlet serve --listen 127.0.0.1:9000 --data ./lab --sim-speed 10")]
    Serve(ServeArgs),
    /// Say what this host can do for each driver, and the line that mends what is missing.
    #[command(before_help = "\
Examples:
  cloudlet doctor
  cloudlet doctor --output json")]
    Doctor,
    /// Virtual machines: create, look at, change, delete.
    #[command(before_help = "\
Examples:
  cloudlet vm create web-1
  cloudlet vm list")]
    Vm {
        #[command(subcommand)]
        command: vm::VmCommand,
    },
    /// Machines with GPUs, and what there is of GPUs.
    #[command(before_help = "\
Examples:
  cloudlet gpu inventory
  cloudlet gpu create trainer --series 1 --count 2")]
    Gpu {
        #[command(subcommand)]
        command: gpu::GpuCommand,
    },
    /// Volumes: disks that outlive a machine.
    #[command(before_help = "\
Examples:
  cloudlet volume create data-1 --size-gb 100
  cloudlet volume attach data-1 web-1")]
    Volume {
        #[command(subcommand)]
        command: volume::VolumeCommand,
    },
    /// Networks that machines are on.
    #[command(before_help = "\
Examples:
  cloudlet network create lan --cidr 10.20.0.0/24
  cloudlet network list")]
    Network {
        #[command(subcommand)]
        command: network::NetworkCommand,
    },
    /// Network interfaces of a machine.
    #[command(before_help = "\
Examples:
  cloudlet nic list web-1
  cloudlet nic add web-1 lan")]
    Nic {
        #[command(subcommand)]
        command: nic::NicCommand,
    },
    /// Public addresses of a machine.
    #[command(before_help = "\
Examples:
  cloudlet ip allocate web-1
  cloudlet ip release web-1")]
    Ip {
        #[command(subcommand)]
        command: ip::IpCommand,
    },
    /// Jobs: what a request that takes time was answered with.
    #[command(before_help = "\
Examples:
  cloudlet job list
  cloudlet job wait 01930000-0000-7000-8000-000000000001
  cloudlet job cancel 01930000-0000-7000-8000-000000000001")]
    Job {
        #[command(subcommand)]
        command: job::JobCommand,
    },
    /// SSH keys: add one, or have one made.
    #[command(before_help = "\
Examples:
  cloudlet ssh-key add laptop ~/.ssh/id_ed25519.pub
  cloudlet ssh-key list")]
    SshKey {
        #[command(subcommand)]
        command: ssh_key::SshKeyCommand,
    },
    /// The operator's side; its key is CLOUDLET_ADMIN_KEY, else the profile's.
    #[command(before_help = "\
Examples:
  cloudlet admin tenant list
  cloudlet admin verify")]
    Admin {
        #[command(subcommand)]
        command: admin::AdminCommand,
    },
}

const TEMPLATE: &str = "{about}\n\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}";

const STATUSES: &str = "\
Exit status: 0 done, 1 error, 2 usage, 3 a job failed, 4 still running when the time was up or
on Ctrl-C (the job goes on; `cloudlet job wait ID` waits again).\n";

const FIRST_HOUR: &str = "\
Cloudlet turns Linux machines into a cloud with an asynchronous API.

  cloudlet serve                    start the server here, with simulated machines
  cloudlet vm create web-1          make a machine and watch it come up
  cloudlet vm list                  see what there is
  cloudlet vm stop web-1            turn it off; start and reset likewise
  cloudlet vm create db --no-wait   only submit; prints the job's id
  cloudlet job wait ID              wait for a job, from anywhere

More: cloudlet help, and --help after any command.";

/// The command with its help in house form: a sentence, examples, then flags.
fn command() -> clap::Command {
    fn dress(command: clap::Command) -> clap::Command {
        command.help_template(TEMPLATE).mut_subcommands(dress)
    }
    let command = Cli::command();
    // Global flags are accepted everywhere; the help leaves out those that mean nothing there.
    let hidden = |ids: &[&str]| -> Vec<Arg> {
        let args = command
            .get_arguments()
            .filter(|arg| ids.contains(&arg.get_id().as_str()));
        args.map(|arg| arg.clone().hide(true)).collect()
    };
    let to_serve = hidden(&["url", "api_key", "output", "quiet"]);
    let to_admin = hidden(&["api_key"]);
    let command = command
        .mut_subcommand("serve", |serve| serve.args(to_serve))
        .mut_subcommand("admin", |admin| admin.args(to_admin));
    dress(command)
        .after_help(STATUSES)
        .disable_help_subcommand(true)
}

/// Parses the words of a command line.
fn matches(mut words: Vec<OsString>) -> Result<ArgMatches, clap::Error> {
    // `cloudlet help vm create` means `cloudlet vm create --help`.
    if words.get(1).is_some_and(|word| word == "help") {
        words.remove(1);
        words.push("--help".into());
    }
    let mut command = command();
    let result = command.try_get_matches_from_mut(&words);
    result.map_err(|error| with_usage(error, &mut command, &words))
}

/// The error with the usage of the command that was meant. The parser's own would count a flag
/// whose variable is set as given, and so show it as if it were required.
fn with_usage(
    mut error: clap::Error,
    command: &mut clap::Command,
    words: &[OsString],
) -> clap::Error {
    let mut meant = command;
    for word in words {
        if meant.find_subcommand(word).is_some() {
            meant = meant
                .find_subcommand_mut(word)
                .expect("it was found just now");
        }
    }
    if error.get(ContextKind::Usage).is_some() {
        let usage = ContextValue::StyledStr(meant.render_usage());
        error.insert(ContextKind::Usage, usage);
    }
    error
}

/// Parses the command line, runs it, and says how it ended.
pub fn main() -> ExitCode {
    let matches = matches(std::env::args_os().collect()).unwrap_or_else(|error| error.exit());
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let screen = cli.global.screen();
    let result = match cli.command {
        None => {
            screen.result(FIRST_HOUR);
            Ok(Ending::Done)
        }
        Some(Command::Serve(args)) => serve(args),
        Some(Command::Admin {
            command:
                admin::AdminCommand::Image {
                    command: image::ImageCommand::BuildTest { rebuild },
                },
        }) => image::build_test(&screen, rebuild),
        Some(command) => ask(&cli.global, &screen, command),
    };
    let ending = result.unwrap_or_else(|error| ending::explain(&screen, &error));
    ExitCode::from(ending as u8)
}

fn serve(args: ServeArgs) -> anyhow::Result<Ending> {
    crate::serve::run(args.resolve()?)?;
    Ok(Ending::Done)
}

/// Runs a command that asks a server.
fn ask(global: &Global, screen: &Screen, command: Command) -> anyhow::Result<Ending> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match command {
            Command::Doctor => doctor::run(screen).await,
            Command::Vm { command } => vm::run(&global.tenant(screen)?, command).await,
            Command::Gpu { command } => gpu::run(&global.tenant(screen)?, command).await,
            Command::Volume { command } => volume::run(&global.tenant(screen)?, command).await,
            Command::Network { command } => network::run(&global.tenant(screen)?, command).await,
            Command::Nic { command } => nic::run(&global.tenant(screen)?, command).await,
            Command::Ip { command } => ip::run(&global.tenant(screen)?, command).await,
            Command::Job { command } => job::run(&global.tenant(screen)?, command).await,
            Command::SshKey { command } => ssh_key::run(&global.tenant(screen)?, command).await,
            Command::Admin { command } => admin::run(&global.operator(screen)?, command).await,
            Command::Serve(_) => unreachable!("serve is no client"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_sound() {
        command().debug_assert();
    }

    /// Every command's help has a sentence and two examples, and each example parses.
    #[test]
    fn examples_run_as_they_stand() {
        fn visit(command: &clap::Command, path: &str) {
            let help = command
                .get_before_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            let examples: Vec<&str> = help
                .lines()
                .map(str::trim)
                .filter(|line| line.starts_with("cloudlet "))
                .collect();
            assert!(
                examples.len() >= 2,
                "{path} has {} examples",
                examples.len()
            );
            assert!(command.get_about().is_some(), "{path} says nothing");
            for example in examples {
                let words = example
                    .split_whitespace()
                    .map(|word| word.trim_matches('\''));
                if let Err(error) = super::command().try_get_matches_from(words) {
                    panic!("{path}: {example}: {error}");
                }
            }
            for inner in command.get_subcommands() {
                visit(inner, &format!("{path} {}", inner.get_name()));
            }
        }
        visit(&command(), "cloudlet");
    }
}
