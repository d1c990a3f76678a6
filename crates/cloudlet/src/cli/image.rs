//! `cloudlet admin image`: the images of a host whose machines are real.

use crate::{
    cli::{
        ending::Ending,
        screen::{ProgressForm, Screen},
        session::Session,
        table::table,
    },
    places, test_image,
    values::whole,
};
use anyhow::{Context, bail};
use api::image::{HostImage, ImageImport, ImageState};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use std::{path::PathBuf, time::Duration};

/// How often an import is asked after.
const ASK_INTERVAL: Duration = Duration::from_millis(250);

#[derive(Debug, Subcommand)]
pub(crate) enum ImageCommand {
    /// List the host's images, and how many machines were made from each.
    #[command(before_help = "\
Examples:
  cloudlet admin image list
  cloudlet admin image list --output json")]
    List,
    /// Bring in an image from a qcow2 or raw file on the server's own host; it is copied.
    #[command(before_help = "\
Examples:
  cloudlet admin image import debian-12-nocloud-amd64.qcow2 --id 20 --name Debian-12
  cloudlet admin image import appliance.raw --id 21 --name Appliance --ready 'console:login:'")]
    Import(ImportArgs),
    /// Build a tiny test image from Debian's packages: no root, no server, a few seconds.
    ///
    /// It is image 12 of a server that is started with --driver qemu afterwards. Its guest boots in
    /// seconds, takes an address by DHCP, feels the power button, and has a shell on its console.
    #[command(before_help = "\
Examples:
  cloudlet admin image build-test
  cloudlet admin image build-test --rebuild")]
    BuildTest {
        /// Build it anew though it is there
        #[arg(long)]
        rebuild: bool,
    },
    /// Remove an image that no machine was made from.
    #[command(before_help = "\
Examples:
  cloudlet admin image remove 20
  cloudlet admin image remove 21")]
    Remove {
        /// Its id
        #[arg(value_name = "ID", value_parser = whole::<i64>)]
        id: i64,
    },
}

#[derive(Args, Debug)]
pub(crate) struct ImportArgs {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What machines ask for it by: vm create --image ID
    #[arg(long, value_name = "ID", value_parser = whole::<i64>)]
    id: i64,
    /// Its name
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Whom to log in as [default: root]
    #[arg(long, value_name = "USER")]
    username: Option<String>,
    /// How its guest says that it is ready: none (a running machine is taken for ready), agent (the
    /// QEMU guest agent answers), or console: and words that it then writes on its serial console
    /// [default: none]
    #[arg(long, value_name = "none|agent|console:WORDS")]
    ready: Option<String>,
}

pub(crate) async fn run(session: &Session, command: ImageCommand) -> anyhow::Result<Ending> {
    match command {
        ImageCommand::List => list(session).await,
        ImageCommand::Import(import) => bring(session, import).await,
        ImageCommand::BuildTest { rebuild } => build_test(&session.screen, rebuild),
        ImageCommand::Remove { id } => {
            session.client.remove_image(id).await?;
            session.screen.hint(format!("Image {id} is removed"));
            Ok(Ending::Done)
        }
    }
}

async fn bring(session: &Session, args: ImportArgs) -> anyhow::Result<Ending> {
    let file = std::path::absolute(&args.file)?;
    let file = file.to_str().context("the file's path is not in UTF-8")?;
    let import = ImageImport {
        id: args.id,
        name: args.name,
        file: file.to_owned(),
        username: args.username,
        ready: args.ready,
    };
    let screen = &session.screen;
    let mut image = session.client.import_image(&import).await?;
    let bar = match screen.progress_form() {
        ProgressForm::Bars => ProgressBar::new(100).with_style(ProgressStyle::with_template(
            "{spinner} {msg}  {bar:15}  {pos} %",
        )?),
        ProgressForm::Lines | ProgressForm::Silent => ProgressBar::hidden(),
    };
    bar.set_message(format!("importing {}", image.name));
    while image.state == ImageState::Importing {
        bar.set_position(image.progress.into());
        tokio::time::sleep(ASK_INTERVAL).await;
        image = session.client.host_image(import.id).await?;
    }
    bar.finish_and_clear();
    if image.state == ImageState::Failed {
        bail!(
            "image {} was not imported: {}",
            image.id,
            image.error.unwrap_or_default()
        );
    }
    if screen.is_json() {
        screen.json(&image)?;
        return Ok(Ending::Done);
    }
    screen.result(format!("Imported {} as image {}", image.name, image.id));
    screen.hint(format!(
        "Next: cloudlet vm create NAME --image {}",
        image.id
    ));
    Ok(Ending::Done)
}

/// Asks no server and needs no key.
pub(crate) fn build_test(screen: &Screen, rebuild: bool) -> anyhow::Result<Ending> {
    let cache = places::cache();
    let cache = cache.context("neither XDG_CACHE_HOME nor HOME says where to keep it")?;
    let built = test_image::build(&cache, rebuild, |step| screen.hint(format!("… {step}")))?;
    if built.was_there {
        screen.hint("The test image is there already; --rebuild builds it anew.");
    }
    if screen.is_json() {
        screen.json(&built)?;
    } else {
        screen.result(built.path.display());
    }
    Ok(Ending::Done)
}

async fn list(session: &Session) -> anyhow::Result<Ending> {
    let images = session.client.host_images().await?;
    let screen = &session.screen;
    if screen.is_json() {
        screen.json(&images)?;
        return Ok(Ending::Done);
    }
    if images.is_empty() {
        screen.hint("There is no image. Next: cloudlet admin image build-test, or: cloudlet admin image import --help");
        return Ok(Ending::Done);
    }
    let header = [
        "ID",
        "NAME",
        "STATE",
        "SIZE",
        "DISK FROM",
        "READY BY",
        "MACHINES",
    ];
    let rows = images.iter().map(row).collect();
    screen.result(table(&header, rows));
    Ok(Ending::Done)
}

fn row(image: &HostImage) -> Vec<String> {
    let state = match image.state {
        ImageState::Importing => format!("importing, {} %", image.progress),
        ImageState::Ready => "ready".to_owned(),
        ImageState::Failed => format!("failed: {}", image.error.clone().unwrap_or_default()),
    };
    let least = image.min_disk_gb.map(|gb| format!("{gb} GB"));
    vec![
        image.id.to_string(),
        image.name.clone(),
        state,
        format!("{} MB", image.size_bytes.div_ceil(1_000_000)),
        least.unwrap_or_default(),
        image.ready.clone(),
        image.machines.to_string(),
    ]
}
