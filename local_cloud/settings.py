"""How a local cloud is set up: `LOCAL_CLOUD_*` in the environment, and what the toolchain has installed."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from local_cloud.errors import LocalCloudError
from local_cloud.state_directory import DEFAULT_STATE_DIR

PROGRAMS = ("postgresql", "valkey", "tailscale", "headscale", "openbao")
REQUIRED_IMAGES = frozenset({"debian-12-x64", "database"})


class SettingsError(LocalCloudError):
    """A setting is unusable, or the toolchain hasn't been installed; the message says what to do."""


class Settings(BaseSettings):
    """Paths are absolute from here on, whatever directory a command is started in."""

    model_config = SettingsConfigDict(env_prefix="LOCAL_CLOUD_", extra="forbid", frozen=True)

    state_dir: Path = DEFAULT_STATE_DIR
    port: int = Field(default=8170, ge=1, le=65535)
    toolchain_manifest: Path = Path(".tenantry/toolchain.json")
    seed: int | None = None
    """Makes ids, addresses and passwords repeat from one empty cloud to the next."""
    boot_concurrency: int = Field(default=4, ge=1, le=64)
    """Droplets that may boot at the same moment; a boot is bound by the processor."""

    @classmethod
    def load(cls) -> Self:
        """From the environment. Raises SettingsError, naming the variable and what it holds."""
        try:
            return cls()
        except ValidationError as error:
            found = "; ".join(
                f"LOCAL_CLOUD_{str(detail['loc'][0]).upper()}={detail['input']!r}: {detail['msg']}"
                for detail in error.errors()
            )
            raise SettingsError(f"a setting is unusable: {found}") from error

    @field_validator("state_dir", "toolchain_manifest")
    @classmethod
    def _absolute(cls, path: Path) -> Path:
        return path.expanduser().absolute()

    @property
    def key(self) -> str:
        """What tells this cloud's cgroups from another's on the same machine: 8 hex digits of its path."""
        return hashlib.sha256(str(self.state_dir).encode()).hexdigest()[:8]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        """These settings as the variables that give them."""
        values = self.model_dump(mode="json", exclude_none=True)
        return {f"LOCAL_CLOUD_{name.upper()}": str(value) for name, value in values.items()}


class ToolchainManifest(BaseModel):
    """What `python -m toolchain` wrote down; only what the local cloud needs of it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    environment: Mapping[str, str]
    images: Mapping[str, Path]
    """Root file systems by image slug, and `database`, a layer over the base image."""
    postgresql: Path
    valkey: Path
    tailscale: Path
    """The folder of `tailscaled` and `tailscale`."""
    headscale: Path
    openbao: Path

    @classmethod
    def read(cls, path: Path) -> Self:
        """The manifest at `path`, its images and programs seen to exist.

        Raises SettingsError when there is none, it can't be understood, or what it names has gone.
        """
        try:
            manifest = cls.model_validate(json.loads(path.read_text()))
        except FileNotFoundError:
            raise SettingsError(
                f"there is no toolchain manifest at {path}: run `python -m toolchain`"
            ) from None
        except OSError as error:
            raise SettingsError(
                f"the toolchain manifest {path} can't be read ({error.strerror}): "
                "correct LOCAL_CLOUD_TOOLCHAIN_MANIFEST, or run `python -m toolchain`"
            ) from error
        except ValidationError as error:
            wrong = ", ".join(".".join(map(str, detail["loc"])) for detail in error.errors())
            raise SettingsError(
                f"{path} is not a toolchain manifest (wrong or missing: {wrong}): "
                "run `python -m toolchain` again"
            ) from error
        except ValueError as error:
            raise SettingsError(
                f"{path} is not a toolchain manifest ({error}): run `python -m toolchain` again"
            ) from error
        manifest.check(path)
        return manifest

    def check(self, path: Path) -> None:
        missing = REQUIRED_IMAGES - self.images.keys()
        if missing:
            raise SettingsError(
                f"{path} lacks the images {', '.join(sorted(missing))}: run `python -m toolchain` again"
            )
        programs = {name: getattr(self, name) for name in PROGRAMS}
        for name, program in {**self.images, **programs}.items():
            if not program.exists():
                raise SettingsError(
                    f"{path} says that {name} is at {program}, which has gone: run `python -m toolchain`"
                )
