//! Programs' files, through crashes.

use std::collections::BTreeSet;
use std::io::{ErrorKind, SeekFrom};
use std::time::Duration;

use seedbed_sim::host::Deployment;
use seedbed_sim::{Fault, FaultClass, NodeId, Span, Time, What};
use tokio::fs::{self, File, OpenOptions};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio::time::{Instant, sleep};

use super::{Words, run, said, says};

const A: NodeId = NodeId(0);

/// One node, and one fault from 50 to 100 ms.
fn with(what: What) -> Deployment {
    let mut deployment = Deployment::of(1);
    deployment.faults = vec![Fault::new(Time::ms(50), Span::ms(50), what)];
    deployment
}

/// Writes ten numbers to a log, the first six of them durably; says what it finds when it starts.
async fn logs(node: Words) {
    let old = fs::read("/data/log").await;
    says(&node, "found", old.map_err(|error| error.kind()));
    fs::create_dir_all("/data").await.unwrap();
    let mut log = OpenOptions::new().create(true).append(true).open("/data/log").await.unwrap();
    for n in 0..10u8 {
        log.write_all(&[n; 4]).await.unwrap();
        if n == 5 {
            log.sync_all().await.unwrap();
        }
    }
    sleep(Duration::from_secs(9)).await;
}

fn found(deployment: &Deployment, seed: u64) -> String {
    let run = run(deployment, seed, logs);
    assert_eq!(run.violation, None);
    let [_, found] = said(&run).try_into().expect("two starts");
    found
}

#[test]
fn what_was_synced_survives_a_crash_and_the_rest_does_by_chance() {
    let synced: Vec<u8> = (0..6u8).flat_map(|n| [n; 4]).collect();
    let synced = format!("{synced:?}");
    let synced = synced.trim_end_matches(']');
    let found: Vec<String> = (0..20).map(|seed| found(&with(What::Crash { node: A.into() }), seed)).collect();
    for log in &found {
        assert!(log.starts_with(&format!("found=Ok({synced}")), "{log}");
    }
    let different: BTreeSet<&String> = found.iter().collect();
    assert!(different.len() > 10, "lost, torn and kept writes: {different:?}");
}

#[test]
fn a_disk_that_loses_all_or_nothing_does() {
    let mut deployment = with(What::Crash { node: A.into() });
    deployment.disk.torn_ppm = 0;
    deployment.disk.lost_ppm = 1_000_000;
    assert_eq!(found(&deployment, 1).matches(", ").count() + 1, 24);
    deployment.disk.lost_ppm = 0;
    assert_eq!(found(&deployment, 1).matches(", ").count() + 1, 40);
}

#[test]
fn a_wipe_leaves_nothing_and_a_pause_everything() {
    assert_eq!(found(&with(What::Wipe { node: A.into() }), 1), "found=Err(NotFound)");
    let paused = run(&with(What::Pause { node: A.into() }), 1, logs);
    assert_eq!(said(&paused), ["found=Err(NotFound)"]);
}

#[test]
fn each_node_and_each_run_has_a_disk_of_its_own() {
    async fn program(node: Words) {
        says(&node, "before", fs::try_exists("/mine").await.unwrap());
        fs::write("/mine", node.id().to_string()).await.unwrap();
        sleep(Duration::from_millis(10)).await;
        says(&node, "mine", fs::read_to_string("/mine").await.unwrap());
    }
    for seed in 0..3 {
        let run = run(&Deployment::of(2), seed, program);
        assert_eq!(
            said(&run).into_iter().collect::<BTreeSet<_>>(),
            ["before=false".to_string(), "mine=\"n0\"".to_string(), "mine=\"n1\"".to_string()].into()
        );
    }
}

#[test]
fn a_full_disk_refuses_to_write_and_a_slow_one_to_sync_quickly() {
    async fn program(node: Words) {
        let mut log = File::create("/log").await.unwrap();
        sleep(Duration::from_millis(60)).await;
        says(&node, "write", log.write_all(b"x").await.map_err(|error| error.kind()));
        let began = Instant::now();
        log.sync_all().await.unwrap();
        says(&node, "slow", began.elapsed() > Duration::from_millis(20));
        sleep(Duration::from_millis(100)).await;
        says(&node, "later", log.write_all(b"x").await.map_err(|error| error.kind()));
    }
    let full = run(&with(What::FullDisk { node: A.into() }), 1, program);
    assert_eq!(said(&full), ["write=Err(StorageFull)", "slow=false", "later=Ok(())"]);
    assert_eq!((full.stats.fault(FaultClass::Disk), full.idle.len()), (1, 0));
    let slow = run(&with(What::SlowDisk { node: A.into(), by: Span::ms(20) }), 1, program);
    assert_eq!(said(&slow), ["write=Ok(())", "slow=true", "later=Ok(())"]);
    assert_eq!((slow.stats.fault(FaultClass::Disk), slow.idle.len()), (1, 0));
}

#[test]
fn a_sync_that_a_crash_interrupts_covers_nothing_for_certain() {
    async fn program(node: Words) {
        says(&node, "found", fs::read("/log").await.map_err(|error| error.kind()));
        let mut log = File::create("/log").await.unwrap();
        log.write_all(b"x").await.unwrap();
        log.sync_all().await.unwrap();
        says(&node, "synced", "too early");
    }
    let mut deployment = with(What::Crash { node: A.into() });
    deployment.disk.sync = Span::ms(80);
    deployment.disk.lost_ppm = 1_000_000;
    assert_eq!(
        said(&run(&deployment, 1, program)),
        ["found=Err(NotFound)", "found=Err(NotFound)", "synced=\"too early\""]
    );
}

/// Replaces a file as programs should, or forgets to sync what it renames.
async fn replaces(node: Words, careful: bool) {
    match fs::read_to_string("/state").await {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let mut first = File::create("/state").await.unwrap();
            first.write_all(b"first").await.unwrap();
            first.sync_all().await.unwrap();
        }
        state => says(&node, "state", state.unwrap()),
    }
    let mut next = File::create("/state.new").await.unwrap();
    next.write_all(b"other").await.unwrap();
    if careful {
        next.sync_all().await.unwrap();
    }
    fs::rename("/state.new", "/state").await.unwrap();
    sleep(Duration::from_secs(9)).await;
}

#[test]
fn a_rename_is_atomic_only_for_what_was_synced_before() {
    let states = |careful| -> BTreeSet<String> {
        let runs =
            (0..60).map(|seed| run(&with(What::Crash { node: A.into() }), seed, move |node| replaces(node, careful)));
        runs.flat_map(|run| said(&run)).collect()
    };
    assert_eq!(states(true), ["state=\"first\"".to_string(), "state=\"other\"".to_string()].into());
    assert!(states(false).contains("state=\"\""), "{:?}", states(false));
}

#[test]
fn files_read_write_and_seek_as_tokios_do() {
    let run = run(&Deployment::of(1), 1, |node| async move {
        let mut file = OpenOptions::new().read(true).write(true).create_new(true).open("notes").await.unwrap();
        file.write_all(b"hello world").await.unwrap();
        file.seek(SeekFrom::Start(6)).await.unwrap();
        let mut word = String::new();
        file.read_to_string(&mut word).await.unwrap();
        says(&node, "word", word);
        file.seek(SeekFrom::End(-5)).await.unwrap();
        file.write_all(b"W").await.unwrap();
        file.set_len(7).await.unwrap();
        says(&node, "cut", fs::read_to_string("/notes").await.unwrap());
        says(&node, "len", fs::metadata("/notes").await.unwrap().len());
        says(&node, "again", File::create_new("/notes").await.map_err(|error| error.kind()).map(drop));
        says(
            &node,
            "read only",
            File::open("/notes").await.unwrap().write_all(b"x").await.map_err(|error| error.kind()),
        );
        fs::create_dir_all("/a/b/c").await.unwrap();
        fs::copy("/notes", "/a/b/copy").await.unwrap();
        let mut inside = fs::read_dir("/a/b").await.unwrap();
        let mut names = Vec::new();
        while let Some(entry) = inside.next_entry().await.unwrap() {
            names.push((entry.path(), entry.file_type().await.unwrap().is_dir()));
        }
        says(&node, "inside", names);
        fs::rename("/a", "/z").await.unwrap();
        says(&node, "moved", fs::read_to_string("/z/b/copy").await.unwrap());
        says(&node, "not empty", fs::remove_dir("/z").await.map_err(|error| error.kind()));
        fs::remove_dir_all("/z").await.unwrap();
        says(&node, "gone", fs::try_exists("/z/b/copy").await.unwrap());
    });
    assert_eq!(run.violation, None);
    assert_eq!(
        said(&run),
        [
            "word=\"world\"",
            "cut=\"hello W\"",
            "len=7",
            "again=Err(AlreadyExists)",
            "read only=Err(PermissionDenied)",
            "inside=[(\"/a/b/c\", true), (\"/a/b/copy\", false)]",
            "moved=\"hello W\"",
            "not empty=Err(DirectoryNotEmpty)",
            "gone=false",
        ]
    );
}
