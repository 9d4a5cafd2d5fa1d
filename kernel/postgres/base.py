"""Django's PostgreSQL backend, with a look at kept connections that costs no round trip. Named as ENGINE in the settings."""

from __future__ import annotations

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    def is_usable(self) -> bool:
        """Whether a kept connection still stands.

        A server that is gone has closed its end, and that can be read here at once; where nothing is to be read, all is
        well. Django asks the server instead, with a statement before each request.
        """
        if self.connection is None or self.connection.closed:
            return False
        if not self.errors_occurred:
            socket = select.poll()
            socket.register(self.connection.fileno(), select.POLLIN)
            if not socket.poll(0):
                return True
        usable: bool = super().is_usable()
        return usable
