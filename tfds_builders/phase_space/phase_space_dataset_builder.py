"""The phase_space dataset: states and time derivatives of the HNN experiments."""

import dataclasses

import numpy as np

from hgn_tf import physics
from hgn_tf.physics import phase_space_tasks
from tfds_builders import base, records

_BLOCK = 256


@dataclasses.dataclass(eq=False, kw_only=True)
class PhaseSpaceConfig(base.Config):
  """One task; what is null is as in the experiment.

  Attributes:
    task: name of the experiment; the configuration's own name if null.
    num_train: trajectories of the train split.
    num_test: trajectories of the test split.
    duration: time from a trajectory's first point to its last.
    points: of a trajectory.
    noise: standard deviation of the noise on each coordinate of q and p.
    friction: rate of dp/dt = -dH/dq - friction p, in 1/time.
    seed: of the whole dataset, in [0, 2^32).
  """

  task: str | None = None
  num_train: int | None = None
  num_test: int | None = None
  duration: float | None = None
  points: int | None = None
  noise: float | None = None
  friction: float | None = None
  seed: int = 0

  def check(self):
    self.task = self.task or self.name
    task = phase_space_tasks.get_task(self.task)
    for name, default in (("num_train", "train"), ("num_test", "test"), ("duration", "duration"),
                          ("points", "points"), ("noise", "noise"), ("friction", "friction")):
      if getattr(self, name) is None:
        setattr(self, name, getattr(task, default))
    self.check_counts("num_train", "num_test", "points")
    if self.points < 2:
      raise ValueError(f"points must be at least 2, got {self.points}.")
    for name in ("duration", "noise", "friction"):
      value = getattr(self, name)
      if not np.isfinite(value) or value < 0 or (name == "duration" and value == 0):
        raise ValueError(f"{name} must be {'positive' if name == 'duration' else 'at least 0'} and finite, "
                         f"got {value!r}.")
    if not isinstance(self.seed, int) or not 0 <= self.seed < 2**32:
      raise ValueError(f"seed must be an integer in [0, 2^32), got {self.seed!r}.")

  def to_task(self):
    """The experiment as `hgn_tf.physics.phase_space_tasks` describes it."""
    return dataclasses.replace(
        phase_space_tasks.get_task(self.task), train=self.num_train, test=self.num_test, duration=self.duration,
        points=self.points, noise=self.noise, friction=self.friction)


class Builder(base.Builder):
  """Noisy states, and the exact time derivatives of the clean ones."""

  BUILDER_CONFIGS = [PhaseSpaceConfig(name=name, description=f"The {name} experiment of Greydanus et al. (2019).")
                     for name in ("mass_spring", "pendulum", "two_body", "three_body")]

  def _info(self):
    task = self.builder_config.to_task()
    points, d = task.points, physics.get_system(task.system).dimension
    return self.info_of({
        **{name: records.float64(points, 2 * d) for name in ("x", "dx", "clean_x")},
        "energy": records.float64(points),
        "t": records.float64(points),
    }, homepage="https://github.com/greydanus/hamiltonian-nn")

  def _generate_examples(self, split, count):
    task, seed = self.builder_config.to_task(), self.builder_config.seed
    return self.spread(_block, [(task, seed, split, *bounds) for bounds in base.blocks(count, _BLOCK)], count)


def _block(task, seed, split, start, stop):
  """The (key, example) pairs of trajectories [start, stop)."""
  made = phase_space_tasks.make_trajectories(task, seed, split, range(start, stop))
  times = made.pop("t")
  return [(start + i, {**{name: values[i] for name, values in made.items()}, "t": times}) for i in range(stop - start)]
