SELECT owner
FROM leases
WHERE project = :project AND response_id = :response_id
