"""The body: kidney function and body size, each equation with its source and its unit."""
