"""OGC SensorThings API 1.1, part 1: sensing (18-088), as a service over the store.

model   what entities, properties and relations there are
paths, syntax, options   what a URL asks for
sql, values, functions, spatial, compiler   $filter and $orderby as SQL of SQLite and PostgreSQL
visible   who may see what
read, render   answers
checks, write, patch, arrays   create, update, delete
routes   HTTP
"""
