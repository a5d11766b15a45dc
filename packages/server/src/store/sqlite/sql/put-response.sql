INSERT INTO responses (
  project, id, parent_id, chain_id, conversation_id, conversation_position, created_at, input, response
)
VALUES (
  :project,
  :id,
  :parent_id,
  COALESCE((SELECT chain_id FROM responses WHERE project = :project AND id = :parent_id), :id),
  :conversation_id,
  :conversation_position,
  :created_at,
  :input,
  :response
)
ON CONFLICT (project, id) DO UPDATE SET
  parent_id = excluded.parent_id,
  chain_id = excluded.chain_id,
  conversation_id = excluded.conversation_id,
  conversation_position = excluded.conversation_position,
  created_at = excluded.created_at,
  input = excluded.input,
  response = excluded.response
