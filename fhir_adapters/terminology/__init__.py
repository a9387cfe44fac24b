"""Code systems, units, routes, timings and products as data; see ``README.md`` for sources and licences."""
