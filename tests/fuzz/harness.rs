//! Runs a campaign: numbered inputs, each with a generator of its own, under a watchdog.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::io::Write as _;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, Once};
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus as Random;

/// Inputs of all campaigns together, unless `MIXLAW_FUZZ_INPUTS` says otherwise.
const INPUTS: u64 = 2_000;
/// An input that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(20);
/// The most characters of an error's message.
const LONGEST_MESSAGE: usize = 2_000;
/// What the panics begin with that are a report, and not a finding.
const REPORT: &str = "campaign `";

/// How often something happened in a campaign.
#[derive(Default)]
pub struct Tally(BTreeMap<&'static str, u64>);

impl Tally {
    pub fn count(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    /// Counts an answer, and checks the message of a refusal.
    #[track_caller]
    pub fn answer<T, E: Display>(&mut self, what: &'static str, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => {
                self.count(what);
                Some(value)
            }
            Err(error) => {
                check_message(&error);
                self.count("refused");
                None
            }
        }
    }
}

/// A refusal says something, and not too much.
#[track_caller]
pub fn check_message(error: &impl Display) {
    let text = error.to_string();
    let length = text.chars().count();
    assert!(!text.trim().is_empty(), "an error without a message");
    let begin: String = text.chars().take(80).collect();
    assert!(length <= LONGEST_MESSAGE, "a message of {length} characters, which begins {begin}");
}

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is `{text}`, expected a number")))
}

/// The inputs that `MIXLAW_FUZZ_INPUT` names: `123`, or `123..456`.
fn chosen() -> Option<Range<u64>> {
    let text = std::env::var("MIXLAW_FUZZ_INPUT").ok()?;
    let number = |text: &str| text.parse::<u64>().ok();
    let range = match text.split_once("..") {
        Some((from, to)) => number(from).zip(number(to)),
        None => number(&text).map(|one| (one, one + 1)),
    };
    let (from, to) =
        range.unwrap_or_else(|| panic!("MIXLAW_FUZZ_INPUT is `{text}`, expected 1 or 1..2"));
    Some(from..to)
}

/// Where the last panics were, of all threads.
static PLACES: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());

fn text_of(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or("no text".to_owned())
}

/// Panics are collected, and printed by the campaign that had them.
fn collect_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let text = text_of(info.payload());
            if text.starts_with(REPORT) {
                return usual(info);
            }
            let place = info.location().map_or(String::new(), ToString::to_string);
            let mut places = PLACES.lock().unwrap_or_else(|error| error.into_inner());
            if places.len() >= 64 {
                places.remove(0);
            }
            places.push((text, place));
        }));
    });
}

/// The result of `run`, or the text of its panic.
pub fn caught<R>(run: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|payload| text_of(&*payload))
}

fn place_of(text: &str) -> String {
    let places = PLACES.lock().unwrap_or_else(|error| error.into_inner());
    let place = places.iter().rev().find(|x| x.0 == text).map(|x| x.1.clone());
    place.unwrap_or("an unknown place".to_owned())
}

/// The input that runs now, and since when.
type Current = Mutex<Option<(u64, Instant)>>;

fn watch(name: &'static str, seed: u64, current: &Arc<Current>) {
    let current = Arc::downgrade(current);
    std::thread::spawn(move || {
        while let Some(current) = current.upgrade() {
            let now = *current.lock().expect("nothing panics while it is held");
            if let Some((input, _)) = now.filter(|(_, since)| since.elapsed() > LIMIT) {
                let _ = writeln!(
                    std::io::stderr(),
                    "campaign `{name}`, seed {seed}: input {input} takes longer than {} s; repeat it by \
                     MIXLAW_FUZZ_SEED={seed} MIXLAW_FUZZ_INPUT={input} cargo test --test fuzz {name}",
                    LIMIT.as_secs()
                );
                std::process::exit(101);
            }
            drop(current);
            std::thread::sleep(Duration::from_millis(100));
        }
    });
}

fn with_commas(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Runs `input` so many times as `share` thousandths of all inputs are, and fails with all that went
/// wrong at a place of its own.
pub fn campaign(name: &'static str, share: u64, input: impl Fn(&mut Random, &mut Tally)) {
    collect_panics();
    let seed = variable("MIXLAW_FUZZ_SEED").unwrap_or(0);
    let all = variable("MIXLAW_FUZZ_INPUTS").unwrap_or(INPUTS);
    let inputs = chosen().unwrap_or(0..(all * share).div_ceil(1_000));
    let tried = inputs.end.saturating_sub(inputs.start);
    let current = Arc::new(Current::default());
    watch(name, seed, &current);
    let mut tally = Tally::default();
    let mut findings: BTreeMap<String, (u64, String, u64)> = BTreeMap::new();
    let begin = Instant::now();
    for i in inputs {
        *current.lock().expect("nothing panics while it is held") = Some((i, Instant::now()));
        let own =
            name.bytes().fold(i, |x, byte| x.wrapping_mul(0x0100_0000_01B3) ^ u64::from(byte));
        let mut rng = Random::seed_from_u64(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ own);
        if let Err(text) = caught(|| input(&mut rng, &mut tally)) {
            let place = place_of(&text);
            // At once, for a run that does not reach its end.
            if !findings.contains_key(&place) {
                let _ = writeln!(
                    std::io::stderr(),
                    "campaign `{name}`, input {i}: {text}\n    at {place}"
                );
            }
            findings.entry(place).or_insert((i, text, 0)).2 += 1;
        }
    }
    *current.lock().expect("nothing panics while it is held") = None;
    let mut line = format!("{name}: {} inputs", with_commas(tried));
    for (what, count) in &tally.0 {
        let _ = write!(line, ", {} {what}", with_commas(*count));
    }
    // Not `println`, which the test harness keeps to itself.
    let seconds = begin.elapsed().as_secs_f64();
    let _ = writeln!(std::io::stdout(), "{line} ({seconds:.1} s)");
    let report: String = findings
        .iter()
        .map(|(place, (i, text, times))| {
            format!("\n  {} times, first at input {i}: {text}\n    at {place}", with_commas(*times))
        })
        .collect();
    assert!(
        findings.is_empty(),
        "{REPORT}{name}`, seed {seed}: {} findings; repeat one by MIXLAW_FUZZ_SEED={seed} \
         MIXLAW_FUZZ_INPUT=<input> cargo test --test fuzz {name}{report}",
        findings.len()
    );
}
