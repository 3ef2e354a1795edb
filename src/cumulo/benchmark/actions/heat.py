"""Steps of orchestration. Templates are files here, read for each stack that is made."""

from pathlib import Path
from typing import Any

from cumulo.benchmark.actions import waiting
from cumulo.benchmark.client.session import NotFound
from cumulo.benchmark.engine.run import CheckFailed, Run

Found = dict[str, Any]

FILE_BYTES = 4 * 1024 * 1024


def read(path: str) -> str:
    """A template or a file of one, relative to where the command was given."""
    found = Path(path).expanduser()
    if found.stat().st_size > FILE_BYTES:
        raise CheckFailed(f"{path} is larger than {FILE_BYTES} bytes")
    return found.read_text()


def _body(template: str, parameters: Found | None, files: Any, environment: Found | None) -> Found:
    """What a stack is made of. `files`: paths, or paths by their names in the template."""
    text = read(template)
    listed = files if isinstance(files, dict) else _named(files or (), text)
    return {
        "disable_rollback": True,
        "parameters": parameters or {},
        "template": text,
        "files": {name: read(path) for name, path in listed.items()},
        "environment": environment or {},
    }


def described(template: str, files: Any, environment: Found | None) -> Found:
    """What is asked whether it could be a stack."""
    whole = _body(template, None, files, environment)
    return {name: whole[name] for name in ("template", "files", "environment")}


def _named(paths: Any, template: str) -> dict[str, str]:
    """Name → path. A template names its files from where it is itself or from the root, a task file
    from where the command is given: what stands in the template is the name."""
    found: dict[str, str] = {}
    for path in paths:
        parts = Path(path).parts
        ends = ["/".join(parts[start:]) for start in range(len(parts))]
        ends.append(str(Path(path).expanduser().absolute()))
        found |= {end: path for end in (path, *ends) if end == path or end in template}
    return found


async def create_stack(
    run: Run,
    template: str,
    parameters: Found | None = None,
    files: Any = None,
    environment: Found | None = None,
) -> Found:
    with run.action("heat.create_stack"):
        body = {"stack_name": run.name(), **_body(template, parameters, files, environment)}
        made = (await run.cloud.post("orchestration", "/stacks", body))["stack"]
        return await _is(run, made["id"], "CREATE")


async def _is(run: Run, id: str, verb: str) -> Found:
    """Wait until an action is complete."""

    async def fetch() -> Any:
        return (await run.cloud.get("orchestration", f"/stacks/{id}"))["stack"]

    failed = (f"{verb}_FAILED", "ERROR")
    timeout = run.timeout(f"heat_stack_{verb.lower()}_timeout")
    found: Found = await waiting.status(
        fetch, (f"{verb}_COMPLETE",), f"stack {id}", timeout, failed=failed, field="stack_status"
    )
    return found


def _path(stack: Found) -> str:
    return f"/stacks/{stack['stack_name']}/{stack['id']}"


async def list_stacks(run: Run) -> list[Found]:
    with run.action("heat.list_stacks"):
        found: list[Found] = (await run.cloud.get("orchestration", "/stacks"))["stacks"]
        return found


async def update_stack(
    run: Run,
    stack: Found,
    template: str,
    parameters: Found | None,
    files: Any,
    environment: Found | None,
) -> None:
    with run.action("heat.update_stack"):
        body = _body(template, parameters, files, environment)
        await run.cloud.put("orchestration", _path(stack), body)
        await _is(run, stack["id"], "UPDATE")


async def _act(run: Run, stack: Found, verb: str) -> None:
    with run.action(f"heat.{verb}_stack"):
        await run.cloud.post("orchestration", f"{_path(stack)}/actions", {verb: None})
        await _is(run, stack["id"], verb.upper())


async def check_stack(run: Run, stack: Found) -> None:
    await _act(run, stack, "check")


async def suspend_stack(run: Run, stack: Found) -> None:
    await _act(run, stack, "suspend")


async def resume_stack(run: Run, stack: Found) -> None:
    await _act(run, stack, "resume")


async def snapshot_stack(run: Run, stack: Found) -> str:
    with run.action("heat.snapshot_stack"):
        made = await run.cloud.post("orchestration", f"{_path(stack)}/snapshots", {})
        await _is(run, stack["id"], "SNAPSHOT")
        id: str = made["id"]
        return id


async def restore_stack(run: Run, stack: Found, snapshot: str) -> None:
    with run.action("heat.restore_stack"):
        path = f"{_path(stack)}/snapshots/{snapshot}/restore"
        await run.cloud.post("orchestration", path)
        await _is(run, stack["id"], "RESTORE")


async def delete_stack(run: Run, stack: Found) -> None:
    with run.action("heat.delete_stack"):
        await run.cloud.delete("orchestration", _path(stack))

        async def fetch() -> Any:
            try:
                path = f"/stacks/{stack['id']}"
                found = (await run.cloud.get("orchestration", path))["stack"]
            except NotFound:
                return {"stack_status": "DELETE_COMPLETE"}
            return found

        await waiting.status(
            fetch,
            ("DELETE_COMPLETE",),
            f"stack {stack['id']}",
            run.timeout("heat_stack_delete_timeout"),
            failed=("DELETE_FAILED", "ERROR"),
            field="stack_status",
        )


async def list_resources(run: Run, stack: Found) -> None:
    with run.action("heat.list_resources"):
        await run.cloud.get("orchestration", f"{_path(stack)}/resources")


async def list_events(run: Run, stack: Found) -> None:
    with run.action("heat.list_events"):
        await run.cloud.get("orchestration", f"{_path(stack)}/events")


async def show_output(run: Run, stack: Found, key: str) -> None:
    with run.action("heat.show_output"):
        await run.cloud.get("orchestration", f"{_path(stack)}/outputs/{key}")


async def list_output(run: Run, stack: Found) -> None:
    with run.action("heat.list_output"):
        await run.cloud.get("orchestration", f"{_path(stack)}/outputs")


async def outputs_of_stack(run: Run, stack: Found, action: str) -> list[Found]:
    """The outputs by showing the whole stack."""
    with run.action(action):
        found = (await run.cloud.get("orchestration", _path(stack)))["stack"]
        outputs: list[Found] = found.get("outputs", [])
        return outputs


async def scale_stack(run: Run, stack: Found, output_key: str, delta: int) -> None:
    """Call the webhook that an output names and wait for so many servers more or fewer."""
    before = await _servers(run, stack)
    with run.action(f"heat.scale_with_{output_key}"):
        urls = [
            o["output_value"] for o in stack.get("outputs", ()) if o["output_key"] == output_key
        ]
        if not urls:
            raise CheckFailed(f"No output key {output_key} found in stack {stack['id']}")
        with run.action(f"heat.{output_key}_webhook"):
            answer = await run.surroundings.http.request("POST", urls[0], {})
            run.check(answer.status < 400, f"the webhook answered {answer.status}")

        async def fetch() -> int:
            return await _servers(run, stack)

        await waiting.until(
            fetch,
            lambda count: count == before + delta,
            f"stack {stack['id']}",
            run.timeout("heat_stack_scale_timeout"),
            wanted=f"one of {before + delta} servers",
        )


async def _servers(run: Run, stack: Found) -> int:
    path = f"{_path(stack)}/resources?nested_depth=1"
    found = (await run.cloud.get("orchestration", path))["resources"]
    return sum(r["resource_type"] == "OS::Nova::Server" for r in found)
