//! Sweeps as wholes: columns of one's own, joins, groups, summaries, warnings and domains that change.

use mixlaw::Sweep;
use mixlaw::error::ErrorKind;

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
