//! Bytes that libFuzzer makes up, for the reader that `DEEDS_FUZZ` names: a row of `deeds::fuzzing::ALL`.
#![no_main]

use std::sync::LazyLock;

use deeds::fuzzing::{ALL, Reader};
use libfuzzer_sys::fuzz_target;

static READ: LazyLock<Reader> = LazyLock::new(|| {
    let named = std::env::var("DEEDS_FUZZ").unwrap_or_default();
    let row = ALL.into_iter().find(|(name, _)| *name == named);
    row.map_or_else(|| panic!("DEEDS_FUZZ names none of {:?}", ALL.map(|(name, _)| name)), |(_, read)| read)
});

fuzz_target!(|bytes: &[u8]| READ(bytes));
