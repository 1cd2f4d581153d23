"""How often the bisect is right and what it costs, on breakages whose causes are known: `golden/bisect/table.md`."""
