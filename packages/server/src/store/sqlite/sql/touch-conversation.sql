UPDATE conversations
SET position = position + 1
WHERE project = :project AND id = :id AND deleted_at IS NULL
