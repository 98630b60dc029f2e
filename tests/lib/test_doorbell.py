"""The doorbell: said once when it falls silent, once when it rings again."""

from __future__ import annotations

import logging

from indexing.lib import doorbell


class Layer:
    """A channel layer that can be away."""

    def __init__(self) -> None:
        self.away = False
        self.sent = 0

    async def group_send(self, _group: str, _message: object) -> None:
        if self.away:
            raise ConnectionRefusedError("nobody there")
        self.sent += 1


def test_a_doorbell_that_does_not_ring_is_said_once_until_it_rings_again(settings, monkeypatch, caplog):
    caplog.set_level(logging.INFO, doorbell.logger.name)
    settings.REDIS_URL = "redis://127.0.0.1"
    layer, bell = Layer(), doorbell.Doorbell()
    monkeypatch.setattr(doorbell, "get_channel_layer", lambda: layer)
    for layer.away in (False, True, True, False, False, True, True):
        bell.ring()
    assert layer.sent == 3
    silent, again, once_more = (record.getMessage() for record in caplog.records)
    assert silent == once_more == "The doorbell does not ring (nobody there); open pages update a moment later."
    assert again == "The doorbell rings again."
