"""A sample EHR over ``fixtures/``: a page that is a plain CDS Hooks client, and a plain FHIR R4 endpoint.

It stands in for somebody else's software, so it shares no code with the service beside it. It is for
demonstration on one machine: the record is made up, kept in memory, and gone when the process ends.
"""

from cds_hooks.sample_ehr.app import create_sample_ehr

__all__ = ["create_sample_ehr"]
