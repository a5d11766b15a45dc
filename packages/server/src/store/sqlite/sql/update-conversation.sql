UPDATE conversations
SET metadata = :metadata
WHERE project = :project AND id = :id AND deleted_at IS NULL
RETURNING project, id, created_at, position, metadata
