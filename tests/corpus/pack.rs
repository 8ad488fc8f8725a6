//! A corpus as one compressed archive: for each ledger its deeds as lines, and what the version that wrote them made of
//! them. `tar xzf ledgers.tar.gz` shows both.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

const ARCHIVE: &str = "ledgers.tar.gz";

/// One ledger of a corpus.
#[derive(Default)]
pub(crate) struct Ledger {
    /// What it is called in the corpus.
    pub(crate) name: String,
    /// An export, or the deeds alone, one a line.
    pub(crate) text: String,
    /// What it comes to, as JSON.
    pub(crate) expected: String,
}

/// The ledgers of a corpus, by name.
pub(crate) fn read(folder: &Path) -> Vec<Ledger> {
    let path = folder.join(ARCHIVE);
    let file = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut ledgers: BTreeMap<String, Ledger> = BTreeMap::new();
    for entry in tar::Archive::new(GzDecoder::new(file)).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().into_owned();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let ledger = ledgers.entry(name.clone()).or_default();
        ledger.name = name;
        let is_expected = path.extension().is_some_and(|extension| extension == "json");
        let into = if is_expected { &mut ledger.expected } else { &mut ledger.text };
        entry.read_to_string(into).unwrap();
    }
    ledgers.into_values().collect()
}

/// Writes a corpus; the same ledgers give the same bytes.
pub(crate) fn write(folder: &Path, ledgers: &[Ledger]) {
    fs::create_dir_all(folder).unwrap();
    let file = File::create(folder.join(ARCHIVE)).unwrap();
    let mut archive = tar::Builder::new(GzEncoder::new(file, Compression::best()));
    for ledger in ledgers {
        for (extension, text) in [("jsonl", &ledger.text), ("json", &ledger.expected)] {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            let name = format!("{}.{extension}", ledger.name);
            archive.append_data(&mut header, name, text.as_bytes()).unwrap();
        }
    }
    archive.into_inner().unwrap().finish().unwrap();
}
