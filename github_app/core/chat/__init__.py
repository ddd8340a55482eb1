"""Chat: what people say and press in a thread, decided on as values, and what the thread is told."""
