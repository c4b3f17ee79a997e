"""Who may do what: accounts, sessions, tokens of programs, and the record of what was done.

rights    roles, rights, and which right each address of the server needs: the one table that decides
passwords argon2, and what a password must be
store     the database: accounts with lock-out, sessions, tokens
audit     the record of who did what and when, which nobody can change
"""
