"""States to images: soft-edged balls on a dark grey ground (rod, spring and pivot stay invisible), or tiles."""

import colorsys

import numpy as np

BACKGROUND = (81, 88, 93)  # dark grey: black grounds are known to make training hard
SHARPNESS = 80.0  # mask = sigmoid(SHARPNESS * (radius - distance)), lengths in units of the canvas' width
_REACH = 6.5  # sigmoid(-_REACH) is less than half a grey level
_BINS = 1 << 14  # of the table of mask values over [-_REACH, _REACH]
_CHUNK = 256  # images drawn at a time, which keeps the patches in the processor's cache


def render(system, q, size, colors=None, p=None):
  """Draws the bodies at positions q; a pixel is touched only where a ball can change it.

  A system with a `pattern`, such as a game, is drawn as tiles of that brightness.

  Args:
    system: gives the bodies' positions, their radius and the canvas.
    q: [..., d].
    size: height and width in pixels.
    colors: uint8 RGB, [bodies, 3], or [n, bodies, 3] with one set per leading row of q; default
      `default_colors`.
    p: momenta [..., d], where the picture shows them too.

  Returns:
    uint8 [..., size, size, 3]; row 0 is the top.

  Raises:
    ValueError: q of another width, or a size that is not positive.
  """
  q = np.asarray(q, np.float64)
  if q.shape[-1] != system.dimension:
    raise ValueError(f"q must have shape [..., {system.dimension}], got {q.shape}.")
  if size < 1:
    raise ValueError(f"size must be positive, got {size}.")
  colors = np.asarray(default_colors(system) if colors is None else colors, np.uint8)
  lead = q.shape[:-1]
  if system.pattern is not None:
    return _tiles(system.pattern(q, np.asarray(p, np.float64)), size, colors)
  scale = size / (2.0 * system.canvas)
  positions = system.positions(q).reshape(-1, system.bodies, 2)
  columns, rows = (positions[..., 0] + system.canvas) * scale, (system.canvas - positions[..., 1]) * scale
  radius = _per_image(scale * system.ball_radius, lead)
  frames = np.empty((len(positions), size, size, 3), np.uint8)
  frames[:] = np.tile(np.array(BACKGROUND, np.uint8), (size, 1))
  colors = _per_image(colors, lead) if colors.ndim == 3 else colors
  for start in range(0, len(frames), _CHUNK):
    some = slice(start, start + _CHUNK)
    for body in range(system.bodies):
      color = colors[some, body] if colors.ndim == 3 else colors[body]
      for x, y in system.shifts:
        _draw(frames[some], columns[some, body] + x * scale, rows[some, body] - y * scale,
              radius[some] if radius.ndim else radius, color)
  return frames.reshape(*lead, size, size, 3)


def default_colors(system):
  """Colours uint8 [bodies, 3]: evenly spread hues; white where the picture is not of balls."""
  return spread_hues(system.bodies) if system.pattern is None else np.full((system.bodies, 3), 255, np.uint8)


def spread_hues(bodies, start=0.0):
  """Colours uint8 [bodies, 3]: evenly spaced hues from `start`, a fraction of the colour circle."""
  hues = [colorsys.hsv_to_rgb((start + body / bodies) % 1.0, 1.0, 1.0) for body in range(bodies)]
  return np.round(255 * np.array(hues)).astype(np.uint8)


def _tiles(pattern, size, colors):
  """uint8 [..., size, size, 3] of brightnesses [..., rows, columns], in the first of the colours."""
  places = [np.arange(size) * count // size for count in pattern.shape[-2:]]
  shades = pattern[..., places[0][:, None], places[1][None, :], None]
  tint = colors[:, 0].reshape(-1, *[1] * (shades.ndim - 2), 3) if colors.ndim == 3 else colors[0]
  return np.ascontiguousarray(np.round(shades * tint).astype(np.uint8))


def _per_image(value, lead):
  """One value per image: a number as it is, [n, ...] repeated over the images of its trajectory."""
  value = np.asarray(value)
  repeats = int(np.prod(lead)) // max(len(value), 1) if value.ndim else 1
  return np.repeat(value, repeats, axis=0) if value.ndim else value


def _draw(frames, columns, rows, radius, color):
  """Blends one ball into each image, in place; positions and radii in pixels from the top left corner."""
  size = frames.shape[1]
  softness = size / SHARPNESS  # pixels per unit of the sigmoid's argument
  patch = min(size, 2 * int(np.ceil(np.max(radius) + _REACH * softness)) + 1)
  left, top = _corner(columns, patch, size), _corner(rows, patch, size)
  x, y = _offsets(left, columns, patch), _offsets(top, rows, patch)
  distance = np.sqrt((y**2)[:, :, None] + (x**2)[:, None, :])
  radius = np.float32(radius[:, None, None] if radius.ndim else radius)
  mask = np.repeat(_mask((distance - radius) / np.float32(softness)), 3, axis=-1)  # [images, patch, 3 patch]
  color = np.tile(np.float32(color), patch)
  color = color[:, None] if color.ndim == 2 else color
  windows, where = _windows(frames, patch), (np.arange(len(frames)), top, left)
  under = windows[where].reshape(mask.shape).astype(np.float32)
  blended = (under + (color - under) * mask + np.float32(0.5)).astype(np.uint8)
  windows[where] = blended.reshape(-1, patch, patch, 3)


def _corner(centre, patch, size):
  """First pixel of the patch around each centre, moved so that the patch stays within the image."""
  return np.clip(np.floor(centre).astype(np.int64) - patch // 2, 0, size - patch)


def _offsets(corner, centre, patch):
  """Distance along one axis of the patch's pixel centres from the ball's centre: float32 [images, patch]."""
  return (corner + 0.5 - centre).astype(np.float32)[:, None] + np.arange(patch, dtype=np.float32)


def _windows(frames, patch):
  """Every square patch of every image, as a view [images, top, left, patch, patch, 3]."""
  view = np.lib.stride_tricks.sliding_window_view(frames, (patch, patch), axis=(1, 2), writeable=True)
  return view.transpose(0, 1, 2, 4, 5, 3)


_TABLE = (1.0 / (1.0 + np.exp(np.linspace(-_REACH, _REACH, _BINS + 1)))).astype(np.float32)
_TABLE[-1] = 0.0  # beyond the reach the ground is untouched


def _mask(argument):
  """sigmoid(-argument) from a table: fast, and the same on every processor."""
  index = (argument + np.float32(_REACH)) * np.float32(_BINS / (2.0 * _REACH))
  return _TABLE[np.clip(index, 0, _BINS).astype(np.int32)]
