"""HTTP and WebSocket on one port (the demo); production runs `web` and `api` on WSGI, and only `ws` on this."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pms.settings")

application = get_asgi_application()
