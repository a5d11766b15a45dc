INSERT INTO response_items (project, id, response_id)
SELECT :project, value, :response_id
FROM json_each(:ids)
WHERE TRUE
ON CONFLICT DO NOTHING
