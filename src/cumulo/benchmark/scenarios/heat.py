"""Scenarios of orchestration."""

from typing import Any

from cumulo.benchmark.actions import heat
from cumulo.benchmark.engine.run import Run
from cumulo.benchmark.registry import scenario

Args = dict[str, Any] | None

_LOOK: Any = {"services": ("heat",)}
_OWN: Any = {"services": ("heat",), "cleanup": ("heat",), "files": ("template_path",)}


@scenario("HeatStacks.create_and_list_stack", **_OWN)
async def create_and_list_stack(
    run: Run,
    template_path: str,
    parameters: Args = None,
    files: Any = None,
    environment: Args = None,
) -> None:
    """Create a stack and find it in the list of all"""
    stack = await heat.create_stack(run, template_path, parameters, files, environment)
    listed = await heat.list_stacks(run)
    run.check(any(s["id"] == stack["id"] for s in listed), "the stack is not in the list")


@scenario("HeatStacks.create_and_delete_stack", **_OWN)
async def create_and_delete_stack(
    run: Run,
    template_path: str,
    parameters: Args = None,
    files: Any = None,
    environment: Args = None,
) -> None:
    """Create a stack and delete it"""
    stack = await heat.create_stack(run, template_path, parameters, files, environment)
    await heat.delete_stack(run, stack)


@scenario("HeatStacks.create_check_delete_stack", **_OWN)
async def create_check_delete_stack(
    run: Run,
    template_path: str,
    parameters: Args = None,
    files: Any = None,
    environment: Args = None,
) -> None:
    """Create a stack, have it checked, delete it"""
    stack = await heat.create_stack(run, template_path, parameters, files, environment)
    await heat.check_stack(run, stack)
    await heat.delete_stack(run, stack)


@scenario(
    "HeatStacks.create_update_delete_stack",
    **{**_OWN, "files": ("template_path", "updated_template_path")},
)
async def create_update_delete_stack(
    run: Run,
    template_path: str,
    updated_template_path: str,
    parameters: Args = None,
    updated_parameters: Args = None,
    files: Any = None,
    updated_files: Any = None,
    environment: Args = None,
    updated_environment: Args = None,
) -> None:
    """Create a stack, update it, delete it"""
    stack = await heat.create_stack(run, template_path, parameters, files, environment)
    await heat.update_stack(
        run,
        stack,
        updated_template_path,
        updated_parameters or parameters,
        updated_files or files,
        updated_environment or environment,
    )
    await heat.delete_stack(run, stack)


@scenario("HeatStacks.create_stack_and_scale", **_OWN)
async def create_stack_and_scale(
    run: Run,
    template_path: str,
    output_key: str,
    delta: int,
    parameters: Args = None,
    files: Any = None,
    environment: Args = None,
) -> None:
    """Create a stack and scale it by a webhook"""
    stack = await heat.create_stack(run, template_path, parameters, files, environment)
    await heat.scale_stack(run, stack, output_key, delta)


@scenario("HeatStacks.create_suspend_resume_delete_stack", **_OWN)
async def create_suspend_resume_delete_stack(
    run: Run,
    template_path: str,
    parameters: Args = None,
    files: Any = None,
    environment: Args = None,
) -> None:
    """Create a stack, suspend and resume it, delete it"""
    stack = await heat.create_stack(run, template_path, parameters, files, environment)
    await heat.suspend_stack(run, stack)
    await heat.resume_stack(run, stack)
    await heat.delete_stack(run, stack)


@scenario("HeatStacks.create_snapshot_restore_delete_stack", **_OWN)
async def create_snapshot_restore_delete_stack(
    run: Run,
    template_path: str,
    parameters: Args = None,
    files: Any = None,
    environment: Args = None,
) -> None:
    """Create a stack and a snapshot of it, restore that, delete all"""
    stack = await heat.create_stack(run, template_path, parameters, files, environment)
    snapshot = await heat.snapshot_stack(run, stack)
    await heat.restore_stack(run, stack, snapshot)
    await heat.delete_stack(run, stack)


@scenario("HeatStacks.create_stack_and_show_output", **_OWN)
async def create_stack_and_show_output(
    run: Run,
    template_path: str,
    output_key: str,
    parameters: Args = None,
    files: Any = None,
    environment: Args = None,
) -> None:
    """Create a stack and show one of its outputs"""
    stack = await heat.create_stack(run, template_path, parameters, files, environment)
    await heat.show_output(run, stack, output_key)


@scenario("HeatStacks.create_stack_and_show_output_via_API", **_OWN)
async def create_stack_and_show_output_via_api(
    run: Run,
    template_path: str,
    output_key: str,
    parameters: Args = None,
    files: Any = None,
    environment: Args = None,
) -> None:
    """Create a stack and find one of its outputs by showing all of it"""
    stack = await heat.create_stack(run, template_path, parameters, files, environment)
    await heat.outputs_of_stack(run, stack, "heat.show_output_via_API")


@scenario("HeatStacks.create_stack_and_list_output", **_OWN)
async def create_stack_and_list_output(
    run: Run,
    template_path: str,
    parameters: Args = None,
    files: Any = None,
    environment: Args = None,
) -> None:
    """Create a stack and list its outputs"""
    stack = await heat.create_stack(run, template_path, parameters, files, environment)
    await heat.list_output(run, stack)


@scenario("HeatStacks.create_stack_and_list_output_via_API", **_OWN)
async def create_stack_and_list_output_via_api(
    run: Run,
    template_path: str,
    parameters: Args = None,
    files: Any = None,
    environment: Args = None,
) -> None:
    """Create a stack and list its outputs by showing all of it"""
    stack = await heat.create_stack(run, template_path, parameters, files, environment)
    await heat.outputs_of_stack(run, stack, "heat.list_output_via_API")


@scenario("HeatStacks.list_stacks_and_resources", **_LOOK)
async def list_stacks_and_resources(run: Run) -> None:
    """List stacks and the resources of each"""
    for stack in await heat.list_stacks(run):
        await heat.list_resources(run, stack)


@scenario("HeatStacks.list_stacks_and_events", **_LOOK)
async def list_stacks_and_events(run: Run) -> None:
    """List stacks and the events of each"""
    for stack in await heat.list_stacks(run):
        await heat.list_events(run, stack)
