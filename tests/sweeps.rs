//! Sweeps as wholes: columns of one's own, joins, groups, summaries, warnings and domains that change.

use mixlaw::Sweep;
use mixlaw::error::ErrorKind;
use mixlaw::sweep::Warning;

/// Three runs of two checkpoints, with the number of each row as a column.
fn sweep() -> Sweep {
    let n = [1e8, 1e8, 1e8, 1e8, 4e8, 4e8];
    let d = [1e9, 2e9, 1e9, 2e9, 1e9, 2e9];
    let h = [0.5, 0.5, 0.5, 0.5, 0.2, 0.8, 0.2, 0.8, 0.2, 0.8, 0.2, 0.8];
    let losses = [3.0, 2.9, 3.1, 3.0, 2.8, 2.7];
    let builder = Sweep::builder(&["a", "b"], &["t"])
        .runs(&["r", "r", "s", "s", "u", "u"])
        .splits(&["train", "train", "train", "eval", "train", "eval"]);
    builder.build(&n, &d, &h, &losses).unwrap()
}

fn numbered() -> Sweep {
    sweep().with_column("number", &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]).unwrap()
}

#[test]
fn columns_stay_with_their_rows() {
    let sweep = numbered().with_column("seed", &[7.0, 7.0, 8.0, 8.0, 9.0, 9.0]).unwrap();
    assert_eq!(sweep.columns(), ["number", "seed"]);
    assert_eq!(sweep.column("seed").unwrap(), [7.0, 7.0, 8.0, 8.0, 9.0, 9.0]);
    assert_eq!(sweep.row(3).columns, [3.0, 8.0]);
    let eval = sweep.split("eval").unwrap();
    assert_eq!(eval.column("number").unwrap(), [3.0, 5.0]);
    let late = sweep.select(|row| row.columns[0] >= 4.0).unwrap();
    assert_eq!(late.column("seed").unwrap(), [9.0, 9.0]);
    // Every row keeps its own number, whichever side it is drawn to.
    let (one, other) = sweep.split_by_run(1, 3).unwrap();
    for side in [one, other] {
        for row in side.rows() {
            let i = sweep.rows().position(|r| r.run == row.run && r.d == row.d).unwrap();
            assert_eq!(row.columns[0], i as f64);
        }
    }
    assert_ne!(sweep, numbered());
    assert!(matches!(
        sweep.column("sed").unwrap_err().kind(),
        ErrorKind::Unknown { kind: "column", known, .. } if known == &["number", "seed"]
    ));
}

#[test]
fn a_column_that_no_file_could_hold_is_refused() {
    let message =
        |name: &str, values: &[f64]| numbered().with_column(name, values).unwrap_err().to_string();
    for name in ["run", "split", "n_params", "n_tokens", "h_c", "loss_", "", " x"] {
        assert!(message(name, &[0.0; 6]).starts_with("column name `"), "{name}");
    }
    assert_eq!(message("number", &[0.0; 6]), "column `number` appears twice");
    assert_eq!(message("x", &[0.0; 5]), "the column `x` has length 5, expected 6");
    let values = [0.0, 0.0, f64::INFINITY, 0.0, 0.0, f64::NAN];
    assert_eq!(message("x", &values), "row 2, column `x`: inf, expected a finite number");
}

#[cfg(feature = "csv")]
#[test]
fn columns_are_written_and_read_again() {
    use mixlaw::sweep::SweepReader;

    let sweep = numbered().with_column("a \"share\",", &[0.1, 1.0 / 3.0, -2e-300, 0.0, 5e9, 1.0]);
    let sweep = sweep.unwrap();
    let mut text = Vec::new();
    sweep.to_csv(&mut text).unwrap();
    // Columns that nobody asks for are ignored and listed.
    let plain = Sweep::from_csv(text.as_slice()).unwrap();
    assert_eq!(plain.ignored_columns(), ["number", "a \"share\","]);
    let reader = SweepReader::new().column("number").column("a \"share\",");
    let (back, report) = reader.read_from(text.as_slice()).unwrap();
    assert!(back.rows().eq(sweep.rows()));
    assert_eq!(back.columns(), sweep.columns());
    assert!(report.ignored_columns.is_empty());

    // Ways that it goes wrong.
    let table = "n_params,n_tokens,h_a,loss_t,planned,tag\n1e8,1e9,1,3,2B,x\n1e8,2e9,1,2.9,,y\n";
    let message = |reader: SweepReader| reader.read_from(table.as_bytes()).unwrap_err().to_string();
    let reader = SweepReader::new;
    let planned = message(reader().column("planned"));
    assert_eq!(planned, "line 2, column `planned`: `2B`, expected a number");
    let planned = message(reader().units().column("planned"));
    assert_eq!(planned, "line 3, column `planned`: an empty cell, expected a value");
    assert!(message(reader().column("plan")).starts_with("line 1: no column `plan`"));
    assert!(message(reader().column("n_tokens")).contains("is that of another column of a sweep"));
    let both = message(reader().column("tag").run_column("tag"));
    assert!(
        both.contains("column `tag` is taken for the run and for a column of its own"),
        "{both}"
    );
    let infinite = table.replace(",,y", ",inf,y");
    let error = reader().units().column("planned").read_from(infinite.as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "line 3, column `planned`: inf, expected a finite number");
    let (skipped, _) =
        reader().units().column("planned").skip_incomplete().read_from(table.as_bytes()).unwrap();
    assert_eq!(skipped.column("planned").unwrap(), [2e9]);
}

#[cfg(all(feature = "csv", feature = "json"))]
#[test]
fn columns_are_kept_of_json_lines() {
    use mixlaw::sweep::SweepReader;

    let text =
        r#"{"n_params": 1e8, "n_tokens": 2e9, "h_web": 1, "loss_qa": 2.9, "planned": {"d": 4e9}}"#;
    let reader = SweepReader::new().json_lines().column("planned/d");
    let (sweep, _) = reader.read_from(text.as_bytes()).unwrap();
    assert_eq!(sweep.column("planned/d").unwrap(), [4e9]);
}

#[cfg(feature = "serde")]
#[test]
fn columns_are_stored() {
    let text = serde_json::to_string(&numbered()).unwrap();
    let back: Sweep = serde_json::from_str(&text).unwrap();
    assert_eq!(back, numbered());
    let without = serde_json::to_value(sweep()).unwrap();
    // As written before there were columns.
    let mut old = without.clone();
    old.as_object_mut().unwrap().remove("columns");
    for row in old["rows"].as_array_mut().unwrap() {
        row.as_object_mut().unwrap().remove("columns");
    }
    assert_eq!(serde_json::from_value::<Sweep>(old).unwrap(), sweep());
    let short = text.replacen("\"columns\":[3.0]", "\"columns\":[]", 1);
    assert_ne!(short, text);
    let error = serde_json::from_str::<Sweep>(&short).unwrap_err().to_string();
    assert!(error.starts_with("columns of row 3 has length 0, expected 1"), "{error}");
}

/// Rows, runs, losses and all else but the weights.
fn same_runs(a: &Sweep, b: &Sweep) -> bool {
    let same = |i: usize| {
        let (x, y) = (a.row(i), b.row(i));
        (x.run, x.split, x.n, x.d, x.losses, x.columns, a.place(i))
            == (y.run, y.split, y.n, y.d, y.losses, y.columns, b.place(i))
    };
    a.len() == b.len() && (0..a.len()).all(same)
}

#[test]
fn a_domain_is_split_by_one_share_or_one_of_each_run() {
    let sweep = numbered();
    let split = sweep.split_domain("b", ["b", "c"], |_| 0.25).unwrap();
    assert_eq!(split.domains(), ["a", "b", "c"]);
    assert!(same_runs(&split, &sweep));
    assert_eq!(split.count_mixtures(), sweep.count_mixtures());
    for (old, new) in sweep.rows().zip(split.rows()) {
        let exact = [old.h[0], 0.25 * old.h[1], 0.75 * old.h[1]];
        assert!(new.h.iter().zip(exact).all(|(a, b)| (a - b).abs() < 1e-15));
    }
    // The data changed between the runs: `s` and `u` have the same weights of old domains only.
    let share = sweep.with_column("share", &[0.5, 0.5, 0.0, 0.0, 1.0, 1.0]).unwrap();
    let split = share.split_domain("a", ["x", "y"], |row| row.columns[1]).unwrap();
    assert_eq!(split.domains(), ["x", "y", "b"]);
    assert_eq!((split.count_mixtures(), share.count_mixtures()), (3, 2));
    assert_eq!(split.row(0).h, [0.25, 0.25, 0.5]);
    assert_eq!(split.row(2).h, [0.0, 0.2, 0.8]);
    assert_eq!(split.row(4).h, [0.2, 0.0, 0.8]);
    // And back.
    let merged = split.merge_domains(["y", "x"], "a").unwrap();
    assert_eq!(merged.domains(), ["a", "b"]);
    assert_eq!(merged, share);
}

#[test]
fn domains_that_cannot_change_so_are_refused() {
    let sweep = numbered();
    let message = |result: Result<Sweep, mixlaw::Error>| result.unwrap_err().to_string();
    let split = |parts, share: fn(usize) -> f64| {
        message(sweep.split_domain("a", parts, |row| share(row.columns[0] as usize)))
    };
    let expected = "row 2, column `h_a`: 1.5, expected a share of the domain from 0 to 1";
    assert_eq!(split(["x", "y"], |i| [0.5, 0.5, 1.5, 0.5, 0.5, 0.5][i]), expected);
    assert!(split(["x", "y"], |_| f64::NAN).starts_with("row 0, column `h_a`: NaN"));
    assert!(split(["x", "y"], |_| -0.1).starts_with("row 0, column `h_a`: -0.1"));
    let two = split(["x", "y"], |i| [0.5, 0.5, 0.5, 0.25, 0.5, 0.5][i]);
    assert!(two.starts_with("row 2 and row 3: run `s` has `h_x` = 0.1 and 0.05"), "{two}");
    assert_eq!(split(["b", "y"], |_| 0.5), "domain `b` appears twice");
    assert_eq!(split(["x", "x"], |_| 0.5), "domain `x` appears twice");
    assert_eq!(split(["x", ""], |_| 0.5), "domain name `` is empty");
    let unknown = "unknown domain `z`, expected one of: a, b";
    assert_eq!(message(sweep.split_domain("z", ["x", "y"], |_| 0.5)), unknown);
    assert_eq!(message(sweep.merge_domains(["a", "z"], "x")), unknown);
    assert_eq!(message(sweep.drop_domain("z")), unknown);
    assert_eq!(message(sweep.merge_domains(["a", "a"], "x")), "domain `a` appears twice");
    let three = sweep.split_domain("a", ["a", "c"], |_| 0.5).unwrap();
    assert_eq!(message(three.merge_domains(["a", "c"], "b")), "domain `b` appears twice");
    let used = "row 0, column `h_a`: 0.5, expected 0 in all rows of a domain that is dropped";
    assert_eq!(message(sweep.drop_domain("a")), used);
    // A part of which there was nothing is one that was not used.
    let empty = sweep.split_domain("b", ["c", "b"], |_| 0.0).unwrap();
    assert_eq!(empty.drop_domain("c").unwrap(), sweep);
    // All runs are on one domain, which then is the only one.
    let one = sweep.merge_domains(["b", "a"], "all").unwrap();
    assert_eq!((one.domains(), one.count_mixtures()), (&["all".to_owned()][..], 1));
    assert!(same_runs(&one, &sweep));
    assert!(message(one.drop_domain("all")).starts_with("row 0, column `h_all`: 1"));
}

/// The sweep of the crate, row by row.
#[cfg(feature = "csv")]
fn embedded() -> Sweep {
    Sweep::read_csv("examples/data/byte_sweep.csv").unwrap()
}

#[test]
fn a_summary_shows_what_there_is() {
    let text = "6 rows, 3 runs, 2 distinct mixtures
N         1e8, 4e8
D         1e9, 2e9
splits    train 4 rows, eval 2 rows
weights
  a       0.2 to 0.5
  b       0.5 to 0.8
losses
  t       2.7 to 3.1, 6 rows
columns
  number  0 to 5";
    assert_eq!(numbered().to_string(), text);
}

#[test]
fn a_summary_rounds_counts_and_aligns() {
    let d = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 123_456.0];
    let nan = f64::NAN;
    let losses = [3.0, nan, 3.1, nan, 3.2, nan, 3.3, nan, 3.4, nan, 3.5, nan, 0.000_123_456, nan];
    let builder = Sweep::builder(&["a long name"], &["t", "none"]).missing_losses();
    let sweep = builder.build(&[12_345_678.0; 7], &d, &[1.0; 7], &losses).unwrap();
    let text = "7 rows, 1 run, 1 distinct mixture
N              1.235e7
D              1 to 1.235e5, 7 values
splits         train 7 rows
weights
  a long name  1
losses
  t            1.235e-4 to 3.5, 7 rows
  none         0 rows";
    assert_eq!(sweep.to_string(), text);
}

/// Each line of the summary against a count of its own.
#[cfg(feature = "csv")]
#[test]
fn the_summary_of_the_embedded_sweep_agrees_with_its_rows() {
    let sweep = embedded();
    let text = sweep.to_string();
    let line = |name: &str| {
        let found = text.lines().find(|line| line.trim_start().starts_with(name));
        found.unwrap_or_else(|| panic!("{name}: {text}"))
    };
    let distinct = |of: &dyn Fn(usize) -> String| {
        (0..sweep.len()).map(of).collect::<std::collections::HashSet<_>>().len()
    };
    let runs = distinct(&|i| sweep.row(i).run.to_owned());
    let mixtures = distinct(&|i| format!("{:.5?}", sweep.row(i).h));
    let head = format!("{} rows, {runs} runs, {mixtures} distinct mixtures", sweep.len());
    assert_eq!(text.lines().next().unwrap(), head);
    let sizes: Vec<f64> =
        line("N ")[1..].split(',').map(|size| size.trim().parse().unwrap()).collect();
    assert_eq!(sizes.len(), distinct(&|i| sweep.row(i).n.to_string()));
    for split in ["train", "eval", "early"] {
        let rows = sweep.rows().filter(|row| row.split == split).count();
        assert!(line("splits").contains(&format!("{split} {rows} rows")), "{text}");
    }
    let near = |text: &str, exact: f64| {
        let shown: f64 = text.trim().parse().unwrap();
        assert!((shown / exact - 1.0).abs() <= 5e-4, "{shown} for {exact}");
    };
    for (j, target) in sweep.targets().iter().enumerate() {
        let losses = || sweep.rows().map(|row| row.losses[j]);
        let losses_below = text.split_once("losses\n").unwrap().1;
        let name = format!("  {target} ");
        let line = losses_below.lines().find(|line| line.starts_with(&name)).unwrap();
        let (low, rest) = line[name.len()..].split_once(" to ").unwrap();
        near(low, losses().fold(f64::INFINITY, f64::min));
        near(rest.split_once(',').unwrap().0, losses().fold(0.0, f64::max));
    }
}

/// With other names of the splits.
fn with_splits(splits: [&str; 6]) -> Sweep {
    let s = sweep();
    let runs: Vec<&str> = s.rows().map(|row| row.run).collect();
    let h: Vec<f64> = s.rows().flat_map(|row| row.h.to_vec()).collect();
    let builder = Sweep::builder(&["a", "b"], &["t"]).runs(&runs).splits(&splits);
    builder.build(s.n(), s.d(), &h, s.losses().as_slice().unwrap()).unwrap()
}

#[test]
fn splits_that_look_misspelled_are_shown() {
    let misspelled = |name: &str| {
        let warnings = with_splits(["train", "train", "train", "train", "train", name]).warnings();
        warnings.iter().find_map(|warning| match warning {
            Warning::SplitName { split, like, rows: 1 } if split == name => Some(like.clone()),
            Warning::SplitName { .. } => panic!("{warning}"),
            _ => None,
        })
    };
    for name in ["Train", "TRAIN", "trian", "rain", "trein", "traiin", "trains", "Training"] {
        assert_eq!(misspelled(name).as_deref(), Some("train"), "{name}");
    }
    for name in ["Eval", "evla", "val", "evals", "eval_", "Evaluation"] {
        assert_eq!(misspelled(name).as_deref(), Some("eval"), "{name}");
    }
    for name in ["train", "eval", "early", "other", "test", "spare", "valid", "train2", "eval1"] {
        assert_eq!(misspelled(name), None, "{name}");
    }
    let none = with_splits(["test"; 6]).warnings();
    assert!(none.contains(&Warning::NoTrainRows) && none.len() == 1, "{none:?}");
    assert_eq!(with_splits(["train"; 6]).warnings(), []);
}

#[test]
fn what_the_rows_do_not_vary_is_shown() {
    let only_small = with_splits(["train", "train", "train", "train", "eval", "eval"]);
    assert_eq!(only_small.warnings(), [Warning::OneSize { n: 1e8 }]);
    let one_d = with_splits(["train", "eval", "train", "eval", "train", "eval"]);
    assert_eq!(one_d.warnings(), [Warning::OneD { d: 1e9 }]);
    // A weight of the last row is mistyped, in a run of its own; the seeds before it are no warning.
    let h = [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.55, 0.45];
    let build = |n: &[f64]| {
        let builder = Sweep::builder(&["a", "b"], &["t"]).runs(&["r", "s", "u", "v"]);
        builder.build(n, &[1e9, 2e9, 1e9, 2e9], &h, &[3.0, 2.9, 2.8, 2.7]).unwrap().warnings()
    };
    let once = Warning::MixtureOnce { mixtures: 1, of: 2, run: "v".to_owned() };
    assert_eq!(build(&[1e8, 1e8, 4e8, 4e8]), [once]);
    // Where all rows have one size and D, each mixture has.
    let flat = Sweep::new(&["a", "b"], &["t"], &[1e8; 2], &[1e9; 2], &h[4..], &[3.0, 2.9]);
    let flat = flat.unwrap().warnings();
    assert_eq!(flat, [Warning::OneSize { n: 1e8 }, Warning::OneD { d: 1e9 }]);
}

/// The warnings of losses of two runs with four checkpoints each, beside a target that falls.
fn rising(losses: [f64; 8]) -> Vec<Warning> {
    let (n, d) = ([1e8, 1e8, 1e8, 1e8, 4e8, 4e8, 4e8, 4e8], [1e9, 2e9, 3e9, 4e9]);
    let builder = Sweep::builder(&["a"], &["t", "falls"]).missing_losses();
    let d = [d, d].concat();
    let losses: Vec<f64> = losses.iter().zip(&d).flat_map(|(loss, d)| [*loss, 1e10 / d]).collect();
    builder.build(&n, &d, &[1.0; 8], &losses).unwrap().warnings()
}

#[test]
fn losses_that_rise_with_d_are_shown() {
    let falling = [3.0, 2.9, 2.8, 2.7];
    let with = |second: [f64; 4]| {
        let mut both = [0.0; 8];
        both[..4].copy_from_slice(&falling);
        both[4..].copy_from_slice(&second);
        rising(both)
    };
    let rise = |rises, steps| Warning::LossesRise {
        share: 3.0 / 2.7 - 1.0,
        target: "t".to_owned(),
        runs: 1,
        of: 2,
        run: "run1".to_owned(),
        rises,
        steps,
    };
    assert_eq!(with([2.7, 2.8, 2.9, 3.0]), [rise(3, 3)]);
    assert_eq!(with([2.7, 2.8, 2.75, 3.0]), [rise(2, 3)]);
    // A target that is not measured at each checkpoint.
    assert_eq!(with([2.7, f64::NAN, f64::NAN, 3.0]), [rise(1, 1)]);
    // Noise at the end of training, one loss that is off, and half of the steps.
    assert_eq!(with([2.7, 2.705, 2.71, 2.72]), []);
    assert_eq!(with([2.7, 2.65, 2.6, 3.0]), []);
    assert_eq!(with([2.7, 2.9, f64::NAN, 2.8]), []);
    let both = rising([3.0, 3.1, 3.2, 3.3, 2.0, 2.1, 2.2, 2.3]);
    assert_eq!(
        both[0].to_string(),
        "losses of `t` rise with D in 2 of 2 runs, most in `run1`: by 15%, from 3 of 3 checkpoints to the next"
    );
}

#[test]
fn few_losses_and_schedules_that_do_not_end_are_shown() {
    let few = |count: usize| {
        let losses: Vec<f64> = (0..8)
            .flat_map(|i| [3.0 - 0.1 * i as f64, if i < count { 2.0 } else { f64::NAN }])
            .collect();
        let d: Vec<f64> = (0..8).map(|i| 1e9 * (1 + i % 4) as f64).collect();
        let n: Vec<f64> = (0..8).map(|i| if i < 4 { 1e8 } else { 4e8 }).collect();
        let builder = Sweep::builder(&["a"], &["t", "u"]).missing_losses();
        builder.build(&n, &d, &[1.0; 8], &losses).unwrap().warnings()
    };
    let warning = |losses| Warning::FewLosses { target: "u".to_owned(), losses, rows: 8 };
    assert_eq!(few(2), []);
    assert_eq!(few(1), [warning(1)]);
    assert_eq!(few(0), [warning(0)]);

    let planned = |tokens: [f64; 3]| {
        let each: Vec<f64> = (0..6).map(|i| tokens[i / 2]).collect();
        let sweep = sweep().with_column("planned", &each).unwrap();
        sweep.schedule_warnings("planned").unwrap()
    };
    // 2e9 of 2.01e9 is the end of a round number.
    assert_eq!(planned([2e9, 2.01e9, 2e9]), []);
    let column = "planned".to_owned();
    let expected = Warning::NoFinalCheckpoint { column, runs: 2, of: 3, share: 0.5 };
    assert_eq!(planned([4e9, 2e9, 8e9]), [expected]);
    assert!(sweep().schedule_warnings("planned").unwrap_err().is_unknown_name());
    assert!(sweep().warnings().iter().all(|w| !matches!(w, Warning::NoFinalCheckpoint { .. })));
}

#[cfg(feature = "csv")]
#[test]
fn the_embedded_sweep_has_no_warning() {
    assert_eq!(embedded().warnings(), []);
}

#[cfg(feature = "serde")]
#[test]
fn warnings_are_stored() {
    let all = [
        with_splits(["Train", "train", "train", "train", "train", "eval"]).warnings(),
        with_splits(["test"; 6]).warnings(),
        rising([3.0, 3.1, 3.2, 3.3, 2.0, 2.1, 2.2, 2.3]),
        // By more than any number.
        rising([1e-300, 1e-200, 1e200, 1e300, 2.0, 1.9, 1.8, 1.7]),
    ]
    .concat();
    assert!(all.len() >= 3);
    let text = serde_json::to_string(&all).unwrap();
    assert!(text.contains(r#"{"kind":"no_train_rows"}"#), "{text}");
    assert!(text.contains(r#""kind":"losses_rise""#) && text.contains("inf"), "{text}");
    assert_eq!(serde_json::from_str::<Vec<Warning>>(&text).unwrap(), all);
}

#[test]
fn groups_are_all_rows_of_a_run_or_mixture() {
    let sweep = sweep();
    let rows = |groups: Vec<mixlaw::sweep::Group<'_>>| {
        groups.into_iter().map(|group| group.rows).collect::<Vec<_>>()
    };
    assert_eq!(rows(sweep.runs()), [[0, 1], [2, 3], [4, 5]]);
    assert_eq!(rows(sweep.distinct_mixtures()), [vec![0, 1], vec![2, 3, 4, 5]]);
    assert_eq!(sweep.runs()[1].first, sweep.row(2));
    assert_eq!(sweep.distinct_mixtures()[1].first.h, [0.2, 0.8]);
    assert_eq!(sweep.runs().len(), sweep.count_runs());
    assert_eq!(sweep.distinct_mixtures().len(), sweep.count_mixtures());
}

#[test]
fn the_parts_of_a_sweep_join_to_it() {
    let whole = numbered();
    let part = |keep: fn(f64) -> bool| whole.select(|row| keep(row.columns[0])).unwrap();
    let (first, rest) = (part(|i| i < 3.0), part(|i| i >= 3.0));
    let joined = first.join(&rest).unwrap();
    assert_eq!(joined, whole);
    assert_eq!((joined.count_runs(), joined.count_mixtures()), (3, 2));
    // Columns of the other in another order.
    let two = |s: &Sweep, names: [&str; 2]| {
        let numbers = s.column("number").unwrap();
        let s = s.clone();
        let [x, y] = names.map(|name| {
            let from = if name == "x" { 10.0 } else { 20.0 };
            numbers.iter().map(|i| from + i).collect::<Vec<f64>>()
        });
        s.with_column(names[0], &x).unwrap().with_column(names[1], &y).unwrap()
    };
    let joined = two(&first, ["x", "y"]).join(&two(&rest, ["y", "x"])).unwrap();
    assert_eq!(joined.columns(), ["number", "x", "y"]);
    assert_eq!(joined.column("x").unwrap(), [10.0, 11.0, 12.0, 13.0, 14.0, 15.0]);
    assert_eq!(joined.column("y").unwrap(), [20.0, 21.0, 22.0, 23.0, 24.0, 25.0]);
}

#[test]
fn joins_are_by_name() {
    let one = |domains: [&str; 2], targets: [&str; 2], d: f64, h: [f64; 2], losses: [f64; 2]| {
        let builder = Sweep::builder(&domains, &targets).missing_losses();
        builder.build(&[1e8], &[d], &h, &losses).unwrap()
    };
    let first = one(["a", "b"], ["t", "u"], 1e9, [0.25, 0.75], [3.0, f64::NAN]);
    let other = one(["b", "a"], ["u", "t"], 2e9, [0.75, 0.25], [2.0, 2.5]);
    let joined = first.join(&other).unwrap();
    assert_eq!((joined.row(1).h, joined.row(1).losses), (&[0.25, 0.75][..], &[2.5, 2.0][..]));
    // Nobody named the runs: they are one by size and mixture, and others are not.
    assert_eq!(joined.count_runs(), 1);
    let third = one(["a", "b"], ["t", "u"], 1e9, [0.5, 0.5], [2.0, 2.5]);
    let joined = first.join(&third).unwrap();
    assert_eq!((joined.count_runs(), joined.place(1).to_string()), (2, "row 1".to_owned()));
}

#[test]
fn sweeps_that_contradict_each_other_do_not_join() {
    let whole = numbered();
    let message = |a: &Sweep, b: &Sweep| a.join(b).unwrap_err().to_string();
    // Whose first row has the run and D of row 0.
    assert!(
        message(&whole, &whole).starts_with("row 0 and row 6: run `r` has D = 1000000000 twice")
    );
    let made = |run: &str, n: f64, first: f64, domains: [&str; 2], target: &str| {
        let builder = Sweep::builder(&domains, &[target]).runs(&[run]);
        builder.build(&[n], &[8e9], &[first, 1.0 - first], &[2.0]).unwrap()
    };
    let domains = ["a", "b"];
    let size = message(&sweep(), &made("u", 1e8, 0.2, domains, "t"));
    assert!(
        size.starts_with("row 4 and row 6: run `u` has `n_params` = 400000000 and 100000000"),
        "{size}"
    );
    let mixture = message(&sweep(), &made("u", 4e8, 0.5, domains, "t"));
    assert!(mixture.starts_with("row 4 and row 6: run `u` has `h_a` = 0.2 and 0.5"), "{mixture}");
    let differ = |other: &Sweep| message(&sweep(), other);
    assert_eq!(
        differ(&made("u", 4e8, 0.2, ["a", "c"], "t")),
        "the domains of two sweeps differ: a, b and a, c"
    );
    let target = differ(&made("u", 4e8, 0.2, domains, "v"));
    assert_eq!(target, "the targets of two sweeps differ: t and v");
    let column = message(&whole, &made("u", 4e8, 0.2, domains, "t"));
    assert!(column.starts_with("the columns of two sweeps differ: number and"), "{column}");
    assert!(sweep().join(&made("u", 4e8, 0.2, domains, "t")).is_ok());
    // Measurements that were repeated before stay, and may be repeated again.
    let builder = Sweep::builder(&["a"], &["t"]).repeated_measurements();
    let twice = builder.build(&[1e8; 2], &[1e9; 2], &[1.0; 2], &[3.0, 3.1]).unwrap();
    assert_eq!(twice.join(&twice).unwrap().len(), 4);
}

#[cfg(feature = "csv")]
#[test]
fn a_join_keeps_the_names_of_files() {
    use mixlaw::sweep::SweepReader;

    let header = "run,n_params,n_tokens,h_a,loss_t";
    let write = |name: &str, rows: &str| {
        let path =
            std::env::temp_dir().join(format!("mixlaw-sweeps-{}-{name}", std::process::id()));
        std::fs::write(&path, format!("{header}\n{rows}\n")).unwrap();
        path
    };
    let one = write("one.csv", "r,1e8,1e9,1,3\nr,1e8,2e9,1,2.9");
    let two = write("two.csv", "s,1e8,1e9,1,3");
    let three = write("three.csv", "u,1e8,1e9,1,3\ns,1e8,1e9,1,3.1");
    let read = |paths: &[&std::path::PathBuf]| SweepReader::new().read_all(paths).unwrap().0;
    let (first, other) = (read(&[&one, &two]), read(&[&three]));
    let error = first.join(&other).unwrap_err().to_string();
    let [second, third] = [&two, &three].map(|path| path.display().to_string());
    let expected =
        format!("{second}, line 2 and {third}, line 3: run `s` has D = 1000000000 twice");
    assert!(error.starts_with(&expected), "{error}");
    let joined = first.join(&other.select(|row| row.run == "u").unwrap()).unwrap();
    assert_eq!(joined.place(3).to_string(), format!("{third}, line 2"));
    // Lines of no file that has a name are counted as rows.
    let lines = Sweep::from_csv(format!("{header}\nv,1e8,1e9,1,3\n").as_bytes()).unwrap();
    assert_eq!(lines.join(&other).unwrap().place(0).to_string(), "row 0");
    for path in [one, two, three] {
        std::fs::remove_file(path).unwrap();
    }
}
