def release(root): return root
