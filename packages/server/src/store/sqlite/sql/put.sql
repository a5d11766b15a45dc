INSERT INTO responses (project, id, parent_id, created_at, input, response)
VALUES (:project, :id, :parent_id, :created_at, :input, :response)
ON CONFLICT (project, id) DO UPDATE SET
  parent_id = excluded.parent_id,
  created_at = excluded.created_at,
  input = excluded.input,
  response = excluded.response
