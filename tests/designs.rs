//! The first runs of a sweep: that they are what was asked for, spread well, and tell a law.

use mixlaw::design::{Design, DesignBuilder};
use mixlaw::law::{AdditiveLaw, JointLaw, ScalingLaw};
use mixlaw::testing::SyntheticSweep;
use mixlaw::{Error, Fitter, Mixture, Random, Scale};

fn names(k: usize) -> Vec<String> {
    (0..k).map(|i| format!("domain{i}")).collect()
}

/// A natural mixture of weights that differ by up to a factor of 40.
fn natural(k: usize, random: &mut Random) -> Vec<f64> {
    let parts: Vec<f64> = (0..k).map(|_| 40f64.powf(random.unit())).collect();
    let sum: f64 = parts.iter().sum();
    parts.iter().map(|part| part / sum).collect()
}

/// Builders of all kinds, with what bounds their cost.
fn builders() -> Vec<(DesignBuilder, f64)> {
    let mut random = Random::new(3);
    let mut all = Vec::new();
    for k in [2, 3, 4, 7, 12] {
        let flops = 1e18 * 1e4f64.powf(random.unit());
        let base = Design::builder(&names(k)).seed(k as u64);
        let natural = natural(k, &mut random);
        all.push((base.clone().flops(flops), flops));
        all.push((base.clone().flops(flops).runs(9 * k), flops));
        all.push((base.clone().flops(flops).narrow(&natural, 15.0), flops));
        all.push((base.clone().flops(flops).decaying_schedule().checkpoints(3), flops));
        all.push((base.clone().sizes(&[4e7, 1e7, 9e7]), f64::INFINITY));
        let flops = 3e18 * k as f64;
        all.push((base.clone().sizes(&[1e7, 2e7, 4e7, 6e7]).flops(flops), flops));
        all.push((
            base.sizes(&[1e7, 2e7, 4e7]).runs(8 * k).tokens_per_parameter(50.0),
            f64::INFINITY,
        ));
    }
    all
}

/// The least distance of two mixtures, and of two by their weights.
fn least_distances(mixtures: &[Mixture]) -> [f64; 2] {
    let mut least = [f64::INFINITY; 2];
    for (i, a) in mixtures.iter().enumerate() {
        for b in &mixtures[..i] {
            let euclidean =
                a.iter().zip(b.iter()).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
            least = [least[0].min(a.js_distance(b)), least[1].min(euclidean)];
        }
    }
    least
}

#[test]
fn weights_are_mixtures_and_every_domain_varies_at_every_size() {
    for (builder, _) in builders() {
        let design = builder.build().unwrap();
        for h in design.mixtures() {
            assert!((h.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            assert!(h.iter().all(|&w| w > 0.0));
        }
        let runs = design.runs();
        let mut sizes: Vec<f64> = runs.iter().map(|run| run.scale.n).collect();
        sizes.dedup();
        assert!(sizes.len() >= 3 && sizes.is_sorted());
        let most: f64 = design.mixtures().len() as f64;
        for &n in &sizes {
            let mut own: Vec<&Mixture> =
                runs.iter().filter(|r| r.scale.n == n).map(|r| &r.h).collect();
            own.dedup();
            for i in 0..design.domains().len() {
                let weights = own.iter().map(|h| h[i]);
                let (low, high) = weights.fold((1.0f64, 0.0f64), |(l, u), w| (l.min(w), u.max(w)));
                assert!(high > 1.2 * low, "{design}, N = {n}, domain {i}: {low} to {high}");
            }
        }
        // Towards each corner: a domain has its largest weight beyond the middle one.
        let middle = &design.mixtures()[0];
        for i in 0..design.domains().len() {
            let odds = |w: f64| w / (1.0 - w);
            let more = |h: &Mixture| odds(h[i]) > 2.0 * odds(middle[i]);
            assert!(design.mixtures().iter().any(more), "{design}");
            assert!(design.mixtures().iter().any(|h| h[i] < middle[i] / 1.05), "{design}");
        }
        // The largest size trains a third of the mixtures, rounded up, and two at least.
        let last = runs.iter().filter(|run| run.scale.n == sizes[sizes.len() - 1]);
        let ds: Vec<f64> = last.clone().map(|run| run.scale.d).collect();
        let each = ds.iter().filter(|&&d| d == ds[0]).count() as f64;
        assert_eq!(each, (most / 3.0 - 1e-9).ceil().max(2.0));
    }
}

#[test]
fn budgets_are_kept_and_used() {
    for (builder, flops) in builders() {
        let design = builder.clone().build().unwrap();
        let sum: f64 = design.runs().iter().map(|run| 6.0 * run.scale.n * run.scale.d).sum();
        assert!((design.flops() / sum - 1.0).abs() < 1e-12);
        assert!(sum <= flops, "{sum} of {flops}");
        // Two digits of the sizes lose a tenth of them at most, one mixture less no more than that.
        assert!(sum > 0.8 * flops || flops.is_infinite(), "{sum} of {flops}");
    }
    // With sizes the mixtures are as many as the budget allows: one more costs more.
    let base = Design::builder(&names(3)).sizes(&[1e7, 2e7, 4e7]);
    let more = |count: f64| {
        // 6 N D = 120 N^2; all, two thirds and a third of the mixtures, rounded up.
        let runs = [count, (2.0 * count / 3.0 - 1e-9).ceil(), (count / 3.0 - 1e-9).ceil()];
        120.0 * (runs[0] * 1e14 + runs[1] * 4e14 + runs[2] * 1.6e15)
    };
    for flops in [1e18, 3e18, 2.2e19] {
        let design = base.clone().flops(flops).build().unwrap();
        let count = design.mixtures().len() as f64;
        assert!((design.flops() / more(count) - 1.0).abs() < 1e-12);
        assert!(more(count) <= flops && more(count + 1.0) > flops, "{count}");
    }
    for runs in [10, 17, 50] {
        let design = base.clone().runs(runs).build().unwrap();
        let made = design.runs().len();
        // One mixture more is at most one run more at each of the three sizes.
        assert!(made <= runs && made + 3 > runs, "{made} of {runs}");
        // Whichever is less.
        let both = base.clone().runs(runs).flops(more(5.0)).build().unwrap();
        assert_eq!(both.mixtures().len(), design.mixtures().len().min(5));
    }
}

#[test]
fn tokens_and_epochs_are_those_of_the_run() {
    let there_are = [("domain0", 1e10), ("domain2", 3e8)];
    for (decaying, matched) in [(false, None), (false, Some(1e11)), (true, Some(5e10))] {
        let mut builder = Design::builder(&names(3)).unique_tokens(&there_are).flops(1e19);
        if decaying {
            builder = builder.decaying_schedule();
        }
        if let Some(large) = matched {
            builder = builder.repetition_of(large);
        }
        let design = builder.build().unwrap();
        let runs = design.runs();
        for row in design.checkpoints() {
            let run: usize = row.run["run".len()..].parse().unwrap();
            assert_eq!((row.scale.n, &row.h), (runs[run].scale.n, &runs[run].h));
            assert!((row.tokens.iter().sum::<f64>() / row.scale.d - 1.0).abs() < 1e-12);
            assert_eq!((row.epochs[1], row.keep[1]), (None, None));
            for (i, unique) in [(0, 1e10), (2, 3e8)] {
                let seen = row.h[i] * row.scale.d;
                assert_eq!(row.tokens[i], seen);
                let is = |found: f64, expected: f64| (found / expected - 1.0).abs() < 1e-12;
                let epochs = row.epochs[i].unwrap();
                match (matched, row.keep[i]) {
                    (None, None) => assert!(is(epochs, seen / unique)),
                    (Some(large), Some(keep)) => {
                        // At its end the run has repeated the domain as the large one will.
                        let done = row.scale.d / runs[run].scale.d;
                        assert!(is(epochs, done * row.h[i] * large / unique), "{epochs}");
                        assert!(is(keep, unique * runs[run].scale.d / large) && keep <= unique);
                    }
                    _ => panic!("{row:?}"),
                }
            }
        }
    }
}

#[test]
fn n_and_d_vary_apart() {
    for (builder, _) in builders() {
        let design = builder.build().unwrap();
        let rows = design.checkpoints();
        let logs: Vec<(f64, f64)> = rows.iter().map(|r| (r.scale.n.ln(), r.scale.d.ln())).collect();
        let mean =
            |of: &dyn Fn(&(f64, f64)) -> f64| logs.iter().map(of).sum::<f64>() / logs.len() as f64;
        let (n, d) = (mean(&|x| x.0), mean(&|x| x.1));
        let [nn, dd, nd] = [
            mean(&|x| (x.0 - n).powi(2)),
            mean(&|x| (x.1 - d).powi(2)),
            mean(&|x| (x.0 - n) * (x.1 - d)),
        ];
        let correlation = nd / (nn * dd).sqrt();
        assert!(correlation < 0.9, "{design}: {correlation}");
    }
}

#[test]
fn mixtures_are_farther_apart_than_those_that_are_drawn() {
    let mut random = Random::new(5);
    for k in [2, 3, 4, 7, 12] {
        let natural = natural(k, &mut random);
        for (center, concentration) in [(vec![1.0 / k as f64; k], k as f64), (natural, 20.0)] {
            for seed in 0..5 {
                let builder = Design::builder(&names(k)).flops(1e20).seed(seed);
                let is_simplex = concentration == k as f64;
                let builder =
                    if is_simplex { builder } else { builder.narrow(&center, concentration) };
                let design = builder.build().unwrap();
                let own = least_distances(design.mixtures());
                let concentrations: Vec<f64> = center.iter().map(|w| concentration * w).collect();
                let count = design.mixtures().len();
                for other in 0..20 {
                    let drawn = Mixture::dirichlet(&concentrations, count, 100 + other).unwrap();
                    let drawn = least_distances(&drawn);
                    assert!(own[0] > drawn[0], "{design}, {own:?} and {drawn:?}");
                    // By weights too, on the simplex.
                    assert!(own[1] > drawn[1] || !is_simplex, "{design}, {own:?} and {drawn:?}");
                }
            }
        }
    }
}

#[test]
fn a_seed_says_all() {
    for (builder, _) in builders() {
        let design = builder.clone().build().unwrap();
        assert_eq!(design, builder.clone().build().unwrap());
        assert_ne!(design.mixtures(), builder.clone().seed(99).build().unwrap().mixtures());
        // What has nothing to do with the mixtures does not change them.
        let other =
            builder.targets(&["t"]).tokens_per_parameter(21.0).checkpoints(4).build().unwrap();
        if other.mixtures().len() == design.mixtures().len() {
            assert_eq!(other.mixtures(), design.mixtures());
        }
    }
}

#[test]
fn a_law_is_found_again_from_a_sweep_of_a_design() {
    let mut random = Random::new(11);
    for k in [2, 3, 5] {
        let natural = natural(k, &mut random);
        let base = Design::builder(&names(k)).flops(1e20);
        for builder in [base.clone(), base.narrow(&natural, 10.0)] {
            let design = builder.build().unwrap();
            // Every law has its coefficients drawn from where it is searched.
            let scale = Scale { n: 1e8, d: 2e9 };
            additive(&design, AdditiveLaw::new(design.domains(), scale).unwrap(), &mut random);
        }
    }
    let design = Design::builder(&names(3)).flops(1e20).build().unwrap();
    let law = JointLaw::new(design.domains(), Scale { n: 1e8, d: 2e9 }).unwrap();
    let z: Vec<f64> = law.coordinates().iter().map(|c| c.draw(&mut random)).collect();
    finds(&design, law, &z);
}

/// With coefficients as those of the paper's fits.
fn additive(design: &Design, law: AdditiveLaw, random: &mut Random) {
    let mut truth = vec![("E".to_owned(), 1.5)];
    for domain in design.domains() {
        truth.push((format!("C[{domain}]"), random.uniform(0.5..2.0)));
        truth.push((format!("gamma[{domain}]"), random.uniform(0.3..0.9)));
    }
    let scales = [("A", 400.0), ("alpha", 0.34), ("B", 400.0), ("beta", 0.28)];
    truth.extend(scales.map(|(name, value)| (name.to_owned(), value)));
    let truth: Vec<(&str, f64)> =
        truth.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let z = law.coordinates_of(&truth).unwrap();
    let fit = finds(design, law, &z);
    for (name, value) in truth {
        let found = fit.coefficients().into_iter().find(|(other, _)| other == name).unwrap().1;
        assert!((found / value - 1.0).abs() < 0.01, "{design}, {name}: {found} and {value}");
    }
}

/// A fit that predicts the true loss far beyond the runs.
fn finds(design: &Design, law: impl ScalingLaw + Clone + 'static, z: &[f64]) -> mixlaw::Fit {
    let synthetic = SyntheticSweep::from_design(design).losses("loss", law.clone(), z).unwrap();
    let sweep = synthetic.build().unwrap();
    let fit = Fitter::new().fit(law, &sweep, "loss").unwrap();
    let k = design.domains().len();
    for h in Mixture::dirichlet(&vec![1.0; k], 50, 8).unwrap() {
        let at = Scale { n: 1e10, d: 2e11 };
        let (found, truth) =
            (fit.predict(at, &h).unwrap(), synthetic.loss("loss", at, h.weights()).unwrap());
        assert!((found / truth - 1.0).abs() < 1e-3, "{design}, {h:?}: {found} and {truth}");
    }
    fit
}

#[test]
fn a_sweep_of_a_design_has_its_rows() {
    for (builder, _) in builders() {
        let design = builder.build().unwrap();
        let sweep =
            SyntheticSweep::from_design(&design).losses_by("t", |_, _| 1.0).build().unwrap();
        let rows = design.checkpoints();
        assert_eq!(sweep.len(), rows.len());
        for (a, b) in sweep.rows().zip(&rows) {
            assert_eq!((a.scale(), a.h, a.run), (b.scale, b.h.weights(), b.run.as_str()));
        }
        assert_eq!(sweep.count_mixtures(), design.mixtures().len());
    }
}

#[cfg(feature = "csv")]
#[test]
fn the_table_is_read_as_the_sweep_that_was_planned() {
    use mixlaw::Sweep;
    use mixlaw::sweep::SweepReader;

    // A domain that needs quotes; tokens of some, and of a run that repeats them.
    let builder = Design::builder(&["web, \"raw\"", "code", "h_"]).flops(1e19);
    let builder = builder.unique_tokens(&[("code", 3e9)]).repetition_of(1e11);
    let design = builder.targets(&["qa", "python"]).build().unwrap();
    let mut table = Vec::new();
    design.to_csv(&mut table).unwrap();
    let table = String::from_utf8(table).unwrap();
    // Without losses it is no sweep yet.
    assert!(Sweep::from_csv(table.as_bytes()).unwrap_err().to_string().contains("an empty cell"));
    let filled = table.replace(",,\n", ",2.5,\n");
    let (sweep, report) = SweepReader::new().missing(&[""]).read_from(filled.as_bytes()).unwrap();
    assert_eq!(sweep.domains(), design.domains());
    assert_eq!(sweep.targets(), ["qa", "python"]);
    let ignored = ["tokens_web, \"raw\"", "tokens_code", "tokens_h_", "epochs_code", "keep_code"];
    assert_eq!(report.ignored_columns, ignored);
    let rows = design.checkpoints();
    assert_eq!(sweep.len(), rows.len());
    for (a, b) in sweep.rows().zip(&rows) {
        assert_eq!(
            (a.scale(), a.h, a.run, a.split),
            (b.scale, b.h.weights(), b.run.as_str(), "train")
        );
    }
    // The other columns, by their names.
    let mut lines = table.lines();
    let header = lines.next().unwrap();
    assert!(header.ends_with(",epochs_code,keep_code,loss_qa,loss_python"), "{header}");
    for (line, row) in lines.zip(&rows) {
        let cells: Vec<f64> = line.split(',').filter_map(|cell| cell.parse().ok()).collect();
        let expected = [row.tokens[1], row.tokens[2], row.epochs[1].unwrap(), row.keep[1].unwrap()];
        assert_eq!(cells[cells.len() - 4..], expected);
    }
    let path = std::env::temp_dir().join(format!("mixlaw-design-{}.csv", std::process::id()));
    design.write_csv(&path).unwrap();
    let written = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(written, table);
    let error = design.write_csv("/no/such/folder/design.csv").unwrap_err();
    assert!(error.is_io() && error.to_string().starts_with("/no/such/folder/design.csv: "));
}

#[test]
fn what_cannot_be_designed_is_refused() {
    let base = || Design::builder(&["web", "code"]).sizes(&[1e7, 2e7, 4e7]);
    let fault = |builder: DesignBuilder| builder.build().unwrap_err().to_string();
    let none: [&str; 0] = [];
    for (builder, expected) in [
        (Design::builder(&none).flops(1e20), "the number of domains is 0, expected from 2 to 100"),
        (Design::builder(&["a"]).flops(1e20), "the number of domains is 1, expected from 2 to 100"),
        (Design::builder(&names(101)).flops(1e20), "the number of domains is 101"),
        (Design::builder(&["a", "a"]).flops(1e20), "domain `a` appears twice"),
        (Design::builder(&["a", ""]).flops(1e20), "domain name `` is empty"),
        (Design::builder(&["a", "b"]), "a design needs at least one of a budget (flops) and sizes"),
        (Design::builder(&["a", "b"]).runs(20), "a design needs at least one of"),
        (base().targets(&["t", "t"]), "target `t` appears twice"),
        (base().sizes(&[1e7, 2e7]), "the number of sizes is 2, expected at least 3"),
        (base().sizes(&[1e7, 2e7, 1e7]), "a size is 10000000, expected each size once"),
        (base().sizes(&[1e7, 2e7, 0.0]), "a size is 0, expected a number from 1 to 1e20"),
        (base().sizes(&[1e7, 2e7, f64::NAN]), "a size is NaN, expected a number from 1 to 1e20"),
        (base().flops(0.0), "flops is 0, expected a finite number > 0"),
        (base().flops(f64::INFINITY), "flops is inf, expected a finite number > 0"),
        (
            // 3 + 2 + 2 runs: one and two thirds are rounded up, and there are two at least.
            base().flops(5e17),
            "flops (3 mixtures need 5.16e17) is 5e17, expected enough for one mixture more than \
             there are domains",
        ),
        (base().runs(6), "runs (3 mixtures need 7) is 6, expected enough for one mixture more"),
        (base().flops(1e30), "flops is 1e30, expected no more than 1000 mixtures need"),
        (base().runs(5000), "runs is 5000, expected no more than 1000 mixtures need"),
        (Design::builder(&["a", "b"]).flops(100.0), "flops is 100, expected enough for models"),
        (
            base().tokens_per_parameter(0.0),
            "tokens_per_parameter is 0, expected a number from 1e-3",
        ),
        (base().tokens_per_parameter(f64::NAN), "tokens_per_parameter is NaN"),
        (base().checkpoints(1), "checkpoints is 1, expected from 2 to 20"),
        (base().checkpoints(21), "checkpoints is 21, expected from 2 to 20"),
        (base().unique_tokens(&[("cod", 1e9)]), "unknown domain `cod`, expected one of: web, code"),
        (base().unique_tokens(&[("code", 1e9), ("code", 2e9)]), "domain `code` appears twice"),
        (base().unique_tokens(&[("code", f64::NAN)]), "the tokens of domain `code` is NaN"),
        (base().unique_tokens(&[("code", 0.5)]), "the tokens of domain `code` is 0.5, expected a"),
        (base().repetition_of(1e11), "repetition_of needs at least one domain with unique_tokens"),
        (base().repetition_of(-1.0), "repetition_of is -1, expected a finite number > 0"),
        (
            base().unique_tokens(&[("code", 1e9)]).repetition_of(7e8),
            "repetition_of (the longest run has D = 8e8) is 700000000, expected at least that",
        ),
        (base().narrow(&[1.0], 20.0), "the natural mixture has length 1, expected 2"),
        (base().narrow(&[1.0, 0.0], 20.0), "the natural weight of domain `code` is 0, expected a"),
        (base().narrow(&[0.5, f64::NAN], 20.0), "the natural weight of domain `code` is NaN"),
        (base().narrow(&[0.5, 0.4], 20.0), "the domain weights sum to 0.9, expected 1"),
        (base().narrow(&[0.5, 0.5], 0.0), "concentration is 0, expected a finite number > 0"),
        (base().narrow(&[0.5, 0.5], 1e20), "concentration is 1e20, expected a smaller one"),
    ] {
        let error = fault(builder);
        assert!(error.starts_with(expected), "{error}");
    }
    let error: Error = base().runs(6).build().unwrap_err();
    assert!(error.is_setting());
}
