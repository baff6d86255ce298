"""Pictures of a learned law: phase portraits, frequencies against energy."""

import numpy as np


def portraits(path, panels):
  """Level lines of energies over phase planes with trajectories on them, one panel each.

  Args:
    path: file to write.
    panels: list of (title, q axis [n], p axis [m], energy [m, n], trajectories [k, T + 1, 2]).
  """
  from matplotlib import pyplot
  figure, axes = pyplot.subplots(1, len(panels), figsize=(4.2 * len(panels), 4), squeeze=False)
  for axis, (title, q, p, energy, trajectories) in zip(axes[0], panels, strict=True):
    axis.contour(q, p, energy, levels=12, cmap="Greys", linewidths=0.8)
    for i, trajectory in enumerate(trajectories):
      axis.plot(*np.transpose(trajectory), lw=1.2, color=pyplot.get_cmap("viridis")(i / max(len(trajectories) - 1, 1)))
    axis.set(title=title, xlabel="q", ylabel="p", xlim=(q[0], q[-1]), ylim=(p[0], p[-1]))
  figure.tight_layout()
  figure.savefig(path, dpi=110)
  pyplot.close(figure)


def frequencies(path, panels):
  """Turns per time against energy, of the true world and of what was learned, one panel a system.

  Args:
    path: file to write.
    panels: list of (title, true energy [n], true frequency [n], learned energy in the units of the true one [n],
      learned frequency [n]).
  """
  from matplotlib import pyplot
  figure, axes = pyplot.subplots(1, len(panels), figsize=(4.2 * len(panels), 3.4), squeeze=False)
  for axis, (title, energy, frequency, learned_energy, learned_frequency) in zip(axes[0], panels, strict=True):
    axis.plot(energy, frequency, "o", ms=4, color="0.6", label="true")
    axis.plot(learned_energy, learned_frequency, ".", ms=5, color="C3", label="learned")
    axis.set(title=title, xlabel="energy", ylabel="turns per time", ylim=(0.0, 1.2 * np.nanmax(frequency)))
    axis.grid(alpha=0.3)
  axes[0, 0].legend(frameon=False)
  figure.tight_layout()
  figure.savefig(path, dpi=110)
  pyplot.close(figure)
