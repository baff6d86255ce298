"""A look at a folder of films before anything is trained on them: figures, advice in words, a page with pictures."""

import dataclasses

import numpy as np

from hgn_tf.data import folder as folders
from hgn_tf.evaluation import folder_advice, motion, plots, report
from hgn_tf.evaluation.plots import rollouts
from hgn_tf.training import files, progress

_KEPT, _TOGETHER, _SIDE = 24, 300, 12  # frames of a film, and of all films, behind the dimension; their side
_LEAST = 50  # of them
_WHOLE = 3  # films whose frames are kept, to be shown
_STRIP = 31  # frames that are shown
_VISIBLE = (2 / 255) ** 2  # variance


@dataclasses.dataclass(frozen=True, eq=False)
class Seen:
  """A `data.folder.Film`, and what its frames say: `curve`, `period`, `noise`, `decay` as of `motion`.

  `variance` is that of each pixel, [h, w].
  """

  film: folders.Film
  curve: np.ndarray
  period: float
  noise: float
  decay: float
  variance: np.ndarray


def see(film, whole=True):
  """The `Seen` of a film; of its frames only some are kept unless it is to be shown whole."""
  curve, floor = motion.recurrence(film.frames), motion.noise(film.frames)
  kept = film if whole else dataclasses.replace(film, frames=_some(film.frames))
  return Seen(kept, curve, motion.period(curve), floor, motion.decay(film.frames, floor), film.frames.var(axis=0))


def figures(seen, num_steps, frame_stride):
  """What films have in common, a dict of plain numbers: see `folder_advice.table`.

  Args:
    seen: list of `Seen`.
    num_steps, frame_stride: of the dataset that is to be built of them.
  """
  films, span = [one.film for one in seen], num_steps * frame_stride + 1
  height, width = films[0].height, films[0].width
  variance, noise = _mean_variance(seen), float(np.median([one.noise for one in seen]))
  counts, rates = [film.count for film in films], [film.rate for film in films if np.isfinite(film.rate)]
  periods = [one.period for one in seen if np.isfinite(one.period)]
  decays = [one.decay for one in seen if np.isfinite(one.decay)]
  box = folders.square_around(variance, height, width)
  found = {
      "films": len(films), "sizes": sorted({f"{film.height}x{film.width}" for film in films}),
      "frames": [min(counts), max(counts)], "rates": [min(rates), max(rates)] if rates else None,
      "even": all(film.even for film in films), "span": span, "clips": sum(count // span for count in counts),
      "too_short": sum(count < span for count in counts),
      "period": float(np.median(periods)) if periods else None, "with_period": len(periods),
      "motion": float(np.sqrt(np.max(variance))), "moving_share": float(np.mean(variance > max(4 * noise, _VISIBLE))),
      "box": list(box), "box_share": box[2] / min(height, width), "noise": noise,
      "whole_picture": float(np.median(variance) / max(noise, 1e-8)), "still_std": float(np.sqrt(np.median(variance))),
      "decay": float(np.median(decays)) if decays else None}
  frames = _together(seen)
  return {**found, **(motion.dimensions(frames) if len(frames) >= _LEAST and found["motion"] > 0.0 else {})}


def check(folder, out, *, num_steps=30, frame_stride=1):
  """Looks at a folder's films and writes check.json, pictures and report.html to `out`.

  Args:
    folder: of films, as the dataset `video_folder` takes it.
    out: folder to write.
    num_steps, frame_stride: of the dataset that is to be built.

  Returns:
    (figures, advice, lines to type next); None and no lines where no film can be read.

  Raises:
    ValueError: the folder holds no films.
  """
  films, problems = [], []
  for film in progress.track(folders.films(folder), "Looking at films", unit="films"):
    if isinstance(film, str):
      problems.append(film)
    else:
      films.append(see(film, whole=len(films) < _WHOLE))
  found = figures(films, num_steps, frame_stride) if films else None
  said = folder_advice.advice(found, problems) if films else [f"None of {len(problems)} films can be read."]
  lines = folder_advice.commands(folder, found, frame_stride) if films else []
  with files.written_beside(out) as beside:
    parts = [report.heading("Advice"), *map(report.paragraph, said), *map(report.paragraph, problems)]
    if films:
      parts += [report.heading("Figures"), report.table(*folder_advice.table(found)), report.heading("Next"),
                *map(report.paragraph, lines)]
      parts += _pictures(beside, films, found) if plots.available() else []
    files.write_json(beside / "check.json", {"figures": found, "advice": said, "problems": problems, "next": lines})
    report.write(beside / "report.html", f"Films in {folder}", parts)
  return found, said, lines


def _pictures(out, seen, found):
  rows = [(one.film.path.name, _colour(one.film.frames[:_STRIP])) for one in seen[:_WHOLE]]
  rollouts.strips(out / "films.png", [row for row in rows if row[1].shape[1:] == rows[0][1].shape[1:]])
  scale = seen[0].film.height / seen[0].variance.shape[0]
  top, left, side = (int(round(value / scale)) for value in found["box"][:3])
  deviation = np.sqrt(_mean_variance(seen))
  where = np.stack([_framed(_colour(image), top, left, side)
                    for image in (seen[0].film.frames[0], deviation / max(deviation.max(), 1e-6))])
  rollouts.strips(out / "motion.png", [("where it moves", where)], every=1)
  curves = {one.film.path.name: (np.arange(len(one.curve)), one.curve) for one in seen[:8]}
  rollouts.lines(out / "recurrence.png", curves, xlabel="frames apart", ylabel="how unlike")
  return [report.figure(out / "films.png", "Every third frame of the first films."),
          report.figure(out / "motion.png", "A frame, and how much each pixel changes; the square around the motion."),
          report.figure(out / "recurrence.png", "How unlike frames are that lie so far apart: 0 is the same, 1 as any "
                                                "two of the film. A period is where a curve comes down again.")]


def _colour(grey):
  return np.repeat(np.asarray(grey)[..., None], 3, axis=-1)


def _framed(image, top, left, side):
  """The image with a red square drawn."""
  image, bottom, right = image.copy(), min(top + side, len(image)) - 1, min(left + side, image.shape[1]) - 1
  image[[top, bottom], left:right + 1] = 0.9, 0.1, 0.1
  image[top:bottom + 1, [left, right]] = 0.9, 0.1, 0.1
  return image


def _some(frames, count=_KEPT):
  return frames[np.linspace(0, len(frames) - 1, min(count, len(frames))).astype(int)]


def _like_the_first(seen):
  return [one for one in seen if one.variance.shape == seen[0].variance.shape]


def _mean_variance(seen):
  return np.mean([one.variance for one in _like_the_first(seen)], axis=0)


def _together(seen):
  """Frames of the films that are as large as the first, spread over them, [n, _SIDE, _SIDE]."""
  from PIL import Image
  alike = _like_the_first(seen)
  frames = np.concatenate([_some(one.film.frames, max(_KEPT, _TOGETHER // len(alike))) for one in alike])
  frames = np.random.default_rng(0).permutation(frames)[:_TOGETHER]
  return np.stack([np.asarray(Image.fromarray(frame).resize((_SIDE, _SIDE), Image.Resampling.BOX)) for frame in frames])
