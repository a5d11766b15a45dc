SELECT asked.value AS id, items.response_id, NULL AS item, responses.input, responses.response
FROM json_each(:ids) AS asked
JOIN response_items AS items ON items.project = :project AND items.id = asked.value
JOIN responses ON responses.project = :project AND responses.id = items.response_id
UNION ALL
SELECT asked.value, NULL, items.item, NULL, NULL
FROM json_each(:ids) AS asked
JOIN conversation_items AS items ON items.project = :project AND items.id = asked.value
