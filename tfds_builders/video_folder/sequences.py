"""Which files of a folder are films, and which pictures make one together."""

import pathlib
import re

VIDEOS = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm")
PICTURES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")  # one frame, or many of an animation
_NUMBERED = 0.7  # share of equal distances from which on numbers are those of frames
_FRAMES_IN_TIME = ("GIF", "PNG", "TIFF", "WEBP")  # formats whose further pictures are the frames that follow


def find_sequences(folder):
  """Paths of the sequences in `folder`: videos, animated pictures, subfolders with pictures, itself where it has some.

  Hidden files, those of macOS' archives among them, are passed by; symbolic links are followed.

  Raises:
    ValueError: there are none, or a picture of a subfolder holds several frames.
  """
  folder = pathlib.Path(folder)
  found = [entry for entry in _visible(folder) if is_film(entry) or _pictures(entry)]
  for entry in found:
    for picture in filter(is_film, _pictures(entry)):
      raise ValueError(f"{picture} holds {frame_count(picture)} frames where one of the sequence {entry} is expected; "
                       f"a film in one file belongs into {folder} itself.")
  if stills(folder):
    found.append(folder)
  if not found:
    raise ValueError(f"{folder} must hold videos ({', '.join(VIDEOS)}), animated pictures or folders of pictures "
                     f"({', '.join(PICTURES)}); found none.")
  return found


def stills(folder):
  """The pictures of a folder that are one frame each, in their order: frame_2 before frame_10."""
  return [picture for picture in _pictures(folder) if not is_film(picture)]


def is_film(path):
  """Whether a file is a sequence of its own: a video, or a picture of several frames."""
  suffix = path.suffix.lower()
  if not _is_file(path):
    return False
  try:
    return suffix in VIDEOS or (suffix in PICTURES and frame_count(path) > 1)
  except ValueError:
    return False  # a still that whoever reads it will name


def check_numbers(pictures):
  """Raises ValueError where pictures are numbered at equal distances, but for some that are missing.

  Names that hold no number, or something else such as the time of day, say nothing.
  """
  numbers = [int(found[-1]) if (found := re.findall("[0-9]+", picture.stem)) else -1 for picture in pictures]
  gaps = [later - number for number, later in zip(numbers[:-1], numbers[1:], strict=True)]
  usual = max(set(gaps), key=gaps.count, default=0)
  if usual < 1 or gaps.count(usual) < _NUMBERED * len(gaps) or any(gap < usual or gap % usual for gap in gaps):
    return
  for picture, number, gap in zip(pictures, numbers, gaps, strict=False):
    if gap > usual:
      raise ValueError(f"{picture.parent} has no picture number {number + usual} after {picture.name}; where pictures "
                       "are left out on purpose, put what lies between them into folders of their own.")


def frame_count(picture):
  """Frames in a picture file: pages of a TIFF stack, frames of an animated GIF, PNG or WebP.

  Raises:
    ValueError: it cannot be read.
  """
  from PIL import Image
  try:
    with Image.open(picture) as image:
      return getattr(image, "n_frames", 1) if image.format in _FRAMES_IN_TIME else 1
  except Exception as error:  # whatever the decoder throws
    raise ValueError(f"{picture} cannot be read: {error}") from error


def _pictures(folder):
  return [entry for entry in _visible(folder) if entry.suffix.lower() in PICTURES and _is_file(entry)]


def _is_file(path):
  """Whether a path is a file, or a link to nothing, which cannot be read as such."""
  return path.is_file() or (path.is_symlink() and not path.exists())


def _visible(folder):
  entries = folder.iterdir() if folder.is_dir() else ()
  return sorted((entry for entry in entries if not entry.name.startswith(".") and entry.name != "__MACOSX"),
                key=_natural)


def _natural(path):
  """Names in parts, text and numbers in turn, so that 2 comes before 10."""
  parts = re.split(r"([0-9]+)", path.name.casefold())
  return [int(part) if i % 2 else part for i, part in enumerate(parts)], path.name
