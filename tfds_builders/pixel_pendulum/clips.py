"""Clips of gymnasium's Pendulum-v1, swinging freely."""

import os

import numpy as np

from hgn_tf.physics.streams import Streams

DT = 0.05  # the environment's time step
CROP = 170  # side of the square around the swing that is kept of the 500 x 500 rendering
_TOP, _LEFT = 220, 165  # its corner: the pendulum hangs from (250, 250) and is 114 pixels long
_GRAVITY, _INERTIA, _ARM = 10.0, 1.0 / 3.0, 0.5  # of a rod of mass 1 and length 1, as the environment simulates it


def make_clips(split, indices, *, seed=0, num_steps=102, resolution=28, max_angle=np.pi / 6):
  """The clips numbered `indices` of a split; clip i depends on (seed, split, i) only.

  Args:
    split: its name.
    indices: integers, [n].
    seed: of the dataset.
    num_steps: frames after the first.
    resolution: height and width of the frames, at most 170.
    max_angle: initial angles from hanging down are uniform on +-max_angle, angular velocities on +-1.

  Returns:
    dict: frames uint8 [n, T + 1, S, S, 1], red minus green: the rod is 127 on 0; q (angle from hanging down) and p
    (inertia times angular velocity) float64 [n, T + 1, 1]; energy float64 [n, T + 1].
  """
  indices = np.asarray(indices, np.int64)
  start = Streams(seed, split, indices, 0).uniform(-1.0, 1.0, (len(indices), 2)) * [max_angle, 1.0]
  pendulum = _environment()
  clips = [_clip(pendulum, angle, velocity, num_steps, resolution) for angle, velocity in start]
  pendulum.close()
  frames, q, p = (np.stack(values) for values in zip(*clips, strict=True))
  energy = _GRAVITY * _ARM * (1.0 - np.cos(q)) + p**2 / (2.0 * _INERTIA)
  return {"frames": frames, "q": q, "p": p, "energy": energy[..., 0]}


def require_gymnasium():
  """Raises ModuleNotFoundError, with the command that installs it, where gymnasium, pygame or Pillow is missing."""
  try:
    import gymnasium  # noqa: F401
    import PIL  # noqa: F401
    import pygame  # noqa: F401
  except ModuleNotFoundError as error:
    message = f"pixel_pendulum needs {error.name}: pip install 'hgn_tf[gym]'"
    raise ModuleNotFoundError(message, name=error.name) from None


def _environment():
  os.environ.setdefault("SDL_VIDEODRIVER", "dummy")  # no window, so no display is needed
  os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
  import gymnasium
  pendulum = gymnasium.make("Pendulum-v1", render_mode="rgb_array").unwrapped
  pendulum.reset(seed=0)
  return pendulum


def _clip(pendulum, angle, velocity, num_steps, resolution):
  """Frames [T + 1, S, S, 1], q and p [T + 1, 1] from one start."""
  pendulum.state = np.array([np.pi + angle, velocity])  # the environment counts from upright
  frames, states = [], []
  for _ in range(num_steps + 1):
    frames.append(_shrink(pendulum.render(), resolution))
    states.append(pendulum.state)
    pendulum.step([0.0])
  angle, velocity = np.array(states).T[..., None]
  return np.stack(frames)[..., None], angle - np.pi, _INERTIA * velocity


def _shrink(image, resolution):
  """Crops, leaves red minus green, shrinks by Pillow's bilinear filter as the experiment does: uint8 [S, S]."""
  from PIL import Image
  image = image[_TOP : _TOP + CROP, _LEFT : _LEFT + CROP]
  contrast = Image.fromarray(np.where(image[..., 0] > image[..., 1], image[..., 0] - image[..., 1], 0))
  return np.asarray(contrast.resize((resolution, resolution), Image.Resampling.BILINEAR))
