SELECT item
FROM conversation_items
WHERE project = :project AND conversation_id = :conversation_id AND position < :position
ORDER BY position
