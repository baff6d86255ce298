"""Numbered examples of a dataset: example i depends on (seed, split, i) only, never on its neighbours."""

import dataclasses

import numpy as np

from hgn_tf.physics.base import System
from hgn_tf.physics.catalogue import get_system
from hgn_tf.physics.render import default_colors, render, spread_hues
from hgn_tf.physics.simulate import simulate
from hgn_tf.physics.streams import Streams

_FIELDS = {"mass_spring": {"observation_noise": 0.1}, "pendulum": {"observation_noise": 0.1},
           "charged_particle": {"dt": 0.25}, "henon_heiles": {"dt": 0.25}, "lennard_jones": {"dt": 0.05},
           "matching_pennies": {"dt": 0.1}, "rock_paper_scissors": {"dt": 0.1}}
_MAX_ATTEMPTS = 200
_CONSTANTS, _RADIUS, _NOISE, _COLORS, _ATTEMPT = range(5)  # what a random stream is for; attempts count on from there
_CONTROLS = 1 << 32  # beyond all attempts


@dataclasses.dataclass(frozen=True, kw_only=True)
class Spec:
  """What a dataset of trajectories is made of, except for its number of examples.

  Attributes:
    system: the physics, the law of its initial states and its canvas.
    num_steps: frames after the first.
    dt: time between frames.
    resolution: height and width of the frames, a multiple of 8.
    observation_noise: standard deviation of the noise added to every coordinate of q and p in every frame.
    colors: None (evenly spread hues; white for what is drawn as tiles), "random" (spread from a hue drawn per
      trajectory), or RGB bytes, 3 for each body.
    control: half the width of the uniform law of a force on each coordinate, dp/dt + u; 0: none.
    control_hold: steps that a force stays as it was drawn.
    seed: of the whole dataset, in [0, 2^32).
  """

  system: System
  num_steps: int = 30
  dt: float = 0.125
  resolution: int = 64
  observation_noise: float = 0.0
  colors: object = None
  control: float = 0.0
  control_hold: int = 5
  seed: int = 0

  def __post_init__(self):
    if not isinstance(self.num_steps, int) or self.num_steps < 1:
      raise ValueError(f"num_steps must be an integer of at least 1, got {self.num_steps!r}.")
    if not self.dt > 0 or not np.isfinite(self.dt):
      raise ValueError(f"dt must be positive and finite, got {self.dt!r}.")
    if not isinstance(self.resolution, int) or self.resolution < 8 or self.resolution % 8:
      raise ValueError(f"resolution must be a positive multiple of 8, got {self.resolution!r}.")
    if not self.observation_noise >= 0 or not np.isfinite(self.observation_noise):
      raise ValueError(f"observation_noise must be at least 0 and finite, got {self.observation_noise!r}.")
    if not self.control >= 0 or not np.isfinite(self.control):
      raise ValueError(f"control must be at least 0 and finite, got {self.control!r}.")
    if not isinstance(self.control_hold, int) or self.control_hold < 1:
      raise ValueError(f"control_hold must be an integer of at least 1, got {self.control_hold!r}.")
    if not isinstance(self.seed, int) or not 0 <= self.seed < 2**32:
      raise ValueError(f"seed must be an integer in [0, 2^32), got {self.seed!r}.")
    _check_colors(self.colors, self.system.bodies)


def default_spec(name, **changes):
  """The dataset of the system called `name`, the paper's own as in its section 4, with `changes` to `Spec`'s fields."""
  return Spec(**{"system": get_system(name), **_FIELDS.get(name, {}), **changes})


def make_examples(spec, split, indices):
  """Simulates, perturbs and draws the examples numbered `indices` of a split.

  Args:
    spec: the dataset.
    split: its name; splits share nothing.
    indices: integers, [n]. The result does not depend on how a split is cut into blocks.

  Returns:
    dict of arrays with leading axis n: frames uint8 [n, T + 1, S, S, 3]; q, p, noisy_q, noisy_p float64 [n, T + 1, d];
    energy float64 [n, T + 1] of the clean states; dt float64 [n]; colors uint8 [n, bodies, 3]; one float64 [n] per
    physical constant, in the dict `constants`; and where `spec.control` is not 0 controls float64 [n, T, d].

  Raises:
    ValueError: no admissible initial state is found because the canvas is too small for the motion.
  """
  (examples,) = example_chunks(spec, split, indices, chunk=max(len(indices), 1))
  return examples


def example_chunks(spec, split, indices, *, chunk):
  """Yields `make_examples` in pieces of `chunk` examples: states are simulated at once, frames drawn piece by piece."""
  indices = np.asarray(indices, np.int64)
  system = spec.system.draw_constants(Streams(spec.seed, split, indices, _CONSTANTS), len(indices))
  states, colors = _states(spec, system, split, indices), _colors(spec, split, indices)
  constants = {name: np.broadcast_to(np.asarray(value, np.float64), indices.shape)
               for name, value in system.constants.items()}
  for start in range(0, len(indices), chunk):
    some = slice(start, start + chunk)
    piece = {name: values[some] for name, values in states.items()}
    yield {"frames": render(system.rows(some), piece["noisy_q"], spec.resolution, colors[some], piece["noisy_p"]),
           **piece, "colors": colors[some], "constants": {name: values[some] for name, values in constants.items()}}


def _states(spec, system, split, indices):
  """All of an example but its frames and constants."""
  controls = _controls(spec, split, indices)
  q, p = _trajectories(spec, system, split, indices, controls)
  noise = Streams(spec.seed, split, indices, _NOISE)
  noisy_q = q + spec.observation_noise * noise.standard_normal(q.shape)
  noisy_p = p + spec.observation_noise * noise.standard_normal(p.shape)
  return {"q": q, "p": p, "noisy_q": noisy_q, "noisy_p": noisy_p, "energy": system.hamiltonian(q, p),
          "dt": np.full(len(indices), spec.dt), **({} if controls is None else {"controls": controls})}


def _controls(spec, split, indices):
  """A random force on each coordinate in each step, constant over some steps, [n, T, d]; None where there is none."""
  if not spec.control:
    return None
  drawn = -(-spec.num_steps // spec.control_hold)
  force = Streams(spec.seed, split, indices, _CONTROLS).uniform(
      -spec.control, spec.control, (len(indices), drawn, spec.system.dimension))
  return np.repeat(force, spec.control_hold, axis=1)[:, :spec.num_steps]


def _trajectories(spec, system, split, indices, controls):
  """Motions whose bodies stay on the canvas: the radius is drawn once, the rest of a state until it is admissible."""
  n = len(indices)
  radius = system.sample_radius(Streams(spec.seed, split, indices, _RADIUS), n)
  q, p = np.empty((2, n, spec.num_steps + 1, system.dimension))
  left = np.arange(n)
  for attempt in range(_MAX_ATTEMPTS):
    if not left.size:
      return q, p
    some = system.rows(left)
    start = some.sample_initial(Streams(spec.seed, split, indices[left], _ATTEMPT + attempt), len(left), radius[left])
    forces = None if controls is None else controls[left]
    new_q, new_p = simulate(some, *start, spec.dt, spec.num_steps, forces)
    good = np.all(some.inside(new_q), axis=1)
    q[left[good]], p[left[good]] = new_q[good], new_p[good]
    left = left[~good]
  raise ValueError(f"canvas={system.canvas} is too small: example {indices[left[0]]} of {split!r} left it in "
                   f"{_MAX_ATTEMPTS} attempts; raise canvas, or lower radius or orbit_noise.")


def _colors(spec, split, indices):
  """Colours of the bodies: uint8 [n, bodies, 3]."""
  bodies = spec.system.bodies
  if spec.colors != "random":
    colors = default_colors(spec.system) if spec.colors is None else np.asarray(spec.colors, np.uint8)
    return np.broadcast_to(colors, (len(indices), bodies, 3))
  hues = Streams(spec.seed, split, indices, _COLORS).uniform(0.0, 1.0, (len(indices), 1))[:, 0]
  return np.stack([spread_hues(bodies, hue) for hue in hues])


def _check_colors(colors, bodies):
  if colors is None or (isinstance(colors, str) and colors == "random"):
    return
  values = np.asarray(colors) if not isinstance(colors, str) else np.empty(0)
  if values.shape != (bodies, 3) or values.dtype.kind not in "iu" or values.min() < 0 or values.max() > 255:
    raise ValueError(f'colors must be None, "random" or {bodies} RGB triples of integers in [0, 255], got {colors!r}.')
