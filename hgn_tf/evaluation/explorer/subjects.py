"""The models that are explored behind one interface: NumPy in, NumPy out, whether trained here or exported."""

import pathlib
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from hgn_tf.mechanics.hamiltonians import gradient
from hgn_tf.mechanics.integrate import integrate
from hgn_tf.mechanics.integrators import INTEGRATORS
from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.models import HGN
from hgn_tf.networks.chunks import in_chunks
from hgn_tf.training import files

_CHUNK = 64  # frames decoded at a time
_METADATA = "assets.extra/metadata.json"  # of hgn-export
_SIGNATURES = ("decode", "encode", "evolve", "sample")
_SMALL = 0.01  # step whose difference of positions is dH/dp, in units of the time between frames


class Facts(NamedTuple):
  """What has to be known of a model to explore it.

  Attributes:
    size, channels: of its frames.
    seen: frames that it infers a state from.
    num_frames: of the films that it was trained on.
    dt: time between frames.
    methods: integrators that it can be rolled out with, its own first.
    pairs: of numbers (q_i, p_i) where the state is a vector, None where it is a grid.
  """

  size: int
  channels: int
  seen: int
  num_frames: int
  dt: float
  methods: tuple
  pairs: int | None


class Trained:
  """An HGN in this process.

  Args:
    model: HGN.

  Raises:
    ValueError: another model.
  """

  def __init__(self, model):
    if not isinstance(model, HGN) or not model.has_energy:
      raise ValueError(f"model must be an HGN, got {type(model).__name__}.")
    c = model.config
    methods = (c.method, *(name for name in INTEGRATORS if name != c.method))
    self.facts = Facts(c.size, c.channels, c.seen_shape[0], c.num_frames, c.dt, methods,
                       c.state_shape[0] if len(c.state_shape) == 1 else None)
    self._model = model
    state, scalar = tf.TensorSpec([None, *c.state_shape]), tf.TensorSpec([], tf.int32)
    compiled = lambda function, *specs: tf.function(function, input_signature=specs, autograph=False)  # noqa: E731
    self._infer = compiled(model.infer, tf.TensorSpec([1, *c.seen_shape]))
    self._decode = compiled(lambda q: in_chunks(model.decode, q, _CHUNK), state)
    self._energy = compiled(lambda q, p: model.energy(PhaseSpace(q, p)), state, state)
    self._velocity = compiled(lambda p: gradient(model.hamiltonian.kinetic, p), state)
    self._rollouts = {name: compiled(self._integrate(name), state, state, tf.TensorSpec([None]), scalar)
                      for name in methods}

  def _integrate(self, method):
    return lambda q, p, dt, num_steps: integrate(self._model.hamiltonian, PhaseSpace(q, p), dt, num_steps, method)

  def infer(self, frames):
    """The state at the first of frames [T, H, W, C], T = facts.seen; PhaseSpace, each [1, ...]."""
    return _numpy(self._infer(frames[None]))

  def sample(self, seed):
    """A film from the prior, [facts.num_frames, H, W, C]."""
    return self._model.sample(1, seed=seed)[0].numpy()

  def rollout(self, state, num_steps, dt, method):
    """`num_steps` steps of dt [n] from a PhaseSpace, each [n, ...]; each [n, num_steps + 1, ...].

    Raises:
      ValueError: the model cannot be rolled out with that method.
    """
    _check_method(method, self.facts)
    return _numpy(self._rollouts[method](*state, np.float32(dt), num_steps))

  def energy(self, state):
    """H of a PhaseSpace, each [n, ...]; [n]."""
    return self._energy(*state).numpy()

  def velocity(self, state):
    """dH/dp of a PhaseSpace, each [n, ...]; [n, ...]."""
    return self._velocity(state.p).numpy()

  def decode(self, q):
    """Frames [n, H, W, C] of positions [n, ...]."""
    return self._decode(q).numpy()


class Exported:
  """A SavedModel that hgn-export wrote, by its signatures alone. The methods are those of `Trained`.

  Args:
    path: directory of a version.

  Raises:
    ValueError: no SavedModel of an HGN, or one without the signatures that are needed.
  """

  def __init__(self, path):
    path = pathlib.Path(path)
    try:
      self._loaded = tf.saved_model.load(str(path))
    except (OSError, ValueError, tf.errors.OpError):
      raise ValueError(f"{path} must be a SavedModel that hgn-export wrote; it cannot be loaded.") from None
    self._signatures = self._loaded.signatures
    missing = [name for name in _SIGNATURES if name not in self._signatures]
    if missing or not (path / _METADATA).exists():
      raise ValueError(f"{path} must be an HGN that hgn-export wrote, with the signatures {', '.join(_SIGNATURES)}; it "
                       f"lacks {', '.join(missing) or _METADATA}.")
    facts = files.read_json(path / _METADATA)
    num_frames, size, _, channels = facts["frame_shape"]
    state = self._signatures["decode"].structured_input_signature[1]["q"].shape
    self.facts = Facts(size, channels, num_frames, num_frames, facts["dt"], (facts["method"],),
                       state[1] if state.rank == 2 else None)
    self._max_steps = facts["max_steps"]

  def infer(self, frames):
    answer = self._ask("encode", frames=frames[None])
    return PhaseSpace(answer["q"], answer["p"])

  def sample(self, seed):
    return self._ask("sample", seed=np.array([[seed, 0]], np.int32), dt=np.float32([self.facts.dt]),
                     num_steps=np.int32([self.facts.num_frames - 1]))["frames"][0]

  def rollout(self, state, num_steps, dt, method):
    _check_method(method, self.facts)
    if num_steps > self._max_steps:
      raise ValueError(f"an export of max_steps={self._max_steps} takes no {num_steps} steps; choose a larger step.")
    answer = self._evolve(state, dt, num_steps)
    return PhaseSpace(*(np.where(_like(answer["valid"], answer[x]), answer[x], np.nan) for x in ("q", "p")))

  def energy(self, state):
    return self._evolve(state, np.zeros(len(state.q)), 0)["energy"][:, 0]

  def velocity(self, state):
    small = np.full(len(state.q), _SMALL * self.facts.dt, np.float32)
    on, back = (self._evolve(state, dt, 1)["q"][:, 1] for dt in (small, -small))
    return (on - back) / (2.0 * small[0])

  def decode(self, q):
    return np.concatenate([self._ask("decode", q=q[i:i + _CHUNK])["frames"] for i in range(0, len(q), _CHUNK)])

  def _evolve(self, state, dt, num_steps):
    return self._ask("evolve", q=state.q, p=state.p, dt=np.float32(dt), num_steps=np.full(len(state.q), num_steps,
                                                                                          np.int32))

  def _ask(self, signature, **inputs):
    answer = self._signatures[signature](**{name: tf.constant(x) for name, x in inputs.items()})
    return {name: x.numpy() for name, x in answer.items()}


def _check_method(method, facts):
  if method not in facts.methods:
    raise ValueError(f"the integrator must be one of {', '.join(facts.methods)} for this model, got {method!r}.")


def _like(valid, x):
  """[n, T] to a shape that broadcasts over x [n, T, ...]."""
  return valid.reshape(*valid.shape, *[1] * (x.ndim - valid.ndim))


def _numpy(state):
  return PhaseSpace(*(x.numpy() for x in state))
