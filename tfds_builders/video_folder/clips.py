"""Clips of fixed length and size out of video files and folders of images."""

import pathlib

import numpy as np

VIDEOS = (".avi", ".gif", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm")
IMAGES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


def find_sequences(folder):
  """Sorted paths of the sequences in `folder`: video files, subfolders with images, itself where it has images.

  Raises:
    ValueError: there are none.
  """
  folder = pathlib.Path(folder)
  entries = sorted(folder.iterdir()) if folder.is_dir() else []
  found = [entry for entry in entries if entry.suffix.lower() in VIDEOS or (entry.is_dir() and _images(entry))]
  if _images(folder):
    found.append(folder)
  if not found:
    raise ValueError(f"{folder} must hold videos ({', '.join(VIDEOS)}) or folders of images ({', '.join(IMAGES)}); "
                     "found none.")
  return found


def measure(path):
  """(frames, height, width) of a sequence; all of it is decoded.

  Raises:
    ValueError: it cannot be read.
  """
  count, height, width = 0, 0, 0
  for frame in _frames(path):
    if not count:
      height, width = frame.shape[:2]
    count += 1
  return count, height, width


def read_clips(path, starts, *, length, stride, resolution, crop):
  """Yields the clips of a sequence, uint8 [length, S, S, 3], in the order of `starts`; one pass over its frames.

  Args:
    path: video file or folder of images.
    starts: numbers of the clips' first frames, ascending.
    length: frames of a clip.
    stride: take every n-th frame.
    resolution: S.
    crop: "square" (the largest one in the middle), "none" (stretch the whole frame) or (top, left, height, width).
  """
  waiting, open_clips = list(starts), []
  for number, frame in enumerate(_frames(path)):
    if waiting and waiting[0] == number:
      open_clips.append((waiting.pop(0), []))
    wanted = [clip for start, clip in open_clips if (number - start) % stride == 0]
    if wanted:
      small = _shrink(frame, resolution, crop, path)
      for clip in wanted:
        clip.append(small)
    while open_clips and len(open_clips[0][1]) == length:
      yield np.stack(open_clips.pop(0)[1])
    if not waiting and not open_clips:
      return


def crop_box(crop, height, width):
  """(top, left, height, width) of the part of a frame that is kept.

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


def require_libraries():
  """Raises ModuleNotFoundError, with the command that installs it, where imageio or Pillow is missing."""
  try:
    import imageio.v3  # noqa: F401
    import PIL.Image  # noqa: F401
  except ModuleNotFoundError as error:
    message = f"video_folder needs {error.name}: pip install 'hgn_tf[video]'"
    raise ModuleNotFoundError(message, name=error.name) from None


def _images(folder):
  return sorted(entry for entry in folder.iterdir() if entry.suffix.lower() in IMAGES) if folder.is_dir() else []


def _frames(path):
  """The frames of a sequence, uint8 [H, W, 3]."""
  import imageio.v3 as imageio
  path = pathlib.Path(path)
  try:
    if path.is_dir():
      for image in _images(path):
        yield _rgb(imageio.imread(image))
    else:
      for frame in imageio.imiter(path):
        yield _rgb(frame)
  except Exception as error:  # whatever the decoder throws
    raise ValueError(f"{path} cannot be read: {error}") from error


def _rgb(frame):
  frame = np.asarray(frame)
  if frame.dtype == np.uint16:
    frame = (frame >> 8).astype(np.uint8)
  if frame.ndim == 2:
    frame = frame[..., None]
  if frame.dtype != np.uint8 or frame.ndim != 3:
    raise ValueError(f"expected images of 8 or 16 bits, got {frame.dtype} of shape {frame.shape}.")
  return np.repeat(frame[..., :1], 3, axis=2) if frame.shape[2] < 3 else frame[..., :3]


def _shrink(frame, resolution, crop, path):
  from PIL import Image
  try:
    top, left, height, width = crop_box(crop, *frame.shape[:2])
  except ValueError as error:
    raise ValueError(f"{path}: {error}") from None
  part = Image.fromarray(np.ascontiguousarray(frame[top : top + height, left : left + width]))
  return np.asarray(part.resize((resolution, resolution), Image.Resampling.BILINEAR))
