"""A futures venue in memory: REST, WebSocket API and user data stream, faults included.

Part of the product: drills, tests and demonstrations run against it over real sockets. Start with
`goflat.venues.simulated.venue.SimulatedVenue`.
"""
