"""What every integration suite stands on: a throwaway PostgreSQL, a gateway, tokens, and a raw protocol client.

Nothing here outlives the program that uses it: servers are ended and folders removed when a `with` block ends.
Loopback and free ports only. Runs as root (PostgreSQL then runs as nobody) and as any other user.
"""
