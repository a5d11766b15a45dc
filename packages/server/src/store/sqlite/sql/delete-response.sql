DELETE FROM responses
WHERE project = :project AND id = :id
