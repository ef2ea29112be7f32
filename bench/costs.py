"""
What a measurement costs in processor time, and how much of the machine others used meanwhile.
"""

import resource
import time
from dataclasses import dataclass

import psutil

from bench.machine import busy_seconds
from bench.product import Product


@dataclass(frozen=True)
class Costs:
    """
    Processor seconds between two readings; *others* is everything on this machine that does not belong to us.
    """

    wall: float
    generator: float
    web: float
    postgres: float
    others: float

    @property
    def others_cores(self) -> float:
        """
        How many cores others kept busy on average.
        """
        return self.others / self.wall


class Meter:
    """
    Read the processor time of all parts; each reading gives the costs since the one before.
    """

    def __init__(self, product: Product, postgres_pid: int) -> None:
        self._product = product
        self._postgres = psutil.Process(postgres_pid)
        self._before = self._read()

    def read(self) -> Costs:
        """
        Give the costs since the last reading.
        """
        before, self._before = self._before, self._read()
        wall, busy, generator, web, postgres = (now - then for now, then in zip(self._before, before, strict=True))
        return Costs(wall, generator, web, postgres, others=max(busy - generator - web - postgres, 0.0))

    def _read(self) -> tuple[float, ...]:
        ended_children = resource.getrusage(resource.RUSAGE_CHILDREN)
        generator = time.process_time() + ended_children.ru_utime + ended_children.ru_stime
        return time.perf_counter(), busy_seconds(), generator, self._product.cpu_seconds(), self._of_postgres()

    def _of_postgres(self) -> float:
        """
        Add up the server, its processes that live, and those that ended and that it has waited for.

        Read again when one ended meanwhile: it would be missing here and too much the next time.
        """
        while True:
            server = self._postgres.cpu_times()
            living = [_cpu_seconds(backend) for backend in self._postgres.children()]
            if self._postgres.cpu_times()[2:4] == server[2:4]:
                return float(sum(server[:4]) + sum(living))


def _cpu_seconds(process: psutil.Process) -> float:
    try:
        return float(sum(process.cpu_times()[:2]))
    except psutil.NoSuchProcess:
        return 0.0
