"""What the pictures of a learned law show: phase planes and frequencies, handed to `plots.law`."""

import numpy as np
import tensorflow as tf

from hgn_tf import physics
from hgn_tf.data import truth
from hgn_tf.evaluation import law
from hgn_tf.evaluation.plots import law as plots
from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.training import progress

_PORTRAIT_FILMS, _PORTRAIT_STEPS, _POINTS = 6, 60, 80
_FREQUENCY_FILMS = 100


def portraits(path, models):
  """The true phase plane of each system of one pair beside the learned one, with the same films' motions in both.

  Args:
    path: file to write.
    models: name of a system -> CompactHGN.
  """
  panels = []
  for system, model in progress.track(models.items(), "Phase planes", unit="systems"):
    if model.config.pairs == 1:
      spec = physics.default_spec(system)
      frames, world = truth.simulate(spec, "test", _PORTRAIT_FILMS, model.config.size)
      q, p = physics.simulate(spec.system, world.q[:, 0], world.p[:, 0], spec.dt, _PORTRAIT_STEPS)
      panels.append(_panel(f"{system}, true", np.concatenate([q, p], axis=-1),
                           lambda q, p, world=spec.system: world.hamiltonian(q[..., None], p[..., None])))
      motion = model.rollout(model.infer(tf.constant(frames)), _PORTRAIT_STEPS)
      panels.append(_panel(f"{system}, learned", motion.merge().numpy(), lambda q, p, model=model: model.energy(
          PhaseSpace(*(tf.constant(x[..., None], tf.float32) for x in (q, p)))).numpy()))
  plots.portraits(path, panels)


def _panel(title, trajectories, energy):
  reach = 1.15 * np.abs(trajectories).max(axis=(0, 1))
  q, p = (np.linspace(-r, r, _POINTS) for r in reach)
  return title, q, p, energy(*np.meshgrid(q, p)), trajectories


def frequencies(path, models):
  """Frequency against energy of test films, the true and the learned; learned energies in units of the true ones.

  Args:
    path: file to write.
    models: name of a system -> HGN.
  """
  panels = []
  for system, model in progress.track(models.items(), "Frequencies", unit="systems"):
    frames, world = truth.simulate(physics.default_spec(system), "test", _FREQUENCY_FILMS, model.config.size)
    found = law.compare(model, frames, world)
    units = law.MonotoneMap.fit(found.energy, found.true_energy)
    panels.append((system, found.true_energy, found.true_frequency, units(found.energy), found.frequency))
  plots.frequencies(path, panels)
