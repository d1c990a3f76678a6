use super::{Images, NOTE, Readiness};
use crate::test_image;

#[test]
fn what_says_that_a_guest_is_ready_reads_as_it_was_written() {
    for text in ["none", "agent", "console:login:", "console:a b"] {
        assert_eq!(text.parse::<Readiness>().unwrap().to_string(), text);
    }
    for text in [
        "",
        "console:",
        "Agent",
        &format!("console:{}", "x".repeat(201)),
    ] {
        assert!(text.parse::<Readiness>().is_err(), "{text}");
    }
}

#[test]
fn what_an_import_left_half_done_is_no_image() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("file");
    std::fs::write(&file, "a disk").unwrap();
    let images = Images::open(data.path()).unwrap();
    images.adopt(test_image::note(), &file).unwrap();
    let id = test_image::note().id;
    let half = ["77.new", "78.old"].map(|name| data.path().join("images").join(name));
    for half in &half {
        std::fs::create_dir(half).unwrap();
        std::fs::write(half.join("disk"), "half").unwrap();
    }

    let images = Images::open(data.path()).unwrap();
    assert!(
        half.iter().all(|half| half.exists()),
        "not without the lock"
    );
    images.tidy().unwrap();
    let ids: Vec<i64> = images.notes().unwrap().iter().map(|note| note.id).collect();
    assert_eq!(ids, [id]);
    assert!(!half.iter().any(|half| half.exists()));
    let kept = images.file(id).unwrap().unwrap();
    assert_eq!(std::fs::read(&kept.path).unwrap(), b"a disk");

    // What is there is never replaced: disks may lie upon it.
    std::fs::write(&file, "another").unwrap();
    images.adopt(test_image::note(), &file).unwrap();
    assert_eq!(std::fs::read(&kept.path).unwrap(), b"a disk");
    images.remove(id).unwrap();
    assert!(images.file(id).unwrap().is_none());
    assert!(!data.path().join(format!("images/{id}")).exists());
    images.remove(id).unwrap();
}

/// Machines' disks may lie upon it, whatever became of its note.
#[test]
fn an_image_that_cannot_be_read_is_left_alone() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("file");
    std::fs::write(&file, "a disk").unwrap();
    let images = Images::open(data.path()).unwrap();
    images.adopt(test_image::note(), &file).unwrap();
    let folder = data
        .path()
        .join("images")
        .join(test_image::note().id.to_string());
    std::fs::write(data.path().join("images/99"), "a file, no folder").unwrap();
    let kept = std::fs::read(folder.join(NOTE)).unwrap();
    for damage in [Some("{"), None] {
        match damage {
            Some(text) => std::fs::write(folder.join(NOTE), text).unwrap(),
            None => std::fs::remove_file(folder.join(NOTE)).unwrap(),
        }
        let images = Images::open(data.path()).unwrap();
        images.tidy().unwrap();
        assert_eq!(images.notes().unwrap(), []);
        assert!(images.file(test_image::note().id).is_err());
        assert!(images.adopt(test_image::note(), &file).is_err());
        assert_eq!(std::fs::read(folder.join("disk")).unwrap(), b"a disk");
    }
    std::fs::write(folder.join(NOTE), kept).unwrap();
    assert_eq!(images.notes().unwrap().len(), 1);
}
