"""What the density figures show: arrays of a trained NHF and of integrators, handed to `plots.density`."""

import numpy as np
import tensorflow as tf

from hgn_tf.evaluation.plots import density as plots
from hgn_tf.mechanics.hamiltonians import Separable
from hgn_tf.mechanics.integrate import integrate
from hgn_tf.mechanics.phase_space import PhaseSpace

AXIS = np.linspace(-4.5, 4.5, 181)


def nhf(path, model, samples, step=-1):
  """Paper figure 9: target and learned density, K(p) and V(q) of a step, that step and the whole flow at p = 0.

  Args:
    path: file to write.
    model: NHF of two dimensions; positions are drawn in the units of the points, momenta in the model's own.
    samples: [n, 2] of the target.
    step: which; the last one by default.
  """
  step %= model.config.num_steps
  energies = model.hamiltonian(step)
  grid = np.stack(np.meshgrid(AXIS, AXIS), -1).reshape(-1, 2).astype(np.float32)
  arrows = np.stack(np.meshgrid(AXIS[::9], AXIS[::9]), -1).reshape(-1, 2).astype(np.float32)
  flow = model.hamiltonian_flow(skip_last_kick=True)
  square = (len(AXIS), len(AXIS))
  plots.nhf_flow(
      path, target=samples, learned=model.sample(len(samples), seed=0).numpy(), axis=AXIS,
      kinetic=energies.kinetic(grid).numpy().reshape(square),
      potential=energies.potential(model.standardise(grid)).numpy().reshape(square),
      one_step=_moved(model, flow.steps[step], arrows), flow=_moved(model, flow, arrows))


def _moved(model, bijector, points):
  """(points, where the bijector carries them from rest)."""
  q = model.standardise(points)
  end = bijector.forward(tf.concat([q, tf.zeros_like(q)], -1))
  return points, model.restore(end[:, :2]).numpy()


def phase_volume(path, methods=("leapfrog", "symplectic_euler", "euler"), *, num_steps=40, dt=0.15):
  """Paper figure 13: a disc of pendulum states under symplectic integrators and Euler's.

  Args:
    path: file to write.
    methods: names in INTEGRATORS.
    num_steps: of each.
    dt: of a step, in the time unit of H = p^2 / 2 + 1 - cos q.
  """
  angle = np.linspace(0, 2 * np.pi, 400, endpoint=False)
  start = PhaseSpace(*(tf.constant(x[:, None], tf.float64) for x in (1.2 + 0.4 * np.cos(angle), 0.4 * np.sin(angle))))
  pendulum = Separable(lambda p: tf.reduce_sum(p ** 2, -1) / 2, lambda q: tf.reduce_sum(1 - tf.cos(q), -1))
  outlines = {method: np.concatenate(integrate(pendulum, start, dt, num_steps, method), axis=-1).swapaxes(0, 1)
              for method in methods}
  plots.phase_volume(path, outlines, every=num_steps // 4)
