"""Digital participation: comments pinned to a place and a proposal, votes, and their moderation.

rules     what a comment may be, and how it is made safe to show
limits    how often one address may write, kept in memory alone
store     the database: what the public side writes and reads
moderation  what the moderator decides, with an audit trail
service   all of it, opened and closed with the server
api, desk   the interfaces over HTTP: /api/participation for everybody, /moderate behind the login
"""
