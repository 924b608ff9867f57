# SPDX-License-Identifier: Apache-2.0
"""Glance for uWSGI, whose native threads let sqlite's writers meet.

One that has begun by reading is told "database is locked" at once, with no time to wait, if another
has written meanwhile. So a transaction says when it begins that it may write.
"""
import sqlalchemy.engine
import sqlalchemy.event
from glance.common.wsgi_app import init_app


@sqlalchemy.event.listens_for(sqlalchemy.engine.Engine, "before_cursor_execute", retval=True)
def begin_as_a_writer(_connection, _cursor, statement, parameters, _context, _executemany):
    return "BEGIN IMMEDIATE" if statement == "BEGIN" else statement, parameters


application = init_app()
