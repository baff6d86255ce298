"""One run of the phase-space experiments: fit a model to a task, measure it, keep what the figures need."""

import dataclasses
import time

import keras
import numpy as np
import tensorflow as tf

from hgn_tf.commands.reproduce import hnn_data
from hgn_tf.mechanics import hamiltonians
from hgn_tf.models import presets
from hgn_tf.models.hnn import make

# Model -> changes to the preset of its task.
MODELS = {
    "baseline": dict(model="baseline"),
    "hnn": {},
    "decayed": dict(learning_rate_decay="cosine"),
    "separable": dict(model="separable", learning_rate_decay="cosine"),
    "bodies": dict(model="bodies", hidden=(64, 64), learning_rate_decay="cosine"),
    "damped": dict(damping=True),
}
LONG = 10  # the long rollouts go over this many times the horizon


@dataclasses.dataclass(frozen=True)
class Protocol:
  """How the energy of rollouts is measured.

  Attributes:
    horizon: time of a rollout.
    dt: time of an integrator's step.
    trajectories: rollouts start at the first states of this many test trajectories.
    box: measure as well from the box 0.2 < |q|, |p| < 1, where HNN's notebooks start.
  """

  horizon: float
  dt: float
  trajectories: int = 25
  box: bool = False


PROTOCOLS = {
    "mass_spring": Protocol(20.0, 0.05, box=True),
    "pendulum": Protocol(20.0, 0.05, box=True),
    "two_body": Protocol(20.0, 0.05),
    "three_body": Protocol(5.0, 0.005),
    "mass_spring_friction": Protocol(10.0, 0.05),
    "pendulum_friction": Protocol(10.0, 0.05),
}


def load(task, seed, data_dir=None):
  """The PhaseSpaceData of a task, as `hgn_tf.commands.reproduce.hnn_data.load`."""
  return hnn_data.load(task, seed, data_dir)


def config_of(task, model, seed, **changes):
  """The HNNConfig of a run.

  Raises:
    ValueError: unknown task or model.
  """
  if model not in MODELS:
    raise ValueError(f"Unknown model {model!r}; known: {', '.join(MODELS)}.")
  return presets.get(f"hnn_{task}", seed=seed, **MODELS[model], **changes)


def run(task, config, data):
  """Fits a model and measures it.

  Args:
    task: name in `PROTOCOLS`.
    config: HNNConfig.
    data: PhaseSpaceData.

  Returns:
    (measures: plain JSON types, times in seconds of processor time; arrays for the figures: name -> array).
  """
  began = time.process_time()
  model = fit(config, data)
  measures = {"steps": config.steps, "training_seconds": time.process_time() - began}
  for split, x, dx in (("train", data.x, data.dx), ("test", data.test_x, data.test_dx)):
    measures[f"{split}_loss"], measures[f"{split}_loss_stderr"] = loss(model, x, dx)
  measures.update(energy_measures(task, model, data))
  if config.damping:
    # The truth is dp/dt = -dH/dq - gamma p, and p = m dH/dp.
    measures.update(friction=float(model.friction), true_friction=data.system.friction * data.system.mass)
  measures["seconds"] = time.process_time() - began
  return measures, figure_arrays(task, model, data)


def fit(config, data):
  """The model of `config`, trained on the pairs of `data`."""
  keras.utils.set_random_seed(config.seed)
  model = make(config)
  model.compile(steps_per_execution=min(100, config.steps))
  model.fit(batches(config, data), steps_per_epoch=config.steps, shuffle=False, verbose=0)
  return model


def batches(config, data):
  """Endless batches of pairs: all of them, or `config.batch_size` drawn anew by (seed, step), as HNN does."""
  x, dx = tf.constant(data.x, tf.float32), tf.constant(data.dx, tf.float32)
  if config.batch_size is None:
    return tf.data.Dataset.from_tensors((x, dx)).repeat()

  def draw(step):
    seed = tf.stack([config.seed, tf.cast(step, tf.int32)])
    rows = tf.random.stateless_uniform([config.batch_size], seed, 0, len(data.x), tf.int32)
    return tf.gather(x, rows), tf.gather(dx, rows)

  return tf.data.Dataset.counter().map(draw).prefetch(4)


def loss(model, x, dx):
  """Mean squared error of dx/dt, and HNN's standard error: over all components, divided by sqrt(rows)."""
  squared = (model.predict(np.float32(x), batch_size=4096, verbose=0) - dx) ** 2
  return float(squared.mean()), float(squared.std() / np.sqrt(len(squared)))


def energy_measures(task, model, data):
  """Mean squared error of the true energy along rollouts from test states: RK4, and over `LONG` times the horizon.

  The long rollouts of a separable model are leapfrog's, symplectic; the others' are RK4's.
  """
  protocol = protocol_of(task, data)
  data = dataclasses.replace(data, starts=data.starts[:protocol.trajectories])
  found = {"horizon": protocol.horizon, "dt": protocol.dt, "trajectories": len(data.starts)}
  for name, steps, method in rollouts(protocol, model):
    found.update(energy_error(model, data, protocol.dt, name, steps, method))
  if protocol.box:
    rng = np.random.default_rng(0)
    box = rng.uniform(0.2, 1.0, data.starts.shape) * rng.choice([-1.0, 1.0], data.starts.shape)
    boxed = dataclasses.replace(data, starts=box)
    found.update(energy_error(model, boxed, protocol.dt, "box_energy", *rollouts(protocol, model)[0][1:]))
  return found


def energy_error(model, data, dt, name, steps, method):
  """Squared error of the true energy along rollouts from all `data.starts`, averaged over time; {} without truth."""
  states = model.rollout(data.starts, steps, dt, method)
  truth = data.true_energy(len(data.starts), dt, states.q.shape[1] - 1)
  if truth is None:
    return {}
  errors = ((data.energy(states) - truth) ** 2).mean(axis=1)
  return {f"{name}_steps": int(states.q.shape[1] - 1), f"{name}_method": method, **summary(f"{name}_mse", errors)}


def summary(name, errors):
  """Mean over trajectories, median and standard error."""
  return {name: float(errors.mean()), f"{name}_median": float(np.median(errors)),
          f"{name}_stderr": float(errors.std() / np.sqrt(len(errors)))}


def protocol_of(task, data):
  """The entry of `PROTOCOLS`; for the real pendulum the whole of its shortest test trial, at the rate of the camera."""
  if task in PROTOCOLS:
    return PROTOCOLS[task]
  times = min((times for times, _ in data.trials), key=lambda times: times[-1])
  return Protocol(float(times[-1]), float(np.diff(times).mean()))


def rollouts(protocol, model):
  """(name, number of steps, method) of the rollouts that are measured."""
  steps = round(protocol.horizon / protocol.dt)
  long_method = "leapfrog" if hamiltonians.is_separable(model.dynamics) else "rk4"
  return ("energy", steps, "rk4"), ("long_energy", LONG * steps, long_method)


def figure_arrays(task, model, data, points=400):
  """What the figures draw of a model: one rollout, its true energy over time, and its field on a grid of 1-D tasks."""
  protocol = protocol_of(task, data)
  (_, steps, method), (_, long_steps, long_method) = rollouts(protocol, model)
  start, every = data.starts[:1], max(steps // points, 1)
  states = model.rollout(start, steps, protocol.dt, method)
  arrays = {"states": np.concatenate(states, axis=-1)[0, ::every],
            "true_states": data.true_states(1, protocol.dt * every, steps // every)[0],
            "time": protocol.dt * np.arange(steps + 1)[::every]}
  if data.true_energy(1, protocol.dt, long_steps) is None:  # the truth ends with the horizon
    long_steps, long_method = steps, method
  every = max(long_steps // points, 1)
  energy = data.energy(model.rollout(start, long_steps, protocol.dt, long_method))[0, ::every]
  arrays.update(energy=energy, energy_time=protocol.dt * every * np.arange(len(energy)),
                true_energy=data.true_energy(1, protocol.dt * every, len(energy) - 1)[0])
  if data.system.dimension == 1:
    arrays.update(grid_field(model, data))
  return {name: np.float32(value) for name, value in arrays.items()}


def grid_field(model, data, size=15):
  """The learned and the true field on a square grid over the test data."""
  reach = np.abs(data.test_x).max()
  q, p = (axis.reshape(-1, 1) for axis in np.meshgrid(*[np.linspace(-reach, reach, size)] * 2))
  x = np.concatenate([q, p], axis=1)
  return {"grid": x, "field": model.time_derivative(x), "true_field": np.concatenate(data.system.vector_field(q, p), 1),
          "pairs_x": data.x, "pairs_dx": data.dx}
