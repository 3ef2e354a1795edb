"""The filters of hosts that are on where nobody says otherwise; `service.filters` has them all."""

USUAL = (
    *("ComputeCapabilitiesFilter", "ImagePropertiesFilter", "SimpleCIDRAffinityFilter"),
    *("AggregateInstanceExtraSpecsFilter", "JsonFilter"),
)
"""They only count where a flavor, an image or a hint asks for something."""
