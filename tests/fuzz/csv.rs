//! Bytes to a sweep, and everything that follows from it.

use std::fmt::Write;

use mixlaw::law::{self, LawSettings};
use mixlaw::plan::{Extrapolation, Goal, Plan};
use mixlaw::selection::{Candidate, Selection};
use mixlaw::simplex::Constraints;
use mixlaw::sweep::{SweepReader, Weights};
use mixlaw::uncertainty::{Bootstrap, Identifiability};
use mixlaw::{Fitter, Mixture, Scale, Sweep};
use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus as Random;

use crate::data::{mixture, number, pick};
use crate::harness::{Tally, campaign};

/// A table that is fine, as cells.
fn table(rng: &mut Random) -> Vec<Vec<String>> {
    let domains = &["web", "code", "books"][..rng.random_range(1..4)];
    let targets = &["web", "python"][..rng.random_range(1..3)];
    let (run, split) = (rng.random_bool(0.6), rng.random_bool(0.4));
    let mut header: Vec<String> = Vec::new();
    header.extend(run.then(|| "run".to_owned()));
    header.extend(split.then(|| "split".to_owned()));
    header.extend(["n_params", "n_tokens"].map(String::from));
    header.extend(domains.iter().map(|name| format!("h_{name}")));
    header.extend(targets.iter().map(|name| format!("loss_{name}")));
    if rng.random_bool(0.1) {
        header.push("note".to_owned());
    }
    let mut rows = vec![header];
    for m in 0..rng.random_range(1..7) {
        let h = mixture(rng, domains.len());
        for (n, d) in [(1e7, 1e9), (4e7, 1e9), (1e7, 5e9)] {
            let mut row = Vec::new();
            row.extend(run.then(|| format!("m{m}-{n:e}")));
            row.extend(split.then(|| pick(rng, &["train", "eval", "other"]).to_owned()));
            row.extend([n.to_string(), d.to_string()]);
            row.extend(h.iter().map(ToString::to_string));
            for t in 0..targets.len() {
                let loss =
                    1.5 + 0.3 * t as f64 + 40.0 / f64::powf(n, 0.3) + 90.0 / f64::powf(d, 0.3);
                row.push((loss + 0.5 / (0.2 + h[0]) + rng.random_range(0.0..0.01)).to_string());
            }
            row.resize(rows[0].len(), "a note, \"quoted\"".replace(['"', ','], "'"));
            rows.push(row);
        }
    }
    rows
}

/// A cell that is not what was expected.
fn cell(rng: &mut Random) -> String {
    const CELLS: [&str; 36] = [
        "", " ", "NaN", "nan", "inf", "-inf", "1e400", "-1e400", "1e-400", "-0", "0", "-1",
        "1e308", "5e-324", "1,5", "0x10", "1_000", "\"", "\"\"", "\"ok", "ok\"", "\"a,b\"",
        "\"a\nb\"", "\u{feff}", "٣", "1e", "+1", ".5", "5.", "h_web", "loss_web", "run", "h_",
        "loss_", "n_params", "\u{0}",
    ];
    match rng.random_range(0..8) {
        0 => number(rng).to_string(),
        1 => format!("{:e}", number(rng)),
        2 => pick(rng, &["x", "h_", "loss_", "\u{1f980}"]).repeat(rng.random_range(1..4_000)),
        _ => pick(rng, &CELLS).to_owned(),
    }
}

/// A table as bytes, with some faults.
fn bytes(rng: &mut Random) -> Vec<u8> {
    if rng.random_bool(0.02) {
        return (0..rng.random_range(0..400)).map(|_| rng.random()).collect();
    }
    let mut rows = table(rng);
    let faults = pick(rng, &[0, 0, 1, 1, 1, 2, 3, 8]);
    for _ in 0..faults {
        let i = rng.random_range(0..rows.len());
        let j = rng.random_range(0..rows[i].len().max(1));
        match rng.random_range(0..12) {
            0..5 => {
                let new = cell(rng);
                if let Some(cell) = rows[i].get_mut(j) {
                    *cell = new;
                }
            }
            5 => rows.insert(i, rows[i].clone()),
            6 if rows.len() > 1 => drop(rows.remove(i)),
            7 => rows[i].truncate(j),
            8 => {
                let new = cell(rng);
                let at = j.min(rows[i].len());
                rows[i].insert(at, new);
            }
            9 => rows.iter_mut().filter(|row| j < row.len()).for_each(|row| drop(row.remove(j))),
            10 => {
                let other = rng.random_range(0..rows.len());
                let from = rows[other].clone();
                if let (Some(a), Some(b)) = (rows[i].get_mut(j), from.get(j)) {
                    a.clone_from(b);
                }
            }
            _ => {
                let (many, name) = (rng.random_range(1..300), cell(rng));
                for (i, row) in rows.iter_mut().enumerate() {
                    row.extend(
                        (0..many)
                            .map(|c| if i == 0 { format!("{name}{c}") } else { "0".to_owned() }),
                    );
                }
            }
        }
        if rows.is_empty() {
            break;
        }
    }
    let separator = if rng.random_bool(0.95) { "," } else { pick(rng, &[";", "\t", ", ", ",,"]) };
    let end = if rng.random_bool(0.9) { "\n" } else { pick(rng, &["\r\n", "\r", "\n\n"]) };
    let mut text = String::new();
    for row in &rows {
        write!(text, "{}{end}", row.join(separator)).unwrap();
    }
    let mut bytes = text.into_bytes();
    if rng.random_bool(0.2) {
        for _ in 0..rng.random_range(1..4) {
            let at = rng.random_range(0..=bytes.len());
            match rng.random_range(0..4) {
                0 => bytes.insert(at, pick(rng, b"\"\",\n\r0e.-\0\xff ")),
                1 if at < bytes.len() => drop(bytes.remove(at)),
                2 if at < bytes.len() => bytes[at] = rng.random(),
                _ => bytes.truncate(at),
            }
        }
    }
    bytes
}

/// The records of a file, without the header; `None` if it ends within quotes. A cell is quoted if it
/// begins with a quote.
fn rows_of(bytes: &[u8]) -> Option<usize> {
    let (mut records, mut begins, mut quoted, mut holds) = (0, true, false, false);
    let mut left = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).iter().peekable();
    while let Some(byte) = left.next() {
        match byte {
            b'"' if quoted && left.peek() == Some(&&b'"') => drop(left.next()),
            b'"' if quoted => quoted = false,
            _ if quoted => {}
            b'"' if begins => (quoted, holds, begins) = (true, true, false),
            b'\n' | b'\r' => {
                records += usize::from(holds);
                (begins, holds) = (true, false);
            }
            // A line of blanks alone is none.
            _ => (begins, holds) = (*byte == b',', holds || !byte.is_ascii_whitespace()),
        }
    }
    (!quoted).then(|| (records + usize::from(holds)).saturating_sub(1))
}

fn downstream(rng: &mut Random, tally: &mut Tally, sweep: &Sweep) {
    let target =
        pick(rng, &sweep.targets().iter().map(String::as_str).collect::<Vec<_>>()).to_owned();
    let law = if rng.random_bool(0.5) {
        let laws = tally
            .answer("lists of laws", mixlaw::law::suitable(sweep, &target))
            .unwrap_or_default();
        let Some(i) = (!laws.is_empty()).then(|| rng.random_range(0..laws.len())) else { return };
        laws[i].clone()
    } else {
        let names: Vec<&str> = law::built_in().iter().map(|law| law.name()).collect();
        let named = law::named(pick(rng, &names))
            .and_then(|law| law.for_sweep(sweep, &LawSettings::new().domain(&target)));
        let Some(law) = tally.answer("laws", named) else { return };
        law
    };
    let fitter = Fitter::new().starts(rng.random_range(1..3)).seed(rng.random());
    let Some(fit) = tally.answer("fits", fitter.fit(law.clone(), sweep, &target)) else { return };
    assert!(fit.objective() >= 0.0, "a fit with the objective {}", fit.objective());
    if let Some(predicted) = tally.answer("predictions", fit.predict_sweep(sweep)) {
        assert!(predicted.iter().all(|x| !x.is_nan()), "a prediction of NaN for {}", law.name());
    }
    tally.answer("evaluations", fit.evaluate(sweep));
    let h = mixture(rng, sweep.domains().len());
    let (n, d) = (10f64.powf(rng.random_range(5.0..12.0)), 10f64.powf(rng.random_range(7.0..14.0)));
    if let Some(loss) = tally.answer("predictions", fit.predict(Scale { n, d }, &h)) {
        assert!(!loss.is_nan(), "{} predicts NaN at N = {n:e}, D = {d:e}, h = {h:?}", law.name());
    }
    let limits = if rng.random_bool(0.5) {
        Constraints::new().trained_box(sweep, 0.0)
    } else {
        Constraints::new()
    };
    let goal = pick(rng, &[Goal::Sum, Goal::Worst, Goal::WorstExcess]);
    let plan = Plan::builder().target(1.0, &fit).goal(goal).constraints(limits).build();
    let plan = tally.answer("plans", plan);
    let choice = plan.as_ref().map(|plan| (plan, plan.best(Scale { n, d })));
    let choice = choice.and_then(|(plan, choice)| Some((plan, tally.answer("choices", choice)?)));
    if let Some((plan, choice)) = choice {
        let sum: f64 = choice.optimum.weights.iter().sum();
        assert!((sum - 1.0).abs() <= 1e-12, "weights with a sum of 1 + {:e}", sum - 1.0);
        tally.answer("extrapolations", Extrapolation::of(&choice, sweep));
        // Some forty solves for each domain.
        if rng.random_bool(0.1) && sweep.domains().len() <= 20 {
            tally.answer("ranges", plan.ranges(&choice, 0.01));
        }
    }
    if rng.random_bool(0.1) {
        let bootstrap = Bootstrap::new(20).seed(rng.random()).run(&fit, sweep);
        if let Some(resamples) = tally.answer("bootstraps", bootstrap) {
            tally.answer("intervals", resamples.interval(Scale { n, d }, &h, 0.9));
            tally.answer("intervals", resamples.coefficients(0.9));
            tally.answer("intervals", resamples.residuals(0.9));
            let plan = Plan::builder().target(1.0, &resamples).build().unwrap();
            if let Some(choice) = tally.answer("choices", plan.best(Scale { n, d })) {
                tally.answer("certainties", plan.certainty(&choice));
            }
        }
    }
    if rng.random_bool(0.02) {
        tally.answer("probes", Identifiability::of(&fit, sweep));
    }
    if rng.random_bool(0.02) {
        let own = Candidate::new(law, Fitter::new().starts(1));
        let selection = Selection::new().candidate(own).folds(2).seed(rng.random());
        tally.answer("selections", selection.run(sweep, &target));
    }
    if rng.random_bool(0.1) {
        tally.answer("splits", sweep.split_by_mixture(2, rng.random()));
        tally.answer("splits", sweep.split_by_run(2, rng.random()));
        tally.answer("splits", sweep.select(|row| row.n <= n));
        tally.answer("splits", sweep.select(|row| row.d <= d));
        tally.answer("splits", sweep.split("train"));
    }
}

/// A reader with some settings, most of which do not fit the table.
fn reader(rng: &mut Random) -> SweepReader {
    const COLUMNS: [&str; 8] =
        ["run", "split", "n_params", "n_tokens", "h_web", "loss_web", "note", "no such"];
    const PREFIXES: [&str; 8] = ["h_", "loss_", "", "n_", "H_", "h", "loss_web", "\u{1f980}"];
    let mut reader = SweepReader::new();
    for _ in 0..rng.random_range(1..5) {
        reader = match rng.random_range(0..20) {
            0 => reader.n_column(pick(rng, &COLUMNS)),
            1 => reader.d_column(pick(rng, &COLUMNS)),
            2 => reader.run_column(pick(rng, &COLUMNS)),
            3 => reader.split_column(pick(rng, &COLUMNS)),
            4 => reader.weight_columns(pick(rng, &PREFIXES)),
            5 => reader.loss_columns(pick(rng, &PREFIXES)),
            6 => reader.weight_column(pick(rng, &COLUMNS), cell(rng)),
            7 => reader.loss_column(pick(rng, &COLUMNS), cell(rng)),
            8 => reader.no_weights(cell(rng)),
            9 => reader.ignore_case(),
            10 => reader.delimiter(pick(rng, b",;\t|\"\n\r\0\xff 0e")),
            11 | 12 => reader.units(),
            13 => {
                let kinds = [Weights::Fraction, Weights::Percent, Weights::Tokens];
                reader.weights_as(pick(rng, &kinds))
            }
            14 => reader.normalize(pick(rng, &[0.0, 1e-3, 0.05, 0.999, 1.0, -1.0, f64::NAN])),
            15 => reader.missing(&[cell(rng), cell(rng)]),
            16 => {
                let (column, dropped) = (pick(rng, &COLUMNS), cell(rng));
                reader.filter(column, move |cell| cell != dropped)
            }
            17 => reader.skip_incomplete(),
            18 => reader.repeated_measurements(),
            _ => reader.missing(&["", "NaN", "null"]),
        };
    }
    reader
}

/// The counts of the report are those of the sweep, and the sweep is one.
fn check_settings(rng: &mut Random, tally: &mut Tally, bytes: &[u8]) {
    let Some((sweep, report)) = tally.answer("accepted by settings", reader(rng).read_from(bytes))
    else {
        return;
    };
    let filtered: usize = report.filtered.iter().map(|(_, count)| count).sum();
    assert_eq!(report.rows, report.kept + report.incomplete + filtered, "{report}");
    assert_eq!((report.kept, &report.ignored_columns[..]), (sweep.len(), sweep.ignored_columns()));
    for ((target, missing), (other, there)) in report.missing.iter().zip(sweep.count_losses()) {
        assert_eq!((target, missing + there), (&other, sweep.len()), "{report}");
    }
    for row in sweep.rows() {
        assert!(row.n > 0.0 && row.n.is_finite() && row.d > 0.0 && row.d.is_finite());
        assert!(Mixture::new(row.h.to_vec()).is_ok(), "{:?}", row.h);
        assert!(row.losses.iter().all(|loss| loss.is_nan() || (*loss > 0.0 && loss.is_finite())));
        assert!(row.losses.iter().any(|loss| !loss.is_nan()));
    }
}

#[test]
fn csv() {
    campaign("csv", 350, |rng, tally| {
        let bytes = bytes(rng);
        check_settings(rng, tally, &bytes);
        let Some(sweep) = tally.answer("accepted", Sweep::from_csv(&bytes[..])) else { return };
        // A carriage return alone ends a line for some readers and not for others.
        if !bytes.windows(2).any(|pair| pair[0] == b'\r' && pair[1] != b'\n') {
            let rows = rows_of(&bytes).expect("quotes that are closed");
            assert_eq!(sweep.len(), rows, "rows of a file of {rows} rows");
        }
        for row in sweep.rows() {
            assert!(row.n > 0.0 && row.n.is_finite() && row.d > 0.0 && row.d.is_finite());
            assert!(Mixture::new(row.h.to_vec()).is_ok(), "{:?}", row.h);
            assert!(row.losses.iter().all(|loss| loss.is_finite()), "{:?}", row.losses);
        }
        let mut out = Vec::new();
        sweep.to_csv(&mut out).expect("what was read can be written");
        let again = Sweep::from_csv(&out[..]).expect("what was written can be read");
        for (a, b) in sweep.rows().zip(again.rows()) {
            assert_eq!(a, b, "what was written is what is read");
        }
        assert_eq!(
            (sweep.domains(), sweep.targets(), sweep.len()),
            (again.domains(), again.targets(), again.len())
        );
        summed_up(&sweep);
        downstream(rng, tally, &sweep);
    });
}

/// A sweep can be summed up, and its groups have each row once.
fn summed_up(sweep: &Sweep) {
    assert!(sweep.to_string().lines().count() >= 8, "{sweep}");
    assert!(sweep.warnings().iter().all(|warning| !warning.to_string().is_empty()));
    for groups in [sweep.runs(), sweep.distinct_mixtures()] {
        let mut rows: Vec<usize> = groups.into_iter().flat_map(|group| group.rows).collect();
        rows.sort_unstable();
        assert!(rows.into_iter().eq(0..sweep.len()));
    }
    // A checkpoint cannot be in both.
    assert!(sweep.join(sweep).is_err());
}
