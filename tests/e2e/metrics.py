"""Reading a worker's Prometheus page."""

from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.world import World

__all__ = ["counter", "counts", "gauge", "scrape"]


async def scrape(world: World, worker: str) -> str:
    async with world.http.get(f"http://127.0.0.1:{world.stack.ports[worker]}/metrics") as response:
        assert response.status == 200
        return await response.text()


async def counter(world: World, worker: str, name: str, **labels: str) -> float:
    """The sum over every sample that has these labels; 0 before the first one."""
    return await gauge(world, worker, f"{name}_total", **labels)


async def counts(world: World, worker: str, name: str, expected: float, **labels: str) -> None:
    """Waits until a counter says so: things are counted once they are confirmed, a moment after anybody can see them."""

    async def reached() -> bool:
        assert await counter(world, worker, name, **labels) == expected
        return True

    await world.until(reached, what=f"{name} of {labels} to be {expected:g}")


async def gauge(world: World, worker: str, name: str, **labels: str) -> float:
    families = text_string_to_metric_families(await scrape(world, worker))
    samples = (sample for family in families for sample in family.samples if sample.name == name)
    return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())
