"""The whole service against the playground's servers, over the real wire protocols."""
