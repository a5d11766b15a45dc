INSERT INTO conversation_items (project, conversation_id, position, id, item)
VALUES (:project, :conversation_id, :position, :id, :item)
