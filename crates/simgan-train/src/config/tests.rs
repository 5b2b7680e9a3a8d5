use std::path::Path;

use super::*;

fn resolve(set: &[&str]) -> Result<TrainConfig, ConfigError> {
    let set: Vec<String> = set.iter().map(ToString::to_string).collect();
    TrainConfig::resolve(None, None, &set)
}

fn refusal(set: &[&str]) -> String {
    told(&resolve(set).unwrap_err())
}

/// The message and the hint.
fn told(error: &ConfigError) -> String {
    format!("{error}; {}", error.hint().map(|hint| hint.to_string()).unwrap_or_default())
}

#[test]
fn every_recipe_is_valid_and_survives_its_file() {
    for recipe in Recipe::ALL {
        let config = recipe.config();
        config.validate().unwrap();
        assert_eq!(TrainConfig::resolve(None, Some(&config.resolved()), &[]).unwrap(), config);
        assert_eq!(TrainConfig::resolve(None, Some(&config.commented()), &[]).unwrap(), config);
        assert_eq!(recipe.name().parse::<Recipe>().unwrap(), recipe);
    }
}

#[test]
fn numbers_survive_the_file_exactly() {
    let mut config = Recipe::HandPose.config();
    config.loss.lambda = 0.1 + 0.2;
    config.optim.refiner.lr_steps = vec![(1, 1e-300), (2, 1.0 / 3.0)];
    assert_eq!(TrainConfig::resolve(None, Some(&config.resolved()), &[]).unwrap(), config);
    assert_eq!(TrainConfig::resolve(None, Some(&config.commented()), &[]).unwrap(), config);
}

/// The recipes in the first files of format version 1, and the checksum that checkpoints of that time hold.
const FIRST: [(Recipe, &str, u32); 3] = [
    (Recipe::Demo, include_str!("first/demo.toml"), 0x5d14_0ab6),
    (Recipe::EyeGaze, include_str!("first/eye-gaze.toml"), 0x66c8_1031),
    (Recipe::HandPose, include_str!("first/hand-pose.toml"), 0x5df9_e7c7),
];

#[test]
fn the_first_configurations_and_their_checkpoints_are_read() {
    for (recipe, file, crc32c) in FIRST {
        let first_size =
            if recipe == Recipe::Demo { "source".to_owned() } else { recipe.config().data.size.to_string() };
        let first_batch = if recipe == Recipe::HandPose { 32 } else { recipe.config().data.batch };
        let (size, batch) = (format!("data.size={first_size}"), format!("data.batch={first_batch}"));
        let set =
            ["data.channels=1", "data.range=full", "data.tone=none", "selection.every=0", &size, &batch]
                .map(str::to_owned);
        let config = TrainConfig::resolve(Some(recipe), None, &set).unwrap();
        assert_eq!(toml::from_str::<TrainConfig>(file).unwrap(), config);
        assert_eq!(TrainConfig::resolve(None, Some(file), &[]).unwrap(), config);
        let written: Table = config.resolved().parse().unwrap();
        let mut first: Table = file.parse().unwrap();
        // Added since.
        let loss = first["loss"].as_table_mut().unwrap();
        loss.insert("adversarial_kind".to_owned(), "cross-entropy".into());
        loss.insert("landmark_weight".to_owned(), 1.0.into());
        loss.insert("landmark_radius".to_owned(), 2.0.into());
        loss.insert("consistency".to_owned(), 0.0.into());
        loss.insert("consistency_model".to_owned(), "".into());
        loss.insert("consistency_ramp".to_owned(), 0.into());
        let added =
            [("diversity", 5.0), ("diversity_bound", 0.07), ("missing", 0.02), ("gaps", 0.0), ("film", 0.0)];
        loss.extend(added.map(|(key, value)| (key.to_owned(), value.into())));
        let discriminator = first["discriminator"].as_table_mut().unwrap();
        discriminator.insert("spectral_norm".to_owned(), false.into());
        discriminator.insert("noise".to_owned(), 0.0.into());
        discriminator.insert("noise_steps".to_owned(), 0.into());
        discriminator.insert("field".to_owned(), "layers".into());
        discriminator.insert("patches".to_owned(), "all".into());
        first.insert("compute".to_owned(), Table::from_iter([("precision".to_owned(), "f32".into())]).into());
        first["discriminator"].as_table_mut().unwrap().insert("relief".to_owned(), 0.into());
        let added = ["noise_channels", "grain_channels", "relief"].map(|key| (key.to_owned(), 0.into()));
        first["refiner"].as_table_mut().unwrap().extend(added);
        let added = ["holes", "skip"].map(|key| (key.to_owned(), false.into()));
        first["refiner"].as_table_mut().unwrap().extend(added);
        let data = first["data"].as_table_mut().unwrap();
        data.insert("range".to_owned(), "full".into());
        data.extend(["flip", "random_crop", "tone"].map(|key| (key.to_owned(), "none".into())));
        let start = ["from", "crc32c"].map(|key| (key.to_owned(), "".into()));
        first.insert("start".to_owned(), Table::from_iter(start).into());
        assert_eq!(written, first);
        assert_eq!(crc32c::crc32c(config.identity().as_bytes()), crc32c, "{recipe}");
    }
}

#[test]
fn every_key_has_one_row_and_every_row_a_key() {
    let leaves = overlay::leaves_of(&Recipe::Demo.config());
    let mut keys: Vec<_> = leaves.into_iter().map(|(key, _)| key).collect();
    let mut rows: Vec<_> = all_settings().map(|(key, _)| key).collect();
    keys.sort();
    rows.sort();
    assert_eq!(keys, rows);
    for (key, setting) in all_settings() {
        assert!(setting.help().ends_with('.') && setting.help().len() > 9, "{key}: {}", setting.help());
    }
}

/// A setting's range lists exactly the words that its type accepts; serde's error names the known variants.
#[test]
fn words_are_those_that_the_type_knows() {
    for (key, setting) in all_settings() {
        let Range::OneOf(words) = setting.range else { continue };
        let error = refusal(&[&format!("{key}=no-such-word")]);
        for word in words {
            assert!(error.contains(&format!("\"{word}\"")), "{key}: {word}: {error}");
            assert!(key == "loss.psi" || resolve(&[&format!("{key}={word}")]).is_ok(), "{key}={word}");
        }
        // "unknown variant `x`, expected one of `a`, `b`"
        let error = toml::from_str::<TrainConfig>(&with(setting.name, "\"x\"")).unwrap_err();
        assert_eq!(error.message().matches('`').count() / 2 - 1, words.len(), "{key}: {error}");
    }
}

/// Returns the demo's file with another value for the first key of this name.
fn with(name: &str, value: &str) -> String {
    let text = Recipe::Demo.config().resolved();
    let line = text.lines().find(|line| line.starts_with(&format!("{name} = "))).unwrap();
    text.replacen(line, &format!("{name} = {value}"), 1)
}

#[test]
fn comments_tell_each_setting_and_fit_the_width() {
    let text = Recipe::HandPose.config().commented();
    assert!(text.lines().filter(|line| line.starts_with('#')).all(|line| line.chars().count() <= 100));
    for (_, setting) in all_settings() {
        let comments = text.replace("\n# ", " ");
        assert!(comments.contains(&setting.help()), "{}", setting.name);
    }
    assert!(text.contains("\n\n# R's optimizer.\n[optim.refiner]\n"), "{text}");
    assert!(text.contains("Allowed: a finite number at least 0.\nlambda = 5.0\n"), "{text}");
}

#[test]
fn the_eye_gaze_recipe_has_the_papers_numbers() {
    let config = Recipe::EyeGaze.config();
    assert_eq!(config.data.size.to_string(), "55x35");
    assert_eq!((config.data.batch, config.refiner.features, config.refiner.blocks), (512, 64, 4));
    let schedule = &config.schedule;
    assert_eq!((schedule.pretrain_refiner, schedule.pretrain_discriminator, schedule.k_d), (1000, 200, 1));
    assert_eq!((config.optim.refiner.lr, config.optim.discriminator.lr), (0.001, 0.001));
}

#[test]
fn values_lie_over_the_file_and_the_file_over_the_recipe() {
    let file = "recipe = \"eye-gaze\"\n[data]\nbatch = 64\n[optim.refiner]\nlr = 1\n[schedule]\nk_g = 50";
    let set =
        ["schedule.k_g=1".to_owned(), "data.size=60x36".to_owned(), "data.real=[\"a\", \"b\"]".to_owned()];
    let config = TrainConfig::resolve(None, Some(file), &set).unwrap();
    assert_eq!(config.recipe, Recipe::EyeGaze);
    assert_eq!((config.data.batch, config.schedule.k_g, config.refiner.features), (64, 1, 64));
    assert_eq!(config.optim.refiner.lr, 1.0);
    assert_eq!(config.data.size.to_string(), "60x36");
    assert_eq!(config.data.real, ["a", "b"]);
    let other = TrainConfig::resolve(Some(Recipe::Demo), Some(file), &set).unwrap();
    assert_eq!((other.recipe, other.refiner.features), (Recipe::Demo, 32));
    assert_eq!(resolve(&["recipe=hand-pose"]).unwrap(), Recipe::HandPose.config());
}

#[test]
fn unknown_keys_name_the_nearest() {
    assert!(refusal(&["loss.lamda=1"]).contains("did you mean `loss.lambda`?"));
    assert!(refusal(&["lambda=1"]).contains("did you mean `loss.lambda`?"));
    assert!(refusal(&["output.keeplast=1"]).contains("`output.keep_last`"));
    assert!(refusal(&["optim.discriminator.betta=[0.1, 0.2]"]).contains("`optim.discriminator.betas`"));
    assert!(refusal(&["zzz.qqq=1"]).contains("[loss], [optim]"));
    let error = told(&TrainConfig::resolve(None, Some("[los]\nlambda = 1"), &[]).unwrap_err());
    assert!(error.contains("unknown key `los`") && error.contains("`loss"), "{error}");
}

#[test]
fn bad_values_say_what_is_allowed() {
    for (set, expected) in [
        ("loss.lambda=-1", "`loss.lambda` cannot be -1: a finite number at least 0"),
        ("loss.landmark_weight=0.5", "a finite number at least 1"),
        ("loss.landmark_radius=0", "a finite number above 0"),
        ("loss.lambda=nan", "`loss.lambda` cannot be NaN"),
        ("loss.lambda=much", "a finite number at least 0"),
        ("loss.consistency=1", "the folder of an estimator with consistency above 0"),
        ("loss.consistency_model=x", "and empty without it"),
        ("data.batch=2.5", "a whole number from 1 to 65536"),
        ("data.batch=7", "an even number from 2"),
        ("data.channels=2", "1 (gray) or 3 (RGB)"),
        ("data.channels=gray", "1 (gray) or 3 (RGB)"),
        ("data.range=2..1", "\"2..1\" is not a range"),
        ("data.range=9", "\"9\" is not a range"),
        ("data.size=55", "\"55\" is not a size"),
        ("data.on_error=ignore", "cannot be \"ignore\": \"fail\" or \"skip\""),
        ("refiner.kernel=4", "an odd number"),
        ("refiner.kernel=99999", "an odd number from 1 to 31"),
        ("refiner.stem_kernel=-3", "an odd number from 1 to 31"),
        ("refiner.features=1000000000", "a whole number from 1 to 4096"),
        ("refiner.blocks=1000", "a whole number from 0 to 256"),
        ("refiner.border=mirror", "\"zeros\" or \"replicate\""),
        ("discriminator.layers=[{conv={kernel=99999, stride=1, features=4}}]", "odd kernels from 1 to 31"),
        ("discriminator.translation=5000", "a whole number from 0 to 4096"),
        ("discriminator.noise=-0.1", "a finite number at least 0"),
        ("history.capacity=10000001", "0 (off), or a whole number from 1 to 10000000"),
        ("optim.refiner.betas=[0.5, 1.0]", "each at least 0 and less than 1"),
        ("optim.refiner.clip_norm=-1", "0 (off), or a finite number above 0"),
        ("data.size=99999x3", "each from 1 to 16384"),
        ("output.keep_last=0", "a whole number from 1"),
        ("ema.decay=1.0", "less than 1"),
        ("schedule.steps=-1", "a whole number from 0 to 9007199254740992"),
        ("optim.refiner.lr_steps=[[10, 0.1], [5, 0.1]]", "ascending"),
        ("optim.refiner.momentum=0.9", "it belongs to kind = \"sgd\""),
        ("recipe=eyegaze", "did you mean `eye-gaze`?"),
        ("output.log_every=0", "a whole number from 1"),
        ("nonsense", "`nonsense` is not KEY=VALUE"),
    ] {
        let error = refusal(&[set]);
        assert!(error.contains(expected), "{set}: {error}");
    }
    assert!(refusal(&["history.capacity=4", "data.batch=32"]).contains("from half of data.batch"));
}

/// A resume may ask for more steps, but what depends on their number must not move.
#[test]
fn what_depends_on_the_number_of_steps_is_fixed_when_the_run_begins() {
    let set =
        ["discriminator.noise=0.1", "loss.consistency=2", "loss.consistency_model=x", "schedule.steps=55"];
    let config = resolve(&set).unwrap();
    assert_eq!((config.discriminator.noise_steps, config.loss.consistency_ramp), (55, 11));
    let more =
        TrainConfig::resolve(None, Some(&config.resolved()), &["schedule.steps=99".to_owned()]).unwrap();
    config.check_resumable(&more, Path::new("config.toml")).unwrap();
    let ramp = [0, 5, 11, 40].map(|steps| config.loss.consistency_after(steps));
    assert_eq!(ramp, [0.0, 10.0 / 11.0, 2.0, 2.0]);
    let off = resolve(&["schedule.steps=55"]).unwrap();
    assert_eq!((off.discriminator.noise_steps, off.loss.consistency_ramp), (0, 0));
}

#[test]
fn a_later_format_is_refused() {
    let error = TrainConfig::resolve(None, Some("version = 2"), &[]).unwrap_err().to_string();
    assert!(error.contains("format version 2"), "{error}");
}

#[test]
fn only_what_changes_no_past_step_may_change_on_resume() {
    let before = Recipe::Demo.config();
    let mut now = before.clone();
    (now.schedule.steps, now.output.keep_last, now.data.workers) = (9999, 7, 1);
    before.check_resumable(&now, Path::new("config.toml")).unwrap();
    assert_eq!(before.identity(), now.identity());
    // Where images lie, and what becomes of unreadable ones, is not what a checkpoint depends on.
    now.data.real = vec!["elsewhere".to_owned()];
    now.data.on_error = simgan_data::OnError::Skip;
    before.check_resumable(&now, Path::new("config.toml")).unwrap();
    assert_ne!(before.identity(), now.identity());
    assert_eq!(before.identity_without_places(), now.identity_without_places());
    now.data = before.data.clone();
    now.loss.lambda = 3.0;
    let error = before.check_resumable(&now, Path::new("config.toml")).unwrap_err().to_string();
    assert!(error.contains("`loss.lambda` is 3.0 but the run was started with 5.0"), "{error}");
    assert_ne!(before.identity(), now.identity());
}

#[test]
fn a_configuration_from_before_translation_is_the_same_without_one() {
    let without = Recipe::Demo.config();
    let older = without.resolved().replace("translation = 0\n", "");
    assert_ne!(older, without.resolved());
    assert_eq!(toml::from_str::<TrainConfig>(&older).unwrap(), without);
    assert!(!without.identity().contains("translation"), "a checkpoint's checksum would be another");
    let mut with = without.clone();
    with.discriminator.translation = 3;
    assert_ne!(with.identity(), without.identity());
}

#[test]
fn channels_size_and_range_are_numbers_or_auto() {
    let auto = Recipe::Demo.config();
    for (set, text) in [
        ("data.channels=3", "channels = 3\n"),
        ("data.channels=auto", "channels = \"auto\"\n"),
        ("data.range=1000..2400", "range = \"1000..2400\"\n"),
        ("data.size=auto", "size = \"auto\"\n"),
    ] {
        let config = resolve(&[set]).unwrap();
        assert!(config.resolved().contains(text), "{}", config.resolved());
        assert_eq!(TrainConfig::resolve(None, Some(&config.resolved()), &[]).unwrap(), config);
    }
    // A file of a few values leaves the rest to the recipe.
    let few = TrainConfig::resolve(None, Some("[data]\nchannels = 1"), &[]).unwrap();
    assert_eq!((few.data.channels, few.data.range), (Channels::Gray, auto.data.range));
}

#[test]
fn learning_rates_change_at_their_steps() {
    let optimizer = Recipe::HandPose.config().optim.refiner;
    let rates = [0, 599_999, 600_000, 700_000].map(|step| optimizer.lr_at(step));
    assert_eq!(rates, [0.0002, 0.0002, 0.00005, 0.00005]);
}

const FIVE: &str = "discriminator.layers=[{conv={kernel=5, stride=1, features=4}}]";

/// The field's name, and how many pixels the layers see.
fn field(file: Option<&str>, set: &[&str]) -> Result<(Field, usize), String> {
    let set: Vec<String> = set.iter().map(ToString::to_string).collect();
    let config = TrainConfig::resolve(None, file, &set).map_err(|error| error.to_string())?;
    let again = TrainConfig::resolve(None, Some(&config.resolved()), &[]).unwrap();
    assert_eq!(again, config, "read as it was written");
    Ok((config.discriminator.field, config.discriminator.network.field_px()))
}

#[test]
fn a_field_chooses_the_layers_and_the_later_of_both_wins() {
    let texture = "discriminator.field=texture";
    assert_eq!(field(None, &[]), Ok((Field::Layers, 23)));
    assert_eq!(field(None, &[texture]), Ok((Field::Texture, 9)));
    assert_eq!(field(None, &["discriminator.field=middle"]), Ok((Field::Middle, 15)));
    assert_eq!(field(Some("recipe = \"hand-pose\""), &["discriminator.field=paper"]), Ok((Field::Paper, 71)));
    assert_eq!(field(None, &[FIVE]), Ok((Field::Layers, 5)));
    assert_eq!(field(None, &["discriminator.field=layers", FIVE]), Ok((Field::Layers, 5)));
    for both in [[FIVE, texture], [texture, FIVE]] {
        let error = field(None, &both).unwrap_err();
        assert!(error.contains("discriminator.field") && error.contains("discriminator.layers"), "{error}");
    }
    let complete = |set: &str| TrainConfig::resolve(None, None, &[set.to_owned()]).unwrap().resolved();
    assert_eq!(field(Some(&complete(FIVE)), &[texture]), Ok((Field::Texture, 9)));
    assert_eq!(field(Some(&complete(texture)), &[FIVE]), Ok((Field::Layers, 5)));
    let edited = complete(texture).replace("features = 48", "features = 47");
    assert!(field(Some(&edited), &[]).unwrap_err().contains("discriminator.layers"));
}

#[test]
fn older_runs_are_the_same_without_a_tone_and_a_field() {
    let config = Recipe::EyeGaze.config();
    let older: String = config
        .resolved()
        .lines()
        .filter(|line| !line.starts_with("tone") && !line.starts_with("field"))
        .map(|line| format!("{line}\n"))
        .collect();
    assert!(older.len() < config.resolved().len());
    let read = TrainConfig::resolve(None, Some(&older), &[]).unwrap();
    assert_eq!(read, config);
    assert!(!read.identity().contains("tone") && !read.identity().contains("discriminator.field"));
    let toned = TrainConfig::resolve(None, Some(&older), &["data.tone=match".to_owned()]).unwrap();
    assert!(toned.identity().contains("data.tone=\"match\""), "another run");
}
