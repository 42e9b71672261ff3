"""The figures of a run as scalars of TensorBoard, in a folder of its own beside those of other runs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from evalayer_lab.inputs import InputError, writing
from evalayer_lab.publish._figures import Figure, plain, with_ends

if TYPE_CHECKING:
    from evalayer_lab.publish._publication import Publication

_FILES: Final = "events.out.tfevents.*.evalayer"
_LONGEST: Final = 250


def publish_tensorboard(publication: Publication, folder: Path) -> Path:
    """Write an event file below `folder/<run's id>`; it takes the place of an earlier one of the same run.

    Each figure is a scalar at step 0, `<metric>/<the rest of its name>`, and so are both ends of its interval with
    `_low` and `_high` behind the name. A run with log probabilities has its reliability diagram as a table of text.

    Args:
        publication: the run.
        folder: the log directory.

    Returns:
        The event file.

    Raises:
        InputError: tensorboardX is not installed, two figures would have one tag, or the folder cannot be written.
    """
    try:
        from tensorboardX import SummaryWriter
    except ImportError:
        raise InputError('event files need tensorboardX: pip install "evalayer[lab]"') from None
    run = publication.run
    scalars = with_ends(publication.figures, _tag, _LONGEST)
    moment = 0.0 if run.started is None else run.started.timestamp()
    own = folder / run.id
    with writing(own):
        own.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=own, prefix=".evalayer-") as work:
            with SummaryWriter(logdir=work) as writer:
                for tag, value in scalars.items():
                    writer.add_scalar(tag, value, global_step=0, walltime=moment)
                if table := "\n".join(_reliability(publication)):
                    writer.add_text("confidence/reliability", table, global_step=0, walltime=moment)
            (written,) = Path(work).iterdir()
            for old in own.glob(_FILES):
                old.unlink()
            return written.replace(own / f"events.out.tfevents.{math.floor(moment)}.evalayer")


def _tag(figure: Figure) -> str:
    rest = figure.name.removeprefix(figure.metric).removeprefix(".") or figure.metric
    return f"{plain(figure.metric)}/{plain(rest)}"


def _reliability(publication: Publication) -> Iterator[str]:
    confidence = publication.document.confidence
    if confidence is None:
        return
    yield "| confidence | rows | mean confidence | accuracy |"
    yield "| --- | ---: | ---: | ---: |"
    for each in confidence.bins:
        mean, accuracy = (
            "-" if value is None else f"{value:.4f}" for value in (each.mean_confidence, each.accuracy.value)
        )
        yield f"| {each.low:.4f} to {each.high:.4f} | {each.n} | {mean} | {accuracy} |"
