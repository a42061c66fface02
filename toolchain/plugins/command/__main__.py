"""The plugin program: `pulumi-resource-command <engine address>`."""

import logging

from toolchain.plugins.base.facts import load
from toolchain.plugins.base.server import sdk_version, serve
from toolchain.plugins.command.provider import Command

if __name__ == "__main__":
    logging.getLogger("paramiko").addHandler(logging.NullHandler())  # our errors say it, without a traceback
    serve(Command(load("command"), sdk_version("pulumi_command")))
