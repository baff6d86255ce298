"""Pictures of the simulated worlds: the true Hamiltonian with trajectories on it, and frames (paper figure 5)."""

import numpy as np

from hgn_tf import physics
from hgn_tf.physics import phase_space_tasks

_GRID = 160


def overview(path, specs, *, examples=3, every=3):
  """One row per world: its Hamiltonian with trajectories on the left, their frames on the right.

  The phase plane of one body with one degree of freedom is drawn whole. Of several bodies the slice is drawn in which
  one body moves and everything else stays as it was at the start of the first trajectory.

  Args:
    path: file to write.
    specs: name -> physics.Spec.
    examples: trajectories, and strips of frames, of each.
    every: show every n-th frame.
  """
  from matplotlib import pyplot
  figure, axes = pyplot.subplots(len(specs), 2, figsize=(12, 3.4 * len(specs)), width_ratios=(1, 2.9), squeeze=False,
                                 layout="constrained")
  for (plane, strips), (name, spec) in zip(axes, specs.items(), strict=True):
    drawn = physics.make_examples(spec, "test", range(examples))
    phase_portrait(plane, spec.system, drawn)
    plane.set_title(name, fontsize=10)
    frame_strips(strips, drawn["frames"][:, ::every])
  figure.savefig(path, dpi=110)
  pyplot.close(figure)


def tasks(path, names, *, trajectories=3):
  """The HNN experiments: noisy states with their time derivatives as arrows, or the orbits of one trajectory.

  Args:
    path: file to write.
    names: of the tasks.
    trajectories: to draw where there is one body.
  """
  from matplotlib import pyplot
  figure, axes = pyplot.subplots(1, len(names), figsize=(3.2 * len(names), 3.3), squeeze=False, layout="constrained")
  for axis, name in zip(axes[0], names, strict=True):
    task = phase_space_tasks.get_task(name)
    data = phase_space_tasks.make_trajectories(task, 0, "train", range(trajectories))
    system = physics.get_system(task.system)
    if system.bodies == 1:
      q, p = data["x"].reshape(-1, 2).T
      axis.quiver(q, p, *data["dx"].reshape(-1, 2).T, color="tab:blue", angles="xy", width=0.005)
      axis.set(xlabel="q", ylabel="p")
    else:
      orbits = system.positions(data["x"][0, :, : system.dimension])
      for body in range(system.bodies):
        axis.plot(*orbits[:, body].T, ".-", linewidth=0.8, markersize=4)
      axis.set(xlabel="x", ylabel="y")
    axis.set_title(name, fontsize=10)
    axis.set_aspect("equal", "datalim")
  figure.savefig(path, dpi=110)
  pyplot.close(figure)


def strip(path, spec, *, examples=3, every=3):
  """Frames of the first examples of the test split, one row each.

  Args:
    path: file to write.
    spec: physics.Spec.
    examples: rows.
    every: show every n-th frame.
  """
  from matplotlib import image
  frames = physics.make_examples(spec, "test", range(examples))["frames"][:, ::every]
  image.imsave(path, _mosaic(frames))


def phase_portrait(axis, system, examples):
  """Level sets of H with the clean trajectories of `examples` on them."""
  if system.bodies == 1:
    _plane(axis, system, examples)
  else:
    _slice(axis, system, examples)


def frame_strips(axis, frames):
  """Rows of frames, uint8 [n, T, H, W, 3]."""
  axis.imshow(_mosaic(frames), interpolation="nearest")
  axis.set_axis_off()


def _plane(axis, system, examples):
  """H(q, p) on the whole phase plane."""
  reach = 1.15 * max(np.abs(examples["q"]).max(), np.abs(examples["p"]).max())
  grid = np.linspace(-reach, reach, _GRID)
  q, p = np.meshgrid(grid, grid)
  energy = system.hamiltonian(q.reshape(-1, 1), p.reshape(-1, 1)).reshape(_GRID, _GRID)
  _levels(axis, grid, energy, label="H(q, p)")
  for q, p in zip(examples["q"][..., 0], examples["p"][..., 0], strict=True):
    axis.plot(q, p, ".-", color="white", linewidth=0.8, markersize=3)
  axis.set(xlabel="q", ylabel="p")


def _slice(axis, system, examples):
  """H as a function of the first body's position, the rest of the first state held; orbits of all bodies."""
  start_q, start_p = examples["q"][:1, 0], examples["p"][:1, 0]
  grid = np.linspace(-system.canvas, system.canvas, _GRID)
  x, y = np.meshgrid(grid, grid)
  q = np.repeat(start_q, _GRID**2, axis=0)
  q[:, 0], q[:, 1] = x.ravel(), y.ravel()
  energy = system.hamiltonian(q, np.repeat(start_p, _GRID**2, axis=0)).reshape(_GRID, _GRID)
  lowest = 3.0 * system.hamiltonian(start_q, start_p)[0]
  _levels(axis, grid, np.maximum(energy, lowest), label="H(position of body 1)")
  orbits = system.positions(examples["q"][0])
  for body, color in zip(range(system.bodies), examples["colors"][0] / 255.0, strict=True):
    axis.plot(*orbits[:, body].T, ".-", color=color, linewidth=0.8, markersize=3)
    axis.plot(*orbits[0, body], "o", markerfacecolor=color, markeredgecolor="white")
  axis.set(xlabel="x", ylabel="y")


def _levels(axis, grid, energy, label):
  filled = axis.contourf(grid, grid, energy, levels=24, cmap="viridis")
  axis.figure.colorbar(filled, ax=axis, label=label, shrink=0.9)
  axis.set_aspect("equal")


def _mosaic(frames, width=1):
  """uint8 [n, T, H, W, 3] as one image with white borders."""
  padded = np.pad(frames, [(0, 0), (0, 0), (width, width), (width, width), (0, 0)], constant_values=255)
  return np.concatenate([np.concatenate(list(row), axis=1) for row in padded])
