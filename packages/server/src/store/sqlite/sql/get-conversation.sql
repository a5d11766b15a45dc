SELECT project, id, created_at, position, metadata
FROM conversations
WHERE project = :project AND id = :id AND deleted_at IS NULL
