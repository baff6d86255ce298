"""The page: Gradio's components around a player, and which of them asks for what."""

import contextlib
import dataclasses
import functools
import os
import pathlib

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # before Gradio reads it

import gradio as gr  # noqa: E402
import tensorflow as tf

from hgn_tf.commands import cli
from hgn_tf.commands.explore import answers
from hgn_tf.evaluation.explorer.rollouts import ALONG, Boost, Kick

_FOLDER = pathlib.Path(__file__).parent
_STEPS = [("1/8", 0.125), ("1/4", 0.25), ("1/2", 0.5), ("1", 1.0), ("2", 2.0), ("4", 4.0)]
_CLIPS = [".gif", ".png", ".webp", ".tif", ".tiff", ".mp4", ".mov", ".webm", ".mkv", ".avi", ".m4v", ".mpg", ".mpeg"]
_HOUR = 3600
_TITLE = """# Has it learned physics?
A network saw a few frames, inferred **one state (q, p)**, and learned **one energy**; everything else here is that
energy's gradient. Drag the time before the film and after it, push it, and hold it against the true world."""


def launch(catalogue, *, port=None, max_megabytes=20, in_browser=False):
  """Serves the page on 127.0.0.1 in a thread of this process; returns it, its address in `local_url`.

  Args:
    catalogue: Catalogue.
    port: to listen on; None: the first free one.
    max_megabytes: largest file that may be uploaded.
    in_browser: open it.

  Raises:
    ValueError: the port is taken, or the first model cannot be explored.
  """
  first = _first(catalogue)
  answers.charts(answers.answer(catalogue, first))  # whoever opens the page waits for no trace
  page = build(catalogue, first)
  page.queue(default_concurrency_limit=os.cpu_count(), api_open=False)
  try:
    page.launch(
        server_name="127.0.0.1", server_port=port, share=False, inbrowser=in_browser, prevent_thread_lock=True,
        quiet=True, footer_links=[], max_file_size=max_megabytes * 2**20, ssr_mode=False, enable_monitoring=False,
        mcp_server=False, pwa=False)
  except OSError:
    where = "7860 and the hundred after it are" if port is None else f"{port} is"
    raise ValueError(f"port {where} taken; choose another one.") from None
  return page


def build(catalogue, first):
  """The page as gr.Blocks, with the Choice `first` in its controls."""
  with gr.Blocks(title="hgn-explore", analytics_enabled=False, fill_width=True, delete_cache=(_HOUR, _HOUR)) as page:
    gr.Markdown(_TITLE)
    actions = gr.State([], time_to_live=24 * _HOUR)
    now = gr.Number(0, precision=0, visible=False)
    with gr.Row():
      with gr.Column(scale=1, min_width=260):
        controls = _controls(catalogue, first)
      with gr.Column(scale=4, min_width=640):
        views = _views()
        player = _player()
        pushes = _pushes(catalogue.subject(first.model).facts)
    _listen(page, catalogue, controls, {**views, **pushes}, player, actions, now)
  return page


def _first(catalogue):
  name = catalogue.names[0]
  method = catalogue.subject(name).facts.methods[0]
  return answers.Choice(name, method=method, world=catalogue.system(name))


def _controls(catalogue, first):
  """Field of Choice -> its component."""
  names, facts = catalogue.names, catalogue.subject(first.model).facts
  found = {"model": gr.Dropdown(names, value=first.model, label="model")}
  with gr.Group():
    found["source"] = gr.Radio([answers.TEST_FILM, answers.CLIP, answers.PRIOR], value=first.source, label="film")
    found["world"] = gr.Dropdown(catalogue.worlds, value=first.world, label="world of test films")
    with gr.Row():
      whole = {"precision": 0, "minimum": 0, "maximum": 9999, "min_width": 80}
      found["number"] = gr.Number(first.number, label="number or seed", **whole)
      found["noise_seed"] = gr.Number(first.noise_seed, label="noise seed", **whole)
    found["clip"] = gr.File(file_types=_CLIPS, label="my clip: video or GIF", height=140)
  with gr.Row():
    found["method"] = gr.Dropdown(list(facts.methods), value=first.method, label="integrator", min_width=110)
    found["step"] = gr.Dropdown(_STEPS, value=first.step, label="dt, in frames", min_width=80)
  with gr.Group():
    found["beside"] = gr.Dropdown([answers.NOTHING, *names], value=first.beside, label="beside it")
    with gr.Row():
      found["beside_method"] = gr.Dropdown(list(facts.methods), value=first.method, label="integrator", min_width=110)
      found["beside_step"] = gr.Dropdown(_STEPS, value=first.beside_step, label="dt, in frames", min_width=80)
  found["pair"] = gr.Dropdown(_pairs(facts), value=1, label="phase plane of the pair")
  return {field.name: found[field.name] for field in dataclasses.fields(answers.Choice)}


def _player():
  return gr.HTML(value=None, charts=None, html_template=(_FOLDER / "player.html").read_text(),
                 css_template=(_FOLDER / "player.css").read_text(), js_on_load=(_FOLDER / "player.js").read_text(),
                 elem_id="player", padding=False)


def _pushes(facts):
  """What is done to the state at the time that is shown: name -> component."""
  found = {}
  with gr.Row():
    with gr.Group():
      with gr.Row():
        found["direction"] = gr.Dropdown(_directions(facts), value=ALONG, label="kick", min_width=150)
        found["momentum"] = gr.Slider(-2.0, 2.0, 0.2, step=0.1, label="momentum / its root mean square", min_width=180)
      found["kick"] = gr.Button("Kick now", variant="primary", size="sm")
    with gr.Group():
      found["energy"] = gr.Slider(-1.0, 2.0, 0.3, step=0.05, label="energy / the largest kinetic one", min_width=180)
      found["boost"] = gr.Button("Add energy now", variant="primary", size="sm")
    found["undo"] = gr.Button("Undo all", size="sm", scale=0, min_width=90)
  return found


def _views():
  """Buttons that show something worth seeing: name -> component."""
  with gr.Row():
    gr.Button("Show the past", size="sm").click(None, js="() => { hgnPlayer.seek(-120); hgnPlayer.play(true); }")
    return {"euler": gr.Button("Euler beside leapfrog", size="sm"),
            "paper": gr.Button("The paper's HGN beside it", size="sm")}


def _pairs(facts):
  return [(str(pair), pair) for pair in range(1, (facts.pairs or 1) + 1)]


def _directions(facts):
  return [("along the motion", ALONG), *((f"p{i}", i) for i in range(1, (facts.pairs or 0) + 1))]


def _listen(page, catalogue, controls, buttons, player, actions, now):
  """Says which event asks for what."""
  inputs = list(controls.values())
  how = {"outputs": [player, actions], "trigger_mode": "always_last", "show_progress": "minimal",
         "api_visibility": "private"}

  def respond(done, *values):
    """The film first, then the charts, which take as long to draw."""
    with _in_one_sentence():
      choice = answers.Choice(**dict(zip(controls, values, strict=True)))
      shown = answers.answer(catalogue, choice, done)
      yield gr.HTML(value=answers.movie(shown)), done
      yield gr.HTML(charts=answers.charts(shown, choice.pair)), done

  def afresh(*values):
    yield from respond((), *values)

  def kick(now, direction, amount, done, *values):
    yield from respond((*done, Kick(int(now), amount, direction)), *values)

  def boost(now, amount, done, *values):
    yield from respond((*done, Boost(int(now), amount)), *values)

  page.load(afresh, inputs, **how)
  # A dropdown that is chosen from tells `input` twice and `select` once.
  films = [controls[name].input for name in ("source", "number", "noise_seed")]
  gr.on([*films, controls["world"].select, buttons["undo"].click], afresh, inputs, **how)
  others = [controls[name].select for name in ("method", "step", "beside_method", "beside_step", "pair")]
  gr.on(others, respond, [actions, *inputs], **how)
  at_time = {"js": "(now, ...others) => { hgnPlayer.play(true); return [hgnPlayer.now(), ...others]; }"}
  buttons["kick"].click(kick, [now, buttons["direction"], buttons["momentum"], actions, *inputs], **how, **at_time)
  buttons["boost"].click(boost, [now, buttons["energy"], actions, *inputs], **how, **at_time)

  # What a choice changes in other controls comes first; then the answer.
  quietly = {"show_progress": "hidden", "api_visibility": "private"}
  model, beside = controls["model"], controls["beside"]
  of_model = [*(controls[name] for name in ("world", "method", "pair")), buttons["direction"]]
  of_beside = [beside, controls["beside_method"], controls["beside_step"]]
  adapted = model.select(functools.partial(_of_model, catalogue), model, of_model, **quietly)
  adapted.success(afresh, inputs, **how)
  for trigger, chosen, method in ((beside.select, beside, None), (buttons["euler"].click, model, "euler")):
    adapted = trigger(functools.partial(_of_beside, catalogue, method=method), chosen, of_beside, **quietly)
    adapted.success(respond, [actions, *inputs], **how)
  adapted = buttons["paper"].click(functools.partial(_paper, catalogue), model, of_beside, **quietly)
  adapted.success(respond, [actions, *inputs], **how)
  adapted = controls["clip"].upload(lambda: answers.CLIP, None, controls["source"], **quietly)
  adapted.success(afresh, inputs, **how)


def _of_model(catalogue, name):
  """World, integrators, pairs and directions of a model that was chosen."""
  with _in_one_sentence():
    facts = catalogue.subject(name).facts
  return (catalogue.system(name), gr.Dropdown(list(facts.methods), value=facts.methods[0]),
          gr.Dropdown(_pairs(facts), value=1), gr.Dropdown(_directions(facts), value=ALONG))


def _of_beside(catalogue, name, method=None):
  """The model beside, its integrator and step."""
  if name == answers.NOTHING:
    return name, gr.skip(), gr.skip()
  with _in_one_sentence():
    methods = catalogue.subject(name).facts.methods
    if method not in (None, *methods):
      raise ValueError(f"{name} was exported with {methods[0]} and runs with nothing else, got {method!r}.")
  return name, gr.Dropdown(list(methods), value=method or methods[0]), 1.0


def _paper(catalogue, name):
  """The paper's HGN of the same world, beside a model."""
  with _in_one_sentence():
    if (world := catalogue.system(name)) in catalogue.stored:
      raise ValueError(f"the box has no model of the paper's for {world}.")
  return _of_beside(catalogue, f"hgn_{world}")


@contextlib.contextmanager
def _in_one_sentence():
  """What goes wrong becomes a message on the page, never a trace."""
  try:
    yield
  except (ValueError, OSError, ImportError, MemoryError, tf.errors.OpError) as error:
    raise gr.Error(cli.one_line(error), duration=None, print_exception=False) from None
