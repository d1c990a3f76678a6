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
    let half = data.path().join("images/77");
    std::fs::create_dir(&half).unwrap();
    std::fs::write(half.join("disk"), "half").unwrap();

    let images = Images::open(data.path()).unwrap();
    let ids: Vec<i64> = images.notes().unwrap().iter().map(|note| note.id).collect();
    assert_eq!(ids, [id]);
    assert!(!half.exists());
    let kept = images.file(id).unwrap();
    assert_eq!(std::fs::read(&kept.path).unwrap(), b"a disk");

    // What is there is never replaced: disks may lie upon it.
    std::fs::write(&file, "another").unwrap();
    images.adopt(test_image::note(), &file).unwrap();
    assert_eq!(std::fs::read(&kept.path).unwrap(), b"a disk");
    images.remove(id).unwrap();
    assert!(images.file(id).is_none());
    assert!(!data.path().join(format!("images/{id}")).join(NOTE).exists());
}
