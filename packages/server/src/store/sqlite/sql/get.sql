SELECT project, id, parent_id, created_at, input, response
FROM responses
WHERE project = :project AND id = :id
