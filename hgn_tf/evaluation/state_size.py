"""How many pairs (q, p) the state of a compact HGN needs, found from the films before anything is trained."""

import numpy as np
import tensorflow as tf

from hgn_tf import data
from hgn_tf.data import stored
from hgn_tf.evaluation import motion
from hgn_tf.training import progress

_FRAMES, _SIDE, _BATCH = 3000, 16, 50  # frames that are compared, their side in pixels, films that are read at a time


def pairs(found):
  """How many pairs: the dimension of a frame, rounded, since each pair has one coordinate that frames show.

  Args:
    found: what `motion.dimensions` returns; where it has no "mle", 1 pair.
  """
  return max(1, round(found.get("mle", 1.0)))


def find(dataset, *, size=32, split="train", data_dir=None):
  """The dimension of a dataset's frames, and so many pairs: frames lie on a surface, a coordinate for each of them.

  Dimensions are those of `motion.dimensions` of 3,000 frames at random times of as many films as there are. What
  differs from film to film and does not move, a colour or a length, counts as well; velocities, which no frame shows,
  do not.

  Args:
    dataset: TFDS name.
    size: height and width that a model takes; divides that of the stored frames.
    split: TFDS split.
    data_dir: where TFDS keeps its datasets.

  Returns:
    dict: `pairs`, and the estimates of `motion.dimensions`.

  Raises:
    ModuleNotFoundError: scikit-dimension is missing.
    ValueError: the dataset has not been built, or hardly any of its frames differ.
  """
  frames = some_frames(dataset, size, split, data_dir)
  found = motion.dimensions(frames) if np.ptp(frames, axis=0).any() else {}
  if "mle" not in found:
    raise ValueError(f"dataset must have frames that differ, got {dataset!r}, whose {len(frames)} are all alike.")
  return {"pairs": pairs(found), **found}


def some_frames(dataset, size=32, split="train", data_dir=None):
  """Frames at random times of a dataset's films, small: float32 [n, 16, 16, C], n at most 3,000."""
  films = stored.count(stored.builder(dataset, data_dir), split)
  of_each, rng = -(-_FRAMES // films), np.random.default_rng(0)
  batches = data.eval_batches(dataset, batch_size=_BATCH, size=size, split=split, data_dir=data_dir)
  used, kept = min(films, _FRAMES), []
  for batch in progress.track(batches.take(-(-used // _BATCH)), "Frames", unit="batches", total=-(-used // _BATCH)):
    times = rng.random((len(batch), batch.shape[1])).argsort(axis=1)[:, :of_each]
    chosen = tf.gather(batch, times, batch_dims=1)
    kept.append(tf.image.resize(tf.reshape(chosen, [-1, *batch.shape[2:]]), [_SIDE, _SIDE], "area").numpy())
  return np.concatenate(kept)[:_FRAMES]
