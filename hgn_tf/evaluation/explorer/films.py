"""What a state is inferred from, and what is known of the time around it."""

import dataclasses
import functools

import numpy as np

from hgn_tf import data, physics
from hgn_tf.data import clips, truth
from hgn_tf.evaluation import metrics

REACH = 120  # frames before and after the first one of a film
TIMES = np.arange(-REACH, REACH + 1)
_MEAN_OF = 16  # films whose mean frame is the trivial prediction


@dataclasses.dataclass(frozen=True, eq=False)
class Film:
  """A film, and what really happens.

  Attributes:
    frames: what a model sees, [T, H, W, C] in [0, 1].
    target: what its rollout is held against, [2 REACH + 1, H, W, C] at TIMES; NaN where it is not known.
    simulated: whether the target is the clean true world, known at all times; else it is the film itself.
    trivial: pixel MSE of the mean frame against the target, None where there is no true world.
  """

  frames: np.ndarray
  target: np.ndarray
  simulated: bool = False
  trivial: float | None = None

  def errors(self, frames):
    """Pixel MSE of frames [2 REACH + 1, H, W, C]; NaN where the target is not known: [2 REACH + 1]."""
    return metrics.frame_errors(frames[None], self.target[None])[0]


@functools.lru_cache(maxsize=16)
def simulated(system, index, size, noise_seed=0):
  """Test film number `index` of a system as its dataset has it, made here, with the true world around it.

  Args:
    system: name in physics.SYSTEMS.
    index: of the film, at least 0.
    size: height and width.
    noise_seed: 0: the observation noise of the dataset; else other noise on the same motion.

  Raises:
    ValueError: unknown system, a negative number, or a size that does not divide the dataset's.
  """
  _check_count("film", index)
  _check_count("noise seed", noise_seed)
  frames, world = truth.simulate_some(physics.default_spec(system), "test", [index], size)
  frames = world.noisy(size, noise_seed) if noise_seed else frames
  past, future = (world.frames(size, num_steps=REACH, speed=speed)[0] for speed in (-1.0, 1.0))
  target = np.concatenate([past[:0:-1], future])
  return Film(frames[0], target, True, float(np.mean((target - _mean_frame(system, size)) ** 2)))


@functools.lru_cache(maxsize=16)
def _mean_frame(system, size):
  frames, _ = truth.simulate(physics.default_spec(system), "train", _MEAN_OF, size)
  return frames.mean(axis=(0, 1))


@functools.lru_cache(maxsize=16)
def stored(dataset, data_dir, index, size):
  """Test film number `index` of a dataset on disk that no world is known behind.

  Args:
    dataset, data_dir: as of `data.eval_batches`.
    index: of the film, at least 0.
    size: height and width.

  Raises:
    ValueError: no such film, or a size that does not divide the dataset's.
  """
  _check_count("film", index)
  found = list(data.eval_batches(dataset, batch_size=1, size=size, data_dir=data_dir).skip(index).take(1))
  if not found:
    raise ValueError(f"film must be below the number of test films of {dataset}, got {index}.")
  return of_frames(found[0][0].numpy())


@functools.lru_cache(maxsize=16)
def clip(path, size, at_least):
  """A clip of one's own; see `clips.read_clip`."""
  return of_frames(clips.read_clip(path, size, at_least=at_least, at_most=REACH + 1))


@functools.lru_cache(maxsize=16)
def sampled(subject, seed):
  """The film that a model draws from its prior by a seed."""
  _check_count("seed", seed)
  return of_frames(subject.sample(seed))


def of_frames(frames):
  """A film of which nothing is known but its frames [T, H, W, C]."""
  target = np.full((len(TIMES), *frames.shape[1:]), np.nan, np.float32)
  target[REACH:REACH + len(frames)] = frames[:REACH + 1]
  return Film(frames, target)


def _check_count(name, value):
  if not isinstance(value, int) or value < 0:
    raise ValueError(f"{name} must be an integer of at least 0, got {value!r}.")
