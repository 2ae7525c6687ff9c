//! The examples `fit`, `mixture` and `how_sure` as processes: what it says to bad input, and what its JSON means.
#![cfg(feature = "csv")]

use mixlaw::Scale;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::{Map, Value};

const SWEEP: &str = include_str!("../examples/data/byte_sweep.csv");

/// A sweep of two domains that is valid, but too small for any fit.
const SMALL: &str = "\
run,split,n_params,n_tokens,h_web,h_code,loss_web,loss_code
r0,train,1e8,2e9,0.7,0.3,2.9,2.5
r1,train,1e8,2e9,0.5,0.5,3.0,2.2
r2,eval,2e8,2e9,0.2,0.8,3.1,2.0
r3,spare,1e8,1e9,0.2,0.8,3.3,2.1
";

/// `cargo test` builds the examples beside the directory of the tests.
fn example(name: &str, args: &[&str]) -> Output {
    let test = std::env::current_exe().expect("the path of this test");
    let profile = test.ancestors().nth(2).expect("target/<profile>/deps/<test>");
    let binary = profile.join("examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(
        binary.exists(),
        "{} is not built: run `cargo test`, or `cargo build --examples` before",
        binary.display()
    );
    Command::new(binary).args(args).output().expect("the example runs")
}

fn fit(args: &[&str]) -> Output {
    example("fit", args)
}

/// A file of this test process that is removed in the end.
struct TempFile(PathBuf);

impl TempFile {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("mixlaw-cli-{}-{name}", std::process::id())))
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

/// Exit status 1, and one line `error: ...` that contains all of `expected`.
#[track_caller]
fn fails(args: &[&str], expected: &[&str]) {
    refused(fit(args), args, expected);
}

#[track_caller]
fn refused(output: Output, args: &[&str], expected: &[&str]) {
    let stderr = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1), "{args:?}: {stderr}");
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
    fails(&[file.path(), "--laws", "additive", "--starts", "2"], &expected);
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
    json_of("fit", name, args)
}

#[track_caller]
fn json_of(program: &str, name: &str, args: &[&str]) -> Value {
    let out = TempFile::new(name);
    let output = example(program, &[args, &["--json", out.path()]].concat());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {stderr}");
    assert!(!output.stdout.is_empty());
    let text = fs::read_to_string(out.path()).expect("the JSON was written");
    serde_json::from_str(&text).expect("it is JSON")
}

#[test]
fn headers_that_are_wrong_are_named() {
    let missing = small_with("n_tokens", "tokens");
    refuses("no-tokens", missing, &["line 1", "n_tokens", "the header has: run, split"]);
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
    refuses("empty", "", &["the file is empty"]);
    refuses("header", SMALL.lines().next().unwrap(), &["a header but no rows"]);
    refuses("png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01", &["line 1", "not UTF-8"]);
    let binary_below = [SMALL.as_bytes(), b"\xff\xfe\0\x01\n"].concat();
    refuses("binary-below", binary_below, &["line 6", "not UTF-8"]);
    let missing = TempFile::new("missing");
    fails(&[missing.path()], &[missing.path()]);
    let directory = std::env::temp_dir();
    let directory = directory.to_str().expect("a path in UTF-8");
    fails(&[directory], &[directory]);
}

#[test]
fn too_little_data_is_refused() {
    let few = ["2 rows", "9 free coefficients", "additive"];
    refuses("few", SMALL, &few);
    refuses("no-train", SMALL.replace("train", "test"), &["`train`", "test, eval, spare"]);
}

#[test]
fn flags_that_are_wrong_are_named() {
    for (args, expected) in [
        (&["--laws", "cubic"][..], &["--laws", "`cubic`", "additive"][..]),
        (&["--laws", "joint,joint"], &["--laws", "`joint`", "twice"]),
        (&["--targets", "cobol"], &["`cobol`", "english, french, python, c, rust"]),
        (&["--targets", "c,c"], &["--targets", "`c`", "twice"]),
        (&["--laws", "ge24", "--targets", "cobol"], &["`cobol`", "english"]),
        (&["--laws", "ge24", "--targets", "rust"], &["ge24", "rust"]),
        (&["--optimizer", "adam"], &["--optimizer", "`adam`", "lbfgs"]),
        (&["--gamma", "negative"], &["--gamma", "`negative`", "positive"]),
        (&["--starts", "0"], &["--starts", "0", "at least 1"]),
        (&["--starts", "-3"], &["--starts", "`-3`"]),
        (&["--seed", "x"], &["--seed", "`x`"]),
        (&["--at", "0,1e9"], &["--at", "`0`", "> 0"]),
        (&["--at", "1e9,inf"], &["--at", "`inf`", "finite"]),
        (&["--at", "x"], &["--at", "`x`", "N,D"]),
        (&["--at", "1e9,x"], &["--at", "`x`"]),
        (&["--weights", "rust"], &["--weights", "`rust`", "TARGET=WEIGHT"]),
        (&["--weights", "rust=-1"], &["--weights", "rust", "`-1`", "> 0"]),
        (&["--weights", "rust=0"], &["--weights", "rust", "`0`", "> 0"]),
        (&["--weights", "rust=NaN"], &["--weights", "rust", "`NaN`"]),
        (&["--weights", "rust=1,rust=2"], &["--weights", "`rust`", "twice"]),
        (&["--weights", "cobol=1"], &["`cobol`", "english"]),
        (&["--weights", "rust=1", "--targets", "c"], &["--weights", "additive", "`rust`"]),
        (&["--frobnicate"], &["--frobnicate"]),
        (&["--seed"], &["--seed"]),
        (&["one.csv", "two.csv"], &["two.csv"]),
        (&["--json", "/no/such/directory/out.json"], &["/no/such/directory/out.json"]),
    ] {
        let mut args = args.to_vec();
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
fn help_lists_the_flags() {
    let output = fit(&["--help"]);
    let text = String::from_utf8(output.stdout).expect("text");
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
    for flag in ["laws", "targets", "optimizer", "starts", "gamma", "seed", "at", "weights", "json"]
    {
        assert!(text.contains(&format!("--{flag} ")), "{flag}: {text}");
    }
}

#[test]
fn the_default_number_of_starts_is_the_one_in_the_help() {
    let help = String::from_utf8(fit(&["--help"]).stdout).expect("text");
    let (_, rest) = help.split_once("basin-hopping\n").expect("the flag --starts");
    let (_, rest) = rest.split_once("[default: ").expect("its default");
    let (starts, _) = rest.split_once(';').expect("the default of the crate's optimizer");
    // Each start is a few local solves, so that another number of them is seen in the count.
    let args = ["--laws", "chinchilla", "--targets", "rust"];
    let solves = |name, args: &[&str]| json(name, args)["fits"][0]["local_solves"].clone();
    let default = solves("default-starts.json", &args);
    assert_eq!(default, solves("starts.json", &[&args[..], &["--starts", starts]].concat()));
    assert_ne!(default, solves("more-starts.json", &[&args[..], &["--starts", "20"]].concat()));
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn the_json_has_the_documented_keys() {
    let args = ["--laws", "additive,joint", "--targets", "python,rust", "--starts", "2"];
    let all = json("keys.json", &args);
    assert_eq!(keys(&all), ["fits", "mixtures"]);
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
        assert_eq!(keys(fit), expected);
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
        assert_eq!(keys(mixture), expected);
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
    let args = ["--laws", "additive", "--targets", "python,c,rust", "--starts", "2"];
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
    let args = [file.path(), "--laws", "additive", "--targets", "c", "--starts", "2"];
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
        let n = n / self.get("N0").unwrap_or(1.0);
        let d = d / self.get("D0").unwrap_or(1.0);
        self.coefficient("E", h)
            + bias
            + self.coefficient("A", h) / n.powf(self.coefficient("alpha", h))
            + self.coefficient("B", h) / d.powf(self.coefficient("beta", h))
    }
}

#[test]
fn the_coefficients_alone_give_the_errors() {
    let target = "python";
    let args = ["--laws", "simple,additive,joint,full", "--targets", target, "--starts", "2"];
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
                    let (n, d) = (number(row, "n_params"), number(row, "n_tokens"));
                    (formula.loss(n, d, &h) - loss).abs() / loss
                })
                .collect();
            let mre = 100.0 * errors.iter().sum::<f64>() / errors.len() as f64;
            let reported = fit[key].as_f64().unwrap();
            let law = fit["law"].as_str().unwrap();
            assert!((mre / reported - 1.0).abs() < 1e-9, "{law} {key}: {mre}, not {reported}");
        }
    }
}

/// Two laws and few starts: quick, and not about the fits.
const QUICK: [&str; 6] = ["--laws", "additive", "--targets", "python,c,rust", "--starts", "2"];

#[test]
fn mixture_writes_what_fit_does_and_more() {
    let limits =
        ["--cap", "python=5e5:2", "--min", "french=0.12", "--group", "english+french=0.3:0.9"];
    let all = json_of("mixture", "mixture.json", &[&QUICK[..], &limits].concat());
    assert_eq!(keys(&all), ["fits", "mixtures"]);
    let own = json("beside.json", &QUICK);
    assert_eq!(all["fits"][0]["coefficients"], own["fits"][0]["coefficients"]);
    for (mixture, free) in
        all["mixtures"].as_array().unwrap().iter().zip(own["mixtures"].as_array().unwrap())
    {
        let fields = keys(mixture);
        assert!(keys(free).iter().all(|key| fields.contains(key)));
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
        assert!(active.iter().all(|a| a["multiplier"].as_f64().unwrap() > 0.0));
        for (domain, range) in mixture["ranges"]["domains"].as_object().unwrap() {
            let (low, high) = (range[0].as_f64().unwrap(), range[1].as_f64().unwrap());
            assert!(low <= weight(domain) && weight(domain) <= high, "{domain}");
        }
        assert!(mixture["extrapolation"]["size"].as_f64().unwrap() > 2.0);
        assert_eq!(mixture["path"].as_array().unwrap().len(), 13);
    }
}

#[test]
fn mixture_takes_goals_priors_and_budgets() {
    let goal = |name: &str, flags: &[&str]| {
        let all =
            json_of("mixture", name, &[&QUICK[..], &["--weights", "c=1,rust=1"], flags].concat());
        all["mixtures"][0].clone()
    };
    let losses = |m: &Value| ["c", "rust"].map(|t| m["losses"][t].as_f64().unwrap());
    let (sum, worst) = (goal("sum.json", &[]), goal("worst.json", &["--minimax"]));
    assert!(losses(&sum).iter().sum::<f64>() <= losses(&worst).iter().sum::<f64>());
    let largest = |m: &Value| losses(m).into_iter().fold(0.0, f64::max);
    assert!(largest(&worst) <= largest(&sum));
    assert!((worst["loss"].as_f64().unwrap() - largest(&worst)).abs() < 1e-9);
    let prior = ["--prior", "english=0.7,french=0.1,python=0.1,c=0.1", "--pull", "100"];
    let pulled = goal("pulled.json", &prior);
    assert!((pulled["weights"]["english"].as_f64().unwrap() - 0.7).abs() < 0.01);
    let budget = goal("budget.json", &["--flops", "1e13"]);
    let product = 6.0 * budget["n"].as_f64().unwrap() * budget["d"].as_f64().unwrap();
    assert!((product / 1e13 - 1.0).abs() < 1e-9);
    let boxed = goal("boxed.json", &["--box"]);
    assert!(boxed["extrapolation"]["weights"].as_array().unwrap().is_empty());
}

#[test]
fn mixture_refuses_what_cannot_be_kept() {
    for (flags, expected) in [
        (&["--min", "english=0.6", "--min", "c=0.5"][..], &["english >= 0.6; c >= 0.5"][..]),
        (&["--max", "cobol=0.5"], &["unknown domain `cobol`", "english, french, python, c"]),
        (&["--min", "c=2"], &["c >= 2", "from 0 to 1"]),
        (&["--min", "c"], &["--min", "`c`", "DOMAIN=WEIGHT"]),
        (&["--cap", "c=1e6"], &["--cap", "`1e6`", "DOMAIN=TOKENS:EPOCHS"]),
        (&["--cap", "c=lots:4"], &["--cap", "`lots`", "a number"]),
        (&["--cap", "c=-1:4"], &["the tokens of domain `c`", "-1"]),
        (&["--group", "c+c=0:0.5"], &["`c` appears twice"]),
        (&["--prior", "c=1"], &["--prior", "missing domain `english`"]),
        (&["--pull", "1"], &["--pull", "--prior"]),
        (&["--flops", "0"], &["--flops", "`0`", "> 0"]),
        (&["--flops", "1e13", "--at", "1e5,1e6"], &["--flops", "--at"]),
        (&["--frobnicate"], &["--frobnicate"]),
    ] {
        let args = [&QUICK[..], flags].concat();
        refused(example("mixture", &args), &args, expected);
    }
}

#[test]
fn how_sure_says_how_sure() {
    let args = ["--laws", "additive", "--targets", "rust", "--resamples", "40", "--starts", "6"];
    let all = json_of(
        "how_sure",
        "sure.json",
        &[&args[..], &["--against", "english=1,french=0,python=0,c=0"]].concat(),
    );
    assert_eq!(keys(&all), ["level", "n", "d", "fits", "mixtures", "learning"]);
    let fit = &all["fits"][0];
    let ends = |x: &Value| [&x["lower"], &x["upper"]].map(|v| v.as_f64().expect("a number"));
    let (law, run) = (ends(&fit["law_at_uniform"]), ends(&fit["run_at_uniform"]));
    assert!(run[0] < law[0] && law[0] < law[1] && law[1] < run[1], "{fit}");
    let alpha = ends(&fit["coefficients"]["additive"]["alpha"]);
    assert!(0.03 <= alpha[0] && alpha[1] <= 1.5);
    let mixture = &all["mixtures"][0];
    let estimate = |domain: &String| mixture["weights"][domain]["estimate"].as_f64().unwrap();
    let weights = mixture["weights"].as_object().unwrap();
    assert!((weights.keys().map(estimate).sum::<f64>() - 1.0).abs() < 1e-9);
    // A model of Rust is not best trained on English alone.
    assert_eq!(mixture["beats"]["that of --against"]["probability"], 1.0);
    let points = all["learning"][0]["mre"].as_array().unwrap();
    assert!(points[0].as_f64() > points[points.len() - 1].as_f64());
}

#[test]
fn how_sure_refuses_what_it_cannot_answer() {
    for (args, expected) in [
        (["--level", "1"], "--level: 1, expected less than 1"),
        (["--resamples", "5"], "the number of resamples is 5, expected from 20 to 1,000,000"),
        (["--against", "english=2"], "--against: "),
        (["--targets", "ruby"], "unknown target `ruby`"),
    ] {
        let args = [&args[..], &["--laws", "chinchilla", "--starts", "2"]].concat();
        refused(example("how_sure", &args), &args, &[expected]);
    }
}
