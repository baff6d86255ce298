"""One run of HNN's pixel pendulum: fit a PixelHNN to gymnasium's frames, measure it, keep what its figure needs."""

import dataclasses
import time

import keras
import numpy as np
import tensorflow as tf

from hgn_tf.commands.reproduce import hnn_runs
from hgn_tf.data import batches
from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.models import presets
from hgn_tf.models.pixel_hnn import PixelHNN
from hgn_tf.models.pixel_hnn_config import WINDOW
from hgn_tf.physics import Pendulum

MODELS = {"baseline": dict(dynamics="baseline"), "hnn": {},
          "decayed": dict(learning_rate_decay="cosine"),
          "midpoint": dict(learning_rate_decay="cosine", derivative="midpoint"),
          "separable": dict(dynamics="separable")}
HORIZON = 100  # frames of a rollout
# gymnasium's rod, a pendulum with 2 m g l = 5 and m l^2 = 1/3, in the units of HNN's notebook: 1.9 (1 - cos q) + ...
SYSTEM, ENERGY_UNIT = Pendulum(mass=1 / 3, gravity=7.5, length=1.0), 1.9 / 5.0


@dataclasses.dataclass(frozen=True)
class PixelData:
  """Clips in [0, 1], float32 [n, T + 1, H, W, 1], and the states (q, p) of all frames but the last, [n, T, 2]."""

  frames: tf.Tensor
  test_frames: tf.Tensor
  states: np.ndarray
  test_states: np.ndarray


def load(task, seed, data_dir=None):
  """The clips of the pixel_pendulum dataset, the same for every seed.

  Raises:
    ValueError: the dataset was never built; says how.
  """
  del seed
  found = []
  for split in ("train", "test"):
    films = batches.eval_batches(task, batch_size=64, size=28, split=split, data_dir=data_dir)
    found.append(tf.concat(list(films), axis=0))
  states = [batches.load_states(task, split=split, data_dir=data_dir) for split in ("train", "test")]
  return PixelData(*found, *(np.concatenate([split["q"][:, :-1], centred(split["p"])], axis=-1) for split in states))


def centred(p):
  """gymnasium's momenta, which are those of half a step before each frame, at the frames: [n, T + 1, 1] -> [n, T, 1].

  (p_t + p_{t+1}) / 2. With it the energy swings by 1 % along a clip; with the environment's by 19 %.
  """
  return (p[:, :-1] + p[:, 1:]) / 2


def config_of(task, model, seed, **changes):
  """The PixelHNNConfig of a run.

  Raises:
    ValueError: unknown model.
  """
  if model not in MODELS:
    raise ValueError(f"Unknown model {model!r} of {task}; known: {', '.join(MODELS)}.")
  return presets.get("pixel_hnn_gym", seed=seed, **MODELS[model], **changes)


def run(task, config, data):
  """Fits a PixelHNN and measures it; returns as `hnn_runs.run` does. The losses are L of A.3 on every frame."""
  del task
  began = time.process_time()
  model = fit(config, data)
  measures = {"steps": config.steps, "training_seconds": time.process_time() - began}
  for split, frames in (("train", data.frames), ("test", data.test_frames)):
    measures[f"{split}_loss"] = float(np.mean([float(model.objective(clip[None])["loss"]) for clip in frames]))
  measures.update(energy_measures(model, data))
  measures["seconds"] = time.process_time() - began
  return measures, figure_arrays(model, data)


def fit(config, data):
  """A PixelHNN trained on windows of three frames, drawn anew by (seed, step)."""
  keras.utils.set_random_seed(config.seed)
  model = PixelHNN(config)
  model.compile(steps_per_execution=min(100, config.steps))
  clips, length = data.frames.shape[:2]
  flat = tf.reshape(data.frames, [-1, *data.frames.shape[2:]])

  def draw(step):
    seeds = tf.random.split(tf.stack([config.seed, tf.cast(step, tf.int32)]), 2)
    clip = tf.random.stateless_uniform([config.batch_size], seeds[0], 0, clips, tf.int32)
    first = tf.random.stateless_uniform([config.batch_size], seeds[1], 0, length - WINDOW + 1, tf.int32)
    return tf.gather(flat, (clip * length + first)[:, None] + tf.range(WINDOW))

  model.fit(tf.data.Dataset.counter().map(draw).prefetch(4), steps_per_epoch=config.steps, shuffle=False, verbose=0)
  return model


def energy_measures(model, data):
  """Mean squared error of the energy along rollouts from the test clips, in the units of HNN's notebook.

  A code is read as a state (q, p) by the affine map that fits the training clips best.
  """
  read = readout(model, data)
  codes = model.rollout(model.initial_state(model.encode(data.test_frames)), HORIZON, method="rk4")
  energy, truth = (ENERGY_UNIT * SYSTEM.hamiltonian(*np.split(states, 2, axis=-1))
                   for states in (read(codes.merge().numpy()), data.test_states[:, :HORIZON + 1]))
  errors = ((energy - truth[:, :energy.shape[1]]) ** 2).mean(axis=1)
  return {"horizon": HORIZON, "trajectories": len(errors), **hnn_runs.summary("energy_mse", errors)}


def readout(model, data):
  """The affine map from codes [..., 2] to states [..., 2] that fits the training clips best."""
  codes = _codes(model, data.frames[:, :-1], data.frames[:, 1:])
  weights, *_ = np.linalg.lstsq(_with_one(codes), data.states.reshape(-1, 2), rcond=None)
  return lambda z: _with_one(z) @ weights


def figure_arrays(model, data, kick=60, points=60):
  """The learned energy over the latent space, and a rollout whose code grows by half of its distance to the middle."""
  codes = _codes(model, data.test_frames[:, :-1], data.test_frames[:, 1:])
  middle = codes.mean(axis=0)
  before = model.rollout(model.initial_state(model.encode(data.test_frames[:1])), kick, method="rk4").merge()[0].numpy()
  kicked = middle + 1.5 * (before[-1:] - middle)
  after = model.rollout(model.initial_state(tf.constant(kicked)), kick, method="rk4").merge()[0].numpy()
  trajectory = np.concatenate([before, after])
  frames = model.decode(PhaseSpace.split(tf.constant(trajectory[::len(trajectory) // 10][:10])))[..., 0]
  arrays = {"codes": codes[::10], "trajectory": trajectory, "frames": frames, "kick": kick}
  if model.config.dynamics == "hnn":
    reach = 1.2 * np.abs(np.concatenate([codes, trajectory]) - middle).max(axis=0)
    axes = [np.linspace(m - r, m + r, points, dtype=np.float32) for m, r in zip(middle, reach, strict=True)]
    grid = np.stack(np.meshgrid(*axes), axis=-1)
    arrays.update(q_axis=axes[0], p_axis=axes[1], energy_grid=model.energy(PhaseSpace.split(tf.constant(grid))))
  return {name: np.float32(value) for name, value in arrays.items()}


def _codes(model, frames, following):
  """The code of every frame with the next one: [n * T, embedding]."""
  return np.concatenate([model.encode(tf.stack([a, b], axis=1)) for a, b in zip(frames, following, strict=True)])


def _with_one(z):
  return np.concatenate([z, np.ones_like(z[..., :1])], axis=-1)
