"""What the page shows for what was chosen, as plain data; nothing here knows of the library that draws the page."""

import dataclasses
import functools

import numpy as np

from hgn_tf.evaluation.explorer import films, phase_plane, rollouts
from hgn_tf.evaluation.plots import explorer as plots

TEST_FILM, CLIP, PRIOR = "test film", "my clip", "sample of the prior"
NOTHING = "nothing"
_MOST = 20  # actions: each one is another rollout


@dataclasses.dataclass(frozen=True)
class Choice:
  """The controls.

  Attributes:
    model: name in the Catalogue.
    beside: another one, or the same; NOTHING.
    method, step: of the model's `Integration`.
    beside_method, beside_step: of the other's.
    source: TEST_FILM, CLIP or PRIOR.
    world: of test films, one of the Catalogue's `worlds`.
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
class Shown:
  """What a model makes of a film.

  Attributes:
    label: name and integration.
    subject: Trained or Exported.
    film: Film.
    rollout: Rollout.
    frames: of the rollout, [2 REACH + 1, H, W, C].
  """

  label: str
  subject: object
  film: films.Film
  rollout: rollouts.Rollout
  frames: np.ndarray

  @property
  def errors(self):
    """Of the frames, NaN where the truth is not known: after a push as well, which the world did not get."""
    touched = self.rollout.touched
    errors = self.film.errors(self.frames)
    return errors if touched is None else np.where(films.TIMES <= touched, errors, np.nan)

  @property
  def lost(self):
    """The frame nearest to 0 at which the numbers are not finite any more; None: they all are."""
    finite = np.isfinite(self.rollout.states.q.reshape(len(films.TIMES), -1)).all(axis=1)
    return None if finite.all() else int(min(films.TIMES[~finite], key=abs))


def answer(catalogue, choice, actions=()):
  """What a Choice shows: a list of one `Shown`, or two where there is a model beside.

  Args:
    catalogue: Catalogue.
    choice: Choice.
    actions: Kicks and Boosts, as in `rollouts.roll_out`.

  Raises:
    ValueError: something was chosen that cannot be.
  """
  if len(actions) > _MOST:
    raise ValueError(f"at most {_MOST} kicks and energies can be added; undo them to add others.")
  wanted = [(choice.model, choice.method, choice.step)]
  if choice.beside != NOTHING:
    wanted.append((choice.beside, choice.beside_method, choice.beside_step))
  return [_show(catalogue, choice, name, rollouts.Integration(method, step), actions) for name, method, step in wanted]


def _show(catalogue, choice, name, integration, actions):
  subject = catalogue.subject(name)
  film = _film(catalogue, choice, subject)
  rollout = rollouts.roll_out(subject, film, integration, actions)
  label = f"{name}, {integration.method}" + (f", dt {integration.step:g}" if integration.step != 1 else "")
  return Shown(label, subject, film, rollout, rollouts.frames_of(subject, rollout))


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
  if choice.world in catalogue.stored:
    return films.stored(*catalogue.stored[choice.world], choice.number, size)
  return films.simulated(choice.world, choice.number, size, choice.noise_seed)


def movie(shown):
  """What is played, for JSON: sheets of frames with the time of their first one, and a note."""
  first = shown[0]
  film, seen, pushed = first.film, first.subject.facts.seen, first.rollout.touched is not None
  sheets = {"film": _sheet(f"the {seen} frames it saw", _picture(film, "frames"), film.frames[:seen], 0)}
  for role, one in zip(("rollout", "beside"), shown, strict=False):
    sheets[role] = _sheet(one.label, plots.sheet(one.frames), one.frames, -films.REACH)
  if film.simulated:
    title = f"the true world{', not pushed' if pushed else ''}"
    sheets["truth"] = _sheet(title, _picture(film, "target"), film.target, -films.REACH)
  else:
    sheets["truth"] = _sheet("all that was filmed", _picture(film, "frames"), film.frames, 0)
  return {"reach": films.REACH, "columns": plots.COLUMNS, "sheets": sheets, "note": _note(shown)}


def charts(shown, pair=1):
  """The charts under it, for JSON.

  Args:
    shown: what `answer` gives.
    pair: of the phase plane.
  """
  first = shown[0]
  plane = phase_plane.plane(first.subject, first.rollout, pair, first.rollout.touched or 0)
  paths = [plane.project(one.rollout.states) for one in shown if one.subject is first.subject]
  drawn = plots.charts(films.TIMES, [one.errors for one in shown], [one.rollout.energy for one in shown], plane, paths,
                       trivial=first.film.trivial)
  return {"picture": drawn.picture, "spans": np.round(drawn.spans, 5).tolist(),
          "dots": [{"color": color, "places": _places(places)} for color, places in drawn.dots]}


@functools.lru_cache(maxsize=32)
def _picture(film, name):
  """The sheet of a film's `frames` or `target`, which every answer about it has in common."""
  return plots.sheet(getattr(film, name))


def _sheet(title, picture, frames, first):
  return {"title": title, "url": picture, "first": first, "count": len(frames), "size": frames.shape[1]}


def _note(shown):
  """One line on what is not to be taken at face value."""
  notes = [f"{one.label}: the numbers overflow at frame {one.lost}." for one in shown if one.lost is not None]
  touched = shown[0].rollout.touched
  if touched is not None:
    notes.append(f"Pushed at frame {touched}: the true world was not, and no error is shown from there on.")
  return " ".join(notes)


def _places(places):
  return [None if np.isnan(x).any() else x for x in np.round(places, 4).tolist()]
