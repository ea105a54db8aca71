#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| have_a_hug::fuzzing::topic(data));
