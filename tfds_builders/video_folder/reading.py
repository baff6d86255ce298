"""A path to its frames, upright and in RGB, each with the time at which it is shown."""

import functools

import numpy as np

from tfds_builders.video_folder import sequences


def frames(path, ground=(0, 0, 0)):
  """Yields (seconds, frame) of a sequence: frames uint8 [H, W, 3]; None for seconds where nothing tells the time.

  Args:
    path: video, animated picture or folder of pictures.
    ground: RGB colour in 0..255 that is seen through what is transparent.

  Raises:
    ValueError: a file cannot be read; it is named.
  """
  return ((seconds, draw()) for seconds, _, draw in undrawn(path, ground))


def undrawn(path, ground=(0, 0, 0)):
  """As `frames`, but yields (seconds, size as it is stored, function that gives the frame): most of the work is there.

  Pictures are drawn before, as nothing else tells whether they can be read.
  """
  if path.is_dir():
    for picture in sequences.stills(path):
      yield from ((None, size, draw) for _, size, draw in _named(picture, _pages(picture, 1, ground)))
  elif path.suffix.lower() in sequences.VIDEOS:
    yield from _named(path, _video(path, ground))
  else:
    yield from _named(path, _pages(path, sequences.frame_count(path), ground))


def length(path):
  """How many frames a sequence says that it has; None: not known before it was read."""
  if path.is_dir():
    return len(sequences.stills(path))
  if path.suffix.lower() not in sequences.VIDEOS:
    return sequences.frame_count(path)
  import av
  try:
    with av.open(path) as container:
      return container.streams.video[0].frames or None
  except (av.FFmpegError, IndexError, OSError):
    return None


def require_libraries():
  """Raises ModuleNotFoundError, with the command that installs it, where PyAV or Pillow is missing."""
  try:
    import av  # noqa: F401
    import PIL.Image  # noqa: F401
  except ModuleNotFoundError as error:
    message = f"video_folder needs {error.name}: pip install 'hgn_tf[video]'"
    raise ModuleNotFoundError(message, name=error.name) from None


def _named(path, found):
  """What a decoder yields; its errors name the file."""
  try:
    yield from found
  except Exception as error:  # whatever the decoder throws
    raise ValueError(f"{path} cannot be read: {error}") from error


def _video(path, ground):
  import av
  with av.open(path) as container:
    if not container.streams.video:
      raise ValueError("there is no video in it")
    stream, matrix = container.streams.video[0], None
    for number, frame in enumerate(container.decode(stream)):
      time = number / stream.average_rate if frame.time is None and stream.average_rate else frame.time
      if not number:  # of all; and a frame whose side data was asked for keeps its memory until a garbage collection
        matrix = _display_matrix(frame)
      yield (None if time is None else float(time), (frame.height, frame.width),
             functools.partial(_shown, frame, ground, stream.sample_aspect_ratio, matrix))


def _shown(frame, ground, aspect, matrix):
  """What a player shows of a video's frame."""
  return _upright(_square_pixels(_opaque(frame, ground), aspect), matrix)


def _display_matrix(frame):
  """What a camera leaves beside a frame on how it was held, None: nothing."""
  from av.sidedata.sidedata import Type
  matrix = frame.side_data.get(Type.DISPLAYMATRIX)
  return None if matrix is None else np.frombuffer(bytes(matrix), np.int32)[:5].tolist()


def _opaque(frame, ground):
  """A video's frame in RGB, uint8 [H, W, 3]."""
  from PIL import Image
  if any(component.is_alpha for component in frame.format.components):
    return _rgb(Image.fromarray(frame.to_ndarray(format="rgba")), ground)
  return frame.to_ndarray(format="rgb24")


def _square_pixels(image, aspect):
  """Stretches an anamorphic frame to its true width; `aspect` is width over height of a pixel, None or 0: unknown."""
  from PIL import Image
  if not aspect or aspect == 1:
    return image
  height, width = image.shape[:2]
  return np.asarray(Image.fromarray(image).resize((round(width * aspect), height), Image.Resampling.BILINEAR))


def _upright(image, matrix):
  """Turns and mirrors a frame as its display matrix says.

  The matrix takes the column x and the row y to the column a x + c y and the row b x + d y.
  """
  if matrix is None:
    return image
  a, b, _, c, d = matrix
  if abs(b) > abs(a):
    image, a, d = image.transpose(1, 0, 2), c, b
  return image[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]


def _pages(path, count, ground):
  """The first `count` frames of a picture file; what has no durations, such as a TIFF stack, tells no time."""
  from PIL import Image
  time = 0.0
  with Image.open(path) as image:
    for page in range(count):
      image.seek(page)
      frame = _rgb(image, ground)
      yield time, frame.shape[:2], lambda frame=frame: frame
      duration = image.info.get("duration")  # in milliseconds
      time = time + duration / 1000.0 if duration and time is not None else None


def _rgb(image, ground):
  """What a picture shows, uint8 [H, W, 3]."""
  from PIL import Image, ImageOps
  image = ImageOps.exif_transpose(image)
  if image.mode == "F" or image.mode.startswith("I"):
    return np.repeat(_high_bytes(image)[..., None], 3, axis=2)
  if image.has_transparency_data:
    image = Image.alpha_composite(Image.new("RGBA", image.size, (*ground, 255)), image.convert("RGBA"))
  return np.asarray(image.convert("RGB"))


def _high_bytes(image):
  """The grey picture of 16 bits as one of 8."""
  values = np.asarray(image)
  if image.mode == "F" or values.min() < 0 or values.max() > 65535:
    raise ValueError(f"expected a picture of 8 or 16 bits, got values of {values.dtype} from {values.min()} to "
                     f"{values.max()}")
  return (values >> 8).astype(np.uint8)
