"""What the library door adds to the core: tools from functions, a room, a desk, replies."""
