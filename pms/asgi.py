"""HTTP and WebSocket on one port (the demo); production runs `web` and `api` on WSGI, and only `ws` on this."""

import os
import warnings

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pms.settings")
# Static files are read synchronously here, which costs nobody anything; production serves them from WSGI.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")

http = get_asgi_application()  # sets Django up: what follows imports models

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402
from django.urls import path  # noqa: E402

from analytics.live import HomeConsumer  # noqa: E402

# Browsers send cookies to a WebSocket from any page: the origin must be one of our own hosts.
websocket = AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter([path("ws/home/", HomeConsumer.as_asgi())])))

application = ProtocolTypeRouter({"http": http, "websocket": websocket})
