"""Sessions whose visitors have gone: freed when their time is over, not when the next one comes.

Streamlit keeps up to 128 disconnected sessions for ``server.disconnectedSessionTTL`` seconds, each
with an event loop of three file descriptors, but looks at their age only when it stores another.
"""

import asyncio
import gc
from contextlib import suppress

from streamlit import runtime

SECONDS_BETWEEN_LOOKS = 10.0


async def free_expired_sessions() -> None:
    """Drop expired sessions for as long as the server runs."""
    while True:
        await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
        if drop_expired():
            gc.collect()  # a session is part of reference cycles; its descriptors go with it


def drop_expired() -> int:
    """Drop the sessions whose time is over and return how many they were."""
    if not runtime.exists():
        return 0
    with suppress(AttributeError):  # another version of Streamlit may keep them elsewhere
        cache = runtime.get_instance()._session_mgr._session_storage._cache  # type: ignore[attr-defined]
        before = cache.currsize
        cache.expire()
        return before - cache.currsize
    return 0
