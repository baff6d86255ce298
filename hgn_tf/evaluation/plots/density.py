"""Pictures of densities and of the flows behind them."""

import numpy as np


def kde(points, axis, bandwidth=0.3):
  """Gaussian kernel density estimate on the grid axis x axis.

  Args:
    points: [n, 2].
    axis: grid coordinates of both dimensions, [m].
    bandwidth: standard deviation of the kernel.

  Returns:
    [m, m], indexed [y, x].
  """
  x, y = (np.exp(-0.5 * ((axis[:, None] - c) / bandwidth) ** 2) for c in np.asarray(points, np.float64).T)
  return y @ x.T / (len(points) * 2 * np.pi * bandwidth ** 2)


def nhf_flow(path, *, target, learned, kinetic, potential, one_step, flow, axis):
  """Figure 9: densities, energies, one step and the whole flow.

  Args:
    path: file to write.
    target, learned: samples [n, 2], drawn as kernel density estimates.
    kinetic, potential: K(p) and V(q) on the grid axis x axis, [m, m] indexed [y, x].
    one_step, flow: (q, q') each [k, 2]: positions before and after.
    axis: grid coordinates, [m].
  """
  figure, axes = _panels(2, 3)
  maps = (("target", kde(target, axis)), ("learned", kde(learned, axis)), ("K(p)", kinetic), ("V(q)", potential))
  for panel, (title, values) in zip((axes[0, 0], axes[0, 1], axes[0, 2], axes[1, 0]), maps, strict=True):
    image = panel.contourf(axis, axis, values, 24, cmap="magma" if title in ("target", "learned") else "viridis")
    panel.set_title(title)
    if title in ("K(p)", "V(q)"):
      figure.colorbar(image, ax=panel, shrink=0.75)
  for panel, title, (before, after) in ((axes[1, 1], "one step", one_step), (axes[1, 2], "integrated flow", flow)):
    shift = after - before
    panel.quiver(*before.T, *shift.T, np.linalg.norm(shift, axis=1), angles="xy", scale_units="xy", scale=1)
    panel.set(title=title, xlim=axis[[0, -1]], ylim=axis[[0, -1]])
  _save(figure, path)


def comparison(path, rows, axis):
  """Figure 10: kernel density estimates, one row per target and one column per model.

  Args:
    path: file to write.
    rows: target -> {model -> samples [n, 2]}; every target has the same models.
    axis: grid coordinates, [m].
  """
  columns = list(next(iter(rows.values())))
  figure, axes = _panels(len(rows), len(columns), 1.7)
  for line, (target, samples) in zip(axes, rows.items(), strict=True):
    line[0].set_ylabel(target)
    for panel, name in zip(line, columns, strict=True):
      panel.imshow(kde(samples[name], axis), origin="lower", extent=(axis[0], axis[-1]) * 2, cmap="magma")
  for panel, name in zip(axes[0], columns, strict=True):
    panel.set_title(name, fontsize=8)
  for panel in axes.flat:
    panel.set(xticks=[], yticks=[])
  _save(figure, path)


def learning_curves(path, panels, *, xlabel="optimiser steps", ylabel="KL bound (nats)"):
  """Figures 11 and 12: one panel per target, one curve per model.

  Args:
    path: file to write.
    panels: target -> {model -> (steps, values)}.
    xlabel, ylabel: of the axes.
  """
  figure, axes = _panels(1, len(panels), 3.2, square=False)
  for panel, (target, curves) in zip(axes[0], panels.items(), strict=True):
    for name, (steps, values) in curves.items():
      panel.plot(steps, np.maximum(values, 1e-3), label=name)  # a batch's estimate may fall below 0
    panel.set(title=target, xlabel=xlabel, yscale="log")
    panel.grid(alpha=0.3)
  axes[0, 0].set_ylabel(ylabel)
  lines = {line.get_label(): line for panel in axes[0] for line in panel.get_lines()}
  figure.legend(lines.values(), lines.keys(), loc="outside right center", frameon=False, fontsize=8)
  _save(figure, path)


def phase_volume(path, panels, *, every):
  """Figure 13: a cloud of phase-space points as integrators carry it along, and its area.

  Args:
    path: file to write.
    panels: method -> outlines [T + 1, n, 2] of (q, p), each a closed polygon.
    every: draw every so-manieth outline.
  """
  figure, axes = _panels(1, len(panels) + 1, 3.2, square=False)
  for panel, (name, outlines) in zip(axes[0], panels.items(), strict=False):
    for outline in outlines[::every]:
      panel.fill(*outline.T, alpha=0.5)
    panel.set(title=name, xlabel="q", ylabel="p", aspect="equal")
    areas = np.array([polygon_area(outline) for outline in outlines])
    axes[0, -1].plot(areas / areas[0], label=name)
  axes[0, -1].set(title="area / initial area", xlabel="steps")
  axes[0, -1].legend(frameon=False)
  _save(figure, path)


def polygon_area(outline):
  """Area of a polygon [n, 2] by the shoelace formula."""
  x, y = np.asarray(outline, np.float64).T
  return 0.5 * abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))


def _panels(rows, columns, size=3.0, square=True):
  from matplotlib.figure import Figure
  figure = Figure(figsize=(size * columns, size * rows), layout="constrained")
  axes = figure.subplots(rows, columns, squeeze=False)
  for panel in axes.flat if square else ():
    panel.set_aspect("equal")
  return figure, axes


def _save(figure, path):
  figure.savefig(path, dpi=110)
