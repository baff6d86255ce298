"""What the page shows for what was chosen, as plain data; nothing here knows of the library that draws the page."""

import dataclasses

import numpy as np

from hgn_tf.evaluation.explorer import films, phase_plane, rollouts
from hgn_tf.evaluation.plots import explorer as plots

TEST_FILM, CLIP, PRIOR = "test film", "my clip", "sample of the prior"
NOTHING = "nothing"


@dataclasses.dataclass(frozen=True)
class Choice:
  """The controls.

  Attributes:
    model: name in the Catalogue.
    beside: another one, or the same; NOTHING.
    method, step: of the model's `Integration`.
    beside_method, beside_step: of the other's.
    source: TEST_FILM, CLIP or PRIOR.
    world: name in physics.SYSTEMS, of test films.
    number: of the test film, or seed of the sample.
    noise_seed: of the test film's observation noise; 0: that of the dataset.
    clip: path, or None.
    pair: of the phase plane.
  """

  model: str
  beside: str = NOTHING
  method: str = "leapfrog"
  step: float = 1.0
  beside_method: str = "leapfrog"
  beside_step: float = 1.0
  source: str = TEST_FILM
  world: str = "two_body"
  number: int = 0
  noise_seed: int = 0
  clip: str | None = None
  pair: int = 1


@dataclasses.dataclass(frozen=True, eq=False)
class Answer:
  """A film and the rollouts of what was inferred from it.

  Attributes:
    film: Film.
    subject: of the first rollout.
    rollouts: label -> Rollout; the first is the model's, the second that beside it.
    frames: label -> its frames, [2 REACH + 1, H, W, C].
    same: whether both rollouts are of one model, and so live in one phase plane.
    pair: of the phase plane.
  """

  film: films.Film
  subject: object
  rollouts: dict
  frames: dict
  same: bool
  pair: int


def answer(catalogue, choice, actions=()):
  """The `Answer` to a Choice.

  Args:
    catalogue: Catalogue.
    choice: Choice.
    actions: Kicks and Boosts, as in `rollouts.roll_out`.

  Raises:
    ValueError: something was chosen that cannot be.
  """
  subject = catalogue.subject(choice.model)
  film = _film(catalogue, choice, subject)
  integrations = [(subject, film, rollouts.Integration(choice.method, choice.step))]
  if choice.beside != NOTHING:
    other = catalogue.subject(choice.beside)
    integrations.append((other, _film(catalogue, choice, other),
                         rollouts.Integration(choice.beside_method, choice.beside_step)))
  found, frames = {}, {}
  for name, (one, seen, integration) in zip((choice.model, choice.beside), integrations, strict=False):
    label = f"{name}, {integration.method}" + (f", dt {integration.step:g}" if integration.step != 1 else "")
    label += " (beside)" if label in found else ""
    found[label] = rollouts.roll_out(one, seen, integration, actions)
    frames[label] = rollouts.frames_of(one, found[label])
  return Answer(film, subject, found, frames, choice.beside == choice.model, choice.pair)


def _film(catalogue, choice, subject):
  """What a model sees."""
  size, channels = subject.facts.size, subject.facts.channels
  if choice.source == PRIOR:
    film = films.sampled(catalogue.subject(choice.model), choice.number)
    if film.frames.shape[1:] != (size, size, channels):
      raise ValueError(f"a sample of {film.frames.shape[1:]} cannot be seen by a model of {(size, size, channels)}.")
    return film
  if channels != 3:
    raise ValueError(f"test films and clips have 3 channels, the model expects {channels}; choose a {PRIOR}.")
  if choice.source == CLIP:
    if not choice.clip:
      raise ValueError("my clip: none is there yet; upload one.")
    return films.clip(choice.clip, size, subject.facts.seen)
  return films.simulated(choice.world, choice.number, size, choice.noise_seed)


def movie(found):
  """What is played, for JSON: sheets of frames with the time of their first one, and a note."""
  sheets = {"film": _sheet("the film it saw", found.film.frames, 0)}
  for role, (label, frames) in zip(("rollout", "beside"), found.frames.items(), strict=False):
    sheets[role] = _sheet(label, frames, -films.REACH)
  if found.film.simulated:
    sheets["truth"] = _sheet("the true world" + (", not pushed" if _touched(found) is not None else ""),
                             found.film.target, -films.REACH)
  return {"reach": films.REACH, "columns": plots.COLUMNS, "sheets": sheets, "note": _note(found)}


def charts(found):
  """The charts under it, for JSON."""
  errors = {} if not found.film.known().any() else {
      label: _until(_touched(found), found.film.errors(frames)) for label, frames in found.frames.items()}
  energies = {label: rollout.energy for label, rollout in found.rollouts.items()}
  first, *others = found.rollouts.items()
  plane = phase_plane.plane(found.subject, first[1], found.pair, _touched(found) or 0)
  paths = {first[0]: plane.path}
  paths.update((label, plane.project(rollout.states)) for label, rollout in others if found.same)
  drawn = plots.charts(films.TIMES, errors, energies, plane, paths, trivial=found.film.trivial)
  return {"picture": drawn.picture, "spans": np.round(drawn.spans, 5).tolist(),
          "dots": [{"color": color, "places": _places(places)} for color, places in drawn.dots]}


def _sheet(title, frames, first):
  return {"title": title, "url": plots.sheet(frames), "first": first, "count": len(frames), "size": frames.shape[1]}


def _touched(found):
  return next(iter(found.rollouts.values())).touched


def _until(frame, errors):
  """Errors where the world and the model were pushed alike: not at all."""
  return errors if frame is None else np.where(films.TIMES <= frame, errors, np.nan)


def _note(found):
  """One line on what is not to be taken at face value."""
  notes = []
  for label, rollout in found.rollouts.items():
    lost = films.TIMES[~np.isfinite(rollout.states.q.reshape(len(films.TIMES), -1)).all(axis=1)]
    if lost.size:
      notes.append(f"{label}: the numbers overflow at frame {lost[np.argmin(np.abs(lost))]}.")
  if _touched(found) is not None:
    notes.append(f"Pushed at frame {_touched(found)}: from there on the true world is another one, and no error is "
                 "shown.")
  return " ".join(notes)


def _places(places):
  return [None if np.isnan(x).any() else x for x in np.round(places, 4).tolist()]
