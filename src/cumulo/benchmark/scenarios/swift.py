"""Scenarios of object storage."""

from typing import Any

from cumulo.benchmark.actions import swift
from cumulo.benchmark.engine.run import Run
from cumulo.benchmark.registry import number, scenario

LARGEST = 256 * 1024 * 1024

_OWN: Any = {
    "services": ("swift",),
    "cleanup": ("swift",),
    "numbers": {
        "object_size": number(0, LARGEST, whole=True),
        "objects_per_container": number(0, 100_000, whole=True),
    },
}
_CONTEXT: Any = {"services": ("swift",), "brings": {"swift_objects": {}}}


async def _filled(run: Run, count: int, size: int, more: dict[str, Any]) -> tuple[str, list[str]]:
    """(container, objects)."""
    container = await swift.create_container(run, **more)
    content = bytes(size)
    return container, [await swift.upload_object(run, container, content) for _ in range(count)]


@scenario("SwiftObjects.create_container_and_object_then_list_objects", **_OWN)
async def create_container_and_object_then_list_objects(
    run: Run, objects_per_container: int = 1, object_size: int = 1024, **kwargs: Any
) -> None:
    """Create a container with objects and list them"""
    container, _ = await _filled(run, objects_per_container, object_size, kwargs)
    await swift.list_objects(run, container)


@scenario("SwiftObjects.create_container_and_object_then_delete_all", **_OWN)
async def create_container_and_object_then_delete_all(
    run: Run, objects_per_container: int = 1, object_size: int = 1024, **kwargs: Any
) -> None:
    """Create a container with objects and delete all"""
    container, objects = await _filled(run, objects_per_container, object_size, kwargs)
    for name in objects:
        await swift.delete_object(run, container, name)
    await swift.delete_container(run, container)


@scenario("SwiftObjects.create_container_and_object_then_download_object", **_OWN)
async def create_container_and_object_then_download_object(
    run: Run, objects_per_container: int = 1, object_size: int = 1024, **kwargs: Any
) -> None:
    """Create a container with objects and download them"""
    container, objects = await _filled(run, objects_per_container, object_size, kwargs)
    for name in objects:
        size = await swift.download_object(run, container, name)
        run.check(size == object_size, f"{size} bytes came of {object_size}")


@scenario("SwiftObjects.list_objects_in_containers", **_CONTEXT)
async def list_objects_in_containers(run: Run) -> None:
    """List containers and the objects of each"""
    for container in await swift.list_containers(run):
        await swift.list_objects(run, container["name"])


@scenario("SwiftObjects.list_and_download_objects_in_containers", **_CONTEXT)
async def list_and_download_objects_in_containers(run: Run) -> None:
    """List containers and objects, and download all of them"""
    found = [
        (container["name"], item["name"])
        for container in await swift.list_containers(run)
        for item in await swift.list_objects(run, container["name"])
    ]
    for container, name in found:
        await swift.download_object(run, container, name)
