"""What the figures of a folder of films mean for a training, in words and as commands."""

import numpy as np

from hgn_tf.evaluation import state_size

_STEADY = 10.0  # median variance of the pixels over noise, above which the whole picture moves


def advice(found, problems=()):
  """What to do about the figures, a list of sentences.

  Args:
    found: what `figures` returns.
    problems: lines on films that cannot be read.
  """
  said = []
  if problems:
    said.append(f"{len(problems)} films cannot be read: repair or remove them, or set skip_unreadable.")
  if found["motion"] < 2 / 255:
    return [*said, "Nothing moves: no pixel changes by more than one or two grey levels."]
  said += [*_on_time(found), *_on_picture(found), *_on_amount(found)]
  return said or ["Nothing speaks against training on these films."]


def _on_time(found):
  span, period = found["span"], found["period"]
  if not found["even"]:
    yield "Frames of some films are not equally far apart: set fps, which picks them at equal times."
  elif not _agree(found):
    low, high = found["rates"]
    yield f"Films have {low:.4g} to {high:.4g} frames a second: set fps to {low:.4g}."
  if found["too_short"]:
    yield (f"{found['too_short']} films have fewer frames than the {span} of a clip: lower num_steps, or set "
           "skip_unreadable.")
  if period is None or found["with_period"] < 0.2 * found["films"]:
    yield ("Hardly any film comes back to where it was: they are shorter than one period, or the motion has several "
           "periods; longer films, or a frame_stride, show more of it.")
  elif span < 0.8 * period:
    yield (f"Clips of {span} frames are shorter than one period, {period:.0f} frames: use frame_stride "
           f"{int(np.ceil(1.1 * period / span))}.")
  elif span > 4.0 * period:
    yield f"Clips of {span} frames show {span / period:.1f} periods: a lower num_steps would do, with more clips of it."
  if period is not None and period < 8:
    yield f"A period has {period:.1f} frames, too few to see the motion between them: film at a higher rate."
  if found["decay"] is not None and found["decay"] < 0.6:
    yield (f"The motion dies away, to {100 * found['decay']:.0f} % of its speed squared from the first to the last "
           'third of a film: train with {"damping": true, "energy_kind": "fixed_kinetic"}, or on shorter clips.')


def _agree(found):
  """Whether all frames are equally far apart, as far as is known."""
  return found["even"] and not (found["rates"] and found["rates"][1] > 1.02 * found["rates"][0])


def _on_picture(found):
  if found["whole_picture"] > _STEADY and found["still_std"] > 2 / 255:
    yield ("The whole picture changes, not what moves alone: put the camera on a stand and switch automatic exposure "
           "off; what does not follow from the motion is noise to a model.")
  elif found["box_share"] < 0.6:
    yield f"What moves takes {100 * found['box_share']:.0f} % of the picture's side: use crop \"motion\"."
  if len(found["sizes"]) > 1:
    yield f"Films have {len(found['sizes'])} sizes: the same thing should be equally large in all of them."
  if found["noise"] > 0.05 * found["motion"] ** 2:
    yield "Noise is not small beside the motion: more light, or a ground that differs more from what moves."


def _on_amount(found):
  if found["films"] == 1:
    yield "There is one film: its last clips are the test split, and a model sees few starts."
  elif found["clips"] < 200:
    yield (f"{found['films']} films give {found['clips']} clips end to end: a hop lets them overlap, and more films "
           "with other starts teach more; hundreds are good.")


def table(found):
  """(header, rows) of the figures for `report.table`."""
  first, last = found["frames"]
  rows = [["films", found["films"]], ["sizes", ", ".join(found["sizes"])],
          ["frames of a film", f"{first} to {last}"],
          ["frames a second", "not known" if not found["rates"] else "{:.4g} to {:.4g}".format(*found["rates"])],
          ["frames of a clip", found["span"]], ["clips end to end", found["clips"]],
          ["period, frames", found["period"]], ["films in which one was found", found["with_period"]],
          ["largest deviation of a pixel, of 1", found["motion"]], ["share of pixels that move", found["moving_share"]],
          ["square around the motion", str(found["box"])], ["noise floor x1e4", 1e4 * found["noise"]],
          ["speed squared, last third over first", found["decay"]]]
  rows += [[f"dimension, {label}", found[key]] for label, key in (
      ("participation ratio", "participation"), ("Levina and Bickel", "mle"), ("TwoNN", "two_nn")) if key in found]
  return ["", "found"], rows


def commands(folder, found, frame_stride):
  """What to type next, a list of lines."""
  stride = frame_stride
  if found["period"] and found["span"] < 0.8 * found["period"]:
    stride *= int(np.ceil(1.1 * found["period"] / found["span"]))
  fields = [f'"name": "mine", "hop": {max(1, found["span"] // 3)}']
  fields += [f'"frame_stride": {stride}'] if stride > 1 else []
  fields += [f'"fps": {found["rates"][0]:.4g}'] if found["rates"] and not _agree(found) else []
  fields += ['"crop": "motion"'] if found["box_share"] < 0.6 else []
  return [f"tfds build video_folder --imports=tfds_builders --manual_dir={folder} --config '{{{', '.join(fields)}}}'",
          f"hgn-train --preset=hgn_compact_video --set='{{\"pairs\": {state_size.pairs(found)}}}' "
          "--dataset=video_folder/mine --workdir=W"]
