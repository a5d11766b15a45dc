SELECT item, position
FROM conversation_items
WHERE project = :project AND id = :id AND conversation_id = :conversation_id
