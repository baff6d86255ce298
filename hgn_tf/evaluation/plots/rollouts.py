"""Pictures of rollouts: errors and energies over time, strips of frames, animations."""

import pathlib

import numpy as np


def lines(path, curves, *, ylabel, xlabel="time", log=False, log_x=False, bands=None):
  """Curves over time; from the eleventh on they are dashed.

  Args:
    path: file to write.
    curves: label -> (x, y).
    ylabel, xlabel: of the axes.
    log, log_x: logarithmic y axis, x axis.
    bands: label -> (low, high) around the curve of that label.
  """
  from cycler import cycler
  from matplotlib import rcParams
  figure, axes = _figure((6.4, 3.6))
  axes.set_prop_cycle(cycler(linestyle=["-", "--"]) * rcParams["axes.prop_cycle"])
  for label, (x, y) in curves.items():
    line, = axes.plot(x, y, label=label)
    if bands and label in bands:
      axes.fill_between(x, *bands[label], color=line.get_color(), alpha=0.2, linewidth=0)
  axes.set(xlabel=xlabel, ylabel=ylabel, yscale="log" if log else "linear",
           xscale="log" if log_x else "linear")
  axes.grid(alpha=0.3)
  axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
  figure.savefig(path, dpi=120, bbox_inches="tight")


def strips(path, rows, *, every=3):
  """Sequences as labelled rows of frames.

  Args:
    path: file to write.
    rows: list of (label, frames [T, H, W, C] in [0, 1]).
    every: show every so-manieth frame.
  """
  from matplotlib import pyplot
  figure, axes = pyplot.subplots(len(rows), 1, figsize=(11, 1.15 * len(rows)), squeeze=False)
  for axis, (label, frames) in zip(axes[:, 0], rows, strict=True):
    axis.imshow(np.concatenate(list(_padded(frames[::every])), axis=1), interpolation="nearest")
    axis.set(xticks=[], yticks=[])
    axis.set_ylabel(label, rotation=0, ha="right", va="center")
    for spine in axis.spines.values():
      spine.set_visible(False)
  figure.savefig(path, dpi=110, bbox_inches="tight")
  pyplot.close(figure)


def animation(path, columns, *, scale=4, fps=12):
  """An endless animation of sequences side by side, one labelled column each, one row per sequence.

  Args:
    path: file to write, a GIF or, by its suffix, an animated PNG.
    columns: list of (label, frames [n, T, H, W, C] in [0, 1]).
    scale: pixels per pixel.
    fps: frames per second.
  """
  import imageio.v3 as imageio
  grids = [_grid(frames, scale) for _, frames in columns]
  length, height = (max(grid.shape[axis] for grid in grids) for axis in (0, 1))
  grids = [np.pad(grid, [(0, length - len(grid)), (0, 0), (0, 0), (0, 0)], "edge") for grid in grids]
  grids = [np.pad(grid, [(0, 0), (0, height - grid.shape[1]), (0, 0), (0, 0)], constant_values=255) for grid in grids]
  movie = np.concatenate(grids, axis=2)
  header = _header([label for label, _ in columns], [grid.shape[2] for grid in grids])
  movie = np.concatenate([np.repeat(header[None], length, axis=0), movie], axis=1)
  imageio.imwrite(path, movie, extension=pathlib.Path(path).suffix, duration=1000 / fps, loop=0)


def _figure(size):
  from matplotlib.figure import Figure
  figure = Figure(figsize=size)
  return figure, figure.subplots()


def _grid(frames, scale):
  """[n, T, H, W, C] in [0, 1] to a movie uint8 [T, n * H * scale, W * scale, C] with thin borders."""
  pixels = (255 * np.clip(np.asarray(frames), 0.0, 1.0)).round().astype(np.uint8)
  pixels = _padded(pixels.repeat(scale, axis=2).repeat(scale, axis=3), width=2)
  return np.concatenate(list(pixels), axis=1)


def _padded(frames, width=1):
  """White borders around the last [H, W, C] of frames."""
  pad = [(0, 0)] * (frames.ndim - 3) + [(width, width), (width, width), (0, 0)]
  return np.pad(frames, pad, constant_values=255 if frames.dtype == np.uint8 else 1.0)


def _header(labels, widths):
  """A row of labels, uint8 [height, sum of widths, 3]."""
  from PIL import Image, ImageDraw
  image = Image.new("RGB", (sum(widths), 18), "white")
  draw = ImageDraw.Draw(image)
  left = 0
  for label, width in zip(labels, widths, strict=True):
    draw.text((left + 4, 3), label, fill="black")
    left += width
  return np.asarray(image)
