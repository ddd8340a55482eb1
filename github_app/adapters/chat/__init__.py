"""Chats: what the rest of Honk knows as `core.chat.ports.Chat`."""
