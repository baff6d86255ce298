"""States and time derivatives of the HNN experiments (Greydanus et al. 2019, section 3 and appendix A), without pixels.

Sampling, noise, counts and time grids are those of the experiments; a trajectory depends on (seed, split, index) only.
"""

import dataclasses

import numpy as np

from hgn_tf.physics.catalogue import get_system
from hgn_tf.physics.simulate import simulate
from hgn_tf.physics.streams import Streams

_PLACE, _NOISE = range(2)  # what a random stream is for


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task:
  """One HNN experiment.

  Attributes:
    system: name in `SYSTEMS`.
    duration: time from the first point to the last.
    points: of a trajectory, evenly spaced, both ends included.
    noise: standard deviation of the Gaussian noise on every coordinate of q and p.
    train, test: numbers of trajectories.
    box: draw both coordinates of the first body from the range of radii, instead of its radius and direction.
    friction: rate gamma of dp/dt = -dH/dq - gamma p, in 1/time.
  """

  system: str
  duration: float
  points: int
  noise: float
  train: int
  test: int
  box: bool = False
  friction: float = 0.0

  @property
  def times(self):
    """Time of each point: [points]."""
    return np.linspace(0.0, self.duration, self.points)


TASKS = {
    "mass_spring": Task(system="mass_spring", duration=3.0, points=30, noise=0.1, train=25, test=25),
    "pendulum": Task(system="pendulum", duration=3.0, points=45, noise=0.1, train=25, test=25),
    "two_body": Task(system="two_body", duration=20.0, points=50, noise=0.0, train=800, test=200, box=True),
    "three_body": Task(system="three_body", duration=5.0, points=20, noise=0.0, train=4000, test=1000),
    # Not of HNN: the first two with friction, which halves the energy about every 2.3 time units.
    "mass_spring_friction": Task(
        system="mass_spring", duration=3.0, points=30, noise=0.1, train=25, test=25, friction=0.3),
    "pendulum_friction": Task(system="pendulum", duration=3.0, points=45, noise=0.1, train=25, test=25, friction=0.3),
}


def make_task(name, seed=0):
  """All trajectories of the task called `name`.

  Args:
    name: one of `TASKS`.
    seed: of the data, in [0, 2^32).

  Returns:
    {"train": arrays, "test": arrays}, as `make_trajectories` makes them.

  Raises:
    ValueError: unknown name; the message lists the known ones.
  """
  task = get_task(name)
  return {split: make_trajectories(task, seed, split, range(getattr(task, split))) for split in ("train", "test")}


def get_task(name):
  """The entry of `TASKS` called `name`.

  Raises:
    ValueError: unknown name; the message lists the known ones.
  """
  if name not in TASKS:
    raise ValueError(f"Unknown task {name!r}; known: {', '.join(sorted(TASKS))}.")
  return TASKS[name]


def make_trajectories(task, seed, split, indices):
  """The trajectories numbered `indices` of a split.

  Args:
    task: a `Task`.
    seed: of the data, in [0, 2^32).
    split: its name.
    indices: integers, [n].

  Returns:
    dict of float64 arrays: x [n, points, 2d] noisy states, q first; dx [n, points, 2d] the exact time derivative of the
    clean states; clean_x [n, points, 2d]; energy [n, points] of the clean states; t [points].
  """
  system = dataclasses.replace(get_system(task.system), friction=task.friction)
  indices = np.asarray(indices, np.int64)
  q0, p0 = _initial(task, system, Streams(seed, split, indices, _PLACE), len(indices))
  q, p = simulate(system, q0, p0, task.duration / (task.points - 1), task.points - 1)
  clean = np.concatenate([q, p], axis=-1)
  noise = Streams(seed, split, indices, _NOISE).standard_normal(clean.shape)
  return {"x": clean + task.noise * noise, "dx": np.concatenate(system.vector_field(q, p), axis=-1), "clean_x": clean,
          "energy": system.hamiltonian(q, p), "t": task.times}


def _initial(task, system, rng, n):
  """HNN's draws: the direction is that of a point uniform in a square, not of a uniform angle."""
  if task.box:
    x, y = rng.uniform(*system.radius, (n, 2)).T
    return system.place(rng, np.hypot(x, y), np.arctan2(y, x))
  x, y = rng.uniform(-1.0, 1.0, (n, 2)).T
  return system.place(rng, system.sample_radius(rng, n), np.arctan2(y, x))
