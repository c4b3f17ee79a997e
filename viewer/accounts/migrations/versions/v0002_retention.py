"""The record may be shortened at its old end: entries of less than `DAYS` days stay, whoever asks.

Revision: 0002
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"

DAYS = 90
_SQLITE = f"""
CREATE TRIGGER audit_DELETE BEFORE DELETE ON audit
WHEN OLD.made_at > (CAST(strftime('%s', 'now') AS INTEGER) - {DAYS} * 86400) * 1000000
BEGIN SELECT RAISE(ABORT, 'the audit record is only ever added to'); END
"""
_POSTGRESQL = (
    "DROP TRIGGER audit_append_only ON audit",
    """
    CREATE TRIGGER audit_append_only BEFORE UPDATE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()
    """,
    f"""
    CREATE TRIGGER audit_recent BEFORE DELETE ON audit FOR EACH ROW
    WHEN (OLD.made_at > (extract(epoch FROM now()) - {DAYS} * 86400) * 1000000)
    EXECUTE FUNCTION audit_refuse()
    """,
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER audit_DELETE")
        op.execute(_SQLITE)
    else:
        for statement in _POSTGRESQL:
            op.execute(statement)
