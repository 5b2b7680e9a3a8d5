//! Runs whose synthetic images get a tone first.

use simgan_data::{Toned, Want};
use simgan_models::{ToneStage, load_refiner_images};

use super::*;
use crate::{Start, ToneKind};

fn toned(kind: ToneKind) -> (TrainConfig, Sources) {
    let (mut config, mut sources) = (config(5), sources());
    config.data.tone = kind;
    sources.tone = kind.measured(&*sources.real).unwrap();
    if let Some(tone) = &sources.tone {
        sources.synthetic = Arc::new(Toned::new(sources.synthetic, tone.clone()));
    }
    (config, sources)
}

#[test]
fn a_toned_run_is_another_one_and_resumes_exactly() {
    let mut all = Vec::new();
    for kind in [ToneKind::None, ToneKind::Equalize, ToneKind::Match] {
        let (config, sources) = toned(kind);
        let new = || Trainer::new(config.clone(), &sources, &Device::Cpu).unwrap();
        let mut whole = new();
        let reports = steps(&mut whole, 11);
        assert!(!all.contains(&reports), "{kind}");
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(&dir.path().join("run"), &config).unwrap();
        let mut first = new();
        steps(&mut first, 7);
        let checkpoint = first.save(&run.checkpoints()).unwrap();
        assert_eq!(ToneKind::of_stage(load_refiner_images(checkpoint.path()).unwrap().tone.as_ref()), kind);
        let mut resumed = Trainer::resume(&run, config.clone(), &toned(kind).1, &Device::Cpu).unwrap();
        assert_eq!(steps(&mut resumed, 4), reports[7..]);
        assert_eq!(snapshot(&resumed), snapshot(&whole));
        all.push(reports);
    }
}

#[test]
fn the_tone_is_that_of_the_real_images_and_goes_with_the_refiner() {
    let (config, sources) = toned(ToneKind::Match);
    let mean = |source: &dyn Source| {
        let image = source.sample(3, Want::Image).unwrap().image.to_unit();
        image.iter().sum::<f32>() / image.len() as f32
    };
    let [before, after, real] = [&*self::sources().synthetic, &*sources.synthetic, &*sources.real].map(mean);
    assert!((after - real).abs() < 0.05 && (before - real).abs() > 1.0, "{before} {after} {real}");
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(&dir.path().join("run"), &config).unwrap();
    Trainer::new(config.clone(), &sources, &Device::Cpu).unwrap().save(&run.checkpoints()).unwrap();
    let start = Start::open(run.path()).unwrap();
    assert_eq!(start.resolve(None, None, &[]).unwrap().data.tone, ToneKind::Match);
    let error = start.resolve(None, None, &["data.tone=none".to_owned()]).unwrap_err().to_string();
    assert!(error.contains("`data.tone` cannot be \"none\": \"match\", as in the refiner"), "{error}");
    // Real images of other tones, though the ones that a checkpoint knows by content are the same.
    let folder = run.checkpoints().join("step-00000000");
    let stored = load_refiner_images(&folder).unwrap().tone.unwrap();
    let ToneStage::Match { percentiles } = stored else { panic!("match") };
    let mut other = sources.clone();
    let darker = percentiles.iter().map(|value| value - 0.01).collect();
    other.tone = simgan_data::ToneReference::from_percentiles(darker).map(simgan_data::Tone::Match);
    let error = Trainer::resume(&run, config.clone(), &other, &Device::Cpu).err().unwrap().to_string();
    assert!(error.contains("no longer the tones"), "{error}");
    other.tone = None;
    let error = Trainer::new(config, &other, &Device::Cpu).err().unwrap();
    assert!(
        error.to_string().contains("have the tone \"none\", but the run has data.tone = \"match\""),
        "{error}"
    );
    assert!(error.hint().unwrap().to_string().contains("data.tone"));
}
