#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| check_followers::take_in(data));
