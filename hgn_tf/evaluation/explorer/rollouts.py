"""One inferred state to its past and its future, and what is done to it on the way."""

import dataclasses

import numpy as np

from hgn_tf.evaluation.explorer.films import REACH, TIMES
from hgn_tf.mechanics.phase_space import PhaseSpace

ALONG = 0  # direction of a kick: that of the momentum itself
_STRETCHES = np.sinh(np.linspace(-np.arcsinh(2.0), np.arcsinh(1e4), 4096))  # of the momentum, tried for an energy


@dataclasses.dataclass(frozen=True)
class Integration:
  """How a state is rolled out.

  Attributes:
    method: name in INTEGRATORS.
    step: time of a step in units of that between frames: a half takes two a frame; two gives every other frame, which
      then stands for two.
  """

  method: str = "leapfrog"
  step: float = 1.0

  def __post_init__(self):
    if not 0.0 < self.step <= REACH:
      raise ValueError(f"step must be above 0 and at most {REACH} frames, got {self.step}.")


@dataclasses.dataclass(frozen=True)
class Kick:
  """Momentum that is added.

  Attributes:
    frame: when, one of TIMES.
    amount: how much, in units of the root mean square of |p| over the film.
    direction: ALONG the momentum, or the number of one of its components, from 1.
  """

  frame: int
  amount: float
  direction: int = ALONG

  def __call__(self, subject, state, scale):
    """The kicked state, each [1, ...]; raises ValueError where the momentum has no such component."""
    if self.direction == ALONG:
      unit = state.p / np.maximum(np.linalg.norm(state.p), 1e-12)
    elif self.direction <= (subject.facts.pairs or 0):
      unit = np.eye(subject.facts.pairs, dtype=np.float32)[None, self.direction - 1]
    else:
      raise ValueError(f"a kick's direction must be along the motion or one of {subject.facts.pairs or 0} components "
                       f"of this model's momentum, got component {self.direction}.")
    return PhaseSpace(state.q, state.p + np.float32(self.amount * scale.momentum) * unit)


@dataclasses.dataclass(frozen=True)
class Boost:
  """Energy that is added: p moves along dH/dp until H is what is wanted, as in the last figure of HNN.

  Attributes:
    frame: when, one of TIMES.
    amount: how much, in units of the largest kinetic energy of the film; negative takes away.
  """

  frame: int
  amount: float

  def __call__(self, subject, state, scale):
    """The state with the wanted energy, each [1, ...]; raises ValueError where no such momentum has it."""
    velocity = subject.velocity(state)
    power = float(np.sum(state.p * velocity))  # p dH/dp: twice the kinetic energy where that is quadratic
    if not power > 1e-6 * scale.kinetic:
      raise ValueError(f"energy is added along the momentum, which is 0 at frame {self.frame}; choose another time.")
    direction = velocity * (np.sum(state.p ** 2) / power)  # as long as p where the kinetic energy is quadratic
    stretches = np.float32(_STRETCHES).reshape(-1, *[1] * (state.p.ndim - 1))
    p = state.p + stretches * direction
    energy = subject.energy(PhaseSpace(np.broadcast_to(state.q, p.shape), p)) - subject.energy(state)[0]
    stretch = _crossing(_STRETCHES, energy - self.amount * scale.kinetic)
    if stretch is None:
      raise ValueError(f"H at frame {self.frame} can be lowered by {-100 * np.nanmin(energy) / scale.kinetic:.0f} % of "
                       f"the largest kinetic energy at most, got {-100 * self.amount:.0f} %.")
    return PhaseSpace(state.q, state.p + np.float32(stretch) * direction)


@dataclasses.dataclass(frozen=True)
class Scale:
  """What amounts are measured in, of the inferred motion over a film's frames with the model's own integrator.

  Attributes:
    momentum: root mean square of |p|.
    kinetic: largest K(p) - K(0).
  """

  momentum: float
  kinetic: float


@dataclasses.dataclass(frozen=True, eq=False)
class Rollout:
  """The states at TIMES, and what was done to them.

  Attributes:
    states: PhaseSpace, each [2 REACH + 1, ...]; not finite where the integration went astray.
    energy: H less H at frame 0 as it was inferred, over the largest kinetic energy of the film, [2 REACH + 1].
    scale: the Scale.
    touched: the first frame at which something was done; None: nothing was.
  """

  states: PhaseSpace
  energy: np.ndarray
  scale: Scale
  touched: int | None = None

  def at(self, frame):
    """The state at a frame; PhaseSpace, each [1, ...]."""
    return PhaseSpace(*(x[REACH + frame][None] for x in self.states))


def roll_out(subject, film, integration, actions=()):
  """The `Rollout` of the state that a model infers from a film.

  Args:
    subject: `Trained` or `Exported`.
    film: Film.
    integration: Integration.
    actions: Kicks and Boosts, each done to what those before it left; only the frames after it change.

  Raises:
    ValueError: too few frames, or an action that cannot be done.
  """
  facts = subject.facts
  if len(film.frames) < facts.seen:
    raise ValueError(f"the film must have at least {facts.seen} frames for this model, got {len(film.frames)}.")
  start = subject.infer(film.frames[:facts.seen])
  scale = _scale(subject, start)
  both = PhaseSpace(*(np.concatenate([x, x]) for x in start))
  path = _every_frame(subject, both, REACH, np.array([-1.0, 1.0]), integration)
  states = PhaseSpace(*(np.concatenate([x[0, :0:-1], x[1]]) for x in path))
  for action in actions:
    states = _apply(action, subject, states, scale, integration)
  energy = (subject.energy(states) - subject.energy(start)) / scale.kinetic
  return Rollout(states, energy, scale, min((action.frame for action in actions), default=None))


def frames_of(subject, rollout):
  """What the states show, [2 REACH + 1, H, W, C]; black where they are not finite."""
  frames = subject.decode(rollout.states.q)
  return np.where(np.isfinite(frames), frames, 0.0)


def _scale(subject, start):
  path = subject.rollout(start, subject.facts.num_frames - 1, [subject.facts.dt], subject.facts.methods[0])
  q, p = (x[0] for x in path)
  kinetic = subject.energy(PhaseSpace(q, p)) - subject.energy(PhaseSpace(q, np.zeros_like(p)))
  squares = np.sum(p.reshape(len(p), -1) ** 2, axis=1)
  return Scale(float(np.sqrt(np.mean(squares))), float(np.max(kinetic)))


def _apply(action, subject, states, scale, integration):
  if action.frame not in TIMES:
    raise ValueError(f"frame must be from {-REACH} to {REACH}, got {action.frame}.")
  here = REACH + action.frame
  state = action(subject, PhaseSpace(*(x[here][None] for x in states)), scale)
  path = _every_frame(subject, state, REACH - action.frame, np.ones(1), integration)
  return PhaseSpace(*(np.concatenate([old[:here], new[0]]) for old, new in zip(states, path, strict=True)))


def _every_frame(subject, state, count, signs, integration):
  """States at the next `count` frames and the first, each [n, count + 1, ...], in the directions `signs` [n]."""
  steps = int(np.ceil(count / integration.step))
  path = subject.rollout(state, steps, signs * subject.facts.dt * integration.step, integration.method)
  shown = np.floor(np.arange(count + 1) / integration.step + 1e-6).astype(int)
  return PhaseSpace(*(x[:, shown] for x in path))


def _crossing(x, y):
  """Where y changes its sign next to x = 0, linear between the points; None if nowhere."""
  after = np.flatnonzero(np.isfinite(y[:-1] + y[1:]) & ((y[:-1] < 0) != (y[1:] < 0)))
  if not after.size:
    return None
  places = x[after] - y[after] * (x[after + 1] - x[after]) / (y[after + 1] - y[after])
  return float(places[np.argmin(np.abs(places))])
