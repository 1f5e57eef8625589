"""Posts updates to a webhook: in order within a chat, again until the bot says 2xx."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import aiohttp

from tests.telegram_server.updates import Update
from tests.telegram_server.world import World

_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _TIMEOUT_S = 0.05, 60.0, 60.0


class Postman:
    """Works while a webhook is set."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._busy: set[int] = set()  # chats with an update under way

    async def work(self) -> None:
        """Until cancelled."""
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session, asyncio.TaskGroup() as tasks:
            while True:
                update = await self._world.until(self._next, timeout_s=None)
                self._busy.add(update.queue)
                tasks.create_task(self._deliver(session, update))

    def _next(self) -> Update | None:
        world = self._world
        if not world.webhook.url or len(self._busy) >= world.webhook.max_connections:
            return None
        for update in world.updates.take_again():
            world.updates.pending.appendleft(update)
        seen: set[int] = set(self._busy)
        for update in world.updates.pending:
            if update.queue not in seen:
                return update
            seen.add(update.queue)
        return None

    async def _deliver(self, session: aiohttp.ClientSession, update: Update) -> None:
        pause_s = _FIRST_PAUSE_S
        try:
            while self._world.webhook.url and update in self._world.updates.pending:
                if await self._post(session, update):
                    with suppress(ValueError):
                        self._world.updates.pending.remove(update)
                    break
                await asyncio.sleep(pause_s)
                pause_s = min(_LONGEST_PAUSE_S, 2 * pause_s)
        finally:
            self._busy.discard(update.queue)
            self._world.changed()

    async def _post(self, session: aiohttp.ClientSession, update: Update) -> bool:
        hook = self._world.webhook
        headers = {"X-Telegram-Bot-Api-Secret-Token": hook.secret} if hook.secret else {}
        try:
            async with session.post(hook.url, json=update.deliver(self._world.now()), headers=headers) as response:
                if 200 <= response.status < 300:
                    return True
                hook.last_error = f"Wrong response from the webhook: {response.status} {response.reason}"
        except (aiohttp.ClientError, TimeoutError) as error:
            hook.last_error = f"Connection failed: {error}"
        hook.last_error_at = self._world.now()
        self._world.changed()
        return False
