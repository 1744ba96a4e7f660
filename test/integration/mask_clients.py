class Clients:
    def __init__(self, *a): pass
    def cases(self): return []
