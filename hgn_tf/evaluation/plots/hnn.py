"""Figures of the HNN experiments: fields in phase space, energies over time, orbits, a rollout in the latent space."""

import numpy as np

LABELS = {"truth": "truth", "baseline": "baseline", "hnn": "HNN", "decayed": "HNN, decayed rate",
          "midpoint": "HNN, midpoint", "separable": "separable HNN", "bodies": "HNN of bodies", "damped": "damped HNN"}
COLORS = {"truth": "black", "baseline": "tab:red", "hnn": "tab:blue", "decayed": "tab:cyan",
          "midpoint": "tab:olive", "separable": "tab:green", "bodies": "tab:orange", "damped": "tab:purple"}


def fields(path, grid, panels, *, pairs=None):
  """Vector fields on a grid of phase space with one trajectory in each, side by side.

  Args:
    path: file to write.
    grid: [n, 2], the points (q, p) of the fields.
    panels: model or "truth" -> (field [n, 2], trajectory [T, 2]).
    pairs: points [m, 2] of the training data, drawn in the first panel.
  """
  figure, axes = _panels(len(panels), 3.1)
  reach = 1.1 * np.abs(grid).max()
  for axis, (label, (field, trajectory)) in zip(axes, panels.items(), strict=True):
    axis.quiver(*grid.T, *field.T, color="0.6", angles="xy", width=5e-3)
    if pairs is not None and axis is axes[0]:
      axis.plot(*pairs.T, ".", color="0.3", markersize=1.5, alpha=0.5)
    axis.scatter(*trajectory.T, c=np.arange(len(trajectory)), cmap="coolwarm", s=4, zorder=3)
    axis.set(title=LABELS[label], xlabel="q", xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
  axes[0].set_ylabel("p")
  _save(figure, path)


def energies(path, panels, *, span=0.5):
  """True energies along rollouts, one panel per system.

  Args:
    path: file to write.
    panels: title -> (curves: model or "truth" -> (time [T], energy [T]), time that a line marks).
    span: the axis shows the truth's range and this fraction of its size around it; baselines leave it.
  """
  figure, axes = _panels(len(panels), 3.4)
  for axis, (title, (curves, mark)) in zip(axes, panels.items(), strict=True):
    for model, (time, energy) in curves.items():
      axis.plot(time, energy, label=LABELS[model], color=COLORS[model], linestyle="--" if model == "truth" else "-")
    _, truth = curves["truth"]
    margin = span * np.abs(truth).max()
    axis.set(title=title, xlabel="time", ylim=(truth.min() - margin, truth.max() + margin))
    axis.axvline(mark, color="0.7", linewidth=1)
    axis.grid(alpha=0.3)
    axis.legend(frameon=False, fontsize=7)
  axes[0].set_ylabel("true energy")
  _save(figure, path)


def orbits(path, panels):
  """Trajectories of bodies in the plane, side by side; a dot where each ends.

  Args:
    path: file to write.
    panels: model or "truth" -> positions [T, bodies, 2].
  """
  figure, axes = _panels(len(panels), 3.1)
  reach = 1.2 * np.abs(next(iter(panels.values()))).max()
  for axis, (label, positions) in zip(axes, panels.items(), strict=True):
    for body in range(positions.shape[1]):
      line, = axis.plot(*positions[:, body].T, linewidth=1.2)
      axis.plot(*positions[-1:, body].T, "o", color=line.get_color(), markersize=8)
    axis.set(title=LABELS[label], xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xticks=[], yticks=[])
  _save(figure, path)


def latent(path, grid, energy, codes, trajectory, frames, *, kick):
  """The learned energy over the latent space, a rollout that gains energy halfway, and its decoded frames.

  Args:
    path: file to write.
    grid: (q [n], p [n]), the axes of `energy` [n (p), n (q)].
    energy: the learned H.
    codes: [m, 2], of real frames.
    trajectory: [T, 2], of the rollout.
    frames: [k, H, W], decoded along it.
    kick: index in the trajectory where energy is added.
  """
  from matplotlib.figure import Figure
  figure = Figure(figsize=(10.0, 3.2), layout="constrained")
  left, right = figure.subfigures(1, 2, width_ratios=(1, 1.6))
  axis = left.subplots()
  axis.contourf(*grid, energy, levels=20, cmap="gray_r", alpha=0.6)
  axis.plot(*codes.T, ".", color="0.4", markersize=1, alpha=0.4)
  axis.plot(*trajectory[:kick].T, color="tab:blue", label="rollout")
  axis.plot(*trajectory[kick:].T, color="tab:red", label="with energy added")
  axis.set(xlabel="latent q", ylabel="latent p")
  axis.legend(fontsize=8, frameon=False, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0))
  for cell, frame in zip(right.subplots(2, len(frames) // 2).flat, frames, strict=True):
    cell.imshow(frame, cmap="gray", vmin=0.0, vmax=1.0)
    cell.set(xticks=[], yticks=[])
  figure.savefig(path, dpi=120)


def _panels(count, size):
  from matplotlib.figure import Figure
  figure = Figure(figsize=(size * count, size + 0.3), layout="constrained")
  return figure, np.atleast_1d(figure.subplots(1, count))


def _save(figure, path):
  figure.savefig(path, dpi=110)
