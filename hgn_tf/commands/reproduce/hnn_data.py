"""The data of the phase-space experiments: pairs (x, dx/dt), and the truth that rollouts are held against."""

import dataclasses

import numpy as np

from hgn_tf.data import stored
from hgn_tf.physics import get_system, simulate
from hgn_tf.physics.phase_space_tasks import get_task, make_task


@dataclasses.dataclass(frozen=True)
class PhaseSpaceData:
  """Pairs for the fit, test trajectories for the rollouts.

  Attributes:
    x, dx: training pairs, [n, 2d] each; test_x, test_dx: test pairs.
    starts: clean first states of the test trajectories, [trajectories, 2d].
    system: one of `hgn_tf.physics`: its energy, and the field that the figures show.
  """

  x: np.ndarray
  dx: np.ndarray
  test_x: np.ndarray
  test_dx: np.ndarray
  starts: np.ndarray
  system: object

  def energy(self, states):
    """True energy of the states of a PhaseSpace, each [..., d]."""
    return self.system.hamiltonian(np.asarray(states.q, np.float64), np.asarray(states.p, np.float64))

  def true_states(self, count, dt, num_steps):
    """The true motion from the first `count` starts: [count, num_steps + 1, 2d], or None if it is not known."""
    return np.concatenate(simulate(self.system, *np.split(self.starts[:count], 2, axis=1), dt, num_steps), axis=-1)

  def true_energy(self, count, dt, num_steps):
    """The energy of `true_states`: [count, num_steps + 1], or None; where it is conserved, chaos costs nothing."""
    if self.system.is_frictionless():
      energy = self.system.hamiltonian(*np.split(self.starts[:count], 2, axis=1))
      return np.repeat(energy[:, None], num_steps + 1, axis=1)
    return self.system.hamiltonian(*np.split(self.true_states(count, dt, num_steps), 2, axis=-1))


@dataclasses.dataclass(frozen=True)
class RealPendulumData(PhaseSpaceData):
  """A measured pendulum: the truth is the test part of each trial, (times [n], states [n, 2]), and ends with it."""

  trials: tuple = ()

  def true_states(self, count, dt, num_steps):
    times = dt * np.arange(num_steps + 1)
    if any(measured[-1] < times[-1] - 0.5 * dt for measured, _ in self.trials[:count]):
      return None
    return np.stack([np.stack([np.interp(times, measured, column) for column in states.T], axis=-1)
                     for measured, states in self.trials[:count]])

  def true_energy(self, count, dt, num_steps):
    states = self.true_states(count, dt, num_steps)
    return None if states is None else self.system.hamiltonian(*np.split(states, 2, axis=-1))


@dataclasses.dataclass(frozen=True)
class FittedPendulum:
  """E = k (1 - cos q) + p^2, with k such that E varies least over the data: HNN's energy of the real pendulum.

  Attributes:
    k: fitted.
  """

  k: float
  dimension = 1

  @classmethod
  def fit(cls, x):
    """The pendulum of states [n, 2]."""
    height, speed = 1.0 - np.cos(x[:, 0]), x[:, 1] ** 2
    return cls(-np.cov(height, speed)[0, 1] / np.var(height, ddof=1))

  def hamiltonian(self, q, p):
    """Energy of the states: [...] for q, p [..., 1]."""
    return (self.k * (1.0 - np.cos(q)) + p**2)[..., 0]

  def is_frictionless(self):
    """Not quite: the measured energy decays."""
    return False

  def vector_field(self, q, p):
    """The field whose energy is E / 2, for a p that is the angular velocity: (p, -k sin(q) / 2)."""
    return p, -0.5 * self.k * np.sin(q)


def load(task, seed, data_dir=None):
  """The PhaseSpaceData of a task.

  Raises:
    ValueError: unknown task, or a dataset that was never built (says how).
  """
  if task == "real_pendulum":
    return _real_pendulum(data_dir)
  described, splits = get_task(task), make_task(task, seed)
  pairs = [splits[split][key].reshape(-1, splits[split][key].shape[-1])
           for split in ("train", "test") for key in ("x", "dx")]
  system = dataclasses.replace(get_system(described.system), friction=described.friction)
  return PhaseSpaceData(*pairs, starts=splits["test"]["clean_x"][:, 0], system=system)


def _real_pendulum(data_dir):
  try:
    found = stored.builder("real_pendulum", data_dir)
  except ValueError as error:
    raise ValueError(f"{error} --manual_dir=FOLDER, where FOLDER holds the supplement of Schmidt & Lipson, Science 324 "
                     "(2009), doi 10.1126/science.1165893: invar_datasets.zip") from None
  train, test = (list(stored.examples(found, split).as_numpy_iterator()) for split in ("train", "test"))
  pairs = [np.concatenate([trial[key] for trial in trials]) for trials in (train, test) for key in ("x", "dx")]
  return RealPendulumData(
      *pairs, starts=np.stack([trial["x"][0] for trial in test]), system=FittedPendulum.fit(pairs[0]),
      trials=tuple((trial["t"] - trial["t"][0], trial["x"]) for trial in test))
