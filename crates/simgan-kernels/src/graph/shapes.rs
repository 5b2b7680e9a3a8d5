//! Checks which values the nodes take.

use candle_core::{Result, bail};

use super::Node;

/// Checks that the images have four axes, and that each node takes earlier values and each result exists.
pub(super) fn check(dims: &[usize], nodes: &[Node<'_>], results: &[usize]) -> Result<()> {
    if dims.len() != 4 {
        bail!("graph takes images (N, C, H, W), not {dims:?}");
    }
    for (number, node) in nodes.iter().enumerate() {
        let (input, add) = match *node {
            Node::Conv { input, add, .. } | Node::Upsample { input, add } => (input, add),
            Node::BatchNorm { input, .. } | Node::MaxPool { input, .. } => (input, None),
        };
        if let Some(value) = [input].into_iter().chain(add).find(|&value| value > number) {
            bail!("graph: node {number} takes value {value}, which is not made before it");
        }
    }
    if let Some(result) = results.iter().find(|&&result| result == 0 || result > nodes.len()) {
        bail!("graph: there is no result {result} of {} nodes", nodes.len());
    }
    Ok(())
}
