UPDATE conversations
SET deleted_at = :deleted_at
WHERE project = :project AND id = :id AND deleted_at IS NULL
