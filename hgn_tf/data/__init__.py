"""Datasets on disk (TFDS) to batches of frames, and the truth behind them."""

import hgn_tf.startup  # noqa: F401
from hgn_tf.data.batches import builder, eval_batches, load_states, spec, to_frames, train_batches

__all__ = ["builder", "eval_batches", "load_states", "spec", "to_frames", "train_batches"]
