//! Tables as people have them: each is read by one expression of the reader, and what is wrong with one
//! is said with its line, its column, what was found there and what was expected.
#![cfg(feature = "csv")]

use std::fs;
use std::path::PathBuf;

use mixlaw::sweep::{ReadReport, SweepReader, Weights};
use mixlaw::{Error, Sweep};

/// The table that all others are a form of.
const PLAIN: &str = "run,split,n_params,n_tokens,h_web,h_code,loss_web,loss_qa\n\
    a,train,18920000,2000000000,0.5,0.5,3.2,2.9\n\
    a,train,18920000,4000000000,0.5,0.5,3.1,2.8\n\
    b,eval,1300000000,4000000000,0.125,0.875,3.3,2.4\n";

fn plain() -> Sweep {
    Sweep::from_csv(PLAIN.as_bytes()).unwrap()
}

#[track_caller]
fn read(reader: &SweepReader, text: &str) -> (Sweep, ReadReport) {
    reader.read_from(text.as_bytes()).unwrap()
}

/// The table is [`PLAIN`] in another form, of which nothing is changed or left out.
#[track_caller]
fn is_plain(reader: &SweepReader, text: &str) {
    let (sweep, report) = read(reader, text);
    assert_eq!(sweep, plain());
    assert!(report.is_unchanged(), "{report}");
    assert_eq!((report.rows, report.kept), (3, 3));
}

#[track_caller]
fn fails(reader: &SweepReader, text: &str, expected: &str) {
    let error = reader.read_from(text.as_bytes()).unwrap_err().to_string();
    assert!(error.starts_with(expected), "{error:?} should start with {expected:?}");
}

/// The text with a part of it replaced, which it has once.
#[track_caller]
fn edit(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "{from}");
    text.replace(from, to)
}

fn with_header(header: &str) -> String {
    let (_, rows) = PLAIN.split_once('\n').unwrap();
    format!("{header}\n{rows}")
}

#[test]
fn names_of_an_experiment_tracker() {
    let text = with_header(
        "Name,Set,params,tokens,train/weights/web,train/weights/code,eval/loss/web,eval/loss/qa",
    );
    let reader = SweepReader::new()
        .run_column("Name")
        .split_column("Set")
        .n_column("params")
        .d_column("tokens")
        .weight_columns("train/weights/")
        .loss_columns("eval/loss/");
    is_plain(&reader, &text);

    fails(&reader, &edit(&text, "Name", "name"), "line 1: no column `Name`, there are: name, Set");
    fails(&reader, &edit(&text, "Set", "set"), "line 1: no column `Set`");
    fails(&reader, &edit(&text, "params", "size"), "line 1: no column `params`");
    fails(&reader, &edit(&text, "tokens", "seen"), "line 1: no column `tokens`");
    let no_weights = text.replace("train/weights/", "weights/");
    fails(&reader, &no_weights, "line 1: no column `train/weights/<domain>`, there are: Name");
    let no_losses = text.replace("eval/loss/", "loss/");
    fails(&reader, &no_losses, "line 1: no column `eval/loss/<target>`");
    let no_name = edit(&text, "eval/loss/qa", "eval/loss/");
    fails(&reader, &no_name, "line 1: target name `` is empty");
    // Errors have the names of the file, whoever finds them.
    for (from, to, expected) in [
        ("3.1,2.8", "3.1,-2.8", "line 3, column `eval/loss/qa`: -2.8, expected a finite loss > 0"),
        ("3.1,2.8", "3.1,x", "line 3, column `eval/loss/qa`: `x`, expected a number"),
        ("3.1,2.8", ",2.8", "line 3, column `eval/loss/web`: an empty cell, expected a value"),
        ("1300000000", "0", "line 4, column `params`: 0, expected a finite number > 0"),
        ("1300000000", "inf", "line 4, column `params`: inf, expected a finite number > 0"),
        ("0.125,0.875", "1.5,-0.5", "line 4, column `train/weights/code`: -0.5, expected a finite"),
        (
            "0.125,0.875",
            "0.125,0.8",
            "line 4, columns train/weights/web + train/weights/code: the domain weights sum to 0.925, \
             expected 1 (within 1e-6)",
        ),
        (
            "a,train,18920000,4000000000",
            "a,train,18920001,4000000000",
            "line 2 and line 3: run `a` has `params` = 18920000 and 18920001",
        ),
        (
            "4000000000,0.5,0.5",
            "4000000000,0.25,0.75",
            "line 2 and line 3: run `a` has `train/weights/web` = 0.5 and 0.25",
        ),
    ] {
        fails(&reader, &edit(&text, from, to), expected);
    }
}

#[test]
fn columns_named_one_by_one() {
    let text = with_header("id,part,size,seen,share of web,share of code,web ppl,qa");
    let reader = SweepReader::new()
        .run_column("id")
        .split_column("part")
        .n_column("size")
        .d_column("seen")
        .weight_column("share of web", "web")
        .weight_column("share of code", "code")
        .loss_column("web ppl", "web")
        .loss_column("qa", "qa");
    is_plain(&reader, &text);
    // Beside a prefix only where that is asked for.
    let text = edit(&text, "share of code", "h_code");
    fails(&reader, &text, "line 1: no column `share of code`");
    let one = SweepReader::new().weight_column("w", "web");
    let (sweep, report) = read(&one, "n_params,n_tokens,w,h_code,loss_qa\n1e8,1e9,1,0,3\n");
    assert_eq!(
        (sweep.domains().len(), &report.ignored_columns[..]),
        (1, &["h_code".to_owned()][..])
    );
    let (sweep, _) =
        read(&one.weight_columns("h_"), "n_params,n_tokens,w,h_code,loss_qa\n1e8,1e9,1,0,3\n");
    assert_eq!(sweep.domains(), ["web", "code"]);
}

#[test]
fn a_column_is_one_thing() {
    let text = "n,x/a,x/loss/b\n1e8,1,3\n";
    let reader = SweepReader::new().n_column("n").d_column("n");
    fails(&reader, text, "line 1: column `n` is taken for N and for D");
    let reader = SweepReader::new().n_column("n").d_column("x/a");
    let reader = reader.weight_columns("x/").loss_columns("x/loss/");
    fails(&reader, text, "line 1: column `x/loss/b` is taken for a weight and for a loss");
    // A column that is named by itself belongs to no prefix.
    let (sweep, _) = read(
        &SweepReader::new().weight_columns("x/").loss_column("x/loss/b", "b"),
        "n_params,n_tokens,x/a,x/loss/b\n1e8,1e9,1,3\n",
    );
    assert_eq!((sweep.domains(), sweep.targets()), (&["a".to_owned()][..], &["b".to_owned()][..]));
    let twice = SweepReader::new().loss_column("b", "t").loss_column("c", "t");
    fails(&twice, "n_params,n_tokens,h_a,b,c\n1e8,1e9,1,3,4\n", "line 1: target `t` appears twice");
}

#[test]
fn tabs_and_semicolons() {
    is_plain(&SweepReader::new().delimiter(b'\t'), &PLAIN.replace(',', "\t"));
    let semicolons = PLAIN.replace(',', ";");
    let reader = SweepReader::new().delimiter(b';');
    is_plain(&reader, &semicolons);
    fails(&SweepReader::new(), &semicolons, "line 1: no column `n_params`, there are: run;split;");
    // A decimal comma is no number.
    fails(
        &reader,
        &edit(&semicolons, "3.3;", "3,3;"),
        "line 4, column `loss_web`: `3,3`, expected a",
    );
    fails(&reader, &edit(&semicolons, "3.3;", ""), "line 4: 7 fields, expected 8");
    fails(&reader, &edit(&semicolons, "\nb;", "\n\"b;"), "line 4: a quote is opened here");
    for delimiter in *b"\"\n\r\0\xc3" {
        let error = SweepReader::new().delimiter(delimiter).read_from(PLAIN.as_bytes());
        let error = error.unwrap_err();
        assert!(error.is_setting() && error.to_string().starts_with("delimiter is "), "{error}");
    }
}

#[cfg(feature = "json")]
#[test]
fn json_lines() {
    let reader = SweepReader::new().json_lines().weight_columns("h/").loss_columns("loss/");
    let text = r#"{"run": "a", "split": "train", "n_params": 18920000, "n_tokens": 2e9, "h": {"web": 0.5, "code": 0.5}, "loss": {"web": 3.2, "qa": 2.9}}

{"n_tokens": 4e9, "loss/qa": 2.8, "loss": {"web": 3.1}, "run": "a", "split": "tr\u0061in", "n_params": "18920000", "h": {"web": 0.5, "code": 0.5}}
{"run": "b", "split": "eval", "n_params": 1.3e9, "n_tokens": 4000000000, "h": {"web": 0.125, "code": 0.875}, "loss": {"web": 3.3, "qa": 2.4}}"#;
    let (sweep, report) = read(&reader, text);
    let plain = plain();
    assert!(sweep.rows().eq(plain.rows()) && report.is_unchanged());
    assert_eq!(sweep.place(1).to_string(), "line 3");
    let (sweep, _) = read(&reader, &format!("\u{feff}{}\r\n", text.replace('\n', "\r\n")));
    assert!(sweep.rows().eq(plain.rows()));

    for (from, to, expected) in [
        ("3.3", "\"x\"", "line 4, column `loss/web`: `x`, expected a number"),
        ("3.3", "true", "line 4, column `loss/web`: `true`, expected a number"),
        ("3.3", "[3.3]", "line 4, column `loss/web`: `[3.3]`, expected a number"),
        ("3.3", "null", "line 4, column `loss/web`: an empty cell, expected a value"),
        ("\"web\": 3.3, ", "", "line 4, column `loss/web`: an empty cell, expected a value"),
        ("3.3", "-3.3", "line 4, column `loss/web`: -3.3, expected a finite loss > 0"),
        ("3.3", "NaN", "line 4: not a JSON object: expected value (character 1"),
        ("3.3", "3.3, \"web\": 3.3", "line 4: key `loss/web` appears twice"),
        (
            "\"loss/qa\": 2.8",
            "\"loss\": {\"qa\": 2.8}, \"loss/qa\": 2.8",
            "line 3: key `loss/qa` app",
        ),
        ("\"run\": \"b\", ", "", "line 4, column `run`: an empty cell, expected a value"),
        ("2.4}}", "2.4}}]", "line 4: not a JSON object: trailing characters (character 1"),
        ("2.4}}", "2.4}", "line 4: not a JSON object: EOF"),
    ] {
        fails(&reader, &edit(text, from, to), expected);
    }
    fails(
        &reader,
        "[1, 2]",
        "line 1: not a JSON object: invalid type: sequence, expected an object",
    );
    fails(&reader, "\n \n", "a file of JSON lines needs at least one object, got none");
    fails(&reader, "{}\n", "line 1: no column `n_params`, there are none");
    let deep = format!("{}1{}", "{\"a\":".repeat(50_000), "}".repeat(50_000));
    fails(&reader, &deep, "line 1: not a JSON object: too many objects in objects");
    let bytes = [text.as_bytes(), b"\n\xff"].concat();
    let error = reader.read_from(&bytes[..]).unwrap_err().to_string();
    assert!(error.starts_with("line 5: not UTF-8"), "{error}");
    // A column that the first object does not have.
    let late = r#"{"n_params": 1e8, "n_tokens": 1e9, "h": {"a": 1}, "loss": {"t": 3}}
        {"n_params": 1e8, "n_tokens": 2e9, "h": {"a": 1}, "loss": {"t": 3, "u": 2}, "ok": true}"#;
    fails(&reader, late, "line 1, column `loss/u`: an empty cell");
    let (sweep, report) = read(&reader.clone().missing(&[""]), late);
    assert!(sweep.row(0).losses[1].is_nan());
    assert_eq!(report.missing, [("t".to_owned(), 0), ("u".to_owned(), 1)]);
    let (sweep, _) = read(&reader.missing(&[""]).filter("ok", |cell| cell == "true"), late);
    assert_eq!(sweep.len(), 1);
}

#[test]
fn upper_case() {
    let text = with_header("RUN,Split,N_PARAMS,N_Tokens,H_web,H_code,LOSS_web,Loss_qa");
    let reader = SweepReader::new().ignore_case();
    is_plain(&reader, &text);
    fails(&SweepReader::new(), &text, "line 1: no column `n_params`, there are: RUN");
    let twice = edit(&text, "Loss_qa", "loss_WEB");
    fails(&reader, &twice, "line 1: column `loss_WEB` appears twice");
    // Names are those of the file.
    let (sweep, _) = read(&reader, &edit(&text, "H_web", "H_Web"));
    assert_eq!(sweep.domains(), ["Web", "code"]);
}

#[test]
fn sizes_with_units() {
    let text = PLAIN
        .replace("18920000", "18.92M")
        .replace("1300000000", "1.3 b")
        .replace("4000000000", "4G")
        .replace("2000000000", "2e9");
    let reader = SweepReader::new().units();
    is_plain(&reader, &text);
    fails(&SweepReader::new(), &text, "line 2, column `n_params`: `18.92M`, expected a number");
    for (from, to, expected) in [
        (
            "1.3 b",
            "1.3Bn",
            "line 4, column `n_params`: `1.3Bn`, expected a number, with or without K",
        ),
        ("1.3 b", "M", "line 4, column `n_params`: `M`, expected a number, with or without K"),
        ("2e9", "2e3M", "line 2, column `n_tokens`: `2e3M`, expected a number, with or without K"),
        ("2e9", "-2B", "line 2, column `n_tokens`: `-2B`, expected a finite number > 0"),
        ("3.3", "3.3K", "line 4, column `loss_web`: `3.3K`, expected a number"),
        ("0.875", "0.000875K", "line 4, column `h_code`: `0.000875K`, expected a number"),
    ] {
        fails(&reader, &edit(&text, from, to), expected);
    }
}

#[test]
fn weights_in_percent() {
    let text = PLAIN.replace("0.5,0.5", "50,50.0").replace("0.125,0.875", "12.50%,87.5 %");
    let reader = SweepReader::new().weights_as(Weights::Percent);
    is_plain(&reader, &text);
    fails(
        &SweepReader::new(),
        &text,
        "line 2, columns h_web + h_code: the domain weights sum to 100,",
    );
    let signs = PLAIN.replace("0.125", "12.50%");
    fails(&SweepReader::new(), &signs, "line 4, column `h_web`: `12.50%`, expected a number");
    fails(&reader, PLAIN, "line 2, columns h_web + h_code: the domain weights sum to 0.01,");
    for (from, to, expected) in [
        ("12.50%", "12.50%%", "line 4, column `h_web`: `12.50%%`, expected a number in percent"),
        ("12.50%", "-12.5%", "line 4, column `h_web`: `-12.5%`, expected a finite domain weight"),
        ("12.50%", "13%", "line 4, columns h_web + h_code: the domain weights sum to 1.005,"),
    ] {
        fails(&reader, &edit(&text, from, to), expected);
    }
}

#[test]
fn weights_as_token_counts() {
    let text = PLAIN.replace("0.5,0.5", "1000,1e3").replace("0.125,0.875", "0.5B,3.5B");
    let reader = SweepReader::new().weights_as(Weights::Tokens).units();
    is_plain(&reader, &text);
    let no_units = SweepReader::new().weights_as(Weights::Tokens);
    fails(&no_units, &text, "line 4, column `h_web`: `0.5B`, expected a number");
    for (to, expected) in [
        ("0,0", "line 4, columns h_web + h_code: the domain weights sum to 0, expected 1"),
        ("2,-1", "line 4, column `h_code`: `-1`, expected a finite domain weight >= 0"),
        ("inf,1", "line 4, column `h_web`: `inf`, expected a finite domain weight >= 0"),
        ("NaN,1", "line 4, column `h_web`: `NaN`, expected a finite domain weight >= 0"),
    ] {
        fails(&reader, &edit(&text, "0.5B,3.5B", to), expected);
    }
}

#[test]
fn sums_that_are_not_quite_one() {
    let row = |i: usize, h: &str| format!("m{i},1e8,1e9,{h},3\n");
    let sums = ["0.5,0.47", "0.5,0.496", "0.5,0.5", "0.5,0.5000001", "0.5,0.51"];
    let rows: String = sums.iter().enumerate().map(|(i, h)| row(i, h)).collect();
    let text = format!("run,n_params,n_tokens,h_web,h_code,loss_qa\n{rows}");
    let (sweep, report) = read(&SweepReader::new().normalize(0.03), &text);
    assert_eq!(sweep.row(0).h, [0.5 / 0.97, 0.47 / 0.97]);
    // What is fine as it is stays as it is.
    assert_eq!(sweep.row(3).h, [0.5, 0.5000001]);
    assert_eq!((report.kept, report.normalized), (5, 3));
    assert!((report.largest_change - 0.03).abs() < 1e-12, "{}", report.largest_change);
    assert_eq!(
        report.to_string(),
        "5 rows read, 5 kept\n\
         3 rows normalised: the sum of their weights was off by at most 0.03"
    );
    let reader = SweepReader::new().normalize(0.02);
    fails(
        &reader,
        &text,
        "line 2, columns h_web + h_code: the domain weights sum to 0.97, expected 1 (within 0.02)",
    );
    // It mends no sign and no hole.
    let negative = edit(&text, "0.5,0.51", "-0.01,1.01");
    let reader = SweepReader::new().normalize(0.05);
    fails(
        &reader,
        &negative,
        "line 6, column `h_web`: -0.01, expected a finite domain weight >= 0",
    );
    fails(
        &SweepReader::new(),
        &text,
        "line 2, columns h_web + h_code: the domain weights sum to 0.97",
    );
    for tolerance in [-0.1, 1.0, f64::NAN, f64::INFINITY] {
        let error = SweepReader::new().normalize(tolerance).read_from(PLAIN.as_bytes());
        let error = error.unwrap_err();
        assert!(error.is_setting() && error.to_string().starts_with("normalize is "), "{error}");
    }
}

#[test]
fn losses_that_are_missing() {
    let text = PLAIN.replace("3.1,2.8", "NaN,2.8").replace("3.3,2.4", "3.3,");
    let reader = SweepReader::new().missing(&["", "NaN", "null"]);
    let (sweep, report) = read(&reader, &text);
    assert_eq!(sweep.len(), 3);
    assert!(sweep.row(1).losses[0].is_nan() && sweep.row(2).losses[1].is_nan());
    assert_eq!(sweep.with_losses_of("qa").unwrap().len(), 2);
    assert_eq!(report.missing, [("web".to_owned(), 1), ("qa".to_owned(), 1)]);
    assert!(!report.is_unchanged());
    assert_eq!(
        report.to_string(),
        "3 rows read, 3 kept\n\
         1 of 3 losses of `web` missing\n\
         1 of 3 losses of `qa` missing"
    );
    // What it is written as can be read again.
    let mut written = Vec::new();
    sweep.to_csv(&mut written).unwrap();
    let (again, _) = SweepReader::new().missing(&[""]).read_from(&written[..]).unwrap();
    assert!(again.rows().eq(sweep.rows()));

    let said = "line 3, column `loss_web`: NaN, expected a finite loss > 0; if losses may be missing, name";
    fails(&SweepReader::new(), &text, said);
    fails(&SweepReader::new().missing(&[""]), &text, said);
    let empty = "line 4, column `loss_qa`: an empty cell, expected a value";
    fails(&SweepReader::new().missing(&["NaN"]), &text, empty);
    fails(
        &reader,
        &edit(&text, "NaN", "nul"),
        "line 3, column `loss_web`: `nul`, expected a number",
    );
    // Other cells are never missing.
    fails(&reader, &edit(&text, "0.125", ""), "line 4, column `h_web`: an empty cell");
    fails(&reader, &edit(&text, "0.125", "NaN"), "line 4, column `h_web`: NaN, expected a finite");
    let none = edit(&text, "NaN,2.8", "NaN,null");
    fails(&reader, &none, "line 3: no loss, expected that of at least one target");
    let (sweep, report) = read(&reader.clone().skip_incomplete(), &none);
    assert_eq!((sweep.len(), report.incomplete), (2, 1));
    assert_eq!(report.missing, [("web".to_owned(), 0), ("qa".to_owned(), 1)]);
}

#[test]
fn a_table_without_weights() {
    let text = "Model Size,Training Tokens,h_web,loss\n7e7,1e9,0.3,3.9\n4e8,8e9,0.3,2.9\n";
    let reader = SweepReader::new()
        .n_column("Model Size")
        .d_column("Training Tokens")
        .loss_column("loss", "web")
        .no_weights("web");
    let (sweep, report) = read(&reader, text);
    assert_eq!(
        (sweep.domains(), sweep.targets()),
        (&["web".to_owned()][..], &["web".to_owned()][..])
    );
    assert!(sweep.rows().all(|row| row.h == [1.0]));
    assert_eq!(report.ignored_columns, ["h_web"]);
    let other = SweepReader::new().n_column("Model Size").d_column("Training Tokens");
    let other = other.loss_column("loss", "web");
    fails(
        &other,
        &edit(text, "h_web", "x"),
        "line 1: no column `h_<domain>`, there are: Model Size",
    );
    fails(
        &reader.clone().no_weights(" "),
        text,
        "line 1: domain name ` ` begins or ends with white",
    );
    let twice = edit(text, "4e8,8e9", "7e7,1e9");
    fails(&reader, &twice, "line 2 and line 3: the same N, D and mixture, and no names of runs");
}

/// Files in a folder of their own, which is removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("mixlaw-reader-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn three_files_are_joined() {
    let folder = Folder::new("joined");
    let lines: Vec<&str> = PLAIN.lines().collect();
    let first = folder.file("1.csv", &format!("{}\n{}\n", lines[0], lines[1]));
    // Another order of columns, and one more.
    let text = "lr,loss_qa,loss_web,h_code,h_web,n_tokens,n_params,split,run\n\
        1e-4,2.8,3.1,0.5,0.5,4e9,18920000,train,a\n";
    let second = folder.file("2.csv", text);
    let third = folder.file("3.csv", &format!("{}\n\n{}\n", lines[0], lines[3]));
    let all = [&first, &second, &third];
    let (sweep, report) = SweepReader::new().read_all(all).unwrap();
    let plain = plain();
    assert!(sweep.rows().eq(plain.rows()));
    assert_eq!((sweep.count_runs(), sweep.ignored_columns()), (2, &["lr".to_owned()][..]));
    assert_eq!((report.rows, report.kept), (3, 3));
    assert_eq!(sweep.place(2).to_string(), format!("{}, line 3", third.display()));
    let part = sweep.select(|row| row.run == "b").unwrap();
    assert_eq!(part.place(0), sweep.place(2));

    let error = |paths: &[&PathBuf]| -> String {
        SweepReader::new().read_all(paths).unwrap_err().to_string()
    };
    let again = |name: &str, text: &str| folder.file(name, text);
    let (shown, other) = (first.display(), again("other.csv", &edit(text, "2.8", "x")));
    let expected = format!("{}, line 2, column `loss_qa`: `x`, expected a number", other.display());
    assert_eq!(error(&[&first, &other]), expected);
    let twice = error(&[&first, &first]);
    let expected = format!("{shown}, line 2 and {shown}, line 2: run `a` has D = 2000000000 twice");
    assert!(twice.starts_with(&expected), "{twice}");
    for (from, to, expected) in [
        (
            "loss_qa",
            "loss_x",
            "the targets of the first file and this one differ: web, qa and x, web",
        ),
        (
            "h_code",
            "h_x",
            "the domains of the first file and this one differ: web, code and x, web",
        ),
        (
            "run",
            "id",
            "the columns of the first file and this one differ: with runs, with splits and",
        ),
        (
            "split",
            "set",
            "the columns of the first file and this one differ: with runs, with splits",
        ),
    ] {
        let other = again("other.csv", &edit(text, from, to));
        let expected = format!("{}, line 1: {expected}", other.display());
        let error = error(&[&first, &other]);
        assert!(error.starts_with(&expected), "{error:?} should start with {expected:?}");
    }
    let bare = again("bare.csv", lines[0]);
    assert!(
        error(&[&first, &bare])
            .ends_with("bare.csv: a CSV file needs at least one row below its header, got none")
    );
    let absent = folder.0.join("absent.csv");
    assert!(error(&[&first, &absent]).starts_with(&format!("{}: ", absent.display())));
    assert_eq!(error(&[]), "a list of files needs at least one file, got none");
}

#[cfg(feature = "serde")]
#[test]
fn files_are_stored_with_the_sweep() {
    let folder = Folder::new("stored");
    let header = PLAIN.lines().next().unwrap();
    let (first, second) = PLAIN.split_once("\nb,").unwrap();
    let paths =
        [folder.file("1.csv", first), folder.file("2.csv", &format!("{header}\nb,{second}"))];
    let (sweep, _) = SweepReader::new().read_all(&paths).unwrap();
    let text = serde_json::to_string(&sweep).unwrap();
    let back: Sweep = serde_json::from_str(&text).unwrap();
    assert_eq!((back.place(2), &back), (sweep.place(2), &sweep));
    let beyond = edit(&text, "[1,2]", "[2,2]");
    let error = serde_json::from_str::<Sweep>(&beyond).unwrap_err().to_string();
    assert!(error.contains("the names of files has length 2, expected 3"), "{error}");
}

#[test]
fn rows_are_filtered_by_a_flag_and_counted() {
    let marked = |flags: [&str; 3]| -> String {
        let cells = ["outlier,schedule", flags[0], flags[1], flags[2]];
        PLAIN.lines().zip(cells).map(|(line, flag)| format!("{line},{flag}\n")).collect()
    };
    let reader = SweepReader::new()
        .filter("outlier", |cell| cell == "0")
        .filter("schedule", |cell| cell != "cosine");
    // What is left out is not looked at.
    let text = edit(&marked(["0,constant", "0,cosine", " 1 ,cosine"]), "3.3,2.4", "9e9x,");
    let (sweep, report) = read(&reader, &text);
    assert_eq!(sweep.len(), 1);
    assert_eq!(report.filtered, [("outlier".to_owned(), 1), ("schedule".to_owned(), 1)]);
    assert!(report.ignored_columns.is_empty() && !report.is_unchanged());
    assert_eq!(
        report.to_string(),
        "3 rows read, 1 kept\n\
         1 row left out by the filter of `outlier`\n\
         1 row left out by the filter of `schedule`"
    );
    // By a column of the sweep as well.
    let (sweep, _) = read(&SweepReader::new().filter("split", |cell| cell == "eval"), PLAIN);
    assert_eq!(sweep.len(), 1);
    fails(&reader, PLAIN, "line 1: no column `outlier`, there are: run");
    let none = marked(["1,constant", "1,constant", "1,constant"]);
    fails(&reader, &none, "a sweep needs at least one row that passes the filters, got none");
    let short = edit(&text, "9e9x,,", "9e9x,");
    fails(&reader, &short, "line 4: 9 fields, expected 10");
}

#[test]
fn incomplete_rows_are_counted() {
    let text = PLAIN.replace("3.1,2.8", "3.1,").replace("b,eval", ",eval");
    let reader = SweepReader::new().skip_incomplete();
    let (sweep, report) = read(&reader, &text);
    assert_eq!((sweep.len(), report.rows, report.incomplete), (1, 3, 2));
    assert_eq!(report.to_string(), "3 rows read, 1 kept\n2 rows left out as incomplete");
    fails(&SweepReader::new(), &text, "line 3, column `loss_qa`: an empty cell");
    let all = text.replace("3.2,2.9", ",2.9");
    fails(&reader, &all, "a sweep needs at least one row without empty cells, got none");
}

#[test]
fn repeated_measurements() {
    let text = edit(PLAIN, "4000000000,0.5", "2000000000,0.5");
    fails(&SweepReader::new(), &text, "line 2 and line 3: run `a` has D = 2000000000 twice");
    assert_eq!(read(&SweepReader::new().repeated_measurements(), &text).0.len(), 3);
}

#[test]
fn a_reader_can_be_shared_and_printed() {
    fn shared<T: Send + Sync + Clone + std::fmt::Debug>(_: &T) {}
    let reader = SweepReader::new().filter("outlier", |cell| cell == "0");
    shared(&reader);
    assert!(format!("{reader:?}").contains("outlier"));
    let _: Result<(Sweep, ReadReport), Error> = reader.read("no/such/file.csv");
}
