"""Pictures of an exploration: a film as one sheet of frames, and charts that a cursor moves over."""

import base64
import dataclasses
import io
import threading

import numpy as np

COLUMNS = 16  # of a sheet
COLORS = ("#1f77b4", "#d62728")  # of the rollout and of the one beside it
_GREY = "#7f7f7f"  # readable on light and dark pages
_SIZE, _LEFT, _WIDTH, _BOTTOM, _HEIGHT = (12.0, 3.0), 0.055, 0.255, 0.17, 0.71
_LEVELS = np.linspace(-2.0, 3.0, 26)  # of the energy in the phase plane: a deep well does not take them all
_ENERGY = (-1.0, 4.0)  # beyond, an energy leaves its chart
_drawing = threading.Lock()  # several users draw at a time, and Matplotlib's text is not made for that


@dataclasses.dataclass(frozen=True, eq=False)
class Charts:
  """A picture of the charts and where a cursor stands on it, in fractions of its width and height from the top left.

  Attributes:
    picture: data URL of an SVG.
    spans: (left, right, top, bottom) of each chart over time.
    dots: (color, [T, 2]) of each path in the phase plane; NaN outside of it.
  """

  picture: str
  spans: list
  dots: list


def sheet(frames):
  """Frames [T, H, W, C] in [0, 1] as a data URL of a PNG, COLUMNS of them side by side, row after row."""
  from PIL import Image
  pixels = (255 * np.clip(frames, 0.0, 1.0)).round().astype(np.uint8)
  count, height, width, channels = pixels.shape
  rows = -(-count // COLUMNS)
  pixels = np.concatenate([pixels, np.zeros((rows * COLUMNS - count, height, width, channels), np.uint8)])
  pixels = pixels.reshape(rows, COLUMNS, height, width, channels).transpose(0, 2, 1, 3, 4)
  pixels = pixels.reshape(rows * height, COLUMNS * width, channels)
  file = io.BytesIO()
  Image.fromarray(pixels if channels == 3 else pixels[..., 0]).save(file, "PNG", compress_level=1)
  return _data_url("image/png", file)


def charts(times, errors, energies, plane, paths, *, trivial=None):
  """The `Charts` of rollouts.

  Args:
    times: frames, [T].
    errors: pixel MSE of each rollout [T], NaN where not known.
    energies: H of each rollout as in `Rollout.energy`, [T].
    plane: phase_plane.Plane.
    paths: in that plane, [T, 2]; the first is its own.
    trivial: pixel MSE of the mean frame, None where not known.
  """
  with _drawing:
    return _charts(times, errors, energies, plane, paths, trivial)


def _charts(times, errors, energies, plane, paths, trivial):
  from matplotlib.figure import Figure
  figure = Figure(figsize=_SIZE)
  error, energy, phase = (figure.add_axes((_LEFT + i / 3, _BOTTOM, _WIDTH, _HEIGHT)) for i in range(3))
  _curves(error, times, errors)
  error.set_title("squared error of each frame", fontsize=10, color=_GREY)
  error.set_yscale("log")
  error.set_ylim(*_error_limits(errors, trivial))
  if trivial:
    error.axhline(trivial / 2, color=_GREY, linestyle=":", linewidth=1)
    error.text(times[-1], trivial / 2, "wrong above this ", color=_GREY, fontsize=8, va="bottom", ha="right")
  _curves(energy, times, energies)
  energy.set_title("learned energy, less that of frame 0", fontsize=10, color=_GREY)
  energy.set_ylim(*_energy_limits(energies))
  _phase(phase, plane, paths)
  for axes in (error, energy, phase):
    axes.tick_params(colors=_GREY, labelsize=8)
    axes.spines[:].set_color(_GREY)
  file = io.BytesIO()
  figure.savefig(file, format="svg", transparent=True)
  dots = [(color, _fractions(phase, path)) for color, path in zip(COLORS, paths, strict=False)]
  return Charts(_data_url("image/svg+xml", file), [_span(axes, times) for axes in (error, energy)], dots)


def _curves(axes, times, curves):
  for y, color in zip(curves, COLORS, strict=False):
    axes.plot(times, np.where(np.isfinite(y), y, np.nan), color=color, linewidth=1.2)
  axes.set_xlim(times[0], times[-1])
  axes.set_xlabel("frame", fontsize=8, color=_GREY)
  axes.axvline(0.0, color=_GREY, linewidth=0.5)


def _error_limits(errors, trivial):
  """From half of the least error to above the largest, and the one that is wrong within."""
  values = np.concatenate([y[np.isfinite(y)] for y in errors])
  high = max(values.max(initial=1e-3), trivial or 0.0)
  return max(values.min(initial=high), 1e-7) / 2.0, 2.0 * high


def _energy_limits(energies):
  values = np.concatenate([y[np.isfinite(y)] for y in energies])
  low, high = values.min(initial=-0.1), values.max(initial=0.1)
  margin = 0.2 * (high - low)
  return max(low - margin, _ENERGY[0]), min(high + margin, _ENERGY[1])


def _phase(axes, plane, paths):
  if plane.energy is not None:
    axes.contour(*plane.axes, plane.energy, levels=_LEVELS, cmap="viridis", linewidths=0.7, alpha=0.7)
  own = paths[0]
  limits = plane.axes or [own[np.isfinite(own).all(axis=1), i] for i in (0, 1)]
  for path, color in zip(paths, COLORS, strict=False):
    axes.plot(*path.T, color=color, linewidth=1.0)
  for set_limits, values in zip((axes.set_xlim, axes.set_ylim), limits, strict=True):
    set_limits(np.min(values), np.max(values))
  axes.set_xlabel(plane.labels[0], fontsize=8, color=_GREY)
  axes.set_title(f"phase plane: {plane.labels[1]} against {plane.labels[0]}", fontsize=10, color=_GREY)


def _fractions(axes, points):
  """Where points [T, 2] stand on the picture; NaN outside of the axes."""
  places = axes.transLimits.transform(np.nan_to_num(points, nan=1e9, posinf=1e9, neginf=1e9))
  left, bottom, width, height = axes.get_position().bounds
  on = np.stack([left + width * places[:, 0], 1.0 - bottom - height * places[:, 1]], axis=1)
  return np.where(((places >= 0) & (places <= 1)).all(axis=1)[:, None], on, np.nan)


def _span(axes, times):
  left, bottom, width, height = axes.get_position().bounds
  return left, left + width, 1.0 - bottom - height, 1.0 - bottom


def _data_url(kind, file):
  return f"data:{kind};base64,{base64.b64encode(file.getvalue()).decode()}"
