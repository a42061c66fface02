"""The few calls that the commands make to the running API, with nothing but the standard library."""

import http.client
import json
from pathlib import Path
from typing import Any

from local_cloud.errors import CloudIsDownError, LocalCloudError
from local_cloud.lifecycle.state import Supervisor, read_token

SECONDS = 10.0


class ApiError(LocalCloudError):
    """The API refused a call, or failed."""


def call(
    state_dir: Path, supervisor: Supervisor, method: str, path: str, seconds: float = SECONDS
) -> dict[str, Any]:
    """The answer's JSON. Raises CloudIsDownError when nobody answers, ApiError for any status above 299."""
    connection = http.client.HTTPConnection("127.0.0.1", supervisor.port, timeout=seconds)
    try:
        connection.request(method, path, headers={"Authorization": f"Bearer {read_token(state_dir)}"})
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise CloudIsDownError(
            f"the API at {supervisor.url} doesn't answer ({error}): see `python -m local_cloud logs`"
        ) from error
    finally:
        connection.close()
    if response.status > 299:
        raise ApiError(
            f"{method} {path} was answered {response.status}: {body.decode(errors='replace')[:500]}"
        )
    answer: dict[str, Any] = json.loads(body) if body else {}
    return answer
