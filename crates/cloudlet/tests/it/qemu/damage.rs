//! Files of one machine that are damaged: they harm no other machine, and nothing is made in their place.

use super::host::{Host, SILENT_IMAGE};
use crate::process::text;
use serde_json::json;
use std::fs;

/// What a restart reads of every machine, and what every look reads.
#[tokio::test]
async fn what_is_damaged_of_one_machine_hides_and_stops_no_other() {
    let Some(mut host) = Host::start().await else {
        return;
    };
    let one = host.running("one", SILENT_IMAGE).await;
    let other = host.running("other", SILENT_IMAGE).await;
    for file in ["ledger.json", "launched.json"] {
        host.server.kill();
        let path = host.folder(&one).join(file);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, "{").unwrap();
        host.server.restart();
        for verb in ["stop", "start"] {
            let (status, answer) = host.call(&other, verb).await;
            assert_eq!(status, 200, "{file}: {answer}");
        }
        let (differences, _) = host.server.verify().await;
        let expected = file == "launched.json";
        assert_eq!(!differences.is_empty(), expected, "{differences:?}");
        for difference in &differences {
            let difference = format!("{difference:?}");
            assert!(difference.contains(&one), "{difference}");
            assert!(difference.contains("cannot be looked at"), "{difference}");
        }
        assert!(host.server.log().contains("is damaged"));
        host.server.kill();
        fs::write(&path, whole).unwrap();
        host.server.restart();
        host.verified().await;
    }
}

/// An empty disk in place of a tenant's own would be worse than none. An operator who has brought it
/// back has the host try again.
#[tokio::test]
async fn a_disk_that_a_machine_has_run_on_is_never_made_anew() {
    let Some(host) = Host::start().await else {
        return;
    };
    for content in [Some("damaged"), None] {
        let machine = host.running("web", SILENT_IMAGE).await;
        assert_eq!(host.call(&machine, "stop").await.0, 200);
        let disk = host.folder(&machine).join("disk.qcow2");
        let whole = fs::read(&disk).unwrap();
        match content {
            Some(content) => fs::write(&disk, content).unwrap(),
            None => fs::remove_file(&disk).unwrap(),
        }
        let (status, answer) = host.call(&machine, "start").await;
        assert_eq!(
            (status, &answer["error"]),
            (502, &json!("DRIVER_ERROR")),
            "{answer}"
        );
        let message = text(&answer["message"]);
        assert!(message.contains("its disk is damaged or gone"), "{message}");
        let now = fs::read_to_string(&disk).ok();
        assert_eq!(now.as_deref(), content, "{message}");

        fs::write(&disk, whole).unwrap();
        let retry = format!("/leftovers/{machine}/retry");
        let (status, answer) = host.server.admin("POST", &retry, None).await;
        assert_eq!(status, 200, "{answer}");
        host.verified().await;
        let (status, answer) = host.call(&machine, "start").await;
        assert_eq!(status, 200, "{answer}");
        host.delete(&machine).await;
        host.gone(&machine).await;
    }
}
