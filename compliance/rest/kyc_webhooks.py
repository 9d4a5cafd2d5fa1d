"""Where verification providers post their webhooks. They sign with their secret; no access token, no description."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from compliance.services.kyc_checks import receive_notice
from kernel import clock
from kernel.rest.bodies import read_body
from kernel.rest.plain import WrongMethod, json_answer
from kernel.rest.problems import problem_of


@csrf_exempt
def receive(request: HttpRequest, provider: str) -> HttpResponse:
    """200 once the notice is taken in, and for one that is not ours: providers repeat everything else."""
    try:
        if request.method != "POST":
            raise WrongMethod("Use POST here.")
        ours = receive_notice(provider=provider, headers=request.headers, body=read_body(request), at=clock.now())
    except Exception as error:
        response = problem_of(error)
        if isinstance(error, WrongMethod):
            response["Allow"] = "POST"
        return response
    return json_answer({"taken": ours})
