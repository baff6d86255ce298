"""What really happens: frames of the simulated world behind a dataset's examples, clean and at any speed."""

import dataclasses

import numpy as np

from hgn_tf import physics
from hgn_tf.data import batches, stored


def load(dataset, *, split="test", take=None, data_dir=None):
  """The `Truth` of the first `take` examples of a split, or None where frames were not simulated.

  Args:
    dataset: TFDS name.
    split: TFDS split.
    take: number of examples; default all.
    data_dir: where TFDS keeps its datasets.
  """
  spec = stored.spec(dataset, data_dir)
  if spec is None:
    return None
  states = batches.load_states(dataset, split=split, take=take, data_dir=data_dir)
  return Truth(spec, states["q"], states["p"], {name: states["constants"][name] for name in spec.system.constants},
               states["colors"], states.get("controls"))


def simulate(spec, split, num, size):
  """The first `num` examples of a split as the dataset of `spec` has them, without a dataset on disk.

  Args:
    spec: physics.Spec.
    split: name of the split.
    num: number of examples.
    size: height and width of the frames; divides the stored resolution.

  Returns:
    (frames float32 [num, T + 1, size, size, 3] in [0, 1], their `Truth`).
  """
  return simulate_some(spec, split, range(num), size)


def simulate_some(spec, split, indices, size):
  """As `simulate`, of the examples numbered `indices`."""
  examples = physics.make_examples(spec, split, indices)
  frames = batches.to_frames(examples["frames"], size).numpy()
  return frames, Truth(spec, examples["q"], examples["p"], examples["constants"], examples["colors"],
                       examples.get("controls"))


@dataclasses.dataclass(frozen=True, eq=False)
class Truth:
  """Clean trajectories of examples.

  Attributes:
    spec: the dataset's physics.Spec.
    q, p: clean states, [n, T + 1, d].
    constants: name -> values, [n].
    colors: of the bodies, uint8 [n, bodies, 3].
    controls: forces on each coordinate, [n, T, d]; None: none.
  """

  spec: physics.Spec
  q: np.ndarray
  p: np.ndarray
  constants: dict
  colors: np.ndarray
  controls: np.ndarray | None = None

  def part(self, start, stop):
    """Trajectories `start` to `stop`, the latter not included."""
    constants = {name: values[start:stop] for name, values in self.constants.items()}
    return dataclasses.replace(self, q=self.q[start:stop], p=self.p[start:stop], constants=constants,
                               colors=self.colors[start:stop],
                               controls=None if self.controls is None else self.controls[start:stop])

  def clean(self, size, num_frames):
    """The examples' first frames without observation noise, float32 [n, num_frames, size, size, 3]."""
    return self._draw(self.q[:, :num_frames], self.p[:, :num_frames], size)

  def frames(self, size, *, num_steps=None, speed=1.0):
    """Clean frames from the first state on, float32 [n, num_steps + 1, size, size, 3]; after the controls without any.

    Args:
      size: height and width; divides the stored resolution.
      num_steps: default that of the dataset.
      speed: multiplies the time between frames; negative runs backward.

    Raises:
      ValueError: another speed than 1 of examples with controls, which are known frame by frame, and not before.
    """
    num_steps = self.spec.num_steps if num_steps is None else num_steps
    system = dataclasses.replace(self.spec.system, **self.constants)
    q, p = physics.simulate(system, self.q[:, 0], self.p[:, 0], speed * self.spec.dt, num_steps,
                            self._forces(num_steps, speed))
    return self._draw(q, p, size)

  def _forces(self, num_steps, speed):
    if self.controls is None:
      return None
    if speed != 1.0:
      raise ValueError(f"speed must be 1 where films have controls, got {speed}.")
    known = self.controls[:, :num_steps]
    return np.pad(known, [(0, 0), (0, num_steps - known.shape[1]), (0, 0)])

  def noisy(self, size, seed):
    """The examples' frames with observation noise drawn anew, float32 [n, T + 1, size, size, 3]."""
    return self._draw(*self._jittered(*_streams(seed)), size)

  def noise_floor(self, size, *, draws=8, seed=0):
    """Variance over draws of the observation noise of the frame given the clean state, mean over pixels.

    No prediction of unseen noise can have a smaller pixel MSE.
    """
    if not self.spec.observation_noise:
      return 0.0
    of_q, of_p = _streams(seed)
    frames = np.stack([self._draw(*self._jittered(of_q, of_p), size) for _ in range(draws)])
    return float(np.mean(np.var(frames, axis=0, ddof=1)))

  def _jittered(self, of_q, of_p):
    """(q, p) with observation noise from two generators: the positions' noise does not depend on the momenta."""
    noise = self.spec.observation_noise
    return (self.q + noise * of_q.standard_normal(self.q.shape), self.p + noise * of_p.standard_normal(self.p.shape))

  def _draw(self, q, p, size):
    system = dataclasses.replace(self.spec.system, **self.constants)
    return batches.to_frames(physics.render(system, q, self.spec.resolution, self.colors, p), size).numpy()


def _streams(seed):
  return np.random.default_rng(seed), np.random.default_rng((seed, 1))
