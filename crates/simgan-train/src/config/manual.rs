//! The settings as documentation: comments in a run's configuration, and the manual's page.

use std::fmt::Write;

use simgan_settings::{Setting, one_line};
use toml::{Table, Value};

use super::overlay::{HEADER, table_of};
use super::{Recipe, SECTIONS, Section, TrainConfig};

/// Maximum width of a comment and of a line of the manual, in columns.
const WIDTH: usize = 100;

impl TrainConfig {
    /// Returns the complete configuration as TOML, with each setting's help above it. [`Self::resolve`] reads
    /// it back.
    #[must_use]
    pub(crate) fn commented(&self) -> String {
        let table = table_of(self);
        let mut text = format!("{HEADER}\n");
        for section in SECTIONS {
            if !section.name.is_empty() {
                let _ = writeln!(text, "\n{}[{}]", comment(&one_line(section.doc)), section.name);
            }
            for (setting, value) in section.values(&table) {
                let allowed = comment(&format!("Allowed: {}.", setting.range));
                let _ = writeln!(text, "{}{allowed}{} = {value}", comment(&setting.help()), setting.name);
            }
        }
        text
    }
}

impl Section {
    /// Returns each setting with its value in `config`, a complete configuration.
    fn values<'a>(&self, config: &'a Table) -> impl Iterator<Item = (&'static Setting, &'a Value)> {
        let table = self.table(config);
        self.settings().filter_map(move |setting| Some((setting, table?.get(setting.name)?)))
    }
}

/// Returns the manual's page: every setting with its help, range and value in each recipe, in Markdown.
#[must_use]
pub fn settings_page() -> String {
    let recipes = Recipe::ALL.map(|recipe| (recipe, table_of(&recipe.config())));
    let mut page = wrapped(INTRODUCTION, "", "");
    for section in SECTIONS {
        if !section.name.is_empty() {
            let _ = write!(page, "\n## [{}]\n\n{}", section.name, wrapped(&one_line(section.doc), "", ""));
        }
        page.push('\n');
        for setting in section.settings() {
            let defaults = defaults(section, setting, &recipes);
            let (key, help, range) = (section.key(setting), setting.help(), setting.range);
            let entry = format!("**`{key}`** – {help} *Allowed:* {range}. *Default:* {defaults}.");
            page.push_str(&wrapped(&entry, "- ", "  "));
        }
    }
    page
}

const INTRODUCTION: &str = "# Settings\n\n\
    All settings of `simgan train`: the key, its meaning, the allowed values and each recipe's default. Set single \
    values with `--set KEY=VALUE`, or several in a TOML file with `--config FILE`; a run's own `config.toml` is \
    complete and can be run again. `simgan help settings` prints this page.";

/// Returns the value in each recipe, or a single value if all recipes agree.
fn defaults(section: &Section, setting: &Setting, recipes: &[(Recipe, Table)]) -> String {
    let value = |table| section.table(table).and_then(|table: &Table| table.get(setting.name));
    let values: Vec<_> = recipes
        .iter()
        .filter_map(|(recipe, table)| value(table).map(|value| (recipe, value.to_string())))
        .collect();
    match values.as_slice() {
        [(_, first), rest @ ..] if rest.iter().all(|(_, value)| value == first) => format!("`{first}`"),
        values => {
            let shown = values.iter().map(|(recipe, value)| format!("`{value}` ({recipe})"));
            shown.collect::<Vec<_>>().join(", ")
        }
    }
}

fn comment(text: &str) -> String {
    wrapped(text, "# ", "# ")
}

/// Wraps `text` at [`WIDTH`] columns; only a longer word exceeds them. The first line starts with `first`,
/// all others with `next`. Empty lines stay.
fn wrapped(text: &str, first: &str, next: &str) -> String {
    let mut lines = String::new();
    for (paragraph_idx, paragraph) in text.split("\n\n").enumerate() {
        if paragraph_idx > 0 {
            lines.push('\n');
        }
        let mut line = first.to_owned();
        let mut is_empty = true;
        for word in paragraph.split_whitespace() {
            if !is_empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
                let _ = writeln!(lines, "{line}");
                (line, is_empty) = (next.to_owned(), true);
            }
            if !is_empty {
                line.push(' ');
            }
            line.push_str(word);
            is_empty = false;
        }
        let _ = writeln!(lines, "{line}");
    }
    lines
}
