"""Requests as text on the wire: JSON with every field checked when it is read."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

from tacit.correlations import limits
from tacit.correlations._base import correction_bytes
from tacit.correlations.masks import MaskView
from tacit.correlations.requests import Request
from tacit.errors import MisuseError, ProtocolAbort
from tacit.ring.bilinear import Bilinear

MAX_REQUEST_BYTES = 1 << 16
MAX_CORRECTION_BYTES = 1 << 35


def encode(request: Request) -> bytes:
    """A request as JSON."""
    body = {field.name: _plain(getattr(request, field.name)) for field in fields(request)}
    return json.dumps({"kind": request.kind, **body}, separators=(",", ":")).encode()


def decode(data: bytes) -> Request:
    """The request that ``encode`` wrote. Raises ``ProtocolAbort`` for anything else, before memory is taken for it."""
    try:
        body = json.loads(data)
        request = Request.kinds[body.pop("kind")](**{name: _restored(value) for name, value in body.items()})
        limits.check(request)
        size = correction_bytes(request)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError, MisuseError) as error:
        raise ProtocolAbort(f"not a request for correlated randomness: {type(error).__name__}") from None
    if size > MAX_CORRECTION_BYTES:
        raise ProtocolAbort(f"a request for {size} bytes of correlated randomness is beyond any real need")
    return request


def _plain(value: Any) -> Any:
    if isinstance(value, MaskView):
        return {"mask": [value.id, value.numel, list(value.size), list(value.stride), value.offset]}
    if isinstance(value, Bilinear):
        return {"op": value.to_json()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def _restored(value: Any) -> Any:
    if isinstance(value, dict):
        if "op" in value:
            return Bilinear.from_json(value["op"])
        mask, numel, size, stride, offset = value["mask"]
        return MaskView(mask, numel, tuple(size), tuple(stride), offset)
    if isinstance(value, list):
        return tuple(_restored(item) for item in value)
    if isinstance(value, (bool, int)):
        return value
    raise TypeError("neither a number nor a mask nor an operation")
