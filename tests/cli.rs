//! The program `mixlaw` as a process: what it says to bad input, and what its JSON means. The chapter
//! `docs/guide/command_line.md` documents the same keys.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

use mixlaw::selection::Candidate;
use mixlaw::{Predictor, Scale, Sweep, law};
use serde_json::{Map, Value};

const SWEEP: &str = include_str!("../examples/data/byte_sweep.csv");
const CHAPTER: &str = include_str!("../docs/guide/command_line.md");

/// A sweep of two domains that is valid, but too small for any fit.
const SMALL: &str = "\
run,split,n_params,n_tokens,h_web,h_code,loss_web,loss_code
r0,train,1e8,2e9,0.7,0.3,2.9,2.5
r1,train,1e8,2e9,0.5,0.5,3.0,2.2
r2,eval,2e8,2e9,0.2,0.8,3.1,2.0
r3,spare,1e8,1e9,0.2,0.8,3.3,2.1
";

/// The flags of how a file is read, which all subcommands take.
const READING: &str = "n-column d-column run-column split-column weight-columns weight-column \
    loss-columns loss-column no-weights ignore-case delimiter json-lines units weights-as normalize \
    missing where skip-incomplete repeated-measurements";

/// The flags of schedules, which all subcommands take.
const SCHEDULE: &str = "planned-column unfinished";

const SUBCOMMANDS: [&str; 9] =
    ["design", "show", "decide", "fit", "mixture", "sure", "compare", "next-runs", "paper"];

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mixlaw")).args(args).output().expect("the program runs")
}

/// A file of this test process that is removed in the end.
struct TempFile(PathBuf);

impl TempFile {
    /// Numbered, so that tests at the same time may use one name.
    fn new(name: &str) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let (process, number) = (std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        Self(std::env::temp_dir().join(format!("mixlaw-cli-{process}-{number}-{name}")))
    }

    fn with(name: &str, content: impl AsRef<[u8]>) -> Self {
        let file = Self::new(name);
        fs::write(&file.0, content).expect("a temporary file");
        file
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("a path in UTF-8")
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Exit status 1, nothing on stdout, and one line `error: ...` that contains all of `expected`.
#[track_caller]
fn fails(args: &[&str], expected: &[&str]) {
    let output = run(args);
    let stderr = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1), "{args:?}: {stderr}");
    assert!(output.stdout.is_empty(), "{args:?}: {}", String::from_utf8_lossy(&output.stdout));
    assert!(!stderr.contains("panicked"), "{args:?}: {stderr}");
    let errors: Vec<&str> = stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    let [error] = errors.as_slice() else { panic!("{args:?}: not one error line: {stderr}") };
    let others = stderr.lines().filter(|line| !line.starts_with("error: "));
    others.for_each(|line| assert!(line.starts_with("note: "), "{args:?}: {stderr}"));
    for part in expected {
        assert!(error.contains(part), "{args:?}: no {part:?} in {error:?}");
    }
}

/// The file is refused with a message that names it.
#[track_caller]
fn refuses(name: &str, content: impl AsRef<[u8]>, expected: &[&str]) {
    let file = TempFile::with(name, content);
    let expected: Vec<&str> = expected.iter().copied().chain([file.path()]).collect();
    for subcommand in ["decide", "fit", "mixture", "sure", "next-runs"] {
        let quick = ["--laws", "additive", "--starts", "2"];
        fails(&[&[subcommand, file.path()], &quick[..]].concat(), &expected);
    }
}

/// [`SMALL`] with one text replaced, which must be there once.
#[track_caller]
fn small_with(from: &str, to: &str) -> String {
    assert_eq!(SMALL.matches(from).count(), 1, "{from}");
    SMALL.replace(from, to)
}

/// Runs with `--json` and returns what was written.
#[track_caller]
fn json(name: &str, args: &[&str]) -> Value {
    let out = TempFile::new(name);
    let output = run(&[args, &["--json", out.path()]].concat());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {stderr}");
    assert!(!output.stdout.is_empty());
    let text = fs::read_to_string(out.path()).expect("the JSON was written");
    serde_json::from_str(&text).expect("it is JSON")
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

/// These keys, in this order, all of which the chapter documents.
#[track_caller]
fn has_keys(value: &Value, expected: &[&str]) {
    assert_eq!(keys(value), expected);
    for key in expected {
        assert!(CHAPTER.contains(&format!("`{key}`")), "the chapter does not document `{key}`");
    }
}

#[test]
fn headers_that_are_wrong_are_named() {
    let missing = small_with("n_tokens", "tokens");
    refuses("no-tokens", missing, &["line 1", "`n_tokens`", "run, split, n_params, tokens"]);
    let twice = small_with("loss_code", "loss_web");
    refuses("twice", twice, &["line 1", "`loss_web` appears twice"]);
    let no_h = small_with("h_web,h_code", "web,code");
    refuses("no-h", no_h, &["line 1", "h_<domain>"]);
    let no_loss = small_with("loss_web,loss_code", "web,code");
    refuses("no-loss", no_loss, &["line 1", "loss_<target>"]);
}

#[test]
fn cells_that_are_wrong_are_named() {
    let row = "r1,train,1e8,2e9,0.5,0.5,3.0,2.2";
    for (name, bad, expected) in [
        ("text", "r1,train,1e8,lots,0.5,0.5,3.0,2.2", ["line 3", "`n_tokens`", "`lots`"]),
        ("empty-cell", "r1,train,1e8,2e9,0.5,0.5,,2.2", ["line 3", "`loss_web`", "an empty cell"]),
        ("nan", "r1,train,1e8,2e9,0.5,0.5,NaN,2.2", ["line 3", "`loss_web`", "NaN"]),
        ("nan-h", "r1,train,1e8,2e9,nan,0.5,3.0,2.2", ["line 3", "`h_web`", "NaN"]),
        ("infinite", "r1,train,1e8,2e9,0.5,0.5,3.0,inf", ["line 3", "`loss_code`", "inf"]),
        ("negative", "r1,train,1e8,2e9,0.5,0.5,-3.0,2.2", ["line 3", "`loss_web`", "-3"]),
        ("zero-n", "r1,train,0,2e9,0.5,0.5,3.0,2.2", ["line 3", "`n_params`", "0"]),
        ("sum", "r1,train,1e8,2e9,0.5,0.4,3.0,2.2", ["line 3", "h_web + h_code", "0.9"]),
        ("negative-h", "r1,train,1e8,2e9,1.2,-0.2,3.0,2.2", ["line 3", "`h_code`", "-0.2"]),
        ("short", "r1,train,1e8,2e9,0.5,0.5,3.0", ["line 3", "7 fields", "expected 8"]),
        ("long", "r1,train,1e8,2e9,0.5,0.5,3.0,2.2,1", ["line 3", "9 fields", "expected 8"]),
    ] {
        refuses(name, small_with(row, bad), &expected);
    }
}

#[test]
fn rows_of_every_split_are_checked() {
    let spare = small_with("r3,spare,1e8,1e9", "r3,spare,1e8,-1e9");
    refuses("spare", spare, &["line 5", "`n_tokens`", "-1000000000", "> 0"]);
}

#[test]
fn files_that_are_no_sweep_are_refused() {
    refuses("empty", "", &["at least one line"]);
    refuses("header", SMALL.lines().next().unwrap(), &["at least one row below"]);
    refuses("png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01", &["line 1", "not UTF-8"]);
    let binary_below = [SMALL.as_bytes(), b"\xff\xfe\0\x01\n"].concat();
    refuses("binary-below", binary_below, &["line 6", "not UTF-8"]);
    let missing = TempFile::new("missing");
    fails(&["fit", missing.path()], &[missing.path()]);
    let directory = std::env::temp_dir();
    let directory = directory.to_str().expect("a path in UTF-8");
    fails(&["fit", directory], &[directory]);
}

#[test]
fn too_little_data_is_refused() {
    let file = TempFile::with("few", SMALL);
    let quick = |subcommand| [subcommand, file.path(), "--laws", "additive", "--starts", "2"];
    let few = ["2 rows", "9 free coefficients", "additive", file.path()];
    ["fit", "mixture"].iter().for_each(|subcommand| fails(&quick(subcommand), &few));
    // Without the prior that they have by default.
    for subcommand in ["decide", "sure", "next-runs"] {
        fails(&[&quick(subcommand)[..], &["--coefficient-prior", "none"]].concat(), &few);
    }
    fails(&quick("sure"), &["no law suits the sweep"]);
    refuses("no-train", SMALL.replace("train", "test"), &["`train`", "test, eval, spare"]);
}

#[test]
fn shared_flags_that_are_wrong_are_named() {
    for (args, expected) in [
        (&["--laws", "cubic"][..], &["--laws", "`cubic`", "additive"][..]),
        (&["--laws", "joint,joint"], &["--laws", "`joint`", "twice"]),
        (&["--laws", "joint,"], &["--laws", "`joint,`", "name"]),
        (&["--targets", "cobol"], &["--targets", "`cobol`", "english, french, python, c, rust"]),
        (&["--targets", "c,c"], &["--targets", "`c`", "twice"]),
        (&["--laws", "ge24", "--targets", "cobol"], &["`cobol`", "english"]),
        (&["--laws", "ge24", "--targets", "rust"], &["--laws", "ge24", "rust"]),
        (&["--unique", "c"], &["--unique", "`c`", "DOMAIN=TOKENS"]),
        (&["--unique", "c=0"], &["--unique", "`0`", "> 0"]),
        (&["--unique", "cobol=1"], &["--unique", "`cobol`", "english, french, python, c"]),
        (&["--optimizer", "adam"], &["--optimizer", "`adam`", "lbfgs"]),
        (&["--gamma", "negative"], &["--gamma", "`negative`", "positive"]),
        (&["--starts", "0"], &["--starts", "`0`", "from 1 to 1000000"]),
        (&["--starts", "-3"], &["--starts", "`-3`", "from 1 to 1000000"]),
        (&["--starts", "2.5"], &["--starts", "`2.5`", "whole number"]),
        (&["--seed", "x"], &["--seed", "`x`", "whole number"]),
        (&["--seed", "-1"], &["--seed", "`-1`", "from 0"]),
        (&["--at", "0,1e9"], &["--at", "`0`", "> 0"]),
        (&["--at", "1e9,inf"], &["--at", "`inf`", "finite"]),
        (&["--at", "x"], &["--at", "`x`", "N,D"]),
        (&["--at", "1e9,x"], &["--at", "`x`", "> 0"]),
        (&["--weights", "rust"], &["--weights", "`rust`", "TARGET=WEIGHT"]),
        (&["--weights", "rust=-1"], &["--weights", "rust", "`-1`", "> 0"]),
        (&["--weights", "rust=0"], &["--weights", "rust", "`0`", "> 0"]),
        (&["--weights", "rust=NaN"], &["--weights", "rust", "`NaN`"]),
        (&["--weights", "rust=1,rust=2"], &["--weights", "`rust`", "twice"]),
        (&["--weights", "cobol=1"], &["--weights", "`cobol`", "english"]),
        (&["--weights", "rust=1", "--targets", "c"], &["--weights", "`rust`", "--targets c"]),
        (&["--weights", "rust=1", "--laws", "ge24"], &["--weights", "ge24", "`rust`"]),
        (&["--frobnicate"], &["--frobnicate", "--help"]),
        (&["-x"], &["-x"]),
        (&["--seed"], &["--seed"]),
        (&["one.csv", "two.csv"], &["one.csv: "]),
        (&["--json", "/no/such/directory/out.json"], &["--json", "`/no/such/directory/out.json`"]),
        (&["--json", "/"], &["--json", "`/`", "a file"]),
    ] {
        let mut args = [&["fit"], args].concat();
        if !args.contains(&"--laws") {
            args.extend(["--laws", "additive"]);
        }
        if !args.contains(&"--starts") {
            args.extend(["--starts", "1"]);
        }
        fails(&args, expected);
    }
}

#[test]
fn every_subcommand_refuses_flags_that_are_not_its_own() {
    for subcommand in SUBCOMMANDS {
        fails(&[subcommand, "--frobnicate", "1"], &["--frobnicate", subcommand]);
    }
    fails(&["fit", "--cap", "c=1:1"], &["--cap", "mixlaw fit"]);
    fails(&["compare", "--weights", "c=1"], &["--weights", "mixlaw compare"]);
    fails(&["mixture", "--level", "0.9"], &["--level", "mixlaw mixture"]);
}

#[test]
fn subcommands_are_named() {
    let all = "design, show, decide, fit, mixture, sure, compare, next-runs, paper";
    fails(&[], &["a subcommand", all]);
    fails(&["frobnicate"], &["`frobnicate`", all]);
    fails(&["--frobnicate"], &["--frobnicate"]);
    // A file in the place of the subcommand.
    fails(&["sweep.csv"], &["`sweep.csv`", all]);
}

#[test]
fn flags_of_reading_that_are_wrong_are_named() {
    let file = TempFile::with("reading", SMALL);
    for (args, expected) in [
        (&["--n-column", ""][..], &["--n-column", "a name"][..]),
        (&["--n-column", "size"], &["line 1", "`size`", "run, split, n_params"]),
        (&["--d-column", " "], &["--d-column", "a name"]),
        (&["--d-column", "seen"], &["line 1", "`seen`"]),
        (&["--run-column", ""], &["--run-column", "a name"]),
        (&["--run-column", "id"], &["line 1", "`id`"]),
        (&["--split-column", ""], &["--split-column", "a name"]),
        (&["--split-column", "set"], &["line 1", "`set`"]),
        (&["--weight-columns", ""], &["--weight-columns", "a name"]),
        (&["--weight-columns", "w/"], &["line 1", "`w/<domain>`"]),
        (&["--weight-column", "h_web"], &["--weight-column", "`h_web`", "COLUMN=DOMAIN"]),
        (&["--weight-column", "=web"], &["--weight-column", "`=web`", "COLUMN=DOMAIN"]),
        (&["--weight-column", "w=web"], &["line 1", "`w`"]),
        (&["--loss-columns", ""], &["--loss-columns", "a name"]),
        (&["--loss-columns", "eval/"], &["line 1", "`eval/<target>`"]),
        (&["--loss-column", "loss_web="], &["--loss-column", "`loss_web=`", "COLUMN=TARGET"]),
        (&["--loss-column", "loss=web"], &["line 1", "`loss`"]),
        (&["--no-weights", ""], &["--no-weights", "a name"]),
        (&["--ignore-case=yes"], &["--ignore-case", "yes"]),
        (&["--delimiter", "ab"], &["--delimiter", "`ab`", "one ASCII character"]),
        (&["--delimiter", "\""], &["--delimiter", "one ASCII character"]),
        (&["--delimiter", "é"], &["--delimiter", "`é`", "one ASCII character"]),
        (&["--delimiter", ";"], &["line 1", "`n_params`"]),
        (&["--json-lines"], &["line 1", "not a JSON object"]),
        (&["--weights-as", "shares"], &["--weights-as", "`shares`", "fraction, percent, tokens"]),
        (&["--weights-as", "percent"], &["line 2", "h_web + h_code", "0.01"]),
        (&["--normalize", "1"], &["--normalize", "`1`", "between 0 and 1"]),
        (&["--normalize", "x"], &["--normalize", "`x`", "between 0 and 1"]),
        (&["--missing", "NaN,NaN"], &["--missing", "`NaN`", "twice"]),
        (&["--where", "split"], &["--where", "`split`", "COLUMN=VALUE"]),
        (&["--where", "=train"], &["--where", "`=train`", "COLUMN=VALUE"]),
        (&["--where", "outlier=0"], &["line 1", "`outlier`"]),
        (&["--where", "split=none"], &["passes the filters"]),
    ] {
        let quick = ["fit", file.path(), "--laws", "additive", "--starts", "1"];
        fails(&[&quick[..], args].concat(), expected);
    }
    let units = TempFile::with("no-units", SMALL.replace("r0,train,1e8", "r0,train,100M"));
    fails(&["fit", units.path()], &[units.path(), "line 2", "`n_params`", "`100M`"]);
    let bad = TempFile::with("bad-units", SMALL.replace("r0,train,1e8", "r0,train,100X"));
    fails(&["fit", bad.path(), "--units"], &["line 2", "`100X`", "K, M, B, G or T"]);
    let empty = TempFile::with("incomplete", SMALL.replace(",2.2\n", ",\n"));
    fails(&["fit", empty.path()], &["line 3", "`loss_code`", "an empty cell"]);
    let twice = TempFile::with(
        "measured-twice",
        small_with("r1,train", "r0,train").replace("0.5,0.5", "0.7,0.3"),
    );
    fails(&["fit", twice.path()], &["line 2 and line 3", "`r0`"]);
    fails(&["fit", file.path(), empty.path()], &[empty.path(), "line 3", "`loss_code`"]);
}

/// [`SWEEP`] with a column of planned tokens: 1.2 times the last D of its run, in millions.
fn planned() -> String {
    let mut lines = SWEEP.lines();
    let columns: Vec<&str> = lines.next().expect("a header").split(',').collect();
    let place = |name| columns.iter().position(|column| *column == name).expect("a column");
    let (run, d) = (place("run"), place("n_tokens"));
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    let tokens = |row: &Vec<&str>| row[d].parse::<f64>().expect("a number");
    let last =
        |name: &str| rows.iter().filter(|row| row[run] == name).map(tokens).fold(0.0, f64::max);
    let row = |row: &Vec<&str>| format!("{},{}M", row.join(","), 1.2e-6 * last(row[run]));
    let rows: Vec<String> = rows.iter().map(row).collect();
    format!("{},planned\n{}\n", columns.join(","), rows.join("\n"))
}

#[test]
fn rows_in_the_middle_of_a_schedule_are_dropped_or_weighed_down() {
    let file = TempFile::with("planned", planned());
    let args = ["fit", file.path(), "--laws", "chinchilla", "--targets", "rust", "--starts", "2"];
    let args = [&args[..], &["--units", "--planned-column", "planned"]].concat();
    let sweep = mixlaw::sweep::SweepReader::new().units().column("planned");
    let sweep = sweep.read(file.path()).expect("a sweep").0;
    let shares = sweep.schedule_shares("planned").expect("shares");
    let half = |sweep: &mixlaw::Sweep| sweep.late_checkpoints("planned", 0.5).expect("rows");
    let fit = |fitter: mixlaw::Fitter, sweep: &mixlaw::Sweep| {
        let train = sweep.split("train").expect("train rows");
        let law = law::ChinchillaLaw::for_sweep(&train);
        fitter.starts(2).fit(law, &train, "rust").expect("a fit").objective()
    };
    for (way, expected) in [
        ("drop:0.5", fit(mixlaw::Fitter::new(), &half(&sweep))),
        ("weigh:2", fit(mixlaw::Fitter::new().weigh_by_schedule("planned", 2.0), &sweep)),
        ("weigh:0", fit(mixlaw::Fitter::new(), &sweep)),
    ] {
        let found = json("planned.json", &[&args[..], &["--unfinished", way]].concat());
        assert_eq!(found["fits"][0]["huber"], expected, "{way}");
    }
    let output = run(&[&args[..], &["--unfinished", "drop:0.5"]].concat());
    let left_out = shares.iter().filter(|share| **share < 0.5).count();
    let note =
        format!("note: {left_out} of {} rows left out below 0.5 of `planned`\n", shares.len());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(left_out > 0 && stderr.contains(&note), "{stderr}");
}

#[test]
fn flags_of_schedules_that_are_wrong_are_named() {
    let file = TempFile::with("planned-wrong", planned());
    for (args, expected) in [
        (&["--planned-column", "planned"][..], &["--planned-column", "--unfinished"][..]),
        (&["--unfinished", "drop:1"], &["--unfinished", "--planned-column"]),
        (&["--unfinished", "drop"], &["--unfinished", "`drop`", "drop:SHARE or weigh:POWER"]),
        (&["--unfinished", "drop:0"], &["--unfinished", "`0`", "> 0"]),
        (&["--unfinished", "drop:1.5"], &["--unfinished", "`1.5`", "at most 1"]),
        (&["--unfinished", "weigh:inf"], &["--unfinished", "`inf`", "finite"]),
        (&["--planned-column", "plan", "--unfinished", "drop:1"], &["line 1", "`plan`"]),
        (&["--planned-column", "planned", "--unfinished", "drop:1"], &["late checkpoints"]),
    ] {
        let quick = ["fit", file.path(), "--units", "--laws", "additive", "--starts", "1"];
        fails(&[&quick[..], args].concat(), expected);
    }
    // Planned in millions, and read as such.
    let small = planned().replace("M\n", "\n");
    let file = TempFile::with("planned-millions", small);
    let args = ["fit", file.path(), "--planned-column", "planned", "--unfinished", "weigh:1"];
    fails(&args, &[file.path(), "line 2", "`planned`", "the tokens of the whole run"]);
}

#[test]
fn a_table_of_another_form_is_the_same_sweep() {
    // The embedded sweep with other names, units of percent and semicolons, in two files.
    let mut lines = SWEEP.lines();
    let columns: Vec<&str> = lines.next().expect("a header").split(',').collect();
    let header: Vec<String> = columns
        .iter()
        .map(|name| {
            let name = name.replace("h_", "mix/").replace("loss_", "eval/");
            name.replace("n_params", "Size").replace("n_tokens", "Seen").replace("run", "Id")
        })
        .collect();
    let rows: Vec<String> = lines
        .enumerate()
        .map(|(i, line)| {
            let cells = line.split(',').zip(&columns).map(|(cell, name)| match *name {
                name if name.starts_with("h_") => format!("{cell}e2%"),
                _ => cell.to_owned(),
            });
            format!("{};{}", cells.collect::<Vec<_>>().join(";"), i % 2)
        })
        .collect();
    let file = |name: &str, rows: &[String]| {
        TempFile::with(name, format!("{};bad\n{}\n", header.join(";"), rows.join("\n")))
    };
    let half = rows.len() / 2;
    let (first, second) = (file("first", &rows[..half]), file("second", &rows[half..]));
    let args = ["fit", "--laws", "chinchilla", "--targets", "rust", "--starts", "2"];
    let reading = [
        first.path(),
        second.path(),
        "--delimiter",
        ";",
        "--n-column",
        "size",
        "--d-column",
        "seen",
        "--run-column",
        "id",
        "--weight-columns",
        "mix/",
        "--weights-as",
        "percent",
        "--loss-columns",
        "eval/",
        "--ignore-case",
        "--units",
    ];
    let mut plain = json("plain.json", &args);
    let mut other = json("other-form.json", &[&args[..], &reading].concat());
    for json in [&mut plain, &mut other] {
        json["fits"][0]["seconds"] = Value::Null;
    }
    assert_eq!(plain["fits"], other["fits"]);

    // What is left out is said.
    let output = run(&[&args[..], &reading, &["--where", "bad=0"]].concat());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let said = format!("note: {} rows read, {} kept\n", rows.len(), rows.len().div_ceil(2));
    let left = format!("note: {} rows left out by the filter of `bad`\n", rows.len() / 2);
    assert!(stderr.contains(&said) && stderr.contains(&left), "{stderr}");
}

#[test]
fn help_and_version_are_printed() {
    let said = |args: &[&str]| {
        let output = run(args);
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert!(output.stderr.is_empty(), "{args:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    let overview = said(&["--help"]);
    assert!(SUBCOMMANDS.iter().all(|name| overview.contains(&format!("\n  {name} "))));
    assert_eq!(overview, said(&["-h"]));
    let version = said(&["--version"]);
    assert_eq!(version, format!("mixlaw {}\n", env!("CARGO_PKG_VERSION")));
    let shared =
        "laws unique targets optimizer starts coefficient-prior gamma seed at weights json help";
    let limits = "cap min max group box";
    let design = "domains flops runs sizes tokens-per-parameter checkpoints decaying-schedule narrow \
        natural repetition-of targets csv seed json help";
    for (subcommand, flags) in [
        ("design", design.to_owned()),
        ("show", "json help".to_owned()),
        ("decide", format!("{shared} {limits} members level margin risk each against")),
        ("fit", shared.to_owned()),
        ("mixture", format!("{shared} {limits} prior pull minimax excess flops epsilon pictures")),
        ("sure", format!("{shared} resamples level against pictures")),
        (
            "compare",
            "laws unique targets optimizer starts gamma seed at json folds help".to_owned(),
        ),
        ("next-runs", format!("{shared} count criterion mixtures run-at resamples")),
        ("paper", "optimizer starts gamma seed at json help".to_owned()),
    ] {
        let text = said(&[subcommand, "--help"]);
        for flag in flags.split(' ') {
            let listed = |text: &str, end: &str| text.contains(&format!("\n  --{flag}{end}"));
            assert!(listed(&text, " ") || listed(&text, "\n"), "{subcommand} --{flag}: {text}");
            assert!(CHAPTER.contains(&format!("`--{flag}")), "--{flag} is not in the chapter");
        }
        let reading = if subcommand == "design" { [""; 2] } else { [READING, SCHEDULE] };
        for flag in reading.iter().flat_map(|flags| flags.split_whitespace()) {
            assert!(text.contains(&format!("\n  --{flag} ")), "{subcommand} --{flag}: {text}");
            assert!(CHAPTER.contains(&format!("`--{flag}")), "--{flag} is not in the chapter");
        }
        let count: usize = [&flags, reading[0], reading[1]]
            .map(|flags| flags.split_whitespace().count())
            .iter()
            .sum();
        assert_eq!(text.matches("\n  --").count(), count, "{text}");
    }
    let text = said(&["fit", "--help"]);
    let words: Vec<&str> = text.split([',', ' ', '\n']).collect();
    for law in law::built_in() {
        assert!(words.contains(&law.name()), "{}: {text}", law.name());
    }
}

#[test]
fn the_default_number_of_starts_is_the_one_in_the_help() {
    let help = String::from_utf8(run(&["fit", "--help"]).stdout).expect("text");
    let (_, rest) = help.split_once("basin-hopping\n").expect("the flag --starts");
    let (_, rest) = rest.split_once("[default: ").expect("its default");
    let (starts, _) = rest.split_once(';').expect("the default of the crate's optimizer");
    // Each start is a few local solves, so that another number of them is seen in the count.
    let args = ["fit", "--laws", "chinchilla", "--targets", "rust"];
    let solves = |name, args: &[&str]| json(name, args)["fits"][0]["local_solves"].clone();
    let default = solves("default-starts.json", &args);
    assert_eq!(default, solves("starts.json", &[&args[..], &["--starts", starts]].concat()));
    assert_ne!(default, solves("more-starts.json", &[&args[..], &["--starts", "20"]].concat()));
}

#[test]
fn json_can_be_printed_in_place_of_the_table() {
    let args = ["fit", "--laws", "additive", "--targets", "c", "--starts", "2", "--json"];
    let output = run(&[&args[..], &["-"]].concat());
    assert_eq!(output.status.code(), Some(0));
    let printed: Value = serde_json::from_slice(&output.stdout).expect("JSON alone");
    let written = json("beside-printed.json", &args[..7]);
    assert_eq!(printed["mixtures"], written["mixtures"]);
}

#[test]
fn the_json_has_the_documented_keys() {
    let args = ["fit", "--laws", "additive,joint", "--targets", "python,rust", "--starts", "2"];
    let all = json("keys.json", &args);
    has_keys(&all, &["fits", "mixtures"]);
    let fits = all["fits"].as_array().unwrap();
    let named: Vec<_> =
        fits.iter().map(|x| (x["law"].as_str().unwrap(), x["target"].as_str().unwrap())).collect();
    let laws_and_targets =
        [("additive", "python"), ("additive", "rust"), ("joint", "python"), ("joint", "rust")];
    assert_eq!(named, laws_and_targets);
    for fit in fits {
        let expected = [
            "target",
            "law",
            "huber",
            "mre_train",
            "mre_eval",
            "coefficients",
            "at_bound",
            "seconds",
            "evaluations",
            "local_solves",
            "termination",
        ];
        has_keys(fit, &expected);
        for number in ["huber", "mre_train", "mre_eval", "seconds"] {
            assert!(fit[number].as_f64().unwrap() > 0.0, "{number}");
        }
        assert!(fit["evaluations"].as_u64().unwrap() > 0);
        assert!(fit["local_solves"].as_u64().unwrap() > 0);
        assert!(fit["termination"].is_string());
        let coefficients = fit["coefficients"].as_object().unwrap();
        assert!(coefficients.values().all(Value::is_f64));
        for name in fit["at_bound"].as_array().unwrap() {
            assert!(coefficients.contains_key(name.as_str().unwrap()), "{name}");
        }
    }
    let mixtures = all["mixtures"].as_array().unwrap();
    assert_eq!(mixtures.len(), 4);
    for mixture in mixtures {
        let expected =
            ["law", "n", "d", "targets", "weights", "loss", "uniform_loss", "gap", "iterations"];
        has_keys(mixture, &expected);
        // The largest N and D of the train and eval rows.
        assert_eq!((&mixture["n"], &mixture["d"]), (&230784.0.into(), &5120000.0.into()));
        assert_eq!(keys(&mixture["weights"]), ["english", "french", "python", "c"]);
        let weights = mixture["weights"].as_object().unwrap().values();
        let sum: f64 = weights.map(|w| w.as_f64().unwrap()).sum();
        assert!((sum - 1.0).abs() < 1e-9);
        let loss = |key: &str| mixture[key].as_f64().unwrap();
        assert!(loss("loss") <= loss("uniform_loss"));
    }
}

#[test]
fn the_default_goals_are_the_mean_of_the_domains_and_each_other_target() {
    let args = ["fit", "--laws", "additive", "--targets", "python,c,rust", "--starts", "2"];
    let goals = |all: Value| -> Vec<Value> {
        all["mixtures"].as_array().unwrap().iter().map(|m| m["targets"].clone()).collect()
    };
    let default = goals(json("goals.json", &args));
    assert_eq!(
        default,
        [serde_json::json!({"python": 0.5, "c": 0.5}), serde_json::json!({"rust": 1.0})]
    );
    let weighted = [&args[..], &["--weights", "rust=3, c=1", "--at", "1e5,2e6"]].concat();
    let all = json("weighted.json", &weighted);
    assert_eq!(all["mixtures"][0]["n"], 1e5);
    assert_eq!(all["mixtures"][0]["d"], 2e6);
    assert_eq!(goals(all), [serde_json::json!({"rust": 3.0, "c": 1.0})]);
}

#[test]
fn without_eval_rows_the_held_out_error_is_null() {
    let file = TempFile::with("no-eval.csv", SWEEP.replace(",eval,", ",later,"));
    let args = ["fit", file.path(), "--laws", "additive", "--targets", "c", "--starts", "2"];
    let all = json("no-eval.json", &args);
    assert_eq!(all["fits"].as_array().unwrap().len(), 1);
    assert!(all["fits"][0]["mre_eval"].is_null());
    assert!(all["fits"][0]["mre_train"].is_f64());
}

/// Eq. (3) from named coefficients alone.
struct Formula<'a> {
    coefficients: &'a Map<String, Value>,
    domains: &'a [&'a str],
}

impl Formula<'_> {
    fn get(&self, name: &str) -> Option<f64> {
        self.coefficients.get(name).map(|value| value.as_f64().expect("a number"))
    }

    fn sum(&self, term: impl Fn(usize, &str) -> f64) -> f64 {
        self.domains.iter().enumerate().map(|(i, domain)| term(i, domain)).sum()
    }

    /// `(sum_i h_i exp(q ln_v_i))^(1/q)`.
    fn linear_power(&self, x: &str, h: &[f64]) -> Option<f64> {
        let q = self.get(&format!("q_{x}"))?;
        let ln_v = |domain: &str| self.get(&format!("ln_v_{x}[{domain}]")).expect("ln_v");
        if q == 0.0 {
            return Some(self.sum(|i, domain| h[i] * ln_v(domain)).exp());
        }
        Some(self.sum(|i, domain| h[i] * (q * ln_v(domain)).exp()).powf(1.0 / q))
    }

    /// A linear power where there is one, otherwise a constant.
    fn coefficient(&self, x: &str, h: &[f64]) -> f64 {
        self.linear_power(x, h).or(self.get(x)).unwrap_or_else(|| panic!("no coefficient {x}"))
    }

    fn loss(&self, at: Scale, h: &[f64]) -> f64 {
        let of = |x: &str, domain: &str| self.get(&format!("{x}[{domain}]")).expect("C and gamma");
        let bias = self.linear_power("h", h).unwrap_or_else(|| {
            1.0 / self.sum(|i, domain| of("C", domain) * h[i].powf(of("gamma", domain)))
        });
        let n = at.n / self.get("N0").unwrap_or(1.0);
        let d = at.d / self.get("D0").unwrap_or(1.0);
        self.coefficient("E", h)
            + bias
            + self.coefficient("A", h) / n.powf(self.coefficient("alpha", h))
            + self.coefficient("B", h) / d.powf(self.coefficient("beta", h))
    }
}

#[test]
fn the_coefficients_alone_give_the_errors() {
    let target = "python";
    let args =
        ["fit", "--laws", "simple,additive,joint,full", "--targets", target, "--starts", "2"];
    let all = json("coefficients.json", &args);
    let mut lines = SWEEP.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().expect("a header");
    let rows: Vec<Vec<&str>> = lines.collect();
    let column = |name: &str| header.iter().position(|c| *c == name).expect("the column is there");
    let number = |row: &[&str], name: &str| row[column(name)].parse::<f64>().expect("a number");
    let domains: Vec<&str> = header.iter().filter_map(|c| c.strip_prefix("h_")).collect();
    assert_eq!(all["fits"].as_array().unwrap().len(), 4);
    for fit in all["fits"].as_array().unwrap() {
        let coefficients = fit["coefficients"].as_object().unwrap();
        let formula = Formula { coefficients, domains: &domains };
        for (split, key) in [("train", "mre_train"), ("eval", "mre_eval")] {
            let errors: Vec<f64> = rows
                .iter()
                .filter(|row| row[column("split")] == split)
                .map(|row| {
                    let h: Vec<f64> =
                        domains.iter().map(|d| number(row, &format!("h_{d}"))).collect();
                    let loss = number(row, &format!("loss_{target}"));
                    let at = Scale { n: number(row, "n_params"), d: number(row, "n_tokens") };
                    (formula.loss(at, &h) - loss).abs() / loss
                })
                .collect();
            let mre = 100.0 * errors.iter().sum::<f64>() / errors.len() as f64;
            let reported = fit[key].as_f64().unwrap();
            let law = fit["law"].as_str().unwrap();
            assert!((mre / reported - 1.0).abs() < 1e-9, "{law} {key}: {mre}, not {reported}");
        }
    }
}

/// One law and few starts: quick, and not about the fits.
const QUICK: [&str; 6] = ["--laws", "additive", "--targets", "python,c,rust", "--starts", "2"];

/// A subcommand with [`QUICK`] and more.
fn quick<'a>(subcommand: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&[subcommand], &QUICK[..], more].concat()
}

#[test]
fn mixture_writes_what_fit_does_and_more() {
    let limits =
        ["--cap", "python=5e5:2", "--min", "french=0.12", "--group", "english+french=0.3:0.9"];
    let all = json("mixture.json", &quick("mixture", &limits));
    has_keys(&all, &["fits", "mixtures"]);
    let own = json("beside.json", &quick("fit", &[]));
    assert_eq!(all["fits"][0]["coefficients"], own["fits"][0]["coefficients"]);
    for (mixture, free) in
        all["mixtures"].as_array().unwrap().iter().zip(own["mixtures"].as_array().unwrap())
    {
        let more = [
            "lower_bound",
            "certificate",
            "certified",
            "residual",
            "termination",
            "shares",
            "active",
            "unconstrained",
            "cost_of_constraints",
            "losses",
            "ranges",
            "fit_error",
            "extrapolation",
            "at_bound",
            "uniform_tokens",
            "corners",
            "path",
            "decomposition",
            "limit",
        ];
        has_keys(mixture, &[&keys(free)[..], &more].concat());
        let solved = ["weights", "loss", "lower_bound", "certificate"];
        has_keys(&mixture["unconstrained"], &solved);
        mixture["corners"]
            .as_object()
            .unwrap()
            .values()
            .for_each(|corner| has_keys(corner, &solved));
        has_keys(&mixture["ranges"], &["epsilon", "domains"]);
        has_keys(&mixture["extrapolation"], &["size", "tokens", "weights", "nearest"]);
        has_keys(&mixture["decomposition"], &["floor", "mixture", "size", "data"]);
        has_keys(&mixture["limit"], &["loss", "weights"]);
        has_keys(&mixture["path"][0], &["n", "d", "loss", "weights"]);
        let number = |key: &str| mixture[key].as_f64().unwrap_or_else(|| panic!("{key}"));
        let weight = |domain: &str| mixture["weights"][domain].as_f64().unwrap();
        assert!(weight("python") <= 1e6 / 5.12e6 + 1e-12, "two epochs of 5e5 of 5.12e6 tokens");
        assert!(weight("french") >= 0.12 - 1e-12);
        assert!((0.3..=0.9).contains(&(weight("english") + weight("french"))));
        assert!(mixture["certified"].as_bool().unwrap());
        assert!(number("loss") - number("lower_bound") <= 1e-9);
        // What `fit` finds is the unconstrained optimum, and the constraints cost the difference.
        let unconstrained = mixture["unconstrained"]["loss"].as_f64().unwrap();
        assert!((unconstrained - free["loss"].as_f64().unwrap()).abs() < 1e-9);
        assert!((number("loss") - unconstrained - number("cost_of_constraints")).abs() < 1e-12);
        let active = mixture["active"].as_array().unwrap();
        active.iter().for_each(|one| has_keys(one, &["constraint", "multiplier"]));
        assert!(active.iter().all(|a| a["multiplier"].as_f64().unwrap() > 0.0));
        for (domain, range) in mixture["ranges"]["domains"].as_object().unwrap() {
            let (low, high) = (range[0].as_f64().unwrap(), range[1].as_f64().unwrap());
            assert!(low <= weight(domain) && weight(domain) <= high, "{domain}");
        }
        assert!(mixture["extrapolation"]["size"].as_f64().unwrap() > 2.0);
        let outside = mixture["extrapolation"]["weights"].as_array().unwrap();
        outside.iter().for_each(|one| has_keys(one, &["domain", "weight", "lower", "upper"]));
        assert_eq!(mixture["path"].as_array().unwrap().len(), 13);
    }
}

#[test]
fn mixture_takes_goals_priors_and_budgets() {
    let goal = |name: &str, flags: &[&str]| {
        let all = json(name, &quick("mixture", &[&["--weights", "c=1,rust=1"], flags].concat()));
        all["mixtures"][0].clone()
    };
    let losses = |m: &Value| ["c", "rust"].map(|t| m["losses"][t].as_f64().unwrap());
    let (sum, worst) = (goal("sum.json", &[]), goal("worst.json", &["--minimax"]));
    assert!(losses(&sum).iter().sum::<f64>() <= losses(&worst).iter().sum::<f64>());
    let largest = |m: &Value| losses(m).into_iter().fold(0.0, f64::max);
    assert!(largest(&worst) <= largest(&sum));
    assert!((worst["loss"].as_f64().unwrap() - largest(&worst)).abs() < 1e-9);
    // The worst of several losses has no parts that add up.
    assert!(worst["decomposition"].is_null() && !sum["decomposition"].is_null());
    let excess = goal("excess.json", &["--excess"]);
    let over_own = |m: &Value| {
        let best = |target: &str| excess["corners"][target]["loss"].as_f64().unwrap();
        let [c, rust] = losses(m);
        (c - best("c")).max(rust - best("rust"))
    };
    assert!(over_own(&excess) <= over_own(&sum).min(over_own(&worst)) + 1e-9);
    let prior = ["--prior", "english=0.7,french=0.1,python=0.1,c=0.1", "--pull", "100"];
    let pulled = goal("pulled.json", &prior);
    assert!((pulled["weights"]["english"].as_f64().unwrap() - 0.7).abs() < 0.01);
    let budget = goal("budget.json", &["--flops", "1e13"]);
    let product = 6.0 * budget["n"].as_f64().unwrap() * budget["d"].as_f64().unwrap();
    assert!((product / 1e13 - 1.0).abs() < 1e-9);
    let boxed = goal("boxed.json", &["--box"]);
    assert!(boxed["extrapolation"]["weights"].as_array().unwrap().is_empty());
    let wide = goal("wide.json", &["--epsilon", "0.1"]);
    assert_eq!(wide["ranges"]["epsilon"], 0.1);
    let width = |m: &Value| {
        let [low, high] = [0, 1].map(|i| m["ranges"]["domains"]["c"][i].as_f64().unwrap());
        high - low
    };
    assert!(width(&wide) > width(&sum));
}

#[test]
fn mixture_refuses_what_cannot_be_kept() {
    for (flags, expected) in [
        (
            &["--min", "english=0.6", "--min", "c=0.5"][..],
            &["--min: ", "english >= 0.6; c >= 0.5"][..],
        ),
        (&["--min", "english=0.9", "--box"], &["--min, --box: ", "english >= 0.9"]),
        (&["--max", "cobol=0.5"], &["--max", "`cobol`", "english, french, python, c"]),
        (&["--min", "c=2"], &["--min", "`c=2`", "from 0 to 1"]),
        (&["--min", "c"], &["--min", "`c`", "DOMAIN=WEIGHT"]),
        (&["--max", "c=x"], &["--max", "`x`", "a finite number"]),
        (&["--cap", "c=1e6"], &["--cap", "`1e6`", "DOMAIN=TOKENS:EPOCHS"]),
        (&["--cap", "c=lots:4"], &["--cap", "`lots`", "a finite number"]),
        (&["--cap", "c=inf:4"], &["--cap", "`inf`", "a finite number"]),
        (&["--cap", "c=-1:4"], &["--cap", "`c=-1:4`", "the tokens of domain `c`", "-1"]),
        (&["--cap", "cobol=1:4", "--flops", "1e13"], &["--cap", "`cobol`", "english"]),
        (&["--group", "c+c=0:0.5"], &["--group", "`c` appears twice"]),
        (&["--group", "c=0.5"], &["--group", "`0.5`", "A+B=LEAST:MOST"]),
        (&["--prior", "c=1"], &["--prior", "`c=1`", "`english`"]),
        (&["--prior", "c"], &["--prior", "`c`", "A=W,B=W"]),
        (&["--prior", "c=0"], &["--prior", "`0`", "> 0"]),
        (&["--pull", "1"], &["--pull", "`1`", "--prior"]),
        (&["--pull", "x"], &["--pull", "`x`", "> 0"]),
        (&["--epsilon", "-1"], &["--epsilon", "`-1`", "> 0"]),
        (&["--flops", "0"], &["--flops", "`0`", "> 0"]),
        (&["--flops", "1e13", "--at", "1e5,1e6"], &["--flops", "`1e13`", "--at"]),
        (&["--minimax=1"], &["--minimax"]),
    ] {
        fails(&quick("mixture", flags), expected);
    }
    // A law that does not see the mixture cannot choose one.
    fails(&["mixture", "--laws", "chinchilla", "--targets", "c"], &["chinchilla", "c"]);
}

#[cfg(not(feature = "plot"))]
#[test]
fn pictures_need_their_feature() {
    for subcommand in ["mixture", "sure"] {
        let expected = ["--pictures", "`somewhere`", "--features cli,plot"];
        fails(&quick(subcommand, &["--pictures", "somewhere"]), &expected);
    }
}

#[cfg(feature = "plot")]
#[test]
fn pictures_are_drawn() {
    let folder = TempFile::new("pictures");
    let output = run(&quick("mixture", &["--weights", "c=1", "--pictures", folder.path()]));
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    for name in ["path", "ternary", "predicted"] {
        let file = folder.0.join(format!("0-additive-{name}.svg"));
        let svg = fs::read_to_string(&file).expect("it was drawn");
        assert!(svg.starts_with("<svg"), "{name}");
        assert!(String::from_utf8_lossy(&output.stdout).contains(file.to_str().unwrap()));
    }
    fs::remove_dir_all(&folder.0).expect("a folder of this test");
    let file = TempFile::with("no-folder", "");
    let expected = ["--pictures", file.path(), "a folder"];
    fails(&quick("sure", &["--pictures", file.path()]), &expected);
}

/// Few resamples and starts.
const RESAMPLED: [&str; 8] =
    ["--laws", "additive", "--targets", "rust", "--resamples", "40", "--starts", "6"];

#[test]
fn sure_says_how_sure() {
    let against = ["--against", "english=1,french=0,python=0,c=0"];
    let all = json("sure.json", &[&["sure"], &RESAMPLED[..], &against].concat());
    has_keys(&all, &["level", "n", "d", "fits", "mixtures", "learning"]);
    let fit = &all["fits"][0];
    let expected = [
        "target",
        "laws",
        "mre_train",
        "mre_eval",
        "eval_in_interval",
        "law_at_uniform",
        "run_at_uniform",
        "coefficients",
        "identifiability",
    ];
    has_keys(fit, &expected);
    has_keys(&fit["law_at_uniform"], &["estimate", "lower", "upper"]);
    has_keys(&fit["identifiability"][0], &["law", "eigenvalues", "warnings"]);
    let ends = |x: &Value| [&x["lower"], &x["upper"]].map(|v| v.as_f64().expect("a number"));
    let (law, run) = (ends(&fit["law_at_uniform"]), ends(&fit["run_at_uniform"]));
    assert!(run[0] < law[0] && law[0] < law[1] && law[1] < run[1], "{fit}");
    let alpha = ends(&fit["coefficients"]["additive"]["alpha"]);
    assert!(0.03 <= alpha[0] && alpha[1] <= 1.5);
    let mixture = &all["mixtures"][0];
    let expected = [
        "targets",
        "loss",
        "weights",
        "region_share",
        "n_over_trained",
        "d_over_trained",
        "nearest_mixture",
        "beats",
        "next_runs",
    ];
    has_keys(mixture, &expected);
    let estimate = |domain: &String| mixture["weights"][domain]["estimate"].as_f64().unwrap();
    let weights = mixture["weights"].as_object().unwrap();
    assert!((weights.keys().map(estimate).sum::<f64>() - 1.0).abs() < 1e-9);
    // A model of Rust is not best trained on English alone.
    has_keys(&mixture["beats"]["that of --against"], &["probability", "nats"]);
    let probability = mixture["beats"]["that of --against"]["probability"].as_f64().unwrap();
    assert!((0.95..1.0).contains(&probability), "{probability}");
    let learning = &all["learning"][0];
    has_keys(learning, &["law", "target", "mixtures", "mre"]);
    let points = learning["mre"].as_array().unwrap();
    assert_eq!(points.len(), learning["mixtures"].as_array().unwrap().len());
    assert!(points[0].as_f64() > points[points.len() - 1].as_f64());
}

#[test]
fn sure_refuses_what_it_cannot_answer() {
    for (args, expected) in [
        (["--level", "1"], &["--level", "`1`", "between 0 and 1"][..]),
        (["--level", "NaN"], &["--level", "`NaN`", "between 0 and 1"]),
        (["--resamples", "5"], &["--resamples", "`5`", "from 20 to 1000000"]),
        (["--against", "english=2"], &["--against", "`english=2`"]),
        (["--against", "english"], &["--against", "`english`", "A=W,B=W"]),
        (["--targets", "ruby"], &["--targets", "`ruby`", "english"]),
        (["--at", "x"], &["--at", "`x`", "N,D"]),
    ] {
        fails(&[&["sure", "--laws", "chinchilla", "--starts", "2"], &args[..]].concat(), expected);
    }
}

/// Few members of one law.
const DECIDED: [&str; 5] = ["decide", "--laws", "additive", "--members", "20"];

#[test]
fn decide_says_which_mixture_and_how_far_to_trust_it() {
    let all = json("decide.json", &[&DECIDED[..], &["--starts", "4"]].concat());
    has_keys(&all, &["targets", "choices"]);
    let targets = all["targets"].as_array().unwrap();
    assert_eq!(targets.len(), 5);
    for target in targets {
        has_keys(target, &["target", "predictor", "mre_eval", "coverage_eval"]);
        assert_eq!(target["predictor"], "additive");
        // In percent.
        assert!((0.2..20.0).contains(&target["mre_eval"].as_f64().unwrap()), "{target}");
        assert!((0.0..=100.0).contains(&target["coverage_eval"].as_f64().unwrap()));
    }
    // The goals of `fit`: the mean of the domains, and Rust alone.
    let choices = all["choices"].as_array().unwrap();
    let goals: Vec<usize> =
        choices.iter().map(|x| x["targets"].as_object().unwrap().len()).collect();
    assert_eq!(goals, [4, 1]);
    for choice in choices {
        let expected = [
            "n",
            "d",
            "targets",
            "weights",
            "risk",
            "loss",
            "interval",
            "better_than_uniform",
            "outside_of_training",
            "lower_bound",
            "seconds",
            "level",
            "best_weights",
            "is_decided",
            "rivals",
            "next_runs",
            "n_over_trained",
            "d_over_trained",
            "extrapolation_is_checked",
            "within_trained",
        ];
        has_keys(choice, &expected);
        has_keys(&choice["better_than_uniform"], &["probability", "nats"]);
        let weights = choice["weights"].as_object().unwrap();
        let sum: f64 = weights.values().map(|w| w.as_f64().unwrap()).sum();
        assert!((sum - 1.0).abs() < 1e-9);
        let [low, high] = [0, 1].map(|i| choice["interval"][i].as_f64().unwrap());
        let loss = choice["loss"].as_f64().unwrap();
        assert!(low < loss && loss < high, "{choice}");
        // An additive law with gamma at most one is convex: its choices are certified.
        let bound = choice["lower_bound"].as_f64().unwrap();
        assert!(bound <= loss && loss - bound < 1e-6, "{choice}");
        // All weights of the sweep are from 0.1 to 0.7.
        for (domain, off) in choice["outside_of_training"].as_object().unwrap() {
            let weight = weights[domain].as_f64().unwrap();
            let nearest = weight.clamp(0.1, 0.7);
            assert!((weight - nearest - off.as_f64().unwrap()).abs() < 1e-9, "{domain}");
        }
    }
}

#[test]
fn decide_takes_limits_rivals_and_each_target() {
    let more = ["--targets", "python,rust", "--starts", "4", "--each", "--margin", "0", "--min"];
    let against = ["french=0.2", "--against", "english=1,french=0,python=0,c=0"];
    let all = json("decide-each.json", &[&DECIDED[..], &more, &against].concat());
    let choices = all["choices"].as_array().unwrap();
    assert_eq!(choices.len(), 2);
    for (choice, target) in choices.iter().zip(["python", "rust"]) {
        assert_eq!(choice["targets"].as_object().unwrap().keys().collect::<Vec<_>>(), [target]);
        assert_eq!(choice["outside_of_training"], serde_json::json!({}));
        assert!(choice["weights"]["french"].as_f64().unwrap() >= 0.2 - 1e-9);
        let rivals = choice["rivals"].as_array().unwrap();
        let in_use = rivals.iter().find(|rival| rival["name"] == "the mixture in use").unwrap();
        assert_eq!(in_use["weights"]["english"], 1.0);
    }
}

#[test]
fn decide_takes_what_is_minimised_over_the_members() {
    let one = |name: &str, risk: &str| {
        let more = ["--targets", "rust", "--starts", "4", "--risk", risk];
        json(name, &[&DECIDED[..], &more].concat())["choices"][0].clone()
    };
    let (mean, worst) = (one("mean.json", "mean"), one("worst.json", "worst:0.1"));
    assert_eq!((&mean["risk"], &worst["risk"]["worst"]), (&"mean".into(), &0.1.into()));
    assert!(worst["loss"].as_f64().unwrap() > mean["loss"].as_f64().unwrap());
}

#[test]
fn two_runs_do_not_tell() {
    let file = TempFile::with("two", SMALL);
    let all = json("two.json", &["decide", file.path(), "--members", "40"]);
    let choice = &all["choices"][0];
    assert_eq!(choice["is_decided"], false, "{choice}");
    assert_eq!(choice["next_runs"].as_array().unwrap().len(), 3);
    has_keys(&choice["next_runs"][0], &["n", "d", "weights", "gain"]);
}

#[test]
fn decide_refuses_what_it_cannot_answer() {
    for (args, expected) in [
        (&["--level", "1"][..], &["--level", "`1`", "between 0 and 1"][..]),
        (&["--risk", "worst:0"], &["--risk", "`worst:0`", "worst:Q"]),
        (&["--risk", "worst"], &["--risk", "`worst`", "`mean`"]),
        (&["--members", "5"], &["--members", "`5`", "from 20 to 1000000"]),
        (&["--margin", "-1"], &["--margin", "`-1`", "a finite number >= 0"]),
        (&["--margin", "inf"], &["--margin", "`inf`", "a finite number >= 0"]),
        (&["--coefficient-prior", "0"], &["--coefficient-prior", "`0`", "none, auto"]),
        (&["--coefficient-prior", "strong"], &["--coefficient-prior", "`strong`", "nats > 0"]),
        (&["--against", "english=2"], &["--against", "`english=2`"]),
        (&["--max", "ruby=0.1"], &["--max", "ruby"]),
        (&["--each", "--weights", "c=1"], &["--each", "--weights"]),
        (&["--box", "--margin", "1"], &["--box", "--margin"]),
    ] {
        fails(&[&["decide", "--laws", "chinchilla", "--starts", "2"], args].concat(), expected);
    }
}

#[test]
fn a_prior_is_asked_for_and_huber_stays_that_of_eq_6() {
    let args = ["fit", "--laws", "joint", "--targets", "rust", "--starts", "6"];
    let huber = |name: &str, more: &[&str]| {
        json(name, &[&args[..], more].concat())["fits"][0]["huber"].as_f64().unwrap()
    };
    let (plain, none) = (
        huber("without-prior.json", &[]),
        huber("no-prior.json", &["--coefficient-prior", "none"]),
    );
    let strong = huber("strong-prior.json", &["--coefficient-prior", "0.1"]);
    let weak = huber("weak-prior.json", &["--coefficient-prior", "1e-4"]);
    assert_eq!(plain, none);
    // Eq. 6 alone is least without a prior, and a weak one hardly moves it.
    assert!(plain < strong && weak < strong, "{plain} {weak} {strong}");
    assert!(weak < 1.05 * plain, "{plain} {weak}");
}

#[test]
fn compare_scores_every_law_on_every_target() {
    let args = ["--laws", "chinchilla,additive,ge24,recommended", "--targets", "c,rust"];
    let quick = ["--starts", "3", "--folds", "3"];
    let all = json("compare.json", &[&["compare"], &args[..], &quick].concat());
    let scores = all.as_array().unwrap();
    let named: Vec<_> = scores
        .iter()
        .map(|x| (x["target"].as_str().unwrap(), x["law"].as_str().unwrap()))
        .collect();
    // Ge et al.'s law is about a domain, and rust is none.
    let laws = ["chinchilla", "additive", "ge24", "recommended"];
    let of_c = laws.map(|law| ("c", law));
    let of_rust = [laws[0], laws[1], laws[3]].map(|law| ("rust", law));
    assert_eq!(named, [&of_c[..], &of_rust].concat());
    for score in scores {
        let expected = [
            "target",
            "law",
            "coefficients",
            "sees_mixture",
            "mre_train",
            "mre_mixtures",
            "rank_mixtures",
            "regret_mixtures",
            "mre_scale",
            "rank_scale",
            "regret_scale",
            "mre_measured",
            "rank_measured",
            "mre_baseline",
            "rank_baseline",
            "step",
            "needed_step",
            "needs_longer_step",
            "best",
            "failures",
            "seconds",
        ];
        has_keys(score, &expected);
        assert!(score["mre_mixtures"].as_f64() > score["mre_train"].as_f64(), "{score}");
        assert!(score["failures"].as_array().unwrap().is_empty());
        assert_eq!(score["sees_mixture"], score["law"] != "chinchilla");
        // All sizes have all mixtures, so that the baseline predicts every row of the largest.
        assert_eq!(score["mre_measured"], score["mre_scale"]);
        assert!(score["mre_baseline"].as_f64().is_some(), "{score}");
        // The largest size of 81,544 is held out of 40,624; to serve are the eval rows' 230,784.
        let times = |step: &str| score[step]["n"].as_f64().unwrap();
        assert!((times("step") - 81_544.0 / 40_624.0).abs() < 1e-12);
        assert!((times("needed_step") - 230_784.0 / 81_544.0).abs() < 1e-12);
        let blind = score["law"] == "chinchilla";
        assert_eq!(score["rank_scale"] == 0.0, blind, "{score}");
    }
    // The recommended predictor of the library, with as many starts.
    let train = Sweep::from_csv(SWEEP.as_bytes()).unwrap().split("train").unwrap();
    let candidate = Candidate::recommended(&train);
    let fitter = candidate.fitter().clone().starts(3);
    let laws = candidate.laws().iter().map(|law| fitter.fit(law.clone(), &train, "c").unwrap());
    let own = Predictor::mean(laws.collect::<Vec<_>>()).unwrap().evaluate(&train).unwrap();
    let recommended = scores[3]["mre_train"].as_f64().unwrap();
    assert!((recommended / (100.0 * own.mre) - 1.0).abs() < 1e-9, "{recommended} {own}");
    let errors = |key: &str| scores[1][key].as_f64().unwrap();
    let fits =
        json("compared.json", &["fit", "--laws", "additive", "--targets", "c", "--starts", "3"]);
    // To all rows it is the same fit.
    assert_eq!(errors("mre_train"), fits["fits"][0]["mre_train"].as_f64().unwrap());
    for target in ["c", "rust"] {
        let best = |x: &&Value| x["target"] == target && x["best"] == true;
        assert_eq!(scores.iter().filter(best).count(), 1, "{target}");
    }
}

#[test]
fn compare_says_why_a_law_could_not_be_fitted() {
    // One law is too many for two rows, and both are of one mixture or the other.
    let file = TempFile::with("few.csv", SMALL);
    let all =
        json("failures.json", &["compare", file.path(), "--laws", "additive", "--folds", "2"]);
    let failure = &all[0]["failures"][0];
    has_keys(failure, &["part", "error"]);
    assert_eq!(failure["part"], "all rows");
    assert!(failure["error"].as_str().unwrap().contains("9 free coefficients"), "{failure}");
    assert!(all[0]["mre_train"].is_null());
}

#[test]
fn compare_refuses_what_is_no_flag_of_it() {
    for (args, expected) in [
        (["--folds", "1"], &["--folds", "`1`", "from 2 to 10000"][..]),
        (["--folds", "x"], &["--folds", "`x`", "whole number"]),
        (["--laws", "cubic"], &["--laws", "`cubic`", "recommended"]),
        (["--targets", "cobol"], &["--targets", "`cobol`", "english"]),
        (["--seed", "x"], &["--seed", "`x`"]),
    ] {
        fails(&[&["compare"], &args[..]].concat(), expected);
    }
    let ge24 = ["compare", "--laws", "ge24", "--targets", "rust"];
    fails(&ge24, &["--laws", "rust"]);
}

#[test]
fn next_runs_are_those_asked_for() {
    let next = |name: &str, flags: &[&str]| {
        json(name, &[&["next-runs"], &RESAMPLED[..], flags].concat())[0].clone()
    };
    let grid = ["--mixtures", "grid:2", "--run-at", "1e5,2e6", "--run-at", "2e5,4e6"];
    let decision = next("decision.json", &[&grid[..], &["--count", "4"]].concat());
    let expected = ["targets", "n", "d", "loss", "weights", "criterion", "candidates", "next_runs"];
    has_keys(&decision, &expected);
    // Four corners and six middles of edges, at two scales.
    assert_eq!((&decision["candidates"], &decision["criterion"]), (&20.into(), &"decision".into()));
    let runs = decision["next_runs"].as_array().unwrap();
    assert_eq!(runs.len(), 4);
    let gain = |run: &Value| run["gain"].as_f64().unwrap();
    for run in runs {
        has_keys(run, &["n", "d", "weights", "gain"]);
        assert!([(1e5, 2e6), (2e5, 4e6)].iter().any(|at| run["n"] == at.0 && run["d"] == at.1));
        let weights = run["weights"].as_object().unwrap().values();
        assert!(weights.into_iter().all(|w| *w == 0.0 || *w == 0.5 || *w == 1.0));
        assert!((0.0..=1.0).contains(&gain(run)));
    }
    assert!(runs.windows(2).all(|pair| gain(&pair[0]) <= gain(&pair[1])));
    let law = next("law.json", &["--criterion", "law", "--mixtures", "sweep"]);
    assert_eq!(law["criterion"], "law");
    assert_eq!(law["next_runs"].as_array().unwrap().len(), 3);
    // What `sure` says of them too.
    let sure = json("sure-next.json", &[&["sure"], &RESAMPLED[..]].concat());
    assert_eq!(next("drawn.json", &[])["next_runs"], sure["mixtures"][0]["next_runs"]);
}

#[test]
fn next_runs_refuses_what_it_cannot_answer() {
    for (args, expected) in [
        (["--count", "0"], &["--count", "`0`", "from 1 to 1000000"][..]),
        (["--count", "9999"], &["--count", "`9999`", "the number of candidates, 400"]),
        (["--criterion", "both"], &["--criterion", "`both`", "decision, law"]),
        (["--mixtures", "all"], &["--mixtures", "`all`", "drawn:M, grid:STEPS or sweep"]),
        (["--mixtures", "grid"], &["--mixtures", "`grid`", "grid:STEPS"]),
        (["--mixtures", "grid:0"], &["--mixtures", "`0`", "from 1 to 10000"]),
        (["--mixtures", "grid:9999"], &["--mixtures", "9999 steps"]),
        (["--mixtures", "drawn:x"], &["--mixtures", "`x`", "from 1 to 1000000"]),
        (["--run-at", "1e5"], &["--run-at", "`1e5`", "N,D"]),
        (["--run-at", "1e5,-1"], &["--run-at", "`-1`", "> 0"]),
        (["--resamples", "19"], &["--resamples", "`19`", "from 20 to 1000000"]),
    ] {
        fails(&[&["next-runs"], &args[..]].concat(), expected);
    }
}

#[test]
fn paper_needs_the_sweep_of_the_paper() {
    fails(&["paper"], &["SlimPajama", "ml-scalefit"]);
    for flag in ["--laws", "--targets", "--weights"] {
        fails(&["paper", "slimpajama.csv", flag, "x"], &[flag, "the paper's tables"]);
    }
    let file = TempFile::with("other.csv", SWEEP);
    fails(&["paper", file.path()], &[file.path(), "the domains are english", "arxiv, book"]);
    // The paper's domains, but neither all targets, nor eval rows, nor rows of its size.
    let domains = ["arxiv", "book", "c4", "github", "commoncrawl", "stackexchange", "wikipedia"];
    let with = |name: &str, targets: &[&str], rows: &str, expected: &str| {
        let columns = |prefix: &str, names: &[&str]| -> String {
            names.iter().map(|name| format!(",{prefix}_{name}")).collect()
        };
        let header = columns("h", &domains) + &columns("loss", targets);
        let file = TempFile::with(name, format!("split,n_params,n_tokens{header}\n{rows}\n"));
        fails(&["paper", file.path()], &[file.path(), expected]);
    };
    let all = [&domains[..], &["openhermes"]].concat();
    let row = |split: &str, n: &str, targets: &[&str]| {
        format!("{split},{n},1e9,1,0,0,0,0,0,0{}", ",3".repeat(targets.len()))
    };
    with("targets.csv", &domains, &row("train", "3.1e8", &domains), "`openhermes`");
    with("no-eval.csv", &all, &row("train", "3.1e8", &all), "`eval`");
    let rows = [row("train", "1e8", &all), row("eval", "3e9", &all)].join("\n");
    with("size.csv", &all, &rows, "3.1e8 parameters");
}

/// Three domains, of one of which it is not known how much there is.
const DESIGN: [&str; 5] = ["design", "--domains", "web=2e12, code=3e10,books", "--flops", "1e20"];

#[test]
fn design_writes_the_table_that_it_sums_up() {
    let flags = ["--targets", "qa,python", "--repetition-of", "1e11", "--seed", "3"];
    let args = [&DESIGN[..], &flags].concat();
    let all = json("design.json", &args);
    has_keys(&all, &["flops", "runs", "rows"]);
    assert!(all["flops"].as_f64().unwrap() <= 1e20);
    let rows = all["rows"].as_array().unwrap();
    assert_eq!(rows.len() as u64, 4 * all["runs"].as_u64().unwrap());
    let file = TempFile::new("design.csv");
    let output = run(&[&args[..], &["--csv", file.path()]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let summary = String::from_utf8(output.stdout).expect("text");
    assert!(summary.starts_with(&format!("{} runs of 9 mixtures", all["runs"])), "{summary}");
    let table = fs::read_to_string(&file.0).expect("the table was written");
    assert_eq!(table.as_bytes(), run(&[&args[..], &["--csv", "-"]].concat()).stdout);
    // The losses filled in, it is a sweep of the same rows.
    let sweep = mixlaw::Sweep::from_csv(table.replace(",,\n", ",2.5,2.0\n").as_bytes()).unwrap();
    assert_eq!(
        (sweep.len(), sweep.targets()),
        (rows.len(), &["qa", "python"].map(String::from)[..])
    );
    for (row, json) in sweep.rows().zip(rows) {
        has_keys(json, &["run", "n", "d", "weights", "tokens", "epochs", "keep"]);
        assert_eq!(
            (row.run, row.n, row.d),
            (
                json["run"].as_str().unwrap(),
                json["n"].as_f64().unwrap(),
                json["d"].as_f64().unwrap()
            )
        );
        assert_eq!(keys(&json["epochs"]), ["web", "code"]);
        for (i, domain) in sweep.domains().iter().enumerate() {
            assert_eq!(json["weights"][domain], row.h[i]);
            assert_eq!(json["tokens"][domain], row.h[i] * row.d);
        }
    }
    let fitted = TempFile::with("designed.csv", table.replace(",,\n", ",2.5,2.0\n"));
    let quick = ["--laws", "additive", "--targets", "qa", "--starts", "1"];
    json("designed.json", &[&["fit", fitted.path()], &quick[..]].concat());
}

#[test]
fn design_takes_what_is_asked_for() {
    let rows = |name: &str, flags: &[&str]| {
        json(name, &[&["design", "--domains", "web=3e12,code=1e12"], flags].concat())["rows"]
            .clone()
    };
    let sized = rows("sized.json", &["--sizes", "1e7,4e7,2e7", "--tokens-per-parameter", "40"]);
    assert_eq!((&sized[0]["n"], &sized[3]["d"]), (&1e7.into(), &4e8.into()));
    // 10 runs allow 4 + 3 + 2 of 4 mixtures, since 5 + 4 + 2 of 5 would be 11; with 2 checkpoints.
    let few = ["--sizes", "1e7,2e7,4e7", "--runs", "10", "--checkpoints", "2"];
    assert_eq!(rows("few.json", &few).as_array().unwrap().len(), 9 * 2);
    let all = json(
        "decaying.json",
        &[&["design", "--domains", "a,b", "--decaying-schedule"], &few[..2]].concat(),
    );
    assert_eq!(all["runs"].as_u64(), Some(all["rows"].as_array().unwrap().len() as u64));
    // The first mixture is the natural one.
    let natural = |flags: &[&str]| {
        rows("natural.json", &[&few[..2], flags].concat())[0]["weights"]["web"].clone()
    };
    assert_eq!(natural(&["--narrow", "20"]), 0.75);
    assert_eq!(natural(&["--narrow", "20", "--natural", "code=0.1,web=0.9"]), 0.9);
    assert_eq!(natural(&[]), 0.5);
}

#[test]
fn design_refuses_what_it_cannot_make() {
    fails(&["design"], &["--domains", "web=2e12"]);
    fails(&["design", "--domains", "a,b"], &["a budget (flops) and sizes"]);
    fails(&["design", "sweep.csv"], &["sweep.csv", "reads no file"]);
    fails(&["design", "--units"], &["--units", "mixlaw design"]);
    for (args, expected) in [
        (&["--domains", ""][..], &["--domains", "a name"][..]),
        (&["--domains", "web,"], &["--domains", "a name"]),
        (&["--domains", "web=x,code"], &["--domains", "`x`", "> 0 for web"]),
        (&["--domains", "web,web=1e9"], &["--domains", "`web`", "twice"]),
        (&["--domains", "web"], &["the number of domains is 1", "from 2"]),
        (&["--flops", "0"], &["--flops", "`0`", "> 0"]),
        (&["--flops", "x"], &["--flops", "`x`", "> 0"]),
        (&["--flops", "1"], &["flops is 1", "enough"]),
        (&["--runs", "0"], &["--runs", "`0`", "from 1"]),
        // 4 + 4 + 3 + 2: of four sizes the largest trains a third, rounded up.
        (&["--runs", "5"], &["runs (4 mixtures need 13) is 5"]),
        (&["--sizes", "1e7,x"], &["--sizes", "`x`", "> 0"]),
        (&["--sizes", "1e7,2e7"], &["the number of sizes is 2", "at least 3"]),
        (&["--tokens-per-parameter", "-1"], &["--tokens-per-parameter", "`-1`", "> 0"]),
        (&["--tokens-per-parameter", "1e9"], &["tokens_per_parameter", "1e6"]),
        (&["--checkpoints", "1"], &["--checkpoints", "`1`", "from 2 to 20"]),
        (&["--decaying-schedule=yes"], &["--decaying-schedule", "yes"]),
        (&["--narrow", "0"], &["--narrow", "`0`", "> 0"]),
        (&["--narrow", "20"], &["--narrow", "`books`", "--natural"]),
        (&["--natural", "web=0.5,code=0.5"], &["--natural", "--narrow"]),
        (&["--narrow", "20", "--natural", "web=1"], &["--natural", "no domain `code`"]),
        (&["--narrow", "20", "--natural", "web"], &["--natural", "`web`", "DOMAIN=WEIGHT"]),
        (&["--repetition-of", "0"], &["--repetition-of", "`0`", "> 0"]),
        (&["--repetition-of", "1e6"], &["repetition_of (the longest run has", "at least that"]),
        (&["--targets", "qa,qa"], &["--targets", "`qa`", "twice"]),
        (&["--csv", "/no/such/directory/out.csv"], &["--csv", "/no/such/directory/out.csv"]),
        (&["--csv", "-", "--json", "-"], &["--csv", "`-`", "--json"]),
        (&["--seed", "x"], &["--seed", "`x`"]),
        (&["--json", "/"], &["--json", "`/`", "a file"]),
    ] {
        fails(&[&DESIGN[..], args].concat(), expected);
    }
}

/// What is printed, where nothing goes wrong.
#[track_caller]
fn prints(args: &[&str]) -> String {
    let output = run(args);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {stderr}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn show_says_what_there_is_and_what_is_wrong() {
    let embedded = prints(&["show"]);
    let sweep = mixlaw::Sweep::from_csv(SWEEP.as_bytes()).unwrap();
    assert_eq!(embedded, format!("embedded sweep\n{sweep}\nno warnings\n"));

    let file = TempFile::with("show-misspelled", SMALL.replace("eval", "evla"));
    let text = prints(&["show", file.path()]);
    assert!(text.starts_with(&format!("{}\n4 rows, 4 runs, 3 distinct mixtures\n", file.path())));
    let warning = "\nwarning: split `evla` (1 row) looks like `eval` and is another one\n";
    assert!(text.contains(warning), "{text}");
    assert!(
        text.contains("\nwarning: all rows that are fitted have one size, N = 1e8\n"),
        "{text}"
    );
    // Nothing to fit to is no fault here.
    let file = TempFile::with("show-no-train", SMALL.replace("train", "test"));
    let text = prints(&["show", file.path()]);
    assert!(text.contains("\nwarning: no row is of the split `train`\n"), "{text}");
}

#[test]
fn show_takes_planned_tokens_alone() {
    let table = planned();
    let file = TempFile::with("show-planned", &table);
    let alone = ["show", file.path(), "--units", "--planned-column", "planned"];
    let text = prints(&alone);
    assert!(text.contains("\ncolumns\n  planned"), "{text}");
    let warning = "\nwarning: 91 of 91 runs without a checkpoint at the end of its schedule (`planned`): \
                   they have seen at most 0.8333 of it\n";
    assert!(text.ends_with(warning), "{text}");
    // The rows that are left.
    let late = prints(&[&alone[..], &["--unfinished", "drop:0.5"]].concat());
    let rows = |text: &str| -> usize {
        let (rows, _) = text.lines().nth(1).and_then(|line| line.split_once(' ')).expect("rows");
        rows.parse().expect("a number")
    };
    assert!(0 < rows(&late) && rows(&late) < rows(&text), "{late}");
    fails(&["show", file.path(), "--unfinished", "drop:0.5"], &["--planned-column NAME"]);
    fails(&["show", file.path(), "--planned-column", "none"], &["no column `none`", file.path()]);
}

#[test]
fn show_writes_what_it_prints() {
    let all = json("show.json", &["show"]);
    let expected = [
        "rows", "runs", "mixtures", "n", "d", "splits", "weights", "losses", "columns", "ignored",
        "warnings",
    ];
    has_keys(&all, &expected);
    let sweep = mixlaw::Sweep::from_csv(SWEEP.as_bytes()).unwrap();
    let numbers = [("rows", sweep.len()), ("runs", sweep.count_runs())];
    numbers.iter().for_each(|(key, number)| assert_eq!(all[key], *number));
    assert_eq!(all["mixtures"], sweep.count_mixtures());
    assert_eq!(keys(&all["weights"]), sweep.domains());
    for (domain, (low, high)) in sweep.domains().iter().zip(sweep.weight_ranges()) {
        assert_eq!(all["weights"][domain], serde_json::json!([low, high]));
    }
    assert_eq!(keys(&all["losses"]), sweep.targets());
    let losses = sweep.losses_of("rust").unwrap();
    let low = losses.iter().copied().fold(f64::INFINITY, f64::min);
    let high = losses.iter().copied().fold(0.0, f64::max);
    let expected = serde_json::json!({ "rows": losses.len(), "range": [low, high] });
    assert_eq!(all["losses"]["rust"], expected);
    assert_eq!(all["splits"]["eval"], 35);
    assert_eq!(all["n"].as_array().unwrap().len(), 5);
    assert_eq!(all["warnings"], serde_json::json!([]));

    let file = TempFile::with("show-json", SMALL.replace("eval", "Eval"));
    let all = json("show-warnings.json", &["show", file.path()]);
    let warning = &all["warnings"][0];
    has_keys(warning, &["kind", "name", "text"]);
    assert_eq!((&warning["kind"], &warning["name"]), (&"split_name".into(), &"Eval".into()));
}
