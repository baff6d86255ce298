"""Beam's DaskRunner, with what TFDS's writer asks of a runner and Beam 2.77's does not do.

Beam's own computes the last output of a pipeline only (of several splits one), forgets what a DoFn gives in
`finish_bundle`, and computes the source of a side input anew in every bundle that reads it.
"""

import apache_beam as beam
import dask
import dask.bag
import distributed
from apache_beam.pipeline import PipelineVisitor
from apache_beam.runners import common, runner
from apache_beam.runners.dask import dask_runner, overrides, transform_evaluator
from apache_beam.transforms.sideinputs import SideInputMap
from apache_beam.transforms.window import GlobalWindows

_PARTITIONS_PER_THREAD = 4  # so that all threads end at about the same time, and little is lost with a worker

# Other runners would fuse what a Reshuffle parts; there is one window to group by.
_NOTHING_TO_DO = (overrides._Reshuffle, overrides._GroupAlsoByWindow)


class DaskRunner(dask_runner.DaskRunner):
  """Runs a batch pipeline on the Dask cluster of `--dask_client_address`.

  Options are those of Beam's DaskRunner. A task whose worker dies is done again by another one.

  Raises:
    ValueError: the pipeline has windows, tagged outputs, or a source other than beam.Create.
  """

  def run_pipeline(self, pipeline, options):
    """Returns when all outputs are computed."""
    given = options.view_as(dask_runner.DaskOptions).get_all_options(drop_default=True, current_only=True)
    cut = dask_runner.DaskOptions._extract_bag_kwargs(given)
    with distributed.Client(**given) as client:
      threads = sum(client.nthreads().values())
      pipeline.replace_all(overrides.dask_overrides())
      visitor = _Bags(cut or {"npartitions": _PARTITIONS_PER_THREAD * max(threads, 1)})
      pipeline.visit(visitor)
      outputs = client.compute(dask.optimize(*visitor.outputs()))
      distributed.progress(outputs, notebook=False, interval="1s")
      client.gather(outputs)  # raises what a worker raised
    return _Done(runner.PipelineState.DONE)


class _Done(runner.PipelineResult):
  """A pipeline that has run."""

  def wait_until_finish(self, duration=None):
    del duration
    return self.state


class _Bags(PipelineVisitor):
  """A dask.bag.Bag of windowed values for every transform of a pipeline.

  Args:
    cut: how `beam.Create` cuts its elements into partitions, arguments of dask.bag.from_sequence.
  """

  def __init__(self, cut):
    self._cut, self._bags, self._read = cut, {}, set()

  def outputs(self):
    """The bags that no other transform reads."""
    return [bag for node, bag in self._bags.items() if node not in self._read]

  def visit_transform(self, transform_node):
    inputs = [self._bag(value) for value in transform_node.inputs if not isinstance(value, beam.pvalue.PBegin)]
    sides = [(side, self._bag(side.pvalue)) for side in transform_node.side_inputs]
    self._bags[transform_node] = self._translate(transform_node, inputs, sides)

  def _bag(self, value):
    self._read.add(value.producer)
    return self._bags[value.producer]

  def _translate(self, node, inputs, sides):
    transform = node.transform
    if isinstance(transform, overrides._Create):
      return dask.bag.from_sequence(transform.values, **self._cut)
    if isinstance(transform, overrides._Flatten):
      return dask.bag.concat(inputs)
    if isinstance(transform, overrides._GroupByKeyOnly):
      return transform_evaluator.GroupByKey(node).apply(*inputs)
    if type(transform) is beam.ParDo and set(node.outputs) == {None}:
      return _par_do(transform, *inputs, sides)
    if isinstance(transform, _NOTHING_TO_DO):
      return inputs[0]
    raise ValueError(f"DaskRunner cannot run {node.full_label}: it takes no windows, no tagged outputs, and no sources "
                     "but beam.Create.")


def _par_do(transform, bag, sides):
  args, kwargs = transform.raw_side_inputs
  views = [(type(side), side._view_options()) for side, _ in sides]
  elements = [dask.delayed(_concatenated)(bag.to_delayed(optimize_graph=False)) for _, bag in sides]
  return bag.map_partitions(_bundle, transform.fn, transform.label, args, kwargs, views, *elements)


def _concatenated(parts):
  return [element for part in parts for element in part]


def _bundle(elements, fn, label, args, kwargs, views, *sides):
  """What a DoFn makes of one partition, `finish_bundle` included."""
  out = transform_evaluator.OneReceiver()
  handler = common._OutputHandler(
      window_fn=GlobalWindows(), main_receivers=out[None], tagged_receivers=out, per_element_output_counter=None,
      output_batch_converter=None, process_yields_batches=False, process_batch_yields_elements=False)
  invoker = common.DoFnInvoker.create_invoker(
      common.DoFnSignature(fn), handler, context=common.DoFnContext(label, state=None),
      side_inputs=[SideInputMap(*view, _windowed(side)) for view, side in zip(views, sides, strict=True)],
      input_args=list(args), input_kwargs=kwargs, user_state_context=None,
      bundle_finalizer_param=beam.DoFn.BundleFinalizerParam())
  invoker.invoke_setup()
  invoker.invoke_start_bundle()
  for element in _windowed(elements):
    invoker.invoke_process(element)
  invoker.invoke_finish_bundle()
  invoker.invoke_teardown()
  return [value.value for value in out[None].values]


def _windowed(elements):
  return [transform_evaluator.get_windowed_value(element, GlobalWindows()) for element in elements]
