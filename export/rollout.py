"""An HGN as a Servable: frames to the future and the past, and the maps between."""

import dataclasses
from collections.abc import Callable

import tensorflow as tf

from export import compiled, ragged
from export.common import Servable, Signature
from export.energies import served
from export.status import Status, blank, finite_rows, rows_within, status_of
from hgn_tf.mechanics.implicit_midpoint import ImplicitMidpoint
from hgn_tf.mechanics.integrate import integrate
from hgn_tf.mechanics.integrators import get_integrator
from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.models import HGN, CompactHGN
from hgn_tf.networks import UpsampleConv
from hgn_tf.networks.chunks import in_chunks

MAX_STEPS = 1000
CHUNK = 64  # frames decoded at a time: a rollout's memory is its answer and the activations of so many
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


def servable(model, *, max_steps=MAX_STEPS, precision="float32", xla=False, refine=0):
  """An HGN as a `Servable`.

  Args:
    model: HGN.
    max_steps: largest num_steps of a row.
    precision: of encoder and decoder, "float32" or "bfloat16"; the weights stay float32.
    xla: compile integration and decoding; the server must have XLA switched on.
    refine: iterations of `CompactHGN.infer` from all frames of a request.

  Raises:
    ValueError: a model without an energy, max_steps below 1, unknown precision, or `refine` for a model that cannot.
  """
  if refine and not isinstance(model, CompactHGN):
    raise ValueError(f"refine must be 0 for a {type(model).__name__}: a CompactHGN alone refines its state.")
  if not model.has_energy:
    raise ValueError(f"model must have an energy, got {type(model).__name__}.")
  if max_steps < 1:
    raise ValueError(f"max_steps must be at least 1, got {max_steps}.")
  model = with_precision(model, precision)
  fix_kernels(model.decoder)
  answers = functions(model, max_steps, xla, refine)
  networks = (model.encoder, model.prior, model.transform, model.decoder)
  variables = [*(v for part in answers.energy.parts for v in getattr(part, "variables", ())),
               *(v for network in networks if network is not None for v in network.weights)]
  c = model.config
  metadata = {"kind": "hgn", "model": c.name, "max_steps": max_steps, "precision": precision, "xla": xla,
              "refine": refine, "dt": c.dt, "frame_shape": c.frame_shape, "method": c.method}
  return Servable(_signatures(answers), variables, metadata)


def functions(model, max_steps=MAX_STEPS, xla=False, refine=0):
  """The `Functions` of an HGN."""
  energy, method = model.hamiltonian_of(served), get_integrator(model.config.method)
  if isinstance(method, ImplicitMidpoint):  # a row that does not converge is that row's affair
    method = dataclasses.replace(method, strict=False)

  def rollout(state, num_steps, dt):
    return integrate(energy, state, dt, num_steps, method)

  if not xla:
    return Functions(model, max_steps, energy, rollout, lambda q: in_chunks(model.decode, q, CHUNK), refine)
  block = model.config.num_frames - 1
  return Functions(model, max_steps, energy, compiled.compiled_rollout(rollout, block), compiled.compiled_decode(model),
                   refine)


def with_precision(model, precision):
  """A copy of an HGN whose encoder and decoder compute in "float32" or "bfloat16".

  Raises:
    ValueError: unknown precision.
  """
  if precision not in POLICIES:
    raise ValueError(f"precision must be one of {', '.join(POLICIES)}, got {precision!r}.")
  copy = type(model)(dataclasses.replace(model.config, precision=POLICIES[precision]))
  copy.set_weights(model.get_weights())
  return copy


def fix_kernels(decoder):
  """Makes constants of the kernels that a decoder computes from its weights in every call."""
  for layer in decoder.net.layers if hasattr(decoder, "net") else ():
    if isinstance(layer, UpsampleConv):
      layer.fix_kernel()


def _signatures(functions):
  c = functions.model.config
  time = {"dt": _rows(tf.float32), "num_steps": _rows(tf.int32)}
  warmup = {"dt": c.dt, "num_steps": min(c.num_frames - 1, functions.max_steps)}
  frames, pixels = _rows(tf.float32, c.frame_shape), _rows(tf.uint8, c.frame_shape)
  q, seed = _rows(tf.float32, c.state_shape), _rows(tf.int32, (2,))
  rollout = Signature(functions.rollout, {"frames": frames, **time}, {"frames": 0.5, **warmup})
  return {
      "serving_default": rollout,
      "rollout": rollout,
      "rollout_uint8": Signature(functions.rollout_uint8, {"frames": pixels, **time}, {"frames": 128, **warmup}),
      "sample": Signature(functions.sample, {"seed": seed, **time}, warmup),
      "encode": Signature(functions.encode, {"frames": frames}, {"frames": 0.5}),
      "evolve": Signature(functions.evolve, {"q": q, "p": q, **time}, warmup),
      "decode": Signature(functions.decode, {"q": q}),
  }


def _rows(dtype, shape=()):
  return tf.TensorSpec([None, *shape], dtype)


@dataclasses.dataclass(frozen=True, eq=False)
class Functions:
  """The functions behind the signatures. Every row is answered as if it were alone.

  Attributes:
    model: HGN.
    max_steps: largest num_steps of a row.
    energy: its Hamiltonian, PhaseSpace of [M, ...] to [M].
    integrate: state, num_steps and dt to the path, as `HGN.rollout`.
    draw: positions [M, ...] to frames [M, H, W, C], in memory that does not grow with M.
    refine: iterations of inference from all frames, of a CompactHGN.
  """

  model: HGN
  max_steps: int
  energy: Callable
  integrate: Callable
  draw: Callable
  refine: int = 0

  def rollout(self, frames, dt, num_steps):
    """Frames in [0, 1] to the trajectory [N, T + 1, ...] that starts at the first of them."""
    status = status_of(*_frame_checks(frames), *self._time_checks(dt, num_steps))
    return self._trajectory(self._infer(blank(frames, status == 0)), dt, num_steps, status, frames=self.draw)

  def rollout_uint8(self, frames, dt, num_steps):
    """As `rollout`, with frames of 0 to 255 in and out."""
    status = status_of(*self._time_checks(dt, num_steps))
    state = self._infer(tf.cast(frames, tf.float32) / 255.0)
    return self._trajectory(state, dt, num_steps, status, frames=self._pixels)

  def sample(self, seed, dt, num_steps):
    """Trajectories from the prior; row i depends on seed[i] alone."""
    status = status_of(*self._time_checks(dt, num_steps))
    shape = self.model.config.latent_shape
    noise = tf.map_fn(lambda s: tf.random.stateless_normal(shape, s, alg="philox"), seed,
                      fn_output_signature=tf.TensorSpec(shape, tf.float32))
    return self._trajectory(self.model.initial_state(self.model.prior(noise)), dt, num_steps, status, frames=self.draw)

  def evolve(self, q, p, dt, num_steps):
    """A state to its trajectory without frames: to go on from where a rollout ended, or to come back."""
    status = status_of((~(finite_rows(q) & finite_rows(p)), Status.NOT_FINITE), *self._time_checks(dt, num_steps))
    state = PhaseSpace(blank(q, status == 0), blank(p, status == 0))
    return self._trajectory(state, dt, num_steps, status)

  def encode(self, frames):
    """Mean and standard deviation of the posterior, and the state that its mean stands for."""
    status = status_of(*_frame_checks(frames))
    posterior = self.model.encode(blank(frames, status == 0))
    mean = posterior.mean()
    state = self.model.initial_state(mean)
    return _rows_answer(status, mean=mean, stddev=posterior.stddev(), q=state.q, p=state.p)

  def decode(self, q):
    """The frame [N, H, W, C] of each position."""
    status = status_of((~finite_rows(q), Status.NOT_FINITE))
    return _rows_answer(status, frames=self.draw(blank(q, status == 0)))

  def _infer(self, frames):
    return self.model.infer(frames, self.refine) if self.refine else self.model.infer(frames)

  def _pixels(self, q):
    return tf.cast(tf.round(self.draw(q) * 255.0), tf.uint8)

  def _time_checks(self, dt, num_steps):
    return ((num_steps < 0, Status.NEGATIVE_STEPS), (num_steps > self.max_steps, Status.TOO_MANY_STEPS),
            (~tf.math.is_finite(dt), Status.BAD_DT))

  def _trajectory(self, state, dt, num_steps, status, frames=None):
    """The answer of a trajectory; `frames` maps positions to frames, None answers the momenta instead."""
    ok = status == 0
    dt, num_steps = tf.where(ok, dt, 0.0), tf.where(ok, num_steps, 0)
    path = self.integrate(state, ragged.longest(num_steps), dt)
    path = PhaseSpace(*(ragged.pack(x, num_steps) for x in path))
    answer = {"q": path.q, "energy": self.energy(path),
              **({"p": path.p} if frames is None else {"frames": frames(path.q)})}
    floats = [x for x in (*path, *answer.values()) if x.dtype.is_floating]
    finite = tf.reduce_all([_finite(x) for x in floats], axis=0)
    answer = {key: ragged.unpack(x, num_steps) for key, x in answer.items()}
    return _trajectory_answer(answer, ragged.unpack(finite, num_steps), dt, num_steps, status)


def _trajectory_answer(answer, finite, dt, num_steps, status):
  """Adds t, valid and status to what the rows have; rows that are not OK have zeros everywhere."""
  ok, own = status == 0, ragged.own_steps(num_steps)
  so_far = tf.cast(tf.math.cumprod(tf.cast(finite, tf.int32), axis=1), tf.bool)
  steps = tf.minimum(tf.range(ragged.longest(num_steps) + 1), num_steps[:, None])
  status = tf.where(ok & ~tf.reduce_all(so_far, axis=1), int(Status.DIVERGED), status)
  answer = {key: blank(x, ok[:, None] & finite) for key, x in answer.items()}
  return {**answer, "t": dt[:, None] * tf.cast(steps, tf.float32),
          "valid": ok[:, None] & own & so_far, "status": status}


def _rows_answer(status, **outputs):
  """The answer of a signature without time: zeros in the rows that are not OK, or whose answer overflowed."""
  finite = tf.reduce_all([_finite(x) for x in outputs.values()], axis=0)
  status = tf.where((status == 0) & ~finite, int(Status.DIVERGED), status)
  ok = status == 0
  return {**{key: blank(x, ok) for key, x in outputs.items()}, "valid": ok, "status": status}


def _frame_checks(frames):
  return (~finite_rows(frames), Status.NOT_FINITE), (~rows_within(frames, 0.0, 1.0), Status.OUT_OF_RANGE)


def _finite(x):
  """Bool [N] of x [N, ...], in one pass: a NaN or an infinity makes the sum one."""
  return tf.math.is_finite(tf.reduce_sum(x, axis=list(range(1, x.shape.rank))))
