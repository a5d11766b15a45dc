-- UNION, not UNION ALL: a ring of parents ends. IN, not JOIN: a join tempts the planner to read all of the project's rows.
WITH RECURSIVE ancestors (id, parent_id) AS (
  SELECT id, parent_id
  FROM responses
  WHERE project = :project AND id = :id
  UNION
  SELECT parent.id, parent.parent_id
  FROM ancestors
  JOIN responses AS parent ON parent.project = :project AND parent.id = ancestors.parent_id
  WHERE ancestors.parent_id NOT IN (SELECT value FROM json_each(:until))
)
SELECT project, id, parent_id, conversation_id, conversation_position, created_at, input, response
FROM responses
WHERE project = :project AND id IN (SELECT id FROM ancestors)
