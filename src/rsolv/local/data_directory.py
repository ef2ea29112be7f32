"""
Make a data directory and say who may connect to it.
"""

import shutil
from pathlib import Path

from rsolv.local import place
from rsolv.local.errors import ClusterFailed
from rsolv.local.private_files import write_private
from rsolv.local.programs import Programs
from rsolv.local.system_user import SystemUser, caller_name

ROLE = "rsolv"
SUPERUSER = "postgres"

HOST_BASED_ACCESS = """\
# Written at every start. Who connects over the socket is named by the operating system.
local all all peer map=rsolv
host all all 127.0.0.1/32 scram-sha-256
host all all ::1/128 scram-sha-256
"""


def initialise(data: Path, programs: Programs, *, durable: bool) -> None:
    """
    Make the data directory, whole or not at all: it gets its name when it is finished.

    Text is UTF-8, compared by code point and the same on every system; pages have checksums.
    """
    unfinished = data.with_name(f"{data.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    place.make_owned(unfinished, programs.user)
    options = [f"--pgdata={unfinished}", f"--username={SUPERUSER}", "--data-checksums", "--no-instructions"]
    options += ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    options += ["--auth-local=peer", "--auth-host=scram-sha-256"]
    programs.run("initdb", *options, *([] if durable else ["--no-sync"]))
    unfinished.rename(data)


def check_version(data: Path, programs: Programs) -> None:
    """
    Refuse to start on data that another major version of PostgreSQL wrote.

    Raises:
        ClusterFailed: the versions differ.
    """
    written_by, ours = (data / "PG_VERSION").read_text().strip(), programs.major_version()
    if written_by != ours:
        raise ClusterFailed(
            f"The data in {data} was written by PostgreSQL {written_by} and {ours} is installed: "
            "back it up with the old version and restore it with the new one."
        )


def write_access_rules(data: Path, user: SystemUser) -> None:
    """
    Let in who runs us and the server's own user as `rsolv`, the latter as superuser too, and nobody else.
    """
    lines = ["# Written at every start: operating system user, role."]
    lines += [f'rsolv "{name}" {ROLE}' for name in sorted({caller_name(), user.name})]
    lines.append(f'rsolv "{user.name}" {SUPERUSER}')
    write_private(data / "pg_hba.conf", HOST_BASED_ACCESS, owner=user)
    write_private(data / "pg_ident.conf", "\n".join([*lines, ""]), owner=user)
