"""Steps of object storage."""

from typing import Any

from cumulo.benchmark.engine.run import Run

Found = dict[str, Any]


async def create_container(run: Run, *, public: bool = False, **more: Any) -> str:
    with run.action("swift.create_container"):
        name = run.plain_name()
        headers = {k: str(v) for k, v in (more.get("headers") or {}).items()}
        if public:
            headers.setdefault("X-Container-Read", ".r:*,.rlistings")
        await run.cloud.call("object-store", "PUT", f"/{name}", headers=headers)
        return name


async def delete_container(run: Run, name: str) -> None:
    with run.action("swift.delete_container"):
        await run.cloud.delete("object-store", f"/{name}")


async def list_containers(run: Run) -> list[Found]:
    with run.action("swift.list_containers"):
        found: list[Found] = await run.cloud.get("object-store", "?format=json") or []
        return found


async def list_objects(run: Run, container: str) -> list[Found]:
    """All of them: the service gives 10,000 at a time."""
    with run.action("swift.list_objects"):
        found: list[Found] = []
        while True:
            query = {"format": "json", "marker": found[-1]["name"] if found else None}
            page = await run.cloud.get("object-store", f"/{container}", query=query) or []
            found += page
            if len(page) < 10_000:
                return found


async def upload_object(run: Run, container: str, content: bytes) -> str:
    with run.action("swift.upload_object"):
        name = run.plain_name()
        headers = {"Content-Type": "application/octet-stream"}
        path = f"/{container}/{name}"
        await run.cloud.call("object-store", "PUT", path, body=content, headers=headers)
        return name


async def download_object(run: Run, container: str, name: str) -> int:
    """How many bytes came."""
    with run.action("swift.download_object"):
        path = f"/{container}/{name}"
        return (await run.cloud.call("object-store", "GET", path, keep=False)).size


async def delete_object(run: Run, container: str, name: str) -> None:
    with run.action("swift.delete_object"):
        await run.cloud.delete("object-store", f"/{container}/{name}")
