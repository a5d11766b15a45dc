INSERT INTO conversation_items (project, conversation_id, position, id, item)
VALUES (:project, :conversation_id, :position, :id, :item)
-- An item that is in the conversation already is not added again.
ON CONFLICT (project, id, conversation_id) DO NOTHING
