"""A frame to the square that is kept of it, small."""

import numpy as np


def crop_box(crop, height, width):
  """(top, left, height, width) of the part of a frame that is kept.

  Args:
    crop: "square" (the largest one in the middle), "none" (stretch the whole frame) or (top, left, height, width); that
      of `motion.box` where it is to be found.
    height, width: of the frame.

  Raises:
    ValueError: the part reaches beyond the frame.
  """
  if crop == "none":
    return 0, 0, height, width
  if crop == "square":
    side = min(height, width)
    return (height - side) // 2, (width - side) // 2, side, side
  top, left, rows, columns = crop
  if top + rows > height or left + columns > width:
    raise ValueError(f"crop={list(crop)} reaches beyond frames of {height}x{width}.")
  return top, left, rows, columns


def shrink(frame, crop, resolution):
  """The part of a frame [H, W, 3] that `crop_box` gives, by Pillow's bilinear filter: uint8 [S, S, 3]."""
  from PIL import Image
  top, left, height, width = crop_box(crop, *frame.shape[:2])
  part = Image.fromarray(np.ascontiguousarray(frame[top : top + height, left : left + width]))
  return np.asarray(part.resize((resolution, resolution), Image.Resampling.BILINEAR))
