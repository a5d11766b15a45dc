SELECT events
FROM response_events
WHERE project = :project AND response_id = :response_id AND last_number > :after
ORDER BY last_number
LIMIT 256
