"""Datasets on disk (TFDS) to batches of frames, and the truth behind them."""

import hgn_tf.mechanics.startup  # noqa: F401
from hgn_tf.data.batches import eval_batches, load_states, to_frames, train_batches
from hgn_tf.data.stored import builder, spec

__all__ = ["builder", "eval_batches", "load_states", "spec", "to_frames", "train_batches"]
