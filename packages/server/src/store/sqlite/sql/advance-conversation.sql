UPDATE conversations
SET position = :position + :count
WHERE project = :project AND id = :id AND position = :position AND deleted_at IS NULL
