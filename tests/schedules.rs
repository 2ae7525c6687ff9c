//! What is done with checkpoints in the middle of a schedule.

use mixlaw::law::{AdditiveLaw, ChinchillaLaw};
use mixlaw::selection::{Candidate, Selection};
use mixlaw::{Fitter, Sweep};

const PLANNED: &str = "planned_tokens";
const DOMAINS: [&str; 2] = ["web", "code"];

/// Eight mixtures at two sizes, four checkpoints each of a run that was planned for 16e9 tokens. The
/// losses are exact, but above the law by `decay (1 - share)`: the rate has not decayed yet.
fn sweep(decay: f64) -> Sweep {
    let (mut n, mut d, mut h, mut losses) = (vec![], vec![], vec![], vec![]);
    for i in 0..8 {
        let web: f64 = 0.1 + 0.1 * f64::from(i);
        for size in [1e8f64, 2e8, 4e8] {
            // The runs that were stopped end at a half of their plan.
            let all: &[f64] = if i % 2 == 0 { &[2e9, 4e9, 8e9, 16e9] } else { &[2e9, 4e9, 8e9] };
            for &tokens in all {
                let mixture = 1.0 / (2.0 * web.powf(0.5) + (1.0 - web).powf(0.8));
                let scale = 400.0 / size.powf(0.34) + 400.0 / tokens.powf(0.28);
                n.push(size);
                d.push(tokens);
                h.extend([web, 1.0 - web]);
                losses.push(1.0 + mixture + scale + decay * (1.0 - tokens / 16e9));
            }
        }
    }
    let sweep = Sweep::new(&DOMAINS, &["t"], &n, &d, &h, &losses).unwrap();
    sweep.with_column(PLANNED, &vec![16e9; n.len()]).unwrap()
}

#[test]
fn late_checkpoints_are_those_with_the_share() {
    let sweep = sweep(0.0);
    let kept = |share| sweep.late_checkpoints(PLANNED, share).unwrap();
    assert_eq!(kept(1.0).len(), 12);
    assert!(kept(1.0).d().iter().all(|d| *d == 16e9));
    assert_eq!(kept(0.5).len(), 36);
    assert_eq!(kept(0.5), sweep.select(|row| row.d >= 8e9).unwrap());
    assert_eq!(kept(0.125), sweep);
    // Said by the last checkpoints, the stopped runs are at the end of theirs.
    let last = sweep.clone().with_last_as_planned("last").unwrap();
    assert_eq!(last.late_checkpoints("last", 1.0).unwrap().len(), 24);
    assert_eq!(last.columns(), [PLANNED, "last"]);
}

#[test]
fn plans_that_cannot_be_are_refused() {
    let of = |values: &[f64]| {
        let sweep = Sweep::builder(&["a"], &["t"]).runs(&["r", "r", "s"]);
        let sweep = sweep.build(&[1e8; 3], &[1e9, 2e9, 2e9], &[1.0; 3], &[3.0, 2.9, 2.9]);
        sweep.unwrap().with_column("plan", values).unwrap()
    };
    let error = |values: &[f64]| of(values).schedule_shares("plan").unwrap_err().to_string();
    let zero = error(&[2e9, 2e9, 0.0]);
    assert_eq!(zero, "row 2, column `plan`: 0, expected a number of tokens > 0");
    let short = error(&[2e9, 2e9, 1.9e9]);
    assert!(
        short.starts_with("row 2, column `plan`: 1900000000, expected the tokens of"),
        "{short}"
    );
    assert_eq!(
        error(&[2e9, 4e9, 2e9]),
        "row 0 and row 1: run `r` has `plan` = 2000000000 and 4000000000, expected one number in a run"
    );
    // Round numbers may be a little below.
    assert_eq!(of(&[2e9, 2e9, 1.99e9]).schedule_shares("plan").unwrap()[2], 2.0 / 1.99);
    let good = of(&[4e9, 4e9, 2e9]);
    assert_eq!(good.schedule_shares("plan").unwrap(), [0.25, 0.5, 1.0]);
    let unknown = good.schedule_shares("planned").unwrap_err().to_string();
    assert_eq!(unknown, "unknown column `planned`, expected one of: plan");
    for share in [0.0, -1.0, 1.5, f64::NAN] {
        let error = good.late_checkpoints("plan", share).unwrap_err().to_string();
        assert!(error.ends_with("expected a number above 0 and at most 1"), "{error}");
    }
    let none = of(&[4e9; 3]).late_checkpoints("plan", 0.9).unwrap_err().to_string();
    assert_eq!(none, "a selection of late checkpoints needs at least one row, got none");
}

#[test]
fn settings_that_are_wrong_are_named_by_the_fit() {
    let sweep = sweep(0.0);
    let fault = |fitter: Fitter| {
        let law = ChinchillaLaw::for_sweep(&sweep);
        fitter.starts(1).fit(law, &sweep, "t").unwrap_err().to_string()
    };
    let error = fault(Fitter::new().weigh_by_schedule(PLANNED, f64::NAN));
    assert_eq!(error, "the power of the share of the schedule is NaN, expected a finite number");
    let error = fault(Fitter::new().weigh_by_schedule("plan", 1.0));
    assert_eq!(error, format!("unknown column `plan`, expected one of: {PLANNED}"));
    let fitter = Fitter::new().weigh_by_schedule(PLANNED, 2.0);
    assert_eq!(fitter.settings().schedule, Some((PLANNED, 2.0)));
    assert_eq!(Fitter::new().settings().schedule, None);
}

#[test]
fn early_checkpoints_mislead_less_where_they_are_left_out_or_weighed_down() {
    // Losses of finished runs follow the law, those before lie above it.
    let sweep = sweep(0.2);
    let finished = sweep.late_checkpoints(PLANNED, 1.0).unwrap();
    let error = |fitter: Fitter, rows: &Sweep| {
        let fit = fitter.starts(4).fit(AdditiveLaw::for_sweep(rows), rows, "t").unwrap();
        fit.evaluate(&finished).unwrap().mre
    };
    let least_squares = Fitter::new().delta(f64::INFINITY);
    let as_they_are = error(least_squares.clone(), &sweep);
    let weighed = error(least_squares.clone().weigh_by_schedule(PLANNED, 3.0), &sweep);
    let late = sweep.late_checkpoints(PLANNED, 0.25).unwrap();
    let dropped = error(least_squares, &late);
    assert!(weighed < 0.7 * as_they_are, "{weighed}, {as_they_are}");
    assert!(dropped < 0.7 * as_they_are, "{dropped}, {as_they_are}");
}

#[test]
fn weights_by_the_schedule_hold_in_parts_of_a_sweep() {
    let sweep = sweep(0.05);
    let candidate = |power| {
        let fitter = Fitter::new().starts(2).weigh_by_schedule(PLANNED, power);
        Candidate::new(AdditiveLaw::for_sweep(&sweep), fitter).called(format!("share^{power}"))
    };
    let selection = Selection::new().candidate(candidate(0.0)).candidate(candidate(2.0));
    let comparison = selection.mixtures(6, 2).run(&sweep, "t").unwrap();
    let scores = comparison.scores();
    assert!(scores.iter().all(|score| score.failures.is_empty()), "{comparison}");
    assert_ne!(scores[0].mixtures.unwrap().test.mre, scores[1].mixtures.unwrap().test.mre);
}

#[cfg(feature = "serde")]
#[test]
fn settings_of_weights_are_stored() {
    let sweep = sweep(0.05);
    let builder = Sweep::builder(&DOMAINS, &["t"]).runs(&["a", "b"]);
    let twice = builder.build(&[1e8; 2], &[1e9; 2], &[0.5; 4], &[3.0, 3.1]).unwrap();
    let fitter = Fitter::new().starts(2).weigh_by_schedule(PLANNED, 2.0);
    let fitter = fitter.weigh_by_noise(twice.noise("t").unwrap());
    let fit = fitter.fit(AdditiveLaw::for_sweep(&sweep), &sweep, "t").unwrap();
    let read: mixlaw::Fit = serde_json::from_str(&serde_json::to_string(&fit).unwrap()).unwrap();
    assert_eq!(read.fitter().settings(), fit.fitter().settings());
    let bytes = postcard::to_allocvec(&fitter).unwrap();
    let read: Fitter = postcard::from_bytes(&bytes).unwrap();
    assert_eq!(read.settings(), fitter.settings());
    let mut stored = serde_json::to_value(&fitter).unwrap();
    for (place, wrong, expected) in [
        (
            "/weighing/schedule/power",
            serde_json::json!("inf"),
            "the power of the share of the schedule is inf",
        ),
        (
            "/weighing/noise/pooled",
            serde_json::json!(-1.0),
            "the pooled deviation of repeats is -1",
        ),
    ] {
        let good = std::mem::replace(stored.pointer_mut(place).unwrap(), wrong);
        let error = serde_json::from_value::<Fitter>(stored.clone()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        *stored.pointer_mut(place).unwrap() = good;
    }
    // Settings of earlier crates have none of them.
    let object = stored.as_object_mut().unwrap();
    object.remove("weighing");
    let read: Fitter = serde_json::from_value(stored).unwrap();
    assert_eq!(read.settings(), Fitter::new().settings());
}
