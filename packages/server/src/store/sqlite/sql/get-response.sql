SELECT project, id, parent_id, conversation_id, conversation_position, created_at, input, response
FROM responses
WHERE project = :project AND id = :id
