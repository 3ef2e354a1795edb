"""Template versions: which sections and functions each has (the HOT specification).

A version is named by its date or, from 2016-10-14 on, by its release.
"""

from dataclasses import dataclass

from cumulo.orchestration.language.invalid import Invalid

_FIRST = (
    "get_attr",
    "get_file",
    "get_param",
    "get_resource",
    "list_join",
    "resource_facade",
    "str_replace",
)
_CFN_IN_HOT = (
    "Fn::Select",
    "Fn::GetAZs",
    "Fn::Join",
    "Fn::Split",
    "Fn::Replace",
    "Fn::Base64",
    "Fn::MemberListToMap",
    "Fn::ResourceFacade",
    "Ref",
)
# Date → (release, functions that are new with it)
_NEW: dict[str, tuple[str, tuple[str, ...]]] = {
    "2013-05-23": ("", (*_FIRST, *_CFN_IN_HOT, "Fn::GetAtt")),
    "2014-10-16": ("", ()),
    "2015-04-30": ("", ("repeat", "digest")),
    "2015-10-15": ("", ("str_split",)),
    "2016-04-08": ("", ("map_merge",)),
    "2016-10-14": ("newton", ("yaql", "map_replace", "if")),
    "2017-02-24": ("ocata", ("filter", "str_replace_strict")),
    "2017-09-01": (
        "pike",
        ("make_url", "list_concat", "list_concat_unique", "str_replace_vstrict", "contains"),
    ),
    "2018-03-02": ("queens", ()),
    "2018-08-31": ("rocky", ()),
    "2021-04-16": ("wallaby", ()),
}
CONDITION_FUNCTIONS = ("get_param", "equals", "not", "and", "or")
CFN_FUNCTIONS = (
    "Ref",
    "Fn::FindInMap",
    "Fn::GetAZs",
    "Fn::GetAtt",
    "Fn::Select",
    "Fn::Join",
    "Fn::Split",
    "Fn::Replace",
    "Fn::Base64",
    "Fn::MemberListToMap",
    "Fn::ResourceFacade",
    "Fn::If",
)
CFN_CONDITIONS = ("Fn::Equals", "Ref", "Fn::FindInMap", "Fn::Not", "Fn::And", "Fn::Or")


@dataclass(frozen=True)
class Version:
    """What one version of the language knows."""

    name: str
    """As templates may write it: the date."""
    kind: str
    """hot or cfn"""
    functions: frozenset[str]
    conditions: frozenset[str]
    """Functions of conditions; empty: the version has no conditions."""

    @property
    def has_conditions(self) -> bool:
        return bool(self.conditions)

    def since(self, date: str) -> bool:
        """Whether a HOT version is this one or a later one."""
        return self.kind == "hot" and self.name >= date


def _versions() -> dict[str, Version]:
    made: dict[str, Version] = {}
    functions: set[str] = set()
    for date, (release, new) in _NEW.items():
        functions |= set(new)
        if date == "2014-10-16":
            functions -= {*_CFN_IN_HOT, "Fn::GetAtt"}
            functions.add("Fn::Select")
        if date == "2015-10-15":
            functions.discard("Fn::Select")
        conditions: set[str] = set()
        if date >= "2016-10-14":
            conditions |= set(CONDITION_FUNCTIONS)
        if date >= "2017-09-01":
            conditions |= {"yaql", "contains"}
        made[date] = Version(date, "hot", frozenset(functions), frozenset(conditions))
        if release:
            made[release] = made[date]
    return made


HOT = _versions()
CFN = {
    "2010-09-09": Version("2010-09-09", "cfn", frozenset(CFN_FUNCTIONS), frozenset(CFN_CONDITIONS)),
    "2012-12-12": Version("2012-12-12", "cfn", frozenset(CFN_FUNCTIONS), frozenset()),
}
LATEST = "2021-04-16"


def hot_version(name: str) -> Version:
    """Raises Invalid, naming the versions that there are."""
    found = HOT.get(name)
    if found is None:
        known = ", ".join(sorted(HOT))
        raise Invalid(
            f'The template version is invalid: "heat_template_version: {name}". '
            f'"heat_template_version" should be one of: {known}'
        )
    return found


def cfn_version(key: str, name: str) -> Version:
    found = CFN.get(name)
    if found is None or (key == "AWSTemplateFormatVersion") != (name == "2010-09-09"):
        wanted = "2010-09-09" if key == "AWSTemplateFormatVersion" else "2012-12-12"
        raise Invalid(
            f'The template version is invalid: "{key}: {name}". "{key}" should be: {wanted}'
        )
    return found
