"""`stackd dev`: the server and a simulated OpenStack in one process, on loopback.

Nothing is left behind unless --state names a directory. The simulated cloud itself is in memory: after a
restart it has its initial objects again, users and projects among them, with the same ids. Stacks that are
stored in --state are there, but the objects that they made are not.
"""

from __future__ import annotations

import asyncio
import errno
import os
import shlex
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Awaitable, Coroutine, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from stackd.cli.definition import pair
from stackd.cli.failures import BAD_INPUT, FAILED, Failure
from stackd.cli.settings import load_settings

if TYPE_CHECKING:
    from stackd.devcloud import DevCloud
    from stackd.settings import Settings

_HOST = "127.0.0.1"
_PORT = click.IntRange(1, 65535)
_PASSWORD = "secret"  # noqa: S105  # everyone's in the simulated cloud
_DEMO = "webapp.yaml"
_INTERRUPTED = 130  # what shells give a command that Ctrl-C has ended

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for on the command line."""

    port: int
    cloud_port: int
    cfn_port: int
    latency: float
    state: Path
    config_file: str | None
    command: tuple[str, ...]
    quotas: Mapping[str, int] = field(default_factory=dict)
    cloudwatch_port: int = 0
    services: tuple[str, ...] = ()


@click.command(context_settings={"ignore_unknown_options": False})
@click.option("--port", type=_PORT, help="The server's port; 8004, or a free one if there is a COMMAND.")
@click.option("--cloud-port", type=_PORT, help="The cloud's port; 8005, or a free one if there is a COMMAND.")
@click.option("--cfn-port", type=_PORT, help="The port to which guests send signals; a free one by default.")
@click.option(
    "--cloudwatch-port", type=_PORT, help="The port to which guests send metrics; a free one by default."
)
@click.option(
    "--latency", type=float, default=0.0, metavar="SECONDS", help="How long each call to the cloud takes."
)
@click.option(
    "--state", type=click.Path(file_okay=False, path_type=Path), help="Keep the database in this directory."
)
@click.option(
    "--quota",
    "quotas",
    multiple=True,
    metavar="NAME=LIMIT",
    help="What a project may have, such as servers=50; -1 is no limit. Repeatable.",
)
@click.option("--no-quotas", is_flag=True, help="Limit only what --quota names.")
@click.option(
    "--services",
    metavar="NAME[,NAME...]",
    default="",
    help="The services in the cloud's catalog, such as nova,neutron; all by default.",
)
@click.option("--demo", is_flag=True, help="Create a stack with servers, networks and a volume, then stop.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def dev(
    config_file: str | None,
    *,
    port: int | None,
    cloud_port: int | None,
    cfn_port: int | None,
    cloudwatch_port: int | None,
    latency: float,
    state: Path | None,
    quotas: tuple[str, ...],
    no_quotas: bool,
    services: str,
    demo: bool,
    command: tuple[str, ...],
) -> None:
    """Run the server with a simulated OpenStack.

    Without COMMAND, prints the variables that point OpenStack's clients at it, and runs until Ctrl-C. With
    `-- COMMAND...`, runs that with the variables set, stops after it and ends with its exit code.

    A project may have what it may have in a real cloud whose quotas nobody has changed: 10 servers, 20 cores,
    10 volumes and so on.
    """
    if demo:
        command = (
            sys.executable,
            "-m",
            "stackd.cli",
            "stack",
            "create",
            "demo",
            "-t",
            _example(_DEMO),
            "--wait",
        )
    with ExitStack() as stack:
        directory = state or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="stackd-")))
        _make(directory)
        options = Options(
            port=port or (_free_port() if command else 8004),
            cloud_port=cloud_port or (_free_port() if command else 8005),
            cfn_port=cfn_port or _free_port(),
            latency=latency,
            state=directory,
            config_file=config_file,
            command=command,
            quotas=chosen_quotas(quotas, usual=not no_quotas),
            cloudwatch_port=cloudwatch_port or _free_port(),
            services=chosen_services(services),
        )
        import uvloop

        code = uvloop.run(run(options))
    if demo and code == 0:
        click.echo(_DEMO_IS_OVER.format(stackd=shlex.quote(own_command())), err=True)
    sys.exit(code)


def _make(directory: Path) -> None:
    """Make a directory that may be there; raises Failure if it cannot be."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(
            f"The directory {directory} cannot be made: {error.strerror}.",
            BAD_INPUT,
            "Choose another directory with --state.",
        ) from error


_DEMO_IS_OVER = """\

The demo stack was complete, and has gone with its server. To go on with a server that stays:
  {stackd} dev"""


def chosen_quotas(given: tuple[str, ...], *, usual: bool) -> dict[str, int]:
    """The quotas in force; raises Failure for one that there is not."""
    from stackd.devcloud import USUAL_QUOTAS

    quotas = dict(USUAL_QUOTAS) if usual else {}
    for name, limit in (pair(text, "--quota") for text in given):
        if name not in USUAL_QUOTAS:
            raise Failure(f"There is no quota {name!r}.", BAD_INPUT, f"There are {', '.join(USUAL_QUOTAS)}.")
        try:
            quotas[name] = int(limit)
        except ValueError:
            raise Failure(f"--quota {name}={limit}: {limit!r} is no number.", BAD_INPUT) from None
    return quotas


def chosen_services(given: str) -> tuple[str, ...]:
    """The services by name, none for all; raises Failure for one that there is not."""
    from stackd.devcloud.services import SERVICES

    names = tuple(name for each in given.split(",") if (name := each.strip()))
    if unknown := [name for name in names if name not in SERVICES]:
        raise Failure(f"There is no service {unknown[0]!r}.", BAD_INPUT, f"There are {', '.join(SERVICES)}.")
    return names


def own_command() -> str:
    """What to type for `stackd`: its name where the shell finds this one, else its path."""
    program = Path(sys.argv[0])
    found = shutil.which("stackd")
    if program.name != "stackd" or (found and Path(found).resolve() == program.resolve()):
        return "stackd"
    return str(program)


async def run(options: Options) -> int:
    """Serve both, run the command if there is one, and return the exit code."""
    from stackd.app import serve as run_server
    from stackd.devcloud import DevCloudSettings
    from stackd.devcloud import serve as serve_cloud
    from stackd.devcloud.keystone.seed import register

    loop = asyncio.get_running_loop()
    interrupted, ready = asyncio.Event(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupted.set)
    known: asyncio.Future[DevCloud] = loop.create_future()
    cloud_settings = DevCloudSettings(
        host=_HOST,
        port=options.cloud_port,
        latency=options.latency,
        quotas=options.quotas,
        trusts_file=str(options.state / "cloud-trusts.json"),
        services=options.services,
    )
    cloud_served = serve_cloud(cloud_settings, ready=known.set_result)
    tasks: list[asyncio.Task[Any]] = [
        loop.create_task(interrupted.wait()),
        loop.create_task(_listening(cloud_served, {options.cloud_port: "--cloud-port"})),
    ]
    try:
        cloud = await _until(known, tasks)
        register(cloud.world, "orchestration", "heat", f"http://{_HOST}:{options.port}/v1/$(project_id)s")
        register(cloud.world, "cloudformation", "heat-cfn", f"http://{_HOST}:{options.cfn_port}/v1")
        served = run_server(dev_settings(options, cloud.auth_url), ready=ready)
        chosen_by = {
            options.port: "--port",
            options.cfn_port: "--cfn-port",
            options.cloudwatch_port: "--cloudwatch-port",
        }
        tasks.append(loop.create_task(_listening(served, chosen_by)))
        await _until(ready.wait(), tasks)
        variables = client_variables(cloud.auth_url, cloud_settings.region)
        if options.command:
            return await _until(_run_command(options.command, variables), tasks)
        click.echo(_welcome(variables, options.port))
        return await _until(loop.create_future(), tasks)
    except Interrupted:
        return _INTERRUPTED if options.command else 0
    finally:
        for task in reversed(tasks):
            task.cancel()
            await asyncio.wait([task])


async def _listening(served: Coroutine[Any, Any, None], chosen_by: Mapping[int, str]) -> None:
    """Serve; a port that another process has is reported with the option that chooses another."""
    from stackd.serving import AddressInUse

    port, option = next(iter(chosen_by.items()))
    try:
        await served
    except AddressInUse as error:
        remedy = f"Choose another port with {chosen_by.get(error.port, option)}."
        raise Failure(error.message, FAILED, remedy) from error
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL):
            raise
        text = f"Cannot listen on {_HOST}:{port}: {os.strerror(error.errno)}"
        raise Failure(text, FAILED, f"Choose another port with {option}.") from error


class Interrupted(Exception):
    """The command was told to stop before what it waited for came."""


async def _until(awaited: Awaitable[T], ends: list[asyncio.Task[Any]]) -> T:
    """The result of what is awaited; when one of the tasks ends first, the command ends with its error."""
    wanted = asyncio.ensure_future(awaited)
    await asyncio.wait([wanted, *ends], return_when=asyncio.FIRST_COMPLETED)
    if wanted.done():
        return wanted.result()
    wanted.cancel()
    await asyncio.wait([wanted])
    for task in ends:
        if task.done() and (error := task.exception()):
            if isinstance(error, Failure):
                raise error
            raise Failure(f"The server cannot run: {error}", FAILED) from error
    raise Interrupted


def dev_settings(options: Options, auth_url: str) -> Settings:
    """Settings for a server in front of the simulated cloud; limits and the like may come from elsewhere."""
    from pydantic import SecretStr

    from stackd.settings import Api, CfnListener, CloudWatchListener, Database, Keystone, Log, NativeListener

    quiet = options.command and "STACKD_LOG__LEVEL" not in os.environ  # the command's output is what counts
    return load_settings(
        options.config_file,
        **({"log": Log(level="warning")} if quiet else {}),
        api=Api(
            native=NativeListener(host=_HOST, port=options.port),
            cfn=CfnListener(host=_HOST, port=options.cfn_port),
            cloudwatch=CloudWatchListener(host=_HOST, port=options.cloudwatch_port or _free_port()),
        ),
        database=Database(url=f"sqlite:///{options.state.absolute()}/stackd.db"),
        keystone=Keystone(
            auth_url=auth_url,
            username="heat",
            password=SecretStr(_PASSWORD),
            project_name="service",
            stack_domain_name="heat",
            stack_domain_admin="heat_domain_admin",
            stack_domain_admin_password=SecretStr(_PASSWORD),
        ),
    )


def client_variables(auth_url: str, region: str) -> dict[str, str]:
    """What OpenStack's clients must find in their environment to use the simulated cloud."""
    return {
        "OS_AUTH_URL": auth_url,
        "OS_IDENTITY_API_VERSION": "3",
        "OS_USERNAME": "admin",
        "OS_PASSWORD": _PASSWORD,
        "OS_PROJECT_NAME": "admin",
        "OS_USER_DOMAIN_NAME": "Default",
        "OS_PROJECT_DOMAIN_NAME": "Default",
        "OS_REGION_NAME": region,
    }


async def _run_command(command: tuple[str, ...], variables: Mapping[str, str]) -> int:
    """Run it with the variables and without any other credentials; return its exit code."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
    try:
        process = await asyncio.create_subprocess_exec(*command, env={**inherited, **variables})
    except OSError as error:
        raise Failure(f"{command[0]} cannot be run: {error.strerror}.", FAILED) from error
    try:
        return await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


def _welcome(variables: Mapping[str, str], port: int) -> str:
    exports = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    if own_command() != "stackd":
        exports.append(f"export PATH={shlex.quote(str(Path(sys.argv[0]).absolute().parent))}:$PATH")
    hello = shlex.quote(_example("hello.yaml"))
    examples = [f"stackd stack create hello -t {hello} --wait"]
    if shutil.which("openstack"):
        examples.append(f"openstack stack create hello2 -t {hello} --wait")
    return "\n".join(
        [
            f"# stackd serves the orchestration API at http://{_HOST}:{port}/v1,",
            "# with a simulated OpenStack behind it. In another terminal:",
            *exports,
            "# then, for example:",
            *(f"#   {example}" for example in examples),
            "# Ctrl-C stops it.",
        ]
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


def _example(name: str) -> str:
    """The path of an example template: in the package as installed, or in the source tree."""
    here = Path(__file__).resolve()
    for directory in (here.parents[1] / "examples", here.parents[3] / "examples"):
        if (directory / name).is_file():
            return str(directory / name)
    raise Failure(f"The example {name} is not installed.", FAILED, "Run this from a source tree.")
