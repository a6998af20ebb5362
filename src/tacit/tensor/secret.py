"""A secret is a ``torch.Tensor``: outside it looks like the value, inside it holds this party's share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import torch
from torch import Tensor
from torch._ops import OpOverload

from tacit.caller import caller_line
from tacit.errors import MisuseError, SecretLeakError
from tacit.protocols._base import Protocol
from tacit.protocols.share import EVERYONE, Share
from tacit.ring.device.staging import CPU, to_host
from tacit.ring.fixed_point import decode
from tacit.tensor.caught import CAUGHT
from tacit.tensor.deferred import DeferredRelu
from tacit.tensor.dispatch import dispatch


def leak(what: str, instead: str = "") -> NoReturn:
    """Refuse something that would disclose a secret. Raises SecretLeakError, which says what to do ``instead``."""
    raise SecretLeakError(
        f"{what} at {caller_line()} would disclose a secret. {instead + ' ' if instead else ''}If that is what you "
        "want, say so: tacit.reveal(x) gives the plain tensor to all parties, "
        'tacit.reveal(x, to="name") to one, and the ledger records it.'
    )


class Secret(Tensor):
    """A tensor that no party sees. It has the dtype, shape and strides of the value and works with PyTorch as it is.

    Floating-point types are all held as fixed point with ``Settings.frac_bits`` fraction bits, integers exactly, bool
    as bits. To the program it lies on the CPU, at every party, wherever this party keeps its share: so all parties see
    the same program, and what is public is computed alike. ``_share``, ``_deferred`` and ``_protocol`` are for rules.
    """

    _held: Share | DeferredRelu
    _protocol: Protocol

    @staticmethod
    def __new__(cls, protocol: Protocol, share: Share | DeferredRelu, dtype: torch.dtype) -> Secret:
        if isinstance(share, Share):
            share.storage.tensors += 1
        part = share.parts[0] if isinstance(share, Share) else share.argument.parts[0]
        out: Secret = torch.Tensor._make_wrapper_subclass(
            cls, part.shape, part.stride(), part.storage_offset(), dtype=dtype, device=CPU
        )
        out._held = share
        out._protocol = protocol
        return out

    @property
    def _share(self) -> Share:
        """What this party holds; a ReLU that was put off is done now."""
        if isinstance(self._held, DeferredRelu):
            self._held = self._held.done(self._protocol)
            self._held.storage.tensors += 1
        return self._held

    @property
    def _deferred(self) -> DeferredRelu | None:
        """The ReLU that is still to be done, if this is the result of one."""
        return self._held if isinstance(self._held, DeferredRelu) else None

    @property
    def public(self) -> Tensor | None:
        """The plain value, if everybody knows it (as of ``torch.zeros_like(x)``); None of anything secret."""
        late = self._deferred
        if late is not None and late.argument.storage.known_by != EVERYONE:
            return None
        share = self._share
        if share.storage.known_by != EVERYONE or share.clear is None:
            return None
        return to_host(share.clear if share.storage.boolean else decode(share.clear, share.scale, self.dtype)).clone()

    def defer(self, late: DeferredRelu) -> None:
        """Become the result of a ReLU that is not done yet. No other tensor may lie in the same memory."""
        self._held = late

    @classmethod
    def __torch_function__(
        cls, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        replacement = CAUGHT.get(function)
        if replacement is not None:
            return replacement(*args, **(kwargs or {}))
        with torch._C.DisableTorchFunctionSubclass():
            return function(*args, **kwargs) if kwargs else function(*args)

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, op: OpOverload, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return dispatch(Secret, op, args, kwargs or {})

    def viewed(self, function: Callable[[Tensor], Tensor]) -> Secret:
        """The view of this secret that ``function`` takes of a tensor: it shares the memory."""
        return Secret(self._protocol, self._share.view(function), self.dtype)

    def aliased(self) -> Secret:
        """The same memory as another tensor: what is found out about the value is known of both."""
        return Secret(self._protocol, self._share, self.dtype)

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        return f"<secret {str(self.dtype).removeprefix('torch.')} {tuple(self.shape)}>"

    def __format__(self, specification: str) -> str:
        return leak("format()") if specification else repr(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        if id(self) in memo:
            return memo[id(self)]  # type: ignore[no-any-return]
        if not self.is_leaf:
            raise RuntimeError("Only leaf tensors can be deep-copied; use x.detach().clone().")
        out = self.detach().clone().requires_grad_(self.requires_grad)
        if getattr(self, "_is_param", False):
            out._is_param = True
        memo[id(self)] = out
        return out  # type: ignore[return-value]

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise MisuseError(
            f"A secret cannot be saved or pickled (at {caller_line()}): its share belongs to this session only. "
            "tacit.reveal(x) gives a plain tensor that can."
        )

    def numpy(self, *, force: bool = False) -> NoReturn:
        """Refused: it would disclose the secret."""
        leak("numpy()")

    def tolist(self) -> Any:
        """Refused, unless everybody knows the value: it would disclose the secret."""
        value = self.public
        return leak("tolist()") if value is None else value.tolist()

    def __array__(self, dtype: Any = None, copy: Any = None) -> NoReturn:
        leak("Conversion to a numpy array")

    def __dlpack__(self, *args: Any, **kwargs: Any) -> NoReturn:
        leak("__dlpack__()")

    def __dlpack_device__(self) -> NoReturn:
        leak("__dlpack__()")

    def share_memory_(self) -> NoReturn:
        """Refused: a share belongs to one party's process."""
        raise MisuseError("A secret cannot be moved to shared memory: its share belongs to this party's process only.")
