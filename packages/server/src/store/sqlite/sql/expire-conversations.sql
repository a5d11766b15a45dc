DELETE FROM conversations
WHERE deleted_at < :before
