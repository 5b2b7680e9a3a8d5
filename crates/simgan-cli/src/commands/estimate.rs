//! `simgan estimate`: trains, uses and calibrates estimators that are kept.

mod calibrate;
mod images;
mod overlay;
mod predict;
mod table;
mod train;

use anyhow::Result;

use crate::arguments::{EstimateArguments, EstimateCommand};

/// Runs one of its commands.
pub(crate) fn estimate(arguments: &EstimateArguments) -> Result<()> {
    match &arguments.command {
        EstimateCommand::Train(arguments) => train::train(arguments),
        EstimateCommand::Predict(arguments) => predict::predict(arguments),
        EstimateCommand::Calibrate(arguments) => calibrate::calibrate(arguments),
    }
}
