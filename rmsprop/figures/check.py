def check(root): return []
