"""From service models to functions: pure, no socket, no file, no event loop."""
