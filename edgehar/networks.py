"""Build a network by its name, save it, load it, ask it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from edgehar.cache import write_atomic
from edgehar.data.clip import sensors_of
from edgehar.errors import InputError
from edgehar.models import STUDENTS, TEACHERS
from edgehar.registry import check, load

if TYPE_CHECKING:
    from torch import Tensor, nn

    from edgehar.models.network import Network
    from edgehar.models.output import Output
    from edgehar.training.batches import Clips


N = TypeVar("N", bound="nn.Module")
SENSORS_TEACHER = "sensors"  # the one whose streams the plan chooses


def build_student(name: str, classes: int, window: int) -> Network:
    """A student by its name, with the weights that torch's random state gives it."""
    target, options = STUDENTS[check("student", name, STUDENTS)]
    return load(target)(classes, window, **options)


def build_teacher(
    name: str, classes: int, preset: str = "best", graph: str | None = None, streams: Sequence[str] = ()
) -> Network:
    """A teacher by its name, as a preset has it, with the weights that torch's random state gives it.

    graph: of edgehar.models.graphs, the recordings' skeleton (see Plan); None for the teacher's own.
    streams: among them, what the teacher of sensors feels; the others know what they look at.
    """
    from edgehar.presets import network_options

    target, options = teacher_line(name, graph, streams)
    return load(target)(classes, **{**options, **network_options(preset, name)})


def teacher_line(
    name: str, graph: str | None = None, streams: Sequence[str] = ()
) -> tuple[str, dict[str, Any]]:
    """A teacher's line in TEACHERS, with the recordings' graph in place of its own where it looks at one, and
    the sensors among `streams` where it feels what it is told."""
    target, options = TEACHERS[check("teacher", name, TEACHERS)]
    own: dict[str, Any] = {"graph": graph} if graph is not None and "graph" in options else {}
    if name == SENSORS_TEACHER and (felt := sensors_of(streams)):
        own["streams"] = list(felt)
    return target, {**options, **own}


def save_weights(network: nn.Module, path: Path) -> None:
    """Write a network's weights as safetensors, whole or not at all."""
    from safetensors.torch import save  # save_file would leave files that only their owner may read

    state = {name: value.contiguous() for name, value in network.state_dict().items()}
    write_atomic(path, lambda part: part.write_bytes(save(state)))


def load_weights(network: N, path: Path) -> N:
    """Give a network its weights and return it, ready to be asked (eval mode).

    Raises InputError if the file is missing, damaged, or another network's.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        network.load_state_dict(load_file(path))
    except FileNotFoundError:
        raise InputError(f"{path} does not exist: the run folder is not whole; train again.") from None
    except SafetensorError as error:
        raise InputError(f"{path} is damaged ({error}): train again.") from None
    except RuntimeError:
        raise InputError(
            f"{path} holds the weights of another network than config.json and labels.txt name: train again."
        ) from None
    return network.eval()


def glimpse(network: Network, clips: Clips) -> Output:
    """What a network says of the first two clips, maps included: enough to see the shapes of all."""
    import torch

    network.eval()
    with torch.inference_mode():
        return network(*(torch.from_numpy(clips.arrays[name][:2]) for name in network.streams))


def ask(
    network: Network, clips: Clips, warps: Tensor | None = None, batch: int = 32, *, courses: bool = False
) -> Output:
    """What a network says of clips, in order, without gradients; warps (N, KNOTS) bend their time first.

    Returns an Output of (N, ...) tensors on the CPU, without maps, or with the time courses (N, C, T) of two
    of them, `middle` and `last`, where `courses` are wanted. Raises InputError for scores that
    are not numbers.
    """
    import torch

    from edgehar.losses.maps import last, middle
    from edgehar.models.output import Output
    from edgehar.signals import augment

    device = next(network.parameters()).device
    none = torch.Generator()
    parts = []
    network.eval()
    with torch.inference_mode():
        for start in range(0, len(clips), batch):
            rows = slice(start, start + batch)
            inputs = []
            for name in network.streams:
                values = torch.from_numpy(clips.arrays[name][rows])
                if warps is not None:
                    bent = warps[rows]
                    video = values.dtype == torch.uint8
                    values = (
                        augment.warp_video(values, bent, generator=none)
                        if video
                        else augment.warp_motion(values, bent)
                    )
                inputs.append(values.to(device))
            said = network(*inputs)
            kept = [said.logits, said.embedding, *([middle(said), last(said)] if courses else [])]
            parts.append([part.float().cpu() for part in kept])
    logits, embedding, *maps = (torch.cat(column).clone() for column in zip(*parts, strict=True))
    if not torch.isfinite(logits).all():
        raise InputError("The network's scores are not numbers: training diverged; lower the learning rate.")
    return Output(logits, embedding, dict(zip(("middle", "last"), maps, strict=False)))
